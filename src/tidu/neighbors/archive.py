"""How are arrays kept in one file, and read again without trusting what is found there?

A `.npz` file without pickle and without compression, so that what a header claims can be compared with the bytes
that follow before memory is taken. This file knows nothing of what arrays mean.
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

__all__ = ["DAMAGE", "array_of", "layout_of", "write_arrays", "write_beside"]

DAMAGE = (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile)
"""What a damaged or foreign file may raise."""


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays beside their place, then move them there.

    Raises
    ------
    DataError
        If that is not possible.
    """
    with write_beside(path) as beside, open(beside, "wb") as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]  # the stub takes them all for flags
        file.flush()
        os.fsync(file.fileno())


class write_beside:
    """Give a path beside a file for a ``with`` block; after it what was written there takes the file's place."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._beside = target.with_name(f"{target.name}.{os.getpid()}.tmp")

    def __enter__(self) -> Path:
        return self._beside

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                os.replace(self._beside, self._target)
                return
        except OSError as failed:
            error = failed
        with suppress(OSError):
            self._beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"{self._target} cannot be written: {error.strerror}"
            raise DataError(message, path=str(self._target)) from error


def layout_of(archive: zipfile.ZipFile, name: str) -> Layout:
    """Return what the header of an array claims, once the bytes that follow are as many.

    Raises
    ------
    ValueError and others of `DAMAGE`
        If they are not.
    """
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    with archive.open(info) as file:
        layout = parse_header(file.read(HEADER_BYTES), name)
    if layout.data_offset + layout.data_bytes != info.file_size:
        raise ValueError(f"{name} is longer or shorter than it claims")
    return layout


def array_of(archive: zipfile.ZipFile, name: str) -> Array:
    """Return an array whose layout was looked at."""
    with archive.open(f"{name}.npy") as file:
        found: Array = npy_format.read_array(file, allow_pickle=False)
    return found
