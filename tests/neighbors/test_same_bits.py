"""Threads, memory, blocks, files and the algorithm decide how long a search takes, never what it finds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.neighbors.oracle import full_sort, unequal
from tests.neighbors.problems import PRUNABLE, P, least_bytes, rows_of, search

from tidu.data import ArraySource
from tidu.neighbors import radius_neighbors

CASES = [
    ("l2", "uint8"),
    ("l2", "int16"),
    ("l2", "float32"),
    ("l2", "float64"),
    ("l1", "uint8"),
    ("cosine", "float32"),
    ("inner_product", "int8"),
    ("chebyshev", "float16"),
    ("minkowski", "float64"),
]
FEW = [("brute", 1), ("brute", 3), ("pruned", 1), ("pruned", 2), ("auto", 2)]
ALL = list(itertools.product(("auto", "brute", "pruned"), (1, 2, 3)))
SHARES = (1.0, 1.1, 2.0, 8.0)


def algorithm_of(name, metric):
    return name if metric in PRUNABLE else "brute"


class Seen:
    """A source that counts what is read: blocks of a size that no array has."""

    def __init__(self, rows):
        self._source = ArraySource(rows)
        self.name, self.shape, self.dtype = "seen", rows.shape, rows.dtype
        self.reads = []

    def read(self, start, stop):
        self.reads.append((start, stop))
        return self._source.read(start, stop)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save the rows of each dtype once; give queries and data as arrays, and the data's paths."""
    folder, made = tmp_path_factory.mktemp("same-bits"), {}
    for dtype in {dtype for _, dtype in CASES}:
        data, queries = rows_of("repeated", 1, (131, 19), dtype), rows_of("any", 2, (7, 19), dtype)
        queries[4:] = data[::60]
        np.save(folder / f"{dtype}.npy", data)
        np.save(folder / f"{dtype}_columns.npy", np.asfortranarray(data))
        np.save(folder / f"{dtype}_foreign.npy", data.astype(data.dtype.newbyteorder()))
        made[dtype] = queries, data, [folder / f"{dtype}{end}.npy" for end in ("", "_columns", "_foreign")]
    return made


def compare(saved, metric, dtype, ways):
    queries, data, paths = saved[dtype]
    wanted = full_sort(queries, data, 6, metric, p=P)
    others = full_sort(None, data, 6, metric, p=P)
    for turn, ((name, threads), share) in enumerate(itertools.product(ways, (*SHARES, None))):
        options = {"algorithm": algorithm_of(name, metric), "threads": threads}
        if share is None:
            assert not unequal(search(None, data, 6, metric, **options), others)
        rows = (data, paths[0])[turn % 2]
        if share is not None:
            options["memory_limit"] = int(share * least_bytes(queries, rows, 6, metric, **options))
        wrong = unequal(search(queries, rows, 6, metric, **options), wanted)
        assert not wrong, (wrong, options, type(rows))


@pytest.mark.parametrize(("metric", "dtype"), CASES)
def test_memory_threads_and_algorithm_do_not_change_a_bit(saved, metric, dtype):
    compare(saved, metric, dtype, FEW if metric in PRUNABLE else [("brute", 1), ("auto", 3)])


@pytest.mark.long
@pytest.mark.parametrize(("metric", "dtype"), CASES)
def test_every_way_of_searching_gives_the_same_bits(saved, metric, dtype):
    compare(saved, metric, dtype, ALL)


@pytest.mark.parametrize(("metric", "dtype"), CASES)
def test_every_kind_of_file_and_source_gives_the_same_bits(saved, metric, dtype):
    queries, data, paths = saved[dtype]
    wanted = full_sort(queries, data, 6, metric, p=P)
    for rows in (*paths, str(paths[0]), Seen(data)):
        assert not unequal(search(queries, rows, 6, metric, threads=2), wanted)
    assert not unequal(search(Seen(queries), Seen(data), 6, metric), wanted)
    assert not unequal(search(None, paths[1], 6, metric), full_sort(None, data, 6, metric, p=P))


@pytest.mark.parametrize("metric", ["l2", "l1"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_thousands_of_rows_in_any_memory_have_the_same_bits(dtype, metric):
    data, queries = rows_of("any", 3, (6000, 24), dtype), rows_of("any", 4, (70, 24), dtype)
    data[3000:] = data[:3000]
    wanted = full_sort(queries, data, 11, metric)
    for turn, share in enumerate((3.0, 10.0, 100.0)):
        limit = int(share * least_bytes(queries, data, 11, metric))
        for name in ("brute", "pruned"):
            options = {"algorithm": algorithm_of(name, metric), "threads": turn + 1, "memory_limit": limit}
            assert not unequal(search(queries, data, 11, metric, **options), wanted)


def test_little_memory_means_that_a_source_is_read_in_more_and_smaller_blocks():
    data, queries = rows_of("any", 5, (3000, 40), "float64"), rows_of("any", 6, (3, 40), "float64")
    longest = {}
    for share in (1.0, 1.2):
        source = Seen(data)
        search(queries, source, 5, memory_limit=int(share * least_bytes(queries, Seen(data), 5)))
        assert all(0 <= start < stop <= len(data) for start, stop in source.reads)
        longest[share] = max(stop - start for start, stop in source.reads)
    assert longest[1.0] <= longest[1.2] < len(data)


def test_the_same_search_twice_gives_the_same_bits():
    data = rows_of("far", 7, (900, 12), "float32")
    first = search(data[::9], data, 12, threads=3)
    assert not unequal(search(data[::9], data, 12, threads=3), first)


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_a_query_has_the_same_neighbors_alone_and_among_others(metric):
    data = rows_of("far", 8, (500, 33), "float32")
    distances, indices = search(data, data, 9, metric)
    for q in range(0, 500, 61):
        alone = search(data[q : q + 1], data, 9, metric)
        assert not unequal(alone, (distances[q : q + 1], indices[q : q + 1]))


@pytest.mark.parametrize("metric", ["l2", "l1", "inner_product"])
def test_data_in_two_halves_have_the_neighbors_of_the_whole(metric):
    data = rows_of("few", 9, (260, 8), "int16")
    queries = rows_of("any", 10, (7, 8), "int16")
    parts = [search(queries, half, 6, metric) for half in (data[:130], data[130:])]
    sign = -1.0 if metric == "inner_product" else 1.0
    distances = np.hstack([part[0] for part in parts])
    indices = np.hstack([parts[0][1], parts[1][1] + 130])
    order = np.lexsort((indices, sign * distances))[:, :6]
    merged = np.take_along_axis(distances, order, 1), np.take_along_axis(indices, order, 1)
    assert not unequal(search(queries, data, 6, metric), merged)


@pytest.mark.parametrize("name", ["kd_tree", "ball_tree"])
def test_names_of_trees_are_accepted_and_give_the_same_bits(name):
    data = rows_of("few", 11, (90, 3), "float32")
    assert not unequal(search(data[:5], data, 4, algorithm=name), full_sort(data[:5], data, 4))


def test_threads_of_a_radius_search_do_not_change_a_bit():
    data = rows_of("few", 12, (400, 5), "float32")
    one, *more = (radius_neighbors(data[:50], data, 2.0, threads=threads) for threads in (1, 2, 3))
    for other in more:
        for found, wanted in zip(other, one, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
