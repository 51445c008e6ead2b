"""What does a network compute, and which loss does training make small?

``F = (sum_i w_i l(scores_i, y_i) + alpha/2 sum ||W||^2) / sum_i w_i`` over a batch: intercepts are not
penalized, and the penalty is divided by the batch's weight, as in scikit-learn. Written in plain NumPy, it is
traced for training and run as it stands for prediction. This file knows nothing of estimators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from tidu.core.value import Value
from tidu.estimators.convex_duals import HUBER_DELTA
from tidu.estimators.mlp_parameters import Network
from tidu.functions.stable import softmax
from tidu.nn import losses
from tidu.nn.activations import ACTIVATIONS
from tidu.nn.layers import dropout
from tidu.nn.random import split

__all__ = ["OUTPUTS", "ROUNDED", "Batch", "Floats", "Objective", "Params", "initial_params"]

Floats: TypeAlias = NDArray[np.floating]
Batch: TypeAlias = tuple[NDArray[np.generic], ...]
"""Rows and targets, or rows, targets and weights."""
Targets: TypeAlias = NDArray[np.generic]
MeanLoss: TypeAlias = Callable[[Floats, Targets, object], Value]
RoundedLoss: TypeAlias = Callable[[Floats, Targets, object, float], Value]


class Params(TypedDict):
    """Weights of shape (in, out) and intercepts of shape (out,), layer by layer."""

    coefs: list[Floats]
    intercepts: list[Floats]


def _weighted_mean(values: Floats, weight: object) -> Value:
    """Return the mean over rows of what the outputs of a row add up to."""
    rows = np.sum(values, axis=1)
    if weight is None:
        return cast("Value", np.mean(rows))
    total = np.sum(cast("Floats", weight))
    return cast("Value", np.sum(cast("Floats", weight) * rows) / np.where(total > 0.0, total, 1.0))


def _positive(x: Floats, width: float) -> Floats:
    """Return max(0, x), its kink rounded off by a parabola over `width`."""
    if not width:
        return np.maximum(x, 0.0)
    inner = np.clip(x, 0.0, width)
    return inner * (x - 0.5 * inner) * (1.0 / width)


def _hinge(scores: Floats, y: Floats, weight: object, width: float = 0.0) -> Value:
    """Return the mean over rows of ``sum_j max(0, 1 - t_j s_j)``, t = 1 where y is 1, else -1."""
    return _weighted_mean(_positive(1.0 - (2.0 * y - 1.0) * scores, width), weight)


def _rounded_multiclass_hinge(scores: Floats, y: NDArray[np.integer], weight: object, width: float) -> Value:
    own = np.take_along_axis(scores, y[:, None], axis=1)
    # The own class adds what a margin of 1 does, whatever the scores.
    return _weighted_mean(_positive(1.0 + scores - own, width), weight) - (1.0 - 0.5 * width)


def _rounded_absolute(scores: Floats, y: Floats, weight: object, width: float) -> Value:
    rest = np.abs(scores - y)
    inner = np.minimum(rest, width)
    return _weighted_mean(inner * (rest - 0.5 * inner) * (1.0 / width), weight)


def _poisson(scores: Floats, y: Floats, weight: object) -> Value:
    """Return half the mean Poisson deviance of ``exp(scores)``."""
    # What depends on y alone makes the minimum zero.
    fixed = np.where(y > 0.0, y * np.log(np.where(y > 0.0, y, 1.0)), 0.0) - y
    return _weighted_mean(np.exp(scores) - y * scores + fixed, weight)


def _summed(loss: Callable[..., Value], scores: Floats, y: object, weight: object) -> Value:
    """Return a loss of `tidu.nn.losses` summed over outputs instead of averaged, averaged over rows."""
    return loss(scores, y, sample_weight=weight) * float(scores.shape[1])


_LOSSES: Mapping[str, MeanLoss] = {
    "softmax": lambda s, y, w: losses.softmax_cross_entropy(s, y, sample_weight=w),
    "multiclass_hinge": lambda s, y, w: losses.multiclass_hinge(s, y, sample_weight=w),
    "logistic": lambda s, y, w: _summed(losses.binary_cross_entropy, s, y, w),
    "hinge": cast("MeanLoss", _hinge),
    "squared_error": lambda s, y, w: _summed(losses.squared_error, s, y, w) * 0.5,
    "absolute_error": lambda s, y, w: _summed(losses.absolute_error, s, y, w),
    "huber": lambda s, y, w: _summed(
        lambda p, t, sample_weight: losses.huber(p, t, HUBER_DELTA, sample_weight), s, y, w
    ),
    "poisson": cast("MeanLoss", _poisson),
}

ROUNDED: Mapping[str, RoundedLoss] = {
    "hinge": cast("RoundedLoss", _hinge),
    "multiclass_hinge": cast("RoundedLoss", _rounded_multiclass_hinge),
    "absolute_error": cast("RoundedLoss", _rounded_absolute),
}
"""Losses with kinks, and how they are rounded off over a width, for solvers that need a gradient."""

OUTPUTS: Mapping[str, str] = {"softmax": "softmax", "logistic": "logistic", "poisson": "exp"}
"""The loss's link from scores to outputs, by scikit-learn's name; identity for the others."""

_LINKS: Mapping[str, Callable[[Floats], Floats]] = {
    "softmax": lambda s: cast("Floats", softmax(s, axis=1)),
    "logistic": lambda s: cast("Floats", expit(s)),
    "exp": lambda s: np.exp(s),
    "identity": lambda s: s,
}


@dataclass(frozen=True, slots=True)
class Objective:
    """A network with a loss.

    Attributes
    ----------
    network : Network
    loss : str
        The loss of the scores, one of `tidu.estimators.convex_duals.CONVEX_LOSSES`.
    alpha : float
        Strength of the L2 penalty.
    width : float
        Over which kinks of the loss are rounded off, in the unit of the scores; zero leaves them.
    """

    network: Network
    loss: str
    alpha: float
    width: float = 0.0

    def scores(self, params: Params, X: Floats, key: object = None) -> Floats:
        """Return what the last layer gives, before any link; with a key, hidden outputs are dropped."""
        layers = list(zip(params["coefs"], params["intercepts"], strict=True))
        shares = self.network.dropout
        keys = None if key is None else split(key, max(len(shares), 1))
        out = X
        for i, (name, share) in enumerate(zip(self.network.activations, shares, strict=True)):
            coef, intercept = layers[i]
            out = cast("Floats", ACTIVATIONS[name](out @ coef + intercept))
            if keys is not None and share:
                out = cast("Floats", dropout(keys[i], out, share))
        coef, intercept = layers[-1]
        return cast("Floats", out @ coef + intercept)

    def outputs(self, params: Params, X: Floats) -> Floats:
        """Return probabilities, or predictions of targets."""
        return _LINKS[OUTPUTS.get(self.loss, "identity")](self.scores(params, X))

    def data_loss(self, params: Params, batch: Batch, key: object = None) -> Value:
        """Return the weighted mean of the rows' losses, without penalty."""
        X, y, *weights = batch
        scores, weight = self.scores(params, cast("Floats", X), key), weights[0] if weights else None
        if self.width and self.loss in ROUNDED:
            return ROUNDED[self.loss](scores, y, weight, self.width)
        return _LOSSES[self.loss](scores, y, weight)

    def with_dropout(self, params: Params, batch: Batch, key: object) -> Value:
        """Return F for a batch, some hidden outputs dropped."""
        mean = self.data_loss(params, batch, key)
        penalty = losses.l2(params["coefs"]) * self.alpha
        if len(batch) == 2:
            return mean + penalty * float(1.0 / batch[0].shape[0])
        total = np.sum(cast("Floats", batch[2]))
        # A batch whose rows all weigh nothing must not move the parameters to NaN.
        counted = total > 0.0
        share = np.where(counted, 1.0 / np.where(counted, total, 1.0), 0.0)
        return mean + penalty * np.astype(share, total.dtype)

    def plain(self, params: Params, batch: Batch) -> Value:
        """Return F for a batch, nothing dropped."""
        return self.with_dropout(params, batch, None)


def initial_params(
    network: Network, n_features: int, n_outputs: int, dtype: np.dtype[np.generic], random_state: np.random.RandomState
) -> Params:
    """Return initial weights and intercepts, drawn as scikit-learn draws them.

    Notes
    -----
    Uniform within ``+-sqrt(6 / (fan_in + fan_out))``, with 2 in place of 6 for the logistic function: Glorot
    and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """
    units = [n_features, *network.hidden, n_outputs]
    params = Params(coefs=[], intercepts=[])
    for fan_in, fan_out, name in zip(units[:-1], units[1:], (*network.activations, network.last), strict=True):
        bound = np.sqrt((2.0 if name == "logistic" else 6.0) / (fan_in + fan_out))
        params["coefs"].append(random_state.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype))
        params["intercepts"].append(random_state.uniform(-bound, bound, fan_out).astype(dtype))
    return params
