"""In which order do the items of each layer stand, so that few edges cross.

The barycenter method of Sugiyama, Tagawa and Toda (1981), IEEE Trans. SMC 11(2). Knows layers of
numbered items and which neighbors they have; no sizes, no coordinates.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["count_crossings", "reduce_crossings"]

Layers = Sequence[Sequence[int]]
Neighbors = Sequence[Sequence[int]]

_SWEEPS = 16
_PATIENCE = 6


def count_crossings(layers: Layers, after: Neighbors) -> int:
    """Count the pairs of edges between neighboring layers that cross.

    Parameters
    ----------
    layers : sequence of sequences of int
        The items of each layer, in order.
    after : sequence of sequences of int
        ``after[item]`` are the items of the next layer that it is tied to.

    Examples
    --------
    >>> count_crossings([[0, 1], [2, 3]], [[3], [2], [], []])
    1
    """
    total = 0
    for left, right in pairwise(layers):
        position = {item: index for index, item in enumerate(right)}
        seen: list[int] = []
        for item in left:
            ends = sorted(position[other] for other in after[item])
            # edges of one item never cross each other, so they enter the list together
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def reduce_crossings(layers: Layers, before: Neighbors, after: Neighbors) -> list[list[int]]:
    """Return an order with no more crossings than the given one, usually far fewer.

    Parameters
    ----------
    layers : sequence of sequences of int
        The items of each layer, in a first order; ties are broken by it.
    before, after : sequence of sequences of int
        The neighbors of each item in the layer before and after.

    Notes
    -----
    Sweeps forward and backward, begun from either end, sort each layer by the mean position of its
    neighbors; the best order seen is kept.

    Examples
    --------
    >>> reduce_crossings([[0, 1], [2, 3]], [[], [], [1], [0]], [[3], [2], [], []])
    [[0, 1], [3, 2]]
    """
    best = [list(layer) for layer in layers]
    fewest = count_crossings(best, after)
    for first_direction in (0, 1):
        current = [list(layer) for layer in layers]
        stale = 0
        for sweep in range(_SWEEPS):
            if not fewest or stale >= _PATIENCE:
                break
            flipped = sweep // 2 % 2 == 1  # ties the other way round: an order stuck in them gets free
            if (sweep + first_direction) % 2 == 0:
                for index in range(1, len(current)):
                    current[index] = _sorted_by_neighbors(current[index], current[index - 1], before, flipped)
            else:
                for index in range(len(current) - 2, -1, -1):
                    current[index] = _sorted_by_neighbors(current[index], current[index + 1], after, flipped)
            crossings = count_crossings(current, after)
            stale += 1
            if crossings < fewest:
                fewest, best, stale = crossings, [list(layer) for layer in current], 0
    return _unmirrored(best, layers)


def _unmirrored(best: list[list[int]], first: Layers) -> list[list[int]]:
    """Turn the picture upside down where that restores more of the first order; no crossing changes."""
    kept = total = 0
    for layer, original in zip(best, first, strict=True):
        position = {item: index for index, item in enumerate(layer)}
        kept += sum(position[upper] < position[lower] for upper, lower in pairwise(original))
        total += max(len(original) - 1, 0)
    return best if 2 * kept >= total else [layer[::-1] for layer in best]


def _sorted_by_neighbors(layer: Sequence[int], fixed: Sequence[int], neighbors: Neighbors, flipped: bool) -> list[int]:
    place = {item: index for index, item in enumerate(fixed)}
    # an item without neighbors keeps its relative height
    scale = len(fixed) / max(len(layer), 1)
    keys = {}
    for index, item in enumerate(layer):
        tied = [place[other] for other in neighbors[item]]
        keys[item] = sum(tied) / len(tied) if tied else (index + 0.5) * scale - 0.5
    return sorted(reversed(layer) if flipped else layer, key=keys.__getitem__)
