"""Listed pairs are judged in the block that holds their row, and the products of many rows are exact."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from tests.neighbors.kernels.driving import aligned, panels, sums_of

from tidu.native.machine import host
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.exact import ExactKey, scratch_bytes
from tidu.neighbors.kernels.listed import compiled_listed
from tidu.neighbors.kernels.products import compiled_products
from tidu.neighbors.kernels.table import LISTED_SLOTS, PRODUCT_SLOTS, run_shared
from tidu.neighbors.metrics import resolve_metric

NOWHERE = np.iinfo(np.int64).max


def judged(queries: np.ndarray, rows: np.ndarray, listed: np.ndarray, k: int, n_threads: int, cuts: tuple[int, ...]):
    """Return heaps after the rows have come block by block."""
    exact = ExactKey("squares", str(queries.dtype), str(rows.dtype), whole=rows.dtype.kind != "f")
    stride = -(-scratch_bytes(queries.shape[1]) // 64) * 64 + 64
    farthest = 1 << 62 if exact.whole else np.inf
    keys = np.full((len(queries), k), farthest, np.int64 if exact.whole else np.float64)
    indices = np.full((len(queries), k), NOWHERE)
    for first, last in pairwise(cuts):
        table = {
            "raw_queries": queries,
            "raw_rows": rows[first:last],
            "keys": keys,
            "indices": indices,
            "k": k,
            "n_queries": len(queries),
            "n_rows": last - first,
            "n_features": queries.shape[1],
            "first_row": first,
            "listed": listed,
            "n_listed": listed.shape[1],
            "scratch": aligned(np.zeros(stride * n_threads, np.uint8)),
            "scratch_stride": stride,
        }
        run_shared(compiled_listed(exact), LISTED_SLOTS, table, n_threads)
    order = np.lexsort((indices, keys))
    return np.take_along_axis(keys, order, 1), np.take_along_axis(indices, order, 1)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_the_nearest_of_a_list_are_those_of_a_sort_of_it(dtype: str, n_threads: int) -> None:
    rng = np.random.default_rng(1)
    queries, rows = (rng.integers(0, 4, (n, 9)).astype(dtype) for n in (23, 60))
    listed = np.array([rng.permutation(60)[:12] for _ in queries])
    listed[rng.random(listed.shape) < 0.2] = NOWHERE
    listed[3] = NOWHERE
    metric, key_dtype = resolve_metric("l2"), np.int64 if dtype == "uint8" else np.float64
    for k in (1, 5, 12):
        keys, indices = judged(queries, rows, listed, k, n_threads, (0, 1, 17, 40, 60))
        for i, query in enumerate(queries):
            some = np.sort(listed[i][listed[i] < NOWHERE])
            expected = metric.keys(query[None], rows[some], key_dtype)
            order = np.argsort(expected, kind="stable")[:k]
            n = len(order)
            np.testing.assert_array_equal(keys[i, :n], expected[order])
            np.testing.assert_array_equal(indices[i], [*some[order], *[NOWHERE] * (k - n)])


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_products_of_words_are_exact(n_threads: int) -> None:
    rng, comparison = np.random.default_rng(2), COMPARISONS["dot16"]
    shape = shape_for(comparison, host())
    for width in (1, 2, 5, 64, 301):
        high = int((1 << 14) / np.sqrt(width))
        for n_queries, n_rows in ((1, 1), (shape.n_queries + 1, 31), (50, shape.n_rows + 1)):
            asked, offered = (rng.choice([-high, high, 0, 1], (n, width)).astype(np.int16) for n in (n_queries, n_rows))
            n_panels, n_row_panels = -(-n_queries // shape.n_queries), -(-n_rows // shape.n_rows)
            out = np.full((n_panels * shape.n_queries, n_row_panels * shape.n_rows), 7, np.int32)
            table = {
                "n_panels": n_panels,
                "n_row_panels": n_row_panels,
                "n_units": comparison.n_units(width),
                "packed_queries": aligned(panels(asked, shape.n_queries, comparison)),
                "packed_rows": aligned(panels(offered, shape.n_rows, comparison)),
                "out": out,
            }
            run_shared(compiled_products(), PRODUCT_SLOTS, table, n_threads)
            np.testing.assert_array_equal(out[:n_queries, :n_rows], sums_of(comparison, asked, offered))


def test_a_planted_list_without_its_last_entry_is_caught(monkeypatch) -> None:
    whole = judged
    monkeypatch.setitem(globals(), "judged", lambda q, r, listed, *more: whole(q, r, listed[:, :-1].copy(), *more))
    with pytest.raises(AssertionError):
        test_the_nearest_of_a_list_are_those_of_a_sort_of_it("uint8", 1)
