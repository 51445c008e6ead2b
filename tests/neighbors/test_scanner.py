"""No pair whose key is within a bound is dismissed, whatever rows, encoding and bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.problems import RECIPES, rows_of

from tidu.data import ArraySource
from tidu.native.ledger import Ledger
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.arithmetic import Arithmetic, choose_arithmetic
from tidu.neighbors.encoder import set_apart
from tidu.neighbors.encoding import Encoding, exact_encoding
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.metrics import resolve_metric
from tidu.neighbors.scanner import QueryBlock, RowBlock, Scanner, Side
from tidu.neighbors.suiting import choose_encoding

METRICS = ("l2", "l1", "chebyshev", "inner_product", "cosine")


class Drive:
    """Two blocks of rows ready to be compared, and the keys of all pairs.

    Parameters
    ----------
    share : float
        What remains of all errors: below 1 a mistake is made on purpose.
    """

    def __init__(
        self,
        arithmetic: Arithmetic,
        encoding: Encoding,
        queries: np.ndarray,
        rows: np.ndarray,
        n_threads: int = 1,
        first: int = 0,
        share: float = 1.0,
    ) -> None:
        self.arithmetic, self.n_threads, self.first = arithmetic, n_threads, first
        ledger, sides = Ledger(), []
        for role, raw in (("queries", queries), ("data", rows)):
            side = Side(ArraySource(raw), role, arithmetic, encoding, len(raw), len(raw), ledger, n_threads)
            found, encoded = side.load(0, len(raw))
            sides.append((side, found, replace(encoded, errors=encoded.errors * share)))
        (self._asked, raw, encoded), (self._offered, raw_rows, encoded_rows) = sides
        error, size = set_apart(encoded_rows, encoding)
        self.queries = QueryBlock(raw, encoded, self._asked.aux, None)
        self.rows = RowBlock(raw_rows, encoded_rows, self._offered.aux, first, error, size)
        self.scanner = Scanner(encoding, arithmetic, len(queries), ledger, n_threads)
        with np.errstate(all="ignore"):
            metric, dtype = arithmetic.metric, arithmetic.key_dtype
            self.keys = np.array([metric.keys(query[None], rows, dtype) for query in queries])

    def check_within(self, bounds: np.ndarray) -> None:
        """Compare pairs within bounds with those that the scan writes down."""
        found = np.zeros((self.n_threads, self.keys.size, 3), np.int64)
        counts = self.scanner.within(self.queries, self.rows, bounds.astype(self.keys.dtype), found)
        pairs = np.concatenate([part[:count] for part, count in zip(found, counts, strict=True)])
        expected = np.argwhere(self.keys <= bounds[:, None])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        np.testing.assert_array_equal(pairs[order, :2] - [0, self.first], expected)
        keys = self.keys[tuple(expected.T)]
        np.testing.assert_array_equal(pairs[order, 2], keys.view(np.int64))

    def check_nearest(self, k: int) -> None:
        """Compare heaps with a full sort."""
        shape = (len(self.keys), k)
        heaps = Heaps(
            np.zeros(shape, self.keys.dtype),
            np.zeros(shape, np.int64),
            np.zeros(shape[0], self.keys.dtype),
            self.arithmetic.farthest,
        )
        self.scanner.nearest(self.queries, self.rows, heaps)
        heaps.sort()
        order = np.argsort(self.keys, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(heaps.indices, order + self.first)
        np.testing.assert_array_equal(heaps.keys, np.take_along_axis(self.keys, order, 1))


def drive_of(
    metric: str, queries: np.ndarray, rows: np.ndarray, sample: np.ndarray, n_threads: int = 1, share: float = 1.0
) -> Drive:
    """Return what compares two blocks, by an encoding that suits a sample."""
    sides = [side for side in (queries, rows) if side.dtype.kind in "biu"]
    values = (min(int(x.min()) for x in sides), max(int(x.max()) for x in sides)) if sides else None
    arithmetic = choose_arithmetic(resolve_metric(metric), (queries.dtype, rows.dtype), rows.shape[1], values)
    encoding = exact_encoding(arithmetic)
    if encoding is None:
        wide = sample.astype(np.float64)
        if metric == "cosine":
            with np.errstate(all="ignore"):
                wide = np.nan_to_num(wide / np.linalg.norm(wide, axis=1, keepdims=True))
        encoding = choose_encoding(arithmetic, wide, wide, 0.1)
    return Drive(arithmetic, encoding, queries, rows, n_threads, 1000, share)


@st.composite
def drives(draw: st.DrawFn) -> tuple[Drive, np.random.Generator]:
    metric, dtype = draw(st.sampled_from(METRICS)), draw(st.sampled_from(list(MEMORY_TYPES)))
    names = [name for name in RECIPES if name != "overflowing" or metric != "inner_product"]
    width, seed = draw(st.integers(1, 5) | st.integers(1, 70)), draw(st.integers(0, 2**32 - 1))
    recipes = [draw(st.sampled_from(names)) for _ in range(2)]
    sizes = draw(st.integers(1, 15)), draw(st.integers(1, 150))
    queries, rows = (rows_of(recipes[i], seed + i, (sizes[i], width), dtype) for i in (0, 1))
    if draw(st.booleans()):
        queries[0] = rows[seed % len(rows)]
    sample = rows if draw(st.booleans()) else rows_of(draw(st.sampled_from(names)), seed + 2, (9, width), dtype)
    return drive_of(metric, queries, rows, sample, draw(st.integers(1, 3))), np.random.default_rng(seed)


def check(drive: Drive, rng: np.random.Generator) -> None:
    keys = drive.keys
    if np.isnan(keys).any():
        return  # such rows have no order
    some = keys[np.arange(len(keys)), rng.integers(0, keys.shape[1], len(keys))]
    drive.check_within(some)
    drive.check_within(np.nextafter(some, -np.inf) if keys.dtype == np.float64 else some - 1)
    drive.check_within(np.full(len(keys), drive.arithmetic.farthest))
    if keys.dtype == np.int64 or np.isfinite(keys).all():
        drive.check_nearest(int(rng.integers(1, keys.shape[1] + 1)))


@settings(max_examples=80, deadline=None)
@given(drives())
def test_no_pair_within_a_bound_is_dismissed(case) -> None:
    check(*case)


@pytest.mark.long
@settings(max_examples=4000, deadline=None)
@given(drives())
def test_no_pair_within_a_bound_is_dismissed_in_many_more(case) -> None:
    check(*case)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("metric", METRICS)
def test_bounds_that_are_no_numbers_and_infinite_ones(metric: str, dtype: str) -> None:
    rows = rows_of("any", 1, (70, 9), dtype)
    drive = drive_of(metric, rows[:13], rows, rows)
    if drive.keys.dtype == np.float64:
        drive.check_within(np.full(13, np.nan))
        drive.check_within(np.full(13, -np.inf))
        drive.check_within(np.full(13, np.inf))
    else:
        drive.check_within(np.full(13, 1 << 62))
        drive.check_within(np.full(13, -(1 << 62)))


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "chebyshev"])
def test_planted_errors_that_are_too_small_are_caught(metric: str) -> None:
    """Rows a few steps of their integers apart. (The largest difference is off by one at most, which all may be.)"""
    rng = np.random.default_rng(2)
    sample, base, noise = rng.normal(size=(50, 64)), rng.normal(size=64), rng.normal(size=(300, 64))
    caught = 0
    for size in 10.0 ** np.arange(-6, 0):
        rows = base + noise * size
        drive_of(metric, rows[:30], rows, sample).check_nearest(5)
        try:
            drive_of(metric, rows[:30], rows, sample, share=0.0).check_nearest(5)
        except AssertionError:
            caught += 1
    assert caught
