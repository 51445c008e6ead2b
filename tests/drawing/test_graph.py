"""The picture of a computation carries every value and gradient, and parses whatever the labels are."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.drawing import GraphEdge, GraphNode, draw_graph
from tidu.errors import GraphError, ParameterError

SVG = "{http://www.w3.org/2000/svg}"
CIRCUIT = (
    [*(GraphNode(name, name, kind="input") for name in "xyz"), GraphNode("q", "+"), GraphNode("f", "×")],
    [
        GraphEdge("x", "q", "-2", "-4"),
        GraphEdge("y", "q", "5", "-4"),
        GraphEdge("q", "f", "3", "-4"),
        GraphEdge("z", "f", "-4", "3"),
        GraphEdge("f", None, "-12", "1"),
    ],
)


def texts(svg: str, class_: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [item.text or "" for item in root.iter(f"{SVG}text") if class_ in (item.get("class") or "").split()]


def test_the_circuit_of_the_lecture_shows_each_value_and_gradient() -> None:
    svg = draw_graph(*CIRCUIT, "f = (x + y) z")
    assert texts(svg, "value") == ["-2", "5", "3", "-4", "-12"]
    assert texts(svg, "gradient") == ["-4", "-4", "-4", "3", "1"]


def test_values_stand_above_and_gradients_below_their_line() -> None:
    root = ElementTree.fromstring(draw_graph(*CIRCUIT, ""))
    for edge in root.iter(f"{SVG}g"):
        if edge.get("class") == "edge":
            above, below = (float(item.get("y", "")) for item in edge.iter(f"{SVG}text"))
            assert above < below - 20


def test_a_stub_has_a_line_but_no_box() -> None:
    svg = draw_graph([GraphNode("f", "f")], [GraphEdge("f", None, "1", "1")], "")
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter(f"{SVG}circle"))) == 1
    assert sum(item.get("class") == "line" for item in root.iter(f"{SVG}path")) == 1


def test_a_long_label_is_cut_and_whole_in_the_tooltip() -> None:
    label = "a label that goes on and on, far beyond what a box can hold"
    svg = draw_graph([GraphNode("n", label)], [GraphEdge("n", None, label * 2, "")], "")
    assert all(shown.endswith("…") for shown in [*texts(svg, "strong"), *texts(svg, "value")])
    titles = [item.text for item in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert label in titles
    assert label * 2 in titles


@settings(max_examples=60, deadline=None)
@given(label=st.text(), other=st.text(max_size=5), title=st.text())
def test_any_text_gives_well_formed_xml(label: str, other: str, title: str) -> None:
    nodes = [GraphNode("a", label, (other,), "constant", other), GraphNode("b", other, kind="output")]
    edges = [GraphEdge("a", "b", label, other, label), GraphEdge("b", None, other, label)]
    ElementTree.fromstring(draw_graph(nodes, edges, title, label))


def test_the_document_is_standalone_and_says_what_it_is() -> None:
    root = ElementTree.fromstring(draw_graph(*CIRCUIT, "f", "a circuit"))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == ("f", "a circuit")
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ParameterError) as caught:
        draw_graph([GraphNode("a", "a", kind="other")], [], "")  # type: ignore[arg-type]
    assert caught.value.got == "other"  # type: ignore[attr-defined]


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(GraphError):
        draw_graph([GraphNode("a", "a")], [GraphEdge("a", "b")], "")


def test_a_graph_without_nodes_is_an_empty_picture() -> None:
    ElementTree.fromstring(draw_graph([], [], "nothing"))
