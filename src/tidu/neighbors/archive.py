"""How are arrays read from one file again without trusting what is found there?

A `.npz` file without pickle and without compression, as `tidu.persistence.write_npz` makes it, so that what a header
claims can be compared with the bytes that follow before memory is taken. This file knows nothing of what arrays mean.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.lib import format as npy_format

from tidu.data.formats.npy import HEADER_BYTES, Layout, parse_header
from tidu.errors import DataError
from tidu.neighbors.metrics import Array

__all__ = ["Layouts", "array_of", "arrays_of", "layout_of", "opened"]

Layouts: TypeAlias = Mapping[str, tuple[tuple[int, ...], np.dtype[np.generic]]]
"""Shape and dtype of each array."""
_DAMAGE = (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile)
"""What a damaged or foreign file may raise."""


@contextmanager
def opened(path: Path, damage: DataError) -> Iterator[zipfile.ZipFile | None]:
    """Open an archive for a ``with`` block, or give None where there is no file.

    Parameters
    ----------
    path : Path
    damage : DataError
        Raised in place of whatever a damaged or foreign file makes fail in the block.
    """
    if not path.exists():
        yield None
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE as error:
        raise damage from error


def arrays_of(archive: zipfile.ZipFile, expected: Layouts) -> dict[str, Array] | None:
    """Return arrays of these shapes and dtypes, or None where one has others.

    Raises
    ------
    ValueError and others
        If the archive is damaged; see `opened`.
    """
    found = {}
    for name, (shape, dtype) in expected.items():
        layout = layout_of(archive, name)
        if layout.shape != shape or layout.dtype != dtype:
            return None
        found[name] = array_of(archive, name)
    return found


def layout_of(archive: zipfile.ZipFile, name: str) -> Layout:
    """Return what the header of an array claims, once the bytes that follow are as many.

    Raises
    ------
    ValueError and others
        If they are not; see `opened`.
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
