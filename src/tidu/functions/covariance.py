"""How variables vary together: covariance and correlation."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.structural import convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.matrices import diagonal
from tidu.functions.shapes import swapaxes
from tidu.functions.statistics import mean
from tidu.ops.arithmetic import divide, subtract
from tidu.ops.contract import matmul
from tidu.ops.join import concatenate
from tidu.ops.power import sqrt

__all__ = ["corrcoef", "cov"]

_NOT_GIVEN = getattr(np, "_NoValue", None)


@implements(np.cov)
def cov(
    m: object,
    y: object = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: object = None,
    aweights: object = None,
    *,
    dtype: object = None,
) -> Value:
    """Return the covariance matrix of variables in rows (in columns if `rowvar` is False).

    Parameters
    ----------
    m, y : array_like
        Vectors or matrices; the variables of `y` are put under those of `m`.
    bias, ddof
        Divide by n - `ddof`; by default by n - 1, by n with `bias`.

    Examples
    --------
    >>> float(cov(np.array([1.0, 3.0])))
    2.0
    """
    if fweights is not None or aweights is not None:
        raise UnsupportedError("np.cov with weights is not supported on a traced value", function="np.cov")
    if ddof is not None and ddof != int(ddof):
        raise ParameterError(f"cov: ddof must be an integer, got {ddof}", got=ddof)
    x = _variables(m, rowvar, transposed=True)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar, transposed=len(shape_of(m)) != 1 or len(shape_of(y)) != 1)], axis=0)
    # float32 too is widened to float64, by NumPy's rule for this function
    x = convert(x, np.dtype(np.float64 if dtype is None else cast("str", dtype)))
    freedom = ddof if ddof is not None else int(not bias)
    apart = subtract(x, mean(x, axis=1, keepdims=True))
    found = divide(matmul(apart, swapaxes(apart, 0, 1)), float(max(x.shape[1] - freedom, 0)))
    return reshape(found, tuple(n for n in found.shape if n != 1))


def _variables(m: object, rowvar: bool, *, transposed: bool) -> Value:
    """Return a matrix with a variable in each row."""
    shape = shape_of(m)
    if len(shape) > 2:
        raise ShapeError(f"cov: expected a vector or a matrix, got shape {list(shape)}", got=shape)
    if len(shape) < 2:
        return reshape(m, (1, *(shape or (1,))))
    return cast("Value", m) if rowvar or not transposed else swapaxes(m, 0, 1)


@implements(np.corrcoef)
def corrcoef(
    x: object, y: object = None, rowvar: bool = True, bias: object = _NOT_GIVEN, ddof: object = _NOT_GIVEN, **dtype: str
) -> Value:
    """Return the correlation matrix of variables in rows: covariances of unit variances.

    Notes
    -----
    NumPy also clips to [-1, 1]; here rounding may leave 1 by a unit in the last place, so that the gradient
    passes.

    Examples
    --------
    >>> corrcoef(np.array([[1.0, 2.0], [2.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    found = cov(x, y, rowvar, dtype=dtype.get("dtype"))
    if not spec_of(found).shape:
        return divide(found, found)
    spread = sqrt(diagonal(found))
    return found / reshape(spread, (found.shape[0], 1)) / reshape(spread, (1, found.shape[0]))
