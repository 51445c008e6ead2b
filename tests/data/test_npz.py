from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import as_source, open_dataset
from tidu.data.formats import npz
from tidu.errors import DataError, TiduError

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 1, 0])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", [("X", "y"), ("x", "target"), ("data", "labels"), ("features", "y")])
def test_members_with_usual_names_are_found(tmp_path: Path, save: Any, names: tuple[str, str]) -> None:
    save(tmp_path / "d.npz", **{names[0]: X, names[1]: Y, "more": np.zeros(2)})
    data = open_dataset(tmp_path / "d.npz")
    assert data.y is not None
    assert data.target_name == names[1]
    np.testing.assert_array_equal(data.X.read(1, 3), X[1:3])
    np.testing.assert_array_equal(data.y.read(0, 4), Y)
    np.testing.assert_array_equal(as_source(tmp_path / "d.npz").read(0, 4), X)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("array", [np.asfortranarray(X), X.astype(">f4"), X.astype("<i2"), np.zeros((2, 0, 3))])
def test_any_layout_comes_back_the_same(tmp_path: Path, save: Any, array: np.ndarray) -> None:
    save(tmp_path / "d.npz", a=array)
    source = as_source(tmp_path / "d.npz")
    np.testing.assert_array_equal(source.read(0, len(array)), array.reshape(len(array), -1 if array.size else 0))
    assert source.dtype.isnative


def test_the_target_names_its_member(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", things=X, kinds=np.array(["b", "a", "a", "b"]))
    data = open_dataset(tmp_path / "d.npz", target="kinds")
    assert data.y is not None
    assert data.class_names == ("a", "b")
    assert data.y.read(0, 4).tolist() == [1, 0, 0, 1]


def test_a_ready_made_split_is_kept(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    data = open_dataset(tmp_path / "d.npz")
    assert data.n_samples == 4
    assert data.test is not None
    assert data.test.n_samples == 2


@pytest.mark.parametrize("target", [None, "b"])
def test_an_ambiguous_archive_lists_its_members(tmp_path: Path, target: str | None) -> None:
    np.savez(tmp_path / "d.npz", a=X, b=Y, c=X)
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path / "d.npz", target=target)
    assert caught.value.facts["members"] == ("a", "b", "c")


def test_a_target_that_is_not_there_names_the_closest(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=X, labels=Y)
    with pytest.raises(DataError, match="did you mean 'labels'"):
        open_dataset(tmp_path / "d.npz", target="label")


def test_stored_members_are_read_in_place(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", X=np.zeros((20_000, 100)), y=np.zeros(20_000))
    tracemalloc.start()
    try:
        open_dataset(tmp_path / "d.npz").X.read(100, 200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_500_000  # the member alone has 16 MB


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in members:
            out.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_objects_are_never_unpickled(tmp_path: Path, method: int) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path.joinpath("pwned").touch, ())

    path = archive(tmp_path / "d.npz", ("X.npy", npy(np.array([Runs()], object))), method=method)
    with pytest.raises(DataError, match="objects"):
        open_dataset(path)
    assert not (tmp_path / "pwned").exists()


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "DECODED_LIMIT_BYTES", 1_000_000)
    path = tmp_path / "d.npz"
    np.savez_compressed(path, X=np.zeros((10_000, 1000), np.uint8))
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            open_dataset(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.facts["expected"] == 1_000_000
    assert peak < 1_000_000


def test_a_claim_that_deflate_cannot_keep_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1)}".ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    path = archive(tmp_path / "d.npz", ("X.npy", content))
    claim(path, len(header) + 10 + 1_000_000_000)
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    assert caught.value.facts["got"] > 1_000_000_000 > caught.value.facts["expected"]


def claim(path: Path, size: int) -> None:
    """Change the decoded size that the central directory claims."""
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = struct.pack("<I", size)
    path.write_bytes(raw)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_fewer_bytes_than_claimed_are_an_error_instead_of_made_up_values(tmp_path: Path, method: int) -> None:
    content = npy(np.random.default_rng(0).random((100, 10)))
    path = archive(tmp_path / "d.npz", ("X.npy", content[:-80]), method=method)
    claim(path, len(content))
    with pytest.raises(DataError):
        open_dataset(path)


def test_a_changed_byte_in_a_compressed_member_is_found_by_its_checksum(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.npz", ("X.npy", npy(np.random.default_rng(0).random((50, 4)))))
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"PK\x01\x02")
    raw[entry + 16] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="damaged"):
        open_dataset(path)


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04 not an archive", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY\x01\x00", npy(X)],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "d.npz"
    path.write_bytes(content)
    with pytest.raises(DataError):
        open_dataset(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "d.npz", ("X.npy", npy(X)), ("X.npy", npy(X + 1)))
    with pytest.raises(DataError, match="one name"):
        open_dataset(path)


def test_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.npz", ("X.npy", npy(X)), method=zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="unusual"):
        open_dataset(path)


GOOD = {}
for _method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    _stream = io.BytesIO()
    with zipfile.ZipFile(_stream, "w", _method) as _out:
        _out.writestr("X.npy", npy(X))
        _out.writestr("y.npy", npy(Y))
    GOOD[_method] = _stream.getvalue()


@settings(max_examples=200, deadline=None)
@given(data=st.data(), method=st.sampled_from(sorted(GOOD)))
def test_any_changed_bytes_are_read_or_refused_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, method: int
) -> None:
    raw = bytearray(GOOD[method])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("npz") / "d.npz"
    path.write_bytes(raw)
    message = ""
    try:
        found = open_dataset(path)
        found.X.read(0, found.n_samples)
    except TiduError as error:
        message = str(error)
    assert "\n" not in message
