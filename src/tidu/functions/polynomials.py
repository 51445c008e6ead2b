"""Polynomials by their coefficients, the highest power first: sums, products, slopes, integrals, powers."""

from __future__ import annotations

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.brackets import concrete
from tidu.functions.layout import cut, flip
from tidu.functions.sampled import convolve
from tidu.functions.shapes import ravel
from tidu.ops.arithmetic import add, divide, multiply, negative
from tidu.ops.cumulative import cumprod
from tidu.ops.join import concatenate

__all__ = ["polyadd", "polyder", "polyint", "polymul", "polysub", "vander"]


def _coefficients(p: object, what: str) -> Value:
    found = ravel(p if hasattr(p, "dtype") else np.asarray(p))
    if len(shape_of(p)) > 1:
        raise ShapeError(f"{what}: expected a vector of coefficients, got shape {list(shape_of(p))}", got=shape_of(p))
    return found


@implements(np.polyadd)
def polyadd(a1: object, a2: object) -> Value:
    """Return the sum of two polynomials.

    Examples
    --------
    >>> polyadd(np.array([1.0, 2.0]), np.array([3.0]))
    array([1., 5.])
    """
    first, second = _coefficients(a1, "polyadd"), _coefficients(a2, "polyadd")
    length = max(first.shape[0], second.shape[0])
    return add(_lengthened(first, length), _lengthened(second, length))


@implements(np.polysub)
def polysub(a1: object, a2: object) -> Value:
    """Return the difference of two polynomials."""
    return polyadd(a1, negative(_coefficients(a2, "polysub")))


def _lengthened(p: Value, length: int) -> Value:
    missing = length - p.shape[0]
    return concatenate([np.zeros(missing, p.dtype), p], axis=0) if missing else p


@implements(np.polymul)
def polymul(a1: object, a2: object) -> Value:
    """Return the product of two polynomials.

    Examples
    --------
    >>> polymul(np.array([1.0, 1.0]), np.array([1.0, -1.0]))
    array([ 1.,  0., -1.])
    """
    return convolve(_without_leading_zeros(a1), _without_leading_zeros(a2))


def _without_leading_zeros(p: object) -> Value:
    """Return the coefficients from the first that is not 0 on, as NumPy's product does: the values must be known."""
    found = _coefficients(p, "polymul")
    there = np.nonzero(concrete(found, "np.polymul (np.convolve keeps leading zeros)"))[0]
    length = found.shape[0]
    return cut(found, 0, int(there[0]) if there.size else max(length - 1, 0), length)


@implements(np.polyder)
def polyder(p: object, m: int = 1) -> Value:
    """Return the m-th derivative of a polynomial.

    Examples
    --------
    >>> polyder(np.array([1.0, 2.0, 3.0]))
    array([2., 2.])
    """
    if m < 0:
        raise ParameterError(f"polyder: the order must not be negative, got {m}", got=m)
    found = _coefficients(p, "polyder")
    for _ in range(m):
        degree = max(found.shape[0] - 1, 0)
        found = multiply(cut(found, 0, 0, degree), np.arange(degree, 0, -1))
    return found


@implements(np.polyint)
def polyint(p: object, m: int = 1, k: object = None) -> Value:
    """Return the m-th antiderivative of a polynomial, with 0 as the constants.

    Examples
    --------
    >>> polyint(np.array([2.0, 2.0]))
    array([1., 2., 0.])
    """
    if m < 0:
        raise ParameterError(f"polyint: the order must not be negative, got {m}", got=m)
    if k is not None:
        raise UnsupportedError("np.polyint with constants k= is not supported", function="np.polyint")
    found = _coefficients(p, "polyint")
    for _ in range(m):
        length = found.shape[0]
        raised = divide(found, np.arange(length, 0, -1))
        found = concatenate([raised, np.zeros(1, raised.dtype)], axis=0)
    return found


@implements(np.vander)
def vander(x: object, N: int | None = None, increasing: bool = False) -> Value:
    """Return the powers of each element of a vector as a row, the highest first unless `increasing`.

    Examples
    --------
    >>> vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    shape = shape_of(x)
    if len(shape) != 1:
        raise ShapeError(f"vander: expected a vector, got shape {list(shape)}", got=shape)
    columns = shape[0] if N is None else int(N)
    dtype = np.promote_types(spec_of(x).dtype, np.int64)
    ones = np.ones((shape[0], min(columns, 1)), dtype)
    rest = broadcast_to(reshape(convert(x, dtype), (shape[0], 1)), (shape[0], max(columns - 1, 0)))
    powers = cumprod(concatenate([ones, rest], axis=1), 1)
    return powers if increasing else flip(powers, 1)
