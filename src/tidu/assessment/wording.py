"""How are the numbers of an assessment written, and what fills its phrases?

This file knows nothing of which phrase is said when.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from tidu.assessment.dependence import PERMUTATIONS
from tidu.assessment.voting import best_of
from tidu.drawing import format_number
from tidu.words import say

if TYPE_CHECKING:
    from tidu.assessment.result import Assessment

__all__ = [
    "classifies",
    "facts",
    "feature_name",
    "key_for",
    "percent",
    "written_bound",
    "written_error",
    "written_score",
]

_CLASSES = "_classes"


def classifies(found: Assessment) -> bool:
    """Tell whether the target is a class."""
    return found.task == "classification"


def key_for(key: str, found: Assessment) -> str:
    """Return the key of a phrase that speaks of numbers, or its twin that speaks of classes."""
    return key + _CLASSES if classifies(found) else key


def percent(share: float) -> str:
    """Write a share.

    Examples
    --------
    >>> percent(0.21345), percent(5e-5), percent(1.0)
    ('21.3 %', '0.005 %', '100 %')
    """
    return f"{format_number(100.0 * share, 3)} %"


def written_score(score: float, found: Assessment) -> str:
    """Write R^2 with three decimals, or accuracy in percent."""
    if classifies(found):
        return percent(score)
    # A constant reaches 0, however wide the noise's interval is.
    return f"{max(score, 0.0):.3f}"


def written_bound(score: float, found: Assessment) -> str:
    """Write a score that nothing exceeds: one below the highest is never rounded to it."""
    written = written_score(score, found)
    if score >= 1.0 or written != written_score(1.0, found):
        return written
    digits = -floor(log10(1.0 - score))
    return f"{100.0 * score:.{digits - 2}f} %" if classifies(found) else f"{score:.{digits}f}"


def written_error(error: float, found: Assessment) -> str:
    """Write a mean squared error, or an error rate in percent."""
    return percent(error) if classifies(found) else format_number(error)


def feature_name(number: int, found: Assessment, lang: str) -> str:
    """Return the name of a feature as it may stand in a line of text."""
    if number >= len(found.feature_names):
        return say("assess.feature", lang, number=number)
    name = found.feature_names[number]
    if name.isdecimal():
        return say("assess.feature", lang, number=name)
    # A name in a file may hold characters that drive a terminal.
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)


def facts(found: Assessment, lang: str) -> Mapping[str, str]:
    """Return everything that a reason may name, in words."""
    floor, repeats = found.floor, found.contradictions
    # There is no more noise than variance, although an interval of the noise may reach beyond that of the sample.
    share, low, high = (min(floor.share(error), 1.0) for error in (floor.value, floor.low, floor.high))
    ends = (floor.low, floor.high) if classifies(found) else (low, high)
    half, whole = found.learning[max(len(found.learning) - 2, 0)], found.learning[-1]
    k, error = best_of(found.left_out_errors)
    return {
        "measure": say("assess.accuracy" if classifies(found) else "assess.r2", lang),
        "score": written_score(found.best_score, found),
        "score_low": written_score(found.best_score_interval[0], found),
        "score_high": written_score(found.best_score_interval[1], found),
        "share": percent(share),
        "low": percent(ends[0]),
        "high": percent(ends[1]),
        "whole": percent(floor.whole),
        "T": f"{found.dependence.T:.3f}",
        "p": format_number(found.dependence.p_value, 2),
        "linear": percent(found.dependence.linear),
        "linear_p": format_number(found.dependence.linear_p_value, 2),
        "n_shuffled": str(PERMUTATIONS),
        "n": f"{found.n_samples:,}",
        "copies": f"{found.n_copies:,}",
        "contradicting": f"{repeats.n_contradicting:,}",
        "contradicting_share": percent(repeats.n_contradicting / repeats.n_rows),
        "contradicted_score": written_bound(repeats.best_score, found),
        "repeated": f"{repeats.n_repeated:,}",
        "repeated_score": written_score(repeats.best_repeated_score, found),
        "dimension": _dimension(found.intrinsic_dimension),
        "resolution": percent(found.likelihood.resolution),
        "n_half": f"{half.n_rows:,}",
        "error_half": written_error(half.error, found),
        "error": written_error(whole.error, found),
        "k": str(k),
        "left_out": written_error(error, found),
        **_leakage(found),
    }


def _dimension(number: float) -> str:
    return f"{number:.1f}" if isfinite(number) else format_number(number)


def _leakage(found: Assessment) -> dict[str, str]:
    seen = found.leakage
    if seen is None:
        return {}
    return {
        "near": f"{seen.n_near:,}",
        "n_test": f"{seen.n_rows:,}",
        "identical": f"{seen.n_identical:,}",
        "expected": f"{seen.expected:,.0f}",
    }
