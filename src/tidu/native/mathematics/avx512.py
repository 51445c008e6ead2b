"""Which instructions of AVX-512 shorten vector mathematics, and how are they written for any number of lanes?

LLVM has no portable name for them: a scaling by a power of two whose exponent is a float, right into the
subnormal numbers, and a first guess of 1 / x. A single lane takes the same instruction, so an element gives the
same bits in any lane. This file knows no function of mathematics.

References
----------
Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: VSCALEFPS, VRCP14PS.
"""

from __future__ import annotations

from tidu.core.emit import Scalar
from tidu.native.vectors import Vectors, vector_type

__all__ = ["has_avx512", "reciprocal_guess", "scaled"]

_SUFFIX = {"float32": "ps", "float64": "pd"}


def has_avx512(v: Vectors) -> bool:
    """Return whether code is made for a processor that has these instructions for vectors of every width."""
    return v.text.features.issuperset({"avx512f", "avx512vl"})


def scaled(v: Vectors, x: Scalar, exponent: Scalar) -> Scalar:
    """Return x times 2 to the power of the floor of `exponent`, rounded once."""
    return _in_registers(v, "mask.scalef", [x, exponent], rounds=True)


def reciprocal_guess(v: Vectors, x: Scalar) -> Scalar:
    """Return 1 / x to 14 bits, for x neither subnormal nor huge."""
    return _in_registers(v, "rcp14", [x], rounds=False)


def _in_registers(v: Vectors, operation: str, operands: list[Scalar], *, rounds: bool) -> Scalar:
    """Apply an instruction to whole registers: the lanes are cut or filled up to them."""
    bits = v.bits * v.lanes
    if bits > 512:
        half = v.lanes // 2
        low = _in_registers(_of(v, half), operation, [_cut(v, x, 0, half) for x in operands], rounds=rounds)
        rest = v.lanes - half
        high = _in_registers(_of(v, rest), operation, [_cut(v, x, half, rest) for x in operands], rounds=rounds)
        return _joined(v, low, high)
    register = next(width for width in (128, 256, 512) if bits <= width)
    wide = _of(v, register // v.bits)
    given = [_resized(v, x, wide.lanes) for x in operands]
    found = _call(wide, f"llvm.x86.avx512.{operation}.{_SUFFIX[v.dtype]}.{register}", given, rounds and bits > 256)
    return _resized(wide, found, v.lanes)


def _call(v: Vectors, name: str, operands: list[Scalar], rounds: bool) -> Scalar:
    """Call it; the mask lets all lanes through, and 4 stands for the rounding in force."""
    mask = f"i{max(8, v.lanes)}"
    kinds = [*[v.type] * (len(operands) + 1), mask, *["i32"] * rounds]
    words = [*operands, "zeroinitializer", "-1", *["4"] * rounds]
    v.text.declare(f"declare {v.type} @{name}({', '.join(kinds)})")
    given = ", ".join(f"{kind} {word}" for kind, word in zip(kinds, words, strict=True))
    return Scalar(v.text.value(f"call {v.type} @{name}({given})"))


def _of(v: Vectors, lanes: int) -> Vectors:
    return Vectors(v.text, v.dtype, lanes)


def _resized(v: Vectors, x: Scalar, lanes: int) -> Scalar:
    """Return the first lanes, or more lanes of which the last ones hold anything."""
    if lanes == v.lanes:
        return x
    if v.lanes == 1:
        return Scalar(v.text.value(f"insertelement {vector_type(v.element, lanes)} poison, {v.type} {x}, i64 0"))
    return _cut(v, x, 0, lanes)


def _cut(v: Vectors, x: Scalar, first: int, lanes: int) -> Scalar:
    if lanes == 1:
        return v.extract(x, first)
    words = (f"i32 {i if i < v.lanes else 'poison'}" for i in range(first, first + lanes))
    mask = f"<{lanes} x i32> <{', '.join(words)}>"
    return Scalar(v.text.value(f"shufflevector {v.type} {x}, {v.type} poison, {mask}"))


def _joined(v: Vectors, low: Scalar, high: Scalar) -> Scalar:
    """Return the lanes of both halves; the second has one more where the number is odd."""
    half = v.lanes // 2
    wide = _of(v, v.lanes - half)
    kept = [*range(half), *range(wide.lanes, 2 * wide.lanes)]
    return wide.shuffle(_resized(_of(v, half), low, wide.lanes), high, kept)
