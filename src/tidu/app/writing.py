"""How are results written to a file of the kind that its name says, as a whole or not at all?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError
from tidu.persistence import atomic_write

__all__ = ["csv_text", "require_suffix", "write_array"]


def require_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse, before any work, a file name whose kind is not written, or whose folder is not there."""
    if path.suffix.lower() not in suffixes:
        raise ParameterError(
            f"{str(path)!r} cannot be written: the name must end in {' or '.join(suffixes)}", path=str(path)
        )
    if not path.absolute().parent.is_dir():
        raise ParameterError(
            f"{str(path)!r} cannot be written: the folder {str(path.parent)!r} does not exist; create it first",
            path=str(path),
        )


def write_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as `.npy`, without pickle."""

    def write(file: BinaryIO) -> None:
        np.save(file, array, allow_pickle=False)

    atomic_write(path, write)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a CSV table with one header line.

    Examples
    --------
    >>> csv_text(["name", "x"], [["a,b", 1.5]]).splitlines()
    ['name,x', '"a,b",1.5']
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
