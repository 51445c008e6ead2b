from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tidu.data import as_source, open_dataset
from tidu.errors import DataError

STORED = {".fvecs": "<f4", ".bvecs": "u1", ".ivecs": "<i4"}


def write(path: Path, X: np.ndarray, lengths: list[int] | None = None) -> Path:
    kind = [("length", "<i4"), ("row", STORED[path.suffix], (X.shape[1],))]
    records = np.zeros(len(X), kind)
    records["length"], records["row"] = X.shape[1] if lengths is None else lengths, X
    records.tofile(path)
    return path


@pytest.mark.parametrize("suffix", STORED)
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (3, 70_000), (9000, 32)])
def test_vectors_come_back_whatever_their_size(tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    X = np.random.default_rng(0).integers(0, 200, shape).astype(STORED[suffix])
    source = as_source(write(tmp_path / f"x{suffix}", X))
    assert (source.shape, source.dtype) == (shape, X.dtype)
    np.testing.assert_array_equal(source.read(0, len(X)), X)
    np.testing.assert_array_equal(source.read(len(X) // 2, len(X)), X[len(X) // 2 :])
    assert open_dataset(tmp_path / f"x{suffix}").X.shape == shape


@pytest.mark.parametrize("suffix", STORED)
def test_a_row_of_another_length_is_named(tmp_path: Path, suffix: str) -> None:
    source = as_source(write(tmp_path / f"x{suffix}", np.zeros((5, 4)), [4, 4, 4, 5, 4]))
    assert source.read(0, 3).shape == (3, 4)
    with pytest.raises(DataError) as caught:
        source.read(1, 5)
    assert (caught.value.facts["row"], caught.value.facts["got"]) == (3, 5)


@pytest.mark.parametrize("length", [0, -1, 2**31 - 1, 5])
def test_a_first_length_that_cannot_be_is_refused_before_memory_is_taken(tmp_path: Path, length: int) -> None:
    with pytest.raises(DataError):
        as_source(write(tmp_path / "x.fvecs", np.zeros((5, 4)), [length] * 5))


def test_a_file_shorter_than_a_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bvecs").write_bytes(b"\4\0")
    with pytest.raises(DataError, match="cut short"):
        as_source(tmp_path / "x.bvecs")
