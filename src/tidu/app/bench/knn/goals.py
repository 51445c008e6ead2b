"""Which goals were reached?

This file knows nothing of tables.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tidu.app.bench.knn.cases import Goal
from tidu.app.bench.knn.turns import Findings, Result
from tidu.app.bench.turns import Row

__all__ = ["Outcome", "faster", "outcomes", "plain"]

_FROM_BELOW = ("ratio", "recall")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal and what was reached.

    Parameters
    ----------
    case : str
    goal : Goal
    reached : float or None
        None if it was not measured.
    """

    case: str
    goal: Goal
    reached: float | None

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        if self.reached is None:
            return False
        return self.reached >= self.goal.bound if self.goal.figure in _FROM_BELOW else self.reached <= self.goal.bound


def outcomes(findings: Findings) -> Iterator[Outcome]:
    """Yield every goal of the cases that were measured."""
    for name, case in findings.cases.items():
        for goal in case.goals:
            yield Outcome(name, goal, _reached(findings, name, goal))


def faster(ours: Row[Result], others: list[Row[Result]]) -> float | None:
    """Return how many times faster than the fastest of others: the median over the rounds."""
    rounds = zip(*(row.figures("elapsed_s") for row in (ours, *others)), strict=False)
    ratios = [min(rest) / mine for mine, *rest in rounds if rest]
    return statistics.median(ratios) if ratios else None


def _reached(findings: Findings, case: str, goal: Goal) -> float | None:
    ours = findings.rows.get((case, goal.peer))
    if ours is None or not ours.results:
        return None
    match goal.figure:
        case "ratio":
            others = [row for peer in goal.against if (row := findings.rows.get((case, peer))) and row.results]
            return faster(ours, others)
        case "recall":
            return min(ours.figures("recall"))
        case "wrong_lists" | "call_growth_bytes":
            return max(ours.figures(goal.figure), default=None)


def plain(findings: Findings) -> list[dict[str, object]]:
    """Return every goal with what was reached, ready for JSON."""
    return [{**asdict(outcome), "met": outcome.met} for outcome in outcomes(findings)]
