"""What is the typical error of each method at each size, and how fast does it fall?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.measuring import Measurement, Study
from tidu.approximation.rates import Rate, fit_rate

__all__ = ["ErrorName", "Summary", "error_rates", "error_table", "summarize"]

ErrorName: TypeAlias = Literal["rms", "max_error"]

_NO_SEED = -1


@dataclass(frozen=True, slots=True)
class Summary:
    """The errors of one method at one size, over the seeds."""

    size: int
    median: float
    low: float
    high: float
    n_runs: int


def summarize(
    measurements: Iterable[Measurement], study: Study, error: ErrorName = "rms"
) -> Mapping[str, tuple[Summary, ...]]:
    """Return the summaries of a study by method, each from small to large."""
    runs: dict[str, dict[int, list[float]]] = {}
    for one in measurements:
        if one.study == study:
            value = one.rms if error == "rms" else one.max_error
            runs.setdefault(one.method, {}).setdefault(one.size, []).append(value)
    return {
        method: tuple(
            Summary(size, median(found), min(found), max(found), len(found)) for size, found in sorted(sizes.items())
        )
        for method, sizes in runs.items()
    }


def error_rates(
    measurements: Iterable[Measurement], error: ErrorName = "rms", study: Study = "width"
) -> Mapping[str, Rate | None]:
    """Return how fast the median error of each method falls with the size that a study changes."""
    return {
        method: fit_rate([one.size for one in found], [one.median for one in found])
        for method, found in summarize(measurements, study, error).items()
    }


def error_table(measurements: Iterable[Measurement]) -> NDArray[np.void]:
    """Return all measurements as a structured array, one row for each; seed is -1 where there is none."""
    columns = [
        ("study", "U10"),
        ("method", "U40"),
        ("n_features", "i8"),
        ("n_units", "i8"),
        ("depth", "i8"),
        ("n_parameters", "i8"),
        ("seed", "i8"),
        ("rms", "f8"),
        ("max_error", "f8"),
    ]
    rows = [
        (
            one.study,
            one.method,
            one.n_features,
            one.n_units,
            one.depth,
            one.approximant.n_parameters,
            _NO_SEED if one.seed is None else one.seed,
            one.rms,
            one.max_error,
        )
        for one in measurements
    ]
    return np.array(rows, dtype=columns)
