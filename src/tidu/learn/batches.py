"""What are the rows of the user's data, and how is a batch of them gathered?

Data are nested containers of arrays (or block sources) with one leading axis in common; a batch has the
same nesting. This file knows nothing of losses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.spec import Spec
from tidu.data.source import BlockSource, take
from tidu.errors import DataError
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["Rows", "TrainingData", "as_training_data"]

Rows: TypeAlias = NDArray[np.intp]
Column: TypeAlias = "NDArray[np.generic] | BlockSource"

# Beside its result `tidu.data.take` holds at most this much of a source.
SOURCE_BUFFER_BYTES = 1 << 22
_CHECK_BYTES = 1 << 22


class _Held:
    """A block source as a leaf: sources may be dataclasses, which are containers otherwise."""

    __slots__ = ("source",)

    def __init__(self, source: BlockSource) -> None:
        self.source = source


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Columns with one leading axis in common.

    Parameters
    ----------
    columns : tuple of ndarray or BlockSource
    structure : Structure
        How they are nested.
    paths : tuple of str
        How each is reached, for messages: ``data[0]``.
    rows : ndarray of int or None
        The rows that belong to it; None means all.
    """

    columns: tuple[Column, ...]
    structure: Structure
    paths: tuple[str, ...]
    rows: Rows | None = None

    def __len__(self) -> int:
        return int(self.columns[0].shape[0]) if self.rows is None else len(self.rows)

    def gather(self, positions: Rows) -> object:
        """Return the batch of these rows.

        Raises
        ------
        DataError
            If a block of a source has a NaN or an infinity.
        """
        rows = positions if self.rows is None else self.rows[positions]
        return unflatten(self.structure, [self._take(i, rows) for i in range(len(self.columns))])

    def _take(self, i: int, rows: Rows) -> NDArray[np.generic]:
        column = self.columns[i]
        if isinstance(column, np.ndarray):
            return np.take(column, rows, axis=0)
        block = take(column, rows)
        _require_finite(block, self.paths[i])
        return block

    def whole(self) -> object:
        """Return all rows as one batch; arrays in memory are not copied."""
        if self.rows is None and all(isinstance(column, np.ndarray) for column in self.columns):
            return unflatten(self.structure, self.columns)
        return self.gather(np.arange(len(self)))

    @property
    def whole_bytes(self) -> int:
        """Return the bytes that `whole` allocates."""
        in_memory = self.rows is None and all(isinstance(column, np.ndarray) for column in self.columns)
        return 0 if in_memory else self.batch_bytes(len(self))

    def batches(self, batch_size: int) -> Iterator[tuple[int, object]]:
        """Yield the number of rows and the batch, from top to bottom."""
        for start in range(0, len(self), batch_size):
            positions = np.arange(start, min(start + batch_size, len(self)))
            yield len(positions), self.gather(positions)

    def specs(self, batch_size: int) -> object:
        """Return the nested specs of a batch."""
        return unflatten(
            self.structure, [Spec((batch_size, *c.shape[1:]), c.dtype.newbyteorder("=")) for c in self.columns]
        )

    def batch_bytes(self, batch_size: int) -> int:
        """Return the bytes that gathering a batch allocates."""
        values = sum(spec.nbytes for spec in cast("list[Spec]", flatten(self.specs(batch_size))[0]))
        sources = any(not isinstance(c, np.ndarray) for c in self.columns)
        return values + batch_size * np.dtype(np.intp).itemsize + (SOURCE_BUFFER_BYTES if sources else 0)

    def part(self, rows: Rows) -> TrainingData:
        """Return some of the rows."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


def as_training_data(data: object, name: str = "data") -> TrainingData:
    """Check nested data and return their columns.

    Raises
    ------
    DataError
        If there are none, if leading axes differ, if there are no rows, if a column does not hold numbers,
        or holds a NaN or an infinity (in an array; sources are checked block by block as they are read).
    """
    leaves, structure = flatten(_hold(data))
    paths = tuple(leaf_paths(structure, name))
    columns = tuple(_column(leaf, path) for leaf, path in zip(leaves, paths, strict=True))
    if not columns:
        raise DataError(f"{name} has no arrays; expected nested arrays with one leading axis, such as (X, y)", got=data)
    lengths = [c.shape[0] for c in columns]
    for path, length in zip(paths, lengths, strict=True):
        if length != lengths[0]:
            raise DataError(
                f"{path} has {length} rows, but {paths[0]} has {lengths[0]}; the leading axes of {name} must be equal",
                path=path,
                got=length,
                expected=lengths[0],
            )
    if not lengths[0]:
        raise DataError(f"{paths[0]} has no rows; expected at least 1", path=paths[0], got=0)
    for path, column in zip(paths, columns, strict=True):
        if isinstance(column, np.ndarray):
            _require_finite(column, path)
    return TrainingData(columns, structure, paths)


def _hold(tree: object) -> object:
    """Wrap block sources, wherever they are nested, so that they count as leaves."""
    if isinstance(tree, BlockSource):
        return _Held(tree)
    if isinstance(tree, dict):
        return type(tree)((key, _hold(value)) for key, value in tree.items())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        make: Callable[..., object] = type(tree)
        return make(*[_hold(value) for value in tree])
    if isinstance(tree, (list, tuple)):
        return type(tree)([_hold(value) for value in tree])
    if is_dataclass(tree) and not isinstance(tree, type):
        held = {item.name: _hold(getattr(tree, item.name)) for item in fields(tree)}
        changed = any(value is not getattr(tree, name) for name, value in held.items())
        return replace(tree, **held) if changed else tree
    return tree


def _column(leaf: object, path: str) -> Column:
    column: Column
    if isinstance(leaf, _Held):
        column = leaf.source
    elif hasattr(leaf, "__array__"):
        if "numpy.ma" in sys.modules and np.ma.is_masked(leaf):
            raise DataError(f"{path} has masked values; fill them first with x.filled(...)", path=path, got=type(leaf))
        column = np.asarray(leaf)
        if column.dtype.kind in "biuf":
            column = column.astype(column.dtype.newbyteorder("="), copy=False)
    else:
        raise DataError(
            f"{path} is {type(leaf).__name__}; expected an array with one row per sample, so convert lists of numbers "
            "with np.asarray first",
            path=path,
            got=type(leaf),
        )
    if not column.shape:
        raise DataError(f"{path} is a single number; expected an array with one row per sample", path=path, got=())
    if column.dtype.kind not in "biuf":
        raise DataError(
            f"{path} has dtype {column.dtype}; expected real numbers or booleans, so encode text and categories first",
            path=path,
            got=column.dtype,
        )
    return column


def _require_finite(column: NDArray[np.generic], path: str) -> None:
    if column.dtype.kind != "f" or not column.size:
        return
    # In blocks: the truth values of the whole column would be an array as long as the data.
    step = max(1, _CHECK_BYTES * len(column) // max(column.nbytes, 1))
    for start in range(0, len(column), step):
        finite = np.isfinite(cast("NDArray[np.float64]", column[start : start + step]))
        if not finite.all():
            first = np.argwhere(~finite)[0]
            index = (int(first[0]) + start, *map(int, first[1:]))
            raise DataError(
                f"{path} holds {column[index]} at index {index}; fill or drop such rows first", path=path, index=index
            )
