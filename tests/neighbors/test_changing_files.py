"""A file that changes while it is searched is an error, never an answer from two files."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.neighbors.problems import least_bytes, rows_of, search

from tidu.data import as_source
from tidu.errors import DataError
from tidu.neighbors import radius_neighbors

N_ROWS, N_FEATURES = 4096, 512


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def rewrite(path):
    with open(path, "r+b") as file:
        file.seek(-4000, os.SEEK_END)
        file.write(b"\1" * 4000)
    os.utime(path, ns=(1, 1))  # whatever the resolution of the file system's clock


def append(path):
    with open(path, "ab") as file:
        file.write(b"\1" * 4000)


def replace(path):
    other = path.with_suffix(".new.npy")
    np.save(other, np.zeros((N_ROWS, N_FEATURES), np.load(path, mmap_mode="r").dtype))
    os.replace(other, path)


CHANGES = [truncate, empty, rewrite, append]


class Meddled:
    """A source over a file that is changed after some reads."""

    def __init__(self, path, change, after):
        self._source, self._path, self._change, self._left = as_source(path), path, change, after
        self.name, self.shape, self.dtype = self._source.name, self._source.shape, self._source.dtype

    def read(self, start, stop):
        self._left -= 1
        if self._left == 0:
            self._change(self._path)
        return self._source.read(start, stop)


@pytest.fixture(params=["uint8", "float32"])
def file(request, tmp_path):
    np.save(tmp_path / "data.npy", rows_of("any", 1, (N_ROWS, N_FEATURES), request.param))
    return tmp_path / "data.npy"


def queries_of(path):
    return rows_of("any", 2, (64, N_FEATURES), np.load(path, mmap_mode="r").dtype)


def refused(path, change, run):
    """Run a search whose progress changes the file at its first call; it must fail and name the file."""
    seen = []

    def meddle(done, total):
        if not seen:
            change(path)
        seen.append(done)

    with pytest.raises(DataError) as caught:
        run(progress=meddle)
    assert seen
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("algorithm", ["brute", "pruned"])
def test_data_that_change_between_two_blocks_are_an_error(file, change, algorithm):
    queries = queries_of(file)
    options = {"algorithm": algorithm, "memory_limit": int(1.05 * least_bytes(queries, file, 5, algorithm=algorithm))}
    refused(file, change, lambda progress: search(queries, file, 5, progress=progress, **options))


@pytest.mark.parametrize("change", CHANGES)
def test_data_of_a_search_for_each_other_that_change_are_an_error(file, change):
    limit = least_bytes(None, file, 3, "l1")
    refused(file, change, lambda progress: search(None, file, 3, "l1", progress=progress, memory_limit=limit))


@pytest.mark.parametrize("change", CHANGES)
def test_queries_that_change_between_two_blocks_are_an_error(file, change):
    data = queries_of(file)
    limit = least_bytes(file, data, 5)
    refused(file, change, lambda progress: search(file, data, 5, progress=progress, memory_limit=limit))


@pytest.mark.parametrize("change", [truncate, rewrite])
def test_data_of_a_radius_search_that_change_are_an_error(file, change):
    def run(progress):
        return radius_neighbors(queries_of(file), file, 0.5, memory_limit=4_000_000, progress=progress)

    refused(file, change, run)


@pytest.mark.parametrize("change", [truncate, empty, rewrite, append])
@pytest.mark.parametrize("after", [2, 5])
def test_a_file_that_changes_between_two_reads_is_an_error(file, change, after):
    queries = queries_of(file)
    limit = int(1.2 * least_bytes(queries, file, 5))
    with pytest.raises(DataError, match=r"cut short|written to"):
        search(queries, Meddled(file, change, after), 5, memory_limit=limit)


def test_a_source_that_gives_too_few_rows_is_an_error_and_no_answer(file):
    class Short:
        name, shape, dtype = "short", (N_ROWS, N_FEATURES), np.load(file, mmap_mode="r").dtype

        def read(self, start, stop):
            return as_source(file).read(start, stop)[: (stop - start) // 2]

    queries = queries_of(file)
    with pytest.raises((DataError, ValueError, IndexError)):
        search(queries, Short(), 5, memory_limit=int(1.2 * least_bytes(queries, file, 5)))


def test_a_file_that_is_left_alone_is_no_error(file):
    queries = queries_of(file)
    limit = int(4 * least_bytes(queries, file, 5))
    found = search(queries, Meddled(file, lambda path: None, 2), 5, memory_limit=limit)
    assert np.array_equal(found[1], search(queries, np.load(file), 5)[1])


def test_a_file_that_is_replaced_is_searched_as_it_was(file):
    queries, before, seen = queries_of(file), np.load(file), []

    def meddle(done, total):
        if not seen:
            replace(file)
        seen.append(done)

    limit = int(1.5 * least_bytes(queries, file, 5))
    found = search(queries, file, 5, memory_limit=limit, progress=meddle)
    assert len(seen) > 1
    assert np.array_equal(found[1], search(queries, before, 5)[1])
