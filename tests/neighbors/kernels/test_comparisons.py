"""Sums of small integers are exact, whatever processor they are made for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.neighbors.kernels.driving import (
    EVERYTHING,
    PROCESSORS,
    collected,
    element_dtype,
    native,
    sums_of,
)

from tidu.native.machine import Processor, host, narrowed
from tidu.neighbors.encoding import MOST_FEATURES, MOST_FOR_BYTES
from tidu.neighbors.kernels import scan as scanning
from tidu.neighbors.kernels.comparisons import COMPARISONS, Comparison, has_byte_products, shape_for
from tidu.neighbors.kernels.rules import ALL_PASS, PASSES
from tidu.neighbors.kernels.scan import Scan, compiled_scan, scan_text

CASES = [("dot8", -2), ("dot8", -1), ("dot16", -2), ("dot16", -1), ("sum8", 1), ("max8", 1)]


def integers(rng: np.random.Generator, comparison: Comparison, n: int, n_features: int, *, queries: bool) -> np.ndarray:
    """Return rows of integers as they are stored, a third of them at the ends of what they may be."""
    dtype = element_dtype(comparison, queries=queries)
    if comparison.name == "dot16":  # no row is longer than 2 ** 14
        high = int((1 << 14) / np.sqrt(n_features))
        low = -high
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    found = rng.integers(low, high, (n, n_features), endpoint=True)
    ends = rng.choice([low, high, 0, 1, (low + high) // 2], found.shape)
    return np.where(rng.random((n, 1)) < 0.4, ends, found).astype(dtype)


def check(call, made: Scan, processor: Processor, queries: np.ndarray, rows: np.ndarray, **options: object) -> None:
    comparison = COMPARISONS[made.comparison]
    bounds = np.full(len(queries), EVERYTHING, np.int64)
    within, keys = collected(call, made, processor, queries, rows, bounds, **options)
    assert within.all()
    np.testing.assert_array_equal(keys, made.factor * sums_of(comparison, queries, rows))


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(("name", "factor"), CASES)
def test_sums_are_exact_for_every_width_and_number_of_rows(name: str, factor: int, how: str) -> None:
    rng = np.random.default_rng(1)
    processor, comparison, made = PROCESSORS[how](), COMPARISONS[name], Scan(name, factor, "value", collects=True)
    call, shape = compiled_scan(made, processor), shape_for(comparison, processor)
    for n_features in range(1, 71):
        n_queries = 1 + (n_features * 7) % (2 * shape.n_queries + 1)
        n_rows = 1 + (n_features * 13) % (2 * shape.n_rows + 1)
        queries = integers(rng, comparison, n_queries, n_features, queries=True)
        rows = integers(rng, comparison, n_rows, n_features, queries=False)
        check(call, made, processor, queries, rows, n_threads=1 + n_features % 3)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(
    ("name", "factor", "n_features"),
    [("dot8", -2, MOST_FOR_BYTES), ("dot8", -1, MOST_FOR_BYTES), ("dot16", -2, 4096), ("max8", 1, 70_001)],
)
def test_the_largest_sums_that_may_be_do_not_overflow(name: str, factor: int, n_features: int, how: str) -> None:
    processor, comparison, made = PROCESSORS[how](), COMPARISONS[name], Scan(name, factor, "value", collects=True)
    dtypes = [element_dtype(comparison, queries=side) for side in (True, False)]
    if name == "dot16":
        ends = [[-256, 256]] * 2
    else:
        ends = [[np.iinfo(dtype).min, np.iinfo(dtype).max] for dtype in dtypes]
    queries, rows = (
        np.array(values, dtype)[:, None].repeat(n_features, axis=1) for values, dtype in zip(ends, dtypes, strict=True)
    )
    check(compiled_scan(made, processor), made, processor, queries, rows)


@pytest.mark.parametrize("how", ["host", "baseline"])
def test_the_most_features_that_there_may_be_give_exact_sums_of_differences(how: str) -> None:
    assert 255 * MOST_FEATURES <= ALL_PASS
    processor, made = PROCESSORS[how](), Scan("sum8", 1, "value", collects=True)
    rows = np.zeros((1, MOST_FEATURES), np.uint8)
    check(compiled_scan(made, processor), made, processor, rows + np.uint8(255), rows)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(("name", "factor"), CASES)
def test_the_terms_of_both_sides_are_added(name: str, factor: int, how: str) -> None:
    rng = np.random.default_rng(2)
    processor, comparison, made = PROCESSORS[how](), COMPARISONS[name], Scan(name, factor, "value", collects=True)
    shape = shape_for(comparison, processor)
    queries = integers(rng, comparison, shape.n_queries, 9, queries=True)
    rows = integers(rng, comparison, shape.n_rows, 9, queries=False)
    asked, offered = (rng.integers(0, 1 << 20, len(x)).astype(np.int32) for x in (queries, rows))
    offered *= name != "max8"  # the largest difference has no term
    terms = {"query_terms": asked, "row_terms": offered}
    keys = factor * sums_of(comparison, queries, rows) + asked[:, None] + offered
    bounds = np.median(keys, axis=1).astype(np.int64)
    within, found = collected(compiled_scan(made, processor), made, processor, queries, rows, bounds, terms)
    np.testing.assert_array_equal(within, keys <= bounds[:, None])
    np.testing.assert_array_equal(found, np.where(within, keys, 0))


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(("name", "factor"), CASES)
def test_a_row_that_always_passes_is_never_dismissed(name: str, factor: int, how: str) -> None:
    """Its value is below that of any pair, and the bound of its query is the least that there may be."""
    rng = np.random.default_rng(3)
    processor, comparison = PROCESSORS[how](), COMPARISONS[name]
    made = Scan(name, factor, "value", collects=True)
    shape = shape_for(comparison, processor)
    n_features = 5
    queries = integers(rng, comparison, shape.n_queries + 1, n_features, queries=True)
    rows = integers(rng, comparison, 2 * shape.n_rows, n_features, queries=False)
    terms = np.zeros(len(rows), np.int32)
    terms[::3] = PASSES[factor]
    sums = sums_of(comparison, queries, rows)
    bounds = (factor * sums).min(axis=1) - (1 if name != "max8" else 0)
    passing, _ = collected(compiled_scan(made, processor), made, processor, queries, rows, bounds, {"row_terms": terms})
    if name == "max8":  # a threshold of 255 less does not tell: the value has no term, and is judged as it is
        np.testing.assert_array_equal(passing, sums <= bounds[:, None])
    else:
        np.testing.assert_array_equal(passing, np.broadcast_to(terms < 0, passing.shape))


def forgetful(comparison: Comparison) -> Comparison:
    """Return a comparison that does not see the uppermost bit of the rows' elements."""
    bits = 8 * comparison.element_bytes
    mask = sum(((1 << (bits - 1)) - 1) << (bits * i) for i in range(comparison.unit))

    def accumulate(text, lanes, total, rows, query):
        kind = f"<{lanes} x i{comparison.sum_bits}>"
        seen = text.value(f"and {kind} {rows}, splat (i{comparison.sum_bits} {mask})")
        return comparison.accumulate(text, lanes, total, seen, query)

    return replace(comparison, accumulate=accumulate)


@pytest.mark.parametrize(("name", "factor"), CASES)
def test_a_planted_comparison_that_loses_a_bit_is_caught(name: str, factor: int, monkeypatch) -> None:
    rng, made, comparison = np.random.default_rng(1), Scan(name, factor, "value", collects=True), COMPARISONS[name]
    queries, rows = (integers(rng, comparison, 9, 20, queries=side) for side in (True, False))
    check(compiled_scan(made), made, host(), queries, rows)
    monkeypatch.setitem(scanning.COMPARISONS, name, forgetful(comparison))
    wrong = native(scan_text(made, host()), "tidu_scan", host())
    with pytest.raises(AssertionError):
        check(wrong, made, host(), queries, rows)


def test_byte_products_are_used_where_the_processor_has_them() -> None:
    alder = Processor("x86_64-unknown-linux-gnu", "alderlake", "+sse2,+avx,+avx2,+avxvnni")
    zen = Processor("x86_64-unknown-linux-gnu", "znver4", "+sse2,+avx,+avx2,+avx512f,+avx512vl,+avx512vnni")
    made = Scan("dot8", -2, "value")
    assert "vpdpbusd.256" in scan_text(made, alder)
    assert "vpdpbusd.512" in scan_text(made, zen)
    for plain in (narrowed(32, zen), narrowed(16, alder), Processor("aarch64-linux-gnu", "generic", "+neon")):
        assert not has_byte_products(plain)
        assert "vpdpbusd" not in scan_text(made, plain)


def test_tiles_fill_the_registers_that_there_are() -> None:
    arm = Processor("aarch64-unknown-linux-gnu", "generic", "+neon")
    for comparison in COMPARISONS.values():
        for processor, n_registers in ((narrowed(16), 16), (arm, 32)):
            shape = shape_for(comparison, processor)
            assert shape.lanes * comparison.unit_bytes == 16
            assert shape.n_queries * shape.n_vectors < n_registers


def test_code_for_processors_elsewhere_compiles() -> None:
    """In a process of its own: LLVM ends it where it finds no instructions for what is asked."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.neighbors.kernels.elsewhere"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("everything compiled\n"), (done.returncode, done.stdout[-300:], done.stderr[-2000:])
