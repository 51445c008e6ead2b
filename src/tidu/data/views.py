"""What looks like a source of its own but is made of others: chosen rows or columns, stacks, wider numbers?

Views hold no rows. Where a view can, it lets the source underneath fill the caller's memory. This file
knows nothing of files and formats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data.source import (
    Block,
    BlockSource,
    check_out,
    check_range,
    is_forward_only,
    read_fresh,
    read_into,
    row_bytes,
    scratch_bytes,
    take,
    take_into,
)
from tidu.errors import DataError

__all__ = ["ColumnsSource", "RowsSource", "StackedSource", "View", "Widened", "widen_in_place", "widened"]

# What gathering rows may hold (see `take`), its order of the rows left aside.
_GATHER_BYTES = 1 << 22
_WIDENED_AT_ONCE = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class View(ABC):
    """What is made of one other source, and is like it in all that it does not tell anew.

    Only a view that fills the caller's memory by itself has `read_into` and `scratch_bytes` (`FillingSource`).
    """

    source: BlockSource

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the source."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of the source."""
        return self.source.dtype

    @property
    def forward_only(self) -> bool:
        """Whether rows should be read from top to bottom."""
        return is_forward_only(self.source)

    @abstractmethod
    def read(self, start: int, stop: int) -> Block:
        """Return the rows ``start <= row < stop`` of the view."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnsSource(View):
    """Some columns of another source, in the order given; one column as a vector if `column` is an int."""

    columns: tuple[int, ...] | int

    @property
    def shape(self) -> tuple[int, ...]:
        """One axis for a single column, else two."""
        rows = self.source.shape[:1]
        return rows if isinstance(self.columns, int) else (*rows, len(self.columns))

    def read(self, start: int, stop: int) -> Block:
        """Return the columns of these rows; the source's whole rows are read meanwhile."""
        block = self.source.read(start, stop)
        return block[:, self.columns if isinstance(self.columns, int) else list(self.columns)]


@dataclass(frozen=True, slots=True, eq=False)
class RowsSource(View):
    """Some rows of another source, in the order given: one side of a split, say."""

    rows: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, ...]:
        """As many rows as were chosen."""
        return (len(self.rows), *self.source.shape[1:])

    def read(self, start: int, stop: int) -> Block:
        """Gather the chosen rows."""
        check_range(self, start, stop)
        return take(self.source, self.rows[start:stop])

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Gather the chosen rows in `out`."""
        check_out(self, start, stop, out)
        take_into(self.source, self.rows[start:stop], out)

    def scratch_bytes(self, n_rows: int) -> int:
        """What gathering holds: 4 MiB or a row read and copied, and the rows' numbers in order."""
        row = row_bytes(self.source)
        span = min(max(1, _GATHER_BYTES // row), self.source.shape[0])
        return 2 * span * row + 32 * n_rows + scratch_bytes(self.source, span)


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

    @property
    def forward_only(self) -> bool:
        """Whether rows should be read from top to bottom."""
        return any(is_forward_only(part) for part in self.parts)

    def read(self, start: int, stop: int) -> Block:
        """Read from the parts that hold these rows."""
        check_range(self, start, stop)
        pieces = [part.read(low, high) for part, low, high in self._pieces(start, stop)]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.shape[1:]), self.dtype)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Let each part that holds some of these rows fill its place in `out`."""
        check_out(self, start, stop, out)
        done = 0
        for part, low, high in self._pieces(start, stop):
            read_into(part, low, high, out[done : done + high - low])
            done += high - low

    def scratch_bytes(self, n_rows: int) -> int:
        """The sum over the parts, as each may keep what it has decoded."""
        return sum(scratch_bytes(part, min(n_rows, part.shape[0])) for part in self.parts)

    def _pieces(self, start: int, stop: int) -> list[tuple[BlockSource, int, int]]:
        """Return the parts that hold these rows, and which of their own rows these are."""
        found, first = [], 0
        for part in self.parts:
            last = first + part.shape[0]
            low, high = max(start, first), min(stop, last)
            if low < high:
                found.append((part, low - first, high - first))
            first = last
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Widened(View):
    """A source of float16 or bfloat16 numbers, read as float32: every value stays what it is.

    Attributes
    ----------
    source : BlockSource of float16, bfloat16 or uint16
        What is widened; uint16 are the bits of bfloat16 numbers.
    """

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """float32."""
        return np.dtype(np.float32)

    def read(self, start: int, stop: int) -> Block:
        """Return the rows as float32; nothing else is held."""
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Read into the second half of `out`, and widen from there."""
        check_out(self, start, stop, out)
        widen_in_place(out, self.source.dtype, lambda narrow: read_into(self.source, start, stop, narrow))

    def scratch_bytes(self, n_rows: int) -> int:
        """What the source holds, and the numbers that are widened at once."""
        return scratch_bytes(self.source, n_rows) + 8 * _WIDENED_AT_ONCE


def widened(source: BlockSource) -> BlockSource:
    """Return `source`, or a view that reads its float16 or bfloat16 numbers as float32.

    Examples
    --------
    >>> from tidu.data.source import ArraySource
    >>> widened(ArraySource(np.array([[0.5, 65504.0]], np.float16))).read(0, 1)
    array([[5.0000e-01, 6.5504e+04]], dtype=float32)
    """
    is_narrow = source.dtype == np.float16 or source.dtype.name == "bfloat16"
    return Widened(source) if is_narrow else source


def widen_in_place(out: Block, narrow_dtype: np.dtype[np.generic], fill: Callable[[Block], None]) -> None:
    """Let `fill` put numbers of two bytes into the second half of `out`, and widen them to fill it all.

    Parameters
    ----------
    out : ndarray, float32, C-contiguous
        Overwritten.
    narrow_dtype : dtype
        float16; every other one of two bytes stands for the bits of bfloat16 numbers.
    fill : callable
        Is given an array of `out`'s shape and `narrow_dtype`.
    """
    flat = out.reshape(-1)
    if not flat.size:
        fill(np.empty(out.shape, narrow_dtype))
        return
    narrow = flat.view(np.uint8)[flat.nbytes // 2 :].view(narrow_dtype)
    fill(narrow.reshape(out.shape))
    is_half = narrow_dtype == np.float16
    bits = narrow if is_half else narrow.view(np.uint16)
    # Number i is written to bytes 4 i.., and number j still to be read begins at byte 2 size + 2 j, which is
    # never below 4 j: what is overwritten has been read, or is in the copy of its piece.
    for first in range(0, flat.size, _WIDENED_AT_ONCE):
        piece = bits[first : first + _WIDENED_AT_ONCE].copy()
        target = flat[first : first + len(piece)]
        if is_half:
            target[...] = piece
        else:
            np.left_shift(piece, 16, out=target.view(np.uint32), dtype=np.uint32)
