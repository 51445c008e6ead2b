"""Whole derivative matrices: jacobian and hessian, by pulling back every basis vector at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

import numpy as np

from tidu.core.spec import is_differentiable
from tidu.core.structural import broadcast_to, reshape
from tidu.errors import DtypeError
from tidu.trace.tree import Structure, unflatten
from tidu.transforms.batching import run_batched
from tidu.transforms.gradients import ArgumentNumbers, Linearized, argument_numbers, grad, like, linearize, mark

__all__ = ["hessian", "jacobian"]


def jacobian(fun: Callable[..., object], argnums: ArgumentNumbers = 0) -> Callable[..., object]:
    """Make a function that returns the matrix of all partial derivatives of `fun`.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with real floating-point results in nested containers.
    argnums : int or sequence of int
        Which positional arguments to differentiate.

    Returns
    -------
    callable
        For a result of shape ``s`` and an argument of shape ``t`` an array of shape ``s + t``, nested as the
        result and inside as the argument (a tuple of such for a sequence of argnums), as in JAX.

    Notes
    -----
    One forward run; one backward run with a batch axis as long as the result.

    Examples
    --------
    >>> jacobian(lambda x: x * x)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    numbers, single = argument_numbers(fun, argnums)

    @wraps(fun)
    def differentiated(*arguments: object, **keywords: object) -> object:
        marked = mark(numbers, len(arguments))
        at, structures = linearize(fun, arguments, marked, "jacobian", keywords)
        order = sorted({n % len(arguments) for n in numbers})
        blocks = []
        for position in range(len(at.traced.graph.outputs)):
            by_leaf = _pull_basis(at, position)
            nested = dict(zip(order, _nest(structures, by_leaf), strict=True))
            wanted = [nested[n % len(arguments)] for n in numbers]
            blocks.append(wanted[0] if single else tuple(wanted))
        return at.traced.result(blocks)

    return differentiated


def _nest(structures: Sequence[Structure], leaves: Sequence[object]) -> list[object]:
    rest = iter(leaves)
    return [unflatten(structure, [next(rest) for _ in range(structure.n_leaves)]) for structure in structures]


def _pull_basis(at: Linearized, position: int) -> list[object]:
    """Return, for each differentiated leaf, the derivative of one output: shape of output + shape of leaf."""
    outputs = at.traced.graph.outputs
    spec = outputs[position].spec
    if not is_differentiable(spec.dtype):
        raise DtypeError(f"jacobian: a result has dtype {spec.dtype}, which has no derivative", got=spec.dtype)
    identity = np.eye(spec.size, dtype=spec.dtype)
    identity.flags.writeable = False  # so that `jit`, which captures views of it, knows that they stay as they are
    basis = identity.reshape(spec.size, *spec.shape)
    cts = [basis if i == position else np.zeros(x.spec.shape, x.spec.dtype) for i, x in enumerate(outputs)]
    inputs = [*at.leaves, *at.traced.captures, *cts, *at.back.captures]
    before = len(at.leaves) + len(at.traced.captures)
    flags = [i == before + position for i in range(len(inputs))]
    with np.errstate(all="ignore"):
        found, batched = run_batched(at.back.graph, inputs, flags, at.traced.values)
    shapes = [node.spec.shape for node in at.traced.graph.inputs[: len(at.leaves)]]
    blocks: list[object] = []
    for leaf, x, flag, shape in zip(at.leaves, found, batched, shapes, strict=True):
        full = x if flag else broadcast_to(x, (spec.size, *shape))
        blocks.append(like(leaf, reshape(full, (*spec.shape, *shape))))
    return blocks


def hessian(fun: Callable[..., object], argnums: ArgumentNumbers = 0) -> Callable[..., object]:
    """Make a function that returns the matrix of second derivatives of a scalar function.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with a scalar real result.
    argnums : int or sequence of int
        Which positional arguments to differentiate.

    Returns
    -------
    callable
        For an argument of shape ``t`` an array of shape ``t + t``; nested twice as the argument.

    Examples
    --------
    >>> hessian(lambda x: x * x * x)(2.0)
    12.0
    """
    return jacobian(grad(fun, argnums), argnums)
