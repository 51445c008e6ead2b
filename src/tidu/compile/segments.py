"""Which parts of a graph run natively, and which nodes does the interpreter run between them?

A graph becomes stages. Each is a graph of nodes that all have native code, or a run of nodes that have none;
what one stage needs of an earlier one is an input of its own. This file compiles nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidu.compile.support import refusal
from tidu.core.graph import Graph, Input, Literal, Node

__all__ = ["Stage", "interpreted_nodes", "split"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of a graph.

    Parameters
    ----------
    graph : Graph
        What it computes, with an input for each of `given` and an output for each of `made`.
    given : tuple of Node
        Nodes of the whole graph that it starts from.
    made : tuple of Node
        Nodes of the whole graph that others need of it.
    native : bool
        Whether all of it has native code.
    """

    graph: Graph
    given: tuple[Node, ...]
    made: tuple[Node, ...]
    native: bool


def interpreted_nodes(graph: Graph) -> list[tuple[Node, str]]:
    """Return the nodes that have no native code, each with the reason."""
    computed = (node for node in graph.nodes if not isinstance(node.op, (Input, Literal)))
    return [(node, reason) for node in computed if (reason := refusal(node)) is not None]


def split(graph: Graph) -> list[Stage]:
    """Divide a graph without calls into stages, native and interpreted by turns, as few as possible.

    Each node runs in the first stage of its sort that finds its operands.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.trace.function import trace
    >>> x = np.ones(3)
    >>> graph = trace(lambda x: np.exp(np.cumsum(x * 2.0)) + x, [x], eager=False).graph
    >>> [(stage.native, len(stage.graph.nodes)) for stage in split(graph)]
    [(True, 4), (False, 2), (True, 4)]
    """
    # A native stage has an even number, an interpreted one an odd one.
    number: dict[Node, int] = {}
    members: dict[int, list[Node]] = {}
    refused = {node for node, _ in interpreted_nodes(graph)}
    for node in graph.nodes:
        if isinstance(node.op, (Input, Literal)):
            continue
        first = max((number[x] for x in node.operands if x in number), default=0)
        own = first + (first % 2 != (node in refused))
        number[node] = own
        members.setdefault(own, []).append(node)
    needed = set(graph.outputs)
    stages = []
    for stage in sorted(members, reverse=True):
        stages.append(_stage(members[stage], needed, graph.name, native=stage % 2 == 0))
        needed.update(stages[-1].given)
    return stages[::-1]


def _stage(members: Sequence[Node], needed: set[Node], name: str, *, native: bool) -> Stage:
    """Copy nodes into a graph of their own."""
    made = tuple(node for node in members if node in needed)
    became: dict[Node, Node] = {}
    given: list[Node] = []
    for node in members:
        for operand in node.operands:
            if operand in became:
                continue
            if isinstance(operand.op, Literal):
                became[operand] = operand
            else:
                # What is no member comes from outside: members stand in order.
                became[operand] = Node(Input(operand.name), (), operand.spec, operand.source)
                given.append(operand)
        operands = tuple([became[x] for x in node.operands])
        became[node] = Node(node.op, operands, node.spec, node.source, node.label)
    graph = Graph(tuple(became[x] for x in given), tuple(became[x] for x in made), name)
    return Stage(graph, tuple(given), made, native)
