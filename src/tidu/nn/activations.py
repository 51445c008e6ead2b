"""Which functions bend the output of a layer, and by which names are they called?

Each is a plain function of an array, traced or not, element by element (softmax: along the last axis).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.functions.pointwise import normal_cdf
from tidu.functions.stable import log_softmax, logsumexp, softmax, softplus
from tidu.ops.arithmetic import multiply
from tidu.ops.compare import less_equal, where
from tidu.ops.exponential import expm1
from tidu.ops.hyperbolic import tanh
from tidu.ops.sigmoid import logistic

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "activation",
    "elu",
    "gelu",
    "identity",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "square",
    "tanh",
]

Activation: TypeAlias = Callable[[object], Value]

sigmoid = logistic


def identity(x: object) -> Value:
    """Return `x`."""
    return cast("Value", x)


def relu(x: object) -> Value:
    """Return the positive part of `x`; its derivative at 0 is 0, as in PyTorch, JAX and scikit-learn.

    References
    ----------
    Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010.

    Examples
    --------
    >>> float(relu(-2.0)), float(relu(3.0))
    (0.0, 3.0)
    """
    # Asked this way round NaN is kept.
    return where(less_equal(x, 0.0), 0.0, x)


def leaky_relu(x: object, slope: float = 0.01) -> Value:
    """Return `x` where it is positive, else ``slope * x``; its derivative at 0 is `slope`, as in PyTorch.

    References
    ----------
    Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.

    Examples
    --------
    >>> float(leaky_relu(-2.0))
    -0.02
    """
    return where(less_equal(x, 0.0), multiply(x, slope), x)


def elu(x: object, alpha: float = 1.0) -> Value:
    """Return `x` where it is positive, else ``alpha * (exp(x) - 1)``.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear
    units, ICLR 2016, arXiv:1511.07289.

    Examples
    --------
    >>> round(float(elu(-1.0)), 4)
    -0.6321
    """
    low = less_equal(x, 0.0)
    # The exponential of what is not chosen must not overflow: its derivative would be 0 times infinity.
    return where(low, expm1(where(low, x, 0.0)) * alpha, x)


def silu(x: object) -> Value:
    """Return ``x * sigmoid(x)``, also called swish.

    References
    ----------
    Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, Neural Networks 107 (2018), arXiv:1702.03118.

    Examples
    --------
    >>> round(float(silu(1.0)), 4)
    0.7311
    """
    return multiply(x, logistic(x))


def gelu(x: object, approximate: bool = False) -> Value:
    """Return `x` times the probability that a standard normal variable is at most `x`.

    Parameters
    ----------
    x : array_like
    approximate : bool
        Use a hyperbolic tangent instead; it differs by less than 5e-4.

    References
    ----------
    Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415, section 2.

    Examples
    --------
    >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate=True)), 4)
    (0.8413, 0.8412)
    """
    if not approximate:
        return multiply(x, normal_cdf(x))
    cubed = multiply(multiply(x, x), x)
    inner = (cubed * 0.044715 + x) * math.sqrt(2.0 / math.pi)
    return multiply(x, tanh(inner) + 1.0) * 0.5


def square(x: object) -> Value:
    """Return ``x * x``: the polynomial with which networks of one hidden layer can only be parabolas.

    It is here as the counterexample of the theorem that every other activation passes.

    References
    ----------
    Leshno, Lin, Pinkus and Schocken, Multilayer feedforward networks with a nonpolynomial activation function can
    approximate any function, Neural Networks 6 (1993), theorem 1.

    Examples
    --------
    >>> float(square(-3.0))
    9.0
    """
    return multiply(x, x)


ACTIVATIONS: Mapping[str, Activation] = {
    "identity": identity,
    "logistic": logistic,
    "sigmoid": logistic,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "silu": silu,
    "gelu": gelu,
    "softplus": softplus,
    "square": square,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
"""By name; ``identity logistic tanh relu`` are scikit-learn's."""


def activation(chosen: str | Activation) -> Activation:
    """Return the activation of a name; a function is returned as it is.

    Raises
    ------
    ParameterError
        If there is none of that name.

    Examples
    --------
    >>> activation("relu") is relu
    True
    """
    if callable(chosen):
        return chosen
    if chosen not in ACTIVATIONS:
        raise ParameterError(
            f"activation must be a function or one of {', '.join(ACTIVATIONS)}; got {chosen!r}", got=chosen
        )
    return ACTIVATIONS[chosen]
