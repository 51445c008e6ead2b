"""How is the index of projections kept on disk and read again, without trusting what is found there?

One `.npz` file without pickle, with a checksum of the rows it was made of. This file knows nothing of what its
arrays mean.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from tidu.data.formats.npy import HEADER_BYTES, Layout, parse_header
from tidu.errors import DataError
from tidu.neighbors.metrics import Array

__all__ = ["peek_index", "read_index", "write_index"]

_FORMAT = "tidu projected index 1"
_MOST_TEXT_BYTES = 1 << 16
_DAMAGE = (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile)
"""What a damaged or foreign file may raise."""


def write_index(path: str | os.PathLike[str], digest: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays beside their place, then move them there.

    Raises
    ------
    DataError
        If that is not possible.
    """
    target = Path(path)
    beside = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            np.savez(file, format=np.array([_FORMAT]), digest=np.array([digest]), **dict(arrays))  # type: ignore[arg-type]
        os.replace(beside, target)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise DataError(f"{target} cannot be written: {error.strerror}", path=str(target)) from error


def read_index(
    path: str | os.PathLike[str], digest: str, expected: Mapping[str, tuple[tuple[int, ...], np.dtype[np.generic]]]
) -> dict[str, Array] | None:
    """Return the arrays, or None where there is no file or it was made of other rows or sizes.

    Raises
    ------
    DataError
        If the file is no index.
    """
    target = Path(path)
    if not target.exists():
        return None
    try:
        with zipfile.ZipFile(target) as archive:
            if _text(archive, "format") != _FORMAT:
                raise _no_index(target)
            if _text(archive, "digest") != digest:
                return None
            found = {}
            for name, (shape, dtype) in expected.items():
                layout = _layout(archive, name)
                if layout.shape != shape or layout.dtype != dtype:
                    return None
                found[name] = _array(archive, name)
            return found
    except _DAMAGE as error:
        raise _no_index(target) from error


def peek_index(path: str | os.PathLike[str], name: str) -> tuple[int, ...] | None:
    """Return the shape of an array, or None where there is no file.

    Raises
    ------
    DataError
        If the file is no index.
    """
    target = Path(path)
    if not target.exists():
        return None
    try:
        with zipfile.ZipFile(target) as archive:
            return _layout(archive, name).shape
    except _DAMAGE as error:
        raise _no_index(target) from error


def _text(archive: zipfile.ZipFile, name: str) -> str:
    layout = _layout(archive, name)
    if layout.shape != (1,) or layout.dtype.kind != "U" or layout.dtype.itemsize > _MOST_TEXT_BYTES:
        raise ValueError(f"{name} is no text")
    return str(_array(archive, name)[0])


def _layout(archive: zipfile.ZipFile, name: str) -> Layout:
    """Return what the header of an array claims, once the bytes that follow are as many."""
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed, which no index is")
    with archive.open(info) as file:
        layout = parse_header(file.read(HEADER_BYTES), name)
    if layout.data_offset + layout.data_bytes != info.file_size:
        raise ValueError(f"{name} is longer or shorter than it claims")
    return layout


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(f"{name}.npy") as file:
        found: Array = npy_format.read_array(file, allow_pickle=False)
    return found


def _no_index(path: Path) -> DataError:
    return DataError(f"{path} is no index of tidu; give another path, or remove the file", path=str(path))
