"""By which arithmetic are two sets of rows compared, given their dtypes and the range of their values?

Three routes, all with the same result: "integers" (the matrix product of small integers is exact, so it
gives the keys themselves), "floats" (the product bounds the keys, candidates are computed again), and
"direct" (metrics that are no product). This file knows nothing of blocks and budgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from tidu.errors import DataError, DtypeError
from tidu.neighbors.metrics import KeyDtype, Metric

__all__ = ["Strategy", "WorkDtype", "choose_strategy", "is_wide_integer", "natural_range"]

WorkDtype: TypeAlias = type[np.float32] | type[np.float64]
Route = Literal["direct", "integers", "floats"]

# Sums of integers of at most this size are exact in the dtype, in whatever order they are made.
_EXACT = {np.float32: 1 << 24, np.float64: 1 << 53}
# Fewer features than this in one product, and the additions of products eat up what float32 saves.
_LEAST_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Strategy:
    """How tiles of pairs are computed.

    Attributes
    ----------
    metric : Metric
        What orders the pairs.
    route : {"direct", "integers", "floats"}
        Which arithmetic proposes the candidates.
    key_dtype : type
        int64 or float64: the dtype of exact keys.
    work : type
        float32 or float64: the dtype of the matrix product.
    chunk : int
        Features per matrix product.
    shift : int
        What is subtracted from every integer before the product.
    """

    metric: Metric
    route: Route
    key_dtype: KeyDtype
    work: WorkDtype
    chunk: int
    shift: int = 0

    @property
    def exact(self) -> bool:
        """Whether a tile holds the keys themselves."""
        return self.route != "floats"

    @property
    def tile_dtype(self) -> np.dtype[Any]:
        """Dtype of a tile: that of its keys, or of its lower bounds."""
        if self.route == "direct":
            return np.dtype(self.key_dtype)
        return np.dtype(np.float64 if self.exact else self.work)

    @property
    def adds_products(self) -> bool:
        """Whether a second tile is needed for the products of feature chunks."""
        return self.route == "integers" and self.work is np.float32


def is_wide_integer(dtype: np.dtype[Any]) -> bool:
    """Tell whether only a look at the values can say which integers will occur."""
    return dtype.kind in "iu" and dtype.itemsize >= 4


def natural_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least and greatest value of an integer or boolean dtype."""
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def choose_strategy(
    metric: Metric,
    dtypes: tuple[np.dtype[Any], np.dtype[Any]],
    n_features: int,
    values: tuple[int, int] | None = None,
) -> Strategy:
    """Choose the arithmetic.

    Parameters
    ----------
    metric : Metric
        The metric.
    dtypes : tuple of numpy.dtype
        Of the queries and of the data.
    n_features : int
        Columns.
    values : tuple of int, optional
        Least and greatest value of the integer side, or sides.

    Raises
    ------
    DtypeError
        If a dtype has no exact conversion to float64.
    DataError
        If integers are too large for exact distances.
    """
    for dtype in dtypes:
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise DtypeError(
                f"expected integers, booleans or floats of up to 64 bits; got {dtype}; convert with astype",
                got=dtype,
            )
    low, high = (0, 0) if values is None else values
    largest = max(abs(low), abs(high))
    both_integers = all(dtype.kind in "biu" for dtype in dtypes)
    span = largest if metric.kind == "inner_product" else high - low
    whole = both_integers and metric.keeps_integers and metric.largest_key(span, n_features) < 1 << 62
    if not whole and largest > 1 << 53:
        raise DataError(
            f"integers up to {largest} have no exact distance; subtract an offset or cast to float64",
            largest=largest,
        )
    key_dtype: KeyDtype = np.int64 if whole else np.float64
    if not metric.by_products:
        return Strategy(metric, "direct", key_dtype, np.float64, n_features)
    if whole:
        return _integers(metric, n_features, low, high)
    narrow = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    # The bound on float32 products needs n_features * 2**-24 well below one.
    work: WorkDtype = np.float32 if narrow and n_features <= 1 << 17 else np.float64
    return Strategy(metric, "floats", key_dtype, work, n_features)


def _integers(metric: Metric, n_features: int, low: int, high: int) -> Strategy:
    # A shift changes no difference, and halves the largest magnitude of unsigned values.
    shift = 0 if metric.kind == "inner_product" else (low + high + 1) // 2
    square = max(abs(low - shift), abs(high - shift), 1) ** 2
    # |a|^2 + |b|^2 - 2ab never leaves 4 n m^2 on the way.
    if 4 * n_features * square > _EXACT[np.float64]:
        return Strategy(metric, "floats", np.int64, np.float64, n_features, shift)
    chunk = min(_EXACT[np.float32] // square, n_features)
    if chunk >= min(_LEAST_CHUNK, n_features):
        return Strategy(metric, "integers", np.int64, np.float32, chunk, shift)
    return Strategy(metric, "integers", np.int64, np.float64, n_features, shift)
