"""What a record may say of native code, and the builder it says it to.

A record never sees LLVM: it is handed a `ScalarBuilder` and operates on opaque scalars of one
floating dtype (conditions are truth values). The kind owns the loops around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType, Protocol, TypeAlias

__all__ = ["Condition", "Emit", "EmitScalar", "Fold", "Scalar", "ScalarBuilder", "Template"]

Scalar = NewType("Scalar", str)
"""A floating-point value inside native code."""
Condition = NewType("Condition", str)
"""A truth value inside native code."""


class ScalarBuilder(Protocol):
    """Writes native code for scalars of one floating dtype."""

    def constant(self, value: float) -> Scalar:
        """Return a constant (inf and nan too)."""
        ...

    def add(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a + b."""
        ...

    def sub(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a - b."""
        ...

    def mul(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a * b."""
        ...

    def div(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a / b."""
        ...

    def neg(self, a: Scalar) -> Scalar:
        """Return -a, the sign bit flipped."""
        ...

    def call(self, function: str, *operands: Scalar) -> Scalar:
        """Return the result of a function of C's <math.h>, named as for double: ``exp``, ``atan2`` ...

        Names with ``tidu_`` in front are of functions that C lacks and `tidu.native.mathematics` has.
        """
        ...

    def compare(self, relation: str, a: Scalar, b: Scalar) -> Condition:
        """Return ``a relation b`` for ``< <= > >= == !=`` with IEEE meaning: false for NaN, but != is true."""
        ...

    def is_nan(self, a: Scalar) -> Condition:
        """Return whether `a` is NaN."""
        ...

    def both(self, a: Condition, b: Condition) -> Condition:
        """Return whether both hold."""
        ...

    def either(self, a: Condition, b: Condition) -> Condition:
        """Return whether one holds."""
        ...

    def negate(self, a: Condition) -> Condition:
        """Return whether the condition does not hold."""
        ...

    def select(self, condition: Condition, a: Scalar, b: Scalar) -> Scalar:
        """Return `a` where the condition holds, else `b`."""
        ...


EmitScalar: TypeAlias = Callable[..., Scalar]
"""``emit(builder, *operands) -> Scalar`` of an elementwise primitive."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Native code of a reduction: where it starts, and how one more element joins."""

    start: float
    combine: EmitScalar


@dataclass(frozen=True, slots=True)
class Template:
    """Native code that is the kind's own loop nest, as that of a matrix product."""

    name: str


Emit: TypeAlias = EmitScalar | Fold | Template
