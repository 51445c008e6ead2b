"""How are random numbers drawn inside native loops: each from its key and its position, without any state.

The code of Philox4x64-10 for any number of lanes, the same bits as the records' own NumPy. This file knows no
graph.

References
----------
Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011,
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.compile import terms
from tidu.compile.terms import Apply, Term
from tidu.compile.views import Ramp
from tidu.core.emit import EmitScalar, Scalar, ScalarBuilder
from tidu.core.spec import Shape
from tidu.native.text import FunctionText
from tidu.native.vectors import Vectors

__all__ = ["WORDS", "derived_keys", "drawn_blocks", "unit_intervals"]

_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_ROUNDS = 10
_FLOPS = 16 * _ROUNDS
"""Of one block."""
WORDS = 4
"""Random words that one block gives."""


def drawn_blocks(key: Term, n_blocks: int) -> list[Term]:
    """Return the terms of the words of a block, for each of `n_blocks` blocks and each key of shape (..., 2)."""
    lead = key.shape[:-1]
    out = (*lead, n_blocks)
    number = Ramp(out, (*(0,) * len(lead), 1), 1)
    words = tuple(_spread(_word(key, w), lead, out) for w in range(2))
    block = _Block()
    return [
        Apply(block.word(w), (number, *words), "uint64", "uint64", out, _FLOPS // WORDS, "random_bits")
        for w in range(WORDS)
    ]


def derived_keys(key: Term, number: Term, purpose: int, shape: Shape) -> Term:
    """Return the term of keys of shape (..., 2), made from keys and numbers."""
    lead = shape[:-1]
    position = Ramp(shape, (*(0,) * len(lead), 1))
    words = (_spread(terms.broadcast_to(_word(key, w), lead), lead, shape) for w in range(2))
    numbers = _spread(terms.broadcast_to(number, lead), lead, shape)
    return Apply(_derived(purpose), (position, *words, numbers), "uint64", "uint64", shape, _FLOPS, "derive_key")


def unit_intervals(bits: Term, dtype: str) -> Term:
    """Return the term of numbers in [0, 1) made from the leading bits of words."""
    precision = np.finfo(dtype).nmant + 1
    leading = Apply(_shifted(64 - precision), (bits,), "uint64", "uint64", bits.shape, 1, "leading_bits")
    return Apply(_scaled(2.0**-precision), (leading,), dtype, dtype, bits.shape, 1, "unit_interval")


def _word(key: Term, number: int) -> Term:
    lead = key.shape[:-1]
    part = terms.window(key, (*(0,) * len(lead), number), (*lead, 1), (1,) * len(key.shape))
    return cast("Term", terms.reshape(part, lead))


def _spread(x: Term, lead: Shape, shape: Shape) -> Term:
    """Repeat a value for each of `lead` along the axes that follow."""
    longer = terms.reshape(x, (*lead, *(1,) * (len(shape) - len(lead))))
    return terms.broadcast_to(cast("Term", longer), shape)


class _Block:
    """The code of a block, written once for all its words where these are computed at one point."""

    def __init__(self) -> None:
        self._written: dict[tuple[FunctionText, Scalar, Scalar, Scalar], list[Scalar]] = {}

    def word(self, which: int) -> EmitScalar:
        """Return the code of one word."""

        def emit(builder: ScalarBuilder, number: Scalar, k0: Scalar, k1: Scalar) -> Scalar:
            v = cast("Vectors", builder)
            place = v.text, number, k0, k1
            if place not in self._written:
                zero = v.constant(0)
                self._written[place] = _philox(v, [number, zero, zero, zero], k0, k1)
            return self._written[place][which]

        return emit


def _derived(purpose: int) -> EmitScalar:
    def emit(builder: ScalarBuilder, position: Scalar, k0: Scalar, k1: Scalar, number: Scalar) -> Scalar:
        v = cast("Vectors", builder)
        block = v.add(number, v.constant(1))
        carry = v.select(v.compare("==", block, v.constant(0)), v.constant(1), v.constant(0))
        words = _philox(v, [block, carry, v.constant(0), v.constant(purpose)], k0, k1)
        return _chosen(v, position, words[:2])

    return emit


def _chosen(v: Vectors, which: Scalar, words: Sequence[Scalar]) -> Scalar:
    found = words[0]
    for number, word in enumerate(words[1:], start=1):
        found = v.select(v.compare("==", which, v.constant(number)), word, found)
    return found


def _philox(v: Vectors, counter: list[Scalar], k0: Scalar, k1: Scalar) -> list[Scalar]:
    """Encrypt a counter of four words."""
    for number in range(_ROUNDS):
        if number:
            k0, k1 = (v.add(k, v.constant(step)) for k, step in zip((k0, k1), _KEY_STEPS, strict=True))
        (high0, low0), (high1, low1) = (
            v.wide_product(v.constant(m), counter[i]) for m, i in zip(_MULTIPLIERS, (0, 2), strict=True)
        )
        counter = [
            v.bitwise("xor", v.bitwise("xor", high1, counter[1]), k0),
            low1,
            v.bitwise("xor", v.bitwise("xor", high0, counter[3]), k1),
            low0,
        ]
    return counter


def _shifted(count: int) -> EmitScalar:
    def emit(builder: ScalarBuilder, x: Scalar) -> Scalar:
        v = cast("Vectors", builder)
        return v.bitwise("lshr", x, v.constant(count))

    return emit


def _scaled(factor: float) -> EmitScalar:
    return lambda builder, x: builder.mul(x, builder.constant(factor))
