"""Which rows are assessed, on which scale, and is their target a class or a number?

Text becomes one column for each value; numbers get mean 0 and variance 1, columns of 0 and 1 and the bytes of pictures
stay as they are. This file knows nothing of what is asked of the rows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.data import (
    ArraySource,
    BlockSource,
    Dataset,
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
from tidu.errors import DataError, ParameterError, ShapeError

__all__ = ["FEWEST_ROWS", "Rows", "open_features", "open_rows", "sample_of", "sampled_rows", "with_numbers"]

# A scaled copy of at most so much is kept; larger ones are scaled again whenever they are read.
_HELD_BYTES = 1 << 26
_MOST_VALUES = 1000
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
    held_bytes : int
        What the scaled copy takes.
    """

    data: Dataset
    target: Target
    scaled: BlockSource
    test: BlockSource | None
    held_bytes: int

    @property
    def y(self) -> NDArray[np.generic]:
        """Targets of shape (n_rows,): class codes (int64), or numbers (float64)."""
        return self.target.values

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return bool(self.target.class_names)


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
    held_out = test
    if y is None:
        data = open_dataset(X, target=target)
    else:
        X, held_out, names = with_numbers(X, test)
        features = open_dataset(X)
        data = dataset_of(
            features.X,
            as_source(_one_column(y)),
            feature_names=names or features.feature_names,
            image_shape=features.image_shape,
            pixel_max=features.pixel_max,
        )
    found = read_target(data, task)
    if data.n_samples < FEWEST_ROWS:
        raise DataError(
            f"{data.X.name} has {data.n_samples} rows; at least {FEWEST_ROWS} are needed to assess them",
            n_samples=data.n_samples,
        )
    scaling = _scaling_of(data)
    scaled, n_bytes = scaled_source(data.X, scaling, memory_limit)
    return Rows(data, found, scaled, _test_of(data, held_out, scaling), n_bytes)


def _test_of(data: Dataset, test: DataLike | None, scaling: Scaling | None) -> BlockSource | None:
    """Return held-out rows on the scale of the others: those given, or those that the data set sets apart."""
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
    return held.X if scaling is None else ScaledSource(held.X, scaling)


def _scaling_of(data: Dataset) -> Scaling | None:
    """Return how features come to one scale, None for pixels, which are on one."""
    if data.X.dtype == np.uint8 or data.pixel_max is not None:
        return None
    return _without_switches(fit_scaling(data.X, None), data.X)


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
    data = open_dataset(with_numbers(X, None)[0])
    return data.X, scaled_source(data.X, _scaling_of(data), memory_limit)[0]


def _without_switches(scaling: Scaling, X: BlockSource) -> Scaling:
    """Leave columns of 0 and 1 as they are: rare values would otherwise count more than all the rest."""
    switches = np.ones(X.shape[1], bool)
    for _, block in blocks(X, rows_per_block(X.shape[1])):
        switches &= ((block == 0) | (block == 1)).all(axis=0)
    return Scaling(scaling.kind, np.where(switches, 0.0, scaling.shift), np.where(switches, 1.0, scaling.scale))


def with_numbers(X: DataLike, test: DataLike | None) -> tuple[DataLike, DataLike | None, tuple[str, ...]]:
    """Return tables with each column of text as one column of 0 and 1 for each value, and the names of the columns.

    Anything but a pandas DataFrame or an array with text is returned as it is, without names.

    Examples
    --------
    >>> X, _, names = with_numbers(np.array([["red", 1], ["blue", 2], ["red", 3]], dtype=object), None)
    >>> X.tolist(), names
    ([[0.0, 1.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, 3.0]], ('x0=blue', 'x0=red', 'x1'))
    """
    columns = _columns(X)
    if columns is None:
        return X, test, ()
    held = _columns(test[0] if isinstance(test, tuple) else test)
    n_rows = len(next(iter(columns.values()))) if columns else 0
    together = held is not None and len(held) == len(columns)
    if together:
        assert held is not None
        pairs = zip(columns.items(), held.values(), strict=True)
        columns = {name: np.concatenate([one.astype(object), more.astype(object)]) for (name, one), more in pairs}
    parts = [_numbers(name, column) for name, column in columns.items()]
    matrix = np.hstack([numbers for numbers, _ in parts])
    return matrix[:n_rows], matrix[n_rows:] if together else test, tuple(name for _, names in parts for name in names)


def _columns(X: object) -> dict[str, NDArray[np.generic]] | None:
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        return {str(name): np.asarray(X.iloc[:, i]) for i, name in enumerate(X.columns)}
    if isinstance(X, np.ndarray | list):
        array = np.asarray(X)
        if array.dtype.kind in "OU" and array.ndim == 2:
            return {f"x{i}": column for i, column in enumerate(array.T)}
    return None


def _numbers(name: str, column: NDArray[np.generic]) -> tuple[NDArray[np.float64], list[str]]:
    try:
        return column.astype(np.float64)[:, None], [name]
    except (TypeError, ValueError):
        values, codes = np.unique(column.astype(np.str_), return_inverse=True)
    if len(values) > _MOST_VALUES:
        raise DataError(
            f"column {name!r} of X is text with {len(values):,} different values (at most {_MOST_VALUES}); "
            "leave it out, or make numbers of it",
            column=name,
            got=len(values),
        )
    numbers = np.asarray(codes.reshape(-1, 1) == np.arange(len(values)), np.float64)
    return numbers, [f"{name}={value}" for value in values]


def _one_column(y: ArrayLike) -> ArrayLike:
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] != 1:
        raise ShapeError(
            f"y has shape {shape}; give one target at a time, of shape (n_samples,)", expected="(n_samples,)", got=shape
        )
    return y


def sampled_rows(X: BlockSource, most_rows: int, most_bytes: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return numbers of random rows, ascending: as many as may be held."""
    n_rows, n_features = X.shape
    n = max(1, min(n_rows, most_rows, most_bytes // (n_features * 8)))
    return np.sort(rng.choice(n_rows, n, replace=False)) if n < n_rows else np.arange(n_rows)


def sample_of(X: BlockSource, rows: NDArray[np.intp]) -> NDArray[np.generic]:
    """Return these rows in memory."""
    return X.read(0, X.shape[0]) if len(rows) == X.shape[0] else take(X, rows)
