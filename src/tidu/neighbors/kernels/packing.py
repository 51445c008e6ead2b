"""How do rows of numbers become panels of small integers, and how much is lost on the way?

Every element is shifted, perhaps scaled, and rounded to the next integer; what that leaves out is added up for each
row, so that distances of the integers bound distances of the rows. Bytes are taken as they are, and nothing is
lost. This file knows nothing of what the bounds are good for.

Notes
-----
For a row x, its factor f and the centers c: ``z = f x - c``, ``q = rint(z / scale)`` cut to the range, and the error
``e = z - scale q``. Arithmetic is in float64; what it rounds itself is for the caller to add.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

from tidu.core.emit import Scalar
from tidu.native.machine import NativeCall, Processor, host, vector_bytes
from tidu.native.text import FunctionText, Kernel
from tidu.native.vectors import MEMORY_TYPES, Vectors
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.table import PACK_SLOTS, Table, compiled, module_of, shared_text

__all__ = ["STATISTICS", "Pack", "compiled_pack", "pack_scratch_bytes", "pack_text"]

STATISTICS = ("squares", "sum", "error", "nan")
"""Float64 numbers that are written for each row: the sums of its integers' squares and of its integers, the sum of
the squares, the sum of the absolute values, or the largest of the errors; and NaN if some element is not finite."""
_OFFSET = 128
"""From a signed to an unsigned byte."""


@dataclass(frozen=True, slots=True)
class Pack:
    """How rows are packed.

    Parameters
    ----------
    comparison : str
        Name of the `Comparison` that they are for.
    queries : bool
        Whether they are the queries.
    dtype : str
        Of the rows.
    error : {"none", "squares", "absolute", "largest"}
        What is added up of the errors; "none" of bytes that are taken as they are.
    has_centers, has_factors : bool
        Whether rows are shifted and multiplied.
    most_squares : int
        A row whose integers' squares add up to more becomes zeros; 0 for no such bound.
    """

    comparison: str
    queries: bool
    dtype: str
    error: Literal["none", "squares", "absolute", "largest"]
    has_centers: bool = False
    has_factors: bool = False
    most_squares: int = 0


def pack_scratch_bytes(pack: Pack, n_features: int) -> int:
    """Return the scratch memory of a thread: a row of integers."""
    comparison = COMPARISONS[pack.comparison]
    return -(-comparison.n_units(n_features) * comparison.unit_bytes // 64) * 64 + 64


@lru_cache(maxsize=64)
def compiled_pack(pack: Pack, processor: Processor | None = None) -> NativeCall:
    """Return the native function, for `tidu.native.threads.Team.run`."""
    return compiled("tidu_pack", pack_text(pack, processor), processor)


def pack_text(pack: Pack, processor: Processor | None = None) -> str:
    """Return the module of a packing; its function is ``tidu_pack(table, thread, count)``."""
    processor = processor or host()
    writer = _Writer(pack, processor)
    return module_of("tidu_pack", writer.main(), {"tidu_row": writer.row()})


class _Writer:
    """Writes the functions of one packing."""

    def __init__(self, pack: Pack, processor: Processor) -> None:
        self.pack, self.processor = pack, processor
        self.comparison = COMPARISONS[pack.comparison]
        shape = shape_for(self.comparison, processor)
        self.n_rows = shape.n_queries if pack.queries else shape.n_rows
        signed = self.comparison.signed_queries if pack.queries else self.comparison.signed_rows
        self.flip = 0 if signed else -_OFFSET
        self.lanes = vector_bytes(processor) // 8

    def _slot(self, text: FunctionText, name: str, kind: str = "i64") -> str:
        return Table(text, PACK_SLOTS).load(name, kind)

    def main(self) -> Kernel:
        """Take panels until there are none."""
        text = shared_text(self.processor.enabled)
        table = Table(text, PACK_SLOTS)
        scratch, n_units, packed = table.scratch, table.load("n_units"), table.load("packed", "ptr")
        unit = self.comparison.unit_bytes
        kind = f"i{8 * unit}"
        panel_bytes = text.value(f"mul i64 {n_units}, {self.n_rows * unit}")
        with table.tasks(table.load("n_panels")) as panel:
            out = text.offset("i8", packed, text.value(f"mul i64 {panel}, {panel_bytes}"))
            first = text.value(f"mul i64 {panel}, {self.n_rows}")
            with text.loop(self.n_rows) as loop:
                row = text.value(f"add i64 {first}, {loop.index}")
                text.do(f"call void @tidu_row(ptr %p0, i64 {row}, ptr {scratch})")
                column = text.offset("i8", out, text.value(f"mul i64 {loop.index}, {unit}"))
                with text.loop(n_units) as units:
                    value = text.value(f"load {kind}, ptr {text.offset(kind, scratch, units.index)}")
                    place = text.offset("i8", column, text.value(f"mul i64 {units.index}, {self.n_rows * unit}"))
                    text.do(f"store {kind} {value}, ptr {place}")
        return text.finish()

    def row(self) -> Kernel:
        """Turn one row into integers in scratch memory: ``row(table, row, scratch)``; rows past the last are 0."""
        text = FunctionText(["ptr", "i64", "ptr"], self.processor.enabled)
        n_features, n_units = self._slot(text, "n_features"), self._slot(text, "n_units")
        unit = f"i{8 * self.comparison.unit_bytes}"
        n_rows = self._slot(text, "n_rows")
        is_row = text.value(f"icmp ult i64 %p1, {n_rows}")
        last = text.value(f"sub i64 {n_units}, 1")
        text.do(f"store {unit} 0, ptr {text.offset(unit, '%p2', last)}")
        with text.when(text.value(f"xor i1 {is_row}, true")), text.loop(n_units) as loop:
            text.do(f"store {unit} 0, ptr {text.offset(unit, '%p2', loop.index)}")
        with text.when(is_row):
            begin = text.value(f"mul i64 %p1, {n_features}")
            raw = text.offset(MEMORY_TYPES[self.pack.dtype], self._slot(text, "raw", "ptr"), begin)
            at = text.value(f"mul i64 %p1, {len(STATISTICS)}")
            statistics = text.offset("double", self._slot(text, "statistics", "ptr"), at)
            if self.pack.error == "none":
                self._bytes(text, raw, n_features, statistics)
            else:
                self._scaled(text, raw, n_features, statistics)
        return text.finish()

    def _bytes(self, text: FunctionText, raw: str, n_features: str, statistics: str) -> None:
        """Take bytes as they are, less 128 if they are unsigned."""
        source = "int8" if self.pack.dtype == "int8" else "uint8"
        shift = 0 if source == "int8" else _OFFSET

        def one(lanes: int, at: str, sums: list[Scalar]) -> list[Scalar]:
            loaded = Vectors(text, source, lanes)
            value = loaded.load(text.offset("i8", raw, at))
            flip = self.flip ^ (0 if source == "int8" else -_OFFSET)
            # Less 128 is the uppermost bit flipped; to be unsigned again, flipped once more.
            stored = loaded.bitwise("xor", value, loaded.constant(flip)) if flip else value
            loaded.store(stored, text.offset("i8", "%p2", at))
            wide = loaded.of("int32")
            number = wide.convert(value, source)
            number = wide.sub(number, wide.constant(shift)) if shift else number
            return [wide.add(sums[0], wide.mul(number, number)), wide.add(sums[1], number)]

        squares, total = _Sums(text, "int32").write(n_features, 2 * self.lanes, 2, one)
        one_lane = Vectors(text, "float64")
        for name, value in (("squares", squares), ("sum", total)):
            self._write(text, statistics, name, one_lane.convert(value, "int64"))
        for name in ("error", "nan"):
            self._write(text, statistics, name, one_lane.constant(0))

    def _scaled(self, text: FunctionText, raw: str, n_features: str, statistics: str) -> None:
        scale, inverse = (self._slot(text, name, "double") for name in ("scale", "inverse_scale"))
        centers = self._slot(text, "centers", "ptr")
        factor = ""
        if self.pack.has_factors:
            factor = text.value(f"load double, ptr {text.offset('double', self._slot(text, 'factors', 'ptr'), '%p1')}")
        element = self.comparison.element
        dtype = self.pack.dtype
        ends = ((">", float(self.comparison.most)), ("<", float(self.comparison.least)))

        def one(lanes: int, at: str, sums: list[Scalar]) -> list[Scalar]:
            wide = Vectors(text, "float64", lanes)
            source = wide.of("uint8" if dtype == "bool" else dtype)
            x = wide.convert(source.load(text.offset(MEMORY_TYPES[dtype], raw, at)), source.dtype)
            z = wide.mul(x, wide.splat(Scalar(factor))) if factor else x
            if self.pack.has_centers:
                z = wide.sub(z, wide.load(text.offset("double", centers, at)))
            q = wide.call("rint", wide.mul(z, wide.splat(Scalar(inverse))))
            for relation, end in ends:
                # Written so that NaN becomes the end: it must not reach the conversion below.
                inside = wide.negate(wide.compare(relation, q, wide.constant(end)))
                inside = wide.both(inside, wide.negate(wide.is_nan(q)))
                q = wide.select(inside, q, wide.constant(end))
            e = wide.sub(z, wide.mul(q, wide.splat(Scalar(scale))))
            kind = f"<{lanes} x i32>" if lanes > 1 else "i32"
            narrow = f"<{lanes} x {element}>" if lanes > 1 else element
            stored = text.value(f"fptosi {wide.type} {q} to {kind}")
            stored = text.value(f"trunc {kind} {stored} to {narrow}")
            if self.flip:
                mask = f"splat ({element} {self.flip})" if lanes > 1 else str(self.flip)
                stored = text.value(f"xor {narrow} {stored}, {mask}")
            text.do(f"store {narrow} {stored}, ptr {text.offset(element, '%p2', at)}, align 1")
            size = wide.mul(e, e) if self.pack.error == "squares" else wide.call("fabs", e)
            error = wide.add(sums[2], size)
            if self.pack.error == "largest":
                error = wide.select(wide.compare("<", size, sums[2]), sums[2], size)
            return [wide.add(sums[0], wide.mul(q, q)), wide.add(sums[1], q), error, wide.add(sums[3], wide.sub(x, x))]

        largest = STATISTICS.index("error") if self.pack.error == "largest" else -1
        found = _Sums(text, "float64", largest).write(n_features, self.lanes, len(STATISTICS), one)
        for name, value in zip(STATISTICS, found, strict=True):
            self._write(text, statistics, name, value)
        if self.pack.most_squares:
            fits = text.value(f"fcmp ole double {found[0]}, {float(self.pack.most_squares):.1f}")
            with text.when(text.value(f"xor i1 {fits}, true")), text.loop(n_features) as loop:
                text.do(f"store {element} {self.flip}, ptr {text.offset(element, '%p2', loop.index)}")

    def _write(self, text: FunctionText, statistics: str, name: str, value: Scalar) -> None:
        text.do(f"store double {value}, ptr {text.offset('double', statistics, STATISTICS.index(name))}")


_Body = Callable[[int, str, list[Scalar]], list[Scalar]]
"""``body(lanes, at, sums)`` returns the sums with so many more elements."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Writes a loop that adds up several things of a row: whole vectors first, then element by element.

    Parameters
    ----------
    text : FunctionText
    dtype : {"int32", "float64"}
        Of the lanes; int32 ends up as int64.
    largest : int
        Number of the one that is a largest value instead of a sum, or -1.
    """

    text: FunctionText
    dtype: str
    largest: int = -1

    @property
    def _wide(self) -> str:
        return "int64" if self.dtype == "int32" else self.dtype

    @property
    def _kind(self) -> str:
        return "i64" if self.dtype == "int32" else "double"

    @property
    def _zero(self) -> str:
        return "0" if self.dtype == "int32" else "0.0"

    def write(self, count: str, lanes: int, n_sums: int, body: _Body) -> list[Scalar]:
        """Write the loops over `count` elements, and return the sums."""
        whole = self.text.value(f"udiv i64 {count}, {lanes}")
        done = self.text.value(f"mul i64 {whole}, {lanes}")
        totals = self._part(whole, "0", lanes, [self._zero] * n_sums, body)
        return self._part(self.text.value(f"sub i64 {count}, {done}"), done, 1, totals, body)

    def _part(self, rounds: str, first: str, lanes: int, totals: Sequence[str], body: _Body) -> list[Scalar]:
        """Add what some rounds give to the totals."""
        text, vectors = self.text, Vectors(self.text, self.dtype, lanes)
        some, after, before = text.label("some"), text.label("after"), text.block
        text.do(f"br i1 {text.value(f'icmp ne i64 {rounds}, 0')}, label %{some}, label %{after}")
        text.begin(some)
        zeros = [(vectors.type, "zeroinitializer" if lanes > 1 else self._zero)] * len(totals)
        with text.loop(rounds, zeros) as loop:
            at = text.value(f"add i64 {text.value(f'mul i64 {loop.index}, {lanes}')}, {first}")
            loop.hand_on(*body(lanes, at, list(map(Scalar, loop.carried))))
        joined = []
        for i, (total, value) in enumerate(zip(totals, loop.following, strict=True)):
            wide = Vectors(text, self._wide, lanes)
            folded = wide.fold(wide.convert(Scalar(value), self.dtype), partial(self._join, i))
            joined.append(self._join(i, Vectors(text, self._wide), Scalar(total), folded))
        inside = text.block
        text.do(f"br label %{after}")
        text.begin(after)
        return [
            Scalar(text.value(f"phi {self._kind} [{total}, %{before}], [{value}, %{inside}]"))
            for total, value in zip(totals, joined, strict=True)
        ]

    def _join(self, number: int, vectors: Vectors, a: Scalar, b: Scalar) -> Scalar:
        if number == self.largest:
            return vectors.select(vectors.compare("<", a, b), b, a)
        return vectors.add(a, b)
