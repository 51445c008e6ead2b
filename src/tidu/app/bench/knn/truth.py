"""How far away are the right neighbors, and how many lists of a peer are wrong?

Integers are judged exactly. Floats are judged by float64 distances, summed from differences: products of matrices
in float64 only propose candidates, under a bound of their rounding error. It is written in NumPy and shares nothing
with tidu's own search.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Judgment", "judge", "true_keys"]

Metric: TypeAlias = Literal["l2", "l1"]
Matrix: TypeAlias = NDArray[np.generic]
Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]

_QUERIES, _ROWS = 500, 4096
_CACHED_ROWS = 512
_SPARE = 32
_TIED = 1e-13
"""Float distances nearer to each other than that, relative to them, are tied: float64 cannot tell."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """How right the lists of a peer are.

    Parameters
    ----------
    judged, wrong : int
        Lists. One is wrong if its distances are not those of the right one; of tied rows any will do.
    recall : float
        Share of the right neighbors that were found.
    """

    judged: int
    wrong: int
    recall: float


def true_keys(queries: Matrix, rows: Matrix, k: int, metric: Metric, kept_in: Path | None = None) -> Floats:
    """Return the keys of the k nearest rows; out of a file if they are there, else they are written there.

    Parameters
    ----------
    queries, rows : ndarray of shape (n, n_features), uint8 or float32
        They may be mapped.
    k : int
    metric : {"l2", "l1"}
    kept_in : Path, optional
        An `.npy` file.

    Returns
    -------
    ndarray of shape (n_queries, k), float64
        Squared distances ("l2") or distances ("l1"), ascending; whole numbers for integers, and exact.
    """
    if kept_in is not None and kept_in.exists():
        return np.asarray(np.load(kept_in, allow_pickle=False), np.float64)
    search = partial(_by_products if metric == "l2" else _by_differences, rows=rows, k=k, metric=metric)
    chunks = [np.asarray(queries[start : start + _QUERIES]) for start in range(0, len(queries), _QUERIES)]
    with ThreadPoolExecutor() as pool:
        keys = np.concatenate(list(pool.map(search, chunks)))
    if kept_in is not None:
        unfinished = kept_in.with_suffix(".partial.npy")
        np.save(unfinished, keys, allow_pickle=False)
        unfinished.replace(kept_in)
    return keys


def judge(found: NDArray[np.integer], right: Floats, queries: Matrix, rows: Matrix, metric: Metric) -> Judgment:
    """Compare lists with the right ones, by the distances of what was found.

    Parameters
    ----------
    found : ndarray of shape (n, k), integers
        Of the first n queries; numbers that are no row, and rows named twice, are wrong.
    right : ndarray of shape (n_queries, k), float64
        Of `true_keys`.
    """
    slack = 0.0 if np.issubdtype(rows.dtype, np.integer) else _TIED
    wrong = hits = 0
    for start in range(0, len(found), _QUERIES):
        some = np.sort(found[start : start + _QUERIES].astype(np.int64), axis=1)
        part = slice(start, start + len(some))
        valid = (some >= 0) & (some < len(rows))
        valid[:, 1:] &= some[:, 1:] != some[:, :-1]
        keys = _keys_of(np.asarray(queries[part]), rows, np.where(valid, some, 0), metric)
        keys[~valid] = np.inf
        keys.sort(axis=1)
        true = right[part]
        wrong += int((keys > true * (1 + slack)).any(axis=1).sum())
        last = true[:, -1:]
        n_nearer, n_all = _counts(keys, last, slack)
        room = true.shape[1] - _counts(true, last, slack)[0]
        hits += int((n_nearer + np.minimum(n_all - n_nearer, room)).sum())
    return Judgment(len(found), wrong, hits / max(1, found.size))


def _counts(keys: Floats, last: Floats, slack: float) -> tuple[Indices, Indices]:
    """Return how many keys of each list are below the last right one, and how many are not above it."""
    return (keys < last * (1 - slack)).sum(axis=1), (keys <= last * (1 + slack)).sum(axis=1)


def _by_products(queries: Matrix, rows: Matrix, k: int, metric: Metric) -> Floats:
    """Search by ``|x|^2 - 2 q.x + |q|^2`` in float64, exact for bytes; then settle floats by differences."""
    wide = queries.astype(np.float64)
    own = np.einsum("ij,ij->i", wide, wide)
    wide *= -2
    kept = min(k + _SPARE, len(rows))
    keys = np.full((len(queries), kept), np.inf)
    indices = np.zeros((len(queries), kept), np.int64)
    largest = 0.0
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS].astype(np.float64)
        norms = np.einsum("ij,ij->i", block, block)
        largest = max(largest, float(norms.max()))
        products = wide @ block.T
        products += norms
        _merge(keys, indices, products, start)
    keys += own[:, None]
    if np.issubdtype(rows.dtype, np.integer):
        nearest: Floats = np.sort(keys, axis=1)[:, :k]
        return nearest
    settled = np.sort(_keys_of(queries, rows, np.sort(indices, axis=1), metric), axis=1)[:, :k]
    # Whoever was not kept has a larger product than the last one kept, but for the rounding of sums so long.
    errors = 4 * (queries.shape[1] + 4) * np.finfo(np.float64).eps * (largest + own)
    doubtful = np.flatnonzero(keys.max(axis=1) - 2 * errors <= settled[:, -1])
    if kept < len(rows) and len(doubtful):
        settled[doubtful] = _by_differences(queries[doubtful], rows, k, metric)
    return settled


def _by_differences(queries: Matrix, rows: Matrix, k: int, metric: Metric) -> Floats:
    """Search by the differences to every row, block by block as a cache holds them."""
    keys = np.full((len(queries), k), np.inf)
    indices = np.zeros((len(queries), k), np.int64)
    for start in range(0, len(rows), _CACHED_ROWS):
        block = np.asarray(rows[start : start + _CACHED_ROWS])
        found = np.stack([_keys(query, block, metric) for query in queries])
        _merge(keys, indices, found, start)
    return np.sort(keys, axis=1)


def _merge(keys: Floats, indices: Indices, block: Floats, start: int) -> None:
    """Replace the nearest so far, in place, by the nearest of them and of a block of further rows."""
    kept = keys.shape[1]
    last = keys.max(axis=1)
    # Later blocks have nothing for most queries, and little for the others.
    for query in np.flatnonzero(block.min(axis=1) < last):
        near = np.flatnonzero(block[query] < last[query])
        both = np.concatenate([keys[query], block[query, near]])
        chosen = np.argpartition(both, kept - 1)[:kept]
        keys[query] = both[chosen]
        indices[query] = np.concatenate([indices[query], near + start])[chosen]


def _keys_of(queries: Matrix, rows: Matrix, indices: Indices, metric: Metric) -> Floats:
    """Return the keys of each query and the rows named for it."""
    return np.stack(
        [_keys(query, np.asarray(rows[named]), metric) for query, named in zip(queries, indices, strict=True)]
    )


def _keys(query: Matrix, rows: Matrix, metric: Metric) -> Floats:
    """Return the keys of a query and some rows; each is summed in the same order whoever asks."""
    if metric == "l1" and rows.dtype == np.uint8:
        difference: NDArray[np.uint8] = np.maximum(rows, query)
        difference -= np.minimum(rows, query)
        sums: NDArray[np.uint32] = difference.sum(axis=1, dtype=np.uint32)
        return sums.astype(np.float64)
    wide: Floats = rows.astype(np.float64)
    wide -= query.astype(np.float64)
    terms: Floats = np.abs(wide) if metric == "l1" else np.square(wide)
    keys: Floats = terms.sum(axis=1)
    return keys
