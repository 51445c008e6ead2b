"""How are floats handed to instructions that multiply pairs of bfloat16?

Such an instruction multiplies two neighbors in depth at once, so a matrix is copied into pairs: one 32-bit
word for each two elements, the first in the lower half, both rounded to bfloat16. A product of pairs is
then a product of half the depth. This file knows nothing of tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tidu.core.emit import Scalar
from tidu.native.packing import Layout
from tidu.native.text import FunctionText
from tidu.native.vectors import Vectors, vector_type

__all__ = ["multiply_pairs", "n_pairs", "paired_a", "paired_b", "write_pairs_of_a", "write_pairs_of_b"]

_LINE_WORDS = 16


@dataclass(frozen=True, slots=True)
class _Strided:
    """Where an operand lies, as rows that are multiplied along their depth.

    Parameters
    ----------
    place : str
        Of the first element.
    row, step : int
        From one row, one element or pair in depth, to the next, counted in 4 bytes.
    """

    place: str
    row: int
    step: int


def n_pairs(depth: int) -> int:
    """Return how many pairs hold `depth` elements; the last one is filled with a zero."""
    return -(-depth // 2)


def paired_a(a: Layout, n_rows: int, depth: int) -> tuple[Layout, int]:
    """Return how the pairs of A lie, and how many words they take."""
    if a.row == 1:
        pitch = _lines(n_rows) * _LINE_WORDS
        return Layout(1, pitch), n_pairs(depth) * pitch
    pitch = _odd_pitch(depth)
    return Layout(pitch, 1), n_rows * pitch


def paired_b(b: Layout, n_columns: int, depth: int) -> tuple[Layout, int]:
    """Return how the pairs of B lie, and how many words they take."""
    if b.column == 1:
        pitch = _lines(-(-n_columns // b.panel) * b.panel if b.panel else n_columns) * _LINE_WORDS
        return Layout(pitch, 1), n_pairs(depth) * pitch
    pitch = _odd_pitch(depth)
    return Layout(1, pitch), n_columns * pitch


def write_pairs_of_a(
    text: FunctionText, lanes: int, a: Layout, n_rows: int, depth: int, place: str, to: str, count: str
) -> None:
    """Copy the `count` rows from `place` on, `n_rows` or one less, to pairs."""
    pairs, _ = paired_a(a, n_rows, depth)
    source, target = _Strided(place, a.row, a.column), _Strided(to, pairs.row, pairs.column)
    certain = int(count) if count.isdecimal() else n_rows - 1
    _write_pairs(text, lanes, certain, depth, source, target)
    if count.isdecimal():
        return
    with text.when(text.value(f"icmp eq i64 {count}, {n_rows}")):
        last = replace(source, place=_further(text, place, certain * a.row))
        _write_pairs(text, lanes, 1, depth, last, replace(target, place=_further(text, to, certain * pairs.row)))


def write_pairs_of_b(
    text: FunctionText, lanes: int, b: Layout, n_columns: int, depth: int, place: str, to: str
) -> None:
    """Copy all of B to pairs, columns taking the part of rows; panels are laid side by side."""
    pairs, _ = paired_b(b, n_columns, depth)
    if not b.panel:
        source = _Strided(place, b.column, b.row)
        _write_pairs(text, lanes, n_columns, depth, source, _Strided(to, pairs.column, pairs.row))
        return
    with text.loop(-(-n_columns // b.panel), [("ptr", place), ("ptr", to)]) as loop:
        first, second = loop.carried
        _write_pairs(text, lanes, b.panel, depth, _Strided(first, 1, b.row), _Strided(second, 1, pairs.row))
        loop.hand_on(_further(text, first, b.panel_stride), _further(text, second, b.panel))


def multiply_pairs(sums: Vectors, a: Scalar, b: Scalar, total: Scalar) -> Scalar:
    """Return total + a b, where every lane of a and b is a pair; of 4, 8 or 16 lanes."""
    function = f"llvm.x86.avx512bf16.dpbf16ps.{32 * sums.lanes}"
    text, pairs = sums.text, f"<{2 * sums.lanes} x bfloat>"
    text.declare(f"declare {sums.type} @{function}({sums.type}, {pairs}, {pairs})")
    words = [text.value(f"bitcast <{sums.lanes} x i32> {x} to {pairs}") for x in (a, b)]
    return Scalar(
        text.value(f"call {sums.type} @{function}({sums.type} {total}, {pairs} {words[0]}, {pairs} {words[1]})")
    )


def _write_pairs(text: FunctionText, lanes: int, n_rows: int, depth: int, source: _Strided, target: _Strided) -> None:
    """Copy float32 rows to pairs, `lanes` words at a time where memory is contiguous along rows or depth."""
    if not n_rows or not depth:
        return
    if source.step == target.step == 1:
        _along_depth(text, lanes, n_rows, depth, source, target)
    elif source.row == target.row == 1:
        _along_rows(text, lanes, n_rows, depth, source, target)
    else:
        with text.loop(n_rows, [("ptr", source.place), ("ptr", target.place)]) as loop:
            places = loop.carried
            _along_rows(text, 1, 1, depth, _Strided(places[0], 1, source.step), _Strided(places[1], 1, target.step))
            loop.hand_on(_further(text, places[0], source.row), _further(text, places[1], target.row))


def _along_depth(text: FunctionText, lanes: int, n_rows: int, depth: int, source: _Strided, target: _Strided) -> None:
    """Round elements that lie one after the other; two neighbors are a pair already."""
    whole, rest = divmod(depth, 2 * lanes)
    with text.loop(n_rows, [("ptr", source.place), ("ptr", target.place)]) as loop:
        first, second = loop.carried
        if whole:
            with text.loop(whole) as inner:
                begin = text.value(f"mul nuw nsw i64 {inner.index}, {lanes}")
                place = text.offset("float", first, text.value(f"shl nuw nsw i64 {begin}, 1"))
                rounded = _rounded(Vectors(text, "float32", 2 * lanes), place)
                text.do(f"store <{2 * lanes} x i16> {rounded}, ptr {text.offset('i32', second, begin)}, align 4")
        if rest:
            vectors = Vectors(text, "float32", rest)
            rounded = _rounded(vectors, _further(text, first, whole * 2 * lanes))
            if rest % 2:
                rounded = _with_zero(text, rest, rounded)
            words = vector_type("i16", rest + rest % 2)
            text.do(f"store {words} {rounded}, ptr {_further(text, second, whole * lanes)}, align 4")
        loop.hand_on(_further(text, first, source.row), _further(text, second, target.row))


def _along_rows(text: FunctionText, lanes: int, n_rows: int, depth: int, source: _Strided, target: _Strided) -> None:
    """Join two neighbors in depth, for many rows at once."""
    whole, rest = divmod(n_rows, lanes)

    def copy(first: str, second: str, *, both: bool) -> None:
        if whole:
            with text.loop(whole) as inner:
                begin = text.value(f"mul nuw nsw i64 {inner.index}, {lanes}")
                _join(text, lanes, text.offset("float", first, begin), text.offset("i32", second, begin), step(both))
        if rest:
            _join(text, rest, _further(text, first, whole * lanes), _further(text, second, whole * lanes), step(both))

    def step(both: bool) -> int:
        return source.step if both else 0

    places = (source.place, target.place)
    if depth > 1:
        with text.loop(depth // 2, [("ptr", place) for place in places]) as loop:
            copy(*loop.carried, both=True)
            first, second = loop.carried
            loop.hand_on(_further(text, first, 2 * source.step), _further(text, second, target.step))
        places = (loop.following[0], loop.following[1])
    if depth % 2:
        copy(*places, both=False)


def _join(text: FunctionText, lanes: int, place: str, to: str, step: int) -> None:
    """Join `lanes` elements with those `step` further on; with zeros if that is 0."""
    words = Vectors(text, "int32", lanes)
    vectors = Vectors(text, "float32", lanes)
    half = vector_type("i16", lanes)
    word = Scalar(text.value(f"zext {half} {_rounded(vectors, place)} to {words.type}"))
    if step:
        other = text.value(f"zext {half} {_rounded(vectors, _further(text, place, step))} to {words.type}")
        word = words.bitwise("or", word, words.bitwise("shl", Scalar(other), words.constant(16)))
    words.store(word, to)


def _rounded(vectors: Vectors, place: str) -> str:
    """Load floats and return the bits of the nearest bfloat16."""
    text, lanes = vectors.text, vectors.lanes
    short = text.value(f"fptrunc {vectors.type} {vectors.load(place)} to {vector_type('bfloat', lanes)}")
    return text.value(f"bitcast {vector_type('bfloat', lanes)} {short} to {vector_type('i16', lanes)}")


def _with_zero(text: FunctionText, lanes: int, value: str) -> str:
    """Return 16-bit lanes with one zero behind them."""
    if lanes == 1:
        return text.value(f"insertelement <2 x i16> zeroinitializer, i16 {value}, i64 0")
    mask = ", ".join(f"i32 {lane}" for lane in range(lanes + 1))
    kind = f"<{lanes} x i16>"
    return text.value(f"shufflevector {kind} {value}, {kind} zeroinitializer, <{lanes + 1} x i32> <{mask}>")


def _further(text: FunctionText, place: str, words: int) -> str:
    return text.offset("i32", place, words)


def _lines(words: int) -> int:
    return -(-words // _LINE_WORDS)


def _odd_pitch(depth: int) -> int:
    """Return a distance between rows of pairs by which no two share a set of the cache (see `row_pitch`)."""
    return (_lines(n_pairs(depth)) | 1) * _LINE_WORDS
