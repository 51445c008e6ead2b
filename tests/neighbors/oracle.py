"""What are the neighbors, by a full sort in plain Python arithmetic? Knows nothing of tidu."""

from __future__ import annotations

from fractions import Fraction
from itertools import starmap

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
    if not all(side.dtype.kind in "iub" for side in both):
        return float
    low, high = (0, 0) if all(side.dtype.kind == "b" for side in both) else (2**63, -(2**63))
    for side in both:
        low, high = min(low, int(side.min())), max(high, int(side.max()))
    span = max(abs(low), abs(high)) if metric == "inner_product" else high - low
    largest = {"l1": span * data.shape[1], "chebyshev": span}.get(metric, span * span * data.shape[1])
    return int if largest < 2**62 else float


def key(a, b, metric, number):
    """Return the exact integer, or the float64 reference, by which pairs of rows are ordered."""
    pairs = [(number(x), number(y)) for x, y in zip(a, b, strict=True)]
    if metric == "inner_product":
        return -fold_in_python([x * y for x, y in pairs])
    terms = [abs(x - y) for x, y in pairs]
    if metric == "l1":
        return fold_in_python(terms)
    if metric == "chebyshev":
        return max(terms)
    return fold_in_python([t * t for t in terms])


def distance(found, metric):
    if metric == "l2":
        return float(np.sqrt(np.float64(found)))
    return 0.0 - float(found) if metric == "inner_product" else float(found)


def full_sort(queries, data, k, metric="l2"):
    """Return distances and indices of the k nearest by sorting every pair; queries None leaves one out."""
    own = queries is None
    number = number_of(queries, data, metric)
    distances, indices = [], []
    for q, query in enumerate(data if own else queries):
        pairs = sorted((key(query, row, metric, number), i) for i, row in enumerate(data) if not (own and i == q))[:k]
        distances.append([distance(found, metric) for found, _ in pairs])
        indices.append([i for _, i in pairs])
    shape = (len(indices), k)
    return np.array(distances, np.float64).reshape(shape), np.array(indices, np.int64).reshape(shape)


def differences(found, queries, data, k, metric="l2"):
    """Compare a result with the full sort, bit by bit; return what differs, as text."""
    wanted = full_sort(queries, data, k, metric)
    named = zip(("distances", "indices"), found, wanted, strict=True)
    return list(starmap(_difference, [item for item in named if not np.array_equal(item[1], item[2])]))


def _difference(name, got, expected):
    places = np.argwhere(got != expected) if got.shape == expected.shape else [(got.shape, expected.shape)]
    return f"{name} differ at {places[0]}: {len(places)} places"


def true_squared_distance(a, b):
    return float(sum((Fraction(float(x)) - Fraction(float(y))) ** 2 for x, y in zip(a, b, strict=True)))
