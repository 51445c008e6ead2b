"""Neighbors equal the full sort to the last bit, on rows made to be hard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.oracle import differences, true_squared_distance, unequal
from tests.neighbors.problems import (
    DTYPES,
    METRICS,
    PRUNABLE,
    P,
    least_bytes,
    problems,
    rows_of,
    search,
)

from tidu.errors import DataError, ParameterError

FLOATS = ["float16", "float32", "float64"]
WIDTHS = [1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 128, 129, 255, 256, 257, 1023, 3072]
EDGES = [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2049]
WAYS = [(algorithm, threads) for algorithm in ("auto", "brute", "pruned") for threads in (1, 2, 3)]


def check(queries, data, k, metric="l2", **options):
    """Compare one search with the full sort; pruning is asked for only where it is defined."""
    if metric not in PRUNABLE and options.get("algorithm") == "pruned":
        options["algorithm"] = "brute"
    found = search(queries, data, k, metric, **options)
    wrong = differences(found, queries, data, k, metric, p=P)
    assert not wrong, wrong


def check_problem(problem, share=None):
    """Compare a problem with the full sort, in the memory there is or in a multiple of the least."""
    options = {} if share is None else {"memory_limit": int(share * least_of(problem))}
    wrong = differences(problem.run(**options), problem.queries, problem.data, problem.k, problem.metric, p=P)
    assert not wrong, wrong


def least_of(problem):
    return least_bytes(problem.queries, problem.data, problem.k, problem.metric, **problem.ways)


@settings(max_examples=500, deadline=None)
@given(problem=problems())
def test_hard_rows_of_every_dtype_and_metric_equal_the_full_sort(problem):
    check_problem(problem)


@settings(max_examples=150, deadline=None)
@given(problem=problems(most_rows=24, most_features=24), share=st.sampled_from([1.0, 1.01, 1.2, 1.5, 2.0]))
def test_hard_rows_in_little_memory_equal_the_full_sort(problem, share):
    check_problem(problem, share)


@pytest.mark.long
@settings(max_examples=6000, deadline=None)
@given(problem=problems(most_rows=150, most_features=140))
def test_thousands_of_hard_problems_equal_the_full_sort(problem):
    check_problem(problem)


@pytest.mark.long
@settings(max_examples=1500, deadline=None)
@given(problem=problems(most_rows=60), share=st.floats(1.0, 4.0))
def test_thousands_of_hard_problems_in_little_memory_equal_the_full_sort(problem, share):
    check_problem(problem, share)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_metric_of_every_dtype_equals_the_full_sort(dtype, metric):
    for turn, recipe in enumerate(("any", "few", "extreme", "far")):
        data, queries = rows_of(recipe, 0, (70, 9), dtype), rows_of(recipe, 1, (5, 9), dtype)
        algorithm, threads = WAYS[(turn + len(dtype)) % len(WAYS)]
        check(queries, data, 8, metric, algorithm=algorithm, threads=threads)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_equals_the_full_sort(width, metric):
    for dtype in ("uint8", "int8", "float32", "float64") if width < 1000 else ("uint8", "float32"):
        data, queries = rows_of("any", 2, (37, width), dtype), rows_of("any", 3, (3, width), dtype)
        data[20:] = data[:17]
        queries[0] = data[30]
        check(queries, data, 6, metric, threads=width % 3 + 1, algorithm=("brute", "pruned")[width % 2])


@pytest.mark.parametrize(("dtype", "metric"), [(d, m) for d in ("uint8", "int8") for m in METRICS])
def test_bytes_at_their_ends_do_not_overflow_32_bits(dtype, metric):
    info = np.iinfo(dtype)
    data = np.full((6, 66_100), info.min, dtype)  # 66,100 * 255**2 is above 2**32
    data[1:4], data[4, ::2], data[5, 0] = info.max, info.max, info.max
    check(data[[0, 1, 4]], data, 6, metric)


@pytest.mark.parametrize(
    "n_rows", [*(1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129), *(1023, 1024, 1025, 2049)]
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_sizes_around_every_tile_equal_the_full_sort(dtype, n_rows):
    data = rows_of("few", n_rows, (n_rows, 5), dtype)
    for turn, n_queries in enumerate((1, 6, 11, 12, 13, 15, 16, 17, 33)):
        algorithm, threads = WAYS[(turn + n_rows) % len(WAYS)]
        queries = rows_of("few", turn, (n_queries, 5), dtype)
        check(queries, data, min(n_rows, 5), algorithm=algorithm, threads=threads)


@pytest.mark.parametrize(("algorithm", "threads"), WAYS)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32", "float64"])
def test_thousands_of_rows_equal_the_full_sort(dtype, algorithm, threads):
    data, queries = rows_of("few", 4, (3000, 17), dtype), rows_of("any", 5, (29, 17), dtype)
    queries[7] = data[2999]
    for metric in ("l2", "l1", "cosine") if threads == 2 else ("l2",):
        check(queries, data, 10, metric, algorithm=algorithm, threads=threads)


@pytest.mark.parametrize("k", [1, 10, 150])
@pytest.mark.parametrize("order", ["nearer", "equal", "alternating", "stairs"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64"])
def test_rows_in_the_worst_order_equal_the_full_sort(dtype, order, k):
    steps = {
        "nearer": np.arange(3000)[::-1] // 12,
        "equal": np.full(3000, 7),
        "alternating": np.where(np.arange(3000) % 2, 250 - np.arange(3000) // 12, np.arange(3000) // 12),
        "stairs": np.repeat(np.arange(30)[::-1] * 8, 100),
    }[order]
    data = (steps[:, None] * np.ones(3, int)).astype(dtype)
    if order == "nearer" and dtype != "uint8":
        data += np.linspace(0.9, 0.0, 3000)[:, None].astype(dtype)
    for metric in ("l2", "l1", "chebyshev"):
        check(data[[2999, 0, 1500]], data, k, metric, threads=2)


@pytest.mark.parametrize("metric", METRICS)
def test_half_of_all_rows_as_neighbors_equal_the_full_sort(metric):
    for dtype in ("uint8", "float32", "float64"):
        for recipe in ("any", "few"):
            data = rows_of(recipe, 6, (1000, 6), dtype)
            check(data[::250], data, 500, metric)
            check(data[:2], data, 1000, metric)
    check(None, data[:160], 159, metric)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize(("dtype", "unit"), [("float64", 1.0), ("float32", 8.0)])
def test_twins_far_from_the_origin_are_ordered_by_their_true_distance(dtype, unit, algorithm):
    rng = np.random.default_rng(7)
    centers = np.array([[1e8, -1e8, 1e8, 1e8, 3e7], [-1e8, 1e8, 1e8, 0.0, -1e8]])
    data = (np.repeat(centers, 400, axis=0) + unit * rng.integers(-4, 5, (800, 5))).astype(dtype)
    queries = data[::90]
    distances, indices = search(queries, data, 8, "sqeuclidean", algorithm=algorithm)
    for q, query in enumerate(queries):
        wanted = sorted((true_squared_distance(query, row), i) for i, row in enumerate(data))[:8]
        assert list(zip(distances[q].tolist(), indices[q].tolist(), strict=True)) == wanted


PLANES = {"uint8": 250, "int8": 120, "int16": 30_000, "uint16": 60_000, "int32": 2**28, "int64": 2**28}
PLANES |= {"float16": 1000, "float32": 10**6, "float64": 10**8}


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize("dtype", PLANES)
def test_rows_that_differ_far_below_the_rounding_of_a_product_equal_the_full_sort(dtype, algorithm):
    far, rng = PLANES[dtype], np.random.default_rng(19)
    for width in (2, 16, 70):
        steps = rng.integers(-2, 3, (400, width))
        # steps that cancel: the squared distance to a constant row is width * far**2 and some units more
        steps[:, 0] -= steps.sum(axis=1).clip(-4, 4)
        data = (far + steps).astype(dtype)
        queries = np.array([[0] * width, [far // 2] * width, [far] * width, [1] * width]).astype(dtype)
        for metric in METRICS if algorithm == "brute" else PRUNABLE:
            check(queries, data, 6, metric, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize(("dtype", "spread"), [("float32", 3e-8), ("float64", 1e-16), ("float16", 1e-4)])
def test_rows_on_a_sphere_around_the_query_equal_the_full_sort(dtype, spread, algorithm):
    rng = np.random.default_rng(20)
    for width, offset in ((3, 0.0), (65, 0.0), (65, 30.0), (300, 3.0)):
        around = rng.standard_normal((400, width))
        around *= (1.0 + spread * rng.standard_normal((400, 1))) / np.linalg.norm(around, axis=1, keepdims=True)
        center = offset * rng.standard_normal(width)
        data, queries = (center + 5.0 * around).astype(dtype), center + 1e-3 * rng.standard_normal((3, width))
        queries[0] = center
        for metric in METRICS if algorithm == "brute" else PRUNABLE:
            check(queries.astype(dtype), data, 7, metric, algorithm=algorithm)
        # in small blocks the threshold is exact, and only a right bound keeps what is just below it
        least = least_bytes(queries[:1].astype(dtype), data, 7, algorithm=algorithm)
        check(queries[:1].astype(dtype), data, 7, algorithm=algorithm, memory_limit=int(1.02 * least))


@pytest.mark.parametrize("scale", [1e-45, 1e-42, 1e-38, 1e-30, 1e-23, 1e-20, 1e-19, 1e15, 3e18, 1e19, 4e37])
def test_float32_whose_squares_leave_float32_equal_the_full_sort(scale):
    rng = np.random.default_rng(21)
    for width in (1, 5, 40):
        data, queries = ((rng.integers(-8, 9, (n, width)) * scale).astype(np.float32) for n in (90, 6))
        for metric in METRICS:
            for algorithm in ("brute", "pruned"):
                check(queries, data, 5, metric, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize("factor", [1e6, 1e30])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_far_outlier_does_not_change_the_neighbors_of_the_rest(dtype, factor, algorithm):
    rng = np.random.default_rng(8)
    data = rng.standard_normal((600, 40)).astype(dtype)
    data[311] *= np.asarray(factor, dtype)
    check(data[:600:50] + np.asarray(0.01, dtype), data, 7, algorithm=algorithm)
    check(data[311:312], data, 7, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["brute", "pruned"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows_in_a_plane_of_few_dimensions_equal_the_full_sort(dtype, algorithm):
    rng = np.random.default_rng(9)
    data = rng.integers(0, 10, (700, 3)) @ rng.integers(0, 8, (3, 90))  # residuals of a projection are zero
    data = data.astype(dtype)
    check(data[::70], data, 9, algorithm=algorithm)
    check(data[::70], data * 0 + data[0], 9, algorithm=algorithm)


@pytest.mark.parametrize("metric", METRICS)
def test_pruning_is_refused_or_does_not_change_the_answer(metric):
    data = rows_of("repeated", 10, (300, 40), "float32")
    try:
        found = search(data[:9], data, 5, metric, algorithm="pruned")
    except ParameterError:
        assert metric not in PRUNABLE
    else:
        wrong = differences(found, data[:9], data, 5, metric, p=P)
        assert not wrong, wrong


def foreign(rows):
    return rows.astype(rows.dtype.newbyteorder())


def read_only(rows):
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


def strided(rows):
    larger = np.zeros((2 * rows.shape[0], 3 * rows.shape[1]), rows.dtype)
    larger[::2, 1::3] = rows
    return larger[::2, 1::3]


def unaligned(rows):
    raw = np.zeros(rows.nbytes + 1, np.uint8)
    place = raw[1:].view(rows.dtype).reshape(rows.shape)
    place[:] = rows
    return place


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "foreign byte order": foreign,
    "read-only": read_only,
    "strided": strided,
    "unaligned": unaligned,
    "turned round": lambda rows: rows[::-1, ::-1].copy()[::-1, ::-1],
    "one row repeated": lambda rows: np.broadcast_to(rows[:1], rows.shape),
    "lists": lambda rows: rows.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "float32", "float64"])
def test_the_layout_of_the_rows_does_not_matter(dtype, layout):
    lay = LAYOUTS[layout]
    data, queries = rows_of("any", 11, (90, 7), dtype), rows_of("any", 12, (8, 7), dtype)
    for metric in ("l2", "l1", "cosine"):
        plain = [np.asarray(lay(rows)).astype(dtype).copy() for rows in (queries, data)]
        before = [np.array(rows) for rows in plain]
        wanted = search(*plain, 5, metric)
        assert not unequal(search(lay(plain[0]), lay(plain[1]), 5, metric, threads=2), wanted)
        assert all(np.array_equal(a, b) for a, b in zip(plain, before, strict=True))


@pytest.mark.parametrize("metric", METRICS)
def test_every_row_that_is_left_out_is_the_row_itself_and_not_its_twin(metric):
    for dtype in ("uint8", "float32", "float64"):
        data = np.tile(rows_of("any", 13, (20, 6), dtype), (3, 1))
        found = search(None, data, 2, metric)
        assert not differences(found, None, data, 2, metric, p=P)
        assert not (found[1] == np.arange(60)[:, None]).any()
        check(None, data, 59, metric, threads=3)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_no_queries_give_empty_results(dtype, metric):
    for k in (1, 4):
        data = rows_of("any", 14, (4, 3), dtype)
        distances, indices = search(np.empty((0, 3), dtype), data, k, metric)
        assert distances.shape == indices.shape == (0, k)
        assert (distances.dtype, indices.dtype) == (np.float64, np.int64)
        assert search(np.empty((0, 3), dtype), data, k, metric, return_distance=False).shape == (0, k)


@pytest.mark.parametrize("n_rows", [0, 1, 5])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_more_neighbors_than_rows_are_refused_with_both_numbers(dtype, n_rows):
    data = np.ones((n_rows, 3), dtype)
    for queries, available in ((np.ones((2, 3), dtype), n_rows), (None, max(0, n_rows - 1))):
        for k in {available + 1, available + 7}:
            with pytest.raises(ParameterError, match=rf"\b{k}\b") as caught:
                search(queries, data, k)
            assert caught.value.facts["k"] == k
            assert max(0, caught.value.facts["available"]) == available


@pytest.mark.parametrize("k", [0, -1, 2.0, "3", None, True])
def test_a_k_that_is_no_number_of_rows_is_refused(k):
    with pytest.raises(ParameterError):
        search(np.zeros((1, 2)), np.zeros((5, 2)), k)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("row", [0, 13, 31, 32, 63, 99])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_value_that_is_not_finite_is_refused_by_its_row(dtype, row, metric):
    good, bad = rows_of("any", 15, (100, 5), dtype), rows_of("any", 16, (100, 5), dtype)
    bad[row, row % 5] = (np.nan, np.inf, -np.inf)[row % 3]
    for queries, data in ((good[:20], bad), (bad, good), (None, bad)):
        for algorithm, threads in (("auto", 1), ("brute", 2)):
            with pytest.raises(DataError, match=rf"\brow {row}\b") as caught:
                search(queries, data, 3, metric, algorithm=algorithm, threads=threads)
            assert caught.value.facts["row"] == row


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n_rows", [33, 65, 101])
def test_a_value_that_is_not_finite_is_found_in_the_last_block_from_a_file(tmp_path, n_rows, dtype):
    rows = rows_of("any", 17, (n_rows, 6), dtype)
    rows[-1, -1] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    good = rows[:-1][:9]
    for queries, data in ((good, tmp_path / "rows.npy"), (tmp_path / "rows.npy", good), (None, tmp_path / "rows.npy")):
        limit = least_bytes(queries, data, 3)
        for algorithm in ("auto", "brute", "pruned"):
            for memory_limit in (limit, 2 * limit, None):
                with pytest.raises(DataError) as caught:
                    search(queries, data, 3, memory_limit=memory_limit, algorithm=algorithm)
                assert caught.value.facts["row"] == n_rows - 1


def test_integers_far_from_zero_and_near_each_other_are_exact():
    data = np.uint64(2**63) + np.array([[0, 3], [1, 1], [2**20, 0], [5, 5]], np.uint64)
    for rows in (data, (data - np.uint64(2**63)).astype(np.int64) + np.int64(-(2**63))):
        for metric in ("l2", "sqeuclidean", "l1", "chebyshev"):
            check(rows[:2], rows, 4, metric)
            check(None, rows, 3, metric)


def test_integers_whose_squares_leave_64_bits_equal_the_float_reference():
    data = rows_of("any", 18, (60, 5), "int64") << 12  # differences up to 2**53
    check(data[::9], data, 7)
    check(data[::9], data, 7, "l1")
