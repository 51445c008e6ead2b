"""What do layers compute: plain functions of nested parameters and an array.

This file knows nothing of losses and training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from tidu.core.bind import shape_of, spec_of
from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.functions.creation import zeros_like
from tidu.nn import random
from tidu.nn.activations import Activation, activation
from tidu.ops.arithmetic import add, multiply
from tidu.ops.compare import less, where
from tidu.ops.contract import matmul

__all__ = ["Activations", "dense", "dropout", "layer_activations", "mlp", "weights"]

Activations: TypeAlias = str | Activation | Sequence[str | Activation]


def dense(params: Mapping[str, object], x: object) -> Value:
    """Return ``x @ W + b``.

    Parameters
    ----------
    params : mapping
        ``W`` of shape (n_in, n_out) and, if wanted, ``b`` of shape (n_out,).
    x : array_like of shape (..., n_in)

    Returns
    -------
    ndarray of shape (..., n_out)

    Examples
    --------
    >>> import numpy as np
    >>> dense({"W": np.array([[2.0], [1.0]]), "b": np.array([0.5])}, np.array([[1.0, 3.0]]))
    array([[5.5]])
    """
    product = matmul(x, params["W"])
    return add(product, params["b"]) if "b" in params else product


def dropout(key: object, x: object, rate: float) -> Value:
    """Return `x` with each element set to zero with probability `rate`, the others divided by ``1 - rate``.

    The expected value is `x`, so nothing has to be done when the network is used.

    Parameters
    ----------
    key : ndarray of shape (2,), uint64
        A new one for each layer and step: `tidu.nn.random.fold_in`.
    x : array_like
    rate : float
        From 0 to below 1, dimensionless.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout, JMLR 15 (2014), section 10.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(set(dropout(random.key(0), np.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0.0 <= rate < 1.0:
        raise ParameterError(f"rate must be at least 0 and below 1; got {rate!r}", got=rate)
    if rate == 0.0:
        return add(x, 0.0)
    dtype = "float32" if spec_of(x).dtype.name == "float32" else "float64"
    dropped = less(random.uniform(key, shape_of(x), dtype=dtype), rate)
    return where(dropped, zeros_like(x), multiply(x, 1.0 / (1.0 - rate)))


def layer_activations(activations: Activations, n_layers: int) -> list[Activation]:
    """Return one activation for each layer.

    A single one is that of the hidden layers, the output layer has none (identity); a sequence has one for
    each hidden layer, or one for each layer.

    Raises
    ------
    ParameterError
        If a sequence has another length.
    """
    if isinstance(activations, str) or callable(activations):
        chosen: list[str | Activation] = [activations] * (n_layers - 1)
    else:
        chosen = list(activations)
    if len(chosen) == n_layers - 1:
        chosen.append("identity")
    if len(chosen) != n_layers:
        raise ParameterError(
            f"activations must be one for all hidden layers, or {n_layers - 1} or {n_layers}; got {len(chosen)}",
            expected=n_layers,
            got=len(chosen),
        )
    return [activation(one) for one in chosen]


def mlp(
    params: Sequence[Mapping[str, object]],
    x: object,
    activations: Activations = "relu",
    *,
    dropout_rate: float = 0.0,
    key: object = None,
) -> Value:
    """Return the output of dense layers, one after the other.

    Parameters
    ----------
    params : sequence of mapping
        One ``{"W", "b"}`` for each layer, as from `tidu.nn.init_mlp`.
    x : array_like of shape (..., n_in)
    activations : str, callable or sequence
        One for all hidden layers (the output layer then has none), one for each hidden layer, or one for
        each layer.
    dropout_rate : float
        After each hidden layer, if there is a `key`.
    key : ndarray of shape (2,), uint64, optional
        Without it nothing is dropped: that is how a network is used after training.

    Returns
    -------
    ndarray of shape (..., n_out)

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.nn import init_mlp
    >>> mlp(init_mlp([3, 4, 2]), np.ones((5, 3))).shape
    (5, 2)
    """
    bent = layer_activations(activations, len(params))
    for i, (layer, bend) in enumerate(zip(params, bent, strict=True)):
        x = bend(dense(layer, x))
        if key is not None and dropout_rate and i < len(params) - 1:
            x = dropout(random.fold_in(key, i), x, dropout_rate)
    return cast("Value", x)


def weights(params: Sequence[Mapping[str, object]]) -> list[object]:
    """Return the weights of all layers without the biases: what a penalty is meant for.

    Examples
    --------
    >>> from tidu.nn import init_mlp
    >>> [W.shape for W in weights(init_mlp([3, 4, 2]))]
    [(3, 4), (4, 2)]
    """
    return [layer["W"] for layer in params]
