"""How are sums of exponentials kept from overflowing, and what becomes of the gradients through them?

Softmax and the logarithm of a sum are shifted by the largest element, unless the program does so itself.
Differentiation hands a softmax two cotangents; here they are joined so that what cancels in real numbers is
not computed: a softmax that its own logarithm divides by, and the gradient through the shift. Below, ``e`` is
an exponential, ``s`` its sum, ``y`` what is divided by it and ``ct`` a cotangent.

References: Blanchard, Higham & Higham, IMA J. Numer. Anal. 41 (2021) 2311.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.compile.rewriting import Builder, Rule, is_number, name_of, numerator, orders
from tidu.core.graph import Node
from tidu.core.spec import Shape

__all__ = ["SOFTMAX"]

_BOOL = np.dtype(bool)


def _axes_of_sum(s: Node, e: Node) -> Shape | None:
    """Return the axes where s is the sum of e and, broadcast against e, lines up with it."""
    if name_of(s) != "sum" or s.operands[0] is not e:
        return None
    axes = cast("Shape", s.params["axis"])
    lines_up = s.params["keepdims"] or axes == tuple(range(len(axes)))
    return axes if lines_up and _has_terms(e, axes) else None


def _has_terms(e: Node, axes: Shape) -> bool:
    return all(e.spec.shape[a] for a in axes)


def _is_shifted(u: Node, axes: Shape) -> bool:
    """Tell whether u has its largest element along the axes taken off already."""
    return _shift_of(u, axes) is not None


def _shift_of(u: Node, axes: Shape) -> Node | None:
    """Return m where u is z - m and m the largest z along the axes at least, perhaps only where that is finite."""
    if name_of(u) != "subtract":
        return None
    z, m = u.operands
    if name_of(m) == "where" and name_of(m.operands[0]) == "isfinite" and m.operands[0].operands[0] is m.operands[1]:
        m = m.operands[1]
    if name_of(m) == "max" and m.operands[0] is z and set(axes) <= set(cast("Shape", m.params["axis"])):
        return m
    return None


def _shifted(b: Builder, u: Node, axes: Shape) -> tuple[Node, Node] | None:
    """Return exp(u - m) and m, the largest u along the axes where it is finite, else 0.

    None if it would not be known again as shifted: then it would be shifted for ever.
    """
    largest = b.reduce("max", u, axes, True)
    finite = b.apply("isfinite", largest, dtype=_BOOL)
    m = b.apply("where", finite, largest, b.literal(0.0, u.spec.dtype))
    moved = b.apply("subtract", u, m)
    return (b.apply("exp", moved), m) if _is_shifted(moved, axes) else None


def _log_sum_exp(b: Builder, n: Node) -> Node | None:
    s = n.operands[0]
    if name_of(s.operands[0]) != "exp":
        return None
    u = s.operands[0].operands[0]
    axes, keepdims = cast("Shape", s.params["axis"]), bool(s.params["keepdims"])
    shifted = None if _is_shifted(u, axes) or not _has_terms(u, axes) else _shifted(b, u, axes)
    if shifted is None:
        return None
    e, m = shifted
    return b.apply("add", b.apply("log", b.reduce("sum", e, axes, keepdims)), b.reshape(m, s.spec.shape))


def _softmax(b: Builder, n: Node) -> Node | None:
    """Shift a softmax, and let its sum keep the axes: one form, which its gradient is compared with."""
    e, s = n.operands
    axes = _axes_of_sum(s, e)
    if name_of(e) != "exp" or axes is None:
        return None
    shifted = None if _is_shifted(e.operands[0], axes) else _shifted(b, e.operands[0], axes)
    if shifted is not None:
        e = shifted[0]
    elif s.params["keepdims"]:
        return None
    return b.apply("divide", e, b.reduce("sum", e, axes, True))


def _log_softmax(b: Builder, n: Node) -> Node | None:
    e, s = n.operands[0].operands
    if name_of(e) != "exp" or _axes_of_sum(s, e) is None:
        return None
    return b.apply("subtract", e.operands[0], b.apply("log", s))


def _softmax_slope(b: Builder, n: Node) -> Node | None:
    """Write (y / s) * e with what cannot overflow, and drop a softmax e / s that y was divided by.

    A softmax hands two such cotangents to e, through its numerator and through its sum: they come as a sum or
    a difference, and each is treated by itself.
    """
    for e, ct in orders(n):
        if name_of(e) != "exp":
            continue
        whole = _through_softmax(b, ct, e)
        if whole is not None:
            return whole if whole.spec.shape == n.spec.shape else None
        if name_of(ct) in ("add", "subtract"):
            parts = [_through_softmax(b, part, e) for part in ct.operands]
            if parts[0] is not None and parts[1] is not None:
                joined = b.apply(name_of(ct), parts[0], parts[1])
                return joined if joined.spec.shape == n.spec.shape else None
            if parts[0] is not None or parts[1] is not None:
                found = [
                    b.apply("multiply", part, e) if done is None else done
                    for part, done in zip(ct.operands, parts, strict=True)
                ]
                joined = b.apply(name_of(ct), found[0], found[1])
                return joined if joined.spec.shape == n.spec.shape else None
    return None


def _through_softmax(b: Builder, quotient: Node, e: Node) -> Node | None:
    """Return (y / s) * e, s being the sum of e, in a better form if there is one."""
    inner = quotient.operands[0] if name_of(quotient) == "reshape" else quotient
    if name_of(inner) != "divide" or name_of(inner.operands[1]) != "sum":
        return None
    y, s = inner.operands
    axes = cast("Shape", s.params["axis"])
    if s.operands[0] is not e or not _has_terms(e, axes) or not _lines_up(quotient, s, e, axes):
        return None
    if inner is not quotient:
        y = b.reshape(y, quotient.spec.shape)
    shifted = _is_shifted(e.operands[0], axes)
    softmax = _known_softmax(b, e, axes) if shifted else b.apply("divide", e, b.reduce("sum", e, axes, True))
    above = None if softmax is None else numerator(b, y, softmax)
    if above is not None or shifted or softmax is None:
        return above
    moved, total = softmax.operands
    return None if moved is e else b.apply("multiply", b.apply("divide", y, total), moved)


def _known_softmax(b: Builder, e: Node, axes: Shape) -> Node | None:
    """Return e / sum(e) if the program has it."""
    total = b.known("sum", e, axis=axes, keepdims=True)
    return None if total is None else b.known("divide", e, total)


def _lines_up(quotient: Node, s: Node, e: Node, axes: Shape) -> bool:
    """Tell whether y / s lines up with e: s has kept its axes, or they were put back."""
    if name_of(quotient) != "reshape":
        return _axes_of_sum(s, e) is not None
    return quotient.spec.shape == tuple([1 if a in axes else m for a, m in enumerate(e.spec.shape)])


def _undivided(b: Builder, n: Node) -> Node | None:
    """Return y for (y / q) * q with a softmax q, which is positive but for underflow."""
    for q, x in orders(n):
        if name_of(q) != "divide" or _axes_of_sum(q.operands[1], q.operands[0]) is None:
            continue
        if name_of(q.operands[0]) == "exp":
            y = numerator(b, x, q)
            if y is not None and y.spec.shape == n.spec.shape:
                return y
    return None


def _sum_of_quotients(b: Builder, n: Node) -> Node | None:
    """Divide by a sum of exponentials once, after adding up, where it is the same for all terms."""
    y, s = n.operands[0].operands
    axes = cast("Shape", n.params["axis"])
    if name_of(s) != "sum" or name_of(s.operands[0]) != "exp" or not n.params["keepdims"]:
        return None
    e = s.operands[0]
    over = _axes_of_sum(s, e)
    if over is None or not set(axes) <= set(over) or y.spec.shape != e.spec.shape:
        return None
    return b.apply("divide", b.reduce("sum", y, axes, True), b.reduce("sum", e, over, True))


def _slope_of_shift(b: Builder, n: Node) -> Node | None:
    """Drop the gradient through the largest element that a softmax is shifted by: it is zero.

    The row is ``where(z == m, ct / count, 0)`` with m the largest z, and ct is zero but for rounding. Where an
    infinity or a NaN is in z, it is in the gradient along the other way too.
    """
    chosen, ct, zero = n.operands
    if name_of(ct) == "negative":
        ct = ct.operands[0]
    if name_of(chosen) != "equal" or name_of(ct) != "divide" or not is_number(zero, 0.0):
        return None
    e = _canceling_exponential(b, ct.operands[0])
    if e is None or e.operands[0].operands[0] not in chosen.operands:
        return None
    m = _shift_of(e.operands[0], ())
    return b.broadcast(zero, n.spec.shape) if m is not None and m in chosen.operands else None


def _canceling_exponential(b: Builder, ct: Node) -> Node | None:
    """Return e = exp(z - m) where ct is ``sum(y - t / s * e)``, with t = sum(y) and s = sum(e), or its negative.

    The two sums may also have been taken apart.
    """
    if name_of(ct) == "subtract":
        for joined, t in (ct.operands, ct.operands[::-1]):
            if name_of(joined) == "sum":
                e = _share(b, joined.operands[0], t, joined)
                if e is not None:
                    return e
    if name_of(ct) == "sum" and name_of(ct.operands[0]) == "subtract":
        for y, share in (ct.operands[0].operands, ct.operands[0].operands[::-1]):
            if y.spec.shape == share.spec.shape:
                total = b.known("sum", y, axis=ct.params["axis"], keepdims=True)
                e = None if total is None else _share(b, share, total, ct)
                if e is not None:
                    return e
    return None


def _share(b: Builder, x: Node, t: Node, total: Node) -> Node | None:
    """Return e where x is ``(t / s) * e`` and s the sum of e as in `total`."""
    axes = cast("Shape", total.params["axis"])
    if name_of(x) != "multiply" or not total.params["keepdims"]:
        return None
    for e, quotient in orders(x):
        if name_of(e) == "exp" and name_of(quotient) == "divide" and quotient.operands[0] is t:
            s = b.known("sum", e, axis=axes, keepdims=True)
            if quotient.operands[1] is s and t.spec.shape == s.spec.shape and _is_shifted(e.operands[0], axes):
                return e
    return None


SOFTMAX: tuple[Rule, ...] = (
    Rule("log(sum(exp(u))) shifted by the largest", "log", "sum", _log_sum_exp),
    Rule("exp(u) / sum(exp(u)) shifted by the largest", "divide", "exp", _softmax),
    Rule("log(exp(u) / s) = u - log(s)", "log", "divide", _log_softmax),
    Rule("(y / s) * e with a shifted e", "multiply", "exp", _softmax_slope),
    Rule("(y / softmax) * softmax = y", "multiply", "divide", _undivided),
    Rule("sum(y / s) = sum(y) / s", "sum", "divide", _sum_of_quotients),
    Rule("no gradient through the shift", "where", "equal", _slope_of_shift, floating=False),
)
