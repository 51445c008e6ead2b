"""At which height does each item of a layer stand, so that edges are straight and nothing overlaps.

Each layer, between fixed neighbors, is a least-squares problem with an order: isotonic regression,
solved exactly by pooling adjacent violators (Barlow et al. 1972). Knows no widths and no routes.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["isotonic", "place"]

Ties = Sequence[Sequence[tuple[int, float]]]

_ROUNDS = 12
_LOOSE = 1e-3  # weight of staying where it is, for an item that nothing pulls


def place(layers: Sequence[Sequence[int]], extents: Sequence[float], before: Ties, after: Ties) -> list[float]:
    """Return the center of each item across the layers.

    Parameters
    ----------
    layers : sequence of sequences of int
        The items of each layer, in order.
    extents : sequence of float
        The room each item needs, its margin included.
    before, after : sequence of sequences of (int, float)
        Neighbors of each item in the layer before and after, with the weight of keeping that edge straight.

    Examples
    --------
    >>> place([[0, 1], [2]], [10, 10, 10], [[], [], [(0, 1), (1, 1)]], [[(2, 1)], [(2, 1)], []])
    [-5.0, 5.0, 0.0]
    """
    centers = [0.0] * len(extents)
    for layer in layers:
        height = -sum(extents[item] for item in layer) / 2
        for item in layer:
            centers[item] = height + extents[item] / 2
            height += extents[item]
    both = [[*early, *late] for early, late in zip(before, after, strict=True)]
    for step in range(_ROUNDS):
        settled = step >= 2
        for layer in layers:
            _settle(layer, extents, both if settled else before, centers)
        for layer in reversed(layers):
            _settle(layer, extents, both if settled else after, centers)
    return centers


def _settle(layer: Sequence[int], extents: Sequence[float], ties: Ties, centers: list[float]) -> None:
    """Move the items of one layer as near to their neighbors' heights as their order allows."""
    offset = 0.0
    offsets, wishes, weights = [], [], []
    for index, item in enumerate(layer):
        if index:
            offset += (extents[layer[index - 1]] + extents[item]) / 2
        weight = sum(pull for _, pull in ties[item])
        wish = sum(centers[other] * pull for other, pull in ties[item]) / weight if weight else centers[item]
        offsets.append(offset)
        wishes.append(wish - offset)
        weights.append(weight or _LOOSE)
    for item, shift, level in zip(layer, offsets, isotonic(wishes, weights), strict=True):
        centers[item] = level + shift


def isotonic(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing sequence nearest to `wishes` in weighted least squares.

    Examples
    --------
    >>> isotonic([1.0, 3.0, 2.0], [1.0, 1.0, 1.0])
    [1.0, 2.5, 2.5]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for wish, weight in zip(wishes, weights, strict=True):
        mean, mass, length = wish, weight, 1
        while blocks and blocks[-1][0] >= mean:
            earlier_mean, earlier_mass, earlier_length = blocks.pop()
            mean = (mean * mass + earlier_mean * earlier_mass) / (mass + earlier_mass)
            mass += earlier_mass
            length += earlier_length
        blocks.append((mean, mass, length))
    return [mean for mean, _, length in blocks for _ in range(length)]
