from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from tidu.data import as_source, open_dataset
from tidu.data.formats import zarr_folder
from tidu.errors import DataError

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)


def write(path: Path, array: np.ndarray, chunks: tuple[int, ...] = (8, 2), **options: Any) -> Path:
    zarr.create_array(path, shape=array.shape, dtype=array.dtype, chunks=chunks, **options)[:] = array
    return path


def edit(path: Path, **changes: Any) -> None:
    metadata = json.loads(path.read_text())
    path.write_text(json.dumps(metadata | changes))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "i8", "f2", ">f4", "f8"])
def test_numbers_of_any_kind_come_back_in_this_machines_order(tmp_path: Path, dtype: str, version: int) -> None:
    V = (X * 9).astype(np.int64).astype(dtype)
    source = as_source(write(tmp_path / "x.zarr", V, zarr_format=version))
    assert source.dtype.isnative
    assert source.read(3, 4).dtype.isnative
    np.testing.assert_array_equal(source.read(5, 30), V[5:])


def test_arrays_of_a_group_are_members(tmp_path: Path) -> None:
    path = tmp_path / "g.zarr"
    zarr.open_group(path, mode="w")
    write(path / "images", np.arange(48, dtype=np.uint8).reshape(4, 2, 2, 3), (1, 2, 2, 3))
    write(path / "kinds", np.array([0, 1, 1, 0]), (3,))
    data = open_dataset(path, target="kinds")
    assert data.y is not None
    assert (data.X.shape, data.image_shape, data.y.read(0, 4).tolist()) == ((4, 12), (2, 2, 3), [0, 1, 1, 0])
    assert as_source(f"{path}:kinds").shape == (4,)
    write(path / "more", X)
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert caught.value.facts["members"] == ("images", "more")
    for member in ("../g.zarr/more", "/", "kind", ".."):
        with pytest.raises(DataError):
            as_source(f"{path}:{member}")


def test_a_chunk_that_was_never_written_holds_the_fill_value(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "x.zarr", shape=(10, 2), chunks=(5, 2), dtype="f4", fill_value=7)
    array[:5] = 1
    source = as_source(tmp_path / "x.zarr")
    assert source.read(4, 6).tolist() == [[1, 1], [7, 7]]
    array[5:] = 2
    with pytest.raises(DataError, match="added"):
        source.read(4, 6)


def test_a_chunk_that_was_removed_is_an_error_instead_of_the_fill_value(tmp_path: Path) -> None:
    source = as_source(write(tmp_path / "x.zarr", X))
    assert source.read(0, 4).tolist() == X[:4].tolist()
    (tmp_path / "x.zarr" / "c" / "0" / "1").unlink()
    for rows in ((0, 4), (5, 7), (0, 30)):
        with pytest.raises(DataError) as caught:
            source.read(*rows)
        assert caught.value.facts["chunk"] == "c/0/1"
    assert source.read(8, 30).tolist() == X[8:].tolist()


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (self.path.touch, ())


def test_no_codec_ever_runs_code(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zarr", X, zarr_format=2, compressors=None)
    edit(path / ".zarray", filters=[{"id": "pickle", "protocol": 2}])
    for chunk in path.glob("[0-9]*"):
        chunk.write_bytes(pickle.dumps(Runs(tmp_path / "pwned")))
    with pytest.raises(DataError) as caught:
        as_source(path).read(0, 1)
    assert caught.value.facts["codec"] == "pickle"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("codec", ["numcodecs.pickle", "no_such", "vlen-utf8"])
@pytest.mark.parametrize("inner", [False, True])
def test_an_unknown_codec_is_refused_wherever_it_hides(tmp_path: Path, codec: str, inner: bool) -> None:
    path = write(tmp_path / "x.zarr", X, (2, 2), shards=(4, 4))
    codecs = json.loads((path / "zarr.json").read_text())["codecs"]
    if inner:
        codecs[0]["configuration"]["codecs"].append({"name": codec, "configuration": {}})
    else:
        codecs.append({"name": codec})
    edit(path / "zarr.json", codecs=codecs)
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert caught.value.facts["codec"] == codec


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [2**61, 4]},
        {"shape": [10**9, 4]},
        {"shape": [0, 4]},
        {"shape": []},
        {"shape": "many"},
        {"shape": [-1, 4]},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**20, 2**20]}}},
        {"chunk_grid": {"name": "spiral"}},
        {"data_type": "complex64"},
        {"data_type": "string"},
        {"data_type": "float31"},
        {"codecs": []},
        {"storage_transformers": [{"name": "x"}]},
    ],
    ids=str,
)
def test_a_claim_that_cannot_be_is_refused_before_memory_is_taken(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = write(tmp_path / "x.zarr", X)
    edit(path / "zarr.json", **changes)
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000, b"{}", b""])
def test_damaged_metadata_are_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "x.zarr", X)
    (path / "zarr.json").write_bytes(content)
    with pytest.raises(DataError):
        as_source(path)


@pytest.mark.parametrize("content", [b"", b"x" * 10, b"x" * 1_000_000, None])
def test_a_chunk_that_is_damaged_or_no_file_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = write(tmp_path / "x.zarr", X)
    chunk = path / "c" / "0" / "0"
    chunk.unlink()
    if content is None:
        os.mkfifo(chunk)
    else:
        chunk.write_bytes(content)
    with pytest.raises(DataError) as caught:
        as_source(path).read(0, 3)
    assert "\n" not in str(caught.value)


def test_a_pipe_instead_of_metadata_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = write(tmp_path / "x.zarr", X, zarr_format=2)
    (path / ".zattrs").unlink()
    os.mkfifo(path / ".zattrs")
    with pytest.raises(DataError, match="pipe"):
        as_source(path)


def test_small_blocks_decode_a_chunk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source: Any = as_source(write(tmp_path / "x.zarr", X, (10, 4)))
    decoded = []
    plain = zarr_folder._Rows._decode
    monkeypatch.setattr(zarr_folder._Rows, "_decode", lambda self, *rows: decoded.append(1) or plain(self, *rows))
    found = np.concatenate([source.read(i, i + 1) for i in range(30)])
    np.testing.assert_array_equal(found, X)
    assert len(decoded) == 3
