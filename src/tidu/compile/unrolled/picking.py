"""How are elements taken, and added, by number?

Rows of an input become places in memory, found while the code runs. An index that is known when the code is
made costs nothing. Elements that are in registers cannot be addressed: each candidate is compared with the
index and selected. No index reads or writes outside of the array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tidu.compile.unrolled.arithmetic import Arithmetic
from tidu.compile.unrolled.elements import Elements, Value
from tidu.core.emit import Fold, Scalar, ScalarBuilder, Template
from tidu.core.graph import Input, Node
from tidu.core.spec import Shape, Spec
from tidu.native.vectors import MEMORY_TYPES

__all__ = ["Constants", "Picking", "refusal_to_pick"]

Constants = Mapping[Node, NDArray[np.generic]]
_SUM = Fold(0.0, lambda b, total, x: b.add(total, x))
_BOOL, _INT64 = np.dtype("bool"), np.dtype("int64")


def refusal_to_pick(node: Node, constants: Constants) -> str | None:
    """Return why a ``gather`` or ``scatter_add`` cannot be unrolled, or None."""
    array, *indices = node.operands
    unknown = [x for x in indices if x not in constants]
    taken = node.primitive is not None and node.primitive.emit == Template("gather")
    whole = (array if taken else node).spec.shape
    for length, x in zip(whole, indices, strict=False):
        if x in constants:
            index = constants[x].astype(np.int64)
            if np.any((index < -length) | (index >= length)):
                return "an index is out of range"
        elif not length:
            return "an axis of length 0 has no index"
    if taken:
        in_memory = isinstance(array.op, Input)
        return None if in_memory or len(unknown) < 2 else "elements in registers have no address"
    if len(unknown) > 1:
        return "elements in registers have no address"
    lead = np.broadcast_shapes(*(x.spec.shape for x in indices))
    known = [
        np.broadcast_to(constants[x].astype(np.int64) % length, lead).ravel().tolist()
        for length, x in zip(whole, indices, strict=False)
        if x in constants
    ]
    if known and len(set(zip(*known, strict=True))) < math.prod(lead):
        return "known indices that repeat"
    return None


class Picking:
    """Writes what takes and adds elements by number.

    Parameters
    ----------
    elements : Elements
        Where the elements are.
    arithmetic : Arithmetic
        Writes comparisons and selections.
    constants : mapping of Node to ndarray
        Inputs known when the code is made.
    trusted : frozenset of Node
        Inputs whose elements are valid indices, not negative.
    """

    def __init__(
        self, elements: Elements, arithmetic: Arithmetic, constants: Constants, trusted: frozenset[Node]
    ) -> None:
        self.elements = elements
        self.arithmetic = arithmetic
        self._constants = constants
        self._trusted = trusted
        self._inside: dict[tuple[int, int], str] = {}

    def rows(self, node: Node, start: int, indices: Sequence[Value]) -> Value:
        """Number the elements of each row of a table, whose first element is `start`, from the row's place on."""
        table, *given = node.operands
        lead, rest = table.spec.shape[: len(given)], table.spec.shape[len(given) :]
        checked = [x not in self._trusted for x in given]
        lines = [x.ravel().tolist() for x in np.broadcast_arrays(*(x.numbers for x in indices))]
        size, dtype = math.prod(rest), table.spec.dtype.name
        starts = [
            self.elements.memory(self._row(start, dtype, lead, checked, size, numbers), dtype, size)
            for numbers in zip(*lines, strict=True)
        ]
        numbers = np.asarray(starts, np.int64).reshape(-1, 1) + np.arange(size)
        return Value(numbers.reshape(node.spec.shape), dtype)

    def gather(self, node: Node, x: Value, indices: Sequence[Value]) -> Value:
        """Take elements of `x`; all indices are known, or all but one."""
        dtype = node.spec.dtype
        found: Value | None = None
        for cell, hit in self._cells(node.operands[1:], indices, x.shape):
            candidate = Value(x.numbers[cell].reshape(node.spec.shape), dtype.name)
            if found is None or hit is None:
                found = candidate
                continue
            spec = Spec(node.spec.shape, dtype)
            found = self.arithmetic.elementwise(_select, [_wide(hit, candidate.shape), candidate, found], spec)
        assert found is not None, "an axis of length 0 has no index"
        return found

    def scatter_add(self, node: Node, values: Value, indices: Sequence[Value]) -> Value:
        """Add `values` into zeros; the known indices do not repeat."""
        dtype, shape = node.spec.dtype, node.spec.shape
        zero = self.elements.constant(0.0, dtype.name)
        whole = np.full(shape, zero, np.int64)
        several = all(x not in self._constants for x in node.operands[1:])
        for position, (cell, hit) in enumerate(self._cells(node.operands[1:], indices, shape)):
            part = values
            if hit is not None:
                nothing = Value(np.full((), zero, np.int64), dtype.name)
                operands = [_wide(hit, values.shape), values, nothing]
                part = self.arithmetic.elementwise(_select, operands, Spec(values.shape, dtype))
            if several:
                axes = tuple(range(indices[0].numbers.ndim))
                total = self.arithmetic.fold(_SUM, part, axes, Spec(shape[1:], dtype))
                whole[position] = total.numbers
            else:
                whole[cell] = part.numbers
        return Value(whole, dtype.name)

    def _cells(
        self, nodes: Sequence[Node], indices: Sequence[Value], shape: Shape
    ) -> Iterator[tuple[tuple[NDArray[np.intp], ...], Value | None]]:
        """Yield for each value that the unknown index may have: all indices, and where it has that value."""
        lead = np.broadcast_shapes(*(x.shape for x in indices))
        cell = [np.zeros(lead, np.intp)] * len(nodes)
        unknown = None
        for axis, node in enumerate(nodes):
            if node in self._constants:
                index = np.broadcast_to(np.asarray(self._constants[node]).astype(np.intp), lead)
                cell[axis] = np.where(index < 0, index + shape[axis], index)
            else:
                unknown = axis
        if unknown is None:
            yield tuple(cell), None
            return
        length = shape[unknown]
        given = Value(np.broadcast_to(indices[unknown].numbers, lead), "int64")
        counted = self.arithmetic.elementwise(lambda b, i: _counted(b, i, length), [given], Spec(lead, _INT64))
        for position in range(length):
            cell[unknown] = np.full(lead, position, np.intp)
            number = Value(np.full((), self.elements.constant(position, "int64"), np.int64), "int64")
            yield tuple(cell), self.arithmetic.elementwise(_equal, [counted, number], Spec(lead, _BOOL))

    def _row(
        self, start: int, dtype: str, lead: Shape, checked: Sequence[bool], size: int, numbers: tuple[int, ...]
    ) -> str:
        """Return the place of the row with these indices, each kept within its axis."""
        text = self.elements.text
        flat = ""
        for length, check, number in zip(lead, checked, numbers, strict=True):
            index = self._clamped(number, length) if check else str(self.elements.scalar(number))
            flat = text.value(f"add i64 {text.value(f'mul i64 {flat}, {length}')}, {index}") if flat else index
        flat = flat if size == 1 else text.value(f"mul i64 {flat}, {size}")
        return text.offset(MEMORY_TYPES[dtype], self.elements.place_of(start) or "", flat)

    def _clamped(self, number: int, length: int) -> str:
        """Return an index counted from the front; what is out of range becomes the last one."""
        key = number, length
        if key not in self._inside:
            text, index = self.elements.text, self.elements.scalar(number)
            behind = text.value(f"and i64 {text.value(f'ashr i64 {index}, 63')}, {length}")
            front = text.value(f"add i64 {index}, {behind}")
            fits = text.value(f"icmp ult i64 {front}, {length}")
            self._inside[key] = text.value(f"select i1 {fits}, i64 {front}, i64 {length - 1}")
        return self._inside[key]


def _wide(hit: Value, shape: Shape) -> Value:
    """Let a truth value for each index broadcast over what each index takes."""
    return Value(hit.numbers.reshape(*hit.shape, *(1,) * (len(shape) - hit.numbers.ndim)), hit.dtype)


def _select(b: ScalarBuilder, hit: Scalar, x: Scalar, y: Scalar) -> Scalar:
    return b.select(b.compare("!=", hit, b.constant(0.0)), x, y)


def _equal(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    return b.select(b.compare("==", x, y), b.constant(1.0), b.constant(0.0))


def _counted(b: ScalarBuilder, index: Scalar, length: int) -> Scalar:
    return b.select(b.compare("<", index, b.constant(0.0)), b.add(index, b.constant(float(length))), index)
