"""How do graphs and numbers look: SVG pictures from plain data, with no thought of where they come from."""

from __future__ import annotations

from tidu.drawing.charts import bar_chart, line_chart, scatter_chart
from tidu.drawing.graph import GraphEdge, GraphNode, NodeKind, draw_graph
from tidu.drawing.grids import image_grid, matrix_chart
from tidu.drawing.scales import format_number
from tidu.drawing.svg import document, element, group, text

__all__ = [
    "GraphEdge",
    "GraphNode",
    "NodeKind",
    "bar_chart",
    "document",
    "draw_graph",
    "element",
    "format_number",
    "group",
    "image_grid",
    "line_chart",
    "matrix_chart",
    "scatter_chart",
    "text",
]
