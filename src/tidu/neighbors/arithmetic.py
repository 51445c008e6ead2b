"""By which arithmetic is a pair of rows judged, given their dtypes and the range of their values?

Integers whose keys surely fit are judged exactly in 64 bits, everything else in float64. This file knows nothing
of blocks, budgets and of how candidates are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tidu.errors import DataError, DtypeError
from tidu.neighbors.kernels.exact import NARROW_FEATURES, ExactKey
from tidu.neighbors.metrics import KeyDtype, Metric

__all__ = ["Arithmetic", "choose_arithmetic", "is_wide_integer", "natural_range"]

_BYTES = ("uint8", "int8", "bool")


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How the key of a pair is computed.

    Attributes
    ----------
    metric : Metric
        What orders the pairs.
    query_dtype, row_dtype : numpy.dtype
        Of both sides, as they are read.
    n_features : int
        Columns.
    whole : bool
        Whether keys are exact integers.
    largest : int
        The largest magnitude of an integer on either side.
    """

    metric: Metric
    query_dtype: np.dtype[Any]
    row_dtype: np.dtype[Any]
    n_features: int
    whole: bool
    largest: int = 0

    @property
    def key_dtype(self) -> KeyDtype:
        """Dtype of keys, int64 or float64."""
        return np.int64 if self.whole else np.float64

    @property
    def farthest(self) -> int | float:
        """A key that no pair exceeds: where nothing was found yet."""
        return 1 << 62 if self.whole else np.inf

    @property
    def has_lengths(self) -> bool:
        """Whether rows are brought to length one before they are compared."""
        return self.metric.native == "cosine"

    @property
    def conversion(self) -> float:
        """What an element may be off by as a float64."""
        return self.largest * 2.0**-53 if self.largest > 1 << 53 else 0.0

    @property
    def of_bytes(self) -> bool:
        """Whether both sides are bytes of one sign, which are compared as they are."""
        sides = {str(self.query_dtype), str(self.row_dtype)}
        return self.whole and (sides == {"int8"} or sides <= {"uint8", "bool"})

    @property
    def exact_key(self) -> ExactKey | None:
        """What native code computes, or None where there is none for it."""
        if self.metric.native is None:
            return None
        narrow = self.n_features <= NARROW_FEATURES and {str(self.query_dtype), str(self.row_dtype)} <= set(_BYTES)
        return ExactKey(self.metric.native, str(self.query_dtype), str(self.row_dtype), self.whole, narrow)


def is_wide_integer(dtype: np.dtype[Any]) -> bool:
    """Tell whether only a look at the values can say which integers will occur."""
    return dtype.kind in "iu" and dtype.itemsize >= 4


def natural_range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least and greatest value of an integer or boolean dtype."""
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))


def choose_arithmetic(
    metric: Metric,
    dtypes: tuple[np.dtype[Any], np.dtype[Any]],
    n_features: int,
    values: tuple[int, int] | None = None,
) -> Arithmetic:
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
    return Arithmetic(metric, *dtypes, n_features, whole, largest)
