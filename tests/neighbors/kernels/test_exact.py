"""Keys of native code have the bits of `tidu.neighbors.metrics`, whatever processor they are made for."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from tests.neighbors.kernels.driving import PROCESSORS
from tests.neighbors.problems import rows_of as problem_rows

from tidu.native.ledger import Ledger
from tidu.native.machine import Processor, compile_text, host, vector_bytes
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.arithmetic import choose_arithmetic
from tidu.neighbors.kernels.auxiliary import auxiliaries_of
from tidu.neighbors.kernels.exact import (
    AUXILIARIES,
    NARROW_FEATURES,
    ExactKey,
    exact_kernel,
    quick_kernel,
    scratch_bytes,
)
from tidu.neighbors.metrics import fold, resolve_metric

DTYPES = list(MEMORY_TYPES)
METRICS = {
    "squares": "sqeuclidean",
    "absolute": "l1",
    "largest": "chebyshev",
    "products": "inner_product",
    "cosine": "cosine",
}
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 129, 257)
BYTES = {"uint8", "int8", "bool"}


def rows_of(rng: np.random.Generator, n: int, width: int, dtype: str) -> np.ndarray:
    """Return rows of any size, with the ends of the range, zeros of both signs, and rows of zeros."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random((n, width)) < 0.5
    if kind.kind in "iu":
        info = np.iinfo(kind)
        low, high = max(info.min, -(1 << 26)), min(info.max, 1 << 26)
        x = rng.integers(low, high, (n, width), endpoint=True)
        x = np.where(rng.random((n, 1)) < 0.3, rng.choice([low, high, 0], (n, width)), x)
    else:
        most = 30 if dtype == "float32" else 100
        x = rng.normal(size=(n, width)) * 10.0 ** rng.integers(-most, most, (n, 1)) * 10.0 ** rng.integers(-2, 3, width)
        x[rng.random((n, width)) < 0.1] = -0.0
    x[-1] = 0
    return x.astype(kind)


def keys_of(
    cases: list[ExactKey], processor: Processor, change: tuple[str, str] | None = None
) -> list[ctypes.CFUNCTYPE]:
    """Compile the keys of all cases as one module."""
    kernels = [exact_kernel(case, vector_bytes(processor), processor.enabled) for case in cases]
    declarations = dict.fromkeys(line for kernel in kernels for line in kernel.declarations)
    text = "\n".join([*declarations, *(kernel.define(f"key{i}") for i, kernel in enumerate(kernels))])
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    code = compile_text(text, vectorize=False, processor=processor)
    kinds = [ctypes.c_void_p] * 2 + [ctypes.c_int64] + [ctypes.c_void_p] * 4
    return [code.function(f"key{i}", *kinds) for i in range(len(kernels))]


def lengths(rows: np.ndarray) -> np.ndarray:
    """Return what "cosine" needs of each row, by NumPy."""
    wide = rows.astype(np.float64)
    exponents = -np.frexp(np.abs(wide).max(axis=1))[1]
    scaled = np.ldexp(wide, exponents[:, None])
    halves = [np.ldexp(1.0, exponents // 2), np.ldexp(1.0, exponents - exponents // 2)]
    return np.column_stack([*halves, fold(np.square(scaled))])


def check(call, case: ExactKey, width: int, rng: np.random.Generator) -> None:
    queries, rows = rows_of(rng, 3, width, case.query), rows_of(rng, 4, width, case.row)
    if case.query == case.row:
        rows[0] = queries[0]
    dtype = np.int64 if case.whole else np.float64
    with np.errstate(all="ignore"):
        metric = resolve_metric(METRICS[case.kind])
        expected = np.array([metric.keys(query[None], rows, dtype) for query in queries])
    found = np.zeros(expected.shape, dtype)
    asked, offered = lengths(queries), lengths(rows)
    scratch = np.empty(scratch_bytes(width) + 64, np.uint8)
    for i, j in itertools.product(range(3), range(4)):
        scratch.fill(0xA5)
        call(
            queries[i].ctypes.data, rows[j].ctypes.data, width, scratch.ctypes.data, asked[i].ctypes.data,
            offered[j].ctypes.data, found[i, j:].ctypes.data,
        )  # fmt: skip
    assert (scratch[scratch_bytes(width) :] == 0xA5).all()
    number = ~np.isnan(expected) if dtype == np.float64 else np.ones(expected.shape, bool)
    np.testing.assert_array_equal(found[number].view(np.int64), expected[number].view(np.int64), str((case, width)))
    assert np.isnan(found[~number]).all()


def cases_of(kind: str, pairs: list[tuple[str, str]]) -> list[ExactKey]:
    """Return the ways to compute keys of pairs of dtypes: integers exactly, in two ways, and in float64."""
    cases = []
    for query, row in pairs:
        integers = all(np.dtype(x).kind in "biu" for x in (query, row)) and kind != "cosine"
        cases.append(ExactKey(kind, query, row, whole=False, narrow=False))
        if integers:
            cases.append(ExactKey(kind, query, row, whole=True, narrow=False))
        if integers and kind == "squares" and {query, row} <= BYTES:
            cases.append(ExactKey(kind, query, row, whole=True, narrow=True))
    return cases


def check_all(kind: str, processor: Processor, pairs: list[tuple[str, str]], widths: tuple[int, ...]) -> None:
    rng, cases = np.random.default_rng(1), cases_of(kind, pairs)
    for call, case in zip(keys_of(cases, processor), cases, strict=True):
        for width in widths:
            check(call, case, width, rng)


@pytest.mark.parametrize("kind", METRICS)
def test_keys_have_the_bits_of_numpy(kind: str) -> None:
    same = [(dtype, dtype) for dtype in DTYPES]
    mixed = list(zip(DTYPES, DTYPES[1:] + DTYPES[:1], strict=True))
    check_all(kind, host(), same + mixed, WIDTHS[:: 1 if kind in ("squares", "cosine") else 2])


@pytest.mark.parametrize("how", list(PROCESSORS)[1:])
@pytest.mark.parametrize("kind", METRICS)
def test_keys_have_the_same_bits_on_lesser_processors(kind: str, how: str) -> None:
    pairs = [(x, x) for x in ("float32", "uint8", "int32")]
    check_all(
        kind, PROCESSORS[how](), [*pairs, ("uint8", "int8"), ("bool", "uint16"), ("uint64", "float32")], WIDTHS[::3]
    )


@pytest.mark.long
@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize("kind", METRICS)
def test_keys_of_all_pairs_of_dtypes_have_the_bits_of_numpy(kind: str, how: str) -> None:
    check_all(kind, PROCESSORS[how](), list(itertools.product(DTYPES, DTYPES)), WIDTHS)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize("row", ["uint8", "int8"])
def test_squares_of_bytes_do_not_overflow_their_lanes(row: str, how: str) -> None:
    """As many features as there may be for the narrow sums, all of them as far apart as can be."""
    processor, width = PROCESSORS[how](), NARROW_FEATURES
    [call] = keys_of([ExactKey("squares", "uint8", row, whole=True)], processor)
    least = np.iinfo(row).min
    query, rows, found = np.full(width, 255, np.uint8), np.full(width, least, row), np.zeros(1, np.int64)
    scratch = np.empty(scratch_bytes(width), np.uint8)
    call(query.ctypes.data, rows.ctypes.data, width, scratch.ctypes.data, None, None, found.ctypes.data)
    assert found[0] == width * (255 - least) ** 2


def test_more_features_than_lanes_hold_are_added_up_in_64_bits() -> None:
    arithmetic = choose_arithmetic(resolve_metric("l2"), (np.dtype(np.uint8),) * 2, NARROW_FEATURES + 1, (0, 255))
    assert arithmetic.exact_key == ExactKey("squares", "uint8", "uint8", whole=True, narrow=False)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lengths_have_the_bits_of_numpy(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for width in (1, 2, 7, 16, 33, 130):
        rows = rows_of(rng, 21, width, dtype)
        expected, found = lengths(rows), np.full((23, AUXILIARIES), 7.0)
        for n_threads in (1, 2, 3):
            to_one = auxiliaries_of(rows, found, Ledger(), n_threads)
            np.testing.assert_array_equal(found[:21], expected)
            np.testing.assert_array_equal(found[21:], 7.0)
            norms = np.linalg.norm(rows * to_one[:, None], axis=1)
            np.testing.assert_allclose(norms, np.any(rows != 0, axis=1), rtol=1e-13)


@pytest.mark.parametrize(
    ("case", "change"),
    [
        (ExactKey("squares", "float32", "float64", whole=False), ("fsub", "fadd")),
        (ExactKey("cosine", "float64", "float64", whole=False), ("fcmp ogt", "fcmp olt")),
        (ExactKey("squares", "uint8", "uint8", whole=True), ("zext", "sext")),
        (ExactKey("absolute", "int8", "int8", whole=True), ("sext", "zext")),
    ],
)
def test_planted_mistakes_are_caught(case: ExactKey, change: tuple[str, str]) -> None:
    [right], [wrong] = keys_of([case], host()), keys_of([case], host(), change)
    check(right, case, 257, np.random.default_rng(3))
    with pytest.raises(AssertionError):
        check(wrong, case, 257, np.random.default_rng(3))


def quick_of(dtype: str, processor: Processor, change: tuple[str, str] = ("", "")) -> Callable[..., None]:
    kernel = quick_kernel(ExactKey("squares", dtype, dtype, whole=False), vector_bytes(processor), processor.enabled)
    assert kernel is not None
    text = "\n".join([*kernel.declarations, kernel.define("quick").replace(*change)])
    code = compile_text(text, vectorize=False, processor=processor)
    return code.function("quick", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def check_quick(call: Callable[..., None], dtype: str, recipe: str, width: int) -> None:
    """Compare a quick bound with the key, and where no range ends with almost all of it."""
    metric = resolve_metric("sqeuclidean")
    queries, rows = (problem_rows(recipe, seed, (6, width), dtype) for seed in (width, width + 1))
    bound = np.full(1, np.nan)
    for query, row in itertools.product(queries, rows):
        call(query.ctypes.data, row.ctypes.data, width, bound.ctypes.data)
        with np.errstate(all="ignore"):
            key = metric.keys(query[None], row[None], np.float64)[0]
            whole = metric.keys(query[None, : width // 256 * 256], row[None, : width // 256 * 256], np.float64)[0]
        assert 0 <= bound[0] <= key
        if recipe == "any":
            assert bound[0] >= 0.999 * whole


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quick_bounds_are_below_the_key_and_near_it(dtype: str, how: str) -> None:
    call = quick_of(dtype, PROCESSORS[how]())
    for recipe in ("any", "far", "outlier", "extreme", "repeated", *["overflowing"] * (dtype == "float64")):
        for width in (256, 257, 300, 511, 1024, 4099):
            check_quick(call, dtype, recipe, width)


def test_no_quick_bound_is_made_of_what_is_not_float() -> None:
    for case in (ExactKey("squares", "uint8", "uint8", whole=True), ExactKey("absolute", "float32", "float32", False)):
        assert quick_kernel(case, 64, frozenset()) is None


def test_a_planted_quick_bound_that_forgets_its_rounding_is_caught() -> None:
    change = ("fsub double 0x3FF0000000000000", "fadd double 0x3FF0000000000000")
    with pytest.raises(AssertionError):
        check_quick(quick_of("float32", host(), change), "float32", "any", 1024)
