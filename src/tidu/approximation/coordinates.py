"""In which coordinates do the weights of a network move so that descent is not slow?

The features that units make are nearly alike, so that some directions of the weights change the output ten thousand
times more than others; descent follows those and leaves the others where they are. Here each layer's weights are
expressed in coordinates of equal effect. This file knows nothing of where weights start and of optimizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu import nn
from tidu.transforms.gradients import grad

__all__ = ["Coordinates", "whitened"]

Floats: TypeAlias = NDArray[np.float64]

_INPUT_DAMPING = 1e-6
_OUTPUT_DAMPING = 1e-3
"""Shares of the largest eigenvalue that every eigenvalue is raised by, dimensionless: how much farther than the
stiffest a soft direction may be moved by the same coordinate, squared."""

_LEAST_SIZE = 1e-4
"""Share of the largest size among the units of a layer that each is taken to have, dimensionless."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """A linear change of variables around the weights of a network.

    Parameters
    ----------
    centers : tuple of ndarray of shape (n_in + 1, n_out), float64
        Of each layer: the weights and, as the last row, the bias for which the coordinates are 0.
    left : tuple of ndarray of shape (n_in + 1, n_in + 1), float64
    right : tuple of ndarray of shape (n_out, n_out), float64
    """

    centers: tuple[Floats, ...]
    left: tuple[Floats, ...]
    right: tuple[Floats, ...]

    def origin(self) -> list[Floats]:
        """Return the coordinates of the centers: zeros."""
        return [np.zeros_like(center) for center in self.centers]

    def layers(self, z: Sequence[Floats]) -> list[nn.Dense]:
        """Return the layers at some coordinates: ``center + left @ z @ right``; it can be differentiated."""
        moved = [c + a @ own @ b for c, a, b, own in zip(self.centers, self.left, self.right, z, strict=True)]
        return [{"W": layer[:-1], "b": layer[-1]} for layer in moved]


def whitened(layers: Sequence[nn.Dense], X: Floats, activation: str, unit: float = 1.0) -> Coordinates:
    """Return coordinates in which a step of any direction within a layer changes the output about equally.

    Parameters
    ----------
    layers : sequence of dict
        A network with one output; hidden layers all have the same activation.
    X : ndarray of shape (n_samples, n_features), float64
    activation : str
    unit : float
        The RMS change of the output, in its own unit, that a step of length 1 is to make.

    Notes
    -----
    With ``a`` the inputs of a layer and a 1, and ``g`` the derivatives of the output with respect to what the layer
    returns, the derivatives with respect to its weights are the products of ``a`` and ``g``. `left` is the inverse
    root of the mean of ``a a^T`` over the samples, `right` that of ``g g^T``: in the new coordinates both are the
    unit matrix. Blocks of different layers are taken as independent, and ``a`` of ``g``, as in K-FAC. For the
    output layer it is exact: its features are whitened, and descent is as fast as least squares.

    It takes about ``2 n_samples n^2 + 20 n^3`` flops for each layer of n units.

    References
    ----------
    Martens and Grosse, Optimizing neural networks with Kronecker-factored approximate curvature, ICML 2015,
    arXiv:1503.05671, section 3; Desjardins, Simonyan, Pascanu and Kavukcuoglu, Natural neural networks, NeurIPS
    2015, arXiv:1507.00210.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 1)) + 5.0
    >>> coordinates = whitened([{"W": np.ones((1, 1)), "b": np.zeros(1)}], X, "relu")
    >>> inputs = np.hstack([X, np.ones((500, 1))]) @ coordinates.left[0]
    >>> bool(np.allclose(inputs.T @ inputs / 500, np.eye(2), atol=0.01))
    True
    """
    inputs, sums = [X], []
    bend = nn.activation(activation)
    for layer in layers[:-1]:
        sums.append(np.asarray(nn.dense(layer, inputs[-1])))
        inputs.append(np.asarray(bend(sums[-1])))
    pulled = np.ones((len(X), 1))
    right = [np.ones((1, 1))]
    for layer, own in zip(reversed(layers[1:]), reversed(sums), strict=True):
        pulled = pulled @ np.asarray(layer["W"]).T * _slopes(activation, own)
        right.insert(0, _inverse_root(pulled, _OUTPUT_DAMPING).T)
    left = [unit * _inverse_root(np.hstack([a, np.ones((len(X), 1))]), _INPUT_DAMPING) for a in inputs]
    centers = [np.vstack([layer["W"], layer["b"]]).astype(np.float64) for layer in layers]
    return Coordinates(tuple(centers), tuple(left), tuple(right))


def _slopes(activation: str, sums: Floats) -> Floats:
    """Return the derivative of the activation at each sum."""
    bend = nn.activation(activation)
    return np.asarray(grad(lambda z: np.sum(cast("Floats", bend(z))))(sums), np.float64)


def _inverse_root(rows: Floats, damping: float) -> Floats:
    """Return R with ``R^T C R`` nearly the unit matrix, C being the mean of the rows' products with themselves."""
    sizes = np.sqrt(np.mean(rows**2, axis=0))
    # A unit that hardly ever does anything must not take a step that is large where there are no samples.
    sizes = np.maximum(sizes, _LEAST_SIZE * max(sizes.max(initial=0.0), np.finfo(np.float64).tiny))
    scaled = rows / sizes
    eigenvalues, vectors = np.linalg.eigh(scaled.T @ scaled / len(rows))
    top = max(float(eigenvalues[-1]), np.finfo(np.float64).tiny)
    return np.asarray(vectors / np.sqrt(np.maximum(eigenvalues, 0.0) + damping * top) / sizes[:, None])
