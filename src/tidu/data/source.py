"""How are the rows of a matrix read when they may not fit into memory?

`BlockSource` is the seam that every reader joins: a shape, a dtype and `read(start, stop)`. A source that
can fill memory which the caller owns joins `FillingSource` too. The functions here work for any of them.
This file knows nothing of files and formats.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError, DtypeError, ParameterError, ShapeError

__all__ = [
    "ArraySource",
    "Block",
    "BlockSource",
    "FillingSource",
    "blocks",
    "check_out",
    "check_range",
    "is_forward_only",
    "read_fresh",
    "read_into",
    "row_bytes",
    "scratch_bytes",
    "take",
    "take_into",
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


@runtime_checkable
class FillingSource(BlockSource, Protocol):
    """A source that reads into memory of the caller, without a second copy of the block."""

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Fill `out` with the rows; refuse what `check_out` refuses."""
        ...

    def scratch_bytes(self, n_rows: int) -> int:
        """Return the most bytes that reading `n_rows` rows holds beside `out`, what the source keeps included."""
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

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Copy the rows into `out`."""
        check_out(self, start, stop, out)
        out[...] = self.array[start:stop]

    def scratch_bytes(self, n_rows: int) -> int:
        """Nothing is held: the array counts as its owner's."""
        return 0


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


def read_fresh(source: FillingSource, start: int, stop: int) -> Block:
    """Return rows in a fresh block that the source fills: the `read` of a source that has no other way.

    Examples
    --------
    >>> read_fresh(ArraySource(np.array([10, 11, 12])), 1, 3).tolist()
    [11, 12]
    """
    check_range(source, start, stop)
    block = np.empty((stop - start, *source.shape[1:]), source.dtype)
    source.read_into(start, stop, block)
    return block


def read_into(source: BlockSource, start: int, stop: int, out: Block) -> None:
    """Fill `out` with rows of a source, straight from the file where the source can.

    Parameters
    ----------
    source : BlockSource
        What is read.
    start, stop : int
        Rows ``start <= row < stop``.
    out : ndarray of shape (stop - start, ...), C-contiguous, of the source's dtype
        Overwritten. After an error its content means nothing.

    Raises
    ------
    ShapeError, DtypeError, ParameterError
        If `out` has another shape or dtype, or cannot be filled from front to back; or there are no such rows.
    DataError
        If the file was cut short or written to, or a source gives other rows than it claims.

    Notes
    -----
    Beside `out`, at most `scratch_bytes` are held.

    Examples
    --------
    >>> out = np.empty((2, 2))
    >>> read_into(ArraySource(np.arange(6.0).reshape(3, 2)), 1, 3, out)
    >>> out.tolist()
    [[2.0, 3.0], [4.0, 5.0]]
    """
    if _fills(source):
        source.read_into(start, stop, out)
        return
    check_out(source, start, stop, out)
    block = source.read(start, stop)
    if block.shape != out.shape or block.dtype != out.dtype:
        raise DataError(
            f"{source.name} gave shape {block.shape} {block.dtype} for rows [{start}, {stop}); it claims "
            f"{out.shape} {out.dtype}: the source is at fault",
            expected=(out.shape, out.dtype),
            got=(block.shape, block.dtype),
        )
    out[...] = block


def _fills(source: BlockSource) -> TypeGuard[FillingSource]:
    # As isinstance does, in a hundredth of its time: blocks are small, and there are many.
    return hasattr(source, "read_into") and hasattr(source, "scratch_bytes")


def scratch_bytes(source: BlockSource, n_rows: int) -> int:
    """Return the most bytes that `read_into` holds beside its `out` when it reads `n_rows` rows.

    A source that cannot say so is taken to hold one more copy of the block.

    Examples
    --------
    >>> scratch_bytes(ArraySource(np.zeros((5, 3))), 2)
    0
    """
    if _fills(source):
        return source.scratch_bytes(n_rows)
    return n_rows * row_bytes(source)


def is_forward_only(source: BlockSource) -> bool:
    """Tell whether rows should be read from top to bottom, as going back begins anew.

    Examples
    --------
    >>> is_forward_only(ArraySource(np.zeros((5, 3))))
    False
    """
    return bool(getattr(source, "forward_only", False))


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
    _check_rows(source, rows)
    gathered = np.empty((rows.size, *source.shape[1:]), source.dtype)
    take_into(source, rows, gathered)
    return gathered


def take_into(source: BlockSource, rows: NDArray[np.intp], out: Block) -> None:
    """Fill `out` as `take` does; an unbroken run of rows is read straight into it."""
    _check_rows(source, rows)
    if rows.size and (np.diff(rows) == 1).all():
        read_into(source, int(rows[0]), int(rows[-1]) + 1, out)
        return
    order = np.argsort(rows, kind="stable")
    ascending = rows[order].astype(np.intp)
    for begin, end in _spans(ascending, row_bytes(source)):
        first = int(ascending[begin])
        block = source.read(first, int(ascending[end - 1]) + 1)
        out[order[begin:end]] = block[ascending[begin:end] - first]


def _check_rows(source: BlockSource, rows: NDArray[np.intp]) -> None:
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


def check_out(source: BlockSource, start: int, stop: int, out: Block) -> None:
    """Refuse rows that a source does not have, and an `out` that cannot hold them."""
    check_range(source, start, stop)
    shape = (stop - start, *source.shape[1:])
    if out.shape != shape:
        raise ShapeError(
            f"out has shape {out.shape}; rows [{start}, {stop}) of {source.name} need {shape}",
            expected=shape,
            got=out.shape,
        )
    if out.dtype != source.dtype:
        raise DtypeError(
            f"out has dtype {out.dtype}; {source.name} gives {source.dtype}", expected=source.dtype, got=out.dtype
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ParameterError(
            f"out for {source.name} must be C-contiguous and writable; give a fresh numpy.empty or rows of one",
            expected="C-contiguous, writable",
        )
