"""How good are the parameters after an epoch: a loss on held-out rows, or the user's own score.

This file knows nothing of steps and optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError, ShapeError
from tidu.learn.batches import TrainingData, as_training_data
from tidu.learn.optimizers import Tree
from tidu.learn.step import LossFunction
from tidu.nn.random import bits
from tidu.transforms.compiled import jit

__all__ = ["DataValidation", "Measured", "Metrics", "ScoreValidation", "Validation", "make_validation"]

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
        self._batch_size = batch_size
        self._names = tuple(metrics)
        self._compiled = jit(
            lambda params, batch: [loss(params, batch), *[metric(params, batch) for metric in metrics.values()]]
        )

    def __call__(self, params: Tree) -> Measured:
        """Return the means over the rows, each batch weighing as many as it has."""
        totals = np.zeros(1 + len(self._names))
        for count, batch in self.data.batches(self._batch_size):
            found = self._compiled(params, batch)
            names = ("the validation loss", *[f"metric {name!r}" for name in self._names])
            totals += [count * _number(x, name) for x, name in zip(found, names, strict=True)]  # type: ignore[call-overload]
        loss, *means = (totals / len(self.data)).tolist()
        return Measured(loss=loss, metrics=dict(zip(self._names, means, strict=True)))


def make_validation(
    validation: object,
    data: TrainingData,
    loss: LossFunction,
    eval_loss: Callable[[Tree, object], object] | None,
    metrics: Metrics | None,
    batch_size: int,
    key: NDArray[np.uint64],
) -> tuple[Validation | None, TrainingData]:
    """Return what judges the parameters, if anything does, and the rows that remain for training.

    Raises
    ------
    ParameterError
        If `validation` is not understood, if it needs a loss without key and there is none, or if `metrics`
        or `eval_loss` are given without rows to measure them on.
    DataError
        If the validation data are not nested as the data, or hold what cannot be computed with.
    """
    if validation is None or callable(validation):
        if metrics or eval_loss is not None:
            raise ParameterError(
                "metrics and eval_loss are measured on validation rows; give validation=(X, y) or a fraction",
                got=validation,
            )
        return (None if validation is None else ScoreValidation(validation)), data
    if eval_loss is None and loss.needs_key:
        raise ParameterError(
            "loss needs a key, which validation does not have; give eval_loss=, or let the loss take key=None",
            expected="eval_loss",
        )
    if isinstance(validation, (bool, int, float, np.number)):
        held, data = _hold_out(float(validation), data, key)
    else:
        held = as_training_data(validation, "validation")
        _require_same_nesting(held, data)
    judge = DataValidation(eval_loss or loss.without_key, metrics or {}, held, batch_size)
    return judge, data


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
    if np.ndim(value) != 0:  # type: ignore[arg-type]
        raise ShapeError(
            f"{what} must be one number, got shape {list(np.shape(value))}",  # type: ignore[arg-type]
            expected=(),
            got=np.shape(value),  # type: ignore[arg-type]
        )
    return float(value)  # type: ignore[arg-type]
