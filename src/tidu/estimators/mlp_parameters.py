"""What may the parameters of the estimators be, and what network do they describe?

Checked when fitting, with scikit-learn's own messages. This file knows nothing of data and training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeAlias, cast

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from tidu.errors import ParameterError
from tidu.nn.activations import ACTIVATIONS

__all__ = ["CLASSIFIER_LOSSES", "CONSTRAINTS", "REGRESSOR_LOSSES", "Network", "PerLayer", "network_of"]

PerLayer: TypeAlias = float | Sequence[float]

CLASSIFIER_LOSSES = ("log_loss", "hinge", "squared_error")
REGRESSOR_LOSSES = ("squared_error", "absolute_error", "huber", "poisson")

_AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SHARE = Interval(Real, 0, 1, closed="left")

CONSTRAINTS: Mapping[str, list[object]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [_NOT_NEGATIVE],
    "batch_size": [StrOptions({"auto"}), _AT_LEAST_ONE],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [_NOT_NEGATIVE],
    "max_iter": [_AT_LEAST_ONE],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_NOT_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_SHARE],
    "beta_1": [_SHARE],
    "beta_2": [_SHARE],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [_AT_LEAST_ONE, Options(Real, {np.inf})],
    "max_fun": [_AT_LEAST_ONE],
    "dropout": [_SHARE, "array-like"],
    "memory_limit": [_AT_LEAST_ONE, str, None],
    "threads": [_AT_LEAST_ONE, None],
}
"""For each parameter that both estimators have, what scikit-learn's validation is to accept."""


@dataclass(frozen=True, slots=True)
class Network:
    """Layers between the features and the scores.

    Attributes
    ----------
    hidden : tuple of int
        Neurons of each hidden layer; none for a linear model.
    activations : tuple of str
        Of each hidden layer, a name in `tidu.nn.ACTIVATIONS`.
    dropout : tuple of float
        Share of each hidden layer's outputs that a training step leaves out.
    last : str
        The activation that decides the scale of the output layer's initial weights, as in scikit-learn.
    """

    hidden: tuple[int, ...]
    activations: tuple[str, ...]
    dropout: tuple[float, ...]
    last: str


def network_of(hidden_layer_sizes: object, activation: object, dropout: object) -> Network:
    """Return the network that three parameters of an estimator describe.

    Raises
    ------
    ParameterError
        If a size is not positive, an activation is unknown, a share is not in [0, 1), or there are not as
        many of them as hidden layers.
    """
    hidden = tuple(hidden_layer_sizes) if isinstance(hidden_layer_sizes, Iterable) else (hidden_layer_sizes,)
    if any(not isinstance(size, Integral) or size <= 0 for size in hidden):
        raise ParameterError(f"hidden_layer_sizes must be > 0, got {list(hidden)}.", got=hidden)
    named = _per_layer("activation", activation, len(hidden), str)
    for name in named:
        if name not in ACTIVATIONS:
            raise ParameterError(f"activation must be of {', '.join(sorted(ACTIVATIONS))}; got {name!r}", got=name)
    shares = _per_layer("dropout", dropout, len(hidden), float)
    for share in shares:
        if not 0.0 <= cast("float", share) < 1.0:
            raise ParameterError(f"dropout must be at least 0 and below 1; got {share!r}", got=share)
    single = activation if isinstance(activation, str) else None
    return Network(
        tuple(int(cast("int", size)) for size in hidden),
        cast("tuple[str, ...]", named),
        tuple(float(cast("float", share)) for share in shares),
        single or (cast("str", named[-1]) if named else "relu"),
    )


def _per_layer(name: str, value: object, n_layers: int, one: type) -> tuple[object, ...]:
    """Return a value for each hidden layer, of one for all or one for each."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,) * n_layers
    values = tuple(value)
    if len(values) != n_layers:
        raise ParameterError(
            f"{name} must be one {one.__name__} or one for each of the {n_layers} hidden layers; got {len(values)}",
            expected=n_layers,
            got=len(values),
        )
    return values
