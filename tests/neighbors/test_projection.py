"""Distances of projections, less what they may be wrong by, are below those of the rows, whatever the directions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.oracle import full_sort, unequal
from tests.neighbors.problems import RECIPES, rows_of, search
from tests.neighbors.test_encoding import exactly, is_below

from tidu.native.ledger import Ledger
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.projection import Projector, find_directions, scaled_to_one
from tidu.neighbors.suiting import word_encoding

WORD = 16_000


def projected(
    directions: np.ndarray, words: Encoding, raw: np.ndarray, n_threads: int = 1, factors: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    projector = Projector(
        directions, words, raw.dtype, len(raw), has_factors=factors is not None, ledger=Ledger(), n_threads=n_threads
    )
    found, errors, bad = projector.project(raw, factors)
    assert bad == -1
    return found.copy(), errors


def directions_of(sample: np.ndarray, n: int) -> tuple[np.ndarray, Encoding]:
    """Return directions and words as an index finds them in a sample."""
    sample = np.nan_to_num(sample.astype(np.float64))
    words = word_encoding(sample)
    with np.errstate(all="ignore"):
        return find_directions(scaled_to_one(sample - words.center), n), words


def check(
    directions: np.ndarray, words: Encoding, raw: np.ndarray, share: float = 1.0, factors: np.ndarray | None = None
) -> None:
    """Compare all pairs of rows with their projections, in exact numbers."""
    found, errors = projected(directions, words, raw, factors=factors)
    rows = exactly(raw, factors, words.centers)
    assert not np.isnan(errors).any()
    for i, x in enumerate(rows):
        for j, y in enumerate(rows[:i]):
            pair = found[[i, j]].astype(np.float64)
            if not np.isfinite(pair).all() or not np.isfinite(errors[[i, j]]).all():
                continue  # the encoder of projections sets them apart
            p, q = (list(map(Fraction, side)) for side in pair.tolist())
            below = sum((a - b) ** 2 for a, b in zip(p, q, strict=True))
            error = (Fraction(float(errors[i])) + Fraction(float(errors[j]))) * Fraction(share)
            assert is_below(below, sum((a - b) ** 2 for a, b in zip(x, y, strict=True)), error)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, Encoding, np.ndarray]:
    """Draw rows, and directions of these rows, of unrelated ones, or of any that are not even orthogonal."""
    dtype, seed = draw(st.sampled_from(list(MEMORY_TYPES))), draw(st.integers(0, 2**32 - 1))
    width = draw(st.integers(2, 9) | st.integers(2, 40))
    names = [name for name in RECIPES if name != "overflowing"]
    raw = rows_of(draw(st.sampled_from(names)), seed, (5, width), dtype)
    if np.dtype(dtype).kind == "f":
        with np.errstate(all="ignore"):
            power = draw(st.sampled_from([0, 0, 0, -30, -38, -43, -44, -45, -160, 30, 100]))
            scaled = (raw * 10.0**power).astype(dtype)
            raw = scaled if np.isfinite(scaled).all() else raw
    n = draw(st.integers(1, width - 1))
    sample = draw(st.sampled_from([raw, rows_of(draw(st.sampled_from(names)), seed + 1, (30, width), "float64")]))
    directions, words = directions_of(sample, n)
    if draw(st.booleans()):
        words = word_encoding(np.nan_to_num(raw.astype(np.float64)))
    if draw(st.integers(0, 3)) == 0:
        rng = np.random.default_rng(seed)
        tilted = rng.normal(size=(n, width)) * 10.0 ** rng.integers(-1, 1)
        tilted /= np.maximum(1.0, np.linalg.norm(tilted, axis=1, keepdims=True))
        directions = np.rint(WORD * tilted).astype(np.int16)
    return directions, words, raw


@settings(max_examples=150, deadline=None)
@given(cases())
def test_projections_bound_distances_from_below(case) -> None:
    check(*case)


@pytest.mark.long
@settings(max_examples=4000, deadline=None)
@given(cases())
def test_projections_bound_distances_from_below_for_many_more(case) -> None:
    check(*case)


def test_projections_of_rows_with_factors_bound_distances_too() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(12, 20)) * 10.0 ** rng.integers(-90, 90, (12, 1))
    raw[5] = 0.0
    lengths = np.linalg.norm(raw, axis=1)
    factors = np.divide(1.0, lengths, out=np.zeros(12), where=lengths > 0)
    check(*directions_of(raw * factors[:, None], 7), raw, factors=factors)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_directions_of_the_rows_themselves_leave_little(dtype: str) -> None:
    """Distances of rows near a subspace are almost those of their projections, so the bound is worth something."""
    rng = np.random.default_rng(2)
    raw = np.clip(rng.normal(size=(300, 5)) @ rng.normal(size=(5, 60)) * 15 + 128, 0, 255).astype(dtype)
    found, errors = projected(*directions_of(raw, 12), raw)
    true = np.linalg.norm(raw[:50, None].astype(float) - raw[None, 50:].astype(float), axis=2)
    below = np.linalg.norm(found[:50, None] - found[None, 50:], axis=2) - errors[:50, None] - errors[50:]
    assert (below <= true).all()
    assert np.median(below / true) > 0.9


def test_directions_are_orthonormal_but_for_rounding_even_if_the_sample_has_a_few_only() -> None:
    rng = np.random.default_rng(3)
    few = rng.normal(size=(3, 24))
    for sample, n in ((few[rng.integers(0, 3, 50)], 3), (rng.normal(size=(50, 24)), 8)):
        directions, _ = directions_of(sample, n)
        wide = directions / WORD
        np.testing.assert_allclose(wide @ wide.T, np.eye(n), atol=1e-3)


@pytest.mark.parametrize("n_rows", [1, 11, 12, 13, 50])
def test_projections_do_not_depend_on_threads(n_rows: int) -> None:
    raw = rows_of("any", 4, (n_rows, 31), "float32")
    directions, words = directions_of(rows_of("any", 5, (40, 31), "float32"), 9)
    one = projected(directions, words, raw)
    for n_threads in (2, 3):
        for got, want in zip(projected(directions, words, raw, n_threads), one, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("power", [-300, -160, -47, -45, -44, -43, -40, 37, 39, 100, 150])
def test_rows_where_the_range_of_float32_ends_are_found_as_any_others(power: int) -> None:
    rng = np.random.default_rng(6)
    data = rng.normal(size=(600, 50)) * np.linspace(1, 0.01, 50) ** 2 * 10.0**power
    queries = data[:20] + rng.normal(size=(20, 50)) * 0.05 * 10.0**power
    for own in (queries, None):
        found = search(own, data, 5, "l2", algorithm="pruned")
        assert not unequal(found, full_sort(own, data, 5, "l2"))


def test_planted_errors_that_are_too_small_are_caught() -> None:
    """On one line, where rows differ by what rounding to words leaves of them."""
    raw = np.array([[0.0, 0.0], [1.0, 1.0], [0.3, 0.31], [0.70001, 0.7]])
    directions = np.array([[WORD, 0]], np.int16)
    words = Encoding("dot16", -2, "square", "squares", 0.25, 0.25, np.zeros(2), 1.0, 0.0)
    check(directions, words, raw)
    with pytest.raises(AssertionError):
        check(directions, words, raw, 0.1)
