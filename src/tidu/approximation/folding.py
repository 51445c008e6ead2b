"""How many straight pieces do two rectified units in each layer make, folded on purpose, and with random weights?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import numpy as np

from tidu.approximation.constructions import tent_map
from tidu.approximation.network import Network
from tidu.approximation.pieces import count_pieces
from tidu.nn import init_mlp

__all__ = ["Folding", "count_foldings"]

_UNITS = 2
_SEEDS = 15


@dataclass(frozen=True, slots=True)
class Folding:
    """Straight pieces at one depth: of the tent map on [0, 1], of networks with random weights on [-100, 100].

    Attributes
    ----------
    depth, n_units : int
        Hidden layers, and their units together.
    tent : int
        Pieces of the tent map applied `depth` times.
    one_layer : int
        The most that as many units in a single layer can have.
    random : float
        Median over networks of the same shape with random weights and biases.
    """

    depth: int
    n_units: int
    tent: int
    one_layer: int
    random: float


def count_foldings(deepest: int = 10) -> tuple[Folding, ...]:
    """Count the pieces for every depth up to `deepest`.

    Examples
    --------
    >>> count_foldings(3)[-1].tent
    8
    """
    found = []
    for depth in range(1, deepest + 1):
        tent = count_pieces(tent_map(depth), (0.0, 1.0))
        pieces = [count_pieces(_random(depth, seed), (-100.0, 100.0)) for seed in range(_SEEDS)]
        found.append(Folding(depth, _UNITS * depth, tent, _UNITS * depth + 1, float(median(pieces))))
    return tuple(found)


def _random(depth: int, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    layers = init_mlp([1, *[_UNITS] * depth, 1], rng)
    # Without biases every kink would lie at 0.
    biased = tuple({"W": layer["W"], "b": rng.uniform(-1.0, 1.0, layer["b"].shape)} for layer in layers)
    return Network(biased, ("relu",) * depth)
