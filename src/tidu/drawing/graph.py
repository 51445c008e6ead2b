"""How does a computation look, with its value above and its gradient below every edge.

The circuit diagrams of Stanford's CS231n, for any directed acyclic graph. Gets words and numbers as
finished text; knows nothing of operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tidu.drawing.layout import Box, LayoutEdge, LayoutNode, Point, Route, lay_out
from tidu.drawing.svg import Element, document, element, group, shorten, text, text_width
from tidu.errors import ParameterError

__all__ = ["GraphEdge", "GraphNode", "NodeKind", "draw_graph"]

NodeKind: TypeAlias = Literal["input", "operation", "output", "constant"]
_KINDS: tuple[NodeKind, ...] = ("input", "operation", "output", "constant")

_PADDING = 24.0
_HEADING = 40.0
_LINE = 17.0
_LABEL_LINE = 17.0
_MAX_LABEL = 190.0
_CIRCLE = 44.0
_ARROW = 8.0
_STUB = " stub "  # prefix of the keys of the invisible ends of stubs; a real key with it is refused as a twin

_STYLE = """
svg.tidu .box{stroke:var(--muted);stroke-width:1.2}
svg.tidu .input{fill:var(--input)}svg.tidu .operation{fill:var(--operation)}
svg.tidu .output{fill:var(--output)}svg.tidu .constant{fill:var(--constant)}
svg.tidu .line{fill:none;stroke:var(--muted);stroke-width:1.5}
svg.tidu .arrow{fill:var(--muted)}
svg.tidu text.value{fill:var(--value)}svg.tidu text.gradient{fill:var(--gradient)}
svg.tidu .edge:hover .line{stroke-width:3}
"""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A box or circle.

    Parameters
    ----------
    key : str
        What edges call it.
    label : str
        What stands in it.
    detail : tuple of str
        Smaller lines below the label.
    kind : {"input", "operation", "output", "constant"}
        Which color it has.
    tooltip : str
        What is shown when the pointer rests on it; the full label when empty.
    """

    key: str
    label: str
    detail: tuple[str, ...] = ()
    kind: NodeKind = "operation"
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An arrow with text on both sides.

    Parameters
    ----------
    source : str
        Key of the node it leaves.
    target : str or None
        Key of the node it enters; None makes a stub that leaves the picture, as of the result.
    above : str
        The value, in green above the line.
    below : str
        The gradient, in red below the line.
    tooltip : str
        What is shown when the pointer rests on it; both texts in full when empty.
    """

    source: str
    target: str | None
    above: str = ""
    below: str = ""
    tooltip: str = ""


def draw_graph(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], title: str, description: str = "") -> str:
    """Return the picture of a computation as a standalone SVG document.

    Parameters
    ----------
    nodes : sequence of GraphNode
        Boxes; their order breaks ties from top to bottom.
    edges : sequence of GraphEdge
        Arrows, from left to right; several may join the same two nodes.
    title : str
        The heading, also for screen readers; an empty one takes no room.
    description : str
        What a screen reader says after the title; when empty, how many nodes and edges there are.

    Raises
    ------
    GraphError
        If keys are not distinct, an edge names an unknown key, or there is a cycle.
    ParameterError
        If a kind is unknown, or the graph is too large to draw.

    Examples
    --------
    >>> nodes = [GraphNode("x", "x", kind="input"), GraphNode("n", "*-1")]
    >>> svg = draw_graph(nodes, [GraphEdge("x", "n", "-2", "-4"), GraphEdge("n", None, "2", "4")], "f")
    >>> svg.count('class="line"')
    2
    """
    for node in nodes:
        if node.kind not in _KINDS:
            raise ParameterError(f"a node's kind is one of {', '.join(_KINDS)}; got {node.kind!r}", got=node.kind)
    sizes = [LayoutNode(node.key, *_size(node)) for node in nodes]
    ends = [f"{_STUB}{number}" if edge.target is None else edge.target for number, edge in enumerate(edges)]
    stubs = [LayoutNode(end, 2.0, 2.0) for end, edge in zip(ends, edges, strict=True) if edge.target is None]
    layout = lay_out(
        sizes + stubs,
        [LayoutEdge(edge.source, end, *_label_size(edge)) for edge, end in zip(edges, ends, strict=True)],
    )
    width = max(layout.width, min(text_width(title, 17.0), 700.0)) + 2 * _PADDING
    top = _PADDING + (_HEADING if title else 0.0)
    pictures = [_draw_edge(edge, route) for edge, route in zip(edges, layout.routes, strict=True)]
    pictures += [_draw_node(node, box) for node, box in zip(nodes, layout.boxes, strict=False)]
    children = [group(*pictures, transform=f"translate({(width - layout.width) / 2:.1f} {top:.1f})")]
    if title:
        heading = shorten(title, width - 2 * _PADDING + 4.0, 16.5)
        children.insert(0, text(heading, _PADDING, _PADDING + 16, "heading", tooltip=title))
    summary = description or f"{len(nodes)} nodes, {len(edges)} edges"
    return document(width, top + layout.height + _PADDING / 2, children, title, summary, _STYLE)


def _is_circle(node: GraphNode) -> bool:
    return node.kind == "operation" and not node.detail and text_width(node.label) <= _CIRCLE - 12


def _size(node: GraphNode) -> tuple[float, float]:
    if _is_circle(node):
        return _CIRCLE, _CIRCLE
    widest = max([text_width(node.label, 14.0), *(text_width(line, 11.0) for line in node.detail)])
    return max(44.0, min(widest, _MAX_LABEL) + 24.0), 34.0 + (_LINE - 1) * len(node.detail)


def _label_size(edge: GraphEdge) -> tuple[float, float]:
    widest = max(text_width(side, 12.0, monospace=True) for side in (edge.above, edge.below))
    return max(min(widest, _MAX_LABEL) + 12.0, 30.0), 2 * _LABEL_LINE + 2


def _draw_node(node: GraphNode, box: Box) -> Element:
    tooltip = element("title", node.tooltip or "\n".join((node.label, *node.detail)))
    classes = f"box {node.kind}"
    if _is_circle(node):
        shape = element("circle", class_=classes, cx=box.x, cy=box.y, r=box.width / 2)
    else:
        corner = 6 if node.kind in ("operation", "output") else min(box.height, 34.0) / 2
        shape = element(
            "rect",
            class_=classes,
            x=box.x - box.width / 2,
            y=box.y - box.height / 2,
            width=box.width,
            height=box.height,
            rx=corner,
        )
    baseline = box.y + 5 - (_LINE - 1) / 2 * len(node.detail)
    label = shorten(node.label, box.width - 8, 14.0)
    lines = [text(label, box.x, baseline, "middle strong", font_size="14px")]
    for number, detail in enumerate(node.detail, 1):
        fitted = shorten(detail, box.width - 12, 11.0)
        lines.append(text(fitted, box.x, baseline + number * (_LINE - 1), "middle small muted"))
    return group(tooltip, shape, *lines)


def _draw_edge(edge: GraphEdge, route: Route) -> Element:
    x, y = route.label.x, route.label.y
    tooltip = edge.tooltip or "\n".join(side for side in (edge.above, edge.below) if side)
    tip_x, tip_y = route.points[-1]
    arrow = f"M{tip_x:.1f} {tip_y:.1f}l{-_ARROW} {-_ARROW / 2}v{_ARROW}z"
    parts = [element("path", class_="line", d=_path(route.points)), element("path", class_="arrow", d=arrow)]
    if tooltip:
        parts.insert(0, element("title", tooltip))
    room = route.label.width - 8
    for side, class_, baseline in (
        (edge.above, "value", y - 6),
        (edge.below, "gradient", y + _LABEL_LINE - 1),
    ):
        if side:
            parts.append(text(shorten(side, room, 12.0, monospace=True), x, baseline, f"mono middle {class_}"))
    return group(*parts, class_="edge")


def _path(points: Sequence[Point]) -> str:
    """Return the path through the corners: level parts straight, changes of height as smooth curves."""
    (x, y), *rest = points
    rest[-1] = (rest[-1][0] - _ARROW + 1, rest[-1][1])  # a line through the arrow's tip would blunt it
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        if abs(to_y - y) < 0.05:
            parts.append(f"H{to_x:.1f}")
        else:
            bend = (x + to_x) / 2
            parts.append(f"C{bend:.1f} {y:.1f} {bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts)
