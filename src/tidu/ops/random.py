"""Random numbers as pure functions of a key: the bits, keys made from keys, and numbers in [0, 1).

The generator is counter-based: number i of a key is a block cipher applied to i, so no state is handed on
and any part of the numbers can be drawn by any thread, in any order, with the same result.
Distributions are made from these in `tidu.nn.random`. See docs/adr/0003-randomness.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured
from tidu.core.primitive import Example, Formula, Interval, NoGradient
from tidu.core.spec import Shape
from tidu.core.structural import reshape
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["derive_key", "random_bits", "unit_interval"]

_SOURCE = (
    "Philox4x64-10: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011, "
    "doi:10.1145/2063384.2063405; numpy.random.Philox"
)
_DISCRETE = NoGradient("random bits are not a smooth function of their key")


def _require_key(what: str, key: Shape) -> None:
    if not key or key[-1] != 2:
        raise ShapeError(
            f"{what}: a key is two integers, so the last axis must have length 2, got shape {list(key)}; "
            "make a key with tidu.random.key(seed)",
            got=key,
        )


def _bits_shape(key: Shape, *, shape: Shape) -> Shape:
    _require_key("random_bits", key)
    if any(n < 0 for n in shape):
        raise ShapeError(f"random_bits: lengths cannot be negative, got {list(shape)}", got=shape)
    return (*key[:-1], *shape)


def _bits(key: NDArray[np.generic], shape: Shape) -> NDArray[np.generic]:
    keys = np.asarray(key).astype(np.uint64)
    count = math.prod(shape)
    drawn = np.empty((math.prod(keys.shape[:-1]), count), np.uint64)
    for row, one in zip(drawn, keys.reshape(-1, 2), strict=True):
        row[:] = np.random.Philox(key=one, counter=0).random_raw(count)
    return drawn.reshape((*keys.shape[:-1], *shape))


@structured(
    kind=Structured(
        name="random",
        shape=_bits_shape,
        batched=lambda operands, flags, shape: random_bits(operands[0], shape),
        tried=(
            Example(((2,),), {"shape": ()}, integers={0: 1000}),
            Example(((2,),), {"shape": (3, 4)}, integers={0: 1000}),
            Example(((5, 2),), {"shape": (3,)}, integers={0: 1000}),
            Example(((2,),), {"shape": (0, 3)}, integers={0: 1000}),
        ),
        flops=lambda operands, out, params: 10 * out.size,
        dtype=lambda key, **params: np.dtype(np.uint64),
    ),
    numpy=[],
    evaluate=_bits,
    pullback=[_DISCRETE],
    emit=Template("random_bits"),
    samples=[Interval(0.0, 1000.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{bits}}({0})", "random_bits({0})"),
    words={"en": "draws random bits; no gradient flows", "zh": "生成随机比特；没有梯度"},
    source=_SOURCE,
)
def random_bits_primitive(key: object, *, shape: Shape) -> object:
    """Return random integers of 64 bits."""


def random_bits(key: object, shape: Shape) -> Value:
    """Return random unsigned integers of 64 bits.

    Parameters
    ----------
    key : ndarray of shape (..., 2), uint64
    shape : tuple of int
        How many to draw for each key.

    Returns
    -------
    ndarray of shape (..., *shape), uint64
        The numbers of ``numpy.random.Philox(key=key, counter=0)``, in its order.

    Raises
    ------
    ShapeError
        If the last axis of the key does not have length 2, or a length is negative.

    Examples
    --------
    >>> hex(random_bits(np.array([0, 0], np.uint64), (1,))[0])
    '0x2f4ba6408e4d89b'
    """
    return apply(random_bits_primitive, key, shape=tuple(int(n) for n in shape))


def _derive_shape(key: Shape, number: Shape, *, purpose: int) -> Shape:
    _require_key("fold_in", key)
    try:
        return (*np.broadcast_shapes(key[:-1], number), 2)
    except ValueError:
        raise ShapeError(
            f"fold_in: keys of shape {list(key)} and numbers of shape {list(number)} do not fit; the numbers must "
            "broadcast against the keys' axes but the last",
            shapes=(key, number),
        ) from None


def _derive(key: NDArray[np.generic], number: NDArray[np.generic], purpose: int) -> NDArray[np.generic]:
    keys = np.asarray(key).astype(np.uint64)
    numbers = np.asarray(number).astype(np.uint64)
    shape = np.broadcast_shapes(keys.shape[:-1], numbers.shape)
    keys = np.broadcast_to(keys, (*shape, 2)).reshape(-1, 2)
    derived = np.empty_like(keys)
    for row, one, n in zip(derived, keys, np.broadcast_to(numbers, shape).ravel(), strict=True):
        row[:] = np.random.Philox(key=one, counter=np.array([n, 0, 0, purpose], np.uint64)).random_raw(2)
    return derived.reshape(*shape, 2)


def _batch_derive(operands: Sequence[object], flags: Sequence[bool], *, purpose: int) -> Value:
    key, number = operands
    # Axes of length one after the batch axis make the inner axes align at the end.
    ranks = (len(shape_of(key)) - 1 - flags[0], len(shape_of(number)) - flags[1])
    padded = [
        reshape(x, (shape_of(x)[0], *(1,) * (max(ranks) - rank), *shape_of(x)[1:])) if flag else x
        for x, flag, rank in zip(operands, flags, ranks, strict=True)
    ]
    return derive_key(*padded, purpose=purpose)


@structured(
    kind=Structured(
        name="random",
        shape=_derive_shape,
        batched=_batch_derive,
        tried=(
            Example(((2,), ()), {"purpose": 1}, integers={0: 1000, 1: 1000}),
            Example(((2,), (3,)), {"purpose": 2}, integers={0: 1000, 1: 1000}),
            Example(((4, 2), ()), {"purpose": 1}, integers={0: 1000, 1: 1000}),
            Example(((2,), (0,)), {"purpose": 1}, integers={0: 1000, 1: 1000}),
        ),
        flops=lambda operands, out, params: 20 * out.size,
        dtype=lambda key, number, **params: np.dtype(np.uint64),
    ),
    numpy=[],
    evaluate=_derive,
    pullback=[_DISCRETE, _DISCRETE],
    emit=Template("derive_key"),
    samples=[Interval(0.0, 1000.0), Interval(0.0, 1000.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{key}}({0}, {1})", "fold_in({0}, {1})"),
    words={"en": "makes a new key from a key and a number", "zh": "由密钥和编号派生新密钥"},
    source=_SOURCE,
)
def derive_key_primitive(key: object, number: object, *, purpose: int) -> object:
    """Return a key made from a key and a number."""


def derive_key(key: object, number: object, *, purpose: int) -> Value:
    """Return a key made from a key and a number: two words of the cipher at a place that bits never use.

    Parameters
    ----------
    key : ndarray of shape (..., 2), uint64
    number : integer, or ndarray of integers broadcasting against the keys
        Not negative, below 2**64.
    purpose : int
        The counter's last word. 0 belongs to `random_bits`; keys for different purposes never coincide
        by construction, but only by the chance of 2**-128.

    Raises
    ------
    ShapeError
        If the last axis of the key does not have length 2, or the numbers do not fit.
    """
    return apply(derive_key_primitive, key, number, purpose=purpose)


@structured(
    kind=Structured(
        name="random",
        shape=lambda bits, dtype: bits,
        batched=lambda operands, flags, dtype: unit_interval(operands[0], dtype),
        tried=tuple(
            Example((shape,), {"dtype": dtype}, integers={0: 1000})
            for shape in ((), (3,), (0, 2))
            for dtype in ("float32", "float64")
        ),
        flops=lambda operands, out, params: 2 * out.size,
        dtype=lambda bits, dtype: np.dtype(dtype),
    ),
    numpy=[],
    evaluate=lambda bits, dtype: _unit_interval(bits, dtype),
    pullback=[_DISCRETE],
    emit=Template("unit_interval"),
    samples=[Interval(0.0, 1000.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{unit}}({0})", "unit_interval({0})"),
    words={"en": "turns bits into a number from 0 to 1", "zh": "把比特变成 0 到 1 之间的数"},
    source="numpy.random.Generator.random: the leading bits, as many as the significand holds",
)
def unit_interval_primitive(bits: object, *, dtype: str) -> object:
    """Return numbers in [0, 1) made from random bits."""


def _unit_interval(bits: NDArray[np.generic], dtype: str) -> NDArray[np.generic]:
    # All results are multiples of 2**-p with p significand bits: 1.0 itself cannot come out by rounding.
    kind = np.dtype(dtype).type
    precision = np.finfo(dtype).nmant + 1
    leading = np.asarray(bits).astype(np.uint64) >> np.uint64(64 - precision)
    return leading.astype(kind) * kind(2.0**-precision)  # type: ignore[no-any-return]


def unit_interval(bits: object, dtype: str) -> Value:
    """Return numbers in [0, 1) made from the leading bits of random integers.

    Parameters
    ----------
    bits : ndarray, uint64
    dtype : str
        ``"float32"`` (multiples of 2**-24) or ``"float64"`` (multiples of 2**-53).

    Examples
    --------
    >>> float(unit_interval(np.uint64(2**63), "float32"))
    0.5
    """
    return apply(unit_interval_primitive, bits, dtype=dtype)
