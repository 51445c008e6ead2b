"""Which formulas with one exponential have a form that does not overflow, and what do their gradients become?

People write ``1 / (1 + exp(-x))`` and ``log(1 + exp(x))``; differentiation then writes their gradients with
the same exponential. Here both get the forms that the logistic primitive and `tidu.functions.stable` have,
so a program is as exact as if it had called those. A row never makes a value worse than NumPy's own, up to
rounding that is small beside the largest term. Below, ``o`` is a logistic value and ``ct`` a cotangent. Sums
of exponentials stand in `tidu.compile.softmax`.
"""

from __future__ import annotations

from tidu.compile.rewriting import Builder, Rule, is_number, name_of, numerator, orders
from tidu.core.graph import Node

__all__ = ["STABLE"]


def _other(x: Node, operation: str, operand: Node) -> Node | None:
    """Return y where x is operation(y, operand), in either order."""
    if name_of(x) == operation:
        for y, z in orders(x):
            if z is operand:
                return y
    return None


def _one_and_exp(x: Node) -> Node | None:
    """Return u where x is 1 + exp(u)."""
    if name_of(x) == "add":
        for one, e in orders(x):
            if is_number(one, 1.0) and name_of(e) == "exp":
                return e.operands[0]
    return None


def _reciprocal_logistic(b: Builder, n: Node) -> Node | None:
    u = _one_and_exp(n.operands[0])
    return None if u is None else b.apply("logistic", b.negative(u))


def _divide_logistic(b: Builder, n: Node) -> Node | None:
    y, d = n.operands
    u = _one_and_exp(d)
    return None if u is None else b.apply("multiply", y, b.apply("logistic", b.negative(u)))


def _slope(b: Builder, o: Node) -> Node:
    """Return o * (1 - o)."""
    return b.apply("multiply", o, b.apply("subtract", b.one(o), o))


def _multiply_exp(b: Builder, n: Node) -> Node | None:
    """Join exp(u) with logistic(-u): twice it is there in a derivative, once in exp(u) / (1 + exp(u))."""
    for e, rest in orders(n):
        if name_of(e) != "exp":
            continue
        u = e.operands[0]
        o = _known_logistic(b, u)
        if o is None:
            continue
        squared = b.known("square", o)
        if rest is squared:
            return _slope(b, o)
        if rest is o:
            return b.apply("logistic", u)
        ct = None if squared is None else _other(rest, "multiply", squared)
        if ct is not None:
            return b.apply("multiply", ct, _slope(b, o))
        once = _other(rest, "multiply", o)
        if once is not None:
            ct = _other(once, "multiply", o)
            if ct is not None:
                return b.apply("multiply", ct, _slope(b, o))
            return b.apply("multiply", once, b.apply("logistic", u))
    return None


def _known_logistic(b: Builder, u: Node) -> Node | None:
    """Return logistic(-u) if the program has it."""
    match name_of(u):
        case "negative":
            minus: Node | None = u.operands[0]
        case "subtract":
            minus = b.known("subtract", u.operands[1], u.operands[0])
        case _:
            minus = b.known("negative", u)
    return None if minus is None else b.known("logistic", minus)


def _log_of_sum_with_one(b: Builder, n: Node) -> Node | None:
    u = _one_and_exp(n.operands[0])
    return None if u is None else _softplus(b, u)


def _log1p_of_exp(b: Builder, n: Node) -> Node:
    return _softplus(b, n.operands[0].operands[0])


def _softplus(b: Builder, u: Node) -> Node:
    return b.apply("logaddexp", u, b.literal(0.0, u.spec.dtype))


def _log_of_logistic(b: Builder, n: Node) -> Node:
    return b.negative(_softplus(b, b.negative(n.operands[0].operands[0])))


def _log_of_complement(b: Builder, n: Node) -> Node | None:
    o = _complemented(n.operands[0])
    return None if o is None else b.negative(_softplus(b, o.operands[0]))


def _log1p_of_complement(b: Builder, n: Node) -> Node | None:
    o = n.operands[0].operands[0]
    return b.negative(_softplus(b, o.operands[0])) if name_of(o) == "logistic" else None


def _complemented(x: Node) -> Node | None:
    """Return o where x is 1 - o."""
    if name_of(x) == "subtract" and is_number(x.operands[0], 1.0) and name_of(x.operands[1]) == "logistic":
        return x.operands[1]
    return None


def _entropy_slope(b: Builder, n: Node) -> Node | None:
    """Cancel o and 1 - o, which a logarithm's cotangent has below and the logistic's slope above.

    So for each quotient by itself, and for the difference or sum of two that a cross entropy has.
    """
    for ct, slope in orders(n):
        factors = _sloped(slope)
        if factors is None:
            continue
        whole = _canceled(b, ct, factors)
        if whole is not None:
            return whole
        if name_of(ct) in ("add", "subtract"):
            parts = [_canceled(b, part, factors) for part in ct.operands]
            if parts[0] is not None and parts[1] is not None:
                return b.apply(name_of(ct), parts[0], parts[1])
    return None


def _sloped(x: Node) -> tuple[Node, Node] | None:
    """Return o and 1 - o where x is their product."""
    if name_of(x) == "multiply":
        for o, rest in orders(x):
            if name_of(o) == "logistic" and _complemented(rest) is o:
                return o, rest
    return None


def _canceled(b: Builder, ct: Node, factors: tuple[Node, Node]) -> Node | None:
    """Return ct times both factors where ct has one of the two as its denominator."""
    for below, left in (factors, factors[::-1]):
        above = numerator(b, ct, below)
        if above is not None:
            return b.apply("multiply", above, left)
    return None


STABLE: tuple[Rule, ...] = (
    Rule("1 / (1 + exp(u)) = logistic(-u)", "reciprocal", "add", _reciprocal_logistic),
    Rule("y / (1 + exp(u)) = y * logistic(-u)", "divide", "add", _divide_logistic),
    Rule("ct * o * o * exp(-u) = ct * (o * (1 - o))", "multiply", "exp", _multiply_exp),
    Rule("ct / o * (o * (1 - o)) = ct * (1 - o)", "multiply", "multiply", _entropy_slope),
    Rule("log(1 + exp(u)) = logaddexp(u, 0)", "log", "add", _log_of_sum_with_one),
    Rule("log1p(exp(u)) = logaddexp(u, 0)", "log1p", "exp", _log1p_of_exp),
    Rule("log(o(u)) = -logaddexp(-u, 0)", "log", "logistic", _log_of_logistic),
    Rule("log(1 - o(u)) = -logaddexp(u, 0)", "log", "subtract", _log_of_complement),
    Rule("log1p(-o(u)) = -logaddexp(u, 0)", "log1p", "negative", _log1p_of_complement),
)
