"""A write happens whole or not at all, whichever step fails."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from tidu.errors import DataError
from tidu.persistence import atomic_write, atomic_write_text


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def fill(data: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return write


def test_the_file_holds_what_the_callback_wrote(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", fill(b"new"))
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_text_is_utf8_with_its_own_line_ends(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "a", "梯\r\n度\n")
    assert (tmp_path / "a").read_bytes() == "梯\r\n度\n".encode()


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(3), RuntimeError("x"), MemoryError()])
def test_any_exception_of_the_callback_passes_and_leaves_the_old_file(tmp_path: Path, failure: BaseException) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        file.flush()
        raise failure

    with pytest.raises(type(failure)):
        atomic_write(tmp_path / "a", write)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_failure_at_each_step_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: type[BaseException]
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def broken(*args: object, **kwargs: object) -> None:
        raise failure(28, "No space left on device")

    if step == "open":
        monkeypatch.setattr("builtins.open", broken)
    else:
        monkeypatch.setattr(os, step, broken)
    with pytest.raises(DataError if failure is OSError else failure) as caught:
        atomic_write(tmp_path / "a", fill(b"new"))
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]
    if failure is OSError:
        assert caught.value.reason == "No space left on device"  # type: ignore[attr-defined]
        assert "\n" not in str(caught.value)


def test_a_failing_sync_of_the_folder_is_reported_and_the_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = os.fsync

    def second_fails(handle: int) -> None:
        calls.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        original(handle)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(DataError):
        atomic_write(tmp_path / "a", fill(b"new"))
    assert calls == [False, True], "the file is forced to disk first, then its folder"
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_the_bytes_are_on_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def logged_fsync(handle: int) -> None:
        steps.append("fsync")
        fsync(handle)

    def logged_replace(source: Path, target: Path) -> None:
        assert Path(source).read_bytes() == b"new"
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(os, "replace", logged_replace)
    atomic_write(tmp_path / "a", fill(b"new"))
    assert steps == ["fsync", "replace", "fsync"]


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist") as caught:
        atomic_write(tmp_path / "no" / "a", fill(b""))
    assert caught.value.reason == "missing folder"  # type: ignore[attr-defined]


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="a folder"):
        atomic_write(tmp_path / "a", fill(b""))
    assert names(tmp_path) == ["a"]


def test_a_pipe_is_never_overwritten(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DataError, match="not a regular file"):
        atomic_write(tmp_path / "a", fill(b""))


def test_a_name_too_long_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        atomic_write(tmp_path / ("a" * 300), fill(b""))
    atomic_write(tmp_path / ("a" * 255), fill(b"the longest name that fits"))
    assert names(tmp_path) == ["a" * 255]


def test_a_symbolic_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    atomic_write(tmp_path / "link", fill(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_permissions_of_a_replaced_file_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    atomic_write(tmp_path / "a", fill(b"new"))
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
