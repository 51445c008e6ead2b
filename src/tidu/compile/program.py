"""How does any graph run as natively as it can be?

A `CompiledProgram` is a graph made ready to be called: pieces of native code, and between them the nodes that
have none, run by the interpreter. What native code cannot report well (an index out of range) is run again by
the interpreter, which can.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidu import config
from tidu.compile.calling import Call, call_flat, make_call, make_checked, plain_value
from tidu.compile.function import IndexOutOfRange
from tidu.compile.pieces import Piece, is_small
from tidu.compile.segments import Stage, interpreted_nodes, split
from tidu.compile.simplify import simplify
from tidu.compile.support import supports
from tidu.core.bind import innermost
from tidu.core.graph import Graph, Input, Literal, Node, Operation
from tidu.core.spec import Spec
from tidu.interpret import literal_value
from tidu.interpret.program import Program
from tidu.native.objects import Layout
from tidu.trace.tree import Structure

__all__ = ["LARGEST", "LARGEST_IN_LOOPS", "MOST_STAGES", "CompiledProgram"]

LARGEST = 20_000
"""Nodes: so many take seconds to compile even if each is a number."""
LARGEST_IN_LOOPS = 5_000
"""Nodes that become loops: so many take ten seconds."""
MOST_STAGES = 100
"""Native and interpreted by turns: with more, little would be gained in any of them."""


class CompiledProgram:
    """A graph made ready to run natively, whatever is in it.

    Parameters
    ----------
    graph : Graph
        Of an abstract trace.
    captures : sequence, optional
        Values for its last inputs, as they are now; see `simplify`.

    Attributes
    ----------
    simplified : Graph
        What runs.
    stages : list of (Stage, Piece or Program)
        In their order.
    too_large : bool
        Whether the interpreter runs all of it, for its size or because it has too many stages.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.trace.function import trace
    >>> x = np.array([3.0, 1.0, 2.0])
    >>> program = CompiledProgram(trace(lambda x: np.cumsum(x * 2.0) + 1.0, [x], eager=False).graph)
    >>> program([x])
    [array([ 7.,  9., 13.])]
    >>> [type(runs).__name__ for _, runs in program.stages]
    ['Piece', 'Program', 'Piece']
    """

    def __init__(self, graph: Graph, captures: Sequence[object] = ()) -> None:
        self.graph = graph
        self._oracle: Program | None = None
        self.simplified = simplify(graph, captures)
        stages = _stages(self.simplified)
        self.too_large = len(stages) > MOST_STAGES or any(_is_too_large(stage) for stage in stages)
        self.stages = [] if self.too_large else [_ready(stage) for stage in stages]
        self._values: dict[Node, object] = {
            node: literal_value(node.op.value, node.spec)
            for node in self.simplified.nodes
            if isinstance(node.op, Literal)
        }
        self._inputs = {id(node.op): node for node in self.simplified.inputs}

    @property
    def interpreted(self) -> list[tuple[Node, str]]:
        """The nodes that run through the interpreter, and why."""
        return [] if self.too_large else interpreted_nodes(self.simplified)

    @property
    def whole(self) -> Piece | None:
        """The one native piece that the graph is, if it is."""
        runs = self.stages[0][1] if len(self.stages) == 1 else None
        return runs if isinstance(runs, Piece) and runs.graph is self.simplified else None

    def call_for(
        self, layout: Layout, structure: Structure, captures: Sequence[object], nested: Structure
    ) -> Call | None:
        """Return the quick way to call it with arguments of this form, if there is one.

        Parameters
        ----------
        layout, structure
            The form of the arguments; see `tidu.compile.calling.describe`.
        captures : sequence
            Values for the last inputs.
        nested : Structure
            How the results are nested.
        """
        if self.whole is not None:
            return make_call(self.whole, layout, captures, nested)
        return make_checked(self, layout, structure, captures, nested)

    def interpret(self, inputs: Sequence[object]) -> list[object]:
        """Return the outputs as the interpreter gives them, of the graph as it was traced."""
        if self._oracle is None:
            self._oracle = Program(self.graph)
        return _owned(self._oracle(inputs), inputs, self.graph)

    def __call__(self, inputs: Sequence[object]) -> list[object]:
        """Return the values of the graph's outputs: arrays that nobody else holds, scalars, Python numbers."""
        if self.too_large or config.check_finite or innermost(inputs) is not None:
            return self.interpret(inputs)
        values = self._values.copy()
        values.update(zip(self.simplified.inputs, inputs, strict=True))
        try:
            for stage, runs in self.stages:
                values.update(zip(stage.made, _run(stage, runs, values), strict=True))
        except (IndexOutOfRange, OverflowError):  # a Python integer may be larger than any of NumPy's
            return self.interpret(inputs)
        return _owned([self._value(node, values) for node in self.simplified.outputs], inputs, self.simplified)

    def _value(self, node: Node, values: dict[Node, object]) -> object:
        # An output that is an input may have a spec of its own: it is another node then.
        return values[self._inputs[id(node.op)] if isinstance(node.op, Input) else node]


def _stages(graph: Graph) -> list[Stage]:
    """Return the graph itself as one stage if all of it is native, and else its parts."""
    if any(isinstance(node.op, Operation) for node in graph.nodes) and supports(graph) is None:
        return [Stage(graph, graph.inputs, graph.outputs, native=True)]
    return split(graph)


def _is_too_large(stage: Stage) -> bool:
    size = len(stage.graph.nodes)
    return stage.native and size > LARGEST_IN_LOOPS and (size > LARGEST or not is_small(stage.graph))


def _ready(stage: Stage) -> tuple[Stage, Piece | Program]:
    return stage, Piece(stage.graph) if stage.native else Program(stage.graph)


def _run(stage: Stage, runs: Piece | Program, values: dict[Node, object]) -> Sequence[object]:
    given = [values[node] for node in stage.given]
    if isinstance(runs, Program):
        return runs(given)
    fitting = [_fitting(value, node.spec) for value, node in zip(given, stage.given, strict=True)]
    outputs = call_flat(runs, fitting)
    return [plain_value(array, node.spec) for array, node in zip(outputs, stage.made, strict=True)]


def _fitting(value: object, spec: Spec) -> NDArray[np.generic]:
    """Return a value as native code takes it."""
    array = np.asarray(value, spec.dtype)
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else np.require(array, requirements=["C", "A"])


def _owned(values: Sequence[object], inputs: Sequence[object], graph: Graph) -> list[object]:
    """Return outputs that share no memory with inputs, with each other, or with anything else."""
    seen = {id(x) for x in inputs}
    outputs: list[object] = []
    for value, node in zip(values, graph.outputs, strict=True):
        if not isinstance(value, (np.ndarray, np.generic)):
            outputs.append(value)
        elif node.spec.weak:
            outputs.append(value.item())
        elif isinstance(value, np.ndarray) and (value.base is not None or id(value) in seen):
            outputs.append(value.copy())
        else:
            outputs.append(value)
        seen.add(id(value))
    return outputs
