"""How do raw features become what a network is fed, when fitting and ever after?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.data.source import BlockSource, blocks, check_out, read_fresh, row_bytes, scratch_bytes
from tidu.data.split import fit_scaler, pixel_scaler
from tidu.data.views import View

__all__ = ["ScaledSource", "Scaling", "ScalingKind", "fit_scaling", "rows_per_block", "scaled_matrix"]

ScalingKind: TypeAlias = Literal["standard", "pixels", "none"]

_BLOCK_BYTES = 4 << 20
_SCALED_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Shift and scale of each feature: ``(x - shift) / scale``, computed in float64, kept as float32.

    Attributes
    ----------
    kind : "standard", "pixels" or "none"
        Mean 0 and variance 1 over the training rows; division by the largest value a pixel can have; or shift 0
        and scale 1, for features that are used as they are.
    shift, scale : ndarray of shape (n_features,), float64
        In the units of the features.
    """

    kind: ScalingKind
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    def apply(self, block: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return scaled rows."""
        return ((block.astype(np.float64) - self.shift) / self.scale).astype(np.float32)


def fit_scaling(source: BlockSource, pixel_max: int | None) -> Scaling:
    """Look at training rows, a block at a time, and choose the scaling.

    Examples
    --------
    >>> from tidu.data import as_source
    >>> scaling = fit_scaling(as_source([[1.0], [3.0]]), None)
    >>> scaling.kind, scaling.apply(np.array([[3.0]])).tolist()
    ('standard', [[1.0]])
    """
    n_features = source.shape[1]
    if pixel_max is not None:
        found = pixel_scaler(n_features, pixel_max)
        return Scaling("pixels", np.zeros(n_features), np.asarray(found.scale_, np.float64))
    scaler = fit_scaler(source, rows_per_block(n_features))
    return Scaling("standard", np.asarray(scaler.mean_, np.float64), np.asarray(scaler.scale_, np.float64))


def scaled_matrix(source: BlockSource, scaling: Scaling) -> NDArray[np.float32]:
    """Return all rows scaled, in one fresh float32 matrix; beside it only blocks are held."""
    matrix = np.empty(source.shape, np.float32)
    for first, block in blocks(source, rows_per_block(source.shape[1])):
        matrix[first : first + len(block)] = scaling.apply(block)
    return matrix


@dataclass(frozen=True, slots=True, eq=False)
class ScaledSource(View):
    """Rows of another source, scaled as they are read."""

    scaling: Scaling

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """What scaling gives."""
        return np.dtype(np.float32)

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Read and scale."""
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: NDArray[np.generic]) -> None:
        """Read and scale a few rows at a time, so that little is held beside `out`."""
        check_out(self, start, stop, out)
        step = self._rows_at_once()
        for first in range(start, stop, step):
            last = min(first + step, stop)
            out[first - start : last - start] = self.scaling.apply(self.source.read(first, last))

    def scratch_bytes(self, n_rows: int) -> int:
        """What the source holds, and a few rows: as they are, and in float64 as they are shifted and scaled."""
        rows = min(n_rows, self._rows_at_once())
        return scratch_bytes(self.source, rows) + rows * (row_bytes(self.source) + 28 * self.source.shape[1])

    def _rows_at_once(self) -> int:
        return max(1, _SCALED_BYTES // (8 * self.source.shape[1]))


def rows_per_block(n_features: int) -> int:
    """Return how many rows of float64 are about 4 MiB.

    Examples
    --------
    >>> rows_per_block(64)
    8192
    """
    return max(1, _BLOCK_BYTES // (8 * n_features))
