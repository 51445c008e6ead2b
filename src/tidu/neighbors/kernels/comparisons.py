"""Which comparisons of rows of small integers does a processor do fastest, and how do rows lie for them?

Each `Comparison` adds up one number for a query and a row: a product of bytes or of words, a sum or the largest of
the absolute differences of bytes. Rows lie in panels: units of a few elements, one unit of every row side by side,
so that a vector holds as many rows as it has lanes and nothing is added up across lanes. All sums are exact. This
file knows nothing of what the integers stand for, of thresholds and of neighbors.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from tidu.native.machine import Processor, n_vector_registers, vector_bytes
from tidu.native.text import FunctionText

__all__ = ["COMPARISONS", "Comparison", "Shape", "has_byte_products", "shape_for"]

_SUMS_WIDE, _SUMS_NARROW = 12, 6
"""Queries of a tile where there are 32 vector registers, and where there are 16."""
_VECTORS = 2
"""Vectors of rows in a tile."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the tiles of one comparison are on one processor.

    Parameters
    ----------
    n_queries : int
        Queries of a tile, and of a panel of queries.
    lanes : int
        Rows in a vector.
    n_vectors : int
        Vectors in a tile.
    """

    n_queries: int
    lanes: int
    n_vectors: int = _VECTORS

    @property
    def n_rows(self) -> int:
        """Rows of a tile, and of a panel of rows."""
        return self.lanes * self.n_vectors


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way to compare a query with a row.

    Parameters
    ----------
    name : str
    unit : int
        Elements of a unit.
    element_bytes : int
        Bytes of an element.
    sum_bits : int
        Bits of a sum.
    signed_rows : bool
        Whether rows are signed integers; bytes of products are unsigned on the side of the rows.
    signed_queries : bool
    is_product : bool
        Whether sums grow with nearness.
    least, most : int
        Elements are within, before they are shifted to be unsigned.
    accumulate : callable
        ``accumulate(text, lanes, total, rows, query)`` returns LLVM's name of the next sums; rows and the query,
        repeated for every row, are vectors of units.
    """

    name: str
    unit: int
    element_bytes: int
    sum_bits: int
    signed_rows: bool
    signed_queries: bool
    is_product: bool
    least: int
    most: int
    accumulate: Callable[[FunctionText, int, str, str, str], str]

    @property
    def unit_bytes(self) -> int:
        """Bytes of a unit: those of a sum."""
        return self.unit * self.element_bytes

    @property
    def element(self) -> str:
        """LLVM's type of an element."""
        return f"i{8 * self.element_bytes}"

    def n_units(self, n_features: int) -> int:
        """Return the units of a row; the last one is filled up with what changes no sum."""
        return -(-n_features // self.unit)


def shape_for(comparison: Comparison, processor: Processor) -> Shape:
    """Return the tiles for a processor."""
    n_queries = _SUMS_WIDE if n_vector_registers(processor) == 32 else _SUMS_NARROW
    return Shape(n_queries, vector_bytes(processor) // (comparison.sum_bits // 8))


def _dot_bytes(text: FunctionText, lanes: int, total: str, rows: str, query: str) -> str:
    """Add four products of unsigned by signed bytes to each sum."""
    kind, width = f"<{lanes} x i32>", 32 * lanes
    if _multiplies_bytes(text.features, width):
        # The signature that every LLVM reads; newer ones say bytes and upgrade it.
        name = f"llvm.x86.avx512.vpdpbusd.{width}"
        text.declare(f"declare {kind} @{name}({kind}, {kind}, {kind})")
        return text.value(f"call {kind} @{name}({kind} {total}, {kind} {rows}, {kind} {query})")
    for shift in (24, 16, 8, 0):  # plain shifts and products, as a processor without any of this knows them
        a = text.value(f"shl {kind} {rows}, splat (i32 {shift})")
        a = text.value(f"lshr {kind} {a}, splat (i32 24)")
        b = text.value(f"shl {kind} {query}, splat (i32 {shift})")
        b = text.value(f"ashr {kind} {b}, splat (i32 24)")
        total = text.value(f"add {kind} {total}, {text.value(f'mul {kind} {a}, {b}')}")
    return total


def has_byte_products(processor: Processor) -> bool:
    """Tell whether a processor multiplies bytes and adds them up at once; else words are as fast."""
    return _multiplies_bytes(processor.enabled, 8 * vector_bytes(processor))


def _multiplies_bytes(features: Set[str], width: int) -> bool:
    if width == 512:
        return "avx512vnni" in features
    return "avxvnni" in features or {"avx512vnni", "avx512vl"} <= features


def _dot_words(text: FunctionText, lanes: int, total: str, rows: str, query: str) -> str:
    """Add two products of words to each sum; LLVM finds the instruction that does it at once."""
    words, wide, kind = f"<{2 * lanes} x i16>", f"<{2 * lanes} x i32>", f"<{lanes} x i32>"
    sides = []
    for side in (rows, query):
        narrow = text.value(f"bitcast {kind} {side} to {words}")
        sides.append(text.value(f"sext {words} {narrow} to {wide}"))
    products = text.value(f"mul nsw {wide} {sides[0]}, {sides[1]}")
    halves = []
    for first in (0, 1):
        lanes_of = ", ".join(f"i32 {2 * i + first}" for i in range(lanes))
        mask = f"<{lanes} x i32> <{lanes_of}>"
        halves.append(text.value(f"shufflevector {wide} {products}, {wide} poison, {mask}"))
    pair = text.value(f"add {kind} {halves[0]}, {halves[1]}")
    return text.value(f"add {kind} {total}, {pair}")


def _absolute(text: FunctionText, n_bytes: int, rows: str, query: str) -> str:
    kind = f"<{n_bytes} x i8>"
    found = []
    for name in ("umax", "umin"):
        text.declare(f"declare {kind} @llvm.{name}.v{n_bytes}i8({kind}, {kind})")
        found.append(text.value(f"call {kind} @llvm.{name}.v{n_bytes}i8({kind} {rows}, {kind} {query})"))
    return text.value(f"sub {kind} {found[0]}, {found[1]}")


def _sum_differences(text: FunctionText, lanes: int, total: str, rows: str, query: str) -> str:
    """Add eight absolute differences of bytes to each sum."""
    kind, bytes_ = f"<{lanes} x i64>", f"<{8 * lanes} x i8>"
    sides = [text.value(f"bitcast {kind} {side} to {bytes_}") for side in (rows, query)]
    name = {2: "sse2.psad.bw", 4: "avx2.psad.bw", 8: "avx512.psad.bw.512"}.get(lanes)
    if name is not None and ("sse2" in text.features):
        text.declare(f"declare {kind} @llvm.x86.{name}({bytes_}, {bytes_})")
        found = text.value(f"call {kind} @llvm.x86.{name}({bytes_} {sides[0]}, {bytes_} {sides[1]})")
        return text.value(f"add {kind} {total}, {found}")
    apart = text.value(f"bitcast {bytes_} {_absolute(text, 8 * lanes, *sides)} to {kind}")
    odd, all_four = f"splat (i64 {0x00FF00FF00FF00FF})", f"splat (i64 {0x0001000100010001})"
    low = text.value(f"and {kind} {apart}, {odd}")
    high = text.value(f"and {kind} {text.value(f'lshr {kind} {apart}, splat (i64 8)')}, {odd}")
    fours = text.value(f"mul {kind} {text.value(f'add {kind} {low}, {high}')}, {all_four}")
    return text.value(f"add {kind} {total}, {text.value(f'lshr {kind} {fours}, splat (i64 48)')}")


def _largest_difference(text: FunctionText, lanes: int, total: str, rows: str, query: str) -> str:
    """Take the larger of what was found so far and the next absolute difference."""
    kind = f"<{lanes} x i8>"
    difference = _absolute(text, lanes, rows, query)
    return text.value(f"call {kind} @llvm.umax.v{lanes}i8({kind} {total}, {kind} {difference})")


COMPARISONS = {
    one.name: one
    for one in (
        Comparison("dot8", 4, 1, 32, False, True, True, -128, 127, _dot_bytes),
        Comparison("dot16", 2, 2, 32, True, True, True, -(1 << 14), 1 << 14, _dot_words),
        Comparison("sum8", 8, 1, 64, False, False, False, -128, 127, _sum_differences),
        Comparison("max8", 1, 1, 8, False, False, False, -128, 127, _largest_difference),
    )
}
