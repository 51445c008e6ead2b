"""What Python's operators mean on traced values: NumPy's functions, with its rules for Python numbers and lists."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidu.core.bind import Traced
from tidu.core.graph import Node
from tidu.core.spec import Spec
from tidu.trace.protocol import call_function, call_ufunc

__all__ = ["call_any", "operate"]


def call_any(function: Callable[..., object], operands: tuple[object, ...], keywords: dict[str, object]) -> object:
    """Call a NumPy function, ufunc or not, that one of the operands is traced for."""
    if isinstance(function, np.ufunc):
        return call_ufunc(function, "__call__", operands, keywords)
    return call_function(function, operands, keywords)


def operate(ufunc: np.ufunc, *operands: object) -> object:
    """Apply an operator; between Python numbers alone the result is one too, and gives way to any dtype."""
    for x in operands:
        if not isinstance(x, _NUMERIC):
            if not isinstance(x, (list, tuple)):
                return NotImplemented
            operands = tuple(_listed(x) if isinstance(x, (list, tuple)) else x for x in operands)
    result = call_ufunc(ufunc, "__call__", operands, {})
    if isinstance(result, Traced) and all(_is_weak(x) for x in operands):
        node = result.node
        weak = Node(node.op, node.operands, Spec((), node.spec.dtype, weak=True), node.source)
        value = result.value
        return result.recorder.wrap(weak, value.item() if isinstance(value, np.generic) else value)
    return result


def _listed(x: object) -> object:
    """Return a list or tuple as the array that NumPy's operators make of it; its elements may be traced."""
    if not isinstance(x, (list, tuple)):
        return x
    rows = [_listed(row) for row in x]
    return call_function(np.stack, (rows,), {}) if any(isinstance(row, Traced) for row in rows) else np.asarray(x)


_NUMERIC = (Traced, float, int, np.ndarray, np.generic, complex)


def _is_weak(x: object) -> bool:
    if isinstance(x, Traced):
        return x.node.spec.weak
    return isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic)
