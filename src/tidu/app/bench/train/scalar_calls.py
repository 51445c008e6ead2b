"""What does one call cost where the work is nothing: scalars, Python floats in and out?

Value and all gradients of ``(x + y) * z`` and of a chain of sums and products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import tidu
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.scalar_tape import value_and_gradients
from tidu.app.bench.train.trainers import Foreign

__all__ = ["SCALAR_CALLS"]

Call: TypeAlias = Callable[[], Foreign]
"""Returns the value and a tuple of gradients, as Python floats."""


def _work(case: Case) -> tuple[Callable[..., Foreign], tuple[float, ...]]:
    """Return the function, in plain operators, and where it is taken."""
    if case.job == "product":
        return (lambda x, y, z: (x + y) * z), (-2.0, 5.0, -4.0)
    half = case.sizes[0] // 2

    def chain(x: Foreign, y: Foreign) -> Foreign:
        for _ in range(half):
            x = x * y
            x = x + y
        return x

    return chain, (0.5, 0.75)


def by_tidu(case: Case) -> Call:
    """Compiled by tidu."""
    function, at = _work(case)
    call = tidu.jit(tidu.value_and_grad(function, argnums=tuple(range(len(at)))))
    return lambda: call(*at)


def by_jax(case: Case) -> Call:
    """Compiled by JAX."""
    import jax

    function, at = _work(case)
    call = jax.jit(jax.value_and_grad(function, argnums=tuple(range(len(at)))))

    def floats() -> object:
        value, gradients = call(*at)
        return float(value), tuple(map(float, gradients))

    return floats


def by_torch(case: Case) -> Call:
    """By PyTorch's tape."""
    import torch

    function, at = _work(case)
    torch.set_num_threads(1)

    def floats() -> object:
        given = [torch.tensor(x, requires_grad=True) for x in at]
        value = function(*given)
        return value.item(), tuple(g.item() for g in torch.autograd.grad(value, given))

    return floats


def by_autograd(case: Case) -> Call:
    """By autograd."""
    import autograd

    function, at = _work(case)
    call = autograd.value_and_grad(function, tuple(range(len(at))))

    def floats() -> object:
        value, gradients = call(*at)
        return float(value), tuple(map(float, gradients))

    return floats


def by_python(case: Case) -> Call:
    """By forty lines of Python."""
    function, at = _work(case)
    return lambda: value_and_gradients(function, *at)


SCALAR_CALLS: dict[str, Callable[[Case], Call]] = {
    "tidu": by_tidu,
    "jax-step": by_jax,
    "torch": by_torch,
    "autograd": by_autograd,
    "python": by_python,
}
"""By the peer's name."""
