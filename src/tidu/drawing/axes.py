"""What surrounds the data of a chart: heading, legend, frame, ticks and the names of the axes.

Knows scales and pixels; nothing of lines, points or bars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tidu.drawing.scales import Scale
from tidu.drawing.svg import Element, document, element, group, shorten, text, text_width

__all__ = ["CHART_STYLE", "DASH", "DOT", "Frame", "Symbol", "chart", "color", "frame_for"]

Symbol: TypeAlias = Literal["line", "dashes", "dots", "band"]
"""What stands for a series in the legend: the mark that it is drawn by."""

PADDING = 18.0
_HEADING = 34.0
_LEGEND_ROW = 22.0
_LEGEND_WIDTH = 360.0
_COLORS = 8
DASH = "6 5"
DOT = "stroke-width:6"

CHART_STYLE = """
svg.tidu .grid{stroke:var(--grid);stroke-width:1}
svg.tidu .axis{stroke:var(--faint);stroke-width:1.2}
svg.tidu .reference{stroke:var(--muted);stroke-width:1.3;stroke-dasharray:5 4;fill:none}
svg.tidu .series{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
svg.tidu .band{stroke:none;opacity:.18}
svg.tidu .error{stroke:var(--ink);stroke-width:1.5;fill:none}
svg.tidu text.onfill{fill:var(--paper)}
svg.tidu text.onlines{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of the data in pixels, and the scales of its sides."""

    left: float
    top: float
    width: float
    height: float
    x: Scale
    y: Scale

    def point(self, x: float, y: float) -> tuple[float, float] | None:
        """Return where a point of the data lies, or None when it has no place."""
        across, up = self.x.position(x), self.y.position(y)
        if across is None or up is None:
            return None
        return self.left + across * self.width, self.top + (1 - up) * self.height


def color(index: int) -> str:
    """Return the color of a series; the palette is Okabe and Ito's, which the color-blind can tell apart."""
    return f"var(--s{index % _COLORS})"


def frame_for(width: float, height: float, x: Scale, y: Scale, title: str, names: Sequence[str]) -> Frame:
    """Return the frame that leaves room for heading, legend, ticks and names, in a picture of this size."""
    left = PADDING + 24.0 + max((text_width(label, 11.0) for label in y.labels), default=0.0)
    top = PADDING + (_HEADING if title else 0.0) + _LEGEND_ROW * len(_legend_rows(names, width)) + 4.0
    right = PADDING + max(text_width(x.labels[-1], 11.0) / 2 if x.labels else 0.0, 6.0)
    return Frame(left, top, max(width - left - right, 40.0), max(height - top - PADDING - 42.0, 40.0), x, y)


def chart(
    frame: Frame,
    size: tuple[float, float],
    marks: Sequence[Element],
    labels: tuple[str, str],
    title: str,
    names: Sequence[str] = (),
    description: str = "",
    symbols: Mapping[str, Symbol] | None = None,
) -> str:
    """Return the document of a chart: its marks over a grid, with everything around them."""
    width, height = size
    children: list[Element] = []
    if title:
        fitted = shorten(title, width - 2 * PADDING, 16.5)
        children.append(text(fitted, PADDING, PADDING + 15, "heading", tooltip=title))
    children.append(_legend(names, symbols or {}, width, PADDING + (_HEADING if title else 0.0)))
    children.append(_grid(frame))
    children.extend(marks)
    x_label, y_label = labels
    middle = frame.top + frame.height / 2
    fitted_x, fitted_y = shorten(x_label, frame.width), shorten(y_label, frame.height)
    children.append(
        text(
            fitted_x,
            frame.left + frame.width / 2,
            frame.top + frame.height + 42,
            "middle muted",
            tooltip=x_label,
        )
    )
    turned = f"rotate(-90 {PADDING + 6:.1f} {middle:.1f})"
    children.append(text(fitted_y, PADDING + 6, middle, "middle muted", tooltip=y_label, transform=turned))
    return document(width, height, children, title or y_label, description, CHART_STYLE)


def _grid(frame: Frame) -> Element:
    right, bottom = frame.left + frame.width, frame.top + frame.height
    parts: list[Element] = []
    for tick, label in zip(frame.y.ticks, frame.y.labels, strict=True):
        y = bottom - (frame.y.position(tick) or 0.0) * frame.height
        parts.append(element("path", class_="grid", d=f"M{frame.left:.1f} {y:.1f}H{right:.1f}"))
        parts.append(text(label, frame.left - 8, y + 4, "end small muted"))
    last_end = float("-inf")
    for tick, label in zip(frame.x.ticks, frame.x.labels, strict=True):
        x = frame.left + (frame.x.position(tick) or 0.0) * frame.width
        parts.append(element("path", class_="grid", d=f"M{x:.1f} {frame.top:.1f}V{bottom:.1f}"))
        half = text_width(label, 11.0) / 2
        if x - half >= last_end:
            parts.append(text(label, x, bottom + 18, "middle small muted"))
            last_end = x + half + 4
    parts.append(element("path", class_="axis", d=f"M{frame.left:.1f} {bottom:.1f}H{right:.1f}"))
    return group(*parts)


def _legend_rows(names: Sequence[str], width: float) -> list[list[tuple[int, str, float]]]:
    """Return the legend's entries by row: number of the series, fitted name, distance from the left."""
    rows: list[list[tuple[int, str, float]]] = []
    offset = width
    for number, name in enumerate(names):
        fitted = shorten(name, _LEGEND_WIDTH, 12.0)
        needed = text_width(fitted, 12.0) + 40.0
        if offset + needed > width - 2 * PADDING:
            rows.append([])
            offset = 0.0
        rows[-1].append((number, fitted, offset))
        offset += needed
    return rows


def _legend(names: Sequence[str], symbols: Mapping[str, Symbol], width: float, top: float) -> Element:
    parts: list[Element] = []
    for row, entries in enumerate(_legend_rows(names, width)):
        y = top + 8 + row * _LEGEND_ROW
        for number, fitted, offset in entries:
            x = PADDING + offset
            symbol = _symbol(symbols.get(names[number], "line"), color(number), x, y)
            parts += [symbol, text(fitted, x + 22, y + 4, tooltip=names[number], font_size="12px")]
    return group(*parts, class_="legend")


def _symbol(symbol: Symbol, shade: str, x: float, y: float) -> Element:
    if symbol == "band":
        return element("path", class_="band", fill=shade, d=f"M{x:.1f} {y - 6:.1f}h16v12h-16Z")
    if symbol == "dots":
        return element("path", class_="series", stroke=shade, style=DOT, d=f"M{x + 3:.1f} {y:.1f}h0m10 0h0")
    dash = DASH if symbol == "dashes" else None
    return element("path", class_="series", stroke=shade, stroke_dasharray=dash, d=f"M{x:.1f} {y:.1f}h16")
