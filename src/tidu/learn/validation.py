"""How good are the parameters after an epoch: a loss on held-out rows, or the user's own score.

This file knows nothing of steps and optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import shape_of
from tidu.errors import ParameterError, ShapeError
from tidu.learn.batches import TrainingData, as_training_data
from tidu.learn.optimizers import Tree
from tidu.learn.step import LossFunction
from tidu.nn.random import bits
from tidu.transforms.compiled import jit

__all__ = [
    "DataValidation",
    "Measured",
    "Metrics",
    "ScoreValidation",
    "Validation",
    "make_validation",
    "validation_rows",
]

Metrics: TypeAlias = Mapping[str, Callable[[Tree, object], object]]
"""Names, and functions ``metric(params, batch)`` -> a mean over the batch's rows."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found: a loss to be low, or a score to be high, and the user's metrics."""

    loss: float | None = None
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


class Validation(Protocol):
    """Judges parameters."""

    def __call__(self, params: Tree) -> Measured:
        """Return what these parameters are worth."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreValidation:
    """The user's own function of the parameters; higher is better."""

    function: Callable[[Tree], object]

    def __call__(self, params: Tree) -> Measured:
        """Return the score."""
        return Measured(score=_number(self.function(params), "validation"))


class DataValidation:
    """A loss, and metrics, on rows of their own.

    Parameters
    ----------
    loss : callable
        ``loss(params, batch)``, without key.
    metrics : mapping
    data : TrainingData
    batch_size : int
    """

    def __init__(
        self, loss: Callable[[Tree, object], object], metrics: Metrics, data: TrainingData, batch_size: int
    ) -> None:
        self.data = data
        self.batch_size = batch_size
        self._names = tuple(metrics)

        def evaluate(params: Tree, batch: object) -> list[object]:
            return [loss(params, batch), *[metric(params, batch) for metric in metrics.values()]]

        self.evaluate = evaluate
        self._compiled = jit(evaluate)

    def __call__(self, params: Tree) -> Measured:
        """Return the means over the rows, each batch weighing as many as it has."""
        totals = np.zeros(1 + len(self._names))
        names = ("the validation loss", *[f"metric {name!r}" for name in self._names])
        for count, batch in self.data.batches(self.batch_size):
            with np.errstate(all="ignore"):  # what is not finite ends the run, with the epoch's number
                found = self._compiled(params, batch)
                totals += [count * _number(x, name) for x, name in zip(cast("list[object]", found), names, strict=True)]
        loss, *means = (totals / len(self.data)).tolist()
        return Measured(loss=loss, metrics=dict(zip(self._names, means, strict=True)))


def validation_rows(
    validation: object, data: TrainingData, key: NDArray[np.uint64]
) -> tuple[TrainingData | None, TrainingData]:
    """Return the rows to validate on, if it is to be done on rows, and those that remain for training.

    Raises
    ------
    ParameterError
        If a fraction leaves one side empty.
    ShapeError
        If validation data are not nested as the data.
    DataError
        If they hold what cannot be computed with.
    """
    if validation is None or callable(validation):
        return None, data
    if isinstance(validation, (bool, int, float, np.number)):
        return _hold_out(float(validation), data, key)
    held = as_training_data(validation, "validation")
    _require_same_nesting(held, data)
    return held, data


def make_validation(
    validation: object,
    held: TrainingData | None,
    loss: LossFunction,
    eval_loss: Callable[[Tree, object], object] | None,
    metrics: Metrics | None,
    batch_size: int,
) -> Validation | None:
    """Return what judges the parameters, if anything does.

    Raises
    ------
    ParameterError
        If a loss without key is needed and there is none, or if `metrics` or `eval_loss` are given without
        rows to measure them on.
    """
    if held is not None:
        if eval_loss is None and loss.needs_key:
            raise ParameterError(
                "loss needs a key, which validation does not have; give eval_loss=, or let the loss take key=None",
                expected="eval_loss",
            )
        return DataValidation(eval_loss or loss.without_key, metrics or {}, held, batch_size)
    if metrics or eval_loss is not None:
        raise ParameterError(
            "metrics and eval_loss are measured on validation rows; give validation=(X, y) or a fraction",
            got=validation,
        )
    return ScoreValidation(validation) if callable(validation) else None


def _hold_out(fraction: float, data: TrainingData, key: NDArray[np.uint64]) -> tuple[TrainingData, TrainingData]:
    n_rows = len(data)
    n_held = round(fraction * n_rows)
    if not 0.0 < fraction < 1.0 or not 0 < n_held < n_rows:
        raise ParameterError(
            f"validation as a fraction must leave rows on both sides; got {fraction:g} of {n_rows} row(s)", got=fraction
        )
    order = np.argsort(np.asarray(bits(key, n_rows)), kind="stable")
    return data.part(np.sort(order[:n_held])), data.part(np.sort(order[n_held:]))


def _require_same_nesting(held: TrainingData, data: TrainingData) -> None:
    widths = [column.shape[1:] for column in data.columns]
    if held.structure != data.structure or [column.shape[1:] for column in held.columns] != widths:
        raise ShapeError(
            f"validation must be nested as data with rows of the same shapes; expected {data.structure} with "
            f"{widths}, got {held.structure} with {[column.shape[1:] for column in held.columns]}",
            expected=widths,
            got=[column.shape[1:] for column in held.columns],
        )


def _number(value: object, what: str) -> float:
    if shape_of(value):
        raise ShapeError(
            f"{what} must be one number, got shape {list(shape_of(value))}", expected=(), got=shape_of(value)
        )
    return float(cast("float", value))
