"""What is one step of training: the gradient of the user's loss, its clipping, and the update.

It is one pure function, to be traced and run as a whole. This file knows nothing of data and epochs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tidu.core.bind import spec_of
from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.learn.optimizers import Optimizer, Tree
from tidu.nn.random import fold_in
from tidu.ops.arithmetic import multiply, square
from tidu.ops.convert import astype
from tidu.ops.extremes import maximum
from tidu.ops.power import sqrt
from tidu.ops.reduce import sum_
from tidu.trace.tree import flatten, unflatten
from tidu.transforms.gradients import value_and_grad

__all__ = ["LossFunction", "Step", "loss_function", "make_step"]

Step = Callable[..., tuple[Tree, Tree, object, list[object]]]
"""``step(params, state, batch, learning_rate, number, key)`` -> params, state, loss, squared gradient norms."""


@dataclass(frozen=True, slots=True)
class LossFunction:
    """The user's loss, and whether it draws random numbers.

    Parameters
    ----------
    function : callable
        ``loss(params, batch)``, or with a key as third argument or as the argument ``key``.
    key : {"none", "third", "named"}
        How it takes a key: not at all, as its third argument, or as the argument ``key``.
    needs_key : bool
        Whether it cannot be called without.
    """

    function: Callable[..., object]
    key: Literal["none", "third", "named"] = "none"
    needs_key: bool = False

    def with_key(self, params: object, batch: object, key: object) -> object:
        """Return the loss as training sees it."""
        match self.key:
            case "none":
                return self.function(params, batch)
            case "named":
                return self.function(params, batch, key=key)
            case "third":
                return self.function(params, batch, key)

    def without_key(self, params: object, batch: object) -> object:
        """Return the loss as validation sees it."""
        return self.function(params, batch)


def loss_function(loss: object) -> LossFunction:
    """Find out how a loss wants to be called.

    Raises
    ------
    ParameterError
        If it is not callable, or does not take parameters and a batch.
    """
    if not callable(loss):
        raise ParameterError(f"loss must be a function loss(params, batch); got {type(loss).__name__}", got=loss)
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):  # a builtin without signature
        return LossFunction(loss)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    open_ended = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(positional) < 2 and not open_ended:
        raise ParameterError(
            f"loss must take (params, batch) or (params, batch, key); it takes {len(positional)} argument(s)",
            got=len(positional),
        )
    for i, p in enumerate(parameters):
        if p.name == "key" and p.kind is not p.POSITIONAL_ONLY:
            return LossFunction(loss, "named", p.default is p.empty)
        if i == 2 and p in positional and p.default is p.empty:
            return LossFunction(loss, "third", True)
    return LossFunction(loss)


def make_step(loss: LossFunction, optimizer: Optimizer, clip_norm: float | None, *, with_norms: bool = False) -> Step:
    """Return the step as a pure function; its last result is empty unless `with_norms`.

    The key of step number t is ``fold_in(key, t)``, t from 1, so its random numbers depend on the seed and
    on t alone.
    """

    def step(
        params: Tree, state: Tree, batch: object, learning_rate: object, number: object, key: object
    ) -> tuple[Tree, Tree, object, list[object]]:
        drawn = fold_in(key, number) if loss.key != "none" else key
        value, gradients = value_and_grad(loss.with_key)(params, batch, drawn)
        leaves, structure = flatten(gradients)
        squares = [sum_(square(g)) for g in leaves] if with_norms or clip_norm is not None else []
        if clip_norm is not None:
            gradients = unflatten(structure, _clipped(leaves, squares, clip_norm))
        params, state = optimizer.update(gradients, state, params, learning_rate, number)
        return params, state, value, [*squares] if with_norms else []

    return step


def _clipped(leaves: list[object], squares: list[Value], clip_norm: float) -> list[object]:
    """Scale all gradients by one factor so that their global norm is at most `clip_norm`.

    ``g * clip_norm / max(norm, clip_norm)`` as in optax's ``clip_by_global_norm``: gradients within the
    limit stay as they are, to the bit. (PyTorch adds 1e-6 to the norm.) Pascanu, Mikolov and Bengio, On the
    difficulty of training recurrent neural networks, ICML 2013.
    """
    total = squares[0]
    for one in squares[1:]:
        total = total + one
    scale = clip_norm / maximum(sqrt(total), clip_norm)
    return [multiply(g, astype(scale, spec_of(g).dtype)) for g in leaves]
