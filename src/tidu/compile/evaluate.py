"""How is a term computed inside loops: each part in the outermost loop that knows it, once.

A `Point` is a place in a nest of loops: where the leaves lie, and what has been computed so far. Entering a
loop makes a new point. This file knows no kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidu.compile.terms import Apply, Index, Pick, Term, ordered, parts
from tidu.compile.views import Buffer, Ramp, Uniform, View
from tidu.core.emit import Scalar
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["Evaluator", "Point", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """Where native code says that an index was out of range: a flag, and a place to write to where it was not."""

    flag: str
    spare: str


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a nest of loops.

    Parameters
    ----------
    depth : int
        Loops entered so far.
    lanes : int
        Elements that are computed at once along the vector axis; 1 outside its loop.
    found : dict of int to Scalar
        What has been computed, by the identity of the term.
    places : dict of int to str
        Where each leaf lies, or of a `Ramp` its number.
    """

    depth: int
    lanes: int
    found: dict[int, Scalar]
    places: dict[int, str]


class Evaluator:
    """Computes terms in a nest of loops.

    Parameters
    ----------
    text : FunctionText
    terms : sequence of Term
        Of one space.
    targets : sequence of View
        What will be stored to, of that space or of its kept axes.
    loops : sequence of int
        The axes, from the outermost loop to the innermost one.
    vector_axis : int or None
        The axis along which several elements are computed at once.
    bases : mapping of Buffer to str
        Where the buffers begin.
    report : Report
    given : Buffer, optional
        Whose elements are handed in at the innermost point, and never loaded.
    """

    def __init__(
        self,
        text: FunctionText,
        terms: Sequence[Term],
        targets: Sequence[View],
        loops: Sequence[int],
        vector_axis: int | None,
        bases: Mapping[Buffer, str],
        report: Report,
        given: Buffer | None = None,
    ) -> None:
        self.text = text
        self.terms = list(ordered(terms))
        self.loops = tuple(loops)
        self.vector_axis = vector_axis
        self._report = report
        self._strided: dict[int, View | Ramp] = {id(x): x for x in self.terms if isinstance(x, (View, Ramp))}
        self._strided |= {id(x): x.view for x in self.terms if isinstance(x, Pick)}
        self._strided |= {id(x): x for x in targets}
        self._bases = bases
        self._given = given
        self._depth: dict[int, int] = {}
        self._varies: dict[int, bool] = {}
        for term in self.terms:
            self._place_term(term)

    def _place_term(self, term: Term) -> None:
        """Work out in which loop a term is known, and whether it differs from lane to lane."""
        inside = parts(term)
        depth = max((self._depth[id(x)] for x in inside), default=0)
        varies = any(self._varies[id(x)] for x in inside)
        strided = self._strided.get(id(term))
        if isinstance(term, View) and term.buffer is self._given:
            depth, varies = len(self.loops), True
        elif strided is not None:
            for position, axis in enumerate(self.loops):
                if axis < len(strided.shape) and strided.shape[axis] != 1 and strided.strides[axis] != 0:
                    depth = max(depth, position + 1)
                    varies = varies or axis == self.vector_axis
        self._depth[id(term)] = depth
        self._varies[id(term)] = varies

    def start(self) -> Point:
        """Return the point outside all loops."""
        places: dict[int, str] = {}
        for key, strided in self._strided.items():
            if isinstance(strided, View) and strided.buffer not in self._bases:
                continue
            if isinstance(strided, Ramp):
                places[key] = str(strided.offset)
            else:
                element = MEMORY_TYPES[strided.dtype]
                places[key] = self.text.offset(element, self._bases[strided.buffer], strided.offset)
        point = Point(0, 1, {}, places)
        self._compute(point)
        return point

    def enter(self, point: Point, index: str, lanes: int = 1, given: Scalar | None = None) -> Point:
        """Return the point in the next loop, at position `index` of its axis.

        Parameters
        ----------
        index : str
            An ``i64``, or a decimal number.
        lanes : int
            Of the vector axis: how many elements from `index` on.
        given : Scalar, optional
            What is handed in at the innermost point.
        """
        axis = self.loops[point.depth]
        places = dict(point.places)
        steps: dict[int, str] = {}
        for key, strided in self._strided.items():
            stride = strided.strides[axis] if axis < len(strided.shape) and strided.shape[axis] != 1 else 0
            if stride == 0 or index == "0" or key not in places:
                continue
            if stride not in steps:
                steps[stride] = self.times(index, stride)
            if isinstance(strided, Ramp):
                places[key] = self.text.value(f"add nsw i64 {places[key]}, {steps[stride]}")
            else:
                places[key] = self.text.offset(MEMORY_TYPES[strided.dtype], places[key], steps[stride])
        inside = Point(point.depth + 1, max(lanes, point.lanes), dict(point.found), places)
        if given is not None:
            handed = (id(x) for x in self.terms if isinstance(x, View) and x.buffer is self._given)
            inside.found.update(dict.fromkeys(handed, given))
        self._compute(inside)
        return inside

    def value(self, point: Point, term: Term, dtype: str | None = None) -> Scalar:
        """Return what a term is worth, in every lane of the point."""
        return self._spread(point, term, point.lanes, dtype or term.dtype)

    def _compute(self, point: Point) -> None:
        for term in self.terms:
            if self._depth[id(term)] == point.depth and id(term) not in point.found and not isinstance(term, Uniform):
                point.found[id(term)] = self._write(point, term, point.lanes if self._varies[id(term)] else 1)

    def _spread(self, point: Point, term: Term, lanes: int, dtype: str) -> Scalar:
        """Return a term in so many lanes, as `dtype`."""
        vectors = Vectors(self.text, dtype, lanes)
        if isinstance(term, Uniform):
            return vectors.convert(vectors.of(term.dtype).constant(term.number), term.dtype)
        value = point.found[id(term)]
        if self._varies[id(term)] or lanes == 1:
            return vectors.convert(value, term.dtype)
        return vectors.splat(Vectors(self.text, dtype).convert(value, term.dtype))

    def _write(self, point: Point, term: Term, lanes: int) -> Scalar:
        match term:
            case View():
                stride = 0 if self.vector_axis is None or lanes == 1 else term.strides[self.vector_axis]
                return Vectors(self.text, term.dtype, lanes).load_apart(point.places[id(term)], stride)
            case Ramp():
                return self._ramp(point, term, lanes)
            case Index():
                return self._index(point, term, lanes)
            case Pick():
                return self._pick(point, term, lanes)
            case Apply():
                vectors = Vectors(self.text, term.computing, lanes)
                given = [self._spread(point, x, lanes, term.computing) for x in term.operands]
                return vectors.of(term.dtype).convert(term.emit(vectors, *given), term.computing)
            case Uniform():
                raise AssertionError("a constant is written where it is used")

    def _ramp(self, point: Point, ramp: Ramp, lanes: int) -> Scalar:
        first = Scalar(point.places[id(ramp)])
        if lanes == 1:
            return first
        assert self.vector_axis is not None
        vectors = Vectors(self.text, "int64", lanes)
        stride = ramp.strides[self.vector_axis]
        steps = Scalar(f"<{', '.join(f'i64 {lane * stride}' for lane in range(lanes))}>")
        return vectors.add(vectors.splat(first), steps)

    def _index(self, point: Point, index: Index, lanes: int) -> Scalar:
        vectors = Vectors(self.text, "int64", lanes)
        found = self._spread(point, index.term, lanes, "int64")
        if index.trusted:
            return found
        length, zero = vectors.constant(index.length), vectors.constant(0)
        found = vectors.select(vectors.compare("<", found, zero), vectors.add(found, length), found)
        # A negative number is a very large one without its sign.
        outside = vectors.of("uint64").compare(">=", found, length)
        place = self.text.value(f"select i1 {vectors.any(outside)}, ptr {self._report.flag}, ptr {self._report.spare}")
        self.text.do(f"store i64 1, ptr {place}")
        return vectors.select(outside, zero, found)

    def _pick(self, point: Point, pick: Pick, lanes: int) -> Scalar:
        varying = any(self._varies[id(x)] for x in pick.indices)
        element = MEMORY_TYPES[pick.dtype]
        wide = Vectors(self.text, "int64", lanes if varying else 1)
        distance = wide.constant(0)
        for index, step in zip(pick.indices, pick.steps, strict=True):
            part = self._spread(point, index, wide.lanes, "int64")
            distance = wide.add(distance, wide.mul(part, wide.constant(step)))
        base = point.places[id(pick)]
        stride = 0 if self.vector_axis is None else pick.view.strides[self.vector_axis]
        vectors = Vectors(self.text, pick.dtype, lanes)
        if not varying:
            return vectors.load_apart(self.text.offset(element, base, distance), stride)
        one = Vectors(self.text, pick.dtype)
        result = Scalar("poison")
        for lane in range(lanes):
            place = self.text.offset(element, base, wide.extract(distance, lane))
            loaded = one.load(self.text.offset(element, place, lane * stride))
            if lanes == 1:
                return loaded
            result = vectors.insert(result, loaded, lane)
        return result

    def times(self, index: str, stride: int) -> str:
        """Return an index, an ``i64`` or a decimal number, times a stride."""
        if index.isdecimal():
            return str(int(index) * stride)
        return index if stride == 1 else self.text.value(f"mul nsw i64 {index}, {stride}")
