"""How are bytes read from a file that may be hostile, growing or vanishing?

Only regular files are opened, every read names its place and its length, and a file that changed since
it was opened is an error instead of a wrong answer. This file knows nothing of formats.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError

__all__ = ["FileStream", "RegularFile", "existing_path", "unreadable"]

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class RegularFile:
    """An opened regular file, read at stated places by any number of threads.

    Opening again in another process (after pickling) checks that it is still the same content, by
    size and time of modification.

    Attributes
    ----------
    path : Path
        Where the file is.
    size : int
        Its length in bytes when it was opened.

    Raises
    ------
    DataError
        If there is no such file, it may not be read, is empty, or is not a regular file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            # A device is never opened: for some, opening alone has effects.
            _refuse_special(self.path, os.stat(self.path))
            self._descriptor = os.open(self.path, _OPEN_FLAGS)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from error
        self._close = weakref.finalize(self, os.close, self._descriptor)
        found = os.fstat(self._descriptor)
        _refuse_special(self.path, found)
        if found.st_size == 0:
            raise DataError(f"{self.path} is empty; expected a file with data", path=str(self.path))
        self.size = found.st_size
        self._modified_ns = found.st_mtime_ns
        self._seeking = threading.Lock()

    def read_into(self, offset: int, buffer: NDArray[np.uint8]) -> None:
        """Fill `buffer`, a contiguous vector of bytes, from the file's bytes at `offset`."""
        view = buffer.data
        self.refuse_change()
        if offset < 0 or offset + len(view) > self.size:
            raise self._truncated(offset + len(view), self.size)
        done = 0
        while done < len(view):
            try:
                count = self._read_some(offset + done, view[done:])
            except OSError as error:
                raise unreadable(self.path, error) from error
            if count == 0:
                raise self._truncated(offset + len(view), offset + done)
            done += count
        self.refuse_change()  # what was written during the read is not returned either

    def read_array(self, offset: int, out: NDArray[np.generic], stored: np.dtype[np.generic]) -> None:
        """Fill `out`, C-contiguous and of this machine's byte order, with `stored` numbers at `offset`."""
        self.read_into(offset, out.reshape(-1).view(np.uint8) if out.size else np.empty(0, np.uint8))
        if not stored.isnative:
            out.byteswap(inplace=True)  # a copy would double what a block costs

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`; the length is checked before memory is taken."""
        if length < 0 or offset + length > self.size:
            raise self._truncated(offset + length, self.size)
        buffer = np.empty(length, np.uint8)
        self.read_into(offset, buffer)
        return buffer.tobytes()

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _reopen, (str(self.path), self.size, self._modified_ns)

    def _read_some(self, offset: int, view: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [view], offset)
        with self._seeking:  # without preadv the position is shared by all threads
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            piece = os.read(self._descriptor, len(view))
        view[: len(piece)] = piece
        return len(piece)

    def refuse_change(self) -> None:
        """Refuse to go on if the file is no longer what it was when it was opened."""
        now = os.fstat(self._descriptor)
        if now.st_size < self.size:
            raise self._truncated(self.size, now.st_size)
        if (now.st_size, now.st_mtime_ns) != (self.size, self._modified_ns):
            raise DataError(
                f"{self.path} was written to while it was being read; wait until it is complete, then start again",
                path=str(self.path),
            )

    def _truncated(self, expected: int, got: int) -> DataError:
        return DataError(
            f"{self.path} is cut short: expected at least {expected:,} bytes, got {got:,}; copy the file again",
            path=str(self.path),
            expected=expected,
            got=got,
        )


class FileStream(io.RawIOBase):
    """A `RegularFile` with a position, as libraries want it; each of their reads is checked for changes.

    Attributes
    ----------
    error : DataError or None
        What a read last failed with: a library may hide it behind an error of its own.
    """

    def __init__(self, file: RegularFile) -> None:
        self._file = file
        self._position = 0
        self.error: DataError | None = None

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seekable(self) -> bool:
        """Whether the position can be set: always."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the file's beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        """Fill `buffer` as far as the file reaches."""
        view = np.frombuffer(buffer, np.uint8)
        view = view[: max(0, self._file.size - self._position)]
        try:
            self._file.read_into(min(self._position, self._file.size), view)
        except DataError as error:
            self.error = error
            raise
        self._position += len(view)
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes, all that are left if it is negative."""
        left = max(0, self._file.size - self._position)
        piece = bytearray(left if size < 0 else min(size, left))
        self.readinto(piece)
        return bytes(piece)

    @contextmanager
    def refusing(self, kind: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
        """Turn a library's errors into one line, and let those of the file through, hidden or not.

        Parameters
        ----------
        kind : str
            What the file should be, for the message.
        errors : tuple of exception types
            What the library raises for a damaged file.
        """
        try:
            yield
        except DataError:
            raise
        except errors as error:
            if self.error is not None:
                raise self.error from error
            path, reason = str(self._file.path), (str(error).splitlines() or ["no reason given"])[0][:200]
            raise DataError(f"{path} is no valid {kind}: {reason}", path=path) from error


def existing_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` as a `Path`, refusing what is missing, unreadable or neither file nor folder."""
    try:
        found = Path(path)
        mode = os.stat(found)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not stat.S_ISDIR(mode.st_mode):
        _refuse_special(found, mode)
    return found


def unreadable(path: str | os.PathLike[str], error: OSError | ValueError) -> DataError:
    """Describe why the operating system would not give a file, in one line."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, FileNotFoundError):
        reason = "no such file; check the path"
    elif isinstance(error, PermissionError):
        reason = "it may not be read by this user; change its permissions"
    return DataError(f"cannot read {os.fspath(path)!r}: {reason}", path=os.fspath(path))


def _refuse_special(path: Path, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kind = next((name for test, name in _KINDS if test(found.st_mode)), "a special file")
    raise DataError(f"{path} is {kind}; expected a regular file", path=str(path), kind=kind)


def _reopen(path: str, size: int, modified_ns: int) -> RegularFile:
    file = RegularFile(path)
    file.size, file._modified_ns = size, modified_ns
    file.refuse_change()
    return file
