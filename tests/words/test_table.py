"""Tables stand straight, whatever the language."""

from hypothesis import given
from hypothesis import strategies as st

from tidu.words.table import aligned

CELLS = st.text(alphabet="ab 梯度误差，", max_size=6).map(str.strip)


def columns(line: str) -> int:
    return sum(2 if ord(char) > 0x2E80 else 1 for char in line)


@given(rows=st.lists(st.tuples(CELLS, CELLS.map(lambda cell: cell + "9")), min_size=1, max_size=5))
def test_numbers_end_in_the_same_column(rows: list[tuple[str, str]]) -> None:
    lines = aligned(("a", "b9"), rows)
    assert len({columns(line) for line in lines}) == 1
    assert [line.split()[-1][-1] for line in lines] == ["9"] * len(lines)


def test_the_first_columns_are_to_the_left() -> None:
    assert aligned(("name", "kind", "n"), [("a", "b", "100")], n_left=2) == ["name  kind    n", "a     b     100"]
