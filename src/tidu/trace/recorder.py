"""How an application becomes a node: operands are lifted, the spec worked out, the value computed if known.

An *eager* recorder also computes each value as it goes, so Python's `if` and `for` can follow it (that
is `grad`). An *abstract* one knows specs only (that is `jit`, and derivatives themselves). Values of
outer functions are captured as inputs. This file knows no operation.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import FrameType
from typing import cast

import numpy as np

from tidu.core.bind import AbstractRecorder, Traced, apply, spec_of
from tidu.core.graph import Call, Input, Literal, Node, Operation, Project
from tidu.core.primitive import Params, Primitive
from tidu.core.source import Source, current_source
from tidu.core.spec import Spec, result_dtype
from tidu.core.structural import convert
from tidu.errors import LeakError
from tidu.interpret import run_call

__all__ = ["Recorder"]

_depth = threading.local()


class Recorder(AbstractRecorder):
    """Records one function's call as nodes.

    Parameters
    ----------
    stand_in : type
        The class of the stand-ins: the one with NumPy's protocols.
    eager : bool
        Whether values are computed along the way.

    Attributes
    ----------
    boundary : frame or None
        The frame outside the user's function: source lines are looked for above it only.
    origin : Source or None
        Whose line is recorded instead of the running one: that of the node being differentiated.
    """

    def __init__(self, stand_in: type[Traced], *, eager: bool) -> None:
        self.stand_in = stand_in
        self.eager = eager
        self.boundary: FrameType | None = None
        self.closed = False
        self.origin: Source | None = None
        self.captures: list[tuple[Node, object]] = []
        self._literals: dict[tuple[object, ...], Traced] = {}
        self._captured: dict[int, Traced] = {}
        self.level = 0

    def __enter__(self) -> Recorder:
        self.level = _depth.value = getattr(_depth, "value", 0) + 1
        return self

    def __exit__(self, *exception: object) -> None:
        # Nothing may refer back to this recorder, or arrays would wait for the garbage collector.
        _depth.value -= 1
        self.closed = True
        self.boundary = None
        self._literals.clear()
        self._captured.clear()

    def source(self) -> Source | None:
        """Return whose line is being recorded: the user's, or that of the node being differentiated."""
        return self.origin or current_source(self.boundary)

    def input(self, value: object, name: str) -> Traced:
        """Return the stand-in for an argument whose value (or, in an abstract recorder, whose example) is given."""
        return self.wrap(Node(Input(name), (), spec_of(value)), value if self.eager else None)

    def wrap(self, node: Node, value: object | None = None) -> Traced:
        """Return a stand-in for a node."""
        return self.stand_in(self, node, value)

    def remember(self, node: Node, value: object) -> None:
        """Note what a node is worth; a recorder for derivatives keeps it, this one does not."""

    def record(self, primitive: Primitive, operands: Sequence[object], params: Params) -> Traced:
        """Record ``primitive(*operands, **params)`` and return its stand-in."""
        traced = self.lift(operands, promote=primitive.kind.name == "elementwise")
        nodes = tuple([x.node for x in traced])
        spec = primitive.kind.spec(primitive, tuple([node.spec for node in nodes]), params)
        value = apply(primitive, *[x.value for x in traced], **params) if self.eager else None
        return self.wrap(Node(Operation(primitive, params), nodes, spec, self.source()), value)

    def record_call(self, operation: Call, operands: Sequence[object], values: Sequence[object] | None) -> list[Traced]:
        """Record the call of a graph and return a stand-in for each of its outputs."""
        traced = self.lift(operands, promote=False)
        source = self.source()
        outputs = operation.body.outputs
        node = Node(operation, tuple(x.node for x in traced), outputs[0].spec, source)
        if self.eager:
            values = run_call(operation, [x.value for x in traced], values)
            self.remember(node, values)
        return [
            self.wrap(Node(Project(i), (node,), output.spec, source), values[i] if self.eager and values else None)
            for i, output in enumerate(outputs)
        ]

    def lift(self, operands: Sequence[object], *, promote: bool) -> list[Traced]:
        """Return stand-ins of this recorder for `operands`.

        With `promote`, Python numbers and weak values take the dtype of the arrays that they meet.

        Raises
        ------
        LeakError
            If an operand belongs to a function whose call is over.
        """
        specs = tuple([spec_of(x) for x in operands])
        dtype = result_dtype(specs) if promote and any(spec.weak for spec in specs) else None
        return [
            x if isinstance(x, Traced) and x.recorder is self and not (spec.weak or self.closed)
            else self._lift(x, spec, dtype)
            for x, spec in zip(operands, specs, strict=True)
        ]  # fmt: skip

    def _lift(self, operand: object, spec: Spec, dtype: np.dtype[np.generic] | None) -> Traced:
        if isinstance(operand, Traced):
            _require_open(operand)
            if operand.recorder is not self:
                operand = self._capture(operand, spec)
            if spec.weak and dtype is not None and dtype != spec.dtype:
                return convert(operand, dtype)  # type: ignore[return-value]
            return operand
        if spec.weak or (isinstance(operand, np.generic) and spec.dtype.kind in "biuf"):
            return self._literal(operand, spec, dtype if spec.weak else None)
        return self._capture(operand, spec)

    def _literal(self, value: object, spec: Spec, dtype: np.dtype[np.generic] | None) -> Traced:
        """Make a node of a number; the same number of the same dtype is one node (the text tells 0.0 from -0.0)."""
        key = (repr(value), spec, dtype)
        found = self._literals.get(key)
        if found is None:
            number: complex = value.item() if isinstance(value, np.generic) else cast("complex", value)
            if dtype is not None:
                spec = Spec((), dtype)
                value = np.asarray(number, dtype)[()]  # an int that the dtype cannot hold is an error, as in NumPy
                number = value.item()
            node = Node(Literal(number), (), spec)
            found = self._literals[key] = self.wrap(node, value if self.eager else None)
        return found

    def _capture(self, value: object, spec: Spec) -> Traced:
        """Make an input of a value from outside; the same object is captured once."""
        found = self._captured.get(id(value))
        if found is None:
            name = value.node.name if isinstance(value, Traced) else ""
            node = Node(Input(name or f"captured{len(self.captures)}", captured=True), (), spec)
            self.captures.append((node, value))  # holds the value, so its id stays its own
            found = self._captured[id(value)] = self.wrap(node, value if self.eager else None)
        return found


def _require_open(operand: Traced) -> None:
    recorder = operand.recorder
    if isinstance(recorder, Recorder) and recorder.closed:
        made, used = operand.node.source, current_source()
        raise LeakError(
            "a traced value is used after the call that it belongs to has ended"
            + (f": made at {made} ({made.place.text})" if made else "")
            + (f", used at {used} ({used.place.text})" if used else "")
            + "; return it from the traced function instead of storing it outside",
            made=made,
            used=used,
        )
