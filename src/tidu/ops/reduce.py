"""Reductions: many elements along axes become one."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.emit import Fold, Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws, Param, Params
from tidu.core.spec import Shape
from tidu.core.structural import broadcast_to, convert, reshape, sum_axes
from tidu.core.value import Value
from tidu.ops.compare import BOOLEAN, equal, where
from tidu.ops.declare import Evaluate, reduction
from tidu.ops.join import concatenate
from tidu.ops.movement import take_window, transpose

__all__ = ["all_", "any_", "max_", "min_", "prod", "sum_"]

_ANY = (Interval(-3.0, 3.0),)
_TIES = (
    Kink((2.0, 2.0), (0.5, 0.5), {"en": "a tie is shared evenly, as in JAX", "zh": "并列时平分，与 JAX 相同"}),
    Kink(
        (1.0, 1.0, 1.0, 1.0),
        (0.25, 0.25, 0.25, 0.25),
        {"en": "a tie is shared evenly, as in JAX", "zh": "并列时平分，与 JAX 相同"},
    ),
    Kink(
        (1.0, np.nan),
        (0.0, 0.0),
        {
            "en": "the value is NaN, which equals no element: none receives the gradient",
            "zh": "值为 NaN，与任何元素都不相等：都得不到梯度",
        },
    ),
)


def restore(ct: Value, shape: Shape, params: Params) -> Value:
    """Put the reduced axes back with length one, so that `ct` broadcasts against the operand."""
    axes = cast("tuple[int, ...]", params["axis"])
    return reshape(ct, tuple(1 if a in axes else n for a, n in enumerate(shape)))


@reduction(
    numpy=[np.sum],
    evaluate=cast("Evaluate", np.sum),
    pullback=[lambda ct, out, x, **params: broadcast_to(restore(ct, x.shape, params), x.shape)],
    emit=Fold(0.0, lambda b, total, x: b.add(total, x)),
    samples=_ANY,
    kinks=[],
    laws=Laws(identity=0.0),
    formula=Formula(r"\sum {0}", "sum({0})", ("1",)),
    words={"en": "adds up; every element receives the same gradient", "zh": "求和；每个元素得到同样的梯度"},
    source="IEEE 754; NumPy's pairwise order",
    of_empty=True,
)
def sum_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return the sum of the elements along `axis`.

    Examples
    --------
    >>> float(sum_(np.array([1.0, 2.0, 3.0])))
    6.0
    """


def _times_others(ct: Value, x: Value) -> Value:
    """Multiply `ct` by the product of all other elements along the last axis, for each element.

    Halves are multiplied up a tree and the products handed down again, so nothing is divided: zeros need
    no special case, and since the tree is made of products its own derivatives are right too. About three
    multiplications for each element.
    """
    *lead, n = x.shape
    if n == 0:
        return x
    if n == 1:
        return ct

    def part(whole: Value, start: int, size: int) -> Value:
        last = len(lead)
        return take_window(whole, (*(0,) * last, start), (*lead, size), (*(1,) * last, 1))

    half = n // 2
    left, right = part(x, 0, half), part(x, half, half)
    products, odd = left * right, n % 2
    if not odd:
        down = _times_others(ct, products)
        return concatenate([down * right, down * left], axis=-1)
    down = _times_others(ct, concatenate([products, part(x, 2 * half, 1)], axis=-1))
    pairs = part(down, 0, half)
    return concatenate([pairs * right, pairs * left, part(down, half, 1)], axis=-1)


def _pull_prod(ct: Value, out: Value, x: Value, **params: Param) -> Value:
    axes = cast("tuple[int, ...]", params["axis"])
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    order = (*kept, *axes)
    lengths = tuple(x.shape[a] for a in order)
    lead = lengths[: len(kept)]
    count = int(np.prod(lengths[len(kept) :], dtype=np.int64))
    rows = reshape(transpose(x, order), (*lead, count))
    found = broadcast_to(_times_others(reshape(ct, (*lead, 1)), rows), (*lead, count))
    back = tuple(int(i) for i in np.argsort(order))
    return transpose(reshape(found, lengths), back)


@reduction(
    numpy=[np.prod],
    evaluate=cast("Evaluate", np.prod),
    pullback=[_pull_prod],
    emit=Fold(1.0, lambda b, total, x: b.mul(total, x)),
    samples=_ANY,
    kinks=[
        Kink(
            (2.0, 0.0, 3.0),
            (0.0, 6.0, 0.0),
            {
                "en": "no kink: with one zero only that element has a slope",
                "zh": "并非不可导：只有一个零时，只有那个元素有斜率",
            },
        ),
        Kink(
            (0.0, 0.0, 3.0),
            (0.0, 0.0, 0.0),
            {"en": "no kink: with two zeros no element has a slope", "zh": "并非不可导：有两个零时，没有元素有斜率"},
        ),
    ],
    laws=Laws(identity=1.0),
    formula=Formula(r"\prod {0}", "prod({0})", ("product of the others",)),
    words={
        "en": "multiplies all; each element's gradient is scaled by the product of the others",
        "zh": "求积；每个元素的梯度乘以其余元素之积",
    },
    source="IEEE 754; the pullback divides by nothing, so zeros are exact",
    of_empty=True,
)
def prod(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return the product of the elements along `axis`.

    Examples
    --------
    >>> float(prod(np.array([2.0, 3.0, 4.0])))
    24.0
    """


def _pull_extreme(ct: Value, out: Value, x: Value, **params: Param) -> Value:
    """Share the cotangent evenly among the elements that equal the extreme."""
    axes = cast("tuple[int, ...]", params["axis"])
    winners = equal(x, restore(out, x.shape, params))
    count = restore(sum_axes(convert(winners, x.dtype), axes), x.shape, params)
    return where(winners, restore(ct, x.shape, params) / count, 0.0)


def _emit_larger(b: ScalarBuilder, best: Scalar, x: Scalar) -> Scalar:
    return b.select(b.either(b.compare(">=", best, x), b.is_nan(best)), best, x)


def _emit_smaller(b: ScalarBuilder, best: Scalar, x: Scalar) -> Scalar:
    return b.select(b.either(b.compare("<=", best, x), b.is_nan(best)), best, x)


@reduction(
    numpy=[np.max, np.amax],
    evaluate=cast("Evaluate", np.max),
    pullback=[_pull_extreme],
    emit=Fold(-np.inf, _emit_larger),
    samples=_ANY,
    kinks=_TIES,
    laws=Laws(identity=-np.inf),
    formula=Formula(r"\max {0}", "max({0})", ("1 where the largest is, else 0",)),
    words={"en": "takes the largest; only it receives the gradient", "zh": "取最大值；梯度只传给它"},
    source="numpy.max, NaN if there is one; ties as in JAX",
    of_empty=False,
)
def max_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return the largest of the elements along `axis`.

    Examples
    --------
    >>> float(max_(np.array([1.0, 3.0, 2.0])))
    3.0
    """


@reduction(
    numpy=[np.min, np.amin],
    evaluate=cast("Evaluate", np.min),
    pullback=[_pull_extreme],
    emit=Fold(np.inf, _emit_smaller),
    samples=_ANY,
    kinks=_TIES,
    laws=Laws(identity=np.inf),
    formula=Formula(r"\min {0}", "min({0})", ("1 where the smallest is, else 0",)),
    words={"en": "takes the smallest; only it receives the gradient", "zh": "取最小值；梯度只传给它"},
    source="numpy.min, NaN if there is one; ties as in JAX",
    of_empty=False,
)
def min_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return the smallest of the elements along `axis`.

    Examples
    --------
    >>> float(min_(np.array([1.0, 3.0, 2.0])))
    1.0
    """


def _emit_any(b: ScalarBuilder, found: Scalar, x: Scalar) -> Scalar:
    return b.select(b.compare("!=", x, b.constant(0.0)), b.constant(1.0), found)


def _emit_all(b: ScalarBuilder, found: Scalar, x: Scalar) -> Scalar:
    return b.select(b.compare("==", x, b.constant(0.0)), b.constant(0.0), found)


@reduction(
    numpy=[np.any],
    evaluate=cast("Evaluate", np.any),
    pullback=[BOOLEAN],
    emit=Fold(0.0, _emit_any),
    samples=_ANY,
    kinks=[],
    laws=Laws(identity=0.0),
    formula=Formula(r"\bigvee {0}", "any({0})"),
    words={"en": "asks whether any element holds", "zh": "判断是否有元素成立"},
    source="numpy.any",
    of_empty=True,
)
def any_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return whether any of the elements along `axis` holds.

    Examples
    --------
    >>> bool(any_(np.array([False, True])))
    True
    """


@reduction(
    numpy=[np.all],
    evaluate=cast("Evaluate", np.all),
    pullback=[BOOLEAN],
    emit=Fold(1.0, _emit_all),
    samples=_ANY,
    kinks=[],
    laws=Laws(identity=1.0),
    formula=Formula(r"\bigwedge {0}", "all({0})"),
    words={"en": "asks whether all elements hold", "zh": "判断是否所有元素都成立"},
    source="numpy.all",
    of_empty=True,
)
def all_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return whether all of the elements along `axis` hold.

    Examples
    --------
    >>> bool(all_(np.array([False, True])))
    False
    """
