"""Why can a network stand for any function? Networks that approximate a given one, built and trained, and measured.

Reading order: `domains`, `targets`, `network`; without training `constructions`, `knots`, `towers`, `pieces`,
`folding`; with it `training` and its parts `splitting`, `starting`, `coordinates`; `grid`, the rival; `methods`,
`families`, `settings`, `studies`, `measuring`, `rates`, `summary`; then `approximate`, its `result`, and how that is
shown: `wording`, `text`, `pictures`, `page`.
"""

from __future__ import annotations

from tidu.approximation.approximate import approximate
from tidu.approximation.constructions import bumps, relu_interpolant, tent_map
from tidu.approximation.network import Network
from tidu.approximation.pieces import count_pieces
from tidu.approximation.result import Approximation
from tidu.approximation.towers import towers

__all__ = [
    "Approximation",
    "Network",
    "approximate",
    "bumps",
    "count_pieces",
    "relu_interpolant",
    "tent_map",
    "towers",
]
