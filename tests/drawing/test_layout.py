"""Boxes and labels never overlap, edges run from left to right, and the same graph gives the same picture."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.drawing.crossings import count_crossings, reduce_crossings
from tidu.drawing.layout import Box, LayoutEdge, LayoutNode, lay_out
from tidu.drawing.placement import isotonic
from tidu.errors import GraphError, ParameterError

Graph = tuple[list[LayoutNode], list[LayoutEdge]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 14))
    sides = st.integers(2, 120)
    nodes = [LayoutNode(str(number), draw(sides), draw(sides)) for number in range(count)]
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] != p[1]),
            max_size=24,
        )
    )
    # an edge from the smaller to the larger number cannot close a cycle; both orders of definition occur
    order = draw(st.permutations(nodes))
    edges = [LayoutEdge(str(min(p)), str(max(p)), draw(sides), draw(sides)) for p in pairs]
    return list(order), edges


def overlap(one: Box, other: Box) -> bool:
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 and abs(one.y - other.y) < (one.height + other.height) / 2
    )


def enters(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    """Whether a segment passes through the inside of a box (clipping of Liang and Barsky)."""
    low, high = 0.0, 1.0
    for axis, center, side in ((0, box.x, box.width), (1, box.y, box.height)):
        origin, delta = start[axis], end[axis] - start[axis]
        near, far = center - side / 2 + 0.5 - origin, center + side / 2 - 0.5 - origin
        if abs(delta) < 1e-12:
            if near >= 0 or far <= 0:
                return False
            continue
        first, last = sorted((near / delta, far / delta))
        low, high = max(low, first), min(high, last)
    return low < high


@settings(max_examples=150, deadline=None)
@given(graph=graphs())
def test_no_two_boxes_or_labels_overlap(graph: Graph) -> None:
    layout = lay_out(*graph)
    for one, other in combinations([*layout.boxes, *(route.label for route in layout.routes)], 2):
        assert not overlap(one, other)


@settings(max_examples=150, deadline=None)
@given(graph=graphs())
def test_everything_lies_inside_the_picture(graph: Graph) -> None:
    layout = lay_out(*graph)
    for box in [*layout.boxes, *(route.label for route in layout.routes)]:
        assert box.x - box.width / 2 >= -1e-6
        assert box.x + box.width / 2 <= layout.width + 1e-6
        assert box.y - box.height / 2 >= -1e-6
        assert box.y + box.height / 2 <= layout.height + 1e-6


@settings(max_examples=150, deadline=None)
@given(graph=graphs())
def test_edges_run_from_the_source_to_the_target_left_to_right_around_all_boxes(graph: Graph) -> None:
    nodes, edges = graph
    layout = lay_out(nodes, edges)
    boxes = dict(zip((node.key for node in nodes), layout.boxes, strict=True))
    for edge, route in zip(edges, layout.routes, strict=True):
        source, target = boxes[edge.source], boxes[edge.target]
        assert route.points[0][0] == pytest.approx(source.x + source.width / 2)
        assert route.points[-1][0] == pytest.approx(target.x - target.width / 2)
        assert abs(route.points[0][1] - source.y) <= source.height / 2
        for start, end in pairwise(route.points):
            assert end[0] >= start[0] - 1e-9
            for box in layout.boxes:
                assert not enters(start, end, box)


def test_the_check_of_segments_sees_a_line_through_a_box() -> None:
    assert enters((0, 0), (10, 0), Box(5, 0, 4, 4))
    assert not enters((0, 5), (10, 5), Box(5, 0, 4, 4))


@settings(max_examples=50, deadline=None)
@given(graph=graphs())
def test_the_same_graph_gives_the_same_layout(graph: Graph) -> None:
    assert lay_out(*graph) == lay_out(*graph)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_reordering_never_adds_crossings_and_loses_no_item(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    layers, total = [], 0
    for size in sizes:
        layers.append(list(range(total, total + size)))
        total += size
    before: list[list[int]] = [[] for _ in range(total)]
    after: list[list[int]] = [[] for _ in range(total)]
    for left, right in pairwise(layers):
        for source, target in data.draw(st.lists(st.tuples(st.sampled_from(left), st.sampled_from(right)), max_size=9)):
            after[source].append(target)
            before[target].append(source)
    ordered = reduce_crossings(layers, before, after)
    assert [sorted(layer) for layer in ordered] == layers
    assert count_crossings(ordered, after) <= count_crossings(layers, after)


@settings(max_examples=100, deadline=None)
@given(edges=st.lists(st.tuples(st.integers(0, 5), st.integers(6, 11)), max_size=20))
def test_crossings_are_counted_as_pair_by_pair(edges: list[tuple[int, int]]) -> None:
    after: list[list[int]] = [[target for source, target in edges if source == item] for item in range(12)]
    slow = sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(edges, 2))
    assert count_crossings([list(range(6)), list(range(6, 12))], after) == slow


def test_a_tangle_that_can_be_drawn_flat_is_drawn_flat() -> None:
    after = [[5], [4], [3], [], [], []]
    before = [[], [], [], [2], [1], [0]]
    assert count_crossings(reduce_crossings([[0, 1, 2], [3, 4, 5]], before, after), after) == 0


def test_a_picture_is_not_turned_upside_down_without_need() -> None:
    after = [[4], [5], [6], [7], [], [], [], []]
    before = [[], [], [], [], [0], [1], [2], [3]]
    ordered = reduce_crossings([[0, 1, 2, 3], [4, 6, 5, 7]], before, after)
    assert ordered == [[0, 1, 2, 3], [4, 5, 6, 7]]


@settings(max_examples=100, deadline=None)
@given(wishes=st.lists(st.floats(-100, 100), min_size=1, max_size=12), data=st.data())
def test_isotonic_levels_rise_and_no_level_wants_to_split(wishes: list[float], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0.1, 10), min_size=len(wishes), max_size=len(wishes)))
    levels = isotonic(wishes, weights)
    assert all(one <= other for one, other in pairwise(levels))
    # optimality: within a pool no prefix has a mean below the pool's level
    start = 0
    for end in range(1, len(levels) + 1):
        if end == len(levels) or levels[end] != levels[start]:
            for cut in range(start + 1, end + 1):
                mass = sum(weights[start:cut])
                assert sum(w * x for w, x in zip(weights[start:cut], wishes[start:cut], strict=True)) >= (
                    levels[start] * mass - 1e-6
                )
            start = end


def test_the_operands_of_a_tree_stand_in_their_order() -> None:
    nodes = [LayoutNode(key, 20, 20) for key in ("x", "y", "z", "sum", "product")]
    edges = [LayoutEdge(*pair) for pair in (("x", "sum"), ("y", "sum"), ("sum", "product"), ("z", "product"))]
    x, y, z, total, _ = lay_out(nodes, edges).boxes
    assert x.y < y.y
    assert total.y < z.y


def test_a_chain_of_ten_thousand_is_a_straight_line() -> None:
    nodes = [LayoutNode(str(number), 10, 10) for number in range(10_000)]
    edges = [LayoutEdge(str(number), str(number + 1), 10, 10) for number in range(9_999)]
    layout = lay_out(nodes, edges)
    assert len({round(box.y, 6) for box in layout.boxes}) == 1
    assert all(one.x < other.x for one, other in pairwise(layout.boxes))


def test_two_edges_between_the_same_nodes_are_told_apart() -> None:
    layout = lay_out([LayoutNode("x", 20, 20), LayoutNode("y", 20, 20)], [LayoutEdge("x", "y", 9, 9)] * 2)
    assert layout.routes[0].label.y != layout.routes[1].label.y


def test_nothing_gives_an_empty_layout() -> None:
    assert lay_out([], []).boxes == ()


def test_a_cycle_is_refused() -> None:
    nodes = [LayoutNode(key, 1, 1) for key in "ab"]
    with pytest.raises(GraphError, match="cycle"):
        lay_out(nodes, [LayoutEdge("a", "b"), LayoutEdge("b", "a")])
    with pytest.raises(GraphError, match="cycle"):
        lay_out(nodes, [LayoutEdge("a", "a")])


def test_unknown_and_repeated_keys_are_refused() -> None:
    with pytest.raises(GraphError) as caught:
        lay_out([LayoutNode("a", 1, 1)], [LayoutEdge("a", "b")])
    assert caught.value.key == "b"  # type: ignore[attr-defined]
    with pytest.raises(GraphError):
        lay_out([LayoutNode("a", 1, 1)] * 2, [])


def test_a_picture_that_nobody_could_read_is_refused_before_it_eats_the_memory() -> None:
    nodes = [LayoutNode(str(number), 1, 1) for number in range(3000)]
    edges = [LayoutEdge(str(number), str(number + 1)) for number in range(2999)]
    edges += [LayoutEdge("0", "2999")] * 100
    with pytest.raises(ParameterError) as caught:
        lay_out(nodes, edges)
    assert caught.value.got > caught.value.expected  # type: ignore[attr-defined]
