from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import GeneratorSource, blocks, blocks_source
from tidu.errors import DataError, DtypeError, ParameterError

X = np.arange(60).reshape(20, 3)


def threes() -> Iterator[np.ndarray]:
    yield from np.split(X, [3, 6, 9, 12, 15, 18])


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 20), max_size=6), data=st.data())
def test_any_rows_come_back_in_any_order_of_reads(cuts: list[int], data: st.DataObject) -> None:
    source = GeneratorSource(lambda: iter(np.split(X, sorted(cuts))), X.shape, X.dtype)
    for _ in range(5):
        start = data.draw(st.integers(0, 20))
        stop = data.draw(st.integers(start, 20))
        np.testing.assert_array_equal(source.read(start, stop), X[start:stop])


def test_reading_in_order_runs_the_generator_once_per_pass() -> None:
    runs = []

    def counted() -> Iterator[np.ndarray]:
        runs.append(1)
        return threes()

    source = GeneratorSource(counted, X.shape, X.dtype)
    for passes in (1, 2):
        found = np.concatenate([block for _, block in blocks(source, 4)])
        np.testing.assert_array_equal(found, X)
        assert len(runs) == passes


def test_a_block_may_be_overwritten_by_the_next() -> None:
    def reused() -> Iterator[np.ndarray]:
        buffer = np.empty((4, 3), X.dtype)
        for first in range(0, 20, 4):
            buffer[...] = X[first : first + 4]
            yield buffer

    source = GeneratorSource(reused, X.shape, X.dtype)
    assert [source.read(i, i + 3).tolist() for i in (0, 3, 6)] == [X[i : i + 3].tolist() for i in (0, 3, 6)]


WRONG = {
    "width": ([X[:5], X[5:, :2]], 1),
    "axes": ([X[:5], X[5:].ravel()], 1),
    "dtype": ([X[:5], X[5:10], X[10:].astype(np.float32)], 2),
    "kind": ([X[:5].tolist()], 0),
    "too few": ([X[:5], X[5:12]], 1),
    "none": ([], -1),
    "too many in a block": ([X[:5], np.vstack([X[5:], X[:1]])], 1),
    "too many blocks": ([X[:5], X[5:], X[:0], X[:1]], 3),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_breaks_the_promise_is_an_error_that_names_the_block(case: str) -> None:
    given_blocks, number = WRONG[case]
    source = GeneratorSource(lambda: iter(given_blocks), X.shape, X.dtype)
    for _ in range(2):  # no state is left behind
        with pytest.raises(DataError) as caught:
            source.read(0, 20)
        assert caught.value.facts["block"] == number
        assert "\n" not in str(caught.value)


def test_a_generator_that_cannot_be_started_again_is_refused_or_noticed() -> None:
    with pytest.raises(ParameterError, match="started again"):
        GeneratorSource(threes(), X.shape, X.dtype)  # type: ignore[arg-type]
    once = threes()
    source = GeneratorSource(lambda: once, X.shape, X.dtype)
    source.read(0, 20)
    with pytest.raises(DataError, match="fresh iterable"):
        source.read(0, 20)


def test_an_error_of_the_generator_comes_through_and_the_next_read_starts_again() -> None:
    fails = [True]

    def shaky() -> Iterator[np.ndarray]:
        yield X[:10]
        if fails.pop() if fails else False:
            raise OSError("the wire was cut")
        yield X[10:]

    source = GeneratorSource(shaky, X.shape, X.dtype)
    with pytest.raises(OSError, match="wire"):
        source.read(0, 20)
    np.testing.assert_array_equal(source.read(0, 20), X)


def test_threads_may_read_at_once() -> None:
    source = GeneratorSource(threes, X.shape, X.dtype)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: source.read(i, i + 2).tolist(), [17, 0, 9, 3, 11] * 10))
    assert found == [X[i : i + 2].tolist() for i in [17, 0, 9, 3, 11] * 10]


def test_it_can_be_sent_to_another_process() -> None:
    source = GeneratorSource(threes, X.shape, X.dtype)
    source.read(2, 5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(4, 20), X[4:])


@pytest.mark.parametrize(
    ("shape", "dtype", "error"),
    [
        ((2, 3, 4), "f4", ParameterError),
        ((-1, 3), "f4", ParameterError),
        ((2, 3), object, DtypeError),
        ((2, 3), "c8", DtypeError),
    ],
)
def test_a_promise_that_no_source_can_keep_is_refused(shape: tuple[int, ...], dtype: object, error: type) -> None:
    with pytest.raises(error):
        GeneratorSource(threes, shape, dtype)  # type: ignore[arg-type]


def test_blocks_in_a_list_are_one_source() -> None:
    for source in (blocks_source(list(threes())), blocks_source(threes), blocks_source(threes, X.shape, X.dtype)):
        assert (source.shape, source.dtype) == (X.shape, X.dtype)
        np.testing.assert_array_equal(source.read(2, 19), X[2:19])
    assert blocks_source([X[:, 0]]).shape == (20,)


@pytest.mark.parametrize("case", ["width", "dtype", "too many in a block"])
def test_a_list_that_breaks_the_promise_names_the_block(case: str) -> None:
    given_blocks, number = WRONG[case]
    with pytest.raises(DataError) as caught:
        blocks_source(given_blocks, X.shape, X.dtype)
    assert caught.value.facts["block"] == number


def test_no_blocks_and_no_arrays_are_refused() -> None:
    with pytest.raises(DataError):
        blocks_source([])
    with pytest.raises(DataError):
        blocks_source([X[:5]], X.shape)
    for wrong in ([[1, 2]], threes()):
        with pytest.raises(ParameterError):
            blocks_source(wrong)  # type: ignore[arg-type]
