"""How is a `.npy` file read a block of rows at a time?

The header is parsed without pickle and compared with the file's length; then just the wanted rows are
read. The file is not mapped, since mapped pages count as resident memory. The same layout stands inside
`.npz` archives and is read there by the same source.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from tidu.data.dataset import Dataset, dataset_of, image_shape_of
from tidu.data.files import RegularFile
from tidu.data.format import Format
from tidu.data.source import Block, check_out, check_range, read_fresh
from tidu.errors import DataError

__all__ = ["FORMAT", "HEADER_BYTES", "Layout", "NpySource", "open_npy", "parse_header"]

# Magic, version, length of the header, and NumPy's own bound on a header that it will evaluate.
HEADER_BYTES = 12 + 10_000
"""How much of a file surely holds its header."""
_READABLE_KINDS = "biufU"
_COLUMNS_AT_ONCE = 16
_HEADERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a header claims: shape, dtype on disk, order, and where the data begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    fortran_order: bool
    data_offset: int

    @property
    def data_bytes(self) -> int:
        """Bytes that the data must have."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class NpySource:
    """Rows of an array that lies uncompressed in a file; axes after the first are flattened."""

    file: RegularFile
    layout: Layout
    name: str
    data_begin: int
    """Where the data begin in the file; inside an archive not where the header says."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n_samples,)`` or ``(n_samples, n_features)``."""
        n_samples, *rest = self.layout.shape
        return (n_samples, math.prod(rest)) if rest else (n_samples,)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype on disk, in the byte order of this machine."""
        return self.layout.dtype.newbyteorder("=")

    def read(self, start: int, stop: int) -> Block:
        """Return the rows; only their bytes are read (column by column in Fortran order)."""
        if not self._is_by_column:
            return read_fresh(self, start, stop)
        check_range(self, start, stop)
        columns = np.empty((self.shape[1], stop - start), self.dtype)
        self._fill_columns(0, start, columns)
        return columns.T

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Fill `out` with the rows straight from the file, a few columns at a time in Fortran order."""
        check_out(self, start, stop, out)
        if self._is_by_column:
            self._read_columns(start, out)
        else:
            first = start * math.prod(self.shape[1:]) * self.dtype.itemsize
            self.file.read_array(self.data_begin + first, out, self.layout.dtype)

    def scratch_bytes(self, n_rows: int) -> int:
        """Some columns of the block in Fortran order, else nothing."""
        return min(self.shape[1], _COLUMNS_AT_ONCE) * n_rows * self.dtype.itemsize if self._is_by_column else 0

    @property
    def _is_by_column(self) -> bool:
        return self.layout.fortran_order and len(self.shape) == 2

    def _read_columns(self, start: int, out: Block) -> None:
        n_rows, width = out.shape
        # Several columns together, so that a line of the cache is written once and not once per column.
        scratch = np.empty((min(width, _COLUMNS_AT_ONCE), n_rows), self.dtype)
        for first in range(0, width, _COLUMNS_AT_ONCE):
            some = scratch[: width - first]
            self._fill_columns(first, start, some)
            out[:, first : first + len(some)] = some.T

    def _fill_columns(self, first: int, start: int, columns: Block) -> None:
        """Fill each row of `columns` with the file's columns from number `first` on."""
        for number, column in enumerate(columns if columns.size else (), start=first):
            offset = (number * self.shape[0] + start) * self.dtype.itemsize
            self.file.read_array(self.data_begin + offset, column, self.layout.dtype)


def parse_header(head: bytes, name: str) -> Layout:
    """Return what the header at the start of `head` claims.

    Parameters
    ----------
    head : bytes
        The file's beginning, at least its whole header.
    name : str
        For messages.

    Raises
    ------
    DataError
        If this is no `.npy` header, or its dtype is none that data may have (objects need pickle and
        are never loaded; records, complex numbers and dates have no place in a matrix).
    """
    stream = io.BytesIO(head)
    try:
        with warnings.catch_warnings():
            # NumPy warns of headers that Python 2 wrote; they are read all the same.
            warnings.simplefilter("ignore")
            version = npy_format.read_magic(stream)
            reader = _HEADERS.get(version)
            if reader is None:
                raise DataError(f"{name} is in .npy version {version}; versions 1.0 and 2.0 are read", got=version)
            shape, fortran_order, dtype = reader(stream)
    except DataError:
        raise
    except Exception as error:  # NumPy's parser lets many kinds through for damaged headers
        raise DataError(f"{name} has no valid .npy header; save it again with numpy.save", path=name) from error
    return _checked(Layout(tuple(shape), dtype, fortran_order, stream.tell()), name)


def _checked(layout: Layout, name: str) -> Layout:
    dtype = layout.dtype
    if dtype.hasobject:
        raise DataError(
            f"{name} holds Python objects, which are never loaded; save it again with a number dtype",
            path=name,
            dtype=str(dtype),
        )
    if dtype.names is not None or dtype.kind not in _READABLE_KINDS or dtype.subdtype is not None:
        raise DataError(
            f"{name} has dtype {dtype}; expected real numbers (or text for a target)",
            path=name,
            dtype=str(dtype),
        )
    if dtype.itemsize == 0 or (dtype.kind == "f" and dtype.itemsize > 8):
        raise DataError(f"{name} has dtype {dtype}; save it as float64 or narrower", path=name, dtype=str(dtype))
    if not layout.shape or any(not 0 <= length < 2**62 for length in layout.shape):
        raise DataError(
            f"{name} has shape {layout.shape}; expected (n_samples, n_features)",
            path=name,
            shape=layout.shape,
        )
    if layout.fortran_order and len(layout.shape) > 2:
        raise DataError(
            f"{name} has {len(layout.shape)} axes in Fortran order; save it with numpy.ascontiguousarray",
            path=name,
            shape=layout.shape,
        )
    return layout


def open_npy(path: Path) -> NpySource:
    """Open a `.npy` file, comparing what its header claims with its length."""
    file = RegularFile(path)
    layout = parse_header(file.read(0, min(file.size, HEADER_BYTES)), str(path))
    expected = layout.data_offset + layout.data_bytes
    if file.size != expected:
        problem = "is cut short" if file.size < expected else "has bytes after its data"
        raise DataError(
            f"{path} {problem}: its header claims {expected:,} bytes for shape {layout.shape} "
            f"{layout.dtype}, the file has {file.size:,}; copy or save it again",
            path=str(path),
            expected=expected,
            got=file.size,
        )
    return NpySource(file, layout, str(path), layout.data_offset)


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    source = open_npy(path)
    image_shape = image_shape_of(source.layout.shape)
    if isinstance(target, str) and target.lower().endswith(".npy"):
        y = Path(target)
        return dataset_of(source, open_npy(y), target_name=y.stem, image_shape=image_shape)
    return dataset_of(source, target=target, image_shape=image_shape)


FORMAT = Format(name="NumPy array", suffixes=(".npy",), open_source=open_npy, open_dataset=_open_dataset)
