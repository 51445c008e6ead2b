"""How does native code compute the key of two rows, to the last bit as `tidu.neighbors.metrics` defines it?

Integers are added up in 64 bits, in any order; floats in float64 by the reference order, the second half of the
terms onto the first until one is left. Vectors add element by element, so the bits do not depend on their width.
This file knows nothing of thresholds and of which pairs are worth it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tidu.core.emit import Scalar
from tidu.native.text import FunctionText, Kernel
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["AUXILIARIES", "NARROW_FEATURES", "ExactKey", "exact_kernel", "quick_kernel", "scratch_bytes"]

AUXILIARIES = 3
"""Numbers for each row that the key of "cosine" needs: two factors whose product scales the row, a power of two, and
the sum of the squares of the scaled row."""
NARROW_FEATURES = 1 << 15
"""Up to so many features the squared differences of bytes, at most 383 apart, are added up in 4 lanes of 32 bits."""


@dataclass(frozen=True, slots=True)
class ExactKey:
    """What the key of a pair is made of.

    Parameters
    ----------
    kind : str
        "squares", "absolute", "largest", "products", "cosine", or "dots", which is the sum under the cosine.
    query, row : str
        Dtypes of both sides.
    whole : bool
        Whether the key is an exact integer.
    narrow : bool
        Whether there are at most `NARROW_FEATURES`.
    """

    kind: str
    query: str
    row: str
    whole: bool
    narrow: bool = True

    @property
    def key(self) -> str:
        """LLVM's type of the key."""
        return "i64" if self.whole else "double"


def scratch_bytes(n_features: int) -> int:
    """Return how much scratch memory a key needs."""
    return max(8 * ((n_features + 1) // 2), 128)


def exact_kernel(exact: ExactKey, n_bytes: int, features: frozenset[str]) -> Kernel:
    """Return the function ``exact(query, row, n_features, scratch, query_aux, row_aux, result)``.

    Parameters
    ----------
    exact : ExactKey
    n_bytes : int
        Of a vector register.
    features : set of str
        What the processor can do.
    """
    text = FunctionText(["ptr noalias", "ptr noalias", "i64", "ptr noalias", *["ptr"] * 3], features)
    if exact.whole:
        if exact.narrow and exact.kind == "squares" and {exact.query, exact.row} <= {"uint8", "int8", "bool"}:
            key = _squares_of_bytes(text, exact, n_bytes)
        else:
            key = _integer_key(text, exact, n_bytes // 8)
    else:
        key = _float_key(text, exact, n_bytes // 8)
    text.do(f"store {exact.key} {key}, ptr %p6")
    return text.finish()


def quick_kernel(exact: ExactKey, n_bytes: int, features: frozenset[str]) -> Kernel | None:
    """Return ``quick(query, row, n_features, result)``, which bounds a key from below at a fraction of its cost.

    The sum of squared differences in the dtype of the rows, added up in whatever order is fast; None where the key
    itself is as fast. The bound is 0 where the dtype's range ends.

    Notes
    -----
    All terms are positive, so the relative error is at most (n / lanes + log2(lanes) + 4) roundings, whatever n
    sums of lanes it is made of.
    """
    if exact.kind != "squares" or exact.query != exact.row or exact.row not in ("float32", "float64"):
        return None
    dtype, element, size = exact.row, MEMORY_TYPES[exact.row], 4 if exact.row == "float32" else 8
    text = FunctionText(["ptr noalias", "ptr noalias", "i64", "ptr"], features)
    lanes, n_sums = n_bytes // size, 4
    vectors = Vectors(text, dtype, lanes)
    step = lanes * n_sums

    def difference(builder: Vectors, at: str) -> Scalar:
        return builder.sub(*(builder.load(text.offset(element, side, at)) for side in ("%p0", "%p1")))

    blocks = text.value(f"udiv i64 %p2, {step}")
    text.do("store double 0.0, ptr %p3")
    with text.when(text.value(f"icmp ne i64 {blocks}, 0")):
        with text.loop(blocks, [(vectors.type, "zeroinitializer")] * n_sums) as loop:
            first = text.value(f"mul i64 {loop.index}, {step}")
            following = []
            for i, total in enumerate(loop.carried):
                d = difference(vectors, text.value(f"add i64 {first}, {i * lanes}"))
                following.append(vectors.add(Scalar(total), vectors.mul(d, d)))
            loop.hand_on(*following)
        a, b, c, d = map(Scalar, loop.following)
        total = vectors.fold(vectors.add(vectors.add(a, b), vectors.add(c, d)), lambda some, x, y: some.add(x, y))
        wide = Vectors(text, "float64")
        # What is left after whole blocks only adds to the key: the bound does without.
        rounding = 2.0**-24 if dtype == "float32" else 2.0**-53
        n = text.value("uitofp i64 %p2 to double")
        relative = wide.add(wide.mul(Scalar(n), wide.constant(rounding / step)), wide.constant(32 * rounding + 1e-12))
        value = wide.convert(total, dtype)
        bound = wide.mul(value, wide.sub(wide.constant(1), relative))
        low, high = (1e-30, 1e37) if dtype == "float32" else (1e-290, 1e300)
        inside = wide.both(wide.compare(">", value, wide.constant(low)), wide.compare("<", value, wide.constant(high)))
        wide.store(wide.select(inside, bound, wide.constant(0)), "%p3")
    return text.finish()


def _each(text: FunctionText, count: str, lanes: int, body: Callable[[int, str], None]) -> None:
    """Run ``body(lanes, first)`` for whole vectors, then for what is left, element by element."""
    whole = text.value(f"udiv i64 {count}, {lanes}")
    done = text.value(f"mul i64 {whole}, {lanes}")
    with text.when(text.value(f"icmp ne i64 {whole}, 0")), text.loop(whole) as loop:
        body(lanes, text.value(f"mul i64 {loop.index}, {lanes}"))
    if lanes == 1:
        return
    left = text.value(f"sub i64 {count}, {done}")
    with text.when(text.value(f"icmp ne i64 {left}, 0")), text.loop(left) as loop:
        body(1, text.value(f"add i64 {loop.index}, {done}"))


def _loaded(text: FunctionText, side: str, dtype: str, wide: str, at: str, lanes: int) -> Scalar:
    source = Vectors(text, "uint8" if dtype == "bool" else dtype, lanes)
    value = source.load(text.offset(MEMORY_TYPES[dtype], side, at))
    return source.of(wide).convert(value, source.dtype)


def _term(text: FunctionText, exact: ExactKey, wide: str, at: str, lanes: int) -> Scalar:
    """Return the terms of some features, of which the key is the sum or the largest."""
    vectors = Vectors(text, wide, lanes)
    a = _loaded(text, "%p0", exact.query, wide, at, lanes)
    b = _loaded(text, "%p1", exact.row, wide, at, lanes)
    if exact.kind == "products":
        return vectors.mul(a, b)
    if exact.kind in ("cosine", "dots"):
        return vectors.mul(_scaled(text, vectors, a, "%p4"), _scaled(text, vectors, b, "%p5"))
    difference = vectors.sub(a, b)
    if exact.kind == "squares":
        return vectors.mul(difference, difference)
    if wide == "float64":
        return vectors.call("fabs", difference)
    return vectors.select(vectors.compare("<", difference, vectors.constant(0)), vectors.neg(difference), difference)


def _scaled(text: FunctionText, vectors: Vectors, value: Scalar, aux: str) -> Scalar:
    """Multiply by a power of two, in two steps since it may lie outside the range of a float64."""
    for i in (0, 1):
        factor = text.value(f"load double, ptr {text.offset('double', aux, i)}")
        value = vectors.mul(value, vectors.splat(Scalar(factor)))
    return value


def _joined(vectors: Vectors, kind: str, a: Scalar, b: Scalar) -> Scalar:
    if kind == "largest":
        return vectors.select(vectors.compare("<", a, b), b, a)
    return vectors.add(a, b)


def _float_key(text: FunctionText, exact: ExactKey, lanes: int) -> str:
    """Fold the terms in scratch memory; the first round needs no stored ones."""

    def place(at: str) -> str:
        return text.offset("double", "%p3", at)

    def join_terms(lanes: int, at: str) -> None:
        vectors = Vectors(text, "float64", lanes)
        above = text.value(f"add i64 {at}, {half}")
        low, high = (_term(text, exact, "float64", x, lanes) for x in (at, above))
        vectors.store(_joined(vectors, exact.kind, low, high), place(at))

    half = text.value(f"lshr i64 {text.value('add i64 %p2, 1')}, 1")
    lower = text.value(f"sub i64 %p2, {half}")
    _each(text, lower, lanes, join_terms)
    odd = text.value(f"icmp ne i64 {lower}, {half}")
    with text.when(odd):
        Vectors(text, "float64").store(_term(text, exact, "float64", lower, 1), place(lower))
    text.declare("declare i64 @llvm.ctlz.i64(i64, i1)")
    less = text.value(f"sub i64 {half}, 1")
    zeros = text.value(f"call i64 @llvm.ctlz.i64(i64 {less}, i1 false)")
    rounds = text.value(f"sub i64 64, {zeros}")
    with text.when(text.value(f"icmp ne i64 {rounds}, 0")), text.loop(rounds, [("i64", half)]) as loop:
        width = loop.carried[0]
        narrower = text.value(f"lshr i64 {text.value(f'add i64 {width}, 1')}, 1")

        def join_stored(lanes: int, at: str) -> None:
            vectors = Vectors(text, "float64", lanes)
            above = text.value(f"add i64 {at}, {narrower}")
            low, high = (vectors.load(place(x)) for x in (at, above))
            vectors.store(_joined(vectors, exact.kind, low, high), place(at))

        _each(text, text.value(f"sub i64 {width}, {narrower}"), lanes, join_stored)
        loop.hand_on(narrower)
    total = Vectors(text, "float64").load("%p3")
    if exact.kind == "products":
        return str(Vectors(text, "float64").neg(total))
    return _cosine_distance(text, total) if exact.kind == "cosine" else str(total)


def _cosine_distance(text: FunctionText, dot: Scalar) -> str:
    """Return one minus the similarity, from 0 to 2; a row of zeros is at distance 1 of any."""
    one = Vectors(text, "float64")
    squares = [one.load(text.offset("double", aux, 2)) for aux in ("%p4", "%p5")]
    both = one.mul(*squares)
    similarity = one.div(dot, one.call("sqrt", both))
    similarity = one.select(one.compare(">", both, one.constant(0)), similarity, one.constant(0))
    distance = one.sub(one.constant(1), similarity)
    distance = one.select(one.compare("<", distance, one.constant(0)), one.constant(0), distance)
    return str(one.select(one.compare(">", distance, one.constant(2)), one.constant(2), distance))


def _integer_key(text: FunctionText, exact: ExactKey, lanes: int) -> str:
    """Add up terms in 64 bits; what wraps around on the way comes back."""
    vectors = Vectors(text, "int64", lanes)
    sums = "%p3"
    vectors.store(vectors.constant(0), sums)

    def add(lanes: int, at: str) -> None:
        some = Vectors(text, "int64", lanes)
        held = some.load(sums)
        some.store(_joined(some, exact.kind, held, _term(text, exact, "int64", at, lanes)), sums)

    _each(text, "%p2", lanes, add)
    total = vectors.fold(vectors.load(sums), lambda some, a, b: _joined(some, exact.kind, a, b))
    return str(Vectors(text, "int64").neg(total)) if exact.kind == "products" else str(total)


def _squares_of_bytes(text: FunctionText, exact: ExactKey, n_bytes: int) -> str:
    """Add up squared differences of bytes, widened to words that are multiplied and added in pairs."""
    lanes = n_bytes // 2
    kind, words, wide = (f"<{n} x {e}>" for n, e in ((lanes // 2, "i32"), (lanes, "i16"), (lanes, "i32")))
    blocks = text.value(f"udiv i64 %p2, {lanes}")
    sums = "%p3"
    text.do(f"store {kind} zeroinitializer, ptr {sums}, align 8")

    def difference(lanes: int, at: str, wide: str) -> Scalar:
        vectors = Vectors(text, wide, lanes)
        return vectors.sub(
            *(_loaded(text, p, t, wide, at, lanes) for p, t in (("%p0", exact.query), ("%p1", exact.row)))
        )

    with text.when(text.value(f"icmp ne i64 {blocks}, 0")):
        with text.loop(blocks, [(kind, "zeroinitializer")]) as loop:
            narrow = difference(lanes, text.value(f"mul i64 {loop.index}, {lanes}"), "int16")
            value = text.value(f"sext {words} {narrow} to {wide}")
            squares = text.value(f"mul nsw {wide} {value}, {value}")
            pair = [
                text.value(
                    f"shufflevector {wide} {squares}, {wide} poison, <{lanes // 2} x i32> "
                    f"<{', '.join(f'i32 {2 * i + first}' for i in range(lanes // 2))}>"
                )
                for first in (0, 1)
            ]
            both = text.value(f"add {kind} {pair[0]}, {pair[1]}")
            loop.hand_on(text.value(f"add {kind} {loop.carried[0]}, {both}"))
        text.do(f"store {kind} {loop.following[0]}, ptr {sums}, align 8")
    vectors = Vectors(text, "int64", lanes // 2)
    found = vectors.convert(Vectors(text, "int32", lanes // 2).load(sums), "int32")
    total = vectors.fold(found, lambda some, a, b: some.add(a, b))
    place = sums
    text.do(f"store i64 {total}, ptr {place}")
    done = text.value(f"mul i64 {blocks}, {lanes}")
    left = text.value(f"sub i64 %p2, {done}")
    with text.when(text.value(f"icmp ne i64 {left}, 0")), text.loop(left) as loop:
        one = Vectors(text, "int64")
        term = difference(1, text.value(f"add i64 {loop.index}, {done}"), "int64")
        one.store(one.add(one.load(place), one.mul(term, term)), place)
    return text.value(f"load i64, ptr {place}")
