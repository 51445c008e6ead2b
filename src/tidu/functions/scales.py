"""Numbers evenly spaced on a logarithmic scale, between bounds that may be traced."""

from __future__ import annotations

import numpy as np

from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import UnsupportedError
from tidu.functions.creation import linspace
from tidu.ops.convert import astype
from tidu.ops.exponential import exp, log
from tidu.ops.power import power

__all__ = ["geomspace", "logspace"]


@implements(np.logspace)
def logspace(
    start: object,
    stop: object,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10.0,
    dtype: object = None,
    axis: int = 0,
) -> Value:
    """Return powers of `base` with evenly spaced exponents.

    Examples
    --------
    >>> logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    if np.ndim(base):
        raise UnsupportedError("np.logspace with an array of bases is not supported", function="np.logspace")
    found = power(base, linspace(start, stop, num, endpoint, axis=axis))
    return found if dtype is None else astype(found, dtype)


@implements(np.geomspace)
def geomspace(
    start: object, stop: object, num: int = 50, endpoint: bool = True, dtype: object = None, axis: int = 0
) -> Value:
    """Return numbers between two positive bounds, each the same multiple of the one before.

    Examples
    --------
    >>> np.round(geomspace(1.0, 100.0, 3), 9)
    array([  1.,  10., 100.])
    """
    found = exp(linspace(log(start), log(stop), num, endpoint, axis=axis))
    return found if dtype is None else astype(found, dtype)
