"""A rate is the slope on logarithmic axes, and its interval covers as often as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidu.approximation.rates import fit_rate


def test_a_power_law_is_found_exactly() -> None:
    sizes = [4, 8, 16, 32]
    rate = fit_rate(sizes, [5.0 * n**-1.5 for n in sizes])
    assert rate is not None
    assert (rate.exponent, rate.constant) == pytest.approx((-1.5, 5.0))
    assert rate(64) == pytest.approx(5.0 * 64**-1.5)
    assert rate.high - rate.low < 1e-6


def test_the_interval_holds_the_true_exponent_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([4, 8, 16, 32, 64])
    hits = 0
    for _ in range(1000):
        rate = fit_rate(sizes.tolist(), (sizes**-2.0 * np.exp(0.3 * rng.normal(size=5))).tolist())
        assert rate is not None
        hits += rate.low <= -2.0 <= rate.high
    assert 930 <= hits <= 968


def test_what_has_no_logarithm_is_left_out() -> None:
    rate = fit_rate([1, 2, 4, 8, 16], [1.0, 0.5, 0.25, 0.0, math.nan])
    assert rate is not None
    assert rate.exponent == pytest.approx(-1.0)


@pytest.mark.parametrize("errors", [[1.0, 0.5], [1.0, 0.0, 0.0], []])
def test_fewer_than_three_sizes_have_no_rate(errors: list[float]) -> None:
    assert fit_rate(range(1, len(errors) + 1), errors) is None


def test_the_same_size_again_is_no_third_size() -> None:
    assert fit_rate([1, 2, 2], [1.0, 0.5, 0.4]) is None
