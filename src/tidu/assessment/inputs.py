"""Which rows are assessed, on which scale, and is their target a class or a number?

Numbers get mean 0 and variance 1, columns of 0 and 1 and the bytes of pictures
stay as they are. This file knows nothing of what is asked of the rows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from numbers import Number

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.assessment.encoding import Encoded, encode, missing, target_apart
from tidu.data import (
    ArraySource,
    BlockSource,
    Dataset,
    RowsSource,
    as_source,
    blocks,
    dataset_of,
    open_dataset,
    select_features,
    take,
)
from tidu.data.opening import DataLike
from tidu.data.scaling import ScaledSource, Scaling, fit_scaling, rows_per_block, scaled_matrix
from tidu.data.target import Target, Task, read_target
from tidu.errors import DataError, DtypeError, ParameterError, ShapeError

__all__ = ["FEWEST_ROWS", "Rows", "open_features", "open_rows", "sample_of", "sampled_rows"]

# A scaled copy of at most so much is kept; larger ones are scaled again whenever they are read.
_HELD_BYTES = 1 << 26
# Beyond, squares of a target leave the range of float64.
_SMALLEST, _LARGEST = 1e-140, 1e140
FEWEST_ROWS = 20
"""Fewer rows are not assessed."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What is assessed.

    Attributes
    ----------
    data : Dataset
        As it was given.
    target : Target
        Classes or numbers, and why.
    scaled : BlockSource of shape (n_rows, n_features)
        Features whose distances mean something.
    test : BlockSource or None
        Held-out rows on the same scale.
    held : BlockSource or None
        Held-out rows as they were given.
    held_bytes : int
        What the scaled copy takes, and text as numbers.
    """

    data: Dataset
    target: Target
    scaled: BlockSource
    test: BlockSource | None
    held: BlockSource | None
    held_bytes: int

    @property
    def y(self) -> NDArray[np.generic]:
        """Targets of shape (n_rows,): class codes (int64), or numbers (float64)."""
        return self.target.values

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return bool(self.target.class_names)

    def chosen(self, kept: NDArray[np.intp]) -> Rows:
        """Return some of the rows, held-out ones as they are."""
        data = replace(self.data, X=RowsSource(self.data.X, kept), y=None)
        return replace(
            self,
            data=data,
            target=replace(self.target, values=self.target.values[kept]),
            scaled=RowsSource(self.scaled, kept),
        )


def open_rows(
    X: DataLike,
    y: ArrayLike | None,
    target: str | int | None,
    test: DataLike | None,
    task: Task | None,
    memory_limit: int | None,
) -> Rows:
    """Open features and target, and bring the features to one scale.

    Raises
    ------
    TiduError
        If they cannot be read, hold NaN or infinities, do not fit each other, or are fewer than 20 rows.
    """
    if task not in (None, "classification", "regression"):
        raise ParameterError(f"task must be 'classification', 'regression' or None; got {task!r}", got=task)
    if y is None:
        X, y = target_apart(X, target)
    elif target is not None:
        raise ParameterError(f"both y and target={target!r} are given; leave one of them out", got=target)
    encoded = Encoded(X, test, (), 0)
    if y is None:
        data = open_dataset(X, target=target)
    else:
        encoded = encode(X, test, memory_limit)
        features = open_dataset(encoded.X)
        data = dataset_of(
            features.X,
            as_source(_one_column(y)),
            feature_names=encoded.names or features.feature_names,
            image_shape=features.image_shape,
            pixel_max=features.pixel_max,
        )
    found = read_target(data, task)
    if data.n_samples < FEWEST_ROWS:
        raise DataError(
            f"{data.X.name} has {data.n_samples} rows; at least {FEWEST_ROWS} are needed to assess them",
            n_samples=data.n_samples,
        )
    if not found.class_names:
        _require_squares(found.values.astype(np.float64), data)
    scaling = _scaling_of(data)
    scaled, n_bytes = scaled_source(data.X, scaling, memory_limit)
    held = _test_of(data, encoded.test)
    on_scale = held if held is None or scaling is None else ScaledSource(held, scaling)
    return Rows(data, found, scaled, on_scale, held, n_bytes + encoded.n_bytes)


def _require_squares(y: NDArray[np.float64], data: Dataset) -> None:
    """Refuse targets so large, or so close to each other, that their variance is no number."""
    largest, apart = float(np.abs(y).max()), float(y.max() / 2.0 - y.min() / 2.0)
    if largest > _LARGEST or apart < _SMALLEST:
        size = f"values up to {largest:.3g}" if largest > _LARGEST else f"values only {2.0 * apart:.3g} apart"
        raise DataError(
            f"the target {data.target_name or 'y'!r} of {data.X.name} has {size}, whose squares float64 cannot hold; "
            "give it in another unit",
            largest=largest,
        )


def _test_of(data: Dataset, test: DataLike | None) -> BlockSource | None:
    """Return held-out rows: those given, or those that the data set sets apart."""
    if test is None:
        held = data.test
    else:
        held = open_dataset(test)
        if isinstance(test, str | os.PathLike):
            # Its target, should it have one, is a column like any other that is left out.
            held = select_features(held, data.feature_names)
    if held is None:
        return None
    if held.n_features != data.n_features:
        raise ShapeError(
            f"test has {held.n_features} features, X has {data.n_features}; they must agree",
            expected=data.n_features,
            got=held.n_features,
        )
    return held.X


def _scaling_of(data: Dataset) -> Scaling | None:
    """Return how features come to one scale, None for pixels, which are on one."""
    if data.X.dtype == np.uint8 or data.pixel_max is not None:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # told below, with the column
        scaling = fit_scaling(data.X, None)
    odd = np.flatnonzero(~np.isfinite(scaling.scale))
    if len(odd):
        name = data.feature_names[odd[0]] if len(data.feature_names) > odd[0] else f"x{odd[0]}"
        raise DataError(
            f"column {name!r} of {data.X.name} has values whose squares float64 cannot hold; give it in another unit",
            column=name,
        )
    return _without_switches(scaling, data.X)


def scaled_source(X: BlockSource, scaling: Scaling | None, memory_limit: int | None) -> tuple[BlockSource, int]:
    """Return features on one scale, and the bytes of the copy that is kept of them."""
    if scaling is None:
        return X, 0
    n_bytes = 4 * X.shape[0] * X.shape[1]
    if n_bytes <= (_HELD_BYTES if memory_limit is None else min(_HELD_BYTES, memory_limit // 4)):
        return ArraySource(scaled_matrix(X, scaling), X.name), n_bytes
    return ScaledSource(X, scaling), 0


def open_features(X: DataLike, memory_limit: int | None) -> tuple[BlockSource, BlockSource]:
    """Open features alone; return them as they are, and on one scale."""
    data = open_dataset(encode(X, None, memory_limit).X)
    return data.X, scaled_source(data.X, _scaling_of(data), memory_limit)[0]


def _without_switches(scaling: Scaling, X: BlockSource) -> Scaling:
    """Leave columns of 0 and 1 as they are: rare values would otherwise count more than all the rest."""
    switches = np.ones(X.shape[1], bool)
    for _, block in blocks(X, rows_per_block(X.shape[1])):
        switches &= ((block == 0) | (block == 1)).all(axis=0)
    return Scaling(scaling.kind, np.where(switches, 0.0, scaling.shift), np.where(switches, 1.0, scaling.scale))


def _one_column(y: ArrayLike) -> ArrayLike:
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] != 1:
        raise ShapeError(
            f"y has shape {shape}; give one target at a time, of shape (n_samples,)", expected="(n_samples,)", got=shape
        )
    if len(shape) == 0:
        return y
    values = np.asarray(y).reshape(-1)
    empty = np.flatnonzero(missing(values))
    if len(empty):
        raise DataError(
            f"y has no value in row {empty[0]} (counted from 0); remove such rows from X and y", row=int(empty[0])
        )
    if values.dtype.kind in "mM":
        raise DtypeError(
            f"y has dtype {values.dtype}; expected numbers or names of classes: give, for example, days since a date",
            got=values.dtype,
        )
    if values.dtype.kind == "O" and all(isinstance(one, Number) for one in values):
        return np.asarray(values.astype(np.float64))  # decimal numbers, say, as databases give them
    return y


def sampled_rows(X: BlockSource, most_rows: int, most_bytes: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return numbers of random rows, ascending: as many as may be held."""
    n_rows, n_features = X.shape
    n = max(1, min(n_rows, most_rows, most_bytes // (n_features * 8)))
    return np.sort(rng.choice(n_rows, n, replace=False)) if n < n_rows else np.arange(n_rows)


def sample_of(X: BlockSource, rows: NDArray[np.intp]) -> NDArray[np.generic]:
    """Return these rows in memory."""
    return X.read(0, X.shape[0]) if len(rows) == X.shape[0] else take(X, rows)
