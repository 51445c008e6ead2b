"""How is a file written so that a reader sees all of it or none, whatever happens meanwhile.

Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tidu.errors import DataError

__all__ = ["atomic_write", "atomic_write_text"]


def atomic_write(path: str | os.PathLike[str], write: Callable[[BinaryIO], None]) -> None:
    """Write a file by a callback; until that has succeeded, nothing at `path` changes.

    Parameters
    ----------
    path : str or path-like
        Where the file goes. A symbolic link is followed; an existing regular file is replaced and
        keeps its permissions.
    write : callable
        Gets an open binary file and writes all of it.

    Raises
    ------
    DataError
        If the folder is missing or cannot be written, `path` is a folder or a device, or the disk
        refuses. Any other exception of `write` passes through as it is. In every case the temporary
        file is gone and the old content stands.

    Notes
    -----
    The bytes go to a temporary file in the same folder, are forced to disk, and take their name by one
    rename, which POSIX makes atomic; then the folder is forced to disk too, or a power cut could
    undo the rename.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> atomic_write(folder / "a.bin", lambda file: print(file.write(b"abc")))
    3
    >>> [(item.name, item.read_bytes()) for item in folder.iterdir()]
    [('a.bin', b'abc')]
    """
    target = Path(os.path.realpath(path))
    mode = _checked_mode(target)
    # a short name of its own: the target's name may already be as long as names may get
    temporary = target.parent / f".tidu-{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, mode)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(target, error.strerror or str(error)) from error
        raise


def atomic_write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 with its line ends untouched, or nothing; see `atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> atomic_write_text(path, "梯度")
    >>> path.read_bytes().decode("utf-8")
    '梯度'
    """
    data = text.encode("utf-8")

    def write(file: BinaryIO) -> None:
        file.write(data)

    atomic_write(path, write)


def _checked_mode(target: Path) -> int | None:
    """Return the permissions of the file that will be replaced, None when there is none yet."""
    folder = target.parent
    if not folder.is_dir():
        raise _unwritable(target, "missing folder", f"the folder {str(folder)!r} does not exist; create it first")
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise _unwritable(target, what, f"it is {what}; give the name of a file")
    return stat.S_IMODE(mode)


def _unwritable(target: Path, reason: str, problem: str = "") -> DataError:
    return DataError(f"{str(target)!r} cannot be written: {problem or reason}", path=target, reason=reason)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows cannot open a folder, and its rename is journalled by the file system
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
