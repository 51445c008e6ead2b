"""How does a matrix lie in memory, and how is a panel of it copied to where products read it best?

A panel is a few vectors of columns over all rows. Copied, its rows follow one another without a gap,
and every vector is full: the lanes beyond the last column are zeros. Columns that lie apart while rows
follow one another (a transposed operand) are turned round in registers, 16 bytes of each column at a
time. This file knows nothing of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidu.core.emit import Scalar
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["Layout", "Part", "widened", "write_packing", "write_rows"]

_CHUNK_BYTES = 16
"""What is turned round at once; the shuffles for it do not cross 16 bytes, so each is one instruction."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a matrix lies in memory, in elements.

    Parameters
    ----------
    row, column : int
        From one row, one column, to the next. In a panel `column` is 1.
    panel : int
        0, or how many columns lie together: element (i, j) is at
        ``(j // panel) * panel_stride + i * row + j % panel``. The last panel has its full width: what lies
        beyond the last column is read and must be allocated, whatever its contents.
    panel_stride : int
        From one panel to the next.
    """

    row: int
    column: int
    panel: int = 0
    panel_stride: int = 0

    def place(self, i: int, j: int) -> int:
        """Return how far the element of row `i` and column `j` is from the first."""
        if self.panel:
            return (j // self.panel) * self.panel_stride + i * self.row + j % self.panel
        return i * self.row + j * self.column


@dataclass(frozen=True, slots=True)
class Part:
    """One vector of columns in a panel.

    Parameters
    ----------
    column : int
        Its first column, counted from the panel's.
    columns : int
        How many columns it has.
    lanes : int
        How many lanes it is computed with, at least `columns`.
    """

    column: int
    columns: int
    lanes: int


def write_packing(
    text: FunctionText, dtype: str, layout: Layout, depth: int, parts: Sequence[Part], places: Sequence[str], to: str
) -> None:
    """Copy a panel of `depth` rows to `to`: row after row, in each the lanes of all parts.

    Parameters
    ----------
    layout : Layout
        Of the matrix; only its strides count.
    places : sequence of str
        Of each part's first column in the first row.

    Notes
    -----
    A third of a cycle an element on Zen 4, which is what moving the lines between the two inner caches takes.
    """
    width = sum(part.lanes for part in parts)
    chunk = _CHUNK_BYTES // np.dtype(dtype).itemsize
    begin = 0
    for part, place in zip(parts, places, strict=True):
        target = text.offset(MEMORY_TYPES[dtype], to, begin)
        turned = depth - depth % chunk if layout.row == 1 and part.lanes % chunk == 0 else 0
        if turned:
            _turn(text, dtype, layout.column, turned, part, place, target, width)
        _gather(text, dtype, layout, range(turned, depth), part, place, target, width)
        begin += part.lanes


def write_rows(
    text: FunctionText, dtype: str, lanes: int, place: str, row: int, to: str, pitch: int, count: str, length: int
) -> None:
    """Copy `count` rows of `length` elements that lie `row` elements apart to `to`, `pitch` elements apart."""
    element = MEMORY_TYPES[dtype]
    whole, rest = divmod(length, lanes)
    with text.loop(count, [("ptr", place), ("ptr", to)]) as loop:
        source, target = loop.carried
        if whole:
            with text.loop(whole) as inner:
                index = text.value(f"mul nuw nsw i64 {inner.index}, {lanes}")
                vectors = Vectors(text, dtype, lanes)
                vectors.store(vectors.load(text.offset(element, source, index)), text.offset(element, target, index))
        if rest:
            begin, vectors = whole * lanes, Vectors(text, dtype, rest)
            vectors.store(vectors.load(text.offset(element, source, begin)), text.offset(element, target, begin))
        loop.hand_on(text.offset(element, source, row), text.offset(element, target, pitch))


def _turn(text: FunctionText, dtype: str, column: int, depth: int, part: Part, place: str, to: str, width: int) -> None:
    """Copy a part whose rows follow one another, 16 bytes of each column in a round."""
    element, chunk = MEMORY_TYPES[dtype], _CHUNK_BYTES // np.dtype(dtype).itemsize
    vectors, narrow = Vectors(text, dtype, part.lanes), Vectors(text, dtype, chunk)
    with text.loop(depth // chunk, [("ptr", place), ("ptr", to)]) as loop:
        source, target = loop.carried
        blocks = []
        for first in range(chunk):
            pieces = [
                narrow.load(text.offset(element, source, j * column)) if j < part.columns else narrow.constant(0.0)
                for j in range(first, part.lanes, chunk)
            ]
            blocks.append(_joined(text, dtype, pieces, chunk))
        for i, value in enumerate(_transposed(vectors, blocks)):
            vectors.store(value, text.offset(element, target, i * width))
        loop.hand_on(text.offset(element, source, chunk), text.offset(element, target, chunk * width))


def _joined(text: FunctionText, dtype: str, pieces: Sequence[Scalar], lanes: int) -> Scalar:
    """Return the pieces, a power of two of them, as one vector."""
    pieces = list(pieces)
    while len(pieces) > 1:
        vectors = Vectors(text, dtype, lanes)
        lanes *= 2
        pieces = [vectors.shuffle(a, b, list(range(lanes))) for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def _transposed(vectors: Vectors, blocks: Sequence[Scalar]) -> list[Scalar]:
    """Transpose within every 16 bytes: lane i of block j becomes lane j of block i."""
    n, lanes = len(blocks), range(vectors.lanes)
    half = n // 2
    for _ in range(half.bit_length()):
        # Interleaving halves log2(n) times is a transposition, as a perfect shuffle of cards.
        blocks = [
            vectors.shuffle(
                blocks[i], blocks[i + half], [x - x % n + x % n // 2 + first + x % 2 * vectors.lanes for x in lanes]
            )
            for i in range(half)
            for first in (0, half)
        ]
    return list(blocks)


def _gather(
    text: FunctionText, dtype: str, layout: Layout, rows: range, part: Part, place: str, to: str, width: int
) -> None:
    """Copy a part element by element."""
    if not rows:
        return
    element = MEMORY_TYPES[dtype]
    vectors = Vectors(text, dtype, part.columns)
    start = text.offset(element, place, rows.start * layout.row), text.offset(element, to, rows.start * width)
    with text.loop(len(rows), [("ptr", begin) for begin in start]) as loop:
        source, target = loop.carried
        full = widened(vectors, vectors.load_apart(source, layout.column), part.lanes)
        Vectors(text, dtype, part.lanes).store(full, target)
        loop.hand_on(text.offset(element, source, layout.row), text.offset(element, target, width))


def widened(vectors: Vectors, value: Scalar, lanes: int, beyond: str = "zeroinitializer") -> Scalar:
    """Return a value with more lanes, by default zeros behind it."""
    if vectors.lanes == lanes:
        return value
    if vectors.lanes == 1:
        wide = Vectors(vectors.text, vectors.dtype, lanes)
        return Scalar(vectors.text.value(f"insertelement {wide.type} {beyond}, {wide.element} {value}, i64 0"))
    return vectors.shuffle(value, Scalar(beyond), [min(lane, vectors.lanes) for lane in range(lanes)])
