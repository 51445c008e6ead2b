"""Reductions that leave NaN out: what is missing has no part in the value and gets no gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import UnsupportedError
from tidu.functions.norm import root
from tidu.functions.statistics import mean, var
from tidu.ops.compare import where
from tidu.ops.logic import isnan, logical_not
from tidu.ops.reduce import all_, max_, min_, prod, sum_

__all__ = ["nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]

Axis = int | Sequence[int] | None
_NOT_GIVEN = getattr(np, "_NoValue", None)


def _refuse(function: str, keywords: dict[str, object]) -> None:
    """Refuse what NumPy's function takes and this one does not; NumPy's wrapper passes some of it as absent."""
    given = [
        key for key, value in keywords.items() if value is not None and value is not _NOT_GIVEN and value is not True
    ]
    if given:
        raise UnsupportedError(
            f"np.{function} with {', '.join(given)} is not supported on a traced value; use np.where first",
            function=function,
        )


def _filled(a: object, value: float) -> Value:
    return where(isnan(a), value, a)


@implements(np.nansum)
def nansum(a: object, axis: Axis = None, dtype: object = None, keepdims: object = False, **others: object) -> Value:
    """Return the sum of the elements that are not NaN.

    Examples
    --------
    >>> float(nansum(np.array([1.0, np.nan, 2.0])))
    3.0
    """
    _refuse("nansum", others)
    return sum_(_filled(a, 0.0), axis=axis, dtype=dtype, keepdims=keepdims is True)


@implements(np.nanprod)
def nanprod(a: object, axis: Axis = None, dtype: object = None, keepdims: object = False, **others: object) -> Value:
    """Return the product of the elements that are not NaN.

    Examples
    --------
    >>> float(nanprod(np.array([3.0, np.nan, 2.0])))
    6.0
    """
    _refuse("nanprod", others)
    return prod(_filled(a, 1.0), axis=axis, dtype=dtype, keepdims=keepdims is True)


@implements(np.nanmax)
def nanmax(a: object, axis: Axis = None, keepdims: object = False, **others: object) -> Value:
    """Return the largest of the elements that are not NaN; NaN if all are.

    Examples
    --------
    >>> float(nanmax(np.array([1.0, np.nan, 2.0])))
    2.0
    """
    _refuse("nanmax", others)
    found = max_(_filled(a, -math.inf), axis=axis, keepdims=keepdims is True)
    return where(all_(isnan(a), axis=axis, keepdims=keepdims is True), math.nan, found)


@implements(np.nanmin)
def nanmin(a: object, axis: Axis = None, keepdims: object = False, **others: object) -> Value:
    """Return the smallest of the elements that are not NaN; NaN if all are.

    Examples
    --------
    >>> float(nanmin(np.array([1.0, np.nan, 2.0])))
    1.0
    """
    _refuse("nanmin", others)
    found = min_(_filled(a, math.inf), axis=axis, keepdims=keepdims is True)
    return where(all_(isnan(a), axis=axis, keepdims=keepdims is True), math.nan, found)


@implements(np.nanmean)
def nanmean(a: object, axis: Axis = None, dtype: object = None, keepdims: object = False, **others: object) -> Value:
    """Return the mean of the elements that are not NaN.

    Examples
    --------
    >>> float(nanmean(np.array([1.0, np.nan, 2.0])))
    1.5
    """
    _refuse("nanmean", others)
    return mean(a, axis, dtype, keepdims=keepdims, where=logical_not(isnan(a)))


@implements(np.nanvar)
def nanvar(
    a: object,
    axis: Axis = None,
    dtype: object = None,
    ddof: float = 0,
    keepdims: object = False,
    **others: object,
) -> Value:
    """Return the variance of the elements that are not NaN.

    Examples
    --------
    >>> float(nanvar(np.array([1.0, np.nan, 3.0])))
    1.0
    """
    _refuse("nanvar", {"dtype": dtype, **others})
    return var(a, axis, ddof=ddof, keepdims=keepdims, where=logical_not(isnan(a)))


@implements(np.nanstd)
def nanstd(
    a: object,
    axis: Axis = None,
    dtype: object = None,
    ddof: float = 0,
    keepdims: object = False,
    **others: object,
) -> Value:
    """Return the standard deviation of the elements that are not NaN.

    Examples
    --------
    >>> float(nanstd(np.array([1.0, np.nan, 3.0])))
    1.0
    """
    return root(nanvar(a, axis, dtype, ddof, keepdims, **others))
