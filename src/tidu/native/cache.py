"""Where is object code kept from one process to the next?

An `ObjectCache` is a directory of files, one for each key. What it returns is executed, so nothing is
returned that another user could have written or that is not, bit for bit, what was stored. Whatever goes
wrong with the disk is no error: the code is compiled again. It knows nothing of what is inside the files.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["CacheState", "ObjectCache", "cache_key", "cache_state", "default_cache"]

_LIMIT_BYTES = 256 * 1024**2
_SHARE_UNSEEN = 1 / 16
"""Of the limit, what is written before all files are looked at again: there may be ten thousands of them."""
_MAGIC = b"tiduobj\n"
_FORMAT = 1
_HEADER = struct.Struct("<8sIQ32s32s")
"""Magic, format, length of the payload, key, SHA-256 of the payload."""
_SUFFIX = ".obj"
_TEMPORARY = "new-"
_ABANDONED_S = 3600.0
"""A temporary file that old was left by a process that died."""
_KEY = re.compile(r"[0-9a-f]{64}")
_VARIABLE = "TIDU_CACHE_DIR"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class CacheState:
    """Whether object code is kept, and if not, why.

    Parameters
    ----------
    directory : Path or None
        Where it would be.
    reason : str
        What speaks against using it; empty if it is used.
    """

    directory: Path | None
    reason: str

    @property
    def used(self) -> bool:
        """Tell whether code is kept there."""
        return not self.reason


class ObjectCache:
    """Object code in a private directory.

    Parameters
    ----------
    directory : path
        Made, for its owner only, when it is first needed. If it belongs to somebody else or others may
        write to it, nothing is read from it or written to it.
    limit_bytes : int
        What the files may occupy; beyond it those go that have not been used for longest. Each of several processes
        that write at once may exceed it by a sixteenth.

    Examples
    --------
    >>> cache = ObjectCache(getfixture("tmp_path") / "objects")
    >>> key = cache_key(["a text", "a processor"])
    >>> cache.load(key)
    >>> cache.store(key, b"code")
    >>> cache.load(key)
    b'code'
    """

    def __init__(self, directory: str | os.PathLike[str], limit_bytes: int = _LIMIT_BYTES) -> None:
        self.directory = Path(directory)
        self.limit_bytes = limit_bytes
        self._room_bytes = 0

    def state(self) -> CacheState:
        """Make the directory if need be, and tell whether it may be used."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.directory.stat()
        except OSError as error:
            return CacheState(self.directory, f"the directory cannot be made: {error.strerror}")
        return CacheState(self.directory, _objection(found))

    def load(self, key: str) -> bytes | None:
        """Return what was stored under a key, or None; a file that is not as it was written is removed."""
        if not self.state().used:
            return None
        path = self._path(key)
        try:
            content = _read_private(path, self.limit_bytes + _HEADER.size)
        except OSError:
            return None
        payload = _payload(content, key)
        with suppress(OSError):
            if payload is None:
                path.unlink()
            else:
                os.utime(path)  # used just now: the last to be removed
        return payload

    def store(self, key: str, payload: bytes) -> None:
        """Keep what belongs to a key, if the disk allows it."""
        if len(payload) > self.limit_bytes or not self.state().used:
            return
        header = _HEADER.pack(_MAGIC, _FORMAT, len(payload), bytes.fromhex(key), hashlib.sha256(payload).digest())
        with suppress(OSError):
            _write_whole(self._path(key), header + payload)
            self._room_bytes -= len(header) + len(payload)
            if self._room_bytes < 0:
                self._evict()

    def _path(self, key: str) -> Path:
        assert _KEY.fullmatch(key), "a key is what cache_key returns"
        return self.directory / f"{key}{_SUFFIX}"

    def _evict(self) -> None:
        """Remove the files used least recently, if they are too many; other processes may be at it too."""
        files = []
        for entry in os.scandir(self.directory):
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if entry.name.endswith(_SUFFIX):
                    files.append((found.st_mtime_ns, found.st_size, entry.path))
                elif entry.name.startswith(_TEMPORARY) and time.time() - found.st_mtime > _ABANDONED_S:
                    os.unlink(entry.path)
        unseen = int(self.limit_bytes * _SHARE_UNSEEN)
        total = sum(size for _, size, _ in files)
        if total > self.limit_bytes:
            for _, size, path in sorted(files):
                if total + unseen <= self.limit_bytes:
                    break
                with suppress(OSError):
                    os.unlink(path)
                total -= size
        self._room_bytes = min(self.limit_bytes - total, unseen)


def cache_key(parts: Iterable[str]) -> str:
    """Return a key for all that the code depends on, in its order.

    Examples
    --------
    >>> cache_key(["ab", "c"]) == cache_key(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()


def default_cache() -> ObjectCache | None:
    """Return the cache of this user, or None if the environment variable ``TIDU_CACHE_DIR`` is empty.

    That variable names its directory; without it, it is ``tidu`` where the system keeps caches.
    """
    directory = _default_directory()
    return None if directory is None else _cache_in(directory)


@lru_cache
def _cache_in(directory: Path) -> ObjectCache:
    """Return the one cache of this process in a directory: it knows how much it has written."""
    return ObjectCache(directory)


def cache_state() -> CacheState:
    """Tell whether object code is kept on this machine, where, and if not, why.

    Examples
    --------
    >>> getfixture("monkeypatch").setenv("TIDU_CACHE_DIR", "")
    >>> cache_state().reason
    'TIDU_CACHE_DIR is empty'
    """
    cache = default_cache()
    if cache is not None:
        return cache.state()
    off = os.environ.get(_VARIABLE) == ""
    return CacheState(None, f"{_VARIABLE} is empty" if off else "the user has no home directory")


def _default_directory() -> Path | None:
    named = os.environ.get(_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "tidu" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "tidu"
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The specification of that variable tells to ignore a relative path.
    return (configured if configured.is_absolute() else home / ".cache") / "tidu"


def _objection(found: os.stat_result) -> str:
    """Return what speaks against trusting a file or directory; Windows keeps a user's own directories private."""
    if sys.platform == "win32":
        return ""
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    return "others may write to it" if found.st_mode & _WRITABLE_BY_OTHERS else ""


def _read_private(path: Path, most: int) -> bytes:
    """Read a regular file that nobody else can have written.

    Raises
    ------
    OSError
        If there is none.
    """
    # Neither a link is followed nor a pipe waited for; Windows lacks both flags, and both dangers here.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or _objection(found):
            raise PermissionError(f"{path} is not a private file")
        # Python allocates as much as is asked for, so no more than there is.
        return file.read(min(most, found.st_size + 1))


def _payload(content: bytes, key: str) -> bytes | None:
    """Return the payload if the file is whole and belongs to the key."""
    if len(content) < _HEADER.size:
        return None
    magic, version, length, stored_key, digest = _HEADER.unpack_from(content)
    payload = content[_HEADER.size :]
    whole = (
        (magic, version, length, stored_key) == (_MAGIC, _FORMAT, len(payload), bytes.fromhex(key))
    ) and hashlib.sha256(payload).digest() == digest
    return payload if whole else None


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that others see either whole or not at all."""
    handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)  # mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
