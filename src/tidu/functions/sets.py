"""Arrays as sets: distinct elements, unions, intersections, differences.

How many elements there are depends on the values, which must be known: an error under jit and vmap.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import Traced
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.functions.brackets import concrete
from tidu.functions.indexing import take, unique
from tidu.functions.shapes import ravel
from tidu.ops.join import concatenate

__all__ = ["setdiff1d", "union1d", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAll(NamedTuple):
    """What `unique_all` returns, as NumPy's tuple."""

    values: Value
    indices: NDArray[np.intp]
    inverse_indices: NDArray[np.intp]
    counts: NDArray[np.intp]


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Value
    counts: NDArray[np.intp]


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Value
    inverse_indices: NDArray[np.intp]


@implements(np.unique_all)
def unique_all(x: object) -> UniqueAll:
    """Return the distinct elements, where they first are, which one each is, and how many there are."""
    parts = unique(x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
    return UniqueAll(*cast("tuple[Value, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]", parts))


@implements(np.unique_counts)
def unique_counts(x: object) -> UniqueCounts:
    """Return the distinct elements and how many there are of each."""
    return UniqueCounts(*cast("tuple[Value, NDArray[np.intp]]", unique(x, return_counts=True, equal_nan=False)))


@implements(np.unique_inverse)
def unique_inverse(x: object) -> UniqueInverse:
    """Return the distinct elements and which of them each element is."""
    return UniqueInverse(*cast("tuple[Value, NDArray[np.intp]]", unique(x, return_inverse=True, equal_nan=False)))


@implements(np.unique_values)
def unique_values(x: object) -> Value:
    """Return the distinct elements."""
    return cast("Value", unique(x, equal_nan=False))


def _flat(x: object) -> Value:
    return ravel(x if isinstance(x, Traced) else np.asarray(x))


@implements(np.union1d)
def union1d(ar1: object, ar2: object) -> Value:
    """Return the distinct elements of both arrays, sorted.

    Examples
    --------
    >>> union1d(np.array([2.0, 1.0]), np.array([2.0]))
    array([1., 2.])
    """
    return cast("Value", unique(concatenate([_flat(ar1), _flat(ar2)], axis=0)))


@implements(np.intersect1d)
def intersect1d(ar1: object, ar2: object, assume_unique: bool = False, return_indices: bool = False) -> object:
    """Return the elements that both arrays have, sorted; each carries the gradient of that in the first."""
    _, first, second = np.intersect1d(
        concrete(ar1, "np.intersect1d"), concrete(ar2, "np.intersect1d"), assume_unique, return_indices=True
    )
    found = take(_flat(ar1), first, axis=0)
    return (found, first, second) if return_indices else found


@implements(np.setdiff1d)
def setdiff1d(ar1: object, ar2: object, assume_unique: bool = False) -> Value:
    """Return the elements of the first array that the second does not have, sorted if they are made unique.

    Examples
    --------
    >>> setdiff1d(np.array([2.0, 1.0]), np.array([2.0]))
    array([1.])
    """
    first = _flat(ar1) if assume_unique else cast("Value", unique(_flat(ar1)))
    missing = ~np.isin(concrete(first, "np.setdiff1d"), concrete(ar2, "np.setdiff1d"))
    return take(first, np.nonzero(missing)[0], axis=0)


@implements(np.lexsort)
def lexsort(keys: object, axis: int = -1) -> NDArray[np.intp]:
    """Return the order by the last key, then the one before; the values must be known."""
    rows = list(keys) if isinstance(keys, (list, tuple)) else [keys]
    if isinstance(keys, (list, tuple)):
        return np.lexsort([concrete(row, "np.lexsort") for row in rows], axis)
    return np.lexsort(concrete(keys, "np.lexsort"), axis)
