"""Networks as plain functions over nested parameters: layers, activations, losses, initial weights.

Nothing here is a class with hidden state: a layer is a function of its parameters and an array, randomness
is a function of a key. Reading order: `layers`, `activations`, `losses`, `initial`, `random`.
"""

from __future__ import annotations

from tidu.nn import random
from tidu.nn.activations import (
    ACTIVATIONS,
    Activation,
    activation,
    elu,
    gelu,
    identity,
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    square,
    tanh,
)
from tidu.nn.initial import INITIALIZERS, Dense, Randomness, init_dense, init_mlp
from tidu.nn.layers import dense, dropout, layer_activations, mlp, weights
from tidu.nn.losses import (
    absolute_error,
    binary_cross_entropy,
    huber,
    l1,
    l2,
    multiclass_hinge,
    softmax_cross_entropy,
    squared_error,
)

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "Activation",
    "Dense",
    "Randomness",
    "absolute_error",
    "activation",
    "binary_cross_entropy",
    "dense",
    "dropout",
    "elu",
    "gelu",
    "huber",
    "identity",
    "init_dense",
    "init_mlp",
    "l1",
    "l2",
    "layer_activations",
    "leaky_relu",
    "log_softmax",
    "logsumexp",
    "mlp",
    "multiclass_hinge",
    "random",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "square",
    "squared_error",
    "tanh",
    "weights",
]
