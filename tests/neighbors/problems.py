"""Which rows are hard to compare, and how is a search called in every way that may not change its answer?

Recipes make rows of any dtype from a seed, so that wide problems are drawn fast and shrink by their sizes.
Knows nothing of how neighbors are found.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import strategies as st

from tidu.errors import BudgetError
from tidu.neighbors import kneighbors, radius_neighbors

METRICS = ["l2", "sqeuclidean", "l1", "chebyshev", "cosine", "inner_product", "minkowski"]
DTYPES = ["uint8", "int8", "bool", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64"]
MIXED = [
    ("uint8", "int8"),
    ("int8", "uint16"),
    ("bool", "uint8"),
    ("uint8", "float32"),
    ("float64", "int16"),
    ("float16", "float32"),
    ("float32", "float64"),
    ("int64", "uint64"),
    ("uint64", "float64"),
]
"""Dtypes of queries and of data."""
PRUNABLE = ("l2", "sqeuclidean")
"""Metrics for which a partial distance is a lower bound of any kind of rows."""
P = 3.0


def search(queries, data, k=10, metric="l2", **options):
    """Call `kneighbors` with the exponent of these tests."""
    return kneighbors(queries, data, k, metric, **{"p": P, **options})


def search_radius(queries, data, radius, metric="l2", **options):
    """Call `radius_neighbors` with the exponent of these tests."""
    return radius_neighbors(queries, data, radius, metric, **{"p": P, **options})


def least_bytes(queries, data, k, metric="l2", **options):
    """Return the least memory_limit that a search accepts."""
    with pytest.raises(BudgetError) as caught:
        search(queries, data, k, metric, memory_limit=1, **options)
    return caught.value.facts["least_bytes"]


def _few(rng, shape, dtype):
    return rng.integers(0, 3, shape)


def _signed(rng, shape, dtype):
    """Zeros of both signs beside ones."""
    return rng.choice([0.0, -0.0, 1.0, -1.0] if dtype.kind == "f" else [0, 1], shape)


def _any(rng, shape, dtype):
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -(2**40)), min(info.max, 2**40), shape, endpoint=True)
    return rng.standard_normal(shape)


def _equal(rng, shape, dtype):
    return np.broadcast_to(_any(rng, (1, shape[1]), dtype), shape)


def _repeated(rng, shape, dtype):
    return _any(rng, shape, dtype)[rng.integers(0, max(1, shape[0] // 4), shape[0])] if shape[0] else np.empty(shape)


def _flat_columns(rng, shape, dtype):
    return np.where(rng.random(shape[1]) < 0.6, _any(rng, (1, shape[1]), dtype), _any(rng, shape, dtype))


def _far(rng, shape, dtype):
    """Twins around a point far away, a few units in the last place apart."""
    if dtype.kind == "b":
        return _any(rng, shape, dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return min(info.max, 2**52) - rng.integers(0, 4, shape)
    center = rng.choice([1e4, -1e4] if dtype.itemsize == 2 else [1e8, -1e8, 3e7], shape[1]).astype(dtype)
    return center + np.spacing(np.abs(center)) * rng.integers(-3, 4, shape).astype(dtype)


def _nearer(rng, shape, dtype):
    """Every row is nearer to the origin, and to the last row, than the one before."""
    if dtype.kind == "b":
        return np.arange(shape[0])[::-1, None] * np.ones(shape[1]) > shape[0] // 2
    steps = np.arange(shape[0])[::-1, None] % 120
    return steps * np.ones(shape[1], np.int64) if dtype.kind in "iu" else steps * (1 + rng.random(shape[1]))


def _outlier(rng, shape, dtype):
    rows = np.array(rng.integers(0, 2, shape) if dtype.kind in "biu" else rng.standard_normal(shape), np.float64)
    if shape[0] and dtype.kind != "b":
        top = float(np.iinfo(dtype).max) if dtype.kind in "iu" else float(np.finfo(dtype).max)
        rows[rng.integers(shape[0])] *= min(1e6, top / 16)
    return rows


def _extreme(rng, shape, dtype):
    """The ends of the range, and what lies around zero."""
    if dtype.kind == "b":
        return _any(rng, shape, dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = max(info.min, -(2**40)), min(info.max, 2**40)
        return rng.choice([low, low + 1, 0, 1, high - 1, high], shape)
    info = np.finfo(dtype)
    # a product may not overflow float64
    top = min(float(info.max), 1e150)
    values = [0.0, -0.0, float(info.smallest_subnormal), -float(info.tiny), 1.0, top, -top, top / 2, 1e-300]
    return rng.choice(values, shape)


def _overflowing(rng, shape, dtype):
    """Squares and differences past float64, for metrics that are defined then."""
    if dtype != np.float64:
        return _extreme(rng, shape, dtype)
    return rng.choice([1e300, -1e300, 1.7e308, -1.7e308, 1e-300, 5e-324, 0.0], shape)


RECIPES = {
    "few": _few,
    "signed": _signed,
    "any": _any,
    "equal": _equal,
    "repeated": _repeated,
    "flat columns": _flat_columns,
    "far": _far,
    "nearer": _nearer,
    "outlier": _outlier,
    "extreme": _extreme,
    "overflowing": _overflowing,
}


def rows_of(recipe, seed, shape, dtype):
    """Make rows; the same arguments make the same rows."""
    dtype = np.dtype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        return np.ascontiguousarray(
            np.asarray(RECIPES[recipe](np.random.default_rng(seed), shape, dtype)).astype(dtype)
        )


@dataclass(frozen=True)
class Problem:
    """What is searched, and in which of the ways that may not matter."""

    queries: np.ndarray | None
    data: np.ndarray
    k: int
    metric: str
    ways: dict = field(default_factory=dict)

    def run(self, **options):
        return search(self.queries, self.data, self.k, self.metric, **{**self.ways, **options})


@st.composite
def ways(draw, metric):
    """Draw algorithm and threads."""
    algorithms = ["auto", "brute", *(["pruned"] if metric in PRUNABLE else [])]
    return {"algorithm": draw(st.sampled_from(algorithms)), "threads": draw(st.integers(1, 3))}


@st.composite
def problems(draw, metrics=METRICS, most_rows=40, most_features=70, own=None):
    """Draw rows, k, metric, algorithm and threads; `own` leaves each row out of its own neighbors."""
    metric = draw(st.sampled_from(metrics))
    left, right = draw(st.sampled_from([(name, name) for name in DTYPES] * 2 + MIXED))
    own = draw(st.booleans()) if own is None else own
    names = [name for name in RECIPES if name != "overflowing" or metric != "inner_product"]
    recipe, seed = draw(st.sampled_from(names)), draw(st.integers(0, 2**32 - 1))
    width = draw(st.integers(1, 4) | st.integers(1, most_features))
    n_rows, n_queries = draw(st.integers(1 + own, most_rows)), draw(st.integers(0, 14))
    data = rows_of(recipe, seed, (n_rows, width), right)
    queries = rows_of(draw(st.sampled_from([recipe, recipe, *names])), seed + 1, (n_queries, width), left)
    if n_queries and left == right and draw(st.booleans()):
        queries[0] = data[seed % n_rows]
    k = draw(st.just(n_rows - own) | st.just(1) | st.integers(1, n_rows - own))
    return Problem(None if own else queries, data, k, metric, draw(ways(metric)))
