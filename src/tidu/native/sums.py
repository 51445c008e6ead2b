"""How are the sums of one tile of a matrix product computed?

In every step of a loop over the depth one element of A for each row is multiplied with a few vectors of
B and added to sums that stay in registers. This file knows nothing of where tiles begin and what becomes
of the sums.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidu.core.emit import Scalar
from tidu.native.packing import Layout, widened
from tidu.native.pairs import multiply_pairs
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["Source", "Tile"]

_FEW_SUMS = 12
"""So few sums take so little time that the loop's own instructions count: two steps are written."""


_AHEAD = 16
"""Steps: some 400 cycles of a tile, what a line takes from another processor."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the vectors of a panel of B are read.

    Parameters
    ----------
    place : str
        Of the panel's first row.
    begins : tuple of int
        How far from there each vector is.
    columns : tuple of int
        How many of its lanes may be read; what the others hold is never used.
    row, column : int
        From one row, one lane, to the next.
    """

    place: str
    begins: tuple[int, ...]
    columns: tuple[int, ...]
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Tile:
    """Sums of `height` rows, each in as many vectors of so many `lanes` as `b` has.

    Parameters
    ----------
    text : FunctionText
        Where to write.
    dtype : str
        Of elements and sums.
    height : int
        Rows.
    lanes : int
        Of every vector.
    a : Layout
        Of A.
    b : Source
        Of the panel of B.
    fused : bool
        Whether a product is added without being rounded.
    pairs : bool
        Whether elements are pairs of bfloat16 (see `tidu.native.pairs`), which are added to float32 sums.
    """

    text: FunctionText
    dtype: str
    height: int
    lanes: int
    a: Layout
    b: Source
    fused: bool
    pairs: bool = False

    def write_sums(self, place: str, depth: int) -> list[Scalar]:
        """Write the loop over the depth and return the sums, row after row.

        Parameters
        ----------
        place : str
            Of the element of A in the tile's first row and the first column.
        """
        places = (place, self.b.place)
        sums = [self._kind.constant(0.0)] * (self.height * len(self.b.begins))
        if not self.a.panel or depth <= self.a.panel:
            return self._add(depth, places, sums)[0]
        n_panels, rest = divmod(depth, self.a.panel)
        with self.text.loop(n_panels, self._carried(places, sums)) as loop:
            first, second = loop.carried[:2]
            inner, last = self._add(self.a.panel, (first, second), [Scalar(x) for x in loop.carried[2:]])
            loop.hand_on(self._offset(first, self.a.panel_stride), last[1], *inner)
        return self._add(rest, (loop.following[0], loop.following[1]), [Scalar(x) for x in loop.following[2:]])[0]

    def _add(self, depth: int, places: tuple[str, str], sums: list[Scalar]) -> tuple[list[Scalar], tuple[str, str]]:
        """Add `depth` products to all sums; return them, and where A and B go on."""
        unroll = self._unroll
        rounds, rest = divmod(depth, unroll)
        if rounds:
            with self.text.loop(rounds, self._carried(places, sums)) as loop:
                places, sums = (loop.carried[0], loop.carried[1]), [Scalar(x) for x in loop.carried[2:]]
                added = self._steps(unroll, places, sums)
                loop.hand_on(*self._further(places, unroll), *added)
            places, sums = (loop.following[0], loop.following[1]), [Scalar(x) for x in loop.following[2:]]
        return self._steps(rest, places, sums), self._further(places, rest)

    def _steps(self, count: int, places: tuple[str, str], sums: list[Scalar]) -> list[Scalar]:
        """Write `count` steps, one after the other."""
        one = Vectors(self.text, self._operands)
        width = len(self.b.begins)
        for step in range(count):
            row = self._offset(places[1], step * self.b.row)
            factors = [self._factor(row, begin, n) for begin, n in zip(self.b.begins, self.b.columns, strict=True)]
            self._fetch(row)
            following = []
            for i in range(self.height):
                element = one.load(self._offset(places[0], i * self.a.row + step * self._column))
                every = Vectors(self.text, self._operands, self.lanes).splat(element)
                for factor, total in zip(factors, sums[i * width : (i + 1) * width], strict=True):
                    following.append(self._multiply_add(every, factor, total))
            sums = following
        return sums

    def _fetch(self, row: str) -> None:
        """Have a row of B that is needed some steps later brought near.

        Where rows lie apart no processor guesses the next one; and the weights may still be with another
        processor, which has just changed them. What lies past the end is not read, so nothing can happen.
        """
        if self.pairs or self.b.column != 1 or self.b.row <= self.lanes * len(self.b.begins):
            return
        self.text.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        for begin in self.b.begins:
            place = self._offset(row, _AHEAD * self.b.row + begin)
            self.text.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")

    def _factor(self, row: str, begin: int, columns: int) -> Scalar:
        narrow = Vectors(self.text, self._operands, columns)
        return widened(narrow, narrow.load_apart(self._offset(row, begin), self.b.column), self.lanes, "poison")

    def _multiply_add(self, a: Scalar, b: Scalar, total: Scalar) -> Scalar:
        kind = self._kind
        if self.pairs:
            return multiply_pairs(kind, a, b, total)
        return kind.fma(a, b, total) if self.fused else kind.add(kind.mul(a, b), total)

    @property
    def _unroll(self) -> int:
        """How many steps in depth one round of the loop takes.

        One is enough for many sums, and half the text to compile. With several, LLVM moves sums from register
        to register, and past the last one, if a product or an element of A is used only once.
        """
        width = len(self.b.begins)
        return 2 if self.fused and width > 1 and self.height * width <= _FEW_SUMS else 1

    @property
    def _operands(self) -> str:
        return "int32" if self.pairs else self.dtype

    @property
    def _kind(self) -> Vectors:
        return Vectors(self.text, self.dtype, self.lanes)

    @property
    def _column(self) -> int:
        return 1 if self.a.panel else self.a.column

    def _carried(self, places: tuple[str, str], sums: list[Scalar]) -> list[tuple[str, str]]:
        return [*[("ptr", place) for place in places], *[(self._kind.type, total) for total in sums]]

    def _further(self, places: tuple[str, str], steps: int) -> tuple[str, str]:
        return self._offset(places[0], steps * self._column), self._offset(places[1], steps * self.b.row)

    def _offset(self, place: str, count: int) -> str:
        return self.text.offset(MEMORY_TYPES[self.dtype], place, count)
