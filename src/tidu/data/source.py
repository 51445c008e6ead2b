"""How are the rows of a matrix read when they may not fit into memory?

`BlockSource` is the seam that every reader joins: a shape, a dtype and `read(start, stop)`. The functions
and views here work for any of them. This file knows nothing of files and formats.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError, ParameterError

__all__ = [
    "ArraySource",
    "Block",
    "BlockSource",
    "ColumnsSource",
    "RowsSource",
    "StackedSource",
    "blocks",
    "check_range",
    "row_bytes",
    "take",
]

Block: TypeAlias = NDArray[np.generic]
"""Rows of a matrix, or entries of a target vector, of the source's dtype."""

# Two wanted rows closer than this are fetched by one read: skipping costs less than another call.
_GAP_BYTES = 1 << 15
# The most that one read of `take` may hold beside its result, if a row is not longer than that.
_SPAN_BYTES = 1 << 22


@runtime_checkable
class BlockSource(Protocol):
    """Rows of one matrix, or of one target vector, read a block at a time.

    Attributes
    ----------
    name : str
        For messages: a file's path, or ``"array"``.
    shape : tuple of int
        ``(n_samples, n_features)``, or ``(n_samples,)`` for a target vector.
    dtype : numpy.dtype
        What `read` gives, in the byte order of this machine.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def dtype(self) -> np.dtype[np.generic]: ...  # noqa: D102

    def read(self, start: int, stop: int) -> Block:
        """Return the rows ``start <= row < stop``; only these are read from disk.

        The array is fresh, or a view that must not be written to.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ArraySource:
    """Rows of an array in memory; blocks are read-only views of it (copies if its byte order is foreign)."""

    array: Block
    name: str = "array"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of the array, in the byte order of this machine."""
        return self.array.dtype.newbyteorder("=")

    def read(self, start: int, stop: int) -> Block:
        """Return a read-only view of the rows."""
        check_range(self, start, stop)
        view = self.array[start:stop].astype(self.dtype, copy=False)
        view.flags.writeable = False
        return view


@dataclass(frozen=True, slots=True, eq=False)
class ColumnsSource:
    """Some columns of another source, in the order given; one column as a vector if `column` is an int."""

    source: BlockSource
    columns: tuple[int, ...] | int

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def shape(self) -> tuple[int, ...]:
        """One axis for a single column, else two."""
        rows = self.source.shape[:1]
        return rows if isinstance(self.columns, int) else (*rows, len(self.columns))

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of the source."""
        return self.source.dtype

    def read(self, start: int, stop: int) -> Block:
        """Return the columns of these rows; the source's whole rows are read meanwhile."""
        block = self.source.read(start, stop)
        return block[:, self.columns if isinstance(self.columns, int) else list(self.columns)]


@dataclass(frozen=True, slots=True, eq=False)
class RowsSource:
    """Some rows of another source, in the order given: one side of a split, say."""

    source: BlockSource
    rows: NDArray[np.intp]

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def shape(self) -> tuple[int, ...]:
        """As many rows as were chosen."""
        return (len(self.rows), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of the source."""
        return self.source.dtype

    def read(self, start: int, stop: int) -> Block:
        """Gather the chosen rows."""
        check_range(self, start, stop)
        return take(self.source, self.rows[start:stop])


@dataclass(frozen=True, slots=True, eq=False)
class StackedSource:
    """Sources of equal width and dtype, one below the other."""

    parts: Sequence[BlockSource]
    name: str

    def __post_init__(self) -> None:
        kinds = {(part.shape[1:], part.dtype) for part in self.parts}
        if len(kinds) != 1:
            found = ", ".join(f"{part.name}: {part.shape} {part.dtype}" for part in self.parts)
            raise DataError(f"parts of {self.name} do not fit one below the other: {found}", parts=found)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sum of the parts' rows."""
        return (sum(part.shape[0] for part in self.parts), *self.parts[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of every part."""
        return self.parts[0].dtype

    def read(self, start: int, stop: int) -> Block:
        """Read from the parts that hold these rows."""
        check_range(self, start, stop)
        pieces = []
        first = 0
        for part in self.parts:
            last = first + part.shape[0]
            low, high = max(start, first), min(stop, last)
            if low < high:
                pieces.append(part.read(low - first, high - first))
            first = last
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.shape[1:]), self.dtype)


def blocks(source: BlockSource, rows_per_block: int) -> Iterator[tuple[int, Block]]:
    """Read a source from top to bottom.

    Parameters
    ----------
    source : BlockSource
        What is read.
    rows_per_block : int
        Rows of each block; the last one may be smaller.

    Yields
    ------
    first_row : int
        Row number of the block's first row.
    block : ndarray
        The rows.

    Examples
    --------
    >>> [(first, block.tolist()) for first, block in blocks(ArraySource(np.arange(3)), 2)]
    [(0, [0, 1]), (2, [2])]
    """
    if rows_per_block < 1:
        raise ParameterError(f"rows_per_block must be at least 1; got {rows_per_block}", rows_per_block=rows_per_block)
    n_samples = source.shape[0]
    for start in range(0, n_samples, rows_per_block):
        yield start, source.read(start, min(start + rows_per_block, n_samples))


def take(source: BlockSource, rows: NDArray[np.intp]) -> Block:
    """Gather rows in any order, repeated ones too, reading the source from top to bottom.

    Parameters
    ----------
    source : BlockSource
        What is read.
    rows : ndarray of shape (n,), integer
        Row numbers, not negative.

    Returns
    -------
    ndarray of shape (n, n_features) or (n,)
        A fresh array. Beside it at most 4 MiB (or one row) are held.

    Examples
    --------
    >>> take(ArraySource(np.array([10, 11, 12])), np.array([2, 0, 2])).tolist()
    [12, 10, 12]
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
        raise ParameterError(
            f"rows must be a vector of row numbers; got shape {rows.shape}, dtype {rows.dtype}",
            expected="integer vector",
            got=(rows.shape, rows.dtype),
        )
    if rows.size and not (rows.min() >= 0 and rows.max() < source.shape[0]):
        raise ParameterError(
            f"rows must lie in 0..{source.shape[0] - 1} for {source.name}; got {rows.min()}..{rows.max()}",
            expected=(0, source.shape[0] - 1),
            got=(int(rows.min()), int(rows.max())),
        )
    gathered = np.empty((rows.size, *source.shape[1:]), source.dtype)
    order = np.argsort(rows, kind="stable")
    ascending = rows[order].astype(np.intp)
    for begin, end in _spans(ascending, row_bytes(source)):
        first = int(ascending[begin])
        block = source.read(first, int(ascending[end - 1]) + 1)
        gathered[order[begin:end]] = block[ascending[begin:end] - first]
    return gathered


def _spans(ascending: NDArray[np.intp], bytes_per_row: int) -> Iterator[tuple[int, int]]:
    """Cut sorted row numbers into runs that one read each fetches well."""
    gap = max(1, _GAP_BYTES // bytes_per_row)
    longest = max(1, _SPAN_BYTES // bytes_per_row)
    jumps = np.flatnonzero(np.diff(ascending) > gap) + 1
    for begin, end in zip([0, *jumps], [*jumps, len(ascending)], strict=True):
        while begin < end:
            stop = int(np.searchsorted(ascending[:end], ascending[begin] + longest))
            yield int(begin), stop
            begin = stop


def row_bytes(source: BlockSource) -> int:
    """Return the bytes of one row, at least 1.

    Examples
    --------
    >>> row_bytes(ArraySource(np.zeros((5, 3), np.float32)))
    12
    """
    return max(1, source.dtype.itemsize * math.prod(source.shape[1:]))


def check_range(source: BlockSource, start: int, stop: int) -> None:
    """Refuse rows that a source does not have; Python's slicing would clip them in silence."""
    if not 0 <= start <= stop <= source.shape[0]:
        raise ParameterError(
            f"rows [{start}, {stop}) are outside {source.name}, which has {source.shape[0]} rows",
            expected=(0, source.shape[0]),
            got=(start, stop),
        )
