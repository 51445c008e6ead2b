"""How are results written to a file of the kind that its name says, as a whole or not at all?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError, ParameterError
from tidu.persistence import atomic_write

__all__ = ["csv_text", "made_folder", "require_suffix", "write_array"]


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


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make sure, before minutes of work, that results can be written; a new folder that stays empty goes again.

    Raises
    ------
    DataError
        If the folder cannot be made.
    """
    created = not folder.is_dir()
    if created:
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise DataError(
                f"cannot make the folder {str(folder)!r}: {error.strerror}; choose another --out", path=str(folder)
            ) from error
    try:
        yield
    except BaseException:
        if created and not any(folder.iterdir()):
            folder.rmdir()
        raise


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
