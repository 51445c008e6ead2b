"""Where do the boxes and edges of a directed acyclic graph go, from left to right.

The layered method (Sugiyama): ranks, a stand-in on every layer that an edge passes, few crossings,
straight edges. Every edge passes at least one layer between those of its ends; its label stands
there, so labels never cover boxes or each other. Knows sizes, not what is drawn in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from tidu.drawing.crossings import reduce_crossings
from tidu.drawing.placement import place
from tidu.errors import GraphError, ParameterError

__all__ = ["Box", "Layout", "LayoutEdge", "LayoutNode", "Point", "Route", "lay_out"]

Point: TypeAlias = tuple[float, float]

_NODE_MARGIN = 22.0
_LABEL_MARGIN = 10.0
_BEND_EXTENT = 14.0
_MIN_GAP = 20.0
_MAX_GAP = 72.0
_MAX_ITEMS = 400_000
_STRAIGHT = 6.0  # how much more a long edge's inner part wants to be straight than its ends


@dataclass(frozen=True, slots=True)
class LayoutNode:
    """A box to place."""

    key: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class LayoutEdge:
    """An edge to route, and the room that its label needs; several may join the same two nodes."""

    source: str
    target: str
    label_width: float = 0.0
    label_height: float = 0.0


@dataclass(frozen=True, slots=True)
class Box:
    """A placed rectangle by its center."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """An edge's corners from its source's right side to its target's left, and its label's box."""

    points: tuple[Point, ...]
    label: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A laid out graph: boxes in the order of the nodes, routes in the order of the edges."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]


def lay_out(nodes: Sequence[LayoutNode], edges: Sequence[LayoutEdge]) -> Layout:
    """Place boxes and edges; the same input gives the same picture.

    Parameters
    ----------
    nodes : sequence of LayoutNode
        Boxes with distinct keys.
    edges : sequence of LayoutEdge
        Edges between them.

    Raises
    ------
    GraphError
        If a key is used twice, an edge names an unknown key, or the edges have a cycle.
    ParameterError
        If the graph is so large that nobody could read its picture.

    Examples
    --------
    >>> two = [LayoutNode("a", 20, 10), LayoutNode("b", 20, 10)]
    >>> drawn = lay_out(two, [LayoutEdge("a", "b", 30, 10)])
    >>> [(box.x, box.y) for box in drawn.boxes]
    [(10.0, 16.0), (100.0, 16.0)]
    """
    index = _indexed(nodes)
    pairs = [(_known(edge.source, index), _known(edge.target, index)) for edge in edges]
    ranks = _ranks(len(nodes), pairs)
    grid = _Grid(nodes, edges, pairs, ranks)
    layers = reduce_crossings(grid.layers, grid.before, grid.after)
    ys = place(layers, grid.extents, grid.weighted(grid.before), grid.weighted(grid.after))
    top = min((ys[item] - grid.extents[item] / 2 for item in range(len(ys))), default=0.0)
    ys = [y - top for y in ys]
    columns = _columns(layers, grid, ys)
    return _assemble(grid, layers, columns, ys)


def _indexed(nodes: Sequence[LayoutNode]) -> dict[str, int]:
    index: dict[str, int] = {}
    for position, node in enumerate(nodes):
        if node.key in index:
            raise GraphError(f"two nodes have the key {node.key!r}; keys must be distinct", key=node.key)
        index[node.key] = position
    return index


def _known(key: str, index: dict[str, int]) -> int:
    if key not in index:
        raise GraphError(f"an edge names the node {key!r}, which is not among the nodes", key=key)
    return index[key]


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return each node's rank by the longest path, then move nodes right where that shortens edges."""
    targets: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in pairs:
        targets[source].append(target)
        waiting[target] += 1
    incoming = list(waiting)
    ready = [node for node in range(count) if not waiting[node]]
    ranks = [0] * count
    for node in ready:  # grows while it is read: Kahn's algorithm
        for target in targets[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < count:
        raise GraphError(f"the edges have a cycle through {count - len(ready)} of the nodes; expected none")
    for node in reversed(ready):
        if len(targets[node]) > incoming[node]:
            ranks[node] = min(ranks[target] for target in targets[node]) - 1
    return ranks


class _Grid:
    """The nodes and the stand-ins of edges as numbered items on layers: even for nodes, odd between them."""

    def __init__(
        self,
        nodes: Sequence[LayoutNode],
        edges: Sequence[LayoutEdge],
        pairs: Sequence[tuple[int, int]],
        ranks: Sequence[int],
    ) -> None:
        count = len(nodes)
        total = count + sum(2 * (ranks[target] - ranks[source]) - 1 for source, target in pairs)
        if total > _MAX_ITEMS:
            raise ParameterError(
                f"a picture of {count} nodes and {len(edges)} edges is too large to draw; draw a part of it",
                got=total,
                expected=_MAX_ITEMS,
            )
        self.node_count = count
        self.widths = [node.width for node in nodes]
        self.heights = [node.height for node in nodes]
        self.extents = [node.height + _NODE_MARGIN for node in nodes]
        self.before: list[list[int]] = [[] for _ in range(total)]
        self.after: list[list[int]] = [[] for _ in range(total)]
        self.layers: list[list[int]] = [[] for _ in range(2 * max(ranks, default=0) + 1)]
        self.chains: list[list[int]] = []
        for edge, (source, target) in zip(edges, pairs, strict=True):
            self._add_chain(edge, source, target, 2 * (ranks[target] - ranks[source]) - 1)
        self._fill_layers(pairs, ranks)

    def _add_chain(self, edge: LayoutEdge, source: int, target: int, length: int) -> None:
        chain = [source]
        for step in range(length):
            item = len(self.widths)
            labelled = step == 0
            self.widths.append(edge.label_width if labelled else 0.0)
            self.heights.append(edge.label_height if labelled else 0.0)
            self.extents.append(max(edge.label_height + _LABEL_MARGIN, _BEND_EXTENT) if labelled else _BEND_EXTENT)
            chain.append(item)
        chain.append(target)
        for early, late in pairwise(chain):
            self.after[early].append(late)
            self.before[late].append(early)
        self.chains.append(chain)

    def _fill_layers(self, pairs: Sequence[tuple[int, int]], ranks: Sequence[int]) -> None:
        """Put items on layers in the order in which a walk back from the results meets them.

        A tree is drawn without crossings then, the operands of a node from top to bottom.
        """
        incoming: list[list[int]] = [[] for _ in ranks]
        for number, (_, target) in enumerate(pairs):
            incoming[target].append(number)
        sources = {source for source, _ in pairs}
        pending = [node for node in reversed(range(len(ranks))) if node not in sources]
        seen = [False] * len(ranks)
        while pending:
            node = pending.pop()
            if seen[node]:
                continue
            seen[node] = True
            self.layers[2 * ranks[node]].append(node)
            for number in incoming[node]:
                first = 2 * ranks[pairs[number][0]]
                for step, item in enumerate(self.chains[number][1:-1], 1):
                    self.layers[first + step].append(item)
            pending.extend(pairs[number][0] for number in reversed(incoming[node]))

    def weighted(self, neighbors: Sequence[Sequence[int]]) -> list[list[tuple[int, float]]]:
        """Return the neighbors, each with the weight of keeping that part of an edge straight."""
        inner = self.node_count
        return [
            [(other, _STRAIGHT if item >= inner and other >= inner else 1.0) for other in others]
            for item, others in enumerate(neighbors)
        ]


def _columns(layers: Sequence[Sequence[int]], grid: _Grid, ys: Sequence[float]) -> list[tuple[float, float]]:
    """Return the left and right end of each layer; steep edges get more room between layers."""
    columns: list[tuple[float, float]] = []
    left = 0.0
    for layer in layers:
        right = left + max((grid.widths[item] for item in layer), default=0.0)
        columns.append((left, right))
        steepest = max((abs(ys[item] - ys[other]) for item in layer for other in grid.after[item]), default=0.0)
        left = right + min(max(_MIN_GAP, 0.5 * steepest), _MAX_GAP)
    return columns


def _assemble(
    grid: _Grid, layers: Sequence[Sequence[int]], columns: Sequence[tuple[float, float]], ys: Sequence[float]
) -> Layout:
    layer_of = [0] * len(ys)
    for number, layer in enumerate(layers):
        for item in layer:
            layer_of[item] = number
    middle = [(left + right) / 2 for left, right in columns]
    boxes = tuple(
        Box(middle[layer_of[node]], ys[node], grid.widths[node], grid.heights[node]) for node in range(grid.node_count)
    )
    exits = _ports(grid, ys, [(number, chain[0], chain[1]) for number, chain in enumerate(grid.chains)])
    entries = _ports(grid, ys, [(number, chain[-1], chain[-2]) for number, chain in enumerate(grid.chains)])
    routes = []
    for number, chain in enumerate(grid.chains):
        source, target, label = boxes[chain[0]], boxes[chain[-1]], chain[1]
        points = [
            (source.x + source.width / 2, exits[number]),
            (columns[layer_of[chain[0]]][1], exits[number]),
        ]
        for item in chain[1:-1]:
            points.extend((x, ys[item]) for x in columns[layer_of[item]])
        points.append((columns[layer_of[chain[-1]]][0], entries[number]))
        points.append((target.x - target.width / 2, entries[number]))
        box = Box(middle[layer_of[label]], ys[label], grid.widths[label], grid.heights[label])
        routes.append(Route(_without_repeats(points), box))
    height = max((ys[item] + grid.extents[item] / 2 for item in range(len(ys))), default=0.0)
    return Layout(columns[-1][1], height, boxes, tuple(routes))


def _ports(grid: _Grid, ys: Sequence[float], ends: Sequence[tuple[int, int, int]]) -> dict[int, float]:
    """Spread the ends of a node's edges over its side, in the order in which they come."""
    by_node: dict[int, list[tuple[float, int]]] = {}
    for number, node, neighbor in ends:
        by_node.setdefault(node, []).append((ys[neighbor], number))
    ports: dict[int, float] = {}
    for node, arrivals in by_node.items():
        step = min(12.0, 0.6 * grid.heights[node] / len(arrivals))
        for place_in_order, (_, number) in enumerate(sorted(arrivals)):
            ports[number] = ys[node] + (place_in_order - (len(arrivals) - 1) / 2) * step
    return ports


def _without_repeats(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = [points[0]]
    for point in points[1:]:
        if point != kept[-1]:
            kept.append(point)
    return tuple(kept)
