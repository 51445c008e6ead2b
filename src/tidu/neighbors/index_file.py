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
from tidu.neighbors.archive import DAMAGE, array_of, layout_of, write_arrays
from tidu.neighbors.metrics import Array

__all__ = ["peek_index", "read_index", "write_index"]

_FORMAT = "tidu projected index 1"
_MOST_TEXT_BYTES = 1 << 16


def write_index(path: str | os.PathLike[str], digest: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays beside their place, then move them there.

    Raises
    ------
    DataError
        If that is not possible.
    """
    write_arrays(Path(path), {"format": np.array([_FORMAT]), "digest": np.array([digest]), **arrays})


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
                layout = layout_of(archive, name)
                if layout.shape != shape or layout.dtype != dtype:
                    return None
                found[name] = array_of(archive, name)
            return found
    except DAMAGE as error:
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
            return layout_of(archive, name).shape
    except DAMAGE as error:
        raise _no_index(target) from error


def _text(archive: zipfile.ZipFile, name: str) -> str:
    layout = layout_of(archive, name)
    if layout.shape != (1,) or layout.dtype.kind != "U" or layout.dtype.itemsize > _MOST_TEXT_BYTES:
        raise ValueError(f"{name} is no text")
    return str(array_of(archive, name)[0])


def _no_index(path: Path) -> DataError:
    return DataError(f"{path} is no index of tidu; give another path, or remove the file", path=str(path))
