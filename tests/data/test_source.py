from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import ArraySource, BlockSource, RowsSource, blocks, take
from tidu.data.views import ColumnsSource, StackedSource
from tidu.errors import DataError, ParameterError


class CountingSource(ArraySource):
    """Remembers what was read."""

    reads: ClassVar[list[tuple[int, int]]] = []

    def read(self, start: int, stop: int) -> np.ndarray:
        self.reads.append((start, stop))
        return super().read(start, stop)


@settings(deadline=None)
@given(n=st.integers(0, 40), rows_per_block=st.integers(1, 50))
def test_blocks_put_together_are_the_whole(n: int, rows_per_block: int) -> None:
    whole = np.arange(2 * n).reshape(n, 2)
    parts = list(blocks(ArraySource(whole), rows_per_block))
    assert [first for first, _ in parts] == list(range(0, n, rows_per_block))
    np.testing.assert_array_equal(np.concatenate([whole[:0], *(block for _, block in parts)]), whole)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.integers(0, 99), max_size=30), width=st.sampled_from([1, 5000, 600_000]))
def test_take_gathers_like_numpy_however_far_apart_the_rows_are(rows: list[int], width: int) -> None:
    column = np.arange(100)
    whole = np.broadcast_to(column[:, None], (100, width)) if width > 1 else column
    wanted = np.array(rows[:3] if width > 10_000 else rows, np.intp)
    found = take(ArraySource(whole), wanted)
    np.testing.assert_array_equal(found if width == 1 else found[:, -1], column[wanted])


def test_take_reads_from_top_to_bottom_and_joins_near_rows() -> None:
    source = CountingSource(np.zeros((100_000, 10)))
    source.reads.clear()
    take(source, np.array([90_000, 5, 7, 90_001, 5]))
    assert source.reads == [(5, 8), (90_000, 90_002)]


def test_take_never_reads_much_more_than_four_mebibytes_at_once() -> None:
    source = CountingSource(np.zeros((1_000_000, 1)))
    source.reads.clear()
    take(source, np.arange(0, 1_000_000, 1000))
    assert max(stop - start for start, stop in source.reads) * 8 <= 1 << 22


@pytest.mark.parametrize("rows", [[-1], [3], [0.5], [[0]]])
def test_take_refuses_rows_that_are_not_there(rows: list[object]) -> None:
    with pytest.raises(ParameterError):
        take(ArraySource(np.zeros((3, 1))), np.array(rows))


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, 4)])
def test_reading_outside_is_an_error_instead_of_a_shorter_block(start: int, stop: int) -> None:
    array = np.zeros((3, 2))
    for source in (
        ArraySource(array),
        ColumnsSource(ArraySource(array), (0,)),
        StackedSource([ArraySource(array)], "stack"),
        RowsSource(ArraySource(array), np.arange(3)),
    ):
        with pytest.raises(ParameterError):
            source.read(start, stop)


def test_a_block_size_below_one_is_refused() -> None:
    with pytest.raises(ParameterError) as caught:
        list(blocks(ArraySource(np.zeros(3)), 0))
    assert caught.value.facts["rows_per_block"] == 0


def test_a_block_of_an_array_cannot_be_written_to() -> None:
    array = np.zeros((3, 2))
    with pytest.raises(ValueError, match="read-only"):
        ArraySource(array).read(0, 1)[:] = 1
    assert array.flags.writeable


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4), data=st.data())
def test_stacked_parts_read_like_one_array(sizes: list[int], data: st.DataObject) -> None:
    whole = np.arange(sum(sizes) * 2).reshape(-1, 2)
    cuts = np.cumsum(sizes)[:-1]
    stacked = StackedSource([ArraySource(part) for part in np.split(whole, cuts)], "parts")
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    np.testing.assert_array_equal(stacked.read(start, stop), whole[start:stop])


def test_parts_of_other_width_do_not_stack() -> None:
    with pytest.raises(DataError):
        StackedSource([ArraySource(np.zeros((1, 2))), ArraySource(np.zeros((1, 3)))], "parts")


def test_chosen_rows_and_columns_are_sources_too() -> None:
    array = np.arange(12).reshape(4, 3)
    rows = RowsSource(ArraySource(array), np.array([3, 0, 3]))
    column, columns = ColumnsSource(rows, 1), ColumnsSource(rows, (2, 0))
    assert all(isinstance(source, BlockSource) for source in (rows, column, columns))
    assert (rows.shape, column.shape, columns.shape) == ((3, 3), (3,), (3, 2))
    assert column.read(1, 3).tolist() == [1, 10]
    assert columns.read(0, 2).tolist() == [[11, 9], [2, 0]]
