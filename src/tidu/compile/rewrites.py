"""Which operations can be replaced by simpler ones, whatever program they stand in?

Every row keeps each value to a couple of units in the last place, up to the sign of a zero. So ``0 * x``
stays (x may be infinite), sums are not regrouped, and numbers are merged only where their product is
an ordinary number. Movement and arithmetic of one operand or two; the stable forms of exponentials
stand in `tidu.compile.stable` and `tidu.compile.softmax`, what the records' laws say in `tidu.compile.laws`.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from tidu.compile.rewriting import Builder, Rule, is_number, joint_shape, name_of, number, orders, uniform
from tidu.core.graph import Literal, Node, Operation
from tidu.core.primitive import find
from tidu.core.spec import Dtype, Shape, Spec

__all__ = ["RULES", "narrow_operands"]


def narrow_operands(b: Builder, n: Node) -> Node | None:
    """Let an elementwise operation repeat its operands itself; what all of them repeat is repeated afterwards."""
    operands = tuple(
        [
            _strong(b, x.operands[0]) if name_of(x) == "broadcast_to" and _is_plain(x.operands[0]) else x
            for x in n.operands
        ]
    )
    if operands == n.operands:
        return None
    op = cast("Operation", n.op)
    narrow = b.make(op.primitive, operands, op.params, Spec(joint_shape(operands), n.spec.dtype))
    return b.broadcast(narrow, n.spec.shape)


def _is_plain(x: Node) -> bool:
    """Tell whether a value keeps its dtype among others: a Python number would give way."""
    return not x.spec.weak or type(x.op) is Literal


def _strong(b: Builder, x: Node) -> Node:
    return b.literal(x.op.value, x.spec.dtype) if x.spec.weak and type(x.op) is Literal else x


# Signs go outward, where they meet and cancel. So a number does not swallow one: -(c * x) keeps its sign outside.


def _negative_of_difference(b: Builder, n: Node) -> Node:
    x, y = n.operands[0].operands
    return b.apply("subtract", y, x, dtype=n.spec.dtype)


def _negative_of_product(b: Builder, n: Node) -> Node | None:
    inner = n.operands[0]
    x, y = inner.operands
    if name_of(x) == "negative":
        return b.make(find("matmul"), (x.operands[0], y), {}, inner.spec)
    if name_of(y) == "negative":
        return b.make(find("matmul"), (x, y.operands[0]), {}, inner.spec)
    return None


def _matmul_of_negatives(b: Builder, n: Node) -> Node | None:
    x, y = n.operands
    if name_of(x) == name_of(y) == "negative":
        return b.make(find("matmul"), (x.operands[0], y.operands[0]), {}, n.spec)
    return None


def _add_negative(b: Builder, n: Node) -> Node | None:
    for x, y in orders(n):
        if name_of(y) == "negative":
            return b.apply("subtract", x, y.operands[0])
    return None


def _subtract_negative(b: Builder, n: Node) -> Node | None:
    x, y = n.operands
    return b.apply("add", x, y.operands[0]) if name_of(y) == "negative" else None


def _scale_negative(b: Builder, n: Node) -> Node:
    """Of a product or a quotient."""
    x, y = n.operands
    if name_of(x) == "negative":
        return b.negative(b.apply(name_of(n), x.operands[0], y))
    return b.negative(b.apply(name_of(n), x, y.operands[0]))


def _move_negative(b: Builder, n: Node) -> Node:
    """Of an operation that only moves or adds elements up."""
    op = cast("Operation", n.op)
    return b.negative(b.make(op.primitive, n.operands[0].operands, op.params, n.spec.strong))


# Arithmetic with numbers.


def _subtract_number(b: Builder, n: Node) -> Node | None:
    x, y = n.operands
    if is_number(y, 0.0):
        return x
    return b.negative(y) if is_number(x, 0.0) else None


def _multiply_number(b: Builder, n: Node) -> Node | None:
    for x, c in orders(n):
        value = number(c)
        if value is None:
            continue
        if value == -1.0:
            return b.negative(x)
        if name_of(x) == "multiply":
            for y, d in orders(x):
                other = number(d)
                if other is not None and _is_ordinary(cast("float", value * other), n.spec.dtype):
                    return b.apply("multiply", y, b.literal(_rounded(cast("float", value * other), n), n.spec.dtype))
    return None


def _divide_number(b: Builder, n: Node) -> Node | None:
    x, y = n.operands
    divisor = cast("float | None", number(y))
    if divisor is None:
        return b.apply("reciprocal", y) if is_number(x, 1.0) else None
    if divisor == 1.0:
        return x
    if _is_ordinary(divisor, n.spec.dtype) and abs(math.frexp(divisor)[0]) == 0.5:
        inverse = 1.0 / divisor
        if _is_ordinary(inverse, n.spec.dtype):
            return b.apply("multiply", x, b.literal(inverse, n.spec.dtype))
    return None


def _is_ordinary(value: float, dtype: Dtype) -> bool:
    """Tell whether a number is neither so large nor so small that it loses digits."""
    info = np.finfo(dtype)  # type: ignore[type-var]
    return float(info.tiny) <= abs(value) <= float(info.max)


def _rounded(value: float, n: Node) -> float:
    return float(n.spec.dtype.type(value))


def _square(b: Builder, n: Node) -> Node | None:
    x, y = n.operands
    return b.apply("square", x) if x is y else None


def _power_number(b: Builder, n: Node) -> Node | None:
    """Take small whole powers as products; roots differ from powers at -0 and -inf."""
    x, exponent = n.operands
    match number(exponent):
        case 1:
            return x
        case 2:
            return b.apply("square", x)
        case 3:
            return b.apply("multiply", b.apply("square", x), x)
        case -1:
            return b.apply("reciprocal", x)
        case _:
            return None


# Choices.


def _where_alike(b: Builder, n: Node) -> Node | None:
    _, x, y = n.operands
    if x is y and x.spec.dtype == n.spec.dtype:
        return b.broadcast(x, n.spec.shape)
    return None


def _where_known(b: Builder, n: Node) -> Node | None:
    c, x, y = n.operands
    value = number(c)
    if value is None:
        return None
    chosen = x if value else y
    return b.broadcast(chosen, n.spec.shape) if chosen.spec.dtype == n.spec.dtype else None


def _where_not(b: Builder, n: Node) -> Node | None:
    c, x, y = n.operands
    if name_of(c) != "logical_not":
        return None
    return b.apply("where", c.operands[0], y, x, dtype=n.spec.dtype)


def _where_again(b: Builder, n: Node) -> Node | None:
    """A choice by the same condition has been made outside."""
    c, x, y = n.operands
    if name_of(x) == "where" and x.operands[0] is c and x.spec.shape == n.spec.shape == x.operands[1].spec.shape:
        x = x.operands[1]
    if name_of(y) == "where" and y.operands[0] is c and y.spec.shape == n.spec.shape == y.operands[2].spec.shape:
        y = y.operands[2]
    return None if (c, x, y) == n.operands else b.apply("where", c, x, y, dtype=n.spec.dtype)


# Movement.


def _shape_of(n: Node) -> Shape:
    return cast("Shape", n.params["shape"])


def _to_same_shape(b: Builder, n: Node) -> Node | None:
    return n.operands[0] if n.operands[0].spec.shape == n.spec.shape else None


def _reshape_again(b: Builder, n: Node) -> Node:
    return b.reshape(n.operands[0].operands[0], n.spec.shape)


def _reshape_reduced(b: Builder, n: Node) -> Node | None:
    return _with_axes(b, n.operands[0], n.spec.shape)


def _with_axes(b: Builder, reduced: Node, shape: Shape) -> Node | None:
    """Let a reduction keep its axes, or drop them, itself, if that gives the shape."""
    if name_of(reduced) not in _REDUCTIONS:
        return None
    op = cast("Operation", reduced.op)
    x, keepdims = reduced.operands[0], not op.params["keepdims"]
    axes = cast("Shape", op.params["axis"])
    kept = tuple([1 if a in axes else m for a, m in enumerate(x.spec.shape) if keepdims or a not in axes])
    if kept != shape:
        return None
    return b.make(op.primitive, (x,), {"axis": axes, "keepdims": keepdims}, Spec(kept, reduced.spec.dtype))


def _reshape_of_reduced(b: Builder, n: Node) -> Node | None:
    """Bring a reshape to the reduction below a logarithm or a quotient."""
    inner = n.operands[0]
    below = inner.operands[-1]
    kept = _with_axes(b, below, n.spec.shape)
    if kept is None or any(x.spec.shape != below.spec.shape for x in inner.operands):
        return None
    above = [b.reshape(x, n.spec.shape) for x in inner.operands[:-1]]
    return b.apply(name_of(inner), *above, kept, dtype=n.spec.dtype)


def _broadcast_again(b: Builder, n: Node) -> Node:
    return b.broadcast(n.operands[0].operands[0], n.spec.shape)


def _broadcast_reshaped(b: Builder, n: Node) -> Node | None:
    """Axes of length one in front need not be made."""
    x = n.operands[0].operands[0]
    middle = n.operands[0].spec.shape
    extra = len(middle) - x.spec.ndim
    return b.broadcast(x, n.spec.shape) if extra >= 0 and middle == (1,) * extra + x.spec.shape else None


def _transpose(b: Builder, n: Node) -> Node | None:
    axes = cast("Shape", n.params["axes"])
    return n.operands[0] if axes == tuple(range(len(axes))) else None


def _transpose_again(b: Builder, n: Node) -> Node:
    inner = n.operands[0]
    first, second = cast("Shape", inner.params["axes"]), cast("Shape", n.params["axes"])
    axes = tuple([first[a] for a in second])
    return b.make(find("transpose"), inner.operands, {"axes": axes}, n.spec.strong)


def _move_uniform(b: Builder, n: Node) -> Node | None:
    """Movement of one number repeated is the number, repeated to the new shape."""
    value = uniform(n.operands[0])
    return None if value is None else b.broadcast(value, n.spec.shape)


def _same_dtype(b: Builder, n: Node) -> Node | None:
    (x,) = n.operands
    return x if x.spec.dtype == n.spec.dtype and _is_plain(x) else None


def _convert_again(b: Builder, n: Node) -> Node | None:
    """The dtype between does not matter if it holds every value of the first."""
    middle = n.operands[0]
    (x,) = middle.operands
    if not _is_plain(x) or not _holds(middle.spec.dtype, x.spec.dtype):
        return None
    return b.convert(x, n.spec.dtype)


def _holds(wide: Dtype, narrow: Dtype) -> bool:
    exact = wide.kind != "f" or narrow.kind in "bf" or narrow.itemsize < wide.itemsize
    return exact and np.can_cast(narrow, wide, "safe")


def _convert_repeated(b: Builder, n: Node) -> Node | None:
    (x,) = n.operands[0].operands
    return b.broadcast(b.convert(x, n.spec.dtype), n.spec.shape) if _is_plain(x) else None


def _pass(b: Builder, n: Node) -> Node:
    return n.operands[0]


# Reductions.


def _reduce_nothing(b: Builder, n: Node) -> Node | None:
    """Over axes of length one there is nothing to combine."""
    (x,) = n.operands
    if x.spec.dtype != n.spec.dtype or x.spec.size != n.spec.size or not n.spec.size:
        return None
    return b.reshape(x, n.spec.shape)


def _reduce_uniform(b: Builder, n: Node) -> Node | None:
    """Many equal numbers: their sum is a product, their extreme is the number."""
    value = uniform(n.operands[0])
    if value is None or value.spec.dtype != n.spec.dtype or not n.operands[0].spec.size:
        return None
    if name_of(n) != "sum":
        return b.broadcast(value, n.spec.shape)
    if n.spec.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        total = n.spec.dtype.type(number(value)) * n.spec.dtype.type(n.operands[0].spec.size // n.spec.size)  # type: ignore[operator]
    return b.broadcast(b.literal(total.item(), n.spec.dtype), n.spec.shape)


_MOVES = ("reshape", "transpose", "slice", "broadcast_to")
_REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")

RULES: tuple[Rule, ...] = (
    Rule("-(x - y) = y - x", "negative", "subtract", _negative_of_difference),
    Rule("-((-x) @ y) = x @ y", "negative", "matmul", _negative_of_product),
    Rule("(-x) @ (-y) = x @ y", "matmul", "negative", _matmul_of_negatives),
    Rule("x + (-y) = x - y", "add", "negative", _add_negative),
    Rule("x - (-y) = x + y", "subtract", "negative", _subtract_negative),
    Rule("(-x) * y = -(x * y)", "multiply", "negative", _scale_negative),
    Rule("(-x) / y = -(x / y)", "divide", "negative", _scale_negative),
    *(Rule(f"{name}(-x) = -{name}(x)", name, "negative", _move_negative) for name in ("reshape", "transpose", "sum")),
    Rule("x - 0 = x", "subtract", "literal", _subtract_number),
    Rule("(x * c) * d = x * (c * d)", "multiply", "literal", _multiply_number),
    Rule("x / 2^k = x * 2^-k", "divide", "literal", _divide_number),
    Rule("x * x = x^2", "multiply", "", _square),
    Rule("x^1, x^2, x^3, x^-1", "power", "literal", _power_number),
    Rule("where(c, x, x) = x", "where", "", _where_alike, floating=False),
    Rule("where(true, x, y) = x", "where", "literal", _where_known, floating=False),
    Rule("where(not c, x, y) = where(c, y, x)", "where", "logical_not", _where_not, floating=False),
    Rule("where(c, where(c, x, y), z) = where(c, x, z)", "where", "where", _where_again, floating=False),
    Rule("reshape to the same shape", "reshape", "", _to_same_shape, floating=False),
    Rule("reshape twice", "reshape", "reshape", _reshape_again, floating=False),
    *(Rule(f"reshape of {name}", "reshape", name, _reshape_reduced, floating=False) for name in _REDUCTIONS),
    *(Rule(f"reshape below a {name}", "reshape", name, _reshape_of_reduced) for name in ("log", "divide")),
    Rule("broadcast to the same shape", "broadcast_to", "", _to_same_shape, floating=False),
    Rule("broadcast twice", "broadcast_to", "broadcast_to", _broadcast_again, floating=False),
    Rule("broadcast of axes in front", "broadcast_to", "reshape", _broadcast_reshaped, floating=False),
    Rule("transpose to the same order", "transpose", "", _transpose, floating=False),
    Rule("transpose twice", "transpose", "transpose", _transpose_again, floating=False),
    *(
        Rule(f"{name} of one number", name, on, _move_uniform, floating=False)
        for name in _MOVES[:3]
        for on in ("literal", "broadcast_to")
    ),
    Rule("convert to the same dtype", "convert", "", _same_dtype, floating=False),
    Rule("convert twice", "convert", "convert", _convert_again, floating=False),
    Rule("convert of what is repeated", "convert", "broadcast_to", _convert_repeated, floating=False),
    Rule("stop_gradient after differentiation", "stop_gradient", "", _pass, floating=False),
    *(Rule(f"{name} of one element", name, "", _reduce_nothing, floating=False) for name in _REDUCTIONS),
    *(
        Rule(f"{name} of one number", name, "broadcast_to", _reduce_uniform, floating=False)
        for name in _REDUCTIONS
        if name != "prod"
    ),
)
