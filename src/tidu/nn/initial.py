"""With which random weights does a network start, so that signals neither grow nor fade from layer to layer?

This file knows nothing of training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError
from tidu.nn import random
from tidu.nn.activations import Activation

__all__ = ["INITIALIZERS", "Dense", "Randomness", "init_dense", "init_mlp"]

Dense: TypeAlias = dict[str, NDArray[np.floating]]
"""``{"W": (n_in, n_out), "b": (n_out,)}``."""
Randomness: TypeAlias = "int | NDArray[np.uint64] | np.random.Generator | np.random.RandomState"
"""A seed, a key of `tidu.nn.random`, or a generator of NumPy's, which is advanced."""
Variance: TypeAlias = Callable[[int, int], float]

INITIALIZERS: Mapping[str, tuple[str, Variance]] = {
    "glorot_uniform": ("uniform", lambda n_in, n_out: 2.0 / (n_in + n_out)),
    "glorot_normal": ("normal", lambda n_in, n_out: 2.0 / (n_in + n_out)),
    "he_uniform": ("uniform", lambda n_in, n_out: 2.0 / n_in),
    "he_normal": ("normal", lambda n_in, n_out: 2.0 / n_in),
    "lecun_uniform": ("uniform", lambda n_in, n_out: 1.0 / n_in),
    "lecun_normal": ("normal", lambda n_in, n_out: 1.0 / n_in),
    "zeros": ("zeros", lambda n_in, n_out: 0.0),
}
"""Distribution and variance of a weight, by name."""

_RECTIFIERS = ("relu", "leaky_relu", "elu", "silu", "gelu")


def init_dense(
    rng: Randomness, n_in: int, n_out: int, init: str = "glorot_uniform", dtype: object = np.float64
) -> Dense:
    """Return the parameters of a dense layer: random weights, biases of zero.

    Parameters
    ----------
    rng : int, key, Generator or RandomState
    n_in, n_out : int
        Number of inputs and outputs.
    init : str
        Variance of a weight: ``glorot_*`` 2 / (n_in + n_out), ``he_*`` 2 / n_in, ``lecun_*`` 1 / n_in;
        uniform or normal; or ``zeros``.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    dict
        ``W`` of shape (n_in, n_out), ``b`` of shape (n_out,).

    Raises
    ------
    ParameterError
        If a size is not positive, or `init` is unknown.

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS
    2010, (16); He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015, arXiv:1502.01852, (10);
    LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, (16).

    Examples
    --------
    >>> layer = init_dense(0, 3, 2, dtype=np.float32)
    >>> layer["W"].shape, layer["W"].dtype.name, layer["b"].tolist()
    ((3, 2), 'float32', [0.0, 0.0])
    """
    if init not in INITIALIZERS:
        raise ParameterError(f"init must be one of {', '.join(INITIALIZERS)}; got {init!r}", got=init)
    if n_in < 1 or n_out < 1:
        raise ParameterError(f"a layer needs at least 1 input and 1 output; got {n_in} and {n_out}", got=(n_in, n_out))
    distribution, variance = INITIALIZERS[init]
    kind = np.dtype(cast("str", dtype))
    weights = _drawn(rng, distribution, math.sqrt(variance(n_in, n_out)), (n_in, n_out))
    return {"W": weights.astype(kind), "b": np.zeros(n_out, kind)}


def _drawn(rng: Randomness, distribution: str, deviation: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    if distribution == "zeros":
        return np.zeros(shape)
    bound = deviation * math.sqrt(3.0)  # the variance of a uniform number in (-a, a) is a**2 / 3
    if isinstance(rng, (np.random.Generator, np.random.RandomState)):
        return rng.uniform(-bound, bound, shape) if distribution == "uniform" else rng.normal(0.0, deviation, shape)
    key = rng if isinstance(rng, np.ndarray) else random.key(rng)
    if distribution == "uniform":
        return np.asarray(random.uniform(key, shape, low=-bound, high=bound))
    return np.asarray(random.normal(key, shape) * deviation)


def init_mlp(
    sizes: Sequence[int],
    seed: Randomness = 0,
    activation: str | Activation | Sequence[str | Activation] = "relu",
    dtype: object = np.float64,
    init: str | None = None,
) -> list[Dense]:
    """Return the parameters of a network of dense layers, for `tidu.nn.mlp`.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, and of outputs.
    seed : int, key, Generator or RandomState
    activation : str, callable or sequence
        Of the hidden layers; after `relu` and its like the weights are He's, else Glorot's (uniform). The
        output layer's are Glorot's.
    dtype : dtype
        float32 or float64.
    init : str, optional
        One initializer for all layers instead.

    Returns
    -------
    list of dict
        One ``{"W", "b"}`` for each layer.

    Examples
    --------
    >>> [layer["W"].shape for layer in init_mlp([4, 8, 3], seed=0)]
    [(4, 8), (8, 3)]
    """
    if len(sizes) < 2:
        raise ParameterError(f"sizes must have at least inputs and outputs; got {list(sizes)}", got=sizes)
    n_layers = len(sizes) - 1
    bent = [activation] * n_layers if isinstance(activation, str) or callable(activation) else list(activation)
    layers = []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        hidden = i < n_layers - 1 and i < len(bent)
        name = bent[i] if hidden else "identity"
        rectified = (name if isinstance(name, str) else getattr(name, "__name__", "")) in _RECTIFIERS
        chosen = init or ("he_uniform" if rectified else "glorot_uniform")
        layers.append(init_dense(_of_layer(seed, i), n_in, n_out, chosen, dtype))
    return layers


def _of_layer(seed: Randomness, i: int) -> Randomness:
    """Return the randomness of one layer: a key of its own; a generator goes on by itself."""
    if isinstance(seed, (np.random.Generator, np.random.RandomState)):
        return seed
    return np.asarray(random.fold_in(seed if isinstance(seed, np.ndarray) else random.key(seed), i))
