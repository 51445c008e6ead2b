"""What a fresh pair of eyes found stays mended."""

from __future__ import annotations

import numpy as np
import pytest
from tests.neighbors.oracle import full_sort, unequal
from tests.neighbors.problems import least_bytes, rows_of, search

from tidu.data import GeneratorSource, as_source, widened
from tidu.errors import DataError, ParameterError
from tidu.neighbors import choosing, kneighbors, radius_neighbors
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.search import blocks_of


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_an_algorithm_is_chosen_in_any_memory(monkeypatch, dtype):
    monkeypatch.setattr(choosing, "_WORTH_S", 0.0)
    monkeypatch.setattr(choosing, "_QUICKEST_UNIT_S", 1.0)
    data, queries = rows_of("any", 1, (2500, 60), dtype), rows_of("any", 2, (40, 60), dtype)
    wanted = full_sort(queries, data, 4)
    least = least_bytes(queries, data, 4)
    for limit in (least, least + 1, 2 * least, 5 * least, 20 * least, 80 * least, None):
        assert not unequal(search(queries, data, 4, memory_limit=limit), wanted)


def test_an_index_is_only_for_processors_with_vectors_as_wide(tmp_path):
    data, queries = rows_of("any", 1, (960, 40), "float32"), rows_of("any", 2, (20, 40), "float32")
    path = tmp_path / "index.npz"
    wanted = kneighbors(queries, data, 5, index=path)
    with np.load(path) as archive:
        kept = {name: archive[name] for name in archive.files}
    shape = Encoding("dot16", -2, "square", "squares").shape
    assert str(shape) in str(kept["digest"][0])
    # As another processor would have written it: its panels lie otherwise, and would be read as nonsense.
    kept["digest"] = np.array([str(kept["digest"][0]).replace(f"lanes={shape.lanes}", "lanes=3")])
    kept["packed"][:] = 1
    np.savez(path, **kept)
    assert not unequal(kneighbors(queries, data, 5, index=path), wanted)


def test_another_filter_with_equal_rows_is_another_search(tmp_path):
    data = np.zeros((4, 3), np.uint8)
    kneighbors(None, data, 1, where=[0, 1], checkpoint_dir=tmp_path)
    with pytest.raises(ParameterError, match="where"):
        kneighbors(None, data, 1, where=[2, 3], checkpoint_dir=tmp_path, resume=True)


def test_rows_that_only_come_in_order_are_asked_for_in_order():
    starts = []

    def blocks():
        starts.append(0)
        yield from np.arange(4000.0).reshape(-1, 100, 4)

    source = GeneratorSource(blocks, (1000, 4), np.float64)
    assert blocks_of(widened(source), 100) == [(i, i + 100) for i in range(0, 1000, 100)]
    assert not unequal(
        search(np.ones((3, 4)), source, 2), full_sort(np.ones((3, 4)), np.arange(4000.0).reshape(-1, 4), 2)
    )
    assert len(starts) <= 3
    order = [start for start, _ in blocks_of(as_source(np.zeros((1000, 4))), 100)]
    assert order != sorted(order)


def test_no_row_is_within_a_radius_where_there_are_none():
    distances, indices = radius_neighbors(np.zeros((2, 3)), np.zeros((0, 3)), 1.0)
    assert [len(x) for x in (*distances, *indices)] == [0, 0, 0, 0]


def test_products_are_refused_only_where_they_overflow():
    distances, indices = kneighbors([[1.7e160, 1.0]], [[1.0, 0.0], [1.0, 1.0]], 2, "inner_product")
    assert sorted(indices[0]) == [0, 1]
    assert np.isfinite(distances).all()
    with pytest.raises(DataError, match="overflow"):
        kneighbors([[1e200]], [[1e200]], 1, "inner_product")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kneighbors([[1.0]], [[1.0]], 1, "minkowski", p="2"), "p must be a number"),
        (lambda: radius_neighbors([[1.0]], [[1.0]], "1"), "radius must be a number"),
        (lambda: kneighbors([[1.0]], [[1.0]], 1, index=3), "index must be a path"),
        (lambda: kneighbors([[1.0]], [[1.0]], 1, checkpoint_dir=3), "checkpoint_dir must be a path"),
        (lambda: kneighbors([[1.0]], [[1.0], [2.0]], 1, where=np.array([1, 2**63 + 5], np.uint64)), "92233720368547"),
    ],
)
def test_an_argument_of_another_kind_is_an_error_of_one_line(call, message):
    with pytest.raises(ParameterError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_ragged_rows_are_an_error_of_one_line():
    with pytest.raises(DataError):
        kneighbors([[1.0, 2.0], [3.0]], [[1.0, 2.0]], 1)
