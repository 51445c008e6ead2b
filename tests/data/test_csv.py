from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import as_source, blocks, open_dataset, take, text_table
from tidu.errors import DataError


def write(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(tmp_path: Path, text: str | bytes, target: str | int | None = None, name: str = "t.csv") -> DataError:
    with pytest.raises(DataError) as caught:
        open_dataset(write(tmp_path, text, name), target=target)
    assert "\n" not in str(caught.value)
    return caught.value


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(FINITE, st.integers(-(2**53), 2**53), FINITE), min_size=1, max_size=30),
    size=st.integers(1, 40),
    separator=st.sampled_from([",", "\t"]),
)
def test_numbers_written_by_the_csv_module_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int, float]], size: int, separator: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / ("t.csv" if separator == "," else "t.tsv")
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=separator).writerows([("a", "b", "c"), *rows])
    data = open_dataset(path, target="c")
    assert data.y is not None
    whole = np.array(rows, np.float64)
    assert data.feature_names == ("a", "b")
    np.testing.assert_array_equal(np.concatenate([b for _, b in blocks(data.X, size)]), whole[:, :2])
    np.testing.assert_array_equal(np.concatenate([b for _, b in blocks(data.y, size)]), whole[:, 2])


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6
).filter(lambda text: text.strip(" \t") == text and text not in text_table._MISSING and not text.isascii())


@settings(max_examples=50, deadline=None)
@given(labels=st.lists(CELL, min_size=1, max_size=20))
def test_any_text_comes_back_as_a_class_even_with_quotes_separators_and_line_ends(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("x", "kind"), *((i, label) for i, label in enumerate(labels))])
    data = open_dataset(path, target="kind")
    assert data.y is not None
    assert data.class_names == tuple(sorted(set(labels)))
    assert [data.class_names[code] for code in data.y.read(0, len(labels))] == labels


def test_rows_far_down_are_read_without_those_before(tmp_path: Path) -> None:
    text = "a,b\n" + "".join(f'{i},"multi\nline {i % 3}"\n' for i in range(2000))
    data = open_dataset(write(tmp_path, text))
    assert data.X.shape == (2000, 4)
    assert data.X.read(1500, 1502).tolist() == [[1500, 1, 0, 0], [1501, 0, 1, 0]]
    assert take(data.X, np.array([1999, 256, 255, 0]))[:, 0].tolist() == [1999, 256, 255, 0]
    assert data.X.read(2000, 2000).shape == (0, 4)


def test_whole_numbers_as_target_stay_whole(tmp_path: Path) -> None:
    data = open_dataset(write(tmp_path, "x,y\n1.5,3\n2,-4\n"), target="y")
    assert data.y is not None
    assert data.y.dtype == np.int64
    assert data.class_names is None
    assert data.y.read(0, 2).tolist() == [3, -4]


def test_text_features_become_one_column_per_value(tmp_path: Path) -> None:
    data = open_dataset(write(tmp_path, "size,w,y\nS,1,0\nL,2,1\nS,3,1\n"), target=-1)
    assert data.feature_names == ("size=L", "size=S", "w")
    assert data.text_columns == ("size",)
    assert data.X.read(0, 3).tolist() == [[0, 1, 1], [1, 0, 2], [0, 1, 3]]


@pytest.mark.parametrize("cell", ["1_000", "０１２", "٣", "0x10", "1e", "1,5", "1 000", "--1", "½", "1.2.3", "True"])
def test_what_only_looks_like_a_number_is_text(tmp_path: Path, cell: str) -> None:
    data = open_dataset(write(tmp_path, f'a,y\n1,1\n2,"{cell}"\n'), target="y")
    assert data.class_names == tuple(sorted(["1", cell]))


@pytest.mark.parametrize("cell", ["1", "-1.5", "+2", ".5", "1.", "1e3", "1E-3", " 7 ", '"8"', "007"])
def test_usual_ways_to_write_a_number_are_read(tmp_path: Path, cell: str) -> None:
    data = open_dataset(write(tmp_path, f"a,b\n{cell},0\n"))
    assert data.X.read(0, 1)[0, 0] == float(cell.strip('"'))


@pytest.mark.parametrize("missing", ["", " ", "NA", "NaN", "nan", "?", "N/A", "null"])
def test_a_missing_cell_is_named_by_line_and_column(tmp_path: Path, missing: str) -> None:
    error = refused(tmp_path, f"age,sex\n1,m\n{missing},f\n")
    assert (error.facts["row"], error.facts["line"], error.facts["column"]) == (1, 3, "age")


@pytest.mark.parametrize("bad", ["inf", "-inf", "Infinity", "1e999"])
def test_an_infinite_cell_is_named_by_line_and_column(tmp_path: Path, bad: str) -> None:
    error = refused(tmp_path, f"a,b\n1,1\n2,2\n3,{bad}\n4,{bad}\n")
    assert (error.facts["row"], error.facts["column"], error.facts["value"]) == (2, "b", bad)


def test_inf_is_a_word_in_a_column_of_words(tmp_path: Path) -> None:
    assert open_dataset(write(tmp_path, "a,b\n1,inf\n2,sup\n"), target="b").class_names == ("inf", "sup")


def test_a_ragged_row_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "a,b\n1,2\n1,2,3\n")
    assert (error.facts["line"], error.facts["expected"], error.facts["got"]) == (3, 2, 3)


def test_names_that_occur_twice_are_listed(tmp_path: Path) -> None:
    assert refused(tmp_path, "a,b,a,b,c\n1,2,3,4,5\n").facts["columns"] == ("a", "b")


def test_a_column_without_name_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, ",a,b\n0,1,2\n").facts["column"] == 0


def test_a_missing_header_is_noticed(tmp_path: Path) -> None:
    assert "header is missing" in str(refused(tmp_path, "5.1,3.5,1.4\n4.9,3.0,1.3\n"))


def test_a_header_that_counts_the_columns_is_a_header(tmp_path: Path) -> None:
    assert open_dataset(write(tmp_path, "0,1,2\n5,6,7\n"), target="2").target_name == "2"


@pytest.mark.parametrize("text", ["a;b\n1;2\n", "a\tb\n1\t2\n"])
def test_a_column_that_looks_like_several_is_refused_with_a_guess_at_the_cause(tmp_path: Path, text: str) -> None:
    assert "has one column, 'a" in (error := str(refused(tmp_path, text)))
    assert "separated by" in error


def test_a_single_column_is_a_feature_to_predict_from_and_no_target(tmp_path: Path) -> None:
    found = open_dataset(write(tmp_path, "a\n1\n2\n"))
    assert (found.feature_names, found.X.read(0, 2).tolist()) == (("a",), [[1.0], [2.0]])
    assert "it is the target; no features are left" in str(refused(tmp_path, "a\n1\n2\n", "a"))


@pytest.mark.parametrize(("text", "says"), [("a,b\n", "no rows"), ("a,b", "no rows"), ("\n\n", "no header")])
def test_a_table_without_rows_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert says in str(refused(tmp_path, text))


def test_an_unknown_target_lists_columns_and_the_closest(tmp_path: Path) -> None:
    error = refused(tmp_path, "price,rooms\n1,2\n", target="prise")
    assert error.facts["available"] == ("price", "rooms")
    assert "did you mean 'price'" in str(error)


def test_the_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    data = open_dataset(write(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n"))
    assert data.feature_names == ("a", "b")


@pytest.mark.parametrize(
    "content",
    ["a,b\n1,é\n".encode("latin-1"), "a,b\n1,2\n".encode("utf-16"), "a,b\n1,2\n".encode("utf-16-le")],
)
def test_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "UTF-8" in str(refused(tmp_path, content))


@pytest.mark.parametrize("text", ['a,b\n1,"2\n', 'a,b\n1,"2"x\n', "a,b\r1,2\r", 'a,b\n1,"' + "x" * 200_000 + '"\n'])
def test_broken_quotes_and_endless_cells_are_refused(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)


def test_an_endless_line_is_refused_without_reading_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_table, "_LONGEST_LINE_BYTES", 300_000)
    path = write(tmp_path, b"a,b\n" + b"1" * 10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="longer than"):
            open_dataset(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


def test_a_text_column_with_too_many_values_names_its_first_text(tmp_path: Path) -> None:
    rows = "".join(f"{i},1\n" for i in range(2000))
    error = refused(tmp_path, f"a,b\n{rows}1_000,1\n")
    assert error.facts["column"] == "a"
    assert "'1_000' in line 2002" in str(error)
    few = "".join(f"t{i},1\n" for i in range(101))
    assert refused(tmp_path, f"a,b\n{few}").facts["limit"] == 100
    assert open_dataset(write(tmp_path, f"a,b\n{few}"), target="a").class_names is not None


def test_two_features_of_one_name_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "a,a=x\nx,1\ny,2\n").facts["column"] == "a=x"


def test_a_table_is_a_source_too(tmp_path: Path) -> None:
    assert as_source(write(tmp_path, "a,b\n1,2\n")).read(0, 1).tolist() == [[1, 2]]


def test_scanning_holds_a_piece_of_the_file_not_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c\n" + f"1.5,2,{'x' * 100}\n" * 20_000)
    tracemalloc.start()
    try:
        data = open_dataset(path, target="b")
        data.X.read(15_000, 15_010)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400_000 < 2_000_000 < path.stat().st_size


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60) | st.text('ab1,"\n\r;. \t', max_size=60).map(str.encode))
def test_any_content_is_read_or_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(content)
    message = ""
    try:
        data = open_dataset(path)
        assert np.isfinite(data.X.read(0, data.n_samples)).all()
    except DataError as error:
        message = str(error)
    assert "\n" not in message


def test_the_first_cell_of_a_text_target_that_is_no_number_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n\n2,abc\n3,def\n")
    assert open_dataset(path, target="b").first_text == "'abc' in line 4"
    assert open_dataset(path, target="a").first_text == ""
