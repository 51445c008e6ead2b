"""How is a piece called?

In two ways: with arrays that have been made to fit, and, where microseconds count, straight with a user's nested
arguments, which native code checks against the form they had when it was compiled. What does not fit goes the
first way, which costs some ten microseconds more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidu.compile.function import IndexOutOfRange
from tidu.compile.pieces import Frame, Piece, address_of
from tidu.core.spec import Spec
from tidu.native.objects import CALLED, FRAME_WORDS, INDEX_OUT_OF_RANGE, Layout, Read, reader
from tidu.trace.tree import Structure, unflatten

__all__ = ["MISS", "Builder", "Call", "call_flat", "describe", "make_call", "make_checked", "plain_value"]

MISS: Final = object()
"""What a `Call` returns where the arguments are of another form."""
_NOTHING: Final = np.empty(())
Call = Callable[[tuple[object, ...]], object]
Builder = Callable[[Sequence[object]], object]
"""Puts values into containers."""


def call_flat(piece: Piece, inputs: Sequence[NDArray[np.generic]]) -> list[NDArray[np.generic]]:
    """Run a piece on arrays that fit it: C-contiguous, aligned, of its shapes and dtypes.

    Raises
    ------
    IndexOutOfRange
        If an index is.
    """
    outputs: list[NDArray[np.generic]] = [np.empty(x.spec.shape, x.spec.dtype) for x in piece.graph.outputs]
    with piece.turn():
        frame = piece.take()
        frame.words[FRAME_WORDS:][: piece.n_slots - 1] = [address_of(x) for x in (*inputs, *outputs)]
        inside = piece.run(frame, frame.address)
        piece.give_back(frame)
    if not inside:
        raise IndexOutOfRange
    return outputs


def plain_value(array: NDArray[np.generic], spec: Spec) -> object:
    """Return a result as NumPy would: a scalar without axes, and a Python number where only such went in."""
    if spec.weak:
        return array.item()
    return array if spec.shape else array[()]


def describe(leaves: Sequence[object], structure: Structure) -> Layout | None:
    """Return the form of arguments, a tuple, or None if native code cannot check it."""
    layout = Layout()
    layout.container(tuple, 3)
    fits = reader() is not None and _describe(layout, structure, iter(enumerate(leaves)))
    return layout if fits else None


def make_call(piece: Piece, layout: Layout, captures: Sequence[object], nested: Structure) -> Call | None:
    """Make the quick way to call a piece.

    Parameters
    ----------
    piece : Piece
        Its inputs are the leaves of the arguments, then the captures.
    layout : Layout
        The form of the arguments, as `describe` gives it.
    captures : sequence
        Values for its last inputs.
    nested : Structure
        How its results are nested.

    Returns
    -------
    Call or None
        None if the captures cannot be handed over natively.
    """
    read = reader()
    assert read is not None, "there is a layout only if there is a reader"
    n_inputs = len(piece.graph.inputs)
    held = _held(piece, captures)
    layout.container(list, len(held))
    if not all(layout.leaf(x, n_inputs - len(held) + i) for i, x in enumerate(held)):
        return None
    results = _Results([node.spec for node in piece.graph.outputs], nested)
    layout.container(list, len(results.arrays))
    for i, spec in results.arrays:
        layout.leaf(np.empty(spec.shape, spec.dtype), n_inputs + i)
    return _call(piece, read, layout, held, results)


def make_checked(
    run: Callable[[list[object]], list[object]],
    layout: Layout,
    structure: Structure,
    captures: Sequence[object],
    nested: Structure,
) -> Call:
    """Make the quick way to call what is not one piece: native code only checks the arguments.

    Parameters
    ----------
    run : callable
        Takes the leaves of the arguments and the captures, and returns the results.
    layout, structure
        The form of the arguments.
    captures : sequence
    nested : Structure
        How the results are nested.
    """
    read = reader()
    assert read is not None, "there is a layout only if there is a reader"
    nothing: list[object] = []
    layout.container(list, 0)
    layout.container(list, 0)
    n, program, build = structure.n_leaves, layout.finish(), _builder(nested)
    words = np.zeros(FRAME_WORDS + 2 * n, np.int64)
    address = address_of(words)
    words[1:3] = address_of(program), layout.depth
    words[FRAME_WORDS:][:n] = address + 8 * (FRAME_WORDS + n + np.arange(n))
    kept = layout, program, words

    def call(arguments: tuple[object, ...], kept: object = kept) -> object:
        if read((arguments, nothing, nothing), address) != CALLED:
            return MISS
        leaves: list[object] = []
        _collect(arguments, structure, leaves)
        return build(run([*leaves, *captures]))

    return call


def _collect(tree: object, structure: Structure, leaves: list[object]) -> None:
    """Add the leaves of dicts, lists and tuples that are known to have this structure."""
    if structure.kind is None:
        leaves.append(tree)
        return
    for key, child in zip(structure.keys, structure.children, strict=True):
        _collect(tree[key], child, leaves)  # type: ignore[index]


def _held(piece: Piece, captures: Sequence[object]) -> list[object]:
    """Return captured values as they are handed over at every call.

    They are the arrays themselves, since their elements may change. Of one that native code cannot take as it is,
    but that nobody can write to, a copy is made once. Nothing stands in for what is never read.
    """
    used = {operand for node in piece.graph.nodes for operand in node.operands} | set(piece.graph.outputs)
    nodes = piece.graph.inputs[len(piece.graph.inputs) - len(captures) :]
    held: list[object] = []
    for value, node in zip(captures, nodes, strict=True):
        if node not in used:
            held.append(_NOTHING)
        elif isinstance(value, np.ndarray) and not value.flags.c_contiguous and _is_fixed(value):
            held.append(np.array(value, node.spec.dtype, order="C"))
        else:
            held.append(value)
    return held


def _is_fixed(array: NDArray[np.generic]) -> bool:
    """Tell whether an array is read-only, and so is what it is a view of."""
    base = array.base
    if array.flags.writeable or not (base is None or isinstance(base, np.ndarray)):
        return False
    return base is None or _is_fixed(base)


class _Results:
    """What becomes of the outputs: numbers stand in the frame, arrays are made for each call."""

    def __init__(self, specs: Sequence[Spec], nested: Structure) -> None:
        self.build = _builder(nested)
        self.scalars = [i for i, spec in enumerate(specs) if _is_number(spec) and not spec.weak]
        self.arrays = [(i, spec) for i, spec in enumerate(specs) if not _is_number(spec)]
        self.made = [(spec.shape, spec.dtype) for _, spec in self.arrays]
        self.are_numbers = not self.scalars and not self.arrays
        self.are_arrays = all(spec.shape for spec in specs)

    def gather(self, values: list[object], outputs: Sequence[NDArray[np.generic]]) -> object:
        """Return the nested results; `values` are the frame's words of all outputs, as numbers."""
        for i in self.scalars:
            values[i] = np.float64(values[i])  # type: ignore[arg-type]
        for (i, spec), array in zip(self.arrays, outputs, strict=True):
            values[i] = array if spec.shape else plain_value(array, spec)
        return self.build(values)


@dataclass(slots=True)
class _Held:
    """A frame laid out for one form of arguments."""

    frame: Frame
    address: int
    numbers: NDArray[np.float64]
    kept: tuple[object, ...]


def _call(piece: Piece, read: Read, layout: Layout, captures: list[object], results: _Results) -> Call:
    """Return the function itself; what it needs is at hand as local variables."""
    free: list[_Held] = []
    take, give_back, brief, empty, made = free.pop, free.append, piece.is_brief, np.empty, results.made
    build, are_numbers, are_arrays = results.build, results.are_numbers, results.are_arrays

    def call(arguments: tuple[object, ...]) -> object:
        outputs = [empty(shape, dtype) for shape, dtype in made]
        if brief:
            try:
                held = take()
            except IndexError:
                held = _hold(piece, layout)
            found = read((arguments, captures, outputs), held.address)
        else:
            with piece.turn():
                held = free.pop() if free else _hold(piece, layout)
                found = read((arguments, captures, outputs), held.address)
                if found == CALLED and not piece.run(held.frame, held.address):
                    found = INDEX_OUT_OF_RANGE
        if found != CALLED:
            give_back(held)
            return MISS
        if are_arrays:
            give_back(held)
            return build(outputs)
        values = held.numbers.tolist()
        give_back(held)
        return build(values) if are_numbers else results.gather(values, outputs)

    return call


def _hold(piece: Piece, layout: Layout) -> _Held:
    """Make a frame whose words of numbers say where each number is to be put."""
    frame, program = piece.frame(), layout.finish()
    words, n_inputs, n_outputs = frame.words, len(piece.graph.inputs), len(piece.graph.outputs)
    arena = piece.n_slots - 1
    words[0] = piece.entry.address if piece.is_brief else 0
    words[1:FRAME_WORDS] = [address_of(program), layout.depth, arena]
    words[FRAME_WORDS : FRAME_WORDS + arena] = frame.address + 8 * (FRAME_WORDS + piece.n_slots + np.arange(arena))
    numbers = words[FRAME_WORDS + piece.n_slots + n_inputs :][:n_outputs].view(np.float64)
    return _Held(frame, frame.address, numbers, (layout, program))


def _is_number(spec: Spec) -> bool:
    return not spec.shape and spec.dtype == np.float64


def _describe(layout: Layout, structure: Structure, leaves: Iterator[tuple[int, object]]) -> bool:
    """Write down containers and leaves; tell whether that was possible."""
    if structure.kind is None:
        slot, leaf = next(leaves)
        return layout.leaf(leaf, slot)
    keys = structure.keys if structure.kind is dict else ()
    if not layout.container(structure.kind, len(structure.children), keys):
        return False
    return all(_describe(layout, child, leaves) for child in structure.children)


def _builder(structure: Structure, first: int = 0) -> Builder:
    """Return what puts values, from the first of these leaves on, into their containers."""
    kind, children, end = structure.kind, structure.children, first + structure.n_leaves
    if kind is None:
        return lambda values: values[first]
    if kind in (list, tuple) and all(child.kind is None for child in children):
        return lambda values: kind(values[first:end])
    starts = accumulate([child.n_leaves for child in children], initial=first)
    parts = [_builder(child, start) for child, start in zip(children, starts, strict=False)]
    if kind is tuple and len(parts) == 2:
        one, two = parts
        return lambda values: (one(values), two(values))
    if kind in (list, tuple):
        return lambda values: kind([part(values) for part in parts])
    if kind is dict:
        named = list(zip(structure.keys, parts, strict=True))
        return lambda values: {key: part(values) for key, part in named}
    return lambda values: unflatten(structure, values[first:end])
