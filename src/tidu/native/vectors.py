"""How is a record's scalar code written for many elements at once?

`Vectors` is the `ScalarBuilder` of `tidu.core.emit` for values of one dtype and any number of lanes, one
included. No instruction carries a fast-math flag: every lane rounds as IEEE 754 says, and the same element
gives the same bits in whichever lane and width it is computed. This file knows nothing of loops and arrays.

Notes
-----
LLVM takes vectors of any length, so the last few elements of a row are simply a shorter vector: no masks,
and the same code on every processor.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from tidu.core.emit import Condition, Scalar
from tidu.errors import UnsupportedError
from tidu.native.text import FunctionText

__all__ = ["MEMORY_TYPES", "Vectors", "literal", "vector_type"]

MEMORY_TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "i8",
    **{f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""How an element of each dtype lies in memory."""

# Correctly rounded by IEEE 754, so the intrinsic and C's function agree to the bit.
_INTRINSICS = frozenset({"sqrt", "fabs", "floor", "ceil", "trunc", "rint", "copysign"})
# Ordered comparisons are false for NaN; != is the negation of ==, hence true.
_FLOAT_RELATIONS = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_INTEGER_RELATIONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def vector_type(element: str, lanes: int) -> str:
    """Return LLVM's type of `lanes` elements; one element is a scalar."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def literal(value: float, dtype: str) -> str:
    """Return a number as LLVM writes it: of a float the bits of a double, whatever the type.

    Examples
    --------
    >>> literal(1.0, "float32"), literal(0.1, "float32"), literal(3.0, "int64")
    ('0x3FF0000000000000', '0x3FB99999A0000000', '3')
    >>> literal(0.0, "float64") == literal(-0.0, "float64")
    False
    """
    if np.dtype(dtype).kind != "f":
        return str(int(value))
    with np.errstate(over="ignore"):
        rounded = float(np.dtype(dtype).type(value))
    return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"


@lru_cache(maxsize=1024)
def _described(dtype: str, lanes: int) -> tuple[bool, bool, str, str, int]:
    """Return whether values are floats, whether signed, the types of an element and of all lanes, and bits."""
    kind = np.dtype(dtype).kind
    element = "i1" if kind == "b" else MEMORY_TYPES[dtype]
    bits = 1 if kind == "b" else 8 * np.dtype(dtype).itemsize
    return kind == "f", kind == "i", element, vector_type(element, lanes), bits


class Vectors:
    """Writes code for values of one dtype into a function.

    Parameters
    ----------
    text : FunctionText
        Where to write.
    dtype : str
        Of the values: one of `MEMORY_TYPES`. Truth values are ``i1`` lanes; what stands in memory as ``bool``
        is a byte.
    lanes : int
        Elements of a value.

    Raises
    ------
    UnsupportedError
        By `call` and `div` on integers: they have no such operation.
    """

    def __init__(self, text: FunctionText, dtype: str, lanes: int = 1) -> None:
        self.text = text
        self.dtype = dtype
        self.lanes = lanes
        self.is_float, self.is_signed, self.element, self.type, self.bits = _described(dtype, lanes)

    def of(self, dtype: str) -> Vectors:
        """Return a builder of another dtype that writes to the same place, with as many lanes."""
        return self if dtype == self.dtype else Vectors(self.text, dtype, self.lanes)

    # Constants.

    def constant(self, value: float) -> Scalar:
        """Return a constant in every lane (inf and nan too)."""
        if not self.is_float and not float(value).is_integer():
            raise UnsupportedError(f"{value} is no {self.dtype}", dtype=self.dtype, value=value)
        word = literal(value, self.dtype)
        if self.lanes == 1:
            return Scalar(word)
        if word in ("0x0000000000000000", "0"):
            return Scalar("zeroinitializer")
        return Scalar(f"splat ({self.element} {word})")

    # Arithmetic.

    def add(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a + b."""
        return self._arithmetic("add", a, b)

    def sub(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a - b."""
        return self._arithmetic("sub", a, b)

    def mul(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a * b."""
        return self._arithmetic("mul", a, b)

    def div(self, a: Scalar, b: Scalar) -> Scalar:
        """Return a / b."""
        self._require_float("a quotient")
        return self._arithmetic("div", a, b)

    def neg(self, a: Scalar) -> Scalar:
        """Return -a, of a float the sign bit flipped."""
        if self.is_float:
            return self._value(f"fneg {self.type} {a}")
        return self.sub(self.constant(0), a)

    def fma(self, a: Scalar, b: Scalar, c: Scalar) -> Scalar:
        """Return a * b + c, rounded once."""
        return self._intrinsic("fma", a, b, c)

    def call(self, function: str, *operands: Scalar) -> Scalar:
        """Return the result of a function of C's <math.h>, named as for double, or of tidu's own ``tidu_...``.

        One instruction where the processor has it, a vector polynomial of `tidu.native.mathematics` where
        there is one, else C's own function lane by lane.
        """
        self._require_float(function)
        if function in _INTRINSICS:
            return self._intrinsic(function, *operands)
        from tidu.native.mathematics import FUNCTIONS

        written = FUNCTIONS.get(function)
        if written is not None:
            return written(self, *operands)
        assert not function.startswith("tidu_"), f"C has no {function}: it must stand in FUNCTIONS"
        name = function + ("f" if self.dtype == "float32" else "")
        return self.lanewise(lambda *xs: Scalar(self.text.call(self.element, name, xs, outside=True)), *operands)

    def lanewise(self, function: Callable[..., Scalar], *operands: Scalar) -> Scalar:
        """Apply a function of scalars to every lane."""
        if self.lanes == 1:
            return function(*operands)
        result = "poison"
        for lane in range(self.lanes):
            given = [self.text.value(f"extractelement {self.type} {x}, i64 {lane}") for x in operands]
            found = function(*map(Scalar, given))
            result = self.text.value(f"insertelement {self.type} {result}, {self.element} {found}, i64 {lane}")
        return Scalar(result)

    # Truth values.

    @property
    def truth(self) -> str:
        """LLVM's type of truth values of these lanes."""
        return vector_type("i1", self.lanes)

    def compare(self, relation: str, a: Scalar, b: Scalar) -> Condition:
        """Return ``a relation b`` with IEEE meaning."""
        if self.is_float:
            word = f"fcmp {_FLOAT_RELATIONS[relation]}"
        elif relation in ("==", "!="):
            word = f"icmp {'eq' if relation == '==' else 'ne'}"
        else:
            word = f"icmp {'s' if self.is_signed else 'u'}{_INTEGER_RELATIONS[relation]}"
        return Condition(self.text.value(f"{word} {self.type} {a}, {b}"))

    def is_nan(self, a: Scalar) -> Condition:
        """Return whether `a` is NaN."""
        if not self.is_float:
            return self.compare("!=", a, a)
        return Condition(self.text.value(f"fcmp uno {self.type} {a}, {a}"))

    def both(self, a: Condition, b: Condition) -> Condition:
        """Return whether both hold."""
        return Condition(self.text.value(f"and {self.truth} {a}, {b}"))

    def either(self, a: Condition, b: Condition) -> Condition:
        """Return whether one holds."""
        return Condition(self.text.value(f"or {self.truth} {a}, {b}"))

    def negate(self, a: Condition) -> Condition:
        """Return whether the condition does not hold."""
        return Condition(self.text.value(f"xor {self.truth} {a}, {'true' if self.lanes == 1 else 'splat (i1 true)'}"))

    def select(self, condition: Condition, a: Scalar, b: Scalar) -> Scalar:
        """Return `a` where the condition holds, else `b`."""
        return self._value(f"select {self.truth} {condition}, {self.type} {a}, {self.type} {b}")

    # Between dtypes.

    def convert(self, value: Scalar, dtype: str) -> Scalar:
        """Bring a value of `dtype` into this dtype as NumPy's astype does; a truth value becomes 0 or 1."""
        source = self.of(dtype)
        if source.dtype == self.dtype:
            return value
        if self.element == "i1":
            return Scalar(source.compare("!=", value, source.constant(0)))
        if source.element == "i1":
            if self.is_float:
                return self.select(Condition(value), self.constant(1), self.constant(0))
            word = "zext"
        elif self.is_float and source.is_float:
            word = "fpext" if self.bits > source.bits else "fptrunc"
        elif self.is_float:
            word = "sitofp" if source.is_signed else "uitofp"
        elif source.is_float:
            # C leaves what is out of range undefined, and NumPy with it; through 64 bits it at least wraps.
            wide = vector_type("i64", self.lanes)
            if self.bits == 64:
                return self._value(f"{'fptosi' if self.is_signed else 'fptoui'} {source.type} {value} to {self.type}")
            raw = self.text.value(f"fptosi {source.type} {value} to {wide}")
            return self._value(f"trunc {wide} {raw} to {self.type}")
        elif self.bits == source.bits:
            return value
        else:
            word = "trunc" if self.bits < source.bits else "sext" if source.is_signed else "zext"
        return self._value(f"{word} {source.type} {value} to {self.type}")

    # Memory.

    def load(self, place: str) -> Scalar:
        """Load as many elements as there are lanes, one after the other."""
        stored = MEMORY_TYPES[self.dtype]
        kind = vector_type(stored, self.lanes)
        raw = self.text.value(f"load {kind}, ptr {place}, align {max(1, self.bits // 8)}")
        if self.dtype == "bool":
            # NumPy takes any byte but 0 for true.
            return self._value(f"icmp ne {kind} {raw}, {'0' if self.lanes == 1 else 'zeroinitializer'}")
        return Scalar(raw)

    def load_apart(self, place: str, stride: int) -> Scalar:
        """Load elements that lie `stride` elements apart; 0 repeats one, negative walks backwards."""
        if self.lanes == 1 or stride == 1:
            return self.load(place)
        one = Vectors(self.text, self.dtype)
        if stride == 0:
            return self.splat(one.load(place))
        result = "poison"
        for lane in range(self.lanes):
            at = self.text.offset(MEMORY_TYPES[self.dtype], place, lane * stride)
            result = self.text.value(f"insertelement {self.type} {result}, {self.element} {one.load(at)}, i64 {lane}")
        return Scalar(result)

    def store(self, value: Scalar, place: str) -> None:
        """Store the lanes one after the other."""
        stored = MEMORY_TYPES[self.dtype]
        kind = vector_type(stored, self.lanes)
        if self.dtype == "bool":
            value = self._value(f"zext {self.type} {value} to {kind}")
        self.text.do(f"store {kind} {value}, ptr {place}, align {max(1, self.bits // 8)}")

    def store_apart(self, value: Scalar, place: str, stride: int) -> None:
        """Store the lanes `stride` elements apart."""
        if self.lanes == 1 or stride == 1:
            self.store(value, place)
            return
        one = Vectors(self.text, self.dtype)
        for lane in range(self.lanes):
            at = self.text.offset(MEMORY_TYPES[self.dtype], place, lane * stride)
            one.store(self.extract(value, lane), at)

    # Lanes.

    def splat(self, scalar: Scalar) -> Scalar:
        """Return a scalar in every lane."""
        if self.lanes == 1:
            return scalar
        first = self.text.value(f"insertelement {self.type} poison, {self.element} {scalar}, i64 0")
        mask = f"<{self.lanes} x i32> zeroinitializer"
        return self._value(f"shufflevector {self.type} {first}, {self.type} poison, {mask}")

    def extract(self, value: Scalar, lane: int) -> Scalar:
        """Return one lane as a scalar."""
        return value if self.lanes == 1 else self._value(f"extractelement {self.type} {value}, i64 {lane}")

    def insert(self, value: Scalar, scalar: Scalar, lane: int) -> Scalar:
        """Return `value` with one lane replaced."""
        return self._value(f"insertelement {self.type} {value}, {self.element} {scalar}, i64 {lane}")

    def any(self, condition: Condition) -> Condition:
        """Return whether a condition holds in some lane."""
        if self.lanes == 1:
            return condition
        bits = self.text.value(f"bitcast {self.truth} {condition} to i{self.lanes}")
        return Condition(self.text.value(f"icmp ne i{self.lanes} {bits}, 0"))

    def shuffle(self, a: Scalar, b: Scalar, lanes: list[int]) -> Scalar:
        """Return lanes of `a` (numbered from 0) and `b` (numbered from `self.lanes`) in the given order."""
        mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {i}' for i in lanes)}>"
        return self._value(f"shufflevector {self.type} {a}, {self.type} {b}, {mask}")

    def fold(self, value: Scalar, combine: Callable[[Vectors, Scalar, Scalar], Scalar]) -> Scalar:
        """Combine all lanes into a scalar: the upper half onto the lower one until one is left.

        An odd lane in the middle waits for the next round, so any number of lanes will do.
        """
        builder, lanes = self, self.lanes
        while lanes > 1:
            half = lanes // 2
            narrow = Vectors(self.text, self.dtype, half)
            low = builder._part(value, 0, half)
            high = builder._part(value, lanes - half, half)
            joined = combine(narrow, low, high)
            if lanes % 2:
                middle = builder.extract(value, half)
                rest = Vectors(self.text, self.dtype, half + 1)
                value = rest.appended(joined, middle)
                builder, lanes = rest, half + 1
            else:
                value, builder, lanes = joined, narrow, half
        return value

    def appended(self, head: Scalar, last: Scalar) -> Scalar:
        """Return a value of these lanes: all but the last from `head`, which has one lane less."""
        narrow = Vectors(self.text, self.dtype, self.lanes - 1)
        if narrow.lanes == 1:
            first = self.text.value(f"insertelement {self.type} poison, {self.element} {head}, i64 0")
        else:
            lanes = ", ".join(f"i32 {min(i, narrow.lanes - 1)}" for i in range(self.lanes))
            first = self.text.value(
                f"shufflevector {narrow.type} {head}, {narrow.type} poison, <{self.lanes} x i32> <{lanes}>"
            )
        return self._value(f"insertelement {self.type} {first}, {self.element} {last}, i64 {self.lanes - 1}")

    def _part(self, value: Scalar, first: int, count: int) -> Scalar:
        if count == 1:
            return self.extract(value, first)
        return self.shuffle(value, Scalar("poison"), list(range(first, first + count)))

    # The bits of a float, for vector mathematics.

    @property
    def integers(self) -> Vectors:
        """A builder of signed integers as wide as these floats."""
        return Vectors(self.text, f"int{self.bits}", self.lanes)

    def to_bits(self, a: Scalar) -> Scalar:
        """Return the bits of floats as integers of the same width."""
        return self._value(f"bitcast {self.type} {a} to {self.integers.type}")

    def from_bits(self, a: Scalar) -> Scalar:
        """Return floats with these bits."""
        return self._value(f"bitcast {self.integers.type} {a} to {self.type}")

    def bitwise(self, instruction: str, a: Scalar, b: Scalar) -> Scalar:
        """Return ``and``, ``or``, ``xor``, ``shl``, ``lshr`` or ``ashr`` of integers."""
        return self._value(f"{instruction} {self.type} {a}, {b}")

    def wide_product(self, a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
        """Return the upper and the lower half of the whole product of unsigned integers."""
        wide = vector_type(f"i{2 * self.bits}", self.lanes)
        wa, wb = (self.text.value(f"zext {self.type} {x} to {wide}") for x in (a, b))
        product = self.text.value(f"mul {wide} {wa}, {wb}")
        shift = str(self.bits) if self.lanes == 1 else f"splat (i{2 * self.bits} {self.bits})"
        upper = self.text.value(f"lshr {wide} {product}, {shift}")
        high, low = (self._value(f"trunc {wide} {x} to {self.type}") for x in (upper, product))
        return high, low

    def _arithmetic(self, word: str, a: Scalar, b: Scalar) -> Scalar:
        if self.element == "i1":
            raise UnsupportedError(f"truth values have no {word}", dtype=self.dtype)
        return self._value(f"{'f' if self.is_float else ''}{word} {self.type} {a}, {b}")

    def _intrinsic(self, function: str, *operands: Scalar) -> Scalar:
        suffix = f"f{self.bits}" if self.is_float else f"i{self.bits}"
        name = f"llvm.{function}.{suffix if self.lanes == 1 else f'v{self.lanes}{suffix}'}"
        return Scalar(self.text.call(self.type, name, operands, outside=False))

    def _value(self, instruction: str) -> Scalar:
        return Scalar(self.text.value(instruction))

    def _require_float(self, what: str) -> None:
        if not self.is_float:
            raise UnsupportedError(f"{self.dtype} has no {what} in native code", dtype=self.dtype)
