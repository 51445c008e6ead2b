"""A table on a page says what it holds, whatever stands in its cells."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tidu.drawing.page import written_table
from tidu.words.table import Table


@pytest.mark.parametrize("n_left", [0, 1, 2])
def test_columns_of_words_are_to_the_left_and_columns_of_numbers_to_the_right(n_left: int) -> None:
    table = Table("a < b & c", ("<name>", "n"), (("x & y", "1"), ("<td>", "2")), n_left)
    root = ElementTree.fromstring(f"<div>{written_table(table)}</div>")
    assert root.findtext("h3") == "a < b & c"
    rows = [[(cell.text, cell.get("class")) for cell in row] for row in root.iter("tr")]
    assert [[text for text, _ in row] for row in rows] == [["<name>", "n"], ["x & y", "1"], ["<td>", "2"]]
    assert all([kind for _, kind in row] == [None] * n_left + ["number"] * (2 - n_left) for row in rows)
