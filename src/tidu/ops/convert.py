"""Changes of dtype, and identities that mean something to a transformation."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.bind import apply, spec_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured
from tidu.core.primitive import Example, Formula, Interval, NoGradient, find
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import DtypeError
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["astype", "barrier", "stop_gradient"]

_ANY = (Interval(-3.0, 3.0),)
_SHAPES = ((), (3,), (0, 2))


@structured(
    kind=Structured(
        name="conversion",
        shape=lambda x, dtype: x,
        batched=lambda operands, flags, dtype: apply(find("convert"), operands[0], dtype=dtype),
        tried=tuple(Example((shape,), {"dtype": dtype}) for shape in _SHAPES for dtype in ("float32", "float64")),
        dtype=lambda x, dtype: np.dtype(dtype),
    ),
    numpy=[],
    evaluate=lambda x, dtype: np.asarray(x).astype(dtype),
    pullback=[lambda ct, out, x, dtype: ct],
    emit=Template("convert"),
    samples=_ANY,
    laws=NO_LAWS,
    formula=Formula("{0}", "astype({0})", ("1",)),
    words={"en": "changes the number format; the gradient changes back", "zh": "改变数值类型；梯度转回原类型"},
    source="numpy.ndarray.astype",
)
def convert(x: object, *, dtype: str) -> object:
    """Return `x` with another dtype."""


@implements(np.astype)
def astype(x: object, dtype: object, /, *, copy: bool = True, device: object = None) -> Value:
    """Return `x` with another dtype; the gradient flows through a floating one.

    Raises
    ------
    DtypeError
        If the dtype is complex, or not of numbers.
    """
    target = np.dtype(cast("str", dtype))
    if target.kind not in "biuf":
        raise DtypeError(f"astype: a traced value cannot become {target}; real numbers and booleans only", got=target)
    spec = spec_of(x)
    return cast("Value", x) if spec.dtype == target and not spec.weak else apply(convert, x, dtype=target.name)


@structured(
    kind=Structured(
        name="identity",
        shape=lambda x: x,
        batched=lambda operands, flags: stop_gradient(operands[0]),
        tried=tuple(Example((shape,)) for shape in _SHAPES),
    ),
    numpy=[],
    evaluate=np.asarray,
    pullback=[NoGradient("that is what it is for")],
    emit=Template("stop_gradient"),
    samples=_ANY,
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{stop}}({0})", "stop_gradient({0})", ("0",)),
    words={"en": "passes the value on and holds the gradient back", "zh": "传递数值，阻断梯度"},
    source="definition",
)
def stop_gradient_primitive(x: object) -> object:
    """Return `x`, with no gradient."""


def stop_gradient(x: object) -> Value:
    """Return `x` as a constant: no gradient flows through it.

    Examples
    --------
    >>> import tidu
    >>> tidu.grad(lambda x: x * tidu.stop_gradient(x))(3.0)
    3.0
    """
    return apply(stop_gradient_primitive, x)


@structured(
    kind=Structured(
        name="identity",
        shape=lambda x: x,
        batched=lambda operands, flags: barrier(operands[0]),
        tried=tuple(Example((shape,)) for shape in _SHAPES),
    ),
    numpy=[],
    evaluate=np.asarray,
    pullback=[lambda ct, out, x: ct],
    emit=Template("barrier"),
    samples=_ANY,
    laws=NO_LAWS,
    formula=Formula("{0}", "{0}", ("1",)),
    words={"en": "marks where a value is computed again", "zh": "标记需要重新计算之处"},
    source="definition",
)
def barrier_primitive(x: object) -> object:
    """Return `x`; common subexpressions are not merged across it."""


def barrier(x: object) -> Value:
    """Return `x`, as a value that common-subexpression elimination takes for a new one."""
    return apply(barrier_primitive, x)
