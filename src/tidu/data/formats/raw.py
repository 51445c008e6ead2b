"""How are files of bare numbers read, which do not say what they hold?

The reader is told: by `RawSource`, or by what follows the file's name, as in ``vectors.bin:float32x128``
(128 numbers per row), ``labels.bin:int64`` (one number per row) or ``vectors.bin:>f4x128@16`` (big-endian,
after 16 bytes of something else).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from tidu.data.dataset import Dataset
from tidu.data.files import RegularFile
from tidu.data.format import Format
from tidu.data.source import Block, BlockSource, check_out, read_fresh
from tidu.data.views import widen_in_place
from tidu.errors import DataError, DtypeError, ParameterError

__all__ = ["FORMAT", "RawSource"]

_SPEC = re.compile(r"([<>]?[a-z][a-z0-9]*?[0-9]+)(?:x([0-9]{1,18}))?(?:@([0-9]{1,18}))?", re.ASCII)
_EXAMPLE = "such as vectors.bin:float32x128 for rows of 128 numbers"


class RawSource:
    """Rows of numbers that lie one behind the other in a file, to its end.

    Parameters
    ----------
    path : path
        The file.
    n_features : int or None
        Numbers per row; None for a vector of single numbers.
    dtype : dtype or "bfloat16"
        Of the numbers in the file, of either byte order; bfloat16 is read as float32.
    offset : int
        Bytes before the first row.

    Attributes
    ----------
    shape : tuple of int
        ``(n_rows, n_features)`` or ``(n_rows,)``.
    dtype : numpy.dtype
        Of what is read.

    Raises
    ------
    DataError
        If the bytes after `offset` are no whole number of rows, or none.
    ParameterError, DtypeError
        If the row or the dtype described is impossible.
    """

    def __init__(
        self, path: str | os.PathLike[str], n_features: int | None, dtype: DTypeLike | str, offset: int = 0
    ) -> None:
        self._told = (os.fspath(path), n_features, dtype, offset)
        self._is_bfloat16 = _name(dtype) == "bfloat16"
        self._stored = np.dtype("<u2") if self._is_bfloat16 else _number(dtype, path)
        self.dtype = np.dtype(np.float32) if self._is_bfloat16 else self._stored.newbyteorder("=")
        self._file = RegularFile(path)
        self._offset = offset
        self.name = str(path)
        if (n_features is not None and n_features < 1) or offset < 0:
            raise ParameterError(
                f"{path}: expected at least 1 number per row and an offset of 0 or more; got {n_features}, {offset}",
                n_features=n_features,
                offset=offset,
            )
        self._row_bytes = (1 if n_features is None else n_features) * self._stored.itemsize
        n_rows, left = divmod(self._file.size - offset, self._row_bytes)
        if left or n_rows < 1:
            raise DataError(
                f"{path} has {self._file.size:,} bytes, {offset:,} of them before the rows: no whole number of rows "
                f"of {self._row_bytes:,} bytes; check dtype, width and offset, or copy the file again",
                path=str(path),
                expected=self._row_bytes,
                got=self._file.size,
            )
        self.shape = (n_rows,) if n_features is None else (n_rows, n_features)

    def read(self, start: int, stop: int) -> Block:
        """Return the rows; only their bytes are read."""
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Fill `out` with the rows straight from the file."""
        check_out(self, start, stop, out)
        begin = self._offset + start * self._row_bytes
        if self._is_bfloat16:
            widen_in_place(out, np.dtype(np.uint16), lambda bits: self._file.read_array(begin, bits, self._stored))
        else:
            self._file.read_array(begin, out, self._stored)

    def scratch_bytes(self, n_rows: int) -> int:
        """A piece of the numbers that are widened, else nothing."""
        return min(n_rows * self._row_bytes, 1 << 18) if self._is_bfloat16 else 0

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _reopen, (self._told, self._file)


def _reopen(told: tuple[str, int | None, DTypeLike, int], file: RegularFile) -> RawSource:
    source = RawSource(*told)
    source._file = file  # it has checked that the content is still the same
    return source


def _name(dtype: object) -> str:
    return dtype if isinstance(dtype, str) else str(getattr(dtype, "name", ""))


def _number(dtype: DTypeLike, path: str | os.PathLike[str]) -> np.dtype[np.generic]:
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "biuf" or found.itemsize > 8:
        raise DtypeError(
            f"{path}: {_name(dtype) or dtype} is no dtype of numbers; expected one such as uint8, float32 or bfloat16",
            dtype=str(dtype),
        )
    return found


def _open_member(path: Path, spec: str) -> BlockSource:
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise DataError(
            f"{path}: {spec!r} does not tell dtype and width; write dtypexwidth or dtypexwidth@offset, {_EXAMPLE}",
            path=str(path),
            member=spec,
        )
    dtype, width, offset = found.groups()
    return RawSource(path, None if width is None else int(width), dtype, int(offset or 0))


def _open_source(path: Path) -> BlockSource:
    raise DataError(
        f"{path} does not say what it holds; tell dtype and width after a colon, {_EXAMPLE}", path=str(path)
    )


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    raise DataError(
        f"{path} does not say what it holds; tell dtype and width after a colon, {_EXAMPLE}",
        path=str(path),
        target=target,
    )


FORMAT = Format(
    name="raw numbers",
    suffixes=(".bin", ".raw"),
    open_source=_open_source,
    open_dataset=_open_dataset,
    open_member=_open_member,
    open_labels=lambda path: None,
)
