"""Where is each element of a value: a lane of which SSA value, a place in memory, or a constant?

An element is a number: the source it comes from, shifted, plus its position there. A value is an integer
array of such numbers, so movement is NumPy's own on that array and costs no instruction; a row whose
numbers are consecutive is a vector already, and one number repeated is a splat. This file knows no graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.compile.unrolled.transpose import transpose
from tidu.core.emit import Condition, Scalar
from tidu.core.spec import Shape
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors, literal

__all__ = ["Elements", "Numbers", "Value"]

Numbers: TypeAlias = NDArray[np.int64]
_SHIFT = 40
_POSITION = (1 << _SHIFT) - 1


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the program.

    Parameters
    ----------
    numbers : ndarray of int64
        Of its elements, in its shape.
    dtype : str
        Of an element.
    """

    numbers: Numbers
    dtype: str

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self.numbers.shape


@dataclass(frozen=True, slots=True)
class _Register:
    name: str
    dtype: str
    lanes: int


@dataclass(frozen=True, slots=True)
class _Memory:
    place: str
    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class _Constant:
    value: float
    dtype: str


class _Builder(Vectors):
    """Knows which numbers are truth values, so that ``select(c, 1, 0) != 0`` is `c` and costs nothing."""

    def __init__(self, text: FunctionText, dtype: str, lanes: int, truths: dict[str, Condition]) -> None:
        super().__init__(text, dtype, lanes)
        self._truths = truths

    def select(self, condition: Condition, a: Scalar, b: Scalar) -> Scalar:
        """Return `a` where the condition holds, else `b`."""
        found = super().select(condition, a, b)
        if self.element != "i1" and a == self.constant(1) and b == self.constant(0):
            self._truths[found] = condition
        return found

    def compare(self, relation: str, a: Scalar, b: Scalar) -> Condition:
        """Return ``a relation b`` with IEEE meaning."""
        if relation == "!=" and a in self._truths and b == self.constant(0):
            return self._truths[a]
        return super().compare(relation, a, b)

    def convert(self, value: Scalar, dtype: str) -> Scalar:
        """Bring a value of `dtype` into this dtype."""
        if self.dtype == "bool" and value in self._truths:
            return Scalar(self._truths[value])
        found = super().convert(value, dtype)
        if dtype == "bool" != self.dtype:
            self._truths[found] = Condition(value)
        return found


class Elements:
    """Numbers elements, and writes the code that brings them together.

    Parameters
    ----------
    text : FunctionText
        Where to write: one block, in which nothing is stored before the last element is read.
    """

    def __init__(self, text: FunctionText) -> None:
        self.text = text
        self._sources: list[_Register | _Memory | _Constant] = []
        self._constants: dict[tuple[str, str], int] = {}
        self._scalars: dict[int, Scalar] = {}
        self._packed: dict[tuple[int, ...], Scalar] = {}
        self._places: dict[int, str] = {}
        self._builders: dict[tuple[str, int], _Builder] = {}
        self._truths: dict[str, Condition] = {}

    def builder(self, dtype: str, lanes: int) -> Vectors:
        """Return the builder of `lanes` elements of `dtype`."""
        key = dtype, lanes
        if key not in self._builders:
            self._builders[key] = _Builder(self.text, dtype, lanes, self._truths)
        return self._builders[key]

    # Sources.

    def memory(self, place: str, dtype: str, size: int) -> int:
        """Return the number of the first of `size` elements at `place`; the others are numbered on."""
        return self._add(_Memory(place, dtype, size))

    def register(self, value: Scalar, dtype: str, lanes: int) -> int:
        """Return the number of the first lane of an SSA value."""
        return self._add(_Register(value, dtype, lanes))

    def constant(self, value: float, dtype: str) -> int:
        """Return the number of a constant."""
        # 0.0 == -0.0, but their texts differ.
        key = literal(value, dtype), dtype
        if key not in self._constants:
            self._constants[key] = self._add(_Constant(value, dtype))
        return self._constants[key]

    def place_of(self, number: int) -> str | None:
        """Return where an element of memory lies, None of another."""
        source = self._sources[number >> _SHIFT]
        if not isinstance(source, _Memory):
            return None
        if number not in self._places:
            self._places[number] = self.text.offset(MEMORY_TYPES[source.dtype], source.place, number & _POSITION)
        return self._places[number]

    # Reading.

    def scalar(self, number: int) -> Scalar:
        """Return one element."""
        found = self._scalars.get(number)
        if found is None:
            found = self._scalars[number] = self._read(number)
        return found

    def pack(self, numbers: tuple[int, ...]) -> Scalar:
        """Return these elements as the lanes of one value."""
        lanes, first = len(numbers), numbers[0]
        if lanes == 1:
            return self.scalar(first)
        found = self._packed.get(numbers)
        if found is not None:
            return found
        source = self._sources[first >> _SHIFT]
        if numbers.count(first) == lanes:
            found = self._splat(source, first, lanes)
            if isinstance(source, _Memory):
                # Loaded anew at each use: a processor that can repeats it within the instruction that needs it,
                # while a register held for it would be spilled.
                return found
        elif not isinstance(source, _Constant) and numbers == tuple(range(first, first + lanes)):
            found = self._run(source, first, lanes)
        else:
            found = self._transposed(numbers, source.dtype) or self._assembled(numbers, source.dtype)
        self._packed[numbers] = found
        return found

    def cost(self, numbers: Sequence[int]) -> float:
        """Return about how many instructions `pack` would write."""
        first, lanes = numbers[0], len(numbers)
        source = self._sources[first >> _SHIFT]
        if numbers.count(first) == lanes:
            if isinstance(source, _Register):
                return 0.0 if lanes == 1 == source.lanes else 1.0
            return 0.25 if isinstance(source, _Memory) else 0.0
        if not isinstance(source, _Constant) and list(numbers) == list(range(first, first + lanes)):
            whole = isinstance(source, _Register) and (source.lanes, first & _POSITION) == (lanes, 0)
            return 0.0 if whole else 0.5
        counts: dict[int, int] = {}
        for number in numbers:
            counts[number >> _SHIFT] = counts.get(number >> _SHIFT, 0) + 1
        total = 0.0
        for index, count in counts.items():
            source = self._sources[index]
            if isinstance(source, _Memory):
                total += count
            elif isinstance(source, _Register):
                total += 1.0 if source.lanes == 1 else 1.5
        return total

    def _add(self, source: _Register | _Memory | _Constant) -> int:
        self._sources.append(source)
        return (len(self._sources) - 1) << _SHIFT

    def _read(self, number: int) -> Scalar:
        match self._sources[number >> _SHIFT]:
            case _Constant(value, dtype):
                return self.builder(dtype, 1).constant(value)
            case _Register(name, dtype, lanes):
                return self.builder(dtype, lanes).extract(Scalar(name), number & _POSITION)
            case _Memory(dtype=dtype):
                return self.builder(dtype, 1).load(self.place_of(number) or "")

    def _splat(self, source: _Register | _Memory | _Constant, number: int, lanes: int) -> Scalar:
        builder = self.builder(source.dtype, lanes)
        match source:
            case _Constant(value=value):
                return builder.constant(value)
            case _Register(name=name, lanes=wide) if wide > 1:
                whole = self.builder(source.dtype, wide)
                return whole.shuffle(Scalar(name), Scalar("poison"), [number & _POSITION] * lanes)
            case _Register():
                return builder.splat(self.scalar(number))
            case _Memory():
                return builder.splat(self._read(number))

    def _run(self, source: _Register | _Memory, number: int, lanes: int) -> Scalar:
        if isinstance(source, _Memory):
            return self.builder(source.dtype, lanes).load(self.place_of(number) or "")
        position = number & _POSITION
        if (position, source.lanes) == (0, lanes):
            return Scalar(source.name)
        whole = self.builder(source.dtype, source.lanes)
        return whole.shuffle(Scalar(source.name), Scalar("poison"), list(range(position, position + lanes)))

    def _transposed(self, numbers: tuple[int, ...], dtype: str) -> Scalar | None:
        """Return a column of a matrix whose rows lie in memory or in registers, and keep its neighbors."""
        sources = [self._sources[number >> _SHIFT] for number in numbers]
        memories = [source for source in sources if isinstance(source, _Memory)]
        registers = [source for source in sources if isinstance(source, _Register)]
        if len(memories) == len(numbers):
            left = [m.size - (number & _POSITION) for m, number in zip(memories, numbers, strict=True)]
            columns = self._columns(numbers, dtype, left)
        elif len(registers) == len(numbers):
            columns = self._crossed(numbers, dtype, registers)
        else:
            columns = []
        for j, column in enumerate(columns):
            self._packed.setdefault(tuple(number + j for number in numbers), column)
        return self._packed.get(numbers)

    def _columns(self, numbers: tuple[int, ...], dtype: str, left: Sequence[int]) -> list[Scalar]:
        """Load up to four elements of each row, of which `left` are there, and transpose."""
        lanes, count = len(numbers), min(4, *left)
        wide = 4 if count > 2 else 2
        if count < 2 or lanes % wide or lanes == wide:
            return []
        row = self.builder(dtype, wide)
        rows = []
        for number, rest in zip(numbers, left, strict=True):
            there = min(wide, rest)
            part = self.builder(dtype, there).load(self.place_of(number) or "")
            if there < wide:
                part = _shuffle(self.builder(dtype, there), part, Scalar("poison"), [*range(there), -1])
            rows.append(part)
        # Row i goes into block i // wide of vector i % wide.
        whole = self.builder(dtype, lanes)
        blocks = [self._joined([rows[i] for i in range(j, lanes, wide)], row) for j in range(wide)]
        return transpose(whole, blocks)[:count]

    def _joined(self, parts: Sequence[Scalar], builder: Vectors) -> Scalar:
        """Lay values of one length end to end."""
        while len(parts) > 1:
            n, dtype = builder.lanes, builder.dtype
            if len(parts) % 2:
                # All lengths must stay equal, so one that is alone is joined with nothing.
                head = self._joined(parts[:-1], builder)
                wide = self.builder(dtype, n * (len(parts) - 1))
                last = _shuffle(builder, parts[-1], Scalar("poison"), [i if i < n else -1 for i in range(wide.lanes)])
                return _shuffle(wide, head, last, list(range(wide.lanes + n)))
            parts = [builder.shuffle(a, b, list(range(2 * n))) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            builder = self.builder(dtype, 2 * n)
        return parts[0]

    def _crossed(self, numbers: tuple[int, ...], dtype: str, registers: Sequence[_Register]) -> list[Scalar]:
        """Transpose the square block of lanes that a row across as many registers belongs to."""
        count, lanes, position = len(numbers), registers[0].lanes, numbers[0] & _POSITION
        first = position - position % count
        same = all(
            (number & _POSITION, r.lanes) == (position, lanes) for number, r in zip(numbers, registers, strict=True)
        )
        if not same or count < 4 or count & (count - 1) or first + count > lanes or len(set(registers)) < count:
            return []
        starts = [number - position + first for number in numbers]
        rows = [self.pack(tuple(range(start, start + count))) for start in starts]
        columns = transpose(self.builder(dtype, count), rows)
        for j, column in enumerate(columns):
            self._packed[tuple(start + j for start in starts)] = column
        return columns[position - first :]

    def _assembled(self, numbers: tuple[int, ...], dtype: str) -> Scalar:
        """Join constants, lanes of registers by shuffles, and single elements by insertion, in this order."""
        lanes = len(numbers)
        builder = self.builder(dtype, lanes)
        found, vectors, singles = self._sorted_out(numbers, builder)
        if found == "poison" and len(vectors) > 1 and vectors[0][0].lanes == vectors[1][0].lanes:
            # Two of one length make a value of any length in one go.
            (one, at_one), (other, at_other) = vectors[:2]
            mask = [at_one.get(i, one.lanes + at_other.get(i, -one.lanes)) for i in range(lanes)]
            whole = self.builder(dtype, one.lanes)
            found, vectors = _shuffle(whole, Scalar(one.name), Scalar(other.name), mask), vectors[2:]
            filled = {*at_one, *at_other}
        else:
            filled = {i for i, number in enumerate(numbers) if isinstance(self._sources[number >> _SHIFT], _Constant)}
        for source, taken in vectors:
            if source.lanes == lanes and found != "poison":
                mask = [lanes + taken[i] if i in taken else i for i in range(lanes)]
                found = builder.shuffle(found, Scalar(source.name), mask)
            else:
                mask = [taken.get(i, 0) for i in range(lanes)]
                moved = self.builder(dtype, source.lanes).shuffle(Scalar(source.name), Scalar("poison"), mask)
                blend = [lanes + i if i in taken else i for i in range(lanes)]
                found = builder.shuffle(found, moved, blend) if filled else moved
            filled.update(taken)
        for i, number in singles:
            element = f"{builder.element} {self.scalar(number)}"
            found = Scalar(self.text.value(f"insertelement {builder.type} {found}, {element}, i64 {i}"))
        return found

    def _sorted_out(
        self, numbers: tuple[int, ...], builder: Vectors
    ) -> tuple[Scalar, list[tuple[_Register, dict[int, int]]], list[tuple[int, int]]]:
        """Return the constants as a vector, the registers with who takes what from them, and what is left over."""
        words = ["poison"] * len(numbers)
        groups: dict[int, dict[int, int]] = {}
        for i, number in enumerate(numbers):
            match self._sources[number >> _SHIFT]:
                case _Constant(value, dtype):
                    words[i] = literal(value, dtype)
                case _:
                    groups.setdefault(number >> _SHIFT, {})[i] = number
        vectors, singles = [], []
        for index, group in groups.items():
            source = self._sources[index]
            if isinstance(source, _Register) and source.lanes > 1 and len(group) > 1:
                vectors.append((source, {i: number & _POSITION for i, number in group.items()}))
            else:
                singles += list(group.items())
        if set(words) == {"poison"}:
            return Scalar("poison"), vectors, singles
        return Scalar(f"<{', '.join(f'{builder.element} {word}' for word in words)}>"), vectors, singles


def _shuffle(builder: Vectors, a: Scalar, b: Scalar, mask: Sequence[int]) -> Scalar:
    """Shuffle; a negative lane is left open."""
    words = ", ".join(f"i32 {i if i >= 0 else 'poison'}" for i in mask)
    text = f"shufflevector {builder.type} {a}, {builder.type} {b}, <{len(mask)} x i32> <{words}>"
    return Scalar(builder.text.value(text))
