"""The ledger never hands out more than its limit, and knows its peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidu.errors import BudgetError, ParameterError
from tidu.native.ledger import ALIGNMENT, Ledger


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), max_size=30), st.integers(1, 5000))
def test_what_is_held_never_exceeds_the_limit(requests: list[tuple[int, bool]], limit: int) -> None:
    ledger = Ledger(limit)
    held: list[np.ndarray] = []
    peak = 0
    for n_bytes, release in requests:
        if release and held:
            held.pop(0)
        before = ledger.used_bytes
        if before + n_bytes + ALIGNMENT - 1 > limit:
            with pytest.raises(BudgetError) as refused:
                ledger.allocate(n_bytes, "a block")
            assert refused.value.facts["least_bytes"] > limit
            assert ledger.used_bytes == before
        else:
            held.append(ledger.allocate(n_bytes, "a block"))
        assert ledger.used_bytes == sum(x.nbytes + ALIGNMENT - 1 for x in held) <= limit
        peak = max(peak, ledger.used_bytes)
    assert ledger.peak_bytes == peak


@pytest.mark.parametrize("alignment", [1, 64, 4096])
def test_buffers_are_aligned(alignment: int) -> None:
    ledger = Ledger()
    for n_bytes in (1, 100):
        buffer = ledger.allocate(n_bytes, "a block", alignment)
        assert buffer.nbytes == n_bytes
        assert buffer.ctypes.data % alignment == 0


def test_a_refusal_says_what_would_do() -> None:
    ledger = Ledger("1kB")
    block = ledger.allocate(500, "staging")
    with pytest.raises(BudgetError, match="the tile") as refused:
        ledger.allocate(1000, "the tile")
    assert refused.value.facts == {
        "what": "the tile",
        "asked_bytes": 1063,
        "used_bytes": 563,
        "limit_bytes": 1000,
        "least_bytes": 1626,
    }
    del block
    assert ledger.used_bytes == 0


def test_memory_is_held_as_long_as_a_view_of_it() -> None:
    ledger = Ledger()
    view = ledger.allocate(800, "a block").view(np.float64)[3:5]
    assert ledger.used_bytes == 863
    del view
    assert (ledger.used_bytes, ledger.peak_bytes) == (0, 863)


def test_memory_from_elsewhere_is_counted_while_it_is_held() -> None:
    ledger = Ledger(100)
    with ledger.hold(60, "results"):
        with pytest.raises(BudgetError), ledger.hold(50, "more results"):
            pass
        assert ledger.used_bytes == 60
    assert ledger.used_bytes == 0


def test_a_failed_allocation_is_given_back() -> None:
    ledger = Ledger()
    with pytest.raises(MemoryError):
        ledger.allocate(2**60, "the impossible")
    assert ledger.used_bytes == 0


def test_a_limit_that_is_no_amount_is_refused() -> None:
    with pytest.raises(ParameterError):
        Ledger("much")
