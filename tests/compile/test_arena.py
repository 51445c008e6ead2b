"""Buffers that live at the same time never share memory; others do."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidu.compile.arena import Life, place
from tidu.native.ledger import ALIGNMENT

lives = st.lists(
    st.builds(
        lambda first, length, n: Life(first, first + length, n),
        st.integers(0, 20),
        st.integers(0, 10),
        st.integers(0, 500),
    ),
    max_size=30,
).map(lambda found: sorted(found, key=lambda life: life.first))


def conflicts(found: list[Life], offsets: list[int]) -> int:
    placed = list(zip(found, offsets, strict=True))
    return sum(
        a.first <= b.last and b.first <= a.last and p < q + b.n_bytes and q < p + a.n_bytes
        for (a, p), (b, q) in combinations([x for x in placed if x[0].n_bytes], 2)
    )


@given(lives)
def test_what_lives_at_the_same_time_lies_apart(found: list[Life]) -> None:
    offsets, total = place(found)
    assert conflicts(found, offsets) == 0
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    assert all(offset + life.n_bytes <= total for life, offset in zip(found, offsets, strict=True))


@given(lives, st.integers(1, 200))
def test_guarded_buffers_lie_apart_whenever_they_live(found: list[Life], guard_bytes: int) -> None:
    offsets, total = place(found, guard_bytes)
    ends = [0]
    for life, offset in zip(found, offsets, strict=True):
        if life.n_bytes:
            assert offset >= ends[-1] + guard_bytes
            ends.append(offset + life.n_bytes)
    assert total >= ends[-1] + guard_bytes


def test_a_chain_needs_two_places() -> None:
    assert place([Life(i, i + 1, 640) for i in range(100)])[1] == 1280


def test_a_gap_at_the_end_grows() -> None:
    assert place([Life(0, 0, 64), Life(1, 1, 640)]) == ([0, 0], 640)


def test_a_planted_overlap_is_counted() -> None:
    found = [Life(0, 2, 100), Life(1, 3, 100)]
    assert conflicts(found, [0, 64]) == 1
    assert conflicts(found, [0, 128]) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_needs_nothing(n: int) -> None:
    assert place([Life(0, 0, 0)] * n) == ([0] * n, 0)
