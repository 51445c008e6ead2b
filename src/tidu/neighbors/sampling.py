"""What do a few rows tell of all of them, before the search begins?

Samples, and how far rows of a sample are apart. Nothing that is found depends on them, only how long it takes. This
file knows nothing of what is chosen by them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource, read_into
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.metrics import Array

__all__ = ["distances_between", "nearest_of", "sample_of", "samples_of", "shifted_sample"]

_SPANS = 32
"""Pieces of a sample."""
_NOTHING = 4.0
"""Distances below so many times the square root of a rounding of the rows' lengths are taken for none."""


def samples_of(inputs: Inputs, n_rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return some rows of the data and some queries, of length one if directions are compared."""
    lengths = inputs.arithmetic.has_lengths
    n_queries = max(1, n_rows // 4)
    rows = sample_of(inputs.data, max(1, n_rows - n_queries), of_length_one=lengths)
    return rows, sample_of(inputs.asked, n_queries, of_length_one=lengths)


def sample_of(source: BlockSource, n_rows: int, *, of_length_one: bool = False) -> NDArray[np.float64]:
    """Return some rows as float64, from places all over the source.

    What is not finite becomes 0: it is refused when its turn comes.
    """
    return np.concatenate(list(_pieces(source, n_rows, of_length_one)))


def shifted_sample(
    source: BlockSource, n_rows: int, *, of_length_one: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return some rows as float32, less their centers, and the centers; whole numbers if the rows are such.

    The rows of a sample are shifted piece by piece, so that it takes no more than itself.
    """
    found = np.empty((min(n_rows, source.shape[0]), source.shape[1]), np.float32)
    origin, whole, filled = np.zeros(source.shape[1]), True, 0
    for piece in _pieces(source, len(found), of_length_one):
        with np.errstate(all="ignore"):
            if not filled:
                origin = np.nan_to_num(piece.mean(axis=0))
            whole = whole and np.array_equal(piece, np.rint(piece))
            found[filled : filled + len(piece)] = np.nan_to_num(piece - origin)
        filled += len(piece)
    found = found[:filled]
    with np.errstate(all="ignore"):
        shift = np.nan_to_num(found.mean(axis=0, dtype=np.float64))
        centers = np.rint(origin + shift) if whole else origin + shift
        found -= (centers - origin).astype(np.float32)
        np.nan_to_num(found, copy=False)
    return found, centers


def _pieces(source: BlockSource, n_rows: int, of_length_one: bool) -> Iterator[NDArray[np.float64]]:
    """Yield rows from places all over the source."""
    total = source.shape[0]
    n_spans = min(_SPANS, n_rows, max(1, total))
    length = max(1, min(n_rows // n_spans, total // n_spans)) if total else 0
    for i in range(n_spans):
        start = total * i // n_spans
        block = np.empty((min(length, total - start), source.shape[1]), source.dtype)
        read_into(source, start, start + len(block), block)
        rows = block.astype(np.float64)
        np.nan_to_num(rows, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        if of_length_one:
            with np.errstate(all="ignore"):
                largest = np.max(np.abs(rows), axis=1, initial=0.0, keepdims=True)
                rows /= np.where(largest > 0, largest, 1.0)
                lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
                rows /= np.where(lengths > 0, lengths, 1.0)
        yield rows


def distances_between(queries: Array, rows: Array) -> Array:
    """Return the distance of each query to each row; infinite where a row seems to be the query itself.

    Parameters
    ----------
    queries, rows : ndarray of shape (n, n_features), float32 or float64

    Returns
    -------
    ndarray of shape (n_queries, n_rows)
    """
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
        found = np.einsum("ij,ij->i", queries, queries)[:, None] + squares - 2 * queries @ rows.T
        distances = np.sqrt(np.maximum(found, 0.0))
        # A row that is a query itself tells nothing.
        distances[distances <= _NOTHING * math.sqrt(np.finfo(rows.dtype).eps) * np.sqrt(squares)] = np.inf
    return np.asarray(distances)


def nearest_of(distances: Array, share: float) -> tuple[Array, float]:
    """Return the distance within which a share of the rows is, for each query, and the share that was possible.

    Parameters
    ----------
    distances : ndarray of shape (n_queries, n_rows)
    share : float
        Of so few rows perhaps less than one of them: then that one.

    Returns
    -------
    near : ndarray of shape (n_queries, 1)
    possible : float
    """
    n_rows = distances.shape[1]
    place = min(n_rows - 1, max(0, math.ceil(share * n_rows) - 1))
    return np.partition(distances, place, axis=1)[:, place : place + 1], (place + 1) / n_rows
