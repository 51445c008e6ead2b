"""Named arrays are written as NumPy would, whole or not at all, and never pickled."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tidu.errors import DataError, DtypeError
from tidu.persistence import write_npz

ARRAYS = {"x": np.arange(6).reshape(2, 3), "text": np.array(["\u68af", "b"]), "none": np.zeros((0, 2), np.uint8)}


def test_the_file_is_what_numpy_writes_whatever_its_name(tmp_path: Path) -> None:
    write_npz(tmp_path / "index", ARRAYS)
    expected = io.BytesIO()
    np.savez(expected, **ARRAYS)
    with zipfile.ZipFile(tmp_path / "index") as found, zipfile.ZipFile(expected) as wanted:
        assert found.namelist() == wanted.namelist() == [f"{name}.npy" for name in ARRAYS]
        assert [found.read(name) for name in found.namelist()] == [wanted.read(name) for name in wanted.namelist()]
        assert {info.compress_type for info in found.infolist()} == {zipfile.ZIP_STORED}
    assert os.listdir(tmp_path) == ["index"]


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    write_npz(tmp_path / "a", ARRAYS)
    old = (tmp_path / "a").read_bytes()
    with pytest.raises(DtypeError) as caught:
        write_npz(tmp_path / "a", {"fine": np.ones(2), "bad": np.array([{}])})
    assert caught.value.facts["name"] == "bad"
    assert (tmp_path / "a").read_bytes() == old


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        write_npz(tmp_path / "no" / "a", ARRAYS)
