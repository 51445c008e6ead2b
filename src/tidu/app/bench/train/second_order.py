"""How fast are the Hessian of a network's loss, and its product with a vector?

For the small network the parameters are one vector; the Hessian is taken of the loss as a function of it.
Every peer is handed its own kind of arrays and hands such back.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias, cast

import numpy as np

import tidu
from tidu.app.bench.train.arrays import Arrays, Weights
from tidu.app.bench.train.by_jax import jax_loss
from tidu.app.bench.train.by_tidu import network_loss
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import Foreign

__all__ = ["SECOND_ORDER"]

_WIDE = 64
Call: TypeAlias = Callable[[], object]
"""Computes, waits until it is done, and returns the result."""


def _direction(weights: Weights) -> Weights:
    rng = np.random.default_rng(11)
    return [tuple(rng.normal(size=p.shape).astype(np.float32) for p in layer) for layer in weights]  # type: ignore[misc]


def _flat(weights: Weights) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.concatenate([p.ravel() for layer in weights for p in layer])


def _layers(flat: Foreign, sizes: tuple[int, ...]) -> Foreign:
    """Cut a vector into the layers' weights; the same code for every library that slices as NumPy does."""
    layers, start = [], 0
    for inputs, outputs in pairwise(sizes):
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        layers.append((flat[start:middle].reshape(inputs, outputs), flat[middle:end]))
        start = end
    return layers


def by_tidu(case: Case, arrays: Arrays) -> Call:
    """Return the derivative of a case, compiled by tidu."""
    loss = network_loss(case)
    X, y = arrays.X, arrays.y
    if case.job == "hessian":
        compiled = tidu.jit(lambda flat, X, y: tidu.hessian(lambda p: loss(_layers(p, case.sizes), (X, y)))(flat))
        flat = _flat(arrays.weights)
        return lambda: compiled(flat, X, y)
    product = tidu.jit(lambda p, v, X, y: tidu.hvp(lambda q: loss(q, (X, y)), (p,), (v,)))
    direction = _direction(arrays.weights)
    return lambda: product(arrays.weights, direction, X, y)


def by_jax(case: Case, arrays: Arrays) -> Call:
    """Return the derivative of a case, compiled by JAX: forward over reverse."""
    import jax

    loss = jax_loss(case)
    X, y = jax.device_put(arrays.X), jax.device_put(arrays.y)
    if case.job == "hessian":
        compiled = jax.jit(lambda flat, X, y: jax.hessian(lambda p: loss(_layers(p, case.sizes), X, y))(flat))
        flat = jax.device_put(_flat(arrays.weights))
        return lambda: jax.block_until_ready(compiled(flat, X, y))
    product = jax.jit(lambda p, v, X, y: jax.jvp(jax.grad(lambda q: loss(q, X, y)), (p,), (v,))[1])
    params, direction = jax.device_put(arrays.weights), jax.device_put(_direction(arrays.weights))
    return lambda: jax.block_until_ready(product(params, direction, X, y))


def by_torch(case: Case, arrays: Arrays) -> Call:
    """Return the derivative of a case by `torch.func`."""
    import torch

    if max(case.sizes) < _WIDE:
        torch.set_num_threads(1)  # where the work is small, a second thread only costs
    X, y = torch.from_numpy(arrays.X), torch.from_numpy(arrays.y)
    hidden = torch.relu if case.activation == "relu" else torch.tanh

    def loss(params: Foreign) -> Foreign:
        h = X
        for W, b in params[:-1]:
            h = hidden(h @ W + b)
        scores = h @ params[-1][0] + params[-1][1]
        if case.loss == "squared":
            return torch.mean((scores - y) ** 2)
        return torch.nn.functional.cross_entropy(scores, y)

    if case.job == "hessian":
        flat = torch.from_numpy(_flat(arrays.weights))
        hessian = torch.func.hessian(lambda p: loss(_layers(p, case.sizes)))
        return lambda: hessian(flat)
    params, direction = (
        [tuple(map(torch.from_numpy, layer)) for layer in one] for one in (arrays.weights, _direction(arrays.weights))
    )
    gradient = torch.func.grad(loss)
    return lambda: cast("tuple[object, object]", torch.func.jvp(gradient, (params,), (direction,)))[1]


SECOND_ORDER: dict[str, Callable[[Case, Arrays], Call]] = {"tidu": by_tidu, "jax-step": by_jax, "torch": by_torch}
"""By the peer's name."""
