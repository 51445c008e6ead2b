from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tidu.data import as_source, labels_of, open_dataset
from tidu.errors import DataError

X, Y = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 0])


def test_a_path_that_exists_wins_over_a_member(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", npz=X)
    np.save(tmp_path / "d.npz:npz.npy", Y)
    assert as_source(tmp_path / "d.npz:npz.npy").shape == (4,)
    assert as_source(tmp_path / "d.npz:npz").shape == (4, 3)
    np.save(tmp_path / "a:b.npy", Y)
    assert as_source(f"{tmp_path}/a:b.npy").shape == (4,)


def test_a_member_may_have_colons_itself(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **{"a:b": X, "c": Y})
    assert as_source(tmp_path / "d.npz:a:b").shape == (4, 3)


def test_another_member_is_the_target_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=X, kinds=Y, more=X)
    data = open_dataset(f"{tmp_path / 'd.npz'}:images", target="kinds")
    assert data.y is not None
    assert (data.X.shape, data.target_name, data.y.read(0, 4).tolist()) == ((4, 3), "kinds", Y.tolist())
    assert open_dataset(f"{tmp_path / 'd.npz'}:images", target=-1).X.shape == (4, 2)


@pytest.mark.parametrize("name", ["d.npz:imagse", "d.npy:x", "none.npz:x", "d.npz:", ":x", "d.npz:\0"])
def test_a_member_that_is_not_there_is_one_clear_error(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "d.npz", images=X)
    np.save(tmp_path / "d.npy", X)
    with pytest.raises(DataError) as caught:
        as_source(f"{tmp_path}/{name}")
    assert "\n" not in str(caught.value)


def test_labels_are_those_that_the_data_set_has(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=X, y=Y)
    np.save(tmp_path / "d.npy", X)
    labels = labels_of(tmp_path / "d.npz")
    assert labels is not None
    assert labels.read(0, 4).tolist() == Y.tolist()
    assert labels_of(tmp_path / "d.npy") is None
    assert labels_of(f"{tmp_path / 'd.npz'}:X") is None
    digits = labels_of("digits")
    assert digits is not None
    assert digits.shape == (1797,)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("x.h5", "h5py", "hdf5"), ("x.parquet", "pyarrow", "parquet"), ("x.zarr", "zarr", "zarr")],
)
def test_a_missing_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str, extra: str
) -> None:
    if extra == "zarr":
        (tmp_path / name).mkdir()
        (tmp_path / name / ".zarray").write_text("{}")
    else:
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DataError) as caught:
        as_source(tmp_path / name)
    assert f"pip install 'tidu[{extra}]'" in str(caught.value)
    assert "\n" not in str(caught.value)
