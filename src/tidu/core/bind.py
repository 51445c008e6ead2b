"""How an operation is applied: to plain values by NumPy, to traced ones by recording a node.

`Traced` is what this layer must know of a stand-in array; the class with NumPy's protocols is in
`tidu.trace`. A recorder has a level; the innermost one among the operands records, so nested
transformations cannot confuse each other's values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu import config
from tidu.core.graph import Call, Node
from tidu.core.primitive import Param, Params, Primitive
from tidu.core.source import current_source
from tidu.core.spec import Shape, Spec
from tidu.core.value import Value
from tidu.errors import NonFiniteError

__all__ = ["AbstractRecorder", "Traced", "apply", "innermost", "require_finite", "shape_of", "spec_of"]


class AbstractRecorder(ABC):
    """Turns applications into nodes of one graph."""

    level: int

    @abstractmethod
    def wrap(self, node: Node, value: object | None = None) -> Traced:
        """Return a stand-in for a node that exists already."""

    @abstractmethod
    def record(self, primitive: Primitive, operands: Sequence[object], params: Params) -> Traced:
        """Record ``primitive(*operands, **params)`` and return its stand-in."""

    @abstractmethod
    def record_call(self, operation: Call, operands: Sequence[object], values: Sequence[object] | None) -> list[Traced]:
        """Record the call of a graph and return a stand-in for each output.

        `values` are its plain outputs, where they are known already.
        """


class Traced:
    """A value that stands in for an array while a function is traced."""

    __slots__ = ("node", "recorder", "value")

    def __init__(self, recorder: AbstractRecorder, node: Node, value: object | None) -> None:
        self.recorder = recorder
        self.node = node
        self.value = value


def innermost(operands: Sequence[object]) -> AbstractRecorder | None:
    """Return the recorder of the highest level among `operands`, or None if all are plain."""
    best: AbstractRecorder | None = None
    for operand in operands:
        if isinstance(operand, Traced) and (best is None or operand.recorder.level > best.level):
            best = operand.recorder
    return best


def apply(primitive: Primitive, *operands: object, **params: Param) -> Value:
    """Apply `primitive`: evaluate it on plain operands, or record it if one of them is traced."""
    recorder = innermost(operands)
    if recorder is not None:
        return cast("Value", recorder.record(primitive, operands, params))
    result = primitive.evaluate(*operands, **params)
    if config.check_finite:
        require_finite(primitive, operands, result, None)
    return cast("Value", result)


def require_finite(primitive: Primitive, operands: Sequence[object], result: object, node: Node | None) -> None:
    """Raise if a NaN or an infinity first appears in `result`, its operands being finite.

    Raises
    ------
    NonFiniteError
        Naming the primitive, what appeared, where in the result, and the user's line.
    """
    array = np.asarray(result)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    if not all(np.isfinite(x).all() for x in map(np.asarray, operands) if x.dtype.kind == "f"):
        return
    where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    source = node.source if node else current_source()
    raise NonFiniteError(
        f"{primitive.name} first gives {array[where]} at index {where} of its result, from finite operands"
        + (f" ({source}: {source.place.text})" if source else ""),
        primitive=primitive.name,
        index=where,
        source=source,
    )


def spec_of(value: object) -> Spec:
    """Return the spec of a plain or traced value."""
    if isinstance(value, Traced):
        return value.node.spec
    return value if isinstance(value, Spec) else Spec.of(value)


def shape_of(value: object) -> Shape:
    """Return the shape of a plain or traced value."""
    return value.node.spec.shape if isinstance(value, Traced) else Spec.of(value).shape
