"""On which box of numbers is something approximated: the ends of each variable, as a person gives them.

This file knows nothing of functions and data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from tidu.errors import ParameterError

__all__ = ["Box", "DomainLike", "box_of", "interval_of"]

Box: TypeAlias = tuple[tuple[float, float], ...]
"""The low and high end of each variable."""
DomainLike: TypeAlias = "Sequence[float] | Sequence[Sequence[float]] | Mapping[str, Sequence[float]]"

_LARGEST, _NARROWEST = 1e100, 1e-100
_LEAST_SHARE = 1e-9
"""Width of an interval as a share of its largest number: between narrower ends there are too few floats for knots."""


def box_of(domain: DomainLike | None, names: Sequence[str]) -> Box:
    """Return the ends of each variable.

    Raises
    ------
    ParameterError
        If there is not one pair for all variables or one for each, or a pair is none.

    Examples
    --------
    >>> box_of((0, 2), ["x", "y"]), box_of({"y": (0, 1), "x": (2, 3)}, ["x", "y"])
    (((0.0, 2.0), (0.0, 2.0)), ((2.0, 3.0), (0.0, 1.0)))
    """
    if domain is None:
        return ((-1.0, 1.0),) * len(names)
    if isinstance(domain, Mapping):
        if set(domain) != set(names):
            raise ParameterError(
                f"the domain names {', '.join(map(str, domain))}; the variables are {', '.join(names)}", expected=names
            )
        pairs: list[object] = [domain[name] for name in names]
    else:
        pairs = _listed(domain)
        if len(pairs) == 2 and all(np.ndim(cast("ArrayLike", end)) == 0 for end in pairs):
            pairs = [domain] * len(names)
    if len(pairs) != len(names):
        raise ParameterError(
            f"the domain has {len(pairs)} pairs for the {len(names)} variables {', '.join(names)}; "
            "give (low, high) for all of them, or one pair for each",
            expected=len(names),
            got=len(pairs),
        )
    return tuple(interval_of(pair, name) for pair, name in zip(pairs, names, strict=True))


def interval_of(pair: object, name: str = "x") -> tuple[float, float]:
    """Return the low and the high end of one variable.

    Raises
    ------
    ParameterError
        If they are not two finite numbers, the low one first, with floats enough between them.
    """
    try:
        low, high = (float(end) for end in cast("Sequence[float]", pair))
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ParameterError(f"the domain of {name} must be (low, high), finite, low below high; got {pair}", got=pair)
    largest = max(-low, high)
    if not largest <= _LARGEST or high - low < max(_NARROWEST, _LEAST_SHARE * max(largest, -high, low)):
        raise ParameterError(
            f"the domain of {name} reaches from {low!r} to {high!r}, too far or too close together for floats; "
            f"measure {name} in another unit, or from another origin",
            got=pair,
        )
    return low, high


def _listed(domain: object) -> list[object]:
    if isinstance(domain, (str, bytes)) or not np.iterable(domain):
        raise ParameterError(f"the domain must be (low, high), or one such pair for each variable; got {domain!r}")
    return list(cast("Sequence[object]", domain))
