"""Which bounds can a matrix product give on the keys of a tile of pairs?

A tile holds, for a block of queries and a block of data rows, a lower bound of each key up to a term of
the query: ``tile[i, j] + queries.low[i] <= key(i, j) <= tile[i, j] + queries.low[i] + queries.slack[i] +
data.slack[j]``. Where the arithmetic is exact the slack is zero and both sides are equal. This file knows
nothing of k and of budgets.

Notes
-----
With u the unit roundoff of the product, a and b the norms of the two rows, both shifted by a common
center, and any order of summation, with or without FMA (Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., section 3.1):

- the product errs by at most gamma_n a b, so twice the product by gamma_n (a + b)^2 / 2;
- rounding after the shift moves each row by at most u of its norm, the squared distance by 2 u (a + b)^2;
- the two additions and the rounding of the norms err by 3 u (a + b)^2, the norms themselves by gamma_n' a^2;
- the reference key errs by (ceil(log2 n) + 4) u' (a + b)^2, where u' is float64's.

As (a + b)^2 <= 2 (a^2 + b^2), all of it is at most c (a^2 + b^2) with
c = (n + 16) u + (2 n + 2 log2 n + 16) u', a bound that separates into a term of the query and one of the
row. It is used with a tenth added. What underflows is bounded by 8 (n + 1) times the smallest normal number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError
from tidu.neighbors.metrics import Array
from tidu.neighbors.strategy import Strategy

__all__ = ["DirectTiles", "ProductTiles", "Rows", "Tiles", "make_tiles"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A block of rows made ready for tiles.

    Attributes
    ----------
    raw : ndarray of shape (n_rows, n_features)
        As they were read.
    values : ndarray of shape (n_rows, n_features)
        In the dtype of the product: shifted, or scaled to length one.
    low, slack : ndarray of shape (n_rows,), float64
        The row's terms of the bounds.
    norm : float
        The largest length of a row of `values`.
    """

    raw: Array
    values: Array
    low: NDArray[np.float64]
    slack: NDArray[np.float64]
    norm: float = 0.0


class ProductTiles:
    """Tiles of the metrics that a matrix product gives."""

    def __init__(self, strategy: Strategy, sample: Array) -> None:
        self.strategy = strategy
        self._factor = -2.0 if strategy.metric.kind in ("l2", "sqeuclidean") else -1.0
        self._center = self._choose_center(sample)
        n = sample.shape[1]
        u, u64 = (float(np.finfo(dtype).eps) / 2 for dtype in (strategy.work, np.float64))
        # rounding of `low` to the product's dtype, and of the sum with the slack
        self._round = 0.0 if strategy.exact else 16 * u
        bound = (n + 16) * u + (2 * n + 2 * math.log2(n) + 16) * u64
        self._relative = 0.0 if strategy.exact else 1.1 * bound
        self._absolute = 0.0 if strategy.exact else 8 * (n + 1) * float(np.finfo(strategy.work).tiny)

    def _choose_center(self, sample: Array) -> Array:
        """Choose what to subtract: any point is right, one amid the data makes the bounds narrow."""
        strategy = self.strategy
        if strategy.shift or self._factor != -2.0 or sample.dtype.kind != "f":
            return np.asarray(strategy.shift if self._factor == -2.0 else 0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = sample.mean(axis=0, dtype=np.float64).astype(strategy.work)
        mean[~np.isfinite(mean)] = 0.0
        return mean  # type: ignore[no-any-return]

    def prepare(self, raw: Array, buffer: Array, *, queries: bool) -> Rows:
        """Convert a block into the first rows of `buffer`."""
        values = buffer[: len(raw)]
        cosine = self.strategy.metric.kind == "cosine"
        with np.errstate(over="ignore", invalid="ignore"):
            if cosine:
                _to_unit_length(raw, values)
            else:
                inner = np.int64 if self._center.dtype.kind in "iu" and raw.dtype.kind in "iub" else values.dtype
                np.subtract(raw, self._center.astype(inner), out=values, dtype=inner, casting="unsafe")
            squares = np.einsum("ij,ij->i", values, values, dtype=np.float64, casting="unsafe")
        norm = math.sqrt(float(np.max(squares, initial=0.0)))
        if queries:
            np.multiply(values, self._factor, out=values)
        if cosine:
            # 1 - a.b, where both lengths are one
            squares[:] = 1.0
            low = np.full(len(raw), 0.5 - self._relative - self._absolute)
        else:
            scale = (1.0 if self._factor == -2.0 else 0.0) - self._relative
            low = squares * scale - self._absolute
        slack = squares * (2 * self._relative + self._round) + 2 * self._absolute
        return Rows(raw, values, low, slack, norm)

    def fill(self, queries: Rows, data: Rows, tile: Array, products: Array | None) -> bool:
        """Write the bounds into `tile`; return False if overflow left nothing to be said (all -inf)."""
        reach = 4.0 * (queries.norm + data.norm) ** 2
        largest = float(np.finfo(np.float64).max)
        if self.strategy.metric.kind == "inner_product" and not queries.norm * data.norm < largest:
            raise DataError(
                "inner products of these rows overflow float64; divide the values by a power of two",
                largest_norm=max(queries.norm, data.norm),
            )
        if not reach < float(np.finfo(self.strategy.work).max):
            tile.fill(-np.inf)
            return False
        if products is None:
            np.matmul(queries.values, data.values.T, out=tile)
            low = data.low if self.strategy.work is np.float64 else _rounded_down(data.low)
            np.add(tile, low, out=tile)
            return True
        tile[:] = data.low
        for start in range(0, queries.values.shape[1], self.strategy.chunk):
            part = slice(start, start + self.strategy.chunk)
            np.matmul(queries.values[:, part], data.values[:, part].T, out=products)
            np.add(tile, products, out=tile)
        return True


class DirectTiles:
    """Tiles of exact keys, for metrics that are no product: one query against a strip of rows at a time."""

    def __init__(self, strategy: Strategy, strip_rows: int) -> None:
        self.strategy = strategy
        self._strip_rows = strip_rows

    def prepare(self, raw: Array, buffer: Array, *, queries: bool) -> Rows:
        """Keep a block as it is."""
        zero = np.zeros(len(raw))
        return Rows(raw, raw, zero, zero)

    def fill(self, queries: Rows, data: Rows, tile: Array, products: Array | None) -> bool:
        """Write the keys into `tile`."""
        metric, dtype = self.strategy.metric, self.strategy.key_dtype
        with np.errstate(over="ignore", under="ignore"):
            for start in range(0, len(data.raw), self._strip_rows):
                strip = data.raw[start : start + self._strip_rows]
                for i in range(len(queries.raw)):
                    tile[i, start : start + len(strip)] = metric.keys(queries.raw[i : i + 1], strip, dtype)
        return True


Tiles = ProductTiles | DirectTiles


def make_tiles(strategy: Strategy, sample: Array, strip_rows: int) -> Tiles:
    """Return the maker of tiles for a strategy; `sample` is some rows of the data."""
    if strategy.route == "direct":
        return DirectTiles(strategy, strip_rows)
    return ProductTiles(strategy, sample)


def _to_unit_length(raw: Array, values: Array) -> None:
    """Scale rows to length one; the largest value goes first, so that no square over- or underflows."""
    top = np.maximum(np.max(raw, axis=1).astype(np.float64), np.negative(np.min(raw, axis=1).astype(np.float64)))
    np.divide(raw, np.where(top > 0, top, 1.0)[:, None], out=values, casting="unsafe")
    squares = np.einsum("ij,ij->i", values, values, dtype=np.float64, casting="unsafe")
    # Rows of zeros stay so: their products are 0 and their distance 1, as the metric defines it.
    np.divide(values, np.sqrt(np.where(squares > 0, squares, 1.0))[:, None], out=values, casting="unsafe")


def _rounded_down(values: NDArray[np.float64]) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(-np.inf))
