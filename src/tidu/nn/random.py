"""How does pure code draw random numbers: keys, and the distributions made from them.

A key is two integers. The same key always gives the same numbers, on any number of threads; a new key is
made from an old one by `fold_in` or `split`. This file knows nothing of losses and steps.
"""

from __future__ import annotations

import math
import operator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.spec import Shape
from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.ops.arithmetic import multiply, negative
from tidu.ops.exponential import log1p
from tidu.ops.join import concatenate
from tidu.ops.movement import reshape
from tidu.ops.power import sqrt
from tidu.ops.random import derive_key, random_bits, unit_interval
from tidu.ops.trigonometric import cos, sin

__all__ = ["bernoulli", "bits", "fold_in", "key", "normal", "split", "uniform"]

_FOLD, _SPLIT = 1, 2


def key(seed: int) -> NDArray[np.uint64]:
    """Return the key of a seed.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1.

    Returns
    -------
    ndarray of shape (2,), uint64

    Raises
    ------
    ParameterError
        If it is not such an integer.

    Examples
    --------
    >>> key(7).tolist()
    [7, 0]
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 1 << 128 or isinstance(seed, bool):
        raise ParameterError(f"seed must be an integer from 0 to 2**128 - 1; got {seed!r}", got=seed)
    return np.array([number & (1 << 64) - 1, number >> 64], np.uint64)


def fold_in(key: object, number: object) -> Value:
    """Return a new key made from a key and a number: that of a training step, say.

    Parameters
    ----------
    key : ndarray of shape (..., 2), uint64
    number : int or ndarray of integers
        Not negative; an array gives as many keys, in front of the last axis.

    Examples
    --------
    >>> a, b = fold_in(key(0), 1), fold_in(key(0), 2)
    >>> bool((a == b).any())
    False
    """
    return derive_key(key, number, purpose=_FOLD)


def split(key: object, n: int = 2) -> Value:
    """Return `n` new keys; they differ from those of `fold_in`.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
    n : int

    Returns
    -------
    ndarray of shape (n, 2), uint64

    Examples
    --------
    >>> split(key(0), 3).shape
    (3, 2)
    """
    return derive_key(key, np.arange(n), purpose=_SPLIT)


def bits(key: object, shape: int | Shape) -> Value:
    """Return random integers of 64 bits.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
    shape : int or tuple of int

    Returns
    -------
    ndarray of that shape, uint64
        The numbers of ``numpy.random.Philox(key=key, counter=0)``.
    """
    return random_bits(key, _shape(shape))


def uniform(
    key: object,
    shape: int | Shape = (),
    *,
    low: float = 0.0,
    high: float = 1.0,
    dtype: object = np.float64,
) -> Value:
    """Return numbers spread evenly over ``low <= x < high``.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
    shape : int or tuple of int
    low, high : float
    dtype : dtype
        float32 or float64.

    Notes
    -----
    ``low + (high - low) * u`` with u a multiple of 2**-24 (float32) or 2**-53 (float64); where the sum is
    rounded, `high` itself may come out.

    Examples
    --------
    >>> x = uniform(key(0), 1000)
    >>> bool(x.min() >= 0), bool(x.max() < 1), round(float(x.mean()), 1)
    (True, True, 0.5)
    """
    unit = unit_interval(bits(key, shape), _real(dtype))
    return unit if (low, high) == (0.0, 1.0) else unit * (high - low) + low


def normal(key: object, shape: int | Shape = (), *, dtype: object = np.float64) -> Value:
    """Return numbers of the standard normal distribution.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
    shape : int or tuple of int
    dtype : dtype
        float32 or float64.

    Notes
    -----
    Two numbers from two uniform ones, without rejection, so number i depends on the key and the shape
    alone: ``sqrt(-2 log(1 - u)) * (cos, sin)(2 pi v)``. The largest possible size is 5.8 in float32 and
    8.6 in float64.

    References
    ----------
    Box and Muller, A note on the generation of random normal deviates, 1958, doi:10.1214/aoms/1177706645.

    Examples
    --------
    >>> x = normal(key(0), (1000,))
    >>> abs(float(x.mean())) < 0.1, abs(float(x.std()) - 1) < 0.1
    (True, True)
    """
    lengths = _shape(shape)
    count = math.prod(lengths)
    pairs = uniform(key, (2, (count + 1) // 2), dtype=dtype)
    radius = sqrt(log1p(negative(pairs[0])) * -2.0)
    angle = pairs[1] * (2.0 * math.pi)
    both = concatenate([multiply(radius, cos(angle)), multiply(radius, sin(angle))])
    return reshape(both[:count], lengths)


def bernoulli(key: object, p: object = 0.5, shape: int | Shape = ()) -> Value:
    """Return truth values that are true with probability `p`.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
    p : float or ndarray
        Probability, dimensionless, from 0 to 1; broadcast against `shape`.
    shape : int or tuple of int

    Examples
    --------
    >>> round(float(bernoulli(key(0), 0.25, 10_000).mean()), 2)
    0.25
    """
    return uniform(key, shape) < p


def _shape(shape: int | Shape) -> Shape:
    return (operator.index(shape),) if not isinstance(shape, (tuple, list)) else tuple(map(operator.index, shape))


def _real(dtype: object) -> str:
    name = np.dtype(cast("str", dtype)).name
    if name not in ("float32", "float64"):
        raise ParameterError(f"dtype must be float32 or float64; got {name}", got=name)
    return name
