"""What are the neighbors, by a full sort of the documented keys? Knows nothing of tidu.

`key` spells the reference out in plain Python for one pair; `keys_to` does the same for one query and
many rows, and `test_oracle` holds the two together. Everything else compares results with them.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np


def fold_in_python(terms):
    """Sum floats in the documented order: the second half onto the first until one is left."""
    terms = list(terms)
    while len(terms) > 1:
        half = (len(terms) + 1) // 2
        for i in range(len(terms) - half):
            terms[i] = terms[i] + terms[half + i]
        terms = terms[:half]
    return terms[0]


def number_of(queries, data, metric):
    """Return int if exact integer keys are promised for these values (they stay below 2**62), else float."""
    both = [data] if queries is None or not len(queries) else [queries, data]
    if metric in ("cosine", "minkowski") or not all(side.dtype.kind in "iub" for side in both):
        return float
    low, high = (0, 0) if all(side.dtype.kind == "b" for side in both) else (2**64, -(2**63))
    for side in both:
        low, high = min(low, int(side.min())), max(high, int(side.max()))
    span = max(abs(low), abs(high)) if metric == "inner_product" else high - low
    largest = {"l1": span * data.shape[1], "chebyshev": span}.get(metric, span * span * data.shape[1])
    return int if largest < 2**62 else float


def key(a, b, metric, number, p=3.0):
    """Return the exact integer, or the float64 reference, by which pairs of rows are ordered."""
    pairs = [(number(x), number(y)) for x, y in zip(a, b, strict=True)]
    if metric == "cosine":
        return _cosine_in_python(*map(_scaled_in_python, zip(*pairs, strict=True)))
    if metric == "inner_product":
        return -fold_in_python([x * y for x, y in pairs])
    terms = [abs(x - y) for x, y in pairs]
    if metric == "l1":
        return fold_in_python(terms)
    if metric == "chebyshev":
        return max(terms)
    if metric == "minkowski":
        # a power is NumPy's: no two libraries round it alike
        with np.errstate(over="ignore", under="ignore"):
            return fold_in_python(np.power(np.array(terms), p).tolist())
    return fold_in_python([t * t for t in terms])


def _scaled_in_python(row):
    exponent = math.frexp(max(map(abs, row)))[1]
    return [math.ldexp(x, -exponent) for x in row]


def _cosine_in_python(a, b):
    squares = fold_in_python([x * x for x in a]) * fold_in_python([y * y for y in b])
    dots = fold_in_python([x * y for x, y in zip(a, b, strict=True)])
    return min(max(1.0 - (dots / math.sqrt(squares) if squares > 0 else 0.0), 0.0), 2.0)


def fold(terms):
    """Do as `fold_in_python` along the last axis."""
    while terms.shape[-1] > 1:
        width = terms.shape[-1]
        half = (width + 1) // 2
        head = terms[..., :half].copy()
        head[..., : width - half] += terms[..., half:]
        terms = head
    return terms[..., 0]


def keys_to(query, data, metric, number, p=3.0):
    """Return the key of one query and each row of the data; the same bits as `key`."""
    dtype = np.int64 if number is int else np.float64
    with np.errstate(over="ignore", under="ignore"):
        a, b = query.astype(dtype), data.astype(dtype)
        if metric == "cosine":
            return _cosine(_scaled(a[None]), _scaled(b))
        if metric == "inner_product":
            return -fold(a * b)
        terms = np.abs(a - b)
        if metric == "chebyshev":
            return terms.max(axis=1)
        return fold(terms if metric == "l1" else np.power(terms, p) if metric == "minkowski" else terms * terms)


def _scaled(rows):
    return np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1))[1][:, None])


def _cosine(a, b):
    squares = fold(a * a) * fold(b * b)
    ratio = fold(a * b) / np.sqrt(np.where(squares > 0, squares, 1.0))
    return np.clip(1.0 - np.where(squares > 0, ratio, 0.0), 0.0, 2.0)


def distances_of(keys, metric, p=3.0):
    """Return what the caller is given for these keys."""
    found = np.asarray(keys).astype(np.float64)
    if metric == "l2":
        return np.sqrt(found)
    if metric == "minkowski":
        return np.power(found, 1.0 / p)
    return 0.0 - found if metric == "inner_product" else found


def _each_query(queries, data, metric, p, where):
    """Yield the rows that may be found for each query, ascending, with their keys."""
    number = number_of(queries, data, metric)
    allowed = np.arange(len(data))
    if where is not None:
        where = np.asarray(where)
        allowed = np.unique(np.flatnonzero(where) if where.dtype.kind == "b" else where.astype(np.int64))
    for q, query in enumerate(data if queries is None else queries):
        rows = allowed[allowed != q] if queries is None else allowed
        yield rows, keys_to(query, data[rows], metric, number, p)


def full_sort(queries, data, k, metric="l2", *, p=3.0, where=None):
    """Return distances and indices of the k nearest by sorting every pair; queries None leaves one out."""
    keys, indices = [], []
    for rows, found in _each_query(queries, data, metric, p, where):
        order = np.argsort(found, kind="stable")[:k]
        keys.append(distances_of(found[order], metric, p))
        indices.append(rows[order])
    shape = (len(indices), k)
    return np.array(keys, np.float64).reshape(shape), np.array(indices, np.int64).reshape(shape)


def all_within(queries, data, radius, metric="l2", *, p=3.0, where=None, by_distance=False):
    """Return a list of distances and one of indices: every row within the radius, by row or by distance."""
    distances, indices = [], []
    for rows, keys in _each_query(queries, data, metric, p, where):
        found = distances_of(keys, metric, p)
        inside = np.flatnonzero(found >= radius if metric == "inner_product" else found <= radius)
        if by_distance:
            order = -found[inside] if metric == "inner_product" else found[inside]
            inside = inside[np.argsort(order, kind="stable")]
        distances.append(found[inside])
        indices.append(rows[inside].astype(np.int64))
    return distances, indices


def differences(found, queries, data, k, metric="l2", **options):
    """Compare a result with the full sort, bit by bit; return what differs, as text."""
    return unequal(found, full_sort(queries, data, k, metric, **options))


def unequal(found, wanted):
    """Compare distances and indices bit by bit; return what differs, as text."""
    named = zip(("distances", "indices"), found, wanted, strict=True)
    return [text for name, got, expected in named if (text := _difference(name, np.asarray(got), expected))]


def _difference(name, got, expected):
    if (got.shape, got.dtype) != (expected.shape, expected.dtype):
        return f"{name} are {got.dtype} of shape {got.shape}, not {expected.dtype} of shape {expected.shape}"
    # as integers: zeros of both signs are told apart
    places = np.argwhere(got.view(np.int64) != expected.view(np.int64))
    if not len(places):
        return None
    first = tuple(places[0])
    return f"{name} differ at {len(places)} places, first at {first}: got {got[first]!r}, expected {expected[first]!r}"


def true_squared_distance(a, b):
    return float(sum((Fraction(float(x)) - Fraction(float(y))) ** 2 for x, y in zip(a, b, strict=True)))
