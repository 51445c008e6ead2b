"""How does one step change the parameters, given their gradient: pure pairs of `init` and `update`.

An optimizer is a frozen record of its settings. Its state is nested like the parameters and is handed
in and out, so a step is one pure function that can be traced as a whole. The formulas are PyTorch's; where
optax writes them otherwise the numbers are the same. This file knows nothing of data and loops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast, runtime_checkable

from tidu.core.value import Value
from tidu.functions.creation import zeros_like
from tidu.learn.schedules import LearningRate, as_schedule, require_number
from tidu.ops.power import sqrt
from tidu.trace.tree import flatten, map_tree, unflatten

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "Tree"]

Tree: TypeAlias = object
"""Nested dicts, lists, tuples or dataclasses of arrays."""
LeafRule: TypeAlias = Callable[..., tuple[Value, ...]]


@runtime_checkable
class Optimizer(Protocol):
    """A way to go downhill."""

    @property
    def learning_rate(self) -> LearningRate:
        """The learning rate, or its schedule."""
        ...

    def init(self, params: Tree) -> Tree:
        """Return the state before the first step."""
        ...

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Return new parameters and the new state; `step` counts from 1.

        `learning_rate` and `step` are Python floats, or stand for them: so float32 stays float32.
        """
        ...


def _zeros(params: Tree) -> Tree:
    return map_tree(zeros_like, params)


def _leafwise(rule: LeafRule, params: Tree, gradients: Tree, *slots: Tree) -> list[Tree]:
    """Apply ``rule(param, gradient, *slots)`` to the leaves; return one tree for each of its results."""
    leaves, structure = flatten(params)
    columns = [leaves, flatten(gradients)[0], *[flatten(slot)[0] for slot in slots]]
    rows = [rule(*row) for row in zip(*columns, strict=True)]
    return [unflatten(structure, [row[i] for row in rows]) for i in range(1 + len(slots))]


@dataclass(frozen=True, slots=True)
class SGD:
    """Gradient descent, with momentum and Nesterov's form of it if wanted.

    Parameters
    ----------
    learning_rate : float or Schedule
    momentum : float
        From 0 to below 1, dimensionless.
    nesterov : bool
        Look ahead along the velocity; needs momentum.

    Notes
    -----
    ``v = momentum * v + g``, then ``p -= learning_rate * v``, or with Nesterov's form
    ``p -= learning_rate * (g + momentum * v)``: as ``torch.optim.SGD`` and ``optax.sgd``.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
    learning, ICML 2013.
    """

    learning_rate: LearningRate
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        require_number("momentum", self.momentum, 0.0, 1.0)
        if self.nesterov:
            require_number("momentum with nesterov=True", self.momentum, 0.0, 1.0, open_low=True)

    def init(self, params: Tree) -> Tree:
        """Return a velocity of zero; nothing without momentum."""
        return {"velocity": _zeros(params)} if self.momentum else {}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""
        if not self.momentum:
            (params,) = _leafwise(lambda p, g: (p - learning_rate * g,), params, gradients)
            return params, {}

        def rule(p: Value, g: Value, v: Value) -> tuple[Value, ...]:
            v = self.momentum * v + g
            return p - learning_rate * (g + self.momentum * v if self.nesterov else v), v

        params, velocity = _leafwise(rule, params, gradients, cast("dict[str, Tree]", state)["velocity"])
        return params, {"velocity": velocity}


@dataclass(frozen=True, slots=True)
class Adagrad:
    """Divides by the root of the sum of all squared gradients so far.

    Notes
    -----
    ``s += g**2; p -= learning_rate * g / (sqrt(s) + eps)``, as ``torch.optim.Adagrad``.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 12 (2011).
    """

    learning_rate: LearningRate = 1e-2
    eps: float = 1e-10

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        require_number("eps", self.eps, 0.0)

    def init(self, params: Tree) -> Tree:
        """Return sums of zero."""
        return {"squares": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""

        def rule(p: Value, g: Value, s: Value) -> tuple[Value, ...]:
            s = s + g * g
            return p - learning_rate * g / (sqrt(s) + self.eps), s

        params, squares = _leafwise(rule, params, gradients, cast("dict[str, Tree]", state)["squares"])
        return params, {"squares": squares}


@dataclass(frozen=True, slots=True)
class RMSprop:
    """Divides by the root of a running mean of squared gradients.

    Parameters
    ----------
    learning_rate : float or Schedule
    decay : float
        Share of the old mean that is kept at each step.
    eps : float

    Notes
    -----
    ``s = decay * s + (1 - decay) * g**2; p -= learning_rate * g / (sqrt(s) + eps)``, as
    ``torch.optim.RMSprop`` (its `alpha` is `decay`).

    References
    ----------
    Tieleman and Hinton, Lecture 6.5, Neural networks for machine learning, 2012.
    """

    learning_rate: LearningRate = 1e-2
    decay: float = 0.99
    eps: float = 1e-8

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        require_number("decay", self.decay, 0.0, 1.0)
        require_number("eps", self.eps, 0.0)

    def init(self, params: Tree) -> Tree:
        """Return means of zero."""
        return {"squares": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""

        def rule(p: Value, g: Value, s: Value) -> tuple[Value, ...]:
            s = self.decay * s + (1.0 - self.decay) * (g * g)
            return p - learning_rate * g / (sqrt(s) + self.eps), s

        params, squares = _leafwise(rule, params, gradients, cast("dict[str, Tree]", state)["squares"])
        return params, {"squares": squares}


@dataclass(frozen=True, slots=True)
class Adam:
    """Running means of the gradient and of its square, corrected for their start at zero.

    Parameters
    ----------
    learning_rate : float or Schedule
    b1, b2 : float
        Share of the old mean of the gradient, and of its square, that is kept at each step.
    eps : float
        Added to the root, after the correction.

    Notes
    -----
    ``m = b1 * m + (1 - b1) * g; s = b2 * s + (1 - b2) * g**2`` and
    ``p -= learning_rate * (m / (1 - b1**t)) / (sqrt(s / (1 - b2**t)) + eps)`` at step t, from 1: as
    ``torch.optim.Adam`` and ``optax.adam``. (scikit-learn adds `eps` before the correction.)

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980, algorithm 1.
    """

    learning_rate: LearningRate = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        require_number("b1", self.b1, 0.0, 1.0)
        require_number("b2", self.b2, 0.0, 1.0)
        require_number("eps", self.eps, 0.0)

    def init(self, params: Tree) -> Tree:
        """Return means of zero."""
        return {"mean": _zeros(params), "squares": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""
        return _adam(self, gradients, state, params, learning_rate, step, 0.0)


@dataclass(frozen=True, slots=True)
class AdamW:
    """Adam, and apart from it the parameters shrink at each step.

    Parameters
    ----------
    learning_rate, b1, b2, eps
        As in `Adam`.
    weight_decay : float
        Each step subtracts ``learning_rate * weight_decay * p``. It falls on all parameters, biases too,
        as in ``torch.optim.AdamW``.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101.
    """

    learning_rate: LearningRate = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        as_schedule(self.learning_rate)
        require_number("b1", self.b1, 0.0, 1.0)
        require_number("b2", self.b2, 0.0, 1.0)
        require_number("eps", self.eps, 0.0)
        require_number("weight_decay", self.weight_decay, 0.0)

    def init(self, params: Tree) -> Tree:
        """Return means of zero."""
        return {"mean": _zeros(params), "squares": _zeros(params)}

    def update(
        self, gradients: Tree, state: Tree, params: Tree, learning_rate: object, step: object
    ) -> tuple[Tree, Tree]:
        """Take one step."""
        return _adam(self, gradients, state, params, learning_rate, step, self.weight_decay)


def _adam(
    settings: Adam | AdamW,
    gradients: Tree,
    state: Tree,
    params: Tree,
    learning_rate: object,
    step: object,
    weight_decay: float,
) -> tuple[Tree, Tree]:
    b1, b2 = settings.b1, settings.b2
    # Python floats, or weak scalars of a trace: they take the dtype of each leaf. What is the same for all
    # elements is worked out once, so that each element costs one root and one division.
    rate = cast("float", learning_rate)
    step_size = rate / (1.0 - b1 ** cast("float", step))
    unbias_root = (1.0 - b2 ** cast("float", step)) ** -0.5
    shrinking = rate * weight_decay

    def rule(p: Value, g: Value, m: Value, s: Value) -> tuple[Value, ...]:
        m = b1 * m + (1.0 - b1) * g
        s = b2 * s + (1.0 - b2) * (g * g)
        moved = p - step_size * m / (sqrt(s) * unbias_root + settings.eps)
        return (moved - shrinking * p if weight_decay else moved), m, s

    old = cast("dict[str, Tree]", state)
    params, mean, squares = _leafwise(rule, params, gradients, old["mean"], old["squares"])
    return params, {"mean": mean, "squares": squares}
