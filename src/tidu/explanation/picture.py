"""The explanation as a graph: boxes and edges for `tidu.drawing`, and the same in Graphviz's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidu.core.graph import Node, Project
from tidu.drawing.graph import GraphEdge, GraphNode, NodeKind, draw_graph
from tidu.errors import ParameterError
from tidu.explanation.formulas import operation_symbol
from tidu.explanation.numbers import show, show_edge
from tidu.explanation.text import chain_rule, forward_line, place, title
from tidu.words import say

if TYPE_CHECKING:
    from tidu.explanation.result import Explanation

__all__ = ["draw", "write_dot"]


def draw(explanation: Explanation, lang: str, limit: int) -> str:
    """Return the picture as an SVG document.

    Raises
    ------
    ParameterError
        If there are more than `limit` nodes.
    """
    count = sum(not explanation.is_constant(node) for node in explanation.order)
    if count > limit:
        raise ParameterError(say("explain.too_large", lang, n=count, limit=limit), expected=limit, got=count)
    keys = {node: str(i) for i, node in enumerate(explanation.order)}
    nodes = [_box(explanation, node, keys, lang) for node in explanation.order if _is_drawn(explanation, node)]
    return draw_graph(nodes, _arrows(explanation, keys, lang), title(explanation), say("explain.picture", lang))


def _is_drawn(explanation: Explanation, node: Node) -> bool:
    """Constants stand inside the operation that uses them, unless they are the result itself."""
    return not explanation.is_constant(node) or node in explanation.graph.outputs


def _label(explanation: Explanation, node: Node) -> str:
    if explanation.is_input(node) or explanation.is_constant(node):
        return explanation.names[node]
    if isinstance(node.op, Project):
        return f"[{node.op.position}]"
    constants = [explanation.names[operand] if explanation.is_constant(operand) else "" for operand in node.operands]
    return operation_symbol(node, constants)


def _box(explanation: Explanation, node: Node, keys: dict[Node, str], lang: str) -> GraphNode:
    detail: list[str] = []
    kind: NodeKind = "operation"
    if explanation.is_input(node):
        kind = "input" if node in explanation.variables else "constant"
        if node not in explanation.variables:
            detail.append(say("explain.data", lang))
        tooltip = f"{explanation.names[node]} = {show(explanation.values[node], lang)}"
        if node in explanation.gradients:
            tooltip += f"\n{explanation.symbol(node)} = {show(explanation.gradients[node], lang)}"
        return GraphNode(keys[node], _label(explanation, node), tuple(detail), kind, tooltip)
    if explanation.is_constant(node):
        return GraphNode(keys[node], _label(explanation, node), (), "constant")
    if node in explanation.graph.outputs:
        kind = "output"
    lines = [explanation.names[node], *([place(node)] if place(node) else [])]
    tooltip = _tooltip(explanation, node, lang)
    return GraphNode(keys[node], _label(explanation, node), tuple(lines), kind, tooltip)


def _tooltip(explanation: Explanation, node: Node, lang: str) -> str:
    lines = [] if isinstance(node.op, Project) else [forward_line(explanation, node, lang)]
    if node in explanation.gradients:
        lines.append(f"{explanation.symbol(node)} = {show(explanation.gradients[node], lang)}")
    if node.source is not None:
        lines.append(f"{place(node)}: {node.source.place.text}")
    if node in explanation.texts:
        lines.append(explanation.texts[node])
    return "\n".join(lines)


def _arrows(explanation: Explanation, keys: dict[Node, str], lang: str) -> list[GraphEdge]:
    """Return an edge for each use of a value; below it stands what flows back along this very edge."""
    downstream: dict[tuple[Node, int], tuple[str, str]] = {}
    for step in explanation.steps:
        for path in step.paths:
            rule = f"{explanation.symbol(path.operand)} = " + "\n= ".join(chain_rule(explanation, step, path, lang))
            downstream[step.node, path.position] = show_edge(path.downstream), rule
    edges = []
    for node in explanation.order:
        for position, operand in enumerate(node.operands):
            if not _is_drawn(explanation, operand):
                continue
            below, rule = downstream.get((node, position), ("", ""))
            if isinstance(node.op, Project) and node in explanation.gradients:
                below = show_edge(explanation.gradients[node])
            value = explanation.values[node if isinstance(node.op, Project) else operand]
            edges.append(GraphEdge(keys[operand], keys[node], show_edge(value), below, rule))
    for node in explanation.graph.outputs:
        edges.append(GraphEdge(keys[node], None, show_edge(explanation.values[node]), "1"))
    return edges


def write_dot(explanation: Explanation) -> str:
    """Return the graph in Graphviz's language, values and gradients on the edges."""
    keys = {node: f"n{i}" for i, node in enumerate(explanation.order)}
    lines = [f"digraph {_quote(explanation.graph.name)} {{", "  rankdir=LR;"]
    for node in explanation.order:
        if _is_drawn(explanation, node):
            shape = "box" if explanation.is_input(node) else "ellipse"
            label = _label(explanation, node)
            if not explanation.is_input(node) and not explanation.is_constant(node):
                label += f"\n{explanation.names[node]}"
            lines.append(f"  {keys[node]} [shape={shape}, label={_quote(label)}];")
    for number, edge in enumerate(_arrows(explanation, keys, "en")):
        target = edge.target or f"result{number}"
        if edge.target is None:
            lines.append(f"  {target} [shape=point];")
        label = "\n".join(filter(None, [edge.above, edge.below]))
        lines.append(f"  {edge.source} -> {target} [label={_quote(label)}];")
    return "\n".join([*lines, "}"])


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
