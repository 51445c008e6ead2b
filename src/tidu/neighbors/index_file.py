"""How is the index of projections kept on disk and read again, without trusting what is found there?

One archive of arrays (`tidu.neighbors.archive`), with a checksum of the rows it was made of. This file knows
nothing of what its arrays mean.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError
from tidu.neighbors.archive import Layouts, array_of, arrays_of, layout_of, opened
from tidu.neighbors.metrics import Array
from tidu.persistence import write_npz

__all__ = ["peek_index", "read_index", "write_index"]

_FORMAT = "tidu projected index 1"
_MOST_TEXT_BYTES = 1 << 16


def write_index(path: str | os.PathLike[str], digest: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write the arrays as one file, or nothing.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    write_npz(path, {"format": np.array([_FORMAT]), "digest": np.array([digest]), **arrays})


def read_index(path: str | os.PathLike[str], digest: str, expected: Layouts) -> dict[str, Array] | None:
    """Return the arrays, or None where there is no file or it was made of other rows or sizes.

    Raises
    ------
    DataError
        If the file is no index.
    """
    with opened(Path(path), _no_index(path)) as archive:
        if archive is None:
            return None
        if _text(archive, "format") != _FORMAT:
            raise ValueError("another format")
        if _text(archive, "digest") != digest:
            return None
        return arrays_of(archive, expected)


def peek_index(path: str | os.PathLike[str], name: str) -> tuple[int, ...] | None:
    """Return the shape of an array, or None where there is no file.

    Raises
    ------
    DataError
        If the file is no index.
    """
    with opened(Path(path), _no_index(path)) as archive:
        return None if archive is None else layout_of(archive, name).shape


def _text(archive: zipfile.ZipFile, name: str) -> str:
    layout = layout_of(archive, name)
    if layout.shape != (1,) or layout.dtype.kind != "U" or layout.dtype.itemsize > _MOST_TEXT_BYTES:
        raise ValueError(f"{name} is no text")
    return str(array_of(archive, name)[0])


def _no_index(path: str | os.PathLike[str]) -> DataError:
    name = os.fspath(path)
    return DataError(f"{name} is no index of tidu; give another path, or remove the file", path=name)
