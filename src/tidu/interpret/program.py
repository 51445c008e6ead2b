"""How a graph is run many times: its order and the last use of each value are worked out once.

The same meaning as `interpret`, without the walk over the graph at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tidu import config
from tidu.core.bind import innermost
from tidu.core.graph import Graph, Input, Literal, Node, Operation
from tidu.errors import ShapeError
from tidu.interpret import last_uses, literal_value, run_node

__all__ = ["Program"]


@dataclass(frozen=True, slots=True)
class _Step:
    """One node: what to call, where its operands lie, which slots are free afterwards."""

    node: Node
    evaluate: Callable[..., object] | None
    operands: tuple[int, ...]
    slot: int
    freed: tuple[int, ...]


class Program:
    """A graph made ready to be run again and again.

    Parameters
    ----------
    graph : Graph
        What to run.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        slots = {node: i for i, node in enumerate(graph.nodes)}
        order = [node for node in graph.nodes if not isinstance(node.op, (Input, Literal))]
        freed = last_uses(order, (*graph.outputs, *graph.inputs))
        self._fixed = [
            literal_value(node.op.value, node.spec) if isinstance(node.op, Literal) else None for node in graph.nodes
        ]
        self._inputs = [slots[node] for node in graph.inputs]
        self._outputs = [slots[node] for node in graph.outputs]
        self._steps = [
            _Step(
                node,
                _evaluation(node),
                tuple(slots[operand] for operand in node.operands),
                slots[node],
                tuple(slots[done] for done in freed.get(position, ()) if not isinstance(done.op, Literal)),
            )
            for position, node in enumerate(order)
        ]

    def __call__(self, inputs: Sequence[object]) -> list[object]:
        """Return the values of the graph's outputs for these values of its inputs."""
        if len(inputs) != len(self._inputs):
            raise ShapeError(
                f"{self.graph.name} takes {len(self._inputs)} inputs, got {len(inputs)}",
                expected=len(self._inputs),
                got=len(inputs),
            )
        values = list(self._fixed)
        for slot, value in zip(self._inputs, inputs, strict=True):
            values[slot] = value
        plain = innermost(inputs) is None and not config.check_finite
        for step in self._steps:
            operands = [values[slot] for slot in step.operands]
            if plain and step.evaluate is not None:
                values[step.slot] = step.evaluate(*operands)
            else:
                values[step.slot] = run_node(step.node, operands)
            for slot in step.freed:
                values[slot] = None
        return [values[slot] for slot in self._outputs]


def _evaluation(node: Node) -> Callable[..., object] | None:
    """Return the plain NumPy function of a node that applies a primitive."""
    if not isinstance(node.op, Operation):
        return None
    evaluate = node.op.primitive.evaluate
    return partial(evaluate, **node.op.params) if node.op.params else evaluate
