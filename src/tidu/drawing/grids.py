"""How do a matrix of counts and a sheet of small images look.

Knows nothing of classes or data sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.drawing.axes import CHART_STYLE, PADDING
from tidu.drawing.png import png_data_uri
from tidu.drawing.scales import format_number
from tidu.drawing.svg import Element, document, element, group, shorten, text, text_width
from tidu.errors import ParameterError, ShapeError

__all__ = ["image_grid", "matrix_chart"]

_HEADING = 36.0
_MAX_LABEL = 130.0
_READABLE = 30.0  # the least cell in which a count can be read
_CAPTION_LINE = 15.0


def matrix_chart(
    counts: ArrayLike,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    title: str,
    row_title: str = "",
    column_title: str = "",
) -> str:
    """Return a matrix of counts, as a confusion matrix, as a standalone SVG document.

    Parameters
    ----------
    counts : array-like of shape (n_rows, n_columns)
        Counts, at least 0. A cell's shade is its share of its row, so that rare rows can be read too.
    row_labels, column_labels : sequence of str
        Names of rows and columns.
    title, row_title, column_title : str
        Words around it, as "true" and "predicted".

    Raises
    ------
    ShapeError
        If the labels do not fit the counts.
    ParameterError
        If a count is negative or not finite.

    Examples
    --------
    >>> matrix_chart([[5, 1], [0, 7]], ["cat", "dog"], ["cat", "dog"], "Test data").count('class="cell"')
    4
    """
    table = np.asarray(counts, dtype=np.float64)
    expected = (len(row_labels), len(column_labels))
    if table.size == 0:
        table = table.reshape(expected) if 0 in expected else table
    if table.shape != expected:
        raise ShapeError(
            f"counts have shape {table.shape}, the labels say {expected}", expected=expected, got=table.shape
        )
    if not np.all(np.isfinite(table)) or np.any(table < 0):
        raise ParameterError("counts must be finite and at least 0")
    cell = _cell_side(table)
    widest = max((text_width(label, 12.0) for label in row_labels), default=0.0)
    across = max((text_width(label, 12.0) for label in column_labels), default=0.0)
    tilted = across > cell - 6
    left = PADDING + (24.0 if row_title else 0.0) + min(widest, _MAX_LABEL) + 10.0
    above = min(across, _MAX_LABEL) * 0.75 + 14.0 if tilted else 22.0
    top = PADDING + (_HEADING if title else 0.0) + (24.0 if column_title else 0.0) + above
    columns, rows = len(column_labels) * cell, len(row_labels) * cell
    overhang = min(across, _MAX_LABEL) * 0.75 if tilted else 0.0
    width = max(left + columns + overhang + PADDING, text_width(title, 16.5) + 2 * PADDING, 160.0)
    children = [*_heading(title, width), *_labels(row_labels, column_labels, cell, (left, top), tilted)]
    if column_title:
        middle = left + max(columns, 40.0) / 2
        children.append(text(column_title, middle, top - above - 6, "middle muted"))
    if row_title:
        middle = top + rows / 2
        turned = f"rotate(-90 {PADDING + 8:.1f} {middle:.1f})"
        children.append(text(row_title, PADDING + 8, middle, "middle muted", transform=turned))
    children.append(_cells(table, row_labels, column_labels, cell, (left, top)))
    summary = f"{len(row_labels)} x {len(column_labels)}"
    return document(width, top + rows + PADDING, children, title, summary, CHART_STYLE)


def image_grid(
    images: Sequence[NDArray[np.uint8]],
    captions: Sequence[str],
    title: str = "",
    columns: int = 8,
    side: float = 84.0,
) -> str:
    """Return small images with captions, as a standalone SVG document.

    Parameters
    ----------
    images : sequence of ndarray of shape (height, width) or (height, width, 3), uint8
        Gray or RGB images; each is enlarged to fit its square, its pixels kept sharp.
    captions : sequence of str
        One for each image; a line break starts a new line.
    title : str
        The heading.
    columns : int
        How many stand in a row.
    side : float
        Side of an image's square in pixels.

    Raises
    ------
    ShapeError
        If there are not as many captions as images, or an image has another shape.
    DtypeError
        If an image is not uint8.

    Examples
    --------
    >>> image_grid([np.zeros((8, 8), np.uint8)], ["0"]).count("<image")
    1
    """
    if len(images) != len(captions):
        raise ShapeError(f"{len(images)} images but {len(captions)} captions", expected=len(images), got=len(captions))
    if columns < 1:
        raise ParameterError(f"columns must be at least 1; got {columns}", got=columns)
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    step_x, step_y = side + 14.0, side + lines * _CAPTION_LINE + 16.0
    per_row = max(min(columns, len(images)), 1)
    rows = -(-len(images) // per_row)
    top = PADDING + (_HEADING if title else 0.0)
    width = max(2 * PADDING + per_row * step_x - 14.0, 180.0, min(text_width(title, 16.5), 600.0) + 2 * PADDING)
    children = _heading(title, width)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x = PADDING + number % per_row * step_x
        y = top + number // per_row * step_y
        children.append(_tile(image, caption, x, y, side))
    return document(width, top + max(rows, 1) * step_y + 4.0, children, title, f"{len(images)} images", CHART_STYLE)


def _heading(title: str, width: float) -> list[Element]:
    if not title:
        return []
    return [text(shorten(title, width - 2 * PADDING + 4, 16.5), PADDING, PADDING + 15, "heading", tooltip=title)]


def _cell_side(table: NDArray[np.float64]) -> float:
    most = max(table.shape, default=1)
    if most > 24:
        return max(720.0 / most, 6.0)
    widest = max((text_width(format_number(float(value)), 12.0) for value in table.flat), default=0.0)
    return max(widest + 12.0, 38.0)


def _labels(
    rows: Sequence[str], columns: Sequence[str], cell: float, corner: tuple[float, float], tilted: bool
) -> list[Element]:
    left, top = corner
    stride = max(1, int(-(-13.0 // max(cell, 1.0))))  # labels of tiny cells would cover each other
    parts = []
    for number in range(0, len(rows), stride):
        y = top + (number + 0.5) * cell + 4
        fitted = shorten(rows[number], _MAX_LABEL, 12.0)
        parts.append(text(fitted, left - 8, y, "end", tooltip=rows[number], font_size="12px"))
    for number in range(0, len(columns), stride):
        x = left + (number + 0.5) * cell
        fitted = shorten(columns[number], _MAX_LABEL, 12.0)
        turned = f"rotate(-45 {x:.1f} {top - 8:.1f})" if tilted else None
        class_ = "" if tilted else "middle"
        label = text(fitted, x, top - 8, class_, tooltip=columns[number], font_size="12px", transform=turned)
        parts.append(label)
    return parts


def _cells(
    table: NDArray[np.float64],
    rows: Sequence[str],
    columns: Sequence[str],
    cell: float,
    corner: tuple[float, float],
) -> Element:
    left, top = corner
    totals = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, totals, out=np.zeros_like(table), where=totals > 0)
    parts = []
    gap = 1.5 if cell > 14 else 0.0
    for (row, column), share in np.ndenumerate(shares):
        x, y, value = left + column * cell, top + row * cell, float(table[row, column])
        tip = f"{rows[row]} → {columns[column]}: {format_number(value, 9)} ({100 * share:.1f} %)"
        shade = 0.0 if value == 0 else 0.12 + 0.88 * float(share) ** 0.6
        inside = [element("title", tip)]
        inside.append(element("rect", x=x, y=y, width=cell - gap, height=cell - gap, fill="var(--card)"))
        if shade:
            inside.append(
                element(
                    "rect",
                    x=x,
                    y=y,
                    width=cell - gap,
                    height=cell - gap,
                    fill="var(--s0)",
                    fill_opacity=shade,
                )
            )
        if cell >= _READABLE:
            class_ = "middle" + (" onfill" if shade > 0.55 else "" if value else " muted")
            inside.append(text(format_number(value), x + cell / 2, y + cell / 2 + 4, class_, font_size="12px"))
        parts.append(group(*inside, class_="cell"))
    return group(*parts)


def _tile(image: NDArray[np.uint8], caption: str, x: float, y: float, side: float) -> Element:
    parts = [
        element("title", caption),
        element("rect", x=x - 1, y=y - 1, width=side + 2, height=side + 2, fill="var(--grid)"),
        element(
            "image",
            href=png_data_uri(image),
            x=x,
            y=y,
            width=side,
            height=side,
            style="image-rendering:pixelated",
        ),
    ]
    for number, line in enumerate(caption.split("\n"), 1):
        fitted = shorten(line, side + 8, 11.0)
        parts.append(text(fitted, x + side / 2, y + side + number * _CAPTION_LINE, "middle small"))
    return group(*parts)
