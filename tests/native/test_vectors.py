"""Scalar code for any number of lanes means what NumPy means, in every lane."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tidu.core.emit import Scalar
from tidu.errors import UnsupportedError
from tidu.native.machine import Processor, baseline, compile_text
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors, literal, vector_type

LANES = (1, 2, 3, 7, 8, 16, 17)
SAMPLES = {
    "f": [0.0, 1.0, 2.5, 100.0, 3.0, 7.0, 0.5, 126.9],
    "i": [0, 1, -1, 5, -128, 127, 100, -7],
    "u": [0, 1, 255, 5, 128, 127, 100, 7],
    "b": [False, True, True, False, True, False, False, True],
}


def run(
    write: Callable[[FunctionText, Sequence[str]], None], *arrays: np.ndarray, processor: Processor | None = None
) -> None:
    """Compile a function of the arrays' places, and call it."""
    text = FunctionText(["ptr"] * len(arrays))
    write(text, [f"%p{i}" for i in range(len(arrays))])
    kernel = text.finish()
    module = "\n".join([*kernel.declarations, kernel.define("f")])
    code = compile_text(module, kernel.functions, vectorize=False, processor=processor)
    code.function("f", *[ctypes.c_void_p] * len(arrays))(*(x.ctypes.data for x in arrays))


def samples(dtype: str, n: int) -> np.ndarray:
    return np.resize(np.array(SAMPLES[np.dtype(dtype).kind], dtype), n)


@pytest.mark.parametrize("source", MEMORY_TYPES)
def test_a_converted_value_is_that_of_astype(source: str) -> None:
    for lanes in (1, 3, 16):
        x = samples(source, lanes)
        targets = [d for d in MEMORY_TYPES if np.can_cast(source, d, "same_kind") or d == "bool"]
        if np.dtype(source).kind == "f":
            targets += ["int8", "int32", "int64", "uint8", "uint64"]
        made = [np.zeros(lanes, d) for d in targets]

        def write(text: FunctionText, places: Sequence[str], lanes: int = lanes, targets: list[str] = targets) -> None:
            value = Vectors(text, source, lanes).load(places[0])
            for place, target in zip(places[1:], targets, strict=True):
                out = Vectors(text, target, lanes)
                out.store(out.convert(value, source), place)

        run(write, x, *made)
        for got in made:
            np.testing.assert_array_equal(got, x.astype(got.dtype))


@pytest.mark.parametrize("processor", [None, "baseline"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_all_lanes_are_folded_whatever_their_number(dtype: str, processor: str | None) -> None:
    x, out = np.arange(1, 34).astype(dtype), np.zeros(33, dtype)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        one = Vectors(text, dtype)
        for lanes in range(1, 34):
            vectors = Vectors(text, dtype, lanes)
            total = vectors.fold(vectors.load(places[0]), lambda b, x, y: b.add(x, y))
            one.store(total, text.offset(one.element, places[1], lanes - 1))

    run(write, x, out, processor=baseline() if processor else None)
    np.testing.assert_array_equal(out, np.cumsum(x, dtype=dtype))


@pytest.mark.parametrize("stride", [1, 0, 2, 3, -1, -2])
@pytest.mark.parametrize("lanes", LANES)
def test_elements_apart_are_loaded_and_stored(lanes: int, stride: int) -> None:
    x, out = np.arange(120, dtype=np.int32), np.full(120, -1, np.int32)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        vectors = Vectors(text, "int32", lanes)
        first = [text.offset("i32", place, 60) for place in places]
        value = vectors.load_apart(first[0], stride)
        if stride:
            vectors.store_apart(value, first[1], stride)
        else:
            vectors.store(value, first[1])

    run(write, x, out)
    where = 60 + stride * np.arange(lanes)
    expected = np.full(120, -1)
    expected[where if stride else 60 + np.arange(lanes)] = x[where]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("relation", ["<", "<=", ">", ">=", "==", "!="])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int64", "uint64"])
def test_comparisons_know_signs_and_nan(dtype: str, relation: str) -> None:
    x = samples(dtype, 8)
    if x.dtype.kind == "f":
        x[3:5] = np.nan, -0.0
    y, out = x[::-1].copy(), np.zeros(8, bool)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        vectors = Vectors(text, dtype, 8)
        found = vectors.compare(relation, *(vectors.load(place) for place in places[:2]))
        Vectors(text, "bool", 8).store(Scalar(found), places[2])

    run(write, x, y, out)
    ufunc = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
    expected = {**ufunc, "==": np.equal, "!=": np.not_equal}[relation](x, y)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_keep_their_bits(dtype: str, lanes: int) -> None:
    values = [0.0, -0.0, 1.0, 0.1, np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).tiny, 1e-45]
    out = np.zeros((len(values), lanes), dtype)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        vectors = Vectors(text, dtype, lanes)
        for i, value in enumerate(values):
            vectors.store(vectors.constant(value), text.offset(vectors.element, places[0], i * lanes))

    run(write, out)
    expected = np.array(values).astype(dtype)[:, None]
    assert out.tobytes() == np.ascontiguousarray(np.broadcast_to(expected, out.shape)).tobytes()


@pytest.mark.parametrize("lanes", LANES)
def test_one_lane_that_holds_is_any(lanes: int) -> None:
    for position in (None, 0, lanes - 1):
        x, out = np.zeros(lanes, bool), np.zeros(1, bool)
        if position is not None:
            x[position] = True

        def write(text: FunctionText, places: Sequence[str]) -> None:
            vectors = Vectors(text, "bool", lanes)
            Vectors(text, "bool").store(Scalar(vectors.any(vectors.load(places[0]))), places[1])

        run(write, x, out)
        assert out[0] == (position is not None)


def test_lanes_are_shuffled_spread_and_replaced() -> None:
    x, out = np.arange(8, dtype=np.float32), np.zeros((3, 4), np.float32)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        vectors = Vectors(text, "float32", 4)
        a, b = (vectors.load(text.offset("float", places[0], n)) for n in (0, 4))
        rows = [
            vectors.shuffle(a, b, [7, 0, 4, 3]),
            vectors.splat(vectors.extract(b, 2)),
            vectors.insert(a, vectors.extract(b, 0), 1),
        ]
        for i, row in enumerate(rows):
            vectors.store(row, text.offset("float", places[1], 4 * i))

    run(write, x, out)
    np.testing.assert_array_equal(out, [[7, 0, 4, 3], [6, 6, 6, 6], [0, 4, 2, 3]])


def test_a_function_of_c_is_called_lane_by_lane() -> None:
    x, out = np.linspace(0.1, 2.0, 5), np.zeros(5)

    def write(text: FunctionText, places: Sequence[str]) -> None:
        vectors = Vectors(text, "float64", 5)
        vectors.store(vectors.call("tgamma", vectors.load(places[0])), places[1])

    run(write, x, out)
    np.testing.assert_allclose(out, [math.gamma(v) for v in x], rtol=1e-14)


def test_what_integers_lack_is_refused() -> None:
    vectors = Vectors(FunctionText([]), "int64", 4)
    one = vectors.constant(1)
    for attempt in (lambda: vectors.div(one, one), lambda: vectors.call("exp", one), lambda: vectors.constant(0.5)):
        with pytest.raises(UnsupportedError) as refused:
            attempt()
        assert refused.value.facts["dtype"] == "int64"


def test_numbers_are_written_as_bits() -> None:
    assert literal(-0.0, "float32") == "0x8000000000000000"
    assert literal(1e300, "float32") == literal(float("inf"), "float64")
    assert literal(-3.0, "int8") == "-3"
    assert (vector_type("float", 1), vector_type("float", 10)) == ("float", "<10 x float>")


def test_a_planted_lost_lane_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(self: Vectors, head: Scalar, last: Scalar) -> Scalar:
        return honest(self, head, Vectors(self.text, self.dtype).constant(0))

    honest = Vectors.appended
    monkeypatch.setattr(Vectors, "appended", forgetful)
    with pytest.raises(AssertionError):
        test_all_lanes_are_folded_whatever_their_number("int64", None)
