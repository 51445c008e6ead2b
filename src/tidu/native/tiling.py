"""Into which tiles is a matrix product cut?

A tile is some rows times a few vectors of columns, whose sums fit the registers together with what is
multiplied. This file decides; it writes no code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tidu.native.packing import Layout, Part

__all__ = ["Panel", "Target", "panels", "row_pitch"]

_FEW_ROWS = 4
"""With fewer rows it takes more vectors of columns to keep the arithmetic units busy."""
_LINE_BYTES = 64
_SET_BYTES = 4096
"""Addresses so far apart share a set of the innermost cache."""
_FREE_WAYS = 7
"""Lines that A may take in one set; most caches have room for 8, one of them needed by B."""


@dataclass(frozen=True, slots=True)
class Target:
    """What code is made for.

    Parameters
    ----------
    vector_bytes : int
        Of a vector register.
    n_registers : int
        How many there are.
    fused : bool
        Whether the processor multiplies and adds in one instruction. If not, products and sums are rounded
        apart: LLVM would call C's slow `fma` for every lane.
    features : frozenset of str
        What else it can do, in LLVM's words.
    """

    vector_bytes: int
    n_registers: int
    fused: bool = True
    features: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Panel:
    """Columns that are computed together, and in which tiles.

    Parameters
    ----------
    first_column : int
        Of the first such panel.
    count : int
        How many panels of this kind follow one another.
    parts : tuple of Part
        The vectors of one panel.
    height, n_tiles : int
        The most rows of a tile, and how many tiles there are; a tile has `height` rows or one less.
    packed : bool
        Whether B's panel is copied before it is read.
    """

    first_column: int
    count: int
    parts: tuple[Part, ...]
    height: int
    n_tiles: int
    packed: bool

    @property
    def columns(self) -> int:
        """How many columns a panel has."""
        return sum(part.columns for part in self.parts)

    @property
    def width(self) -> int:
        """How many lanes its sums take."""
        return sum(part.lanes for part in self.parts)


def panels(
    dtype: str, n_rows: int, n_columns: int, b: Layout, target: Target, *, can_pack: bool, least_lanes: int = 1
) -> Iterator[Panel]:
    """Yield the kinds of panels that make up all columns, at most two; no vector has fewer than `least_lanes`.

    Notes
    -----
    B is copied where its columns lie apart. Rows that lie apart are read in place: of all shapes tried, up to
    16 KB from row to row, none gained by a copy.
    """
    lanes = _lanes(dtype, b, target)
    n_vectors = -(-n_columns // lanes)
    vectors = next(
        v
        for v in _preferred(n_rows, n_vectors, target.n_registers)
        if v == 1 or not b.panel or _divides(v * lanes, b.panel)
    )
    whole, rest = divmod(n_columns, vectors * lanes)
    for first, count, columns in ((0, whole, vectors * lanes), (n_columns - rest, 1, rest)):
        if not count or not columns:
            continue
        packed = can_pack and b.column != 1 and columns > 1
        # Vectors of two widths would need registers for two copies of A's elements.
        full = lanes if columns > lanes else max(least_lanes, _power(columns))
        parts = [Part(begin, min(full, columns - begin), full) for begin in range(0, columns, full)]
        n_tiles, height = _heights(n_rows, len(parts), target)
        yield Panel(first, count, tuple(parts), height, n_tiles, packed)


def _lanes(dtype: str, b: Layout, target: Target) -> int:
    """Return the lanes of a full vector: no vector reaches from one of B's panels into the next."""
    lanes = target.vector_bytes // np.dtype(dtype).itemsize
    return min(lanes, b.panel & -b.panel) if b.panel else lanes


def _preferred(n_rows: int, n_vectors: int, n_registers: int) -> list[int]:
    """Return how many vectors a panel is best made of, best first."""
    if n_rows < _FEW_ROWS and n_vectors > 3:
        return [4, 2, 1]
    return [3, 2, 1] if n_vectors == 3 and n_registers >= 32 else [min(2, n_vectors), 1]


def _heights(n_rows: int, n_vectors: int, target: Target) -> tuple[int, int]:
    """Return how many tiles there are, and the most rows of one.

    Beside the sums the registers hold a row of B, an element of A, and a product if it is rounded apart. A
    lone vector is through with an element after one instruction, so the next is there too.
    """
    others = n_vectors + 1 + (n_vectors == 1) + (not target.fused)
    n_tiles = -(-n_rows // max(1, (target.n_registers - others) // n_vectors))
    return n_tiles, -(-n_rows // n_tiles)


def row_pitch(dtype: str, depth: int, a: Layout, panel: Panel) -> int:
    """Return how far apart the rows of A are laid for a panel like this, or 0 if they may stay where they lie.

    Notes
    -----
    The rows of a tile are read side by side. Rows a multiple of 4 KB apart share one set of the innermost
    cache, which holds no more than 8 or 12 lines: on Zen 4 that costs 15 %. Rows an odd number of lines apart
    never collide. The copy pays from the second panel on.
    """
    size = np.dtype(dtype).itemsize
    if a.panel or a.column != 1 or panel.count == 1:
        return 0
    in_one_set = panel.height * math.gcd(a.row * size, _SET_BYTES) / _SET_BYTES
    if in_one_set <= _FREE_WAYS:
        return 0
    lines = -(-depth * size // _LINE_BYTES)
    return (lines + 1 - lines % 2) * _LINE_BYTES // size


def _divides(width: int, panel: int) -> bool:
    return panel % width == 0 or width % panel == 0


def _power(n: int) -> int:
    """Return the least power of two that is no less."""
    return 1 << (n - 1).bit_length()
