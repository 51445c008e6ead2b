"""Threads share the rows: each row is one thread's, and where rows begin depends on their number alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.comparing import general, graph_of
from tests.compile.races import intervals_of

from tidu.compile.partition import grain, row_bounds, split_rows

rows, threads = st.integers(1, 5000), st.integers(1, 64)


@given(rows, threads)
def test_every_row_has_one_thread(n_rows: int, n_threads: int) -> None:
    bounds = [row_bounds(n_rows, n_threads, t) for t in range(n_threads)]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == n_rows
    assert all(after == first for (_, after), (first, _) in pairwise(bounds))
    assert all(first <= after for first, after in bounds)


@given(rows, threads)
def test_a_share_begins_at_a_whole_vector(n_rows: int, n_threads: int) -> None:
    step = grain(n_rows, n_threads)
    assert step in (1, 2, 4, 8, 16)
    assert all(row_bounds(n_rows, n_threads, t)[0] % step == 0 for t in range(n_threads))


@given(st.integers(1, 300), threads)
def test_what_can_be_shared_evenly_is(share: int, n_threads: int) -> None:
    bounds = [row_bounds(share * n_threads, n_threads, t) for t in range(n_threads)]
    assert {after - first for first, after in bounds} == {share}


@given(rows, threads)
def test_no_thread_is_given_much_more_than_its_share(n_rows: int, n_threads: int) -> None:
    most = max(after - first for first, after in (row_bounds(n_rows, n_threads, t) for t in range(n_threads)))
    assert most < n_rows / n_threads + n_threads_of_slack(n_rows, n_threads)


def n_threads_of_slack(n_rows: int, n_threads: int) -> int:
    """Return what rounding each beginning down to the grain may cost the last thread."""
    return 2 * grain(n_rows, n_threads) + 1


@pytest.mark.parametrize(
    ("n", "n_threads", "expected"), [(64, 1, None), (64, 2, 64), (8, 2, None), (40, 2, None), (1, 2, None)]
)
def test_a_row_of_elements_is_shared_by_whole_vectors_or_not_at_all(
    n: int, n_threads: int, expected: int | None
) -> None:
    x = np.ones(n)
    (interval,) = intervals_of(graph_of(lambda x: x * 2.0, x), general(n_threads=n_threads))
    assert split_rows(interval[0], n_threads) == expected
