"""Does it pay to project rows first, and on how many directions?

What a search will cost is estimated from a sample and from how fast this machine turned out to be; whatever is
chosen, the result is the same. This file knows nothing of how a search is run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tidu.data import ArraySource, is_forward_only
from tidu.native.ledger import Ledger
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.encoding import exact_encoding
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.kernels.rules import PASSES
from tidu.neighbors.metrics import Metric
from tidu.neighbors.plan import MemoryPlan, n_listed
from tidu.neighbors.projection import MOST_DIRECTIONS, find_directions, one_blas_thread, scaled_to_one
from tidu.neighbors.sampling import distances_between, nearest_of, sample_of, samples_of, shifted_sample
from tidu.neighbors.scanner import QueryBlock, RowBlock, Scanner, Side
from tidu.neighbors.suiting import choose_encoding, word_encoding

__all__ = ["can_project", "choose_directions"]

_CHOICES = (31, 63, 95, 127, 191, MOST_DIRECTIONS)
_LEAST_FEATURES = 48
_LEAST_ROWS = 2048
_WORTH_S = 0.15
"""A search that is over so soon is not thought about."""
_QUICKEST_UNIT_S = 5e-12
"""No processor takes less for a unit of a pair."""
_FEW_ROWS, _ENOUGH_ROWS, _FEW_QUERIES = 512, 1024, 64
"""Rows by which an encoding and directions are judged, and queries."""
_FINDING_S = 1e-6
"""Finding directions, for each feature and direction, in seconds."""
_GROWTH = 0.45
"""The share of pairs that pass grows about with this power of the share that is searched for."""


def can_project(arithmetic: Arithmetic) -> bool:
    """Tell whether projections bound the keys of a metric."""
    return arithmetic.metric.native in ("squares", "cosine") and arithmetic.n_features > 1


def choose_directions(inputs: Inputs, plan: MemoryPlan, ledger: Ledger) -> int:
    """Return on how many directions rows are best projected; 0 if it is best to look at every pair.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
        Of a search that looks at every pair.
    ledger : Ledger
        The sample is counted there.
    """
    k, n_threads = plan.sizes.k, plan.sizes.n_threads
    arithmetic, n_rows = inputs.arithmetic, inputs.data.shape[0]
    if not can_project(arithmetic) or arithmetic.n_features < _LEAST_FEATURES or n_rows < _LEAST_ROWS:
        return 0
    if is_forward_only(inputs.data):
        return 0  # every pass over such rows may cost as much as the search itself
    if not plan.sample_rows:
        return 0  # there is no room to look at any
    if inputs.n_pairs * (arithmetic.n_features / 4 + 4) * _QUICKEST_UNIT_S < _WORTH_S:
        return 0
    rates = _measured(arithmetic.of_bytes)
    brute_s = inputs.n_pairs * (_units(inputs, plan, ledger) + 4) * rates.unit_s / n_threads
    if brute_s < _WORTH_S:
        return 0
    with ledger.hold(plan.sample_bytes, "a sample of the rows"):
        shares = _shares(inputs, plan.sample_rows, k / n_rows)
    costs = {0: brute_s}
    for n_directions, share in shares.items():
        costs[n_directions] = _projected_s(inputs, n_directions, share, k, rates) / n_threads
    return min(costs, key=costs.__getitem__)


def _units(inputs: Inputs, plan: MemoryPlan, ledger: Ledger) -> int:
    """Return the units of a row that a search of every pair would compare."""
    encoding = exact_encoding(inputs.arithmetic)
    if encoding is None:
        with ledger.hold(plan.sample_bytes, "a sample of the rows"):
            samples = samples_of(inputs, min(plan.sample_rows, _FEW_ROWS))
            encoding = choose_encoding(inputs.arithmetic, *samples, plan.sizes.k / inputs.data.shape[0])
    return encoding.compared.n_units(inputs.arithmetic.n_features)


def _projected_s(inputs: Inputs, n_directions: int, share: float, k: int, rates: Rates) -> float:
    """Estimate the processor time of a search by projections, in seconds."""
    arithmetic, n_rows, n_queries = inputs.arithmetic, inputs.data.shape[0], inputs.n_queries
    n_features = arithmetic.n_features
    units = (n_directions + 2) / 2
    compared = 2 * inputs.n_pairs * (units + 4) * rates.unit_s
    projected = (n_rows + n_queries) * n_features * (rates.packed_s + (n_directions + 32) / 2 * rates.unit_s)
    judged = (share * inputs.n_pairs + n_listed(k, n_rows) * n_queries) * (n_features + 64) * rates.exact_s
    return compared + projected + judged + _FINDING_S * n_features * n_directions


def _shares(inputs: Inputs, n_rows: int, share: float) -> dict[int, float]:
    """Estimate for each number of directions which share of the pairs would have to be judged."""
    lengths = inputs.arithmetic.has_lengths
    rows, centers = shifted_sample(inputs.data, min(n_rows, _ENOUGH_ROWS), of_length_one=lengths)
    with np.errstate(all="ignore"):
        queries = (sample_of(inputs.asked, _FEW_QUERIES, of_length_one=lengths) - centers).astype(np.float32)
    most = min(max(_CHOICES), rows.shape[1] - 1, len(rows) // 2)
    choices = [n for n in _CHOICES if n <= most]
    largest = float(np.max(np.abs(rows), initial=0.0))
    if not choices or not 0 < largest < math.inf:
        return {}
    with np.errstate(all="ignore"):
        queries = np.nan_to_num(queries / largest)
    rows = scaled_to_one(rows)
    directions = find_directions(rows, max(choices)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found = {}
    with one_blas_thread():
        near, possible = nearest_of(distances_between(queries, rows), share)
        extrapolated = min(1.0, share / possible) ** _GROWTH
        for n in choices:
            sides = [_projected(side, directions[:n]) for side in (queries, rows)]
            # A little more passes, as the bound that is searched with is not the least one.
            found[n] = extrapolated * float(np.mean(distances_between(*sides) <= 1.01 * near))
    return found


def _projected(rows: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return projections, and the lengths of what is left."""
    with np.errstate(all="ignore"):
        projections = rows @ directions.T
        left = np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", projections, projections)
        return np.column_stack([projections, np.sqrt(np.maximum(left, 0.0))])


@dataclass(frozen=True, slots=True)
class Rates:
    """How long this machine takes, on one thread.

    Attributes
    ----------
    unit_s : float
        One unit of a pair in a tile, in seconds.
    exact_s : float
        One feature of a key.
    packed_s : float
        One feature of a row that is packed.
    """

    unit_s: float
    exact_s: float
    packed_s: float


@lru_cache(maxsize=2)
def _measured(of_bytes: bool) -> Rates:
    """Run tiny searches and look at the clock; the best of a few times counts."""
    dtype = np.dtype(np.uint8 if of_bytes else np.float32)
    n_features, n_rows, n_queries = 1024, 1024, 120
    generator = np.random.Generator(np.random.Philox(0))
    rows = generator.integers(0, 256, (n_rows, n_features)).astype(dtype)
    arithmetic = Arithmetic(Metric("sqeuclidean"), dtype, dtype, n_features, of_bytes)
    words = replace(word_encoding(rows[:64].astype(np.float64)), centers=np.full(n_features, 128.0))
    ledger = Ledger()
    sides = [
        Side(ArraySource(rows), role, arithmetic, words, n, n, ledger, 1)
        for role, n in (("queries", n_queries), ("data", n_rows))
    ]
    packed_s = _best(lambda: sides[1].load(0, n_rows)) / (n_rows * n_features)
    (asked, queries), (offered, encoded) = sides[0].load(0, n_queries), sides[1].load(0, n_rows)
    scanner = Scanner(words, arithmetic, n_queries, ledger, 1)
    block = RowBlock(offered, encoded, None, 0, 0.0, 0.0)
    keys = np.empty((n_queries, 1), np.int64)
    by_value = Heaps(keys, np.empty((n_queries, 1), np.int64), np.empty(n_queries, np.int64), -(1 << 40))

    def compare() -> None:  # nothing passes
        scanner.nearest(QueryBlock(asked, queries, None, None), block, by_value, by_value=True)

    unit_s = _best(compare) / (n_queries * n_rows * n_features / 2)
    judging = Heaps(
        np.empty((n_queries, 1), arithmetic.key_dtype),
        np.empty((n_queries, 1), np.int64),
        np.empty(n_queries, arithmetic.key_dtype),
        arithmetic.farthest,
    )

    # All pairs pass, and nearly none is near, as it will be.
    block.encoded.terms.fill(PASSES[words.factor])

    def judge() -> None:
        judging.clear()
        judging.bounds.fill(1)
        scanner.nearest(QueryBlock(asked[:12], sides[0].encoder.encoded(12), None, None), block, judging)

    exact_s = _best(judge) / (12 * n_rows * (n_features + 64))
    return Rates(unit_s, exact_s, packed_s)


def _best(run: Callable[[], object]) -> float:
    """Return the shortest of a few times, in seconds; the first time the code may have to be compiled."""
    times = []
    for _ in range(4):
        began_s = time.perf_counter()
        run()
        times.append(time.perf_counter() - began_s)
    return min(times)
