"""What does a graph compute once derivatives are taken?

A `Call` was one node so that its derivative could be given apart; afterwards its body is part of the
program like any other. This file simplifies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tidu.core.graph import Call, Graph, Node, Project

__all__ = ["inline"]


@dataclass(slots=True)
class _Frame:
    """A graph being copied: what its nodes became, and how far the copy has come."""

    graph: Graph
    became: dict[Node, Node]
    position: int = 0
    results: dict[Node, list[Node]] = field(default_factory=dict)


def inline(graph: Graph) -> Graph:
    """Return `graph` with the bodies of its calls in place of the calls.

    Calls inside bodies are inlined too, each use of a body apart. A graph without calls is returned itself.

    Examples
    --------
    >>> import numpy as np, tidu
    >>> from tidu.core.spec import Spec
    >>> from tidu.trace.function import trace
    >>> square = tidu.checkpoint(lambda x: x * x)
    >>> graph = trace(lambda x: square(x) + 1.0, [Spec((), np.dtype("float64"))], eager=False).graph
    >>> len(graph.nodes), len(inline(graph).nodes)
    (5, 4)
    """
    if not any(isinstance(node.op, Call) for node in graph.nodes):
        return graph
    frames = [_Frame(graph, {node: node for node in graph.inputs})]
    while True:
        frame = frames[-1]
        call = _advance(frame)
        if call is not None:
            body = call.op.body  # type: ignore[union-attr]
            given = [frame.became[operand] for operand in call.operands]
            frames.append(_Frame(body, dict(zip(body.inputs, given, strict=True))))
            continue
        outputs = [frame.became[node] for node in frame.graph.outputs]
        frames.pop()
        if not frames:
            return Graph(graph.inputs, tuple(outputs), graph.name)
        outer = frames[-1]
        outer.results[outer.graph.nodes[outer.position]] = outputs
        outer.position += 1


def _advance(frame: _Frame) -> Node | None:
    """Copy nodes up to the next call, which is returned, or to the end."""
    nodes, became = frame.graph.nodes, frame.became
    while frame.position < len(nodes):
        node = nodes[frame.position]
        if isinstance(node.op, Call):
            return node
        if isinstance(node.op, Project):
            became[node] = frame.results[node.operands[0]][node.op.position]
        elif node not in became:
            operands = tuple([became[operand] for operand in node.operands])
            same = operands == node.operands
            became[node] = node if same else Node(node.op, operands, node.spec, node.source, node.label)
        frame.position += 1
    return None
