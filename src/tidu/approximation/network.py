"""What is an approximating network: parameters that may have been constructed or trained, and how to use them.

This file knows nothing of how the parameters were found, nor of targets and errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.approximation.domains import Box
from tidu.data.scaling import Scaling
from tidu.errors import ParameterError, ShapeError
from tidu.explanation import Explanation, explain
from tidu.nn import Dense, activation, mlp
from tidu.persistence.feed_forward import FeedForward
from tidu.persistence.model import JSON

__all__ = ["Network"]

Vector = NDArray[np.float64]

_ROWS_BYTES = 8 << 20  # hidden values of one block of rows: they stay in the cache, whatever is asked for


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network of dense layers from d numbers to one, in float64.

    Parameters
    ----------
    params : tuple of dict
        One ``{"W": (n_in, n_out), "b": (n_out,)}`` for each layer, float64; the last has one output.
    activations : tuple of str
        One for each hidden layer, by the names of `tidu.nn.ACTIVATIONS`; the output has none.

    Raises
    ------
    ShapeError
        If the layers do not fit each other, or the last has more than one output.
    ParameterError
        If an activation is unknown, or their number is not that of the hidden layers.

    Examples
    --------
    >>> hat = Network(
    ...     ({"W": np.ones((1, 3)), "b": np.array([0.0, -1.0, -2.0])},
    ...      {"W": np.array([[1.0], [-2.0], [1.0]]), "b": np.zeros(1)}),
    ...     ("relu",),
    ... )
    >>> hat(np.array([[0.5], [1.0], [3.0]])).tolist(), hat.n_units, hat.n_parameters
    ([0.5, 1.0, 0.0], 3, 10)
    """

    params: tuple[Dense, ...]
    activations: tuple[str, ...]

    def __post_init__(self) -> None:
        shapes = [(np.shape(layer["W"]), np.shape(layer["b"])) for layer in self.params]
        fits = all(len(W) == 2 and b == (W[1],) for W, b in shapes)
        if not shapes or not fits or any(a[0][1] != b[0][0] for a, b in pairwise(shapes)) or shapes[-1][1] != (1,):
            raise ShapeError(
                f"layers of shapes {shapes} do not make a network with one output; "
                "expected W (n_in, n_out) and b (n_out,), each n_in the n_out before, the last n_out 1",
                got=shapes,
            )
        if len(self.activations) != len(self.params) - 1:
            raise ParameterError(
                f"a network of {len(self.params)} layers has {len(self.params) - 1} hidden ones, each with an "
                f"activation; got {len(self.activations)}",
                expected=len(self.params) - 1,
                got=len(self.activations),
            )
        for name in self.activations:
            activation(name)

    @property
    def n_features(self) -> int:
        """Number of inputs."""
        return int(self.params[0]["W"].shape[0])

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(int(layer["W"].shape[1]) for layer in self.params[:-1])

    @property
    def n_units(self) -> int:
        """Hidden units."""
        return sum(self.hidden)

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(int(layer["W"].size + layer["b"].size) for layer in self.params)

    def __call__(self, X: ArrayLike) -> Vector:
        """Return the output for each row.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Rows are taken block by block, so that many of them take no more memory than a few.

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        ShapeError
            If X has another shape.
        """
        try:
            rows = np.asarray(X, np.float64)
        except (TypeError, ValueError):
            raise ShapeError(f"X must be real numbers of shape (n_samples, {self.n_features})") from None
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise ShapeError(
                f"X must have shape (n_samples, {self.n_features}); got {rows.shape}",
                expected=self.n_features,
                got=rows.shape,
            )
        step = max(1, _ROWS_BYTES // (8 * max(self.hidden, default=1)))
        blocks = [self._values(self.params, rows[i : i + step]) for i in range(0, len(rows), step)]
        return np.concatenate(blocks) if blocks else np.empty(0)

    def loss(self, params: Sequence[Dense], batch: tuple[object, object]) -> object:
        """Return the mean squared error of this network with other parameters, for `tidu.fit`.

        Examples
        --------
        >>> import tidu
        >>> line = Network(({"W": np.zeros((1, 1)), "b": np.zeros(1)},), ())
        >>> X = np.array([[0.0], [1.0], [2.0]])
        >>> found = tidu.fit(line.loss, line.params, (X, 3.0 * X[:, 0]), optimizer=tidu.LBFGS())
        >>> line.with_params(found.params)(np.array([[5.0]])).round(3).tolist()
        [15.0]
        """
        X, y = batch
        return np.mean((self._values(params, X) - cast("Vector", y)) ** 2)

    def with_params(self, params: object) -> Network:
        """Return the same network with other parameters, such as those that `tidu.fit` found."""
        return replace(self, params=tuple(cast("Sequence[Dense]", params)))

    def explain(self, x: ArrayLike) -> Explanation:
        """Show how the output at one point comes about, and its gradient by the point, step by step.

        Parameters
        ----------
        x : array_like of shape (n_features,)

        Raises
        ------
        ShapeError
            If it has another shape.
        """

        def network(x: object, params: Sequence[Dense]) -> object:
            return self._values(params, x)

        row = np.asarray(x, np.float64).reshape(1, -1)
        if row.shape[1] != self.n_features:
            raise ShapeError(
                f"the point must have {self.n_features} numbers, one for each input; got {row.shape[1]}",
                expected=self.n_features,
                got=row.shape[1],
            )
        return explain(network, row, list(self.params), vary="x")

    def save(
        self,
        path: str | os.PathLike[str],
        feature_names: Sequence[str] = (),
        training: Mapping[str, JSON] | None = None,
        *,
        target_name: str = "y",
        domain: Box | None = None,
    ) -> None:
        """Write the network as one file, or nothing; ``tidu predict`` reads it.

        Parameters
        ----------
        path : str or path-like
        feature_names : sequence of str, optional
            One for each input; by default ``x0``, ``x1`` and so on.
        training : mapping of str to JSON value, optional
            How the network was found, for the reader.
        target_name : str
            Of what it predicts.
        domain : tuple of (float, float), optional
            Ends of each input.

        Notes
        -----
        Weights stay float64; who reads the file rounds the inputs to float32 first, as the format says. If the domain
        is known, they are scaled before that to mean 0 and variance 1 over it, and the first layer makes up for it:
        so a narrow domain far from 0 keeps its digits.
        """
        shift, scale = np.zeros(self.n_features), np.ones(self.n_features)
        if domain is not None:
            low, high = np.array(domain).T
            shift, scale = (low + high) / 2.0, (high - low) / np.sqrt(12.0)
        first = self.params[0]
        weights = [first["W"] * scale[:, None], *(layer["W"] for layer in self.params[1:])]
        biases = [first["b"] + shift @ first["W"], *(layer["b"] for layer in self.params[1:])]
        names = tuple(feature_names) or tuple(f"x{i}" for i in range(self.n_features))
        FeedForward(
            task="regression",
            weights=weights,
            biases=biases,
            activations=[*self.activations, "identity"],
            scaling=Scaling("none" if domain is None else "standard", shift, scale),
            feature_names=names,
            target_name=target_name,
            class_names=(),
            loss="squared_error",
            training={} if training is None else training,
        ).save(path)

    def _values(self, params: Sequence[Dense], X: object) -> Vector:
        return cast("Vector", mlp(params, X, self.activations)[:, 0])
