"""Which simplifications follow from what the records say of their operations?

A law is a fact about real numbers. Here each is tried in floating point on edge values before it is
used: ``1 / (1 / x)`` is x to a mathematician only, ``-(-x)`` to the last bit. Equal means equal as
numbers: the sign of a zero may change, as in ``x + 0.0``. This file names no operation but through laws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tidu.compile.rewriting import Builder, Rewrite, Rule, is_number, name_of, orders
from tidu.core.graph import Node
from tidu.core.primitive import Primitive, find

__all__ = ["rules_from_laws"]

_PROBES = np.array(
    [0.0, -0.0, 0.1, -0.3, 0.5, 1.0, -1.0, 2.5, 3.0, -7.0, 49.0, -1e4, 1e4, 1e300, -1e-310, np.inf, -np.inf, np.nan]
)
_REAL_LINE = np.array([-1e4, -2.0, -0.5, 0.0, 0.5, 2.0, 1e4])


def rules_from_laws(primitive: Primitive) -> Iterator[Rule]:
    """Yield the rules that hold to the last bit for an elementwise `primitive`."""
    if primitive.kind.name != "elementwise":
        return
    name, laws, evaluate = primitive.name, primitive.laws, primitive.evaluate
    unary = len(primitive.samples) == 1
    if laws.identity is not None and _same(lambda x: evaluate(x, laws.identity), lambda x: x):
        yield Rule(f"identity of {name}", name, "literal", _identity(laws.identity))
    if laws.idempotent and not unary and _same(lambda x: evaluate(x, x), lambda x: x):
        yield Rule(
            f"{name} of equals", name, "", lambda b, n: n.operands[0] if n.operands[0] is n.operands[1] else None
        )
    if laws.idempotent and unary and _same(lambda x: evaluate(evaluate(x)), evaluate):
        yield Rule(f"{name} twice", name, name, lambda b, n: n.operands[0])
    if laws.involution and _same(lambda x: evaluate(evaluate(x)), lambda x: x):
        yield Rule(f"{name} undoes itself", name, name, _inner)
    if laws.even and _same(lambda x: evaluate(-x), evaluate):
        for inner in ("negative", "absolute"):
            yield Rule(f"{name} does not see the sign", name, inner, _without_sign)
    if laws.inverse and _is_one_to_one(laws.inverse):
        yield Rule(f"{name} undoes {laws.inverse}", name, laws.inverse, _inner)


def _inner(builder: Builder, node: Node) -> Node | None:
    x = node.operands[0].operands[0]
    return x if x.spec.dtype == node.spec.dtype else None


def _without_sign(builder: Builder, node: Node) -> Node | None:
    x = node.operands[0].operands[0]
    return builder.apply(name_of(node), x) if x.spec.dtype == node.spec.dtype else None


def _identity(value: float) -> Rewrite:
    def rewrite(builder: Builder, node: Node) -> Node | None:
        for x, other in orders(node):
            if is_number(other, value):
                return x
        return None

    return rewrite


@cache
def _is_one_to_one(name: str) -> bool:
    """Tell whether an operation takes every real number, and different ones to different ones."""
    primitive = find(name)
    if not primitive.laws.increasing or len(primitive.samples) != 1:
        return False
    with np.errstate(all="ignore"):
        return not np.isnan(primitive.evaluate(_REAL_LINE)).any()


def _same(
    one: Callable[[NDArray[np.float64]], NDArray[np.generic]],
    other: Callable[[NDArray[np.float64]], NDArray[np.generic]],
) -> bool:
    """Tell whether two functions agree as numbers on the edge values, NaN for NaN."""
    with np.errstate(all="ignore"):
        a, b = one(_PROBES), other(_PROBES)
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
