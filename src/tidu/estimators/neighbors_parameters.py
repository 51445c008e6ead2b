"""Which values may the parameters of the estimators of neighbors have, and what do they come to?

Checked when fitting, as in scikit-learn. This file knows nothing of rows and targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.config import parse_bytes
from tidu.errors import ParameterError
from tidu.native.threads import usable_processors
from tidu.neighbors import METRICS
from tidu.neighbors.metrics import Array, resolve_metric

__all__ = [
    "ALGORITHMS",
    "Mode",
    "Ties",
    "Weights",
    "check_mode",
    "check_parameters",
    "effective_metric",
    "threads_of",
]

Weights: TypeAlias = str | Callable[[NDArray[np.float64]], Array] | None
Mode: TypeAlias = Literal["connectivity", "distance"]
Ties: TypeAlias = Literal["smallest", "nearest"]

ALGORITHMS = ("auto", "ball_tree", "kd_tree", "brute", "pruned")
_NUMBER = (int, float, np.integer, np.floating)
_INTEGER = (int, np.integer)
_LEAST = {"n_neighbors": 1, "leaf_size": 1}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "algorithm": ALGORITHMS,
    "weights": ("uniform", "distance"),
    "ties": ("smallest", "nearest"),
    "metric": METRICS,
}


def check_mode(mode: str) -> None:
    """Refuse an unknown weight of a graph's edges."""
    if mode not in ("connectivity", "distance"):
        raise ParameterError(f"mode must be 'connectivity' or 'distance'; got {mode!r}", got=mode)


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse values outside what is accepted.

    Raises
    ------
    ParameterError
        With `parameter` and `got`.
    """
    for name, value in parameters.items():
        problem = _problem(name, value)
        if problem:
            raise ParameterError(f"{name} must be {problem}; got {value!r}", parameter=name, got=value)
    limit = parameters.get("memory_limit")
    if limit is not None:
        parse_bytes(limit)  # type: ignore[arg-type]  # what is neither text nor integer is refused there


def _problem(name: str, value: object) -> str:
    is_integer = isinstance(value, _INTEGER) and not isinstance(value, bool)
    if name in _LEAST:
        return "" if is_integer and value >= _LEAST[name] else f"an integer of at least {_LEAST[name]}"  # type: ignore[operator]
    if name in _CHOICES:
        free = name == "weights" and (value is None or callable(value))
        return "" if free or value in _CHOICES[name] else f"one of {', '.join(_CHOICES[name])}"
    if name == "p":
        return "" if isinstance(value, _NUMBER) and value > 0 else "a number above 0"
    if name == "radius":
        return "" if isinstance(value, _NUMBER) and value >= 0 else "a number of at least 0"
    if name == "n_jobs":
        return "" if value is None or (is_integer and value != 0) else "None or an integer other than 0"
    return ""


def threads_of(n_jobs: int | None) -> int | None:
    """Return how many threads `n_jobs` stands for: -1 all processors, -2 all but one, None the search's own choice.

    Examples
    --------
    >>> threads_of(3), threads_of(None), threads_of(-10_000)
    (3, None, 1)
    """
    if n_jobs is None or n_jobs > 0:
        return n_jobs
    return max(1, usable_processors() + 1 + n_jobs)


def effective_metric(metric: str, p: float, metric_params: Mapping[str, object] | None) -> tuple[str, dict[str, float]]:
    """Return the name and the parameters by which distances are computed, as scikit-learn reports them.

    Examples
    --------
    >>> effective_metric("minkowski", 1, None), effective_metric("minkowski", 2, {"p": 3})
    (('manhattan', {}), ('minkowski', {'p': 3.0}))
    """
    extra = dict(metric_params or {})
    exponent = extra.pop("p", p)
    if extra or not isinstance(exponent, _NUMBER):
        raise ParameterError(f"metric_params may hold the number p only; got {metric_params!r}", got=metric_params)
    if metric != "minkowski":
        return metric, {}
    found = resolve_metric(metric, float(exponent))
    names = {"l1": "manhattan", "l2": "euclidean", "chebyshev": "chebyshev"}
    if found.kind in names:
        return names[found.kind], {}
    return "minkowski", {"p": float(exponent)}
