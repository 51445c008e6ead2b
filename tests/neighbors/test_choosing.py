"""Rows are projected first where that pays, and what was chosen changes no result."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from tests.neighbors.problems import rows_of, search

from tidu.data import ArraySource
from tidu.native.ledger import Ledger
from tidu.neighbors import choosing
from tidu.neighbors.choosing import Rates, choose_directions
from tidu.neighbors.inputs import open_inputs
from tidu.neighbors.job import prepare
from tidu.neighbors.metrics import resolve_metric

RATES = Rates(unit_s=2e-11, exact_s=2e-10, packed_s=2e-10)
"""About what a machine does; a test may not look at the clock."""


class FromTopToBottom(ArraySource):
    """Rows of which every pass is dear."""

    forward_only = True


@pytest.fixture
def machine(monkeypatch):
    """Let any search be worth a thought, on a machine whose speed is known."""
    monkeypatch.setattr(choosing, "_WORTH_S", 0.0)
    monkeypatch.setattr(choosing, "_measured", lambda of_bytes: RATES)
    return monkeypatch


def chosen(data, metric: str = "l2", queries=None, k: int = 5) -> int:
    inputs = open_inputs(queries, data, resolve_metric(metric))
    return choose_directions(inputs, prepare(queries, data, k, metric, algorithm="brute").plan, Ledger())


@lru_cache(maxsize=4)
def structured(dtype: str = "float32") -> np.ndarray:
    """Return rows that vary in a few directions only."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(6000, 8)) @ rng.normal(size=(8, 512)) * 9 + rng.normal(size=(6000, 512)) * 0.5
    return (rows + 128).clip(0, 255).astype(dtype)


@pytest.mark.parametrize("metric", ["l2", "sqeuclidean", "cosine"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_rows_that_vary_in_few_directions_are_projected(machine, metric: str, dtype: str) -> None:
    assert 0 < chosen(structured(dtype), metric) < 512


def test_rows_that_vary_in_all_directions_alike_are_not(machine) -> None:
    assert chosen(np.random.default_rng(2).normal(size=(6000, 512)).astype(np.float32)) == 0


@pytest.mark.parametrize(
    "data",
    [structured()[:500], structured()[:, :20].copy(), FromTopToBottom(structured())],
    ids=["few rows", "few columns", "read from top to bottom"],
)
def test_what_projections_do_not_help_is_not_projected(machine, data) -> None:
    assert chosen(data) == 0


@pytest.mark.parametrize("metric", ["l1", "chebyshev", "inner_product"])
def test_metrics_that_projections_do_not_bound_are_not_projected(machine, metric: str) -> None:
    assert chosen(structured(), metric) == 0


def test_nothing_is_measured_for_a_search_that_is_over_at_once(monkeypatch) -> None:
    def refuses(of_bytes: bool) -> Rates:
        raise AssertionError("measured")

    monkeypatch.setattr(choosing, "_measured", refuses)
    assert chosen(structured(), queries=structured()[:3]) == 0


@pytest.mark.parametrize("recipe", ["extreme", "outlier", "equal", "far"])
def test_rows_of_any_kind_are_judged_without_a_warning(machine, recipe: str) -> None:
    for dtype in ("float64", "int16"):
        assert chosen(rows_of(recipe, 3, (2100, 64), dtype)) >= 0


def test_this_machine_has_a_speed() -> None:
    for of_bytes in (True, False):
        rates = choosing._measured(of_bytes)
        assert min(rates.unit_s, rates.exact_s, rates.packed_s) > 0


def test_what_is_chosen_changes_no_result(machine) -> None:
    data = structured()
    assert chosen(data) > 0
    expected = search(None, data, 5, algorithm="brute")
    np.testing.assert_array_equal(search(None, data, 5, algorithm="auto"), expected)


def test_a_planted_share_that_is_always_the_same_is_caught(machine) -> None:
    machine.setattr(choosing, "_shares", lambda *given: {15: 0.0})
    with pytest.raises(AssertionError):
        test_rows_that_vary_in_all_directions_alike_are_not(machine)
