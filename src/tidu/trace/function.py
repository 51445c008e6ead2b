"""How a whole function is traced: arguments become inputs, results become outputs.

This file knows nothing of derivatives.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tidu.core.bind import Traced
from tidu.core.graph import Graph, Node
from tidu.core.spec import Spec
from tidu.errors import DtypeError, TraceError
from tidu.trace.array import TracedArray
from tidu.trace.recorder import Recorder
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["TracedFunction", "argument_names", "as_leaf", "trace"]


@dataclass(frozen=True, slots=True)
class TracedFunction:
    """A function's graph for arguments of given shapes, and how its results are nested.

    Parameters
    ----------
    graph : Graph
        Its inputs are the leaves of the arguments, then the captured values.
    captures : tuple
        The captured values themselves, for the last inputs.
    structure : Structure
        Containers of the result.
    values : mapping of Node to value
        Under an eager trace what each stand-in made on the way was worth; else empty.
    """

    graph: Graph
    captures: tuple[object, ...]
    structure: Structure
    values: Mapping[Node, object]

    def result(self, leaves: Sequence[object]) -> object:
        """Nest output values as the function does."""
        return unflatten(self.structure, leaves)


class _Remembering(Recorder):
    """An eager recorder that remembers every value, for the derivative to start from."""

    def __init__(self) -> None:
        super().__init__(TracedArray, eager=True)
        self.values: dict[Node, object] = {}

    def wrap(self, node: Node, value: object | None = None) -> Traced:
        """Return a stand-in for a node, and remember its value."""
        self.remember(node, value)
        return super().wrap(node, value)

    def remember(self, node: Node, value: object) -> None:
        """Keep what a node is worth (of a `Call`: the tuple), so that the derivative need not run it again."""
        self.values[node] = value


def trace(
    function: Callable[..., object],
    arguments: Sequence[object],
    *,
    eager: bool,
    names: Sequence[str] = (),
    keywords: Mapping[str, object] | None = None,
    only: Sequence[bool] | None = None,
) -> TracedFunction:
    """Trace ``function(*arguments, **keywords)``.

    Parameters
    ----------
    function : callable
        Plain NumPy code.
    arguments : sequence
        Nested containers of arrays; with ``eager=False`` only their shapes and dtypes matter, and leaves
        may be `Spec`.
    eager : bool
        Whether values are known to Python's control flow.
    names : sequence of str
        What the arguments are called; by default the function's own parameter names.
    keywords : mapping, optional
        Passed on untraced.
    only : sequence of bool, optional
        Which arguments to trace; the others are passed on as they are. By default all.

    Returns
    -------
    TracedFunction
    """
    names = names or argument_names(function, len(arguments))
    # The frame is not kept in a local variable of its own: that would be a cycle, and hold every array.
    recorder = _Remembering() if eager else Recorder(TracedArray, eager=False)
    with recorder:
        recorder.boundary = sys._getframe(0)
        inputs: list[Traced] = []
        traced_arguments: list[object] = []
        for name, argument, flag in zip(names, arguments, only or [True] * len(arguments), strict=True):
            if not flag:
                traced_arguments.append(argument)
                continue
            leaves, structure = flatten(argument)
            stand_ins = [
                recorder.input(as_leaf(leaf, path), path)
                for leaf, path in zip(leaves, leaf_paths(structure, name), strict=True)
            ]
            inputs += stand_ins
            traced_arguments.append(unflatten(structure, stand_ins))
        try:
            result = function(*traced_arguments, **(keywords or {}))
        except ValueError as error:
            # NumPy's item assignment hides our error, which says what to write, behind its own.
            if isinstance(error.__cause__, TraceError):
                raise error.__cause__ from None
            raise
        leaves, structure = flatten(result)
        outputs = recorder.lift([as_leaf(leaf, "the result") for leaf in leaves], promote=False)
    captured = tuple(node for node, _ in recorder.captures)
    graph = Graph(
        tuple(x.node for x in inputs) + captured,
        tuple(x.node for x in outputs),
        getattr(function, "__name__", "f").replace("<lambda>", "f"),
    )
    values = recorder.values if isinstance(recorder, _Remembering) else {}
    return TracedFunction(graph, tuple(value for _, value in recorder.captures), structure, values)


def as_leaf(leaf: object, where: str) -> object:
    """Check that a leaf is an array, a number or a traced value.

    Raises
    ------
    DtypeError
        Naming where the leaf stands.
    """
    if isinstance(leaf, (Traced, Spec, np.ndarray, np.generic, bool, int, float, complex)):
        if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind not in "biufc":
            raise DtypeError(
                f"{where}: expected numbers or booleans, got an array of dtype {leaf.dtype}",
                where=where,
                got=leaf.dtype,
            )
        return leaf
    raise DtypeError(
        f"{where}: expected an array or a number, got {type(leaf).__name__}; convert it with np.asarray first",
        where=where,
        got=type(leaf),
    )


def argument_names(function: Callable[..., object], count: int) -> list[str]:
    """Return the names of the first `count` positional parameters, numbered where they have none."""
    code = getattr(function, "__code__", None)
    if code is not None and not hasattr(function, "__signature__"):
        names = list(code.co_varnames[: code.co_argcount])
    else:
        names = [p.name for p in _parameters(function) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if names[:1] == ["self"]:
        names = names[1:]
    return (names + [f"argument{i}" for i in range(len(names), count)])[:count]


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins tell nothing of theirs
        return []
