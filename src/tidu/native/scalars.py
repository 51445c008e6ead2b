"""How does a record's `emit` become instructions?

`Scalars` is the `ScalarBuilder` of `tidu.core.emit` for float32 and float64. No instruction carries a
fast-math flag: every operation rounds as IEEE 754 says, so that results are those of NumPy, and the same
on every run. Functions of <math.h> are those of the running process; those that are one instruction on
every processor worth naming are LLVM's intrinsics.
"""

from __future__ import annotations

import struct

import numpy as np

from tidu.core.emit import Condition, Scalar
from tidu.native.text import LLVM_TYPES, FunctionText

__all__ = ["Scalars", "literal"]

# Correctly rounded by IEEE 754, so the intrinsic and C's function agree to the bit.
_INTRINSICS = frozenset({"sqrt", "fabs", "floor", "ceil", "trunc", "rint", "copysign"})
# Ordered comparisons are false for NaN; != is the negation of ==, hence true.
_RELATIONS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}


def literal(value: float, dtype: str) -> str:
    """Return a number as LLVM writes it: the bits of a double, whatever the type.

    Examples
    --------
    >>> literal(1.0, "float32"), literal(0.1, "float32")
    ('0x3FF0000000000000', '0x3FB99999A0000000')
    """
    with np.errstate(over="ignore"):
        rounded = float(np.dtype(dtype).type(value))
    return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"


class Scalars:
    """Writes scalar code of one floating dtype into a function.

    Parameters
    ----------
    text : FunctionText
        Where to write.
    dtype : str
        ``float32`` or ``float64``.
    """

    def __init__(self, text: FunctionText, dtype: str) -> None:
        self.text = text
        self.dtype = dtype
        self.type = LLVM_TYPES[dtype]

    def constant(self, value: float) -> Scalar:
        """Return a constant (inf and nan too)."""
        return Scalar(literal(value, self.dtype))

    def add(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a + b."""
        return self._arithmetic("fadd", a, b)

    def sub(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a - b."""
        return self._arithmetic("fsub", a, b)

    def mul(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a * b."""
        return self._arithmetic("fmul", a, b)

    def div(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a / b."""
        return self._arithmetic("fdiv", a, b)

    def neg(self, a: Scalar) -> Scalar:
        """Return -a, the sign bit flipped."""
        return Scalar(self.text.value(f"fneg {self.type} {a}"))

    def call(self, function: str, *operands: Scalar) -> Scalar:
        """Return the result of a function of C's <math.h>, named as for double."""
        if function in _INTRINSICS:
            name = f"llvm.{function}.{'f32' if self.dtype == 'float32' else 'f64'}"
            return Scalar(self.text.call(self.type, name, operands, outside=False))
        name = function + ("f" if self.dtype == "float32" else "")
        return Scalar(self.text.call(self.type, name, operands, outside=True))

    def compare(self, relation: str, a: Scalar, b: Scalar) -> Condition:
        """Return ``a relation b`` with IEEE meaning."""
        return Condition(self.text.value(f"fcmp {_RELATIONS[relation]} {self.type} {a}, {b}"))

    def is_nan(self, a: Scalar) -> Condition:
        """Return whether `a` is NaN."""
        return Condition(self.text.value(f"fcmp uno {self.type} {a}, {a}"))

    def both(self, a: Condition, b: Condition) -> Condition:
        """Return whether both hold."""
        return Condition(self.text.value(f"and i1 {a}, {b}"))

    def either(self, a: Condition, b: Condition) -> Condition:
        """Return whether one holds."""
        return Condition(self.text.value(f"or i1 {a}, {b}"))

    def negate(self, a: Condition) -> Condition:
        """Return whether the condition does not hold."""
        return Condition(self.text.value(f"xor i1 {a}, true"))

    def select(self, condition: Condition, a: Scalar, b: Scalar) -> Scalar:
        """Return `a` where the condition holds, else `b`."""
        return Scalar(self.text.value(f"select i1 {condition}, {self.type} {a}, {self.type} {b}"))

    def load(self, place: str, dtype: str) -> Scalar:
        """Load an element of `dtype` and bring it into this dtype; a truth value becomes 0 or 1."""
        kind = LLVM_TYPES[dtype]
        raw = self.text.value(f"load {kind}, ptr {place}")
        if dtype == "bool":
            # NumPy takes any byte but 0 for true.
            return Scalar(self.text.value(f"uitofp i1 {self.text.value(f'icmp ne i8 {raw}, 0')} to {self.type}"))
        if dtype == self.dtype:
            return Scalar(raw)
        return Scalar(self.text.value(f"{'fpext' if dtype == 'float32' else 'fptrunc'} {kind} {raw} to {self.type}"))

    def store(self, value: Scalar, place: str, dtype: str) -> None:
        """Store a scalar as an element of `dtype`; anything but 0, NaN too, is true."""
        kind = LLVM_TYPES[dtype]
        if dtype == "bool":
            truth = self.compare("!=", value, self.constant(0.0))
            raw = self.text.value(f"zext i1 {truth} to i8")
        elif dtype == self.dtype:
            raw = str(value)
        else:
            raw = self.text.value(f"{'fpext' if dtype == 'float64' else 'fptrunc'} {self.type} {value} to {kind}")
        self.text.do(f"store {kind} {raw}, ptr {place}")

    def _arithmetic(self, instruction: str, a: Scalar, b: Scalar) -> Scalar:
        return Scalar(self.text.value(f"{instruction} {self.type} {a}, {b}"))
