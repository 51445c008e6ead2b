from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest

from tidu.data import as_source, open_dataset
from tidu.data.files import RegularFile
from tidu.errors import DataError

SUFFIXES = (".npy", ".npz", ".csv", ".parquet", ".h5", ".fvecs", "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    assert caught.value.facts["kind"] == "a pipe"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_link_to_a_device_is_refused(tmp_path: Path, suffix: str, device: str) -> None:
    path = tmp_path / f"link{suffix}"
    path.symlink_to(device)
    with pytest.raises(DataError) as caught:
        open_dataset(path)
    assert caught.value.facts["kind"] == "a device"


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the whole path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.npy")
        with pytest.raises(DataError) as caught:
            open_dataset("s.npy")
    assert caught.value.facts["kind"] == "a socket"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"empty{suffix}"
    path.touch()
    with pytest.raises(DataError, match="empty"):
        open_dataset(path)


@pytest.mark.parametrize("name", ["none.npy", "none.csv", "a\0b.npy", "x" * 5000 + ".npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    for opened in (open_dataset, as_source):
        with pytest.raises(DataError) as caught:
            opened(str(tmp_path / name))
        assert caught.value.facts["path"] == str(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").symlink_to(tmp_path / "b.npy")
    (tmp_path / "b.npy").symlink_to(tmp_path / "a.npy")
    with pytest.raises(DataError):
        open_dataset(tmp_path / "a.npy")


def test_a_folder_with_the_name_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.npy").mkdir()
    with pytest.raises(DataError, match="folder"):
        open_dataset(tmp_path / "data.npy")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(2))

    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(DataError, match="permissions"):
        open_dataset(path)


def test_an_unknown_suffix_lists_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.xyz"
    path.write_text("a")
    with pytest.raises(DataError, match=r"\.npy.*\.npz|\.npz.*\.npy"):
        open_dataset(path)


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(3))
    (tmp_path / "link.npy").symlink_to(tmp_path / "x.npy")
    assert as_source(tmp_path / "link.npy").read(0, 3).tolist() == [0, 1, 2]


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((1000, 10)))
    source = as_source(path)
    source.read(0, 10)
    os.truncate(path, 5000)
    for rows in ((990, 1000), (0, 10)):
        with pytest.raises(DataError, match="cut short"):
            source.read(*rows)


def test_a_read_that_ends_early_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    file = RegularFile(path)
    monkeypatch.setattr(os, "preadv", lambda *_: 0)
    with pytest.raises(DataError, match="cut short"):
        file.read(0, 3)


def test_a_file_that_is_written_to_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(10))
    source = as_source(path)
    with path.open("r+b") as stream:
        stream.seek(130)
        stream.write(b"x")
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match="written to"):
        source.read(0, 1)


def test_reading_works_where_preadv_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    file = RegularFile(path)
    monkeypatch.delattr(os, "preadv")
    assert (file.read(4, 2), file.read(0, 3)) == (b"ef", b"abc")


def test_a_read_beyond_the_end_takes_no_memory_for_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    with pytest.raises(DataError) as caught:
        RegularFile(path).read(0, 1 << 60)
    assert caught.value.facts["expected"] == 1 << 60


def test_a_source_of_a_file_can_be_sent_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(10))
    sent = pickle.dumps(as_source(path))
    assert pickle.loads(sent).read(2, 4).tolist() == [2, 3]
    np.save(path, np.arange(11))
    with pytest.raises(DataError):
        pickle.loads(sent)
