"""What rows may an estimator of neighbors be given, and how do more rows join them?

Arrays and sparse matrices stay in memory; paths and block sources stay where they are. This file knows
nothing of searching and of targets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from tidu.data import ArraySource, BlockSource, as_source
from tidu.data.source import check_out, check_range, read_into, scratch_bytes
from tidu.data.views import StackedSource, View
from tidu.errors import DtypeError, ShapeError
from tidu.neighbors.metrics import Array

__all__ = [
    "MatrixLike",
    "OnDisk",
    "Rows",
    "RowsLike",
    "SliceSource",
    "SparseSource",
    "is_on_disk",
    "open_matrix",
    "rows_of",
    "stacked",
]

OnDisk: TypeAlias = str | os.PathLike[str] | BlockSource
MatrixLike: TypeAlias = ArrayLike | sparse.spmatrix | sparse.sparray
RowsLike: TypeAlias = MatrixLike | OnDisk
Rows: TypeAlias = Array | sparse.csr_array | BlockSource
"""Checked rows, as an estimator keeps them."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseSource:
    """Rows of a CSR matrix, made dense a block at a time."""

    matrix: sparse.csr_array
    name: str = "sparse matrix"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the matrix."""
        return cast("tuple[int, ...]", self.matrix.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of its values."""
        return self.matrix.dtype

    def read(self, start: int, stop: int) -> Array:
        """Return rows as a dense array."""
        return self.matrix[start:stop].toarray()


@dataclass(frozen=True, slots=True, eq=False)
class SliceSource(View):
    """Consecutive rows of another source."""

    first: int
    last: int

    @property
    def shape(self) -> tuple[int, ...]:
        """As many rows as were chosen."""
        return (self.last - self.first, *self.source.shape[1:])

    def read(self, start: int, stop: int) -> Array:
        """Read from the source."""
        check_range(self, start, stop)
        return self.source.read(self.first + start, self.first + stop)

    def read_into(self, start: int, stop: int, out: Array) -> None:
        """Let the source fill `out`."""
        check_out(self, start, stop, out)
        read_into(self.source, self.first + start, self.first + stop, out)

    def scratch_bytes(self, n_rows: int) -> int:
        """What the source holds."""
        return scratch_bytes(self.source, n_rows)


@dataclass(frozen=True, slots=True, eq=False)
class _ConvertedSource(View):
    """A part of a stack whose blocks are converted to the dtype that NumPy finds for all parts together.

    As in `numpy.concatenate`, int64 beside float64 becomes float64, which rounds integers beyond 2**53.
    """

    to: np.dtype[np.generic]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.to

    def read(self, start: int, stop: int) -> Array:
        return self.source.read(start, stop).astype(self.dtype, copy=False)


def is_on_disk(rows: object) -> TypeGuard[OnDisk]:
    """Tell whether rows are given as a path or a block source, to be left where they are."""
    return isinstance(rows, str | os.PathLike | BlockSource)


def open_matrix(rows: OnDisk) -> BlockSource:
    """Open rows that stay where they are.

    Raises
    ------
    ShapeError, DtypeError
        If they are no matrix of numbers with at least one row and one column.
    """
    source = as_source(rows)
    if len(source.shape) != 2 or 0 in source.shape:
        raise ShapeError(
            f"{source.name} has shape {source.shape}; expected (n_samples, n_features) with at least one of each",
            expected="(n_samples, n_features)",
            got=source.shape,
        )
    if source.dtype.kind not in "biuf":
        raise DtypeError(f"{source.name} has dtype {source.dtype}; expected numbers", got=str(source.dtype))
    return source


def rows_of(X: Rows) -> BlockSource:
    """Return the rows of a dense or CSR matrix, or of a source, as a block source."""
    if sparse.issparse(X):
        return SparseSource(sparse.csr_array(X))
    return as_source(X)


def stacked(above: Rows, below: Rows) -> Rows:
    """Return rows with more rows below them; arrays and sparse matrices become one, sources a stack.

    Examples
    --------
    >>> stacked(np.array([[1]], np.uint8), np.array([[0.5]])).tolist()
    [[1.0], [0.5]]
    """
    if sparse.issparse(above) or sparse.issparse(below):
        if isinstance(above, BlockSource) or isinstance(below, BlockSource):
            # A source may be larger than memory and is never made sparse.
            return _stack(rows_of(above), rows_of(below))
        parts = [sparse.csr_array(part) for part in (above, below)]
        return sparse.csr_array(sparse.vstack(parts, format="csr"))
    if isinstance(above, np.ndarray) and isinstance(below, np.ndarray):
        return np.concatenate([above, below])
    return _stack(rows_of(above), rows_of(below))


def _stack(above: BlockSource, below: BlockSource) -> BlockSource:
    parts = list(above.parts) if isinstance(above, StackedSource) else [above]
    last = parts[-1]
    if isinstance(last, ArraySource) and isinstance(below, ArraySource) and last.dtype == below.dtype:
        # Many small additions stay one part.
        parts[-1] = ArraySource(np.concatenate([last.array, below.array]), last.name)
    else:
        parts.append(below)
    dtype = np.result_type(*(part.dtype for part in parts))
    same = [part if part.dtype == dtype else _ConvertedSource(part, dtype) for part in parts]
    return StackedSource(same, above.name)
