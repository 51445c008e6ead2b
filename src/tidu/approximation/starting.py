"""Where do the weights of a network start when only samples of the function are known?

The usual way they are drawn without looking at the samples. Here hidden units can also be spread over the samples, and
output weights solved for. This file knows nothing of descent, and uses
neither the function nor knots of a construction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from tidu import nn

__all__ = ["output_at_random", "random_layers", "solve_output", "spread_layers"]

Floats: TypeAlias = NDArray[np.float64]

_HOMOGENEOUS = ("identity", "relu", "leaky_relu")
_RIDGES = 10.0 ** np.arange(-28, 3, 2)
"""Shares of the sum of squared singular values of standardized features, dimensionless: the first ones change
nothing, the last leaves little more than the mean."""
_ROUNDING = 1e-13
"""Share of the largest singular value, or of a unit's largest output, below which what differs says nothing."""


def random_layers(sizes: Sequence[int], rng: np.random.Generator) -> list[nn.Dense]:
    """Return layers whose weights and biases are uniform between plus and minus ``1 / sqrt(n_in)``.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units in each hidden layer, and of outputs.
    rng : Generator
        Is advanced.

    Returns
    -------
    list of dict
        One ``{"W", "b"}`` for each layer.

    Notes
    -----
    It is how PyTorch's ``nn.Linear`` starts. The biases matter: with biases of 0, as `tidu.nn.init_mlp` has them, all
    ReLU units of one variable bend at 0, and at a domain's edge that is nowhere.

    Examples
    --------
    >>> [layer["b"].shape for layer in random_layers([4, 8, 1], np.random.default_rng(0))]
    [(8,), (1,)]
    """
    layers: list[nn.Dense] = []
    for n_in, n_out in pairwise(sizes):
        bound = 1.0 / math.sqrt(n_in)
        layers.append({"W": rng.uniform(-bound, bound, (n_in, n_out)), "b": rng.uniform(-bound, bound, n_out)})
    return layers


def spread_layers(X: Floats, hidden: Sequence[int], activation: str, rng: np.random.Generator) -> list[nn.Dense]:
    """Return hidden layers whose units bend at different places among the samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
    hidden : sequence of int
        Units of each layer.
    activation : str
        By its name in `tidu.nn.ACTIVATIONS`.
    rng : Generator
        Is advanced.

    Returns
    -------
    list of dict
        One ``{"W", "b"}`` for each hidden layer.

    Notes
    -----
    The direction of a unit is the difference of two samples drawn at random, so it lies where the samples lie. Unit k
    of n bends between two neighbors of the samples ordered along its direction, at a rank drawn from the i-th of n
    equal parts, each i from 1 to n being taken once; half a part at either end is left out. In one dimension the bends
    are one to each part. Its sign is drawn.

    The slope is 1 over the samples' deviation along the direction. For ReLU and its like it does not matter, as
    output weights can make up for it. For other activations it says how wide the bend is: it is multiplied by a
    number from 1 to ``n ** (1 / n_in)``, its logarithm uniform, so that there are bends as wide as the samples and
    as narrow as the distance between neighbors of a grid of n.

    References
    ----------
    Directions from pairs of samples, layer after layer: Bolager, Burak, Datar, Sun and Dietrich, Sampling weights
    of deep neural networks, NeurIPS 2023, arXiv:2306.16830.

    Examples
    --------
    >>> X = np.linspace(0.0, 1.0, 101)[:, None]
    >>> (layer,) = spread_layers(X, [4], "relu", np.random.default_rng(0))
    >>> bends = np.sort(-layer["b"] / layer["W"][0])
    >>> ((bends - 0.125) / 0.75 * 4).astype(int).tolist()
    [0, 1, 2, 3]
    """
    layers: list[nn.Dense] = []
    bend = nn.activation(activation)
    for width in hidden:
        layer = _spread_layer(X, width, activation, rng)
        layers.append(layer)
        X = np.asarray(bend(nn.dense(layer, X)))
    return layers


def _spread_layer(X: Floats, width: int, activation: str, rng: np.random.Generator) -> nn.Dense:
    n_in = X.shape[1]
    directions = _directions(X, width, rng)
    along = X @ directions
    places = _places(along, rng)
    deviations = along.std(axis=0)
    slopes = rng.choice((-1.0, 1.0), width) / np.where(deviations > 0.0, deviations, 1.0)
    if activation not in _HOMOGENEOUS:
        slopes = slopes * width ** (rng.uniform(size=width) / n_in)
    return {"W": directions * slopes, "b": -places * slopes}


def _places(along: Floats, rng: np.random.Generator) -> Floats:
    """Return for each column a place between two of its values, the places' ranks being spread and shuffled.

    Beyond the first and the last there are values enough, and not only one or rounding, to tell a weight by.
    """
    n_rows, width = along.shape
    margin = min(max(n_rows / (2 * width), 2.0), n_rows / 2)
    levels = rng.permutation((np.arange(width) + rng.uniform(size=width)) / width)
    ranks = np.clip(margin + levels * (n_rows - 2.0 * margin), 1.0, n_rows - 1.0).astype(np.int64)
    ordered, columns = np.sort(along, axis=0), np.arange(width)
    return np.asarray((ordered[ranks - 1, columns] + ordered[ranks, columns]) / 2.0, np.float64)


def _directions(X: Floats, width: int, rng: np.random.Generator) -> Floats:
    """Return unit vectors as columns; the first number of each is not negative, or levels would not be spread."""
    n_rows, n_in = X.shape
    first = rng.integers(0, n_rows, width)
    second = (first + rng.integers(1, max(n_rows, 2), width)) % n_rows
    differences = X[second] - X[first]
    equal = ~differences.any(axis=1)
    differences[equal] = rng.normal(size=(int(equal.sum()), n_in))
    unit = differences / np.linalg.norm(differences, axis=1, keepdims=True)
    return np.asarray(np.where(unit[:, :1] < 0.0, -unit, unit).T)


def output_at_random(width: int, y: Floats, rng: np.random.Generator) -> nn.Dense:
    """Return an output layer of Glorot's random weights whose bias is the mean of `y`."""
    layer = nn.init_dense(rng, width, 1)
    return {"W": layer["W"], "b": np.array([y.mean()])}


def solve_output(features: Floats, y: Floats, held_features: Floats, held_y: Floats) -> nn.Dense:
    """Return the output layer with the least squared error, by ridge regression.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_units), float64
        Outputs of the last hidden layer.
    y : ndarray of shape (n_samples,), float64
    held_features, held_y : ndarray of shape (n_held, n_units) and (n_held,), float64
        Samples that are not fitted: of penalties from 1e-28 to 100 times the sum of squared singular values the one is
        taken with which they are met best.

    Returns
    -------
    dict
        ``W`` of shape (n_units, 1), ``b`` of shape (1,).

    References
    ----------
    Hoerl and Kennard, Ridge regression: biased estimation for nonorthogonal problems, Technometrics 12 (1970).

    Examples
    --------
    >>> H = np.array([[0.0], [1.0], [2.0]])
    >>> layer = solve_output(H, 3.0 * H[:, 0] + 1.0, H, 3.0 * H[:, 0] + 1.0)
    >>> layer["W"].round(6).tolist(), layer["b"].round(6).tolist()
    ([[3.0]], [1.0])
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation = np.where(deviation > _ROUNDING * np.abs(features).max(axis=0), deviation, 1.0)
    U, singular, Vt = linalg.svd((features - mean) / deviation, full_matrices=False, check_finite=False)
    # What is left of two units that are the same is rounding: weights built on it would be large and cancel.
    kept = singular > _ROUNDING * singular[0]
    U, singular, Vt = U[:, kept], singular[kept], Vt[kept]
    ridges = _RIDGES[:, None] * features.shape[0] * features.shape[1]
    parts = singular / (singular**2 + ridges) * (U.T @ (y - y.mean()))
    weights = parts @ Vt / deviation
    biases = y.mean() - weights @ mean
    missed = np.mean((held_features @ weights.T + biases - held_y[:, None]) ** 2, axis=0)
    best = int(np.argmin(missed))
    return {"W": weights[best][:, None], "b": biases[best : best + 1]}
