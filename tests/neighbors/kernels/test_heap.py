"""A heap keeps what a full sort puts first, ties by the lower index."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.native.machine import NativeCall, compile_text
from tidu.neighbors.kernels.heap import push_kernel

KINDS = {"i64": (np.int64, ctypes.c_int64, 1 << 62), "double": (np.float64, ctypes.c_double, np.inf)}
NOWHERE = np.iinfo(np.int64).max


def push_of(key: str, change: Callable[[str], str] = str) -> NativeCall:
    text = change(push_kernel(key).define("push"))
    return compile_text(text, vectorize=False).function(
        "push", ctypes.c_void_p, ctypes.c_void_p, KINDS[key][1], ctypes.c_int64, ctypes.c_int64
    )


@pytest.fixture(scope="module")
def pushes() -> dict[str, NativeCall]:
    return {key: push_of(key) for key in KINDS}


def check(push: NativeCall, key: str, pairs: list[tuple[float, int]], k: int) -> None:
    """Offer pairs in their order, and compare with a sort after each."""
    dtype, _, farthest = KINDS[key]
    keys, indices = np.full(k, farthest, dtype), np.full(k, NOWHERE)
    for i, pair in enumerate(pairs):
        if pair < (keys[0], indices[0]):
            push(keys.ctypes.data, indices.ctypes.data, *pair, k)
        kept = list(zip(keys.tolist(), indices.tolist(), strict=True))
        for child in range(1, k):
            assert kept[child] <= kept[(child - 1) // 2], "no heap"
        assert sorted(kept)[: i + 1] == sorted(pairs[: i + 1])[:k]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(KINDS)), st.integers(1, 9), st.lists(st.integers(-3, 3), max_size=30), st.randoms())
def test_a_heap_keeps_what_a_sort_puts_first(pushes, key, k, values, random) -> None:
    indices = random.sample(range(100), len(values))
    check(pushes[key], key, list(zip(values, indices, strict=True)), k)


def test_infinite_keys_and_zeros_of_both_signs_are_tied_by_index(pushes) -> None:
    pairs = [(np.inf, 5), (0.0, 4), (-0.0, 3), (np.inf, 2), (-0.0, 6), (0.0, 1), (-np.inf, 9)]
    for k in range(1, 8):
        check(pushes["double"], "double", pairs, k)


@pytest.mark.parametrize("key", KINDS)
def test_large_heaps_in_any_order(pushes, key) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 40, 400)
    for order in (np.argsort(values), np.argsort(-values), rng.permutation(400)):
        check(pushes[key], key, [(int(values[i]), int(i)) for i in order], 65)


@pytest.mark.parametrize(
    ("old", "new"),
    [("icmp slt i64 %p3", "icmp sgt i64 %p3"), ("icmp eq", "icmp ne")],
)
def test_planted_mistakes_are_caught(old: str, new: str) -> None:
    def changed(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    wrong = push_of("i64", changed)
    rng = np.random.default_rng(2)
    pairs = [(int(value), i) for i, value in enumerate(rng.integers(0, 3, 60))][::-1]
    with pytest.raises(AssertionError):
        check(wrong, "i64", pairs, 7)
