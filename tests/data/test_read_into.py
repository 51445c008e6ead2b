from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.files_of_rows import KINDS, changed_file, write

from tidu.data import (
    ArraySource,
    BlockSource,
    FillingSource,
    RowsSource,
    StackedSource,
    as_source,
    dataset_of,
    read_into,
    scratch_bytes,
    take,
    widened,
)
from tidu.data.views import ColumnsSource
from tidu.errors import DataError, DtypeError, ParameterError, ShapeError

X = np.random.default_rng(0).standard_normal((23, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_rows_of_any_file_are_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    source = as_source(write(kind, tmp_path_factory.mktemp("rows"), X))
    assert (source.shape, source.dtype) == (X.shape, np.float32)
    assert isinstance(source, FillingSource)
    for _ in range(4):
        start = data.draw(st.integers(0, len(X)))
        stop = data.draw(st.integers(start, len(X)))
        out = np.full((stop - start, 5), np.nan, np.float32)
        read_into(source, start, stop, out)
        np.testing.assert_array_equal(out, X[start:stop])
        np.testing.assert_array_equal(source.read(start, stop), X[start:stop])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_while_it_is_read_is_an_error(tmp_path: Path, kind: str) -> None:
    source = as_source(write(kind, tmp_path, X))
    source.read(0, 3)
    path = changed_file(tmp_path)
    os.truncate(path, path.stat().st_size - 4)
    for rows in ((0, 3), (3, 5)):
        with pytest.raises(DataError) as caught:
            source.read(*rows)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [0, 3, 23])
def test_a_file_that_is_written_to_while_it_is_read_is_an_error(tmp_path: Path, kind: str, before: int) -> None:
    source = as_source(write(kind, tmp_path, X))
    source.read(0, before)
    path = changed_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    for rows in ((0, 3), (3, 5), (1, 2)):
        with pytest.raises(DataError):
            source.read(*rows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_of_any_file_can_be_sent_to_another_process(tmp_path: Path, kind: str) -> None:
    source = as_source(write(kind, tmp_path, X))
    source.read(2, 9)
    sent = pickle.dumps(source)
    np.testing.assert_array_equal(pickle.loads(sent).read(4, 23), X[4:])
    path = changed_file(tmp_path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError):
        pickle.loads(sent).read(0, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_not_there_are_refused(tmp_path: Path, kind: str) -> None:
    source = as_source(write(kind, tmp_path, X))
    for rows in ((-1, 2), (3, 2), (20, 24)):
        with pytest.raises(ParameterError):
            source.read(*rows)


class Plain:
    """A source of another's making, which knows only how to read."""

    name = "plain"

    def __init__(self, array: np.ndarray, given: np.ndarray | None = None) -> None:
        self.array = array
        self.given = array if given is None else given

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.array.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.given[start:stop]


VIEWS: dict[str, BlockSource] = {
    "array": ArraySource(X),
    "foreign array": ArraySource(X.astype(">f4")),
    "plain": Plain(X),
    "stack": StackedSource([ArraySource(X[:4]), Plain(X[4:5]), ArraySource(X[5:])], "stack"),
    "rows": RowsSource(ArraySource(X), np.arange(23)),
    "shuffled rows": RowsSource(ArraySource(X[::-1]), np.arange(22, -1, -1)),
    "columns": ColumnsSource(Plain(np.hstack([X[:, ::-1], X])), (4, 3, 2, 1, 0)),
    "finite": dataset_of(ArraySource(X)).X,
}


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_view_fills_what_it_reads(view: str, data: st.DataObject) -> None:
    source = VIEWS[view]
    start = data.draw(st.integers(0, len(X)))
    stop = data.draw(st.integers(start, len(X)))
    whole = np.full((len(X) + 2, 5), np.nan, np.float32)
    read_into(source, start, stop, whole[1 : 1 + stop - start])
    np.testing.assert_array_equal(whole[1 : 1 + stop - start], X[start:stop])
    assert np.isnan(whole[0]).all()
    assert np.isnan(whole[1 + stop - start :]).all()
    assert scratch_bytes(source, stop - start) >= 0


@pytest.mark.parametrize("view", [*VIEWS, "npy", "half"])
def test_memory_that_does_not_fit_is_refused(tmp_path: Path, view: str) -> None:
    if view == "npy":
        source = as_source(write("npy", tmp_path, X))
    else:
        source = VIEWS[view] if view in VIEWS else widened(ArraySource(X.astype(np.float16)))
    read_only = np.empty((3, 5), np.float32)
    read_only.flags.writeable = False
    for out, error in (
        (np.empty((2, 5), np.float32), ShapeError),
        (np.empty((3, 4), np.float32), ShapeError),
        (np.empty(15, np.float32), ShapeError),
        (np.empty((3, 5)), DtypeError),
        (np.empty((3, 5), ">f4"), DtypeError),
        (np.empty((5, 3), np.float32).T, ParameterError),
        (np.empty((3, 10), np.float32)[:, ::2], ParameterError),
        (read_only, ParameterError),
    ):
        with pytest.raises(error):
            read_into(source, 2, 5, out)
    with pytest.raises(ParameterError):
        read_into(source, 22, 25, np.empty((3, 5), np.float32))


@pytest.mark.parametrize("given", [X[:, :1], X[:1], X.astype(np.float64)])
def test_a_source_that_gives_other_rows_than_it_claims_is_caught(given: np.ndarray) -> None:
    with pytest.raises(DataError, match="at fault"):
        read_into(Plain(X, given), 0, 3, np.empty((3, 5), np.float32))


def test_a_value_that_is_not_finite_is_found_when_it_is_filled_in() -> None:
    array = X.copy()
    array[7, 2] = np.inf
    with pytest.raises(DataError) as caught:
        read_into(dataset_of(ArraySource(array)).X, 5, 9, np.empty((4, 5), np.float32))
    assert caught.value.facts["row"] == 7


@settings(deadline=None)
@given(shape=st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 7, 40_000])), seed=st.integers(0, 99))
def test_half_precision_is_widened_without_changing_a_value(shape: tuple[int, int], seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 1 << 16, shape, np.uint16)
    halves = bits.view(np.float16)
    source = widened(ArraySource(halves))
    assert source.dtype == np.float32
    np.testing.assert_array_equal(source.read(0, len(bits)), halves.astype(np.float32))


@settings(deadline=None)
@given(n=st.integers(0, 3), width=st.sampled_from([1, 7, 40_000]), seed=st.integers(0, 99))
def test_bfloat16_arrays_are_read_as_float32(n: int, width: int, seed: int) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    bits = np.random.default_rng(seed).integers(0, 1 << 16, (n, width), np.uint16)
    numbers = bits.view(ml_dtypes.bfloat16)
    with np.errstate(invalid="ignore"):
        expected = numbers.astype(np.float32)
    for source in (as_source(numbers), widened(Plain(numbers))):
        assert source.dtype == np.float32
        np.testing.assert_array_equal(source.read(0, n), expected)


def test_float16_stays_as_it_is_unless_widening_is_asked_for() -> None:
    halves, wide = as_source(X.astype(np.float16)), ArraySource(X)
    assert halves.dtype == np.float16
    assert widened(wide) is wide


def test_an_unbroken_run_of_rows_is_read_straight() -> None:
    class Filled(Plain):
        def read_into(self, start: int, stop: int, out: np.ndarray) -> None:
            out[...] = self.array[start:stop]

        def scratch_bytes(self, n_rows: int) -> int:
            return 0

        def read(self, start: int, stop: int) -> np.ndarray:
            raise AssertionError("a copy was made")

    np.testing.assert_array_equal(take(Filled(X), np.arange(3, 9)), X[3:9])
