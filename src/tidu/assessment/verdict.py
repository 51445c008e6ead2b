"""From the numbers to a verdict, and to its reasons: every rule and every threshold stands here.

This file knows nothing of how the numbers were found, and of the words that tell them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["VERDICTS", "Evidence", "Verdict", "is_blind", "judge"]

Verdict: TypeAlias = Literal["function", "noisy function", "no dependence found", "cannot tell"]
VERDICTS: tuple[Verdict, ...] = ("function", "noisy function", "no dependence found", "cannot tell")

# All but the first as shares of what knowing nothing leaves: the target's variance, or the most frequent class's error.
_SIGNIFICANT = 0.01
_NONE = 0.005
_FUNCTION_AT_MOST = 0.1
_CLASSES_AT_MOST = 0.15
_CLASSES_LIKELY = 0.05
_WIDEST = 0.6
_NEARLY_ALL = 0.9
_SEES = 0.2
# Of the two branches of a circle 0.67, of squares of normal numbers, which are only skewed, 0.6.
_BRANCHES = 0.63
_BLIND_DIMENSION = 9.9


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict rests on; shares are of what knowing nothing leaves.

    Attributes
    ----------
    classifies : bool
    p_value, linear_p_value : float
        Of the permutation tests of dependence: by ranks of neighbors, and of a linear function.
    value, low, high : float
        The floor and its interval, as shares.
    contradicting : int
        Rows with the features of another row and a different target.
    n_copies : int
        Rows that are copies of others and were left out.
    bimodality : float
        Of what is left of each row: (skewness^2 + 1) / kurtosis; 5/9 if uniform, 1 for two values.
    dimension : float
        Intrinsic dimension of the features.
    resolution : float
        The floor that is reported for a target without noise, as a share.
    falling : bool
        Whether more rows still lower the error.
    leaks : bool
        Whether more held-out rows were seen in training than chance explains.
    """

    classifies: bool
    p_value: float
    linear_p_value: float
    value: float
    low: float
    high: float
    contradicting: int
    n_copies: int
    bimodality: float
    dimension: float
    resolution: float
    falling: bool
    leaks: bool

    @property
    def is_significant(self) -> bool:
        """Whether a test sees a dependence."""
        return min(self.p_value, self.linear_p_value) <= _SIGNIFICANT


def is_blind(dimension: float) -> bool:
    """Tell whether neighbors are too far to tell noise from a function that changes between them.

    Such a floor may as well be zero. Estimates of the intrinsic dimension are low where it is high: what looks like 10
    is 12.
    """
    return dimension > _BLIND_DIMENSION


def judge(evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and its reasons, the weightiest first: keys of phrases, ``reason_...`` in `tidu.words.assess`.

    Examples
    --------
    >>> seen = Evidence(False, 0.005, 0.005, 0.25, 0.2, 0.3, 0, 0, 0.33, 2.0, 0.01, False, False)
    >>> judge(seen)[0]
    'noisy function'
    """
    width = evidence.high - evidence.low
    dependent = evidence.is_significant or evidence.high < _NEARLY_ALL
    most = _CLASSES_AT_MOST if evidence.classifies else _FUNCTION_AT_MOST
    likely = _CLASSES_LIKELY if evidence.classifies else most
    verdict: Verdict
    if not dependent:
        sees = evidence.high - evidence.low < 1.0 - _SEES and evidence.low >= _SEES
        verdict, reason = ("no dependence found", "independent") if sees else ("cannot tell", "independent_or_blind")
    elif evidence.low <= _NONE and evidence.value <= likely and evidence.high <= most:
        verdict, reason = "function", "no_noise"
    elif width > _WIDEST:
        verdict, reason = "cannot tell", "wide"
    elif evidence.low > _NONE:
        verdict, reason = "noisy function", "noise"
    else:
        verdict, reason = "cannot tell", "noise_or_rough"
    return verdict, (reason, *_further(evidence, verdict))


def _further(evidence: Evidence, verdict: Verdict) -> list[str]:
    """Return what else a reader should know."""
    if evidence.p_value <= _SIGNIFICANT:
        found = ["dependent"]
    else:
        found = ["dependent_linear" if evidence.is_significant else "not_dependent"]
    if verdict == "noisy function" and not evidence.classifies:
        spread_only = evidence.p_value <= _SIGNIFICANT < evidence.linear_p_value
        if evidence.high >= 1.0 - _FUNCTION_AT_MOST and spread_only:
            found.append("spread_only")
        if evidence.bimodality >= _BRANCHES:
            found.append("branches")
    if evidence.contradicting:
        found.append("contradictions")
    if evidence.n_copies:
        found.append("copies")
    if is_blind(evidence.dimension):
        found.append("dimension")
    if evidence.resolution > _FUNCTION_AT_MOST:
        found.append("resolution")
    found.append("more_rows" if evidence.falling else "enough_rows")
    if evidence.leaks:
        found.append("leakage")
    return found
