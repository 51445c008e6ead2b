"""How do scikit-learn's two stochastic solvers step, as optimizers of `tidu.learn`?

Both differ from `tidu.learn.Adam` and `tidu.learn.SGD` in details that change the numbers: where epsilon is
added, and whether the velocity holds the learning rate. With these forms an estimator goes scikit-learn's
way, step by step. This file knows nothing of losses and epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from tidu.core.value import Value
from tidu.learn.optimizers import Tree
from tidu.learn.schedules import LearningRate
from tidu.trace.tree import flatten, map_tree, unflatten

__all__ = ["ScikitAdam", "ScikitSGD"]


def _zeros(params: Tree) -> Tree:
    return map_tree(lambda leaf: np.zeros_like(cast("np.ndarray[tuple[int, ...], np.dtype[np.generic]]", leaf)), params)


def _columns(*trees: Tree) -> zip[tuple[Value, ...]]:
    return cast("zip[tuple[Value, ...]]", zip(*[flatten(tree)[0] for tree in trees], strict=True))


@dataclass(frozen=True, slots=True)
class ScikitAdam:
    """Adam as scikit-learn has it.

    Notes
    -----
    ``p -= rate sqrt(1 - b2**t) / (1 - b1**t) * m / (sqrt(v) + eps)`` at step t, from 1: the form at the end
    of section 2 of Kingma and Ba, arXiv:1412.6980, where eps is not corrected for the start.
    """

    learning_rate: LearningRate
    b1: float
    b2: float
    eps: float

    def init(self, params: Tree) -> Tree:
        """Return means of zero."""
        return {"mean": _zeros(params), "squares": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""
        b1, b2, number = self.b1, self.b2, cast("float", step)
        rate = cast("float", learning_rate) * (1.0 - b2**number) ** 0.5 / (1.0 - b1**number)
        old = cast("dict[str, Tree]", state)
        new: list[tuple[Value, Value, Value]] = []
        for p, g, m, v in _columns(params, gradients, old["mean"], old["squares"]):
            m = b1 * m + (1.0 - b1) * g
            v = b2 * v + (1.0 - b2) * (g * g)
            root = np.sqrt(cast("np.ndarray[tuple[int, ...], np.dtype[np.float64]]", v))
            new.append((p - rate * m / (cast("Value", root) + self.eps), m, v))
        structure = flatten(params)[1]
        moved, mean, squares = (unflatten(structure, [row[i] for row in new]) for i in range(3))
        return moved, {"mean": mean, "squares": squares}


@dataclass(frozen=True, slots=True)
class ScikitSGD:
    """Gradient descent with momentum as scikit-learn has it.

    Notes
    -----
    ``v = momentum * v - rate * g``, then ``p += v``, with Nesterov's form ``p += momentum * v - rate * g``:
    the velocity remembers the rates of its time.
    """

    learning_rate: LearningRate
    momentum: float
    nesterov: bool

    def init(self, params: Tree) -> Tree:
        """Return a velocity of zero."""
        return {"velocity": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""
        new: list[tuple[Value, Value]] = []
        for p, g, v in _columns(params, gradients, cast("dict[str, Tree]", state)["velocity"]):
            down = cast("float", learning_rate) * g
            v = self.momentum * v - down
            new.append((p + (self.momentum * v - down if self.nesterov else v), v))
        structure = flatten(params)[1]
        moved, velocity = (unflatten(structure, [row[i] for row in new]) for i in range(2))
        return moved, {"velocity": velocity}
