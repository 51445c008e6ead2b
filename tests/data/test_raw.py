from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import RawSource, as_source, labels_of, open_dataset
from tidu.errors import DataError, DtypeError, ParameterError, TiduError


@pytest.mark.parametrize("dtype", ["uint8", "int8", "<i4", ">i4", "int64", "float16", "float32", ">f8"])
def test_numbers_of_any_kind_come_back(tmp_path: Path, dtype: str) -> None:
    X = np.arange(24).reshape(6, 4).astype(dtype)
    X.tofile(tmp_path / "x.raw")
    for source in (RawSource(tmp_path / "x.raw", 4, dtype), as_source(f"{tmp_path / 'x.raw'}:{dtype}x4")):
        assert source.dtype.isnative
        np.testing.assert_array_equal(source.read(1, 5), X[1:5])
    assert as_source(f"{tmp_path / 'x.raw'}:{dtype}").shape == (24,)


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 4), width=st.sampled_from([1, 3, 40_000]), seed=st.integers(0, 9))
def test_bfloat16_is_read_as_float32(tmp_path_factory: pytest.TempPathFactory, n: int, width: int, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 1 << 16, (n, width), np.uint16)
    path = tmp_path_factory.mktemp("raw") / "x.bin"
    bits.astype("<u2").tofile(path)
    source = as_source(f"{path}:bfloat16x{width}")
    assert (source.shape, source.dtype) == ((n, width), np.float32)
    np.testing.assert_array_equal(source.read(0, n).view(np.uint32), bits.astype(np.uint32) << 16)


@pytest.mark.parametrize("spec", ["float32x5", "float32x4@1", "float32x4@96", "float32x4@1000", "float32x999999999999"])
def test_a_size_that_is_no_whole_number_of_rows_is_refused(tmp_path: Path, spec: str) -> None:
    np.zeros((6, 4), np.float32).tofile(tmp_path / "x.bin")
    with pytest.raises(DataError, match="whole number"):
        as_source(f"{tmp_path / 'x.bin'}:{spec}")


@pytest.mark.parametrize(
    "spec", ["float32", "", "float32x", "x4", "4", "float32x4@", "float32x-4", "O8x1", "c8x1", "U4x1"]
)
def test_what_is_no_description_of_rows_is_refused(tmp_path: Path, spec: str) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0" * 7)
    with pytest.raises(TiduError) as caught:
        as_source(f"{tmp_path / 'x.bin'}:{spec}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("width", "offset"), [(0, 0), (-1, 0), (1, -1)])
def test_an_impossible_row_is_refused(tmp_path: Path, width: int, offset: int) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0" * 8)
    with pytest.raises(ParameterError):
        RawSource(tmp_path / "x.bin", width, np.uint8, offset)


@pytest.mark.parametrize("dtype", [object, "complex64", "U3", "longdouble", "no_such"])
def test_a_dtype_of_other_than_numbers_is_refused(tmp_path: Path, dtype: object) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0" * 16)
    with pytest.raises(DtypeError):
        RawSource(tmp_path / "x.bin", 1, dtype)  # type: ignore[arg-type]


def test_a_raw_file_that_is_not_described_says_how_to(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0" * 8)
    for opened in (as_source, open_dataset):
        with pytest.raises(DataError, match="float32x128"):
            opened(tmp_path / "x.bin")
    assert labels_of(tmp_path / "x.bin") is None


def test_a_raw_file_and_its_labels_make_a_data_set(tmp_path: Path) -> None:
    np.arange(6, dtype=np.float32).tofile(tmp_path / "x.bin")
    np.array([1, 0, 1]).tofile(tmp_path / "y.bin")
    data = open_dataset((f"{tmp_path / 'x.bin'}:float32x2", f"{tmp_path / 'y.bin'}:int64"))
    assert data.y is not None
    assert (data.X.shape, data.y.read(0, 3).tolist()) == ((3, 2), [1, 0, 1])
