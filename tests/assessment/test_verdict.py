"""Every rule of the verdict."""

from dataclasses import replace

import pytest

from tidu.assessment.verdict import VERDICTS, Evidence, judge

CLEAR = Evidence(
    classifies=False,
    p_value=0.005,
    linear_p_value=0.005,
    value=0.0,
    low=0.0,
    high=0.02,
    contradicting=0,
    n_copies=0,
    bimodality=0.33,
    dimension=2.0,
    resolution=0.01,
    falling=False,
    leaks=False,
)

UNSEEN = {"p_value": 0.4, "linear_p_value": 0.4}


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({}, "function", "no_noise"),
        ({"high": 0.1}, "function", "no_noise"),
        ({"high": 0.3}, "cannot tell", "noise_or_rough"),
        ({"low": 0.2, "high": 0.3}, "noisy function", "noise"),
        ({"low": 0.1, "high": 0.8}, "cannot tell", "wide"),
        ({"high": 0.9}, "cannot tell", "wide"),
        (UNSEEN | {"low": 0.8, "high": 1.05}, "no dependence found", "independent"),
        (UNSEEN | {"linear_p_value": 0.01, "low": 0.8, "high": 1.05}, "noisy function", "noise"),
        (UNSEEN | {"low": 0.0, "high": 1.05}, "cannot tell", "independent_or_blind"),
        (UNSEEN | {"low": 0.2, "high": 0.3}, "noisy function", "noise"),
        ({"classifies": True, "high": 0.14}, "function", "no_noise"),
        ({"classifies": True, "value": 0.09, "high": 0.14}, "cannot tell", "noise_or_rough"),
    ],
)
def test_the_verdict_follows_from_the_numbers(changes, verdict, reason):
    found, reasons = judge(replace(CLEAR, **changes))
    assert found in VERDICTS
    assert (found, reasons[0]) == (verdict, reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"linear_p_value": 0.4, "low": 0.9, "high": 1.1}, "spread_only"),
        ({"n_copies": 3}, "copies"),
        ({"low": 0.5, "high": 0.6, "bimodality": 0.7}, "branches"),
        ({"contradicting": 4}, "contradictions"),
        ({"dimension": 14.0}, "dimension"),
        ({"resolution": 0.3}, "resolution"),
        ({"falling": True}, "more_rows"),
        ({"leaks": True}, "leakage"),
        (UNSEEN, "not_dependent"),
        ({"p_value": 0.4}, "dependent_linear"),
    ],
)
def test_what_a_reader_should_know_is_among_the_reasons(changes, reason):
    names = judge(replace(CLEAR, **changes))[1]
    assert reason in names
    assert reason not in judge(CLEAR)[1]
