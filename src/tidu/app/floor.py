"""How near does a model come to the floor that noise sets, in the units of its curves and of its score?

This file knows nothing of how the floor was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidu.app.outcome import Outcome
from tidu.app.problem import Problem
from tidu.assessment import Assessment
from tidu.assessment.wording import written_error
from tidu.words import Language, say

__all__ = ["Limit", "best_score", "loss_floor", "ratio", "ratio_notes"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit of a curve, with its 95 % interval, in the curve's units."""

    value: float
    low: float
    high: float


def loss_floor(found: Assessment | None, problem: Problem) -> Limit | None:
    """Return the floor of the loss of numbers: half the squared error of the standardized target.

    Of classes there is none: the loss is a cross-entropy, and the floor an error rate.
    """
    if found is None or problem.classifies:
        return None
    unit = 0.5 / problem.scale**2
    return Limit(unit * found.floor.value, unit * found.floor.low, unit * found.floor.high)


def best_score(found: Assessment | None, problem: Problem) -> Limit | None:
    """Return the highest score on validation rows, accuracy or R^2, that can be expected of any model."""
    if found is None:
        return None
    return Limit(found.best_score, *found.best_score_interval)


def ratio(one: Outcome, problem: Problem, found: Assessment) -> str:
    """Return error over floor; where the floor may be zero, the least that this can be."""
    error = _error(one, problem)
    if found.floor.low > 0:
        return _times(error / found.floor.value)
    return f"≥ {_times(error / found.floor.high)}" if found.floor.high > 0 else "–"


def _times(number: float) -> str:
    return f"{number:,.2f} ×" if number < 100 else f"{number:,.0f} ×"


def ratio_notes(found: Assessment, lang: Language) -> list[str]:
    """Return what `ratio` means."""
    classes = "_classes" if found.task == "classification" else ""
    notes = [say(f"assess.fit_ratio_note{classes}", lang)]
    if found.floor.low <= 0:
        notes.append(say("assess.fit_ratio_zero", lang, high=written_error(found.floor.high, found)))
    return notes


def _error(one: Outcome, problem: Problem) -> float:
    if problem.classifies:
        return float(np.mean(one.predicted != problem.test.y))
    return float(np.mean((one.outputs - problem.test.y.astype(np.float64)) ** 2))
