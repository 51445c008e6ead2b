"""An index on disk is read again as it was, or refused in one line; what is not one is never trusted."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.neighbors.problems import rows_of, search

from tidu.errors import DataError
from tidu.neighbors import index_file
from tidu.neighbors.index_file import peek_index, read_index, write_index

ARRAYS = {"directions": np.arange(6, dtype=np.int16).reshape(2, 3), "bounds": np.linspace(0, 1, 5)}
EXPECTED = {name: (x.shape, x.dtype) for name, x in ARRAYS.items()}
DIGEST = "rows of some checksum"


def npy(x: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, x, allow_pickle=allow_pickle)
    return stream.getvalue()


def archive_of(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def parts_of(**changes: bytes) -> dict[str, bytes]:
    """Return what an index is made of, with changes."""
    texts = {"format": np.array([index_file._FORMAT]), "digest": np.array([DIGEST])}
    return {**{name: npy(x) for name, x in {**texts, **ARRAYS}.items()}, **changes}


def claiming(shape: tuple[int, ...], dtype: str, content: bytes = b"") -> bytes:
    """Return an array whose header says how much there is, whatever follows."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue() + content


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "index"
    assert read_index(path, DIGEST, EXPECTED) is None
    assert peek_index(path, "directions") is None
    write_index(path, DIGEST, ARRAYS)
    found = read_index(path, DIGEST, EXPECTED)
    assert found is not None
    assert found.keys() == ARRAYS.keys()
    for name, x in ARRAYS.items():
        np.testing.assert_array_equal(found[name], x)
        assert found[name].dtype == x.dtype
    assert peek_index(path, "directions") == (2, 3)
    assert os.listdir(tmp_path) == ["index"]


def test_parts_made_by_hand_are_an_index(tmp_path: Path) -> None:
    """So that what is refused below is refused for what was changed."""
    path = tmp_path / "index"
    path.write_bytes(archive_of(parts_of()))
    assert read_index(path, DIGEST, EXPECTED) is not None


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ("other rows", EXPECTED),
        (DIGEST, {**EXPECTED, "bounds": ((6,), np.dtype(np.float64))}),
        (DIGEST, {**EXPECTED, "bounds": ((5,), np.dtype(np.float32))}),
    ],
)
def test_an_index_of_other_rows_or_sizes_is_left_alone(tmp_path: Path, digest: str, expected: dict) -> None:
    path = tmp_path / "index"
    write_index(path, DIGEST, ARRAYS)
    assert read_index(path, digest, expected) is None


def refuses(path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_index(path, DIGEST, EXPECTED)
    assert caught.value.facts["path"] == str(path)
    assert "\n" not in str(caught.value)


FOREIGN = {
    "nothing": b"",
    "text": b"x,y\n1,2\n",
    "one array": npy(np.zeros(3)),
    "one array that claims to be large": claiming((1 << 45,), "<f8"),
    "a pickle": pickle.dumps({"directions": 1}),
    "an archive of nothing": archive_of({}),
    "an archive of text": archive_of({"format": b"tidu"}),
    "another format": archive_of(parts_of(format=npy(np.array(["numbers of somebody"])))),
    "a format that is a number": archive_of(parts_of(format=npy(np.zeros(1)))),
    "a format without shape": archive_of(parts_of(format=npy(np.array(index_file._FORMAT)))),
    "a format that claims to be large": archive_of(parts_of(format=claiming((1 << 45,), "<U9"))),
    "a text that claims to be large": archive_of(parts_of(digest=claiming((1,), f"<U{1 << 30}"))),
    "no digest": archive_of({name: x for name, x in parts_of().items() if name != "digest"}),
    "an array missing": archive_of({name: x for name, x in parts_of().items() if name != "bounds"}),
    "objects": archive_of(parts_of(bounds=npy(np.array([{}] * 5, object), allow_pickle=True))),
    "records": archive_of(parts_of(bounds=npy(np.zeros(5, [("x", "f8")])))),
    "a bomb": archive_of(parts_of(bounds=npy(np.zeros(1 << 20))), zipfile.ZIP_DEFLATED),
    "an array that claims to be large": archive_of(parts_of(bounds=claiming((1 << 45,), "<f8"))),
    "an array that claims more than follows": archive_of(parts_of(bounds=claiming((5,), "<f8", bytes(39)))),
    "an array that claims less than follows": archive_of(parts_of(bounds=claiming((5,), "<f8", bytes(41)))),
    "no header": archive_of(parts_of(bounds=b"\x93NUMPY\x01\x00\xff\xff{((((")),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_index_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    path = tmp_path / "index"
    path.write_bytes(FOREIGN[what])
    refuses(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refuses(tmp_path)


def test_a_pickled_object_is_never_called(tmp_path: Path) -> None:
    class Caller:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "called"),)

    path = tmp_path / "index"
    path.write_bytes(archive_of(parts_of(bounds=npy(np.array([Caller()] * 5, object), allow_pickle=True))))
    refuses(path)
    assert not (tmp_path / "called").exists()


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "index"
    write_index(path, DIGEST, ARRAYS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        refuses(path)


def check_damage(path: Path, whole: bytes, at: int, value: int) -> None:
    """See that a changed byte is noticed, or does not matter."""
    path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
    found = None
    with suppress(DataError):
        peek_index(path, "directions")
    with suppress(DataError):
        found = read_index(path, DIGEST, EXPECTED)
    if found is not None:
        for name, x in ARRAYS.items():
            np.testing.assert_array_equal(found[name], x)


def test_a_damaged_byte_is_noticed_or_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "index"
    write_index(path, DIGEST, ARRAYS)
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    for at in range(0, len(whole), 3):
        check_damage(path, whole, at, whole[at] ^ (1 << int(rng.integers(8))))


@pytest.mark.long
def test_any_damaged_byte_is_noticed_or_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "index"
    write_index(path, DIGEST, ARRAYS)
    whole = path.read_bytes()
    for at in range(len(whole)):
        for value in {whole[at] ^ (1 << bit) for bit in range(8)} | {0, 255}:
            check_damage(path, whole, at, value)


def test_a_planted_reader_that_does_not_look_at_sums_is_caught(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zipfile.ZipExtFile, "_update_crc", lambda self, data: None)
    with pytest.raises(AssertionError):
        test_a_damaged_byte_is_noticed_or_does_not_matter(tmp_path)


def test_an_index_takes_its_place_all_at_once(tmp_path: Path, monkeypatch) -> None:
    """Until the last byte is there, the old one stands; and nothing is left beside it if that fails."""
    path = tmp_path / "index"
    write_index(path, "old", ARRAYS)
    old = path.read_bytes()

    def fails(file, **arrays) -> None:
        file.write(b"half of")
        assert path.read_bytes() == old
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_file.np, "savez", fails)
    with pytest.raises(DataError) as caught:
        write_index(path, DIGEST, ARRAYS)
    assert "No space left" in str(caught.value)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["index"]


@pytest.mark.parametrize("where", ["missing/index", "file/index", ""])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        write_index(tmp_path / where, DIGEST, ARRAYS)
    assert "cannot be written" in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_search_finds_the_same_with_an_index_of_any_age(tmp_path: Path) -> None:
    path = tmp_path / "index"
    data, queries = rows_of("any", 1, (900, 40), "float32"), rows_of("any", 2, (30, 40), "float32")
    expected = search(queries, data, 5, algorithm="pruned")
    for rows in (data, data + 1, data):  # written, written anew over what is of other rows
        again = search(queries + (rows[0, 0] - data[0, 0]), rows, 5, algorithm="pruned", index=path)
        if rows is data:
            np.testing.assert_array_equal(again, expected)
    before = path.stat().st_mtime_ns
    np.testing.assert_array_equal(search(queries, data, 5, algorithm="pruned", index=path), expected)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"something else")
    with pytest.raises(DataError):
        search(queries, data, 5, algorithm="pruned", index=path)
    assert path.read_bytes() == b"something else"
