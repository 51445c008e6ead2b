"""How is a number of a table written?"""

from __future__ import annotations

import math

from tidu.app.problem import Problem

__all__ = ["written_score"]


def written_score(value: float, problem: Problem) -> str:
    """Return a score as a person reads it: accuracy in percent, R^2 as it is."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if problem.classifies else f"{value:.3f}"
