"""Thresholds dismiss no pair that counts, and the k nearest are those of a full sort."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.kernels.driving import PROCESSORS, native, scan, sums_of
from tests.neighbors.kernels.test_comparisons import CASES, integers

from tidu.native.machine import NativeCall, Processor, host
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.exact import ExactKey
from tidu.neighbors.kernels.rules import ALL_PASS, Scan
from tidu.neighbors.kernels.scan import compiled_scan, scan_text

LEAST, NONE_PASS = -(1 << 29), -(1 << 30)
NOWHERE = np.iinfo(np.int64).max
SQUARES, PRODUCTS = (ExactKey(kind, "float64", "float64", whole=False) for kind in ("squares", "products"))
RULES = {
    "square": Scan("dot16", -2, "square", SQUARES, collects=True),
    "linear": Scan("dot16", -1, "linear", PRODUCTS, collects=True),
}


def thresholds_of(call: NativeCall, made: Scan, bounds: np.ndarray, terms: np.ndarray, **numbers: object) -> np.ndarray:
    """Return the thresholds that a scan starts with; its only row is beyond all of them, but for those of all."""
    shape = shape_for(COMPARISONS[made.comparison], host())
    n = len(bounds)
    padded = -(-n // shape.n_queries) * shape.n_queries
    thresholds = np.full(padded, 77, np.int32)
    query_terms = np.zeros(padded, np.int32)
    query_terms[:n] = terms
    given = {
        "bounds": bounds,
        "thresholds": thresholds,
        "query_terms": query_terms,
        "query_slack": np.broadcast_to(np.float64(numbers.pop("slack", 0.0)), n).copy(),
        "raw_queries": np.zeros((n, 1)),
        "raw_rows": np.zeros((1, 1)),
        "found": np.zeros((1, n, 3), np.int64),
        "counts": np.zeros(8, np.int64),
        "capacity": n,
        **numbers,
    }
    side = np.zeros((n, 1), np.int16)
    scan(call, made, host(), side, side[:1], given)
    assert (thresholds[n:] == NONE_PASS).all()
    return thresholds[:n]


def check_threshold(
    call: NativeCall,
    rule: str,
    key: float,
    term: int,
    slack: float,
    row_slack: float,
    inverse: float,
    alpha: float,
    beta: float,
) -> None:
    """Compare with the rule in exact numbers: never below it, and not far above."""
    numbers = {"slack": slack, "row_slack": row_slack, "inverse_scale": inverse, "alpha": alpha, "beta": beta}
    [found] = thresholds_of(call, RULES[rule], np.array([key]), np.array([term]), **numbers)
    t, a, b, i = map(Fraction, (key, alpha, beta, inverse))
    far = Fraction(slack) + Fraction(row_slack)
    if rule == "linear":  # alpha is what rounding may take, and no more than that is asked for
        exact = (t + far) * i - term
        room = abs(t) * (a + Fraction(1, 10**11)) * i
    else:
        root = Fraction(math.isqrt(int((t * a + b) * 10**60))) / 10**30
        exact = ((root + far) * i) ** 2 - term
        room = 0
    room += abs(exact + term) / 10**11 + 2
    low = min(max(math.floor(exact), LEAST), ALL_PASS)
    assert low <= found <= max(exact + room, LEAST)


positive = st.floats(0, 1e6) | st.floats(1e-12, 1.0) | st.just(0.0)


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(list(RULES)),
    positive | st.floats(0, 1e12),
    st.booleans(),
    st.integers(-(1 << 27), 1 << 28),
    positive,
    positive,
    st.floats(1e-9, 1e9),
    st.sampled_from([(1.0, 0.0), (1.0 + 1e-13, 0.0), (2.0, 2e-13)]),
)
def test_a_threshold_is_never_below_what_its_key_needs(rule, key, flipped, term, slack, row_slack, inverse, numbers):
    key = -key if flipped and rule == "linear" else key
    alpha, beta = (1e-13, 0.0) if rule == "linear" else numbers
    check_threshold(compiled_scan(RULES[rule]), rule, key, term, slack, row_slack, inverse, alpha, beta)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_no_number_or_infinite_lets_every_pair_pass(rule: str) -> None:
    call, made = compiled_scan(RULES[rule]), RULES[rule]
    zero = np.zeros(1, np.int32)
    usual = {"inverse_scale": 1.0, "alpha": 1.0, "beta": 0.0, "row_slack": 0.0}
    for key, changes in (
        (np.inf, {}),
        (np.nan, {}),
        (0.0, {"slack": np.inf}),
        (0.0, {"slack": np.nan}),
        (0.0, {"row_slack": np.inf}),
        (0.0, {"inverse_scale": np.inf}),
        (1e300, {"inverse_scale": np.inf}),
        (1e308, {"inverse_scale": 1e308}),
    ):
        assert thresholds_of(call, made, np.array([key]), zero, **{**usual, **changes}) == ALL_PASS, (key, changes)


def test_thresholds_stay_where_sums_do_not_overflow() -> None:
    made = Scan("dot8", -2, "value", collects=True)
    keys = np.array([1 << 62, ALL_PASS + 5, 17, -5, LEAST - 9, -(1 << 62)])
    for term in (0, 1000, -1000):
        terms = np.full(len(keys), term, np.int32)
        found = thresholds_of(compiled_scan(made), made, keys, terms)
        np.testing.assert_array_equal(found, np.clip(keys - term, LEAST, ALL_PASS))
    linear = thresholds_of(
        compiled_scan(RULES["linear"]),
        RULES["linear"],
        np.array([-1e300, 1e300]),
        np.zeros(2, np.int32),
        inverse_scale=1.0,
    )
    assert linear.tolist() == [LEAST, ALL_PASS]


def test_a_planted_threshold_that_forgets_the_slack_of_rows_is_caught() -> None:
    text = scan_text(RULES["square"], host())
    begin = text.index("@tidu_threshold(ptr %p0, i64 %p1) nounwind")
    wrong = native(text[:begin] + text[begin:].replace("fadd double", "fsub double", 1), "tidu_scan", host())
    arguments = ("square", 4.0, 0, 1.0, 3.0, 1.0, 1.0, 0.0)
    check_threshold(compiled_scan(RULES["square"]), *arguments)
    with pytest.raises(AssertionError):
        check_threshold(wrong, *arguments)


def check_nearest(
    call: NativeCall,
    made: Scan,
    processor: Processor,
    rng: np.random.Generator,
    sizes: tuple[int, int, int],
    k: int,
    n_threads: int,
    own: bool,
) -> None:
    """Offer blocks of rows one after the other, and compare with a full sort, ties by the lowest index."""
    comparison = COMPARISONS[made.comparison]
    n_queries, n_rows, n_features = sizes
    queries = integers(rng, comparison, n_queries, n_features, queries=True)
    rows = integers(rng, comparison, n_rows, n_features, queries=False)
    rows[rng.integers(0, n_rows, n_rows // 2)] = rows[0]
    keys = made.factor * sums_of(comparison, queries, rows)
    order = np.broadcast_to(np.arange(n_rows), keys.shape)
    own_rows = rng.integers(-1, n_rows, n_queries) if own else None
    if own:
        keys[np.arange(n_queries)[own_rows >= 0], own_rows[own_rows >= 0]] = 1 << 62
    bounds = np.where(rng.random(n_queries) < 0.3, np.median(keys, axis=1), 1 << 60).astype(np.int64)
    wanted = np.where(keys <= bounds[:, None], keys, 1 << 62)
    sorting = np.lexsort((order, wanted))[:, :k]
    expected_keys = np.take_along_axis(wanted, sorting, 1)
    expected = np.where(expected_keys < 1 << 62, sorting, NOWHERE)
    heap = np.full((n_queries, k), 1 << 62), np.full((n_queries, k), NOWHERE)
    middle = n_rows // 2
    for first, last in ((middle, n_rows), (0, middle)):
        if first < last:
            given = {"bounds": bounds, "keys": heap[0], "indices": heap[1], "k": k, "first_row": first, "own": own_rows}
            scan(call, made, processor, queries, rows[first:last], given, n_threads=n_threads)
    sorting = np.lexsort(heap[::-1])
    found_keys, found = (np.take_along_axis(x, sorting, 1) for x in heap)
    np.testing.assert_array_equal(found_keys, expected_keys)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(("name", "factor"), CASES)
def test_the_nearest_are_those_of_a_full_sort(name: str, factor: int, how: str) -> None:
    rng, processor, made = np.random.default_rng(5), PROCESSORS[how](), Scan(name, factor, "value")
    call = compiled_scan(made, processor)
    for n_threads, k, own, sizes in (
        (1, 1, False, (1, 1, 1)),
        (2, 3, True, (30, 70, 3)),
        (3, 7, False, (61, 300, 9)),
        (1, 70, True, (5, 70, 2)),
        (3, 10, True, (13, 129, 33)),
    ):
        check_nearest(call, made, processor, rng, sizes, min(k, sizes[1]), n_threads, own)


@pytest.mark.parametrize(("name", "factor"), CASES)
def test_a_planted_threshold_one_too_low_is_caught(name: str, factor: int) -> None:
    made = Scan(name, factor, "value")
    text = scan_text(made, host())
    begin = text.index("@tidu_threshold(ptr %p0, i64 %p1) nounwind")
    head, tail = text[:begin], text[begin:]
    at = tail.index("trunc i64 ") + len("trunc i64 ")
    value = tail[at : tail.index(" ", at)]
    line = tail.rindex("\n", 0, at)
    tail = f"{tail[:line]}\n  %lower = sub i64 {value}, 2{tail[line:at]}%lower{tail[at + len(value) :]}"
    wrong = native(head + tail, "tidu_scan", host())
    sizes = (61, 300, 2)
    check_nearest(compiled_scan(made), made, host(), np.random.default_rng(6), sizes, 150, 1, False)
    with pytest.raises(AssertionError):
        check_nearest(wrong, made, host(), np.random.default_rng(6), sizes, 150, 1, False)
