"""Which encoding lets the fewest pairs pass for the least work, to judge by a sample of the rows?

Whatever is chosen, results are the same. This file knows nothing of blocks and of how a search is run.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tidu.native.machine import host
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.encoding import MOST_FOR_BYTES, MOST_SQUARES, ROUNDING, USUAL, Encoding, judged_by_squares
from tidu.neighbors.kernels.comparisons import has_byte_products
from tidu.neighbors.projection import one_blas_thread
from tidu.neighbors.sampling import distances_between, nearest_of

__all__ = ["choose_encoding", "word_encoding", "word_step", "words_of"]

_ROOM = 1.1
"""How far beyond a sample rows may reach before they are set apart."""
_FEW_QUERIES = 48


def choose_encoding(
    arithmetic: Arithmetic, rows: NDArray[np.float64], queries: NDArray[np.float64], share: float
) -> Encoding:
    """Choose an encoding for rows that are not compared as they are.

    Parameters
    ----------
    arithmetic : Arithmetic
    rows, queries : ndarray of shape (n, n_features), float64
        Some of each, scaled to length one for "cosine".
    share : float
        The share of all rows that is searched for.

    Returns
    -------
    Encoding
        Whatever it is, results are the same; a good one lets few pairs pass.
    """
    kind = arithmetic.metric.native
    conversion = arithmetic.conversion
    both = np.concatenate([rows, queries])
    if kind == "absolute" or kind == "largest":
        name = "sum8" if kind == "absolute" else "max8"
        scale, centers = _grid(both)
        return Encoding(name, 1, "linear", kind, scale, scale, centers, ROUNDING, 0.0, conversion)
    if kind == "products":
        asked, offered = word_step(_longest(queries)), word_step(_longest(rows))
        return Encoding("dot16", -1, "linear", "squares", asked, offered, None, ROUNDING, 0.0, conversion)
    words = judged_by_squares(replace(word_encoding(both), conversion=conversion), arithmetic)
    if not has_byte_products(host()) or arithmetic.n_features > MOST_FOR_BYTES:
        return words
    scale, centers = _grid(both)
    bytes_ = replace(words, comparison="dot8", query_scale=scale, row_scale=scale, centers=centers)
    with one_blas_thread():
        distances = distances_between(queries[:_FEW_QUERIES], rows)
    near, _ = nearest_of(distances, share)
    return min((bytes_, words), key=lambda one: _effort(one, arithmetic, rows, distances, near))


def _grid(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return a step and centers for bytes: of the values' own grid if they lie on one, else with some room."""
    low, high = values.min(axis=0), values.max(axis=0)
    with np.errstate(all="ignore"):
        width, overall = float(np.max(high - low)), float(high.max() - low.min())
        step = overall / 255
        levels = (values - low.min()) / step
        if np.max(np.abs(levels - np.rint(levels))) < 1e-3:
            return step, np.full(len(low), low.min() + 128 * step)
    if not 0 < width < math.inf:
        return max(1.0, abs(float(high.max()))), low.copy()
    if overall <= 1.2 * width:
        low, high, width = np.full_like(low, low.min()), np.full_like(high, high.max()), overall
    if not overall < math.inf:
        return 1.0, np.zeros_like(low)
    step = _ROOM * width / 255
    return (step or 1.0), low / 2 + high / 2 + step / 2


def word_encoding(values: NDArray[np.float64]) -> Encoding:
    """Return an encoding as words for rows like these, of shape (n_rows, n_features)."""
    with np.errstate(all="ignore"):
        centers = values.mean(axis=0)
        centers[~np.isfinite(centers)] = 0.0
        whole = np.array_equal(values, np.rint(values))
        if whole:
            centers = np.rint(centers)
        return words_of(centers, _longest(values - centers), whole=whole)


def words_of(centers: NDArray[np.float64], longest: float, *, whole: bool) -> Encoding:
    """Return an encoding as words for rows of at most about this length, less these centers.

    Whole numbers are kept as they are, if they fit.
    """
    scale = word_step(longest)
    if scale <= 1.0 and whole and np.array_equal(centers, np.rint(centers)):
        scale = 1.0
    return Encoding("dot16", -2, "square", "squares", scale, scale, centers)


def word_step(longest: float) -> float:
    """Return a scale at which rows of at most about this length are words."""
    return _ROOM * longest / math.sqrt(MOST_SQUARES) if 0 < longest < math.inf else 1.0


def _longest(values: NDArray[np.float64]) -> float:
    """Return the length of the longest row, or if that is not finite the largest value that is."""
    with np.errstate(all="ignore"):
        longest = float(np.sqrt(np.max(np.einsum("ij,ij->i", values, values), initial=0.0)))
    if math.isfinite(longest):
        return longest
    return float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))


def _effort(
    encoding: Encoding,
    arithmetic: Arithmetic,
    rows: NDArray[np.float64],
    distances: NDArray[np.float64],
    near: NDArray[np.float64],
) -> float:
    """Estimate the processor cycles of a pair: its part of a tile, and its exact key if it passes."""
    shape = encoding.shape
    tile = (encoding.compared.n_units(arithmetic.n_features) + 4.0) / shape.lanes
    exact = 60.0 + arithmetic.n_features * (0.1 if arithmetic.of_bytes else 0.75)
    return tile + exact * float(np.mean(distances <= near + 2 * _error_of(encoding, rows)))


def _error_of(encoding: Encoding, rows: NDArray[np.float64]) -> float:
    """Return the usual error of rows."""
    compared = encoding.compared
    with np.errstate(all="ignore"):
        shifted = rows if encoding.centers is None else rows - encoding.centers
        steps = np.clip(np.rint(shifted / encoding.row_scale), compared.least, compared.most)
        left = shifted - steps * encoding.row_scale
        return float(np.quantile(np.sqrt(np.einsum("ij,ij->i", left, left)), USUAL))
