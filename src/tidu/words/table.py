"""How do the cells of a table of plain text stand under each other, in languages of narrow and of wide characters?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Table", "aligned"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of finished words; its first `n_left` columns are to the left, the others are numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_left: int = 1


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], n_left: int = 1) -> list[str]:
    """Return the lines of a table.

    Parameters
    ----------
    heads : sequence of str
        One for each column.
    rows : sequence of sequence of str
        The cells.
    n_left : int
        The first so many columns are aligned to the left, the others, numbers, to the right.

    Examples
    --------
    >>> aligned(["name", "n"], [["a", "10"], ["梯度下降", "5"]])
    ['name       n', 'a         10', '梯度下降   5']
    """
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in (heads, *rows):
        gaps = [" " * (width - _width(cell)) for width, cell in zip(widths, row, strict=True)]
        cells = [cell + gap if i < n_left else gap + cell for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
