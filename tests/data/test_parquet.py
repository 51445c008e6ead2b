from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.files_of_rows import parquet_vectors

from tidu.data import as_source, blocks, labels_of, open_dataset, scratch_bytes
from tidu.errors import DataError, ParameterError, TiduError

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)


def write(path: Path, columns: dict[str, Any], rows_per_group: int = 8, **options: Any) -> str:
    pq.write_table(pa.table(columns), path, rows_per_group, **options)
    return str(path)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i8", "f2", "f4", "f8", "?"])
@pytest.mark.parametrize("fixed", [True, False])
def test_vectors_of_any_numbers_come_back(tmp_path: Path, dtype: str, fixed: bool) -> None:
    V = (X * 9).astype(np.int64).astype(dtype)
    source = as_source(write(tmp_path / "v.parquet", {"v": parquet_vectors(V, fixed), "n": np.arange(30)}))
    assert source.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(source.read(5, 30), V[5:])


def test_without_vectors_all_columns_of_numbers_are_the_features(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"a": np.arange(30, dtype=np.int32), "t": ["x"] * 30, "b": X[:, 0]})
    data = open_dataset(path)
    assert (data.feature_names, data.X.dtype) == (("a", "b"), np.float64)
    assert as_source(f"{path}:a").shape == (30,)


def test_a_tensor_column_holds_vectors(tmp_path: Path) -> None:
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(X.reshape(30, 2, 2))
    np.testing.assert_array_equal(as_source(write(tmp_path / "t.parquet", {"v": tensor})).read(0, 30), X)


@pytest.mark.parametrize("target", ["n", "words"])
def test_the_target_is_a_column_by_name(tmp_path: Path, target: str) -> None:
    words = ["dog", "cat", "cat"] * 10
    path = write(tmp_path / "t.parquet", {"v": parquet_vectors(X), "n": np.arange(30), "words": words})
    for name in (path, f"{path}:v"):
        if name != path and target == "words":
            continue  # only a whole table's text becomes classes
        data = open_dataset(name, target=target)
        assert data.y is not None
        expected = [words[row] == "dog" for row in range(30)] if target == "words" else list(range(30))
        assert (data.X.shape, data.y.read(0, 30).tolist()) == ((30, 4), expected)
    with pytest.raises(ParameterError):
        open_dataset(path, target=0)
    assert labels_of(path) is None


def test_several_columns_of_vectors_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", {"v": parquet_vectors(X), "w": parquet_vectors(X)})
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert caught.value.facts["members"] == ("v", "w")


@pytest.mark.parametrize(
    ("values", "row"),
    [
        (pa.array([[1.0, 2.0]] * 20 + [None]), 20),
        (pa.array([[1.0, 2.0]] * 20 + [[1.0, None]]), 20),
        (pa.array([[1.0, 2.0]] * 20 + [[1.0]]), 20),
        (pa.array([[1.0, 2.0]] * 20 + [[]]), 20),
        (pa.array([[1.0, 2.0]] * 19 + [None] * 2, pa.list_(pa.float64(), 2)), 19),
        (pa.array([1.0] * 18 + [None]), 18),
    ],
)
def test_a_row_without_a_value_or_of_another_length_is_named(tmp_path: Path, values: pa.Array, row: int) -> None:
    source = as_source(write(tmp_path / "t.parquet", {"v": values}))
    source.read(0, 16)
    for start in (0, 17):
        with pytest.raises(DataError) as caught:
            source.read(start, len(values))
        assert (caught.value.facts["row"], caught.value.facts["column"]) == (row, "v")


@pytest.mark.parametrize(
    "columns",
    [
        {"t": ["a", "b"]},
        {"v": pa.array([[[1.0]], [[2.0]]])},
        {"v": pa.array([[], []], pa.list_(pa.float32()))},
        {"v": pa.array([None, [1.0]])},
        {"v": pa.array([], pa.float32())},
        {"v": pa.array([{"a": 1.0}])},
    ],
)
def test_a_table_without_rows_of_numbers_is_refused(tmp_path: Path, columns: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        as_source(write(tmp_path / "t.parquet", columns))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_reading_in_order_holds_a_piece_of_a_row_group(tmp_path: Path, compression: str) -> None:
    many = np.random.default_rng(0).standard_normal((60_000, 64)).astype(np.float32)
    path = write(tmp_path / "v.parquet", {"v": parquet_vectors(many)}, 60_000, compression=compression)
    before = pa.total_allocated_bytes()
    source = as_source(path)
    for first, block in blocks(source, 999):
        held = pa.total_allocated_bytes() - before
        assert held <= scratch_bytes(source, 999) < many.nbytes / 2
        np.testing.assert_array_equal(block, many[first : first + 999])


def test_a_column_that_decodes_to_far_more_than_it_stores_costs_no_more_memory(tmp_path: Path) -> None:
    bomb = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(3_000_000 * 8, np.float32)), 8)
    path = write(tmp_path / "v.parquet", {"v": bomb}, 3_000_000, compression="zstd")
    assert Path(path).stat().st_size < 100_000
    del bomb
    before = pa.total_allocated_bytes()
    source = as_source(path)
    assert not source.read(2_000_000, 2_000_010).any()
    assert pa.total_allocated_bytes() - before < scratch_bytes(source, 10)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_changed_bytes_are_read_or_refused_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "v.parquet"
    raw = bytearray(Path(write(path, {"v": parquet_vectors(X), "n": np.arange(30)})).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    message = ""
    try:
        source = as_source(path)
        source.read(0, min(40, source.shape[0]))
    except TiduError as error:
        message = str(error)
    assert "\n" not in message
