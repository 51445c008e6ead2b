"""What do the inline functions of mathematics have in common?

Polynomials, rounding to an integer, powers of two made from bits, and a branch for the rare lane. Nothing
here knows a particular function.

References
----------
W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), on reduction by a constant in
several parts; J.-M. Muller, Elementary Functions, 3rd ed. (2016), sections 3.3 and 11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidu.core.emit import Condition, Scalar
from tidu.native.mathematics.avx512 import has_avx512, reciprocal_guess
from tidu.native.vectors import Vectors

__all__ = [
    "FRACTION_BITS",
    "Rounded",
    "coarse_reciprocal",
    "from_libm",
    "halves_of_power",
    "if_any",
    "magnitude",
    "polynomial",
    "power_of_two",
    "round_multiple",
    "signed_like",
]

FRACTION_BITS = {"float32": 23, "float64": 52}
"""Bits below the point of a significand."""


def polynomial(v: Vectors, x: Scalar, coefficients: Sequence[float]) -> Scalar:
    """Return c0 + c1 x + c2 x^2 + ... by Horner's rule."""
    result = v.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = v.fma(result, x, v.constant(coefficient))
    return result


def magnitude(v: Vectors, x: Scalar) -> Scalar:
    """Return |x|."""
    return v.call("fabs", x)


def signed_like(v: Vectors, x: Scalar, sign: Scalar) -> Scalar:
    """Return |x| with the sign of `sign`, zeros included."""
    return v.call("copysign", x, sign)


@dataclass(frozen=True, slots=True)
class Rounded:
    """A float rounded to an integer.

    Parameters
    ----------
    value : Scalar
        The integer as a float.
    bits : Scalar
        Bits whose lowest `FRACTION_BITS` - 1 hold the integer, in two's complement.
    """

    value: Scalar
    bits: Scalar


def round_multiple(v: Vectors, x: Scalar, factor: float, *, offset: int = 0) -> Rounded:
    """Round x * factor to the nearest integer.

    Parameters
    ----------
    offset : int
        Added to the integer in the bits only.

    Notes
    -----
    Numbers from 2^f to 2^(f+1) lie 1 apart, f being `FRACTION_BITS`: adding 3/2 2^f rounds, and leaves the
    integer in the lowest bits. It costs no conversion, which processors have for few widths. The product
    must stay below 2^(f-2).
    """
    magic = v.constant(1.5 * 2.0 ** FRACTION_BITS[v.dtype] + offset)
    shifted = v.fma(x, v.constant(factor), magic) if factor != 1.0 else v.add(x, magic)
    return Rounded(v.sub(shifted, magic), v.to_bits(shifted))


def power_of_two(v: Vectors, bits: Scalar, *, halve: bool = False) -> Scalar:
    """Return 2^n, or half of it, as a normal number; n stands in the lowest of `bits`."""
    fraction, integers = FRACTION_BITS[v.dtype], v.integers
    bias = (1 << (v.bits - 2 - fraction)) - 1 - halve
    raised = integers.bitwise("shl", bits, integers.constant(fraction))
    return v.from_bits(integers.add(raised, integers.constant(bias << fraction)))


def halves_of_power(v: Vectors, bits: Scalar) -> tuple[Scalar, Scalar]:
    """Return two normal numbers whose product is 2^n, which need not be one; n stands in the lowest of `bits`."""
    integers = v.integers
    half = integers.bitwise("ashr", bits, integers.constant(1))
    return power_of_two(v, half), power_of_two(v, integers.sub(bits, half))


def coarse_reciprocal(v: Vectors, x: Scalar) -> Scalar:
    """Return 1 / x to half the digits or more, for x neither subnormal nor huge."""
    one = v.constant(1.0)
    if not has_avx512(v):
        return v.div(one, x)
    guess = reciprocal_guess(v, x)
    # Newton's method doubles the digits: 14, 28.
    return v.fma(v.fma(v.neg(guess), x, one), guess, guess) if v.bits == 64 else guess


def if_any(v: Vectors, condition: Condition, usual: Scalar, rare: Callable[[], Scalar]) -> Scalar:
    """Return `usual`, and where the condition holds `rare`, which is computed only if some lane needs it.

    Notes
    -----
    A real branch. A lane that does not need it keeps its usual value: no lane depends on its neighbors.
    """
    text = v.text
    before, detour, after = text.block, text.label("rare"), text.label("usual")
    some = condition
    if v.lanes > 1:
        mask = text.value(f"bitcast {v.truth} {condition} to i{v.lanes}")
        some = Condition(text.value(f"icmp ne i{v.lanes} {mask}, 0"))
    text.do(f"br i1 {some}, label %{detour}, label %{after}")
    text.begin(detour)
    replaced = v.select(condition, rare(), usual)
    end = text.block
    text.do(f"br label %{after}")
    text.begin(after)
    return Scalar(text.value(f"phi {v.type} [{usual}, %{before}], [{replaced}, %{end}]"))


def from_libm(v: Vectors, function: str, *xs: Scalar) -> Scalar:
    """Return the result of C's own function, lane by lane."""
    name = function + ("f" if v.dtype == "float32" else "")
    return v.lanewise(lambda *one: Scalar(v.text.call(v.element, name, one, outside=True)), *xs)
