"""What does convex duality say of a linear score's loss: its value, and a lower bound of every value?

The loss is ``F(W, b) = (sum_i w_i l(s_i, y_i) + alpha/2 ||W||^2) / sum_i w_i`` with scores ``s = X W + b``.
With the conjugate ``l*(a, y) = max_s a s - l(s, y)``, any ``a`` in the domain of ``l*`` whose weighted sum
over the rows is zero (what the free intercept asks for) gives, with ``D = w a``, a number below every
value of F: ``(-sum_i w_i l*(a_i, y_i) - ||X^T D||^2 / (2 alpha)) / sum_i w_i`` (Fenchel). Equality holds at
the optimum, where ``a`` is the derivative of l. Here stand l and, at given scores, such ``a`` with
``-sum w l*``. This file knows nothing of X, of W and of how scores were found.

References
----------
R. T. Rockafellar, Convex Analysis (1970), section 31.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, expit, logsumexp, softmax, xlogy

__all__ = ["CONVEX_LOSSES", "HUBER_DELTA", "ConvexLoss", "Dual", "Floats"]

Floats = NDArray[np.float64]

HUBER_DELTA = 1.0
"""Where Huber's loss turns from a parabola into a line, in units of the target."""

# A kink is smoothed over a width: where the optimum lies on kinks, the derivative there is in between.
_WIDTHS = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """A point of the dual problem.

    Attributes
    ----------
    weighted : ndarray of shape (n_samples, n_outputs)
        D = w a; each column sums to zero.
    value : float
        The sum over rows of -w l*.
    """

    weighted: Floats
    value: float


@dataclass(frozen=True, slots=True)
class ConvexLoss:
    """A loss of scores, convex in them.

    Attributes
    ----------
    values : callable
        ``(scores, y) -> ndarray of shape (n_samples,)``, the loss of each row; y as the network sees it.
    slopes : callable
        ``(scores, y) -> ndarray of shape (n_samples, n_outputs)``, a subgradient of each.
    duals : callable
        ``(scores, y, w) -> iterator of Dual``, candidates; the best is good where the scores are.
    """

    values: Callable[[Floats, Floats], Floats]
    slopes: Callable[[Floats, Floats], Floats]
    duals: Callable[[Floats, Floats, Floats], Iterator[Dual]]


def _softmax_values(scores: Floats, y: Floats) -> Floats:
    return np.asarray(logsumexp(scores, axis=1) - (scores * y).sum(axis=1))


def _softmax_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    total = w.sum()
    share = w @ y / total
    p = softmax(scores, axis=1) * (share > 0)  # a class without rows can have probability zero only
    p /= p.sum(axis=1, keepdims=True)
    excess = w @ p / total - share
    # A mixture with the shares of the classes leaves room to take the excess off.
    mix = min(1.0, float(np.max(np.abs(excess) / np.where(share > 0, share, np.inf))))
    p = np.maximum((1 - mix) * (p - excess) + mix * share, 0.0)
    yield Dual(w[:, None] * (p - y), float(w @ entr(p).sum(axis=1)))


def _logistic_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    total = w.sum()
    share = w @ y / total
    p = expit(scores)
    excess = w @ p / total - share
    room = np.minimum(share, 1 - share)
    mix = np.minimum(1.0, np.abs(excess) / np.where(room > 0, room, np.finfo(float).tiny))
    p = np.clip((1 - mix) * (p - excess) + mix * share, 0.0, 1.0)
    yield Dual(w[:, None] * (p - y), float(w @ (entr(p) + entr(1 - p)).sum(axis=1)))


def _ramp(x: Floats, width: float) -> Floats:
    """Return 0 below 0 and 1 above `width`, in between a straight line."""
    return np.clip(x / width, 0.0, 1.0) if width else (x > 0).astype(float)


def _hinge_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    """Give candidates for ``sum_j max(0, 1 - t_j s_j)`` with t = 1 where y is 1, else -1."""
    sign = 2 * y - 1
    of_class = np.where(y > 0, w @ y, w @ (1 - y))  # weight of the own class, in each column
    of_class = np.where(of_class > 0, of_class, np.inf)
    least = np.minimum(w @ y, w @ (1 - y))
    base = np.where(least > 0, least / (2 * of_class), 0.0)
    for width in _WIDTHS:
        u = _ramp(1 - sign * scores, width)
        excess = w @ (sign * u)
        mix = np.minimum(1.0, np.abs(excess) / np.where(least > 0, least, np.finfo(float).tiny))
        repaired = (1 - mix) * (u - sign * excess / (2 * of_class)) + mix * base
        u = np.where(least > 0, np.clip(repaired, 0.0, 1.0), 0.0)
        yield Dual(-w[:, None] * sign * u, float(w @ u.sum(axis=1)))


def _crammer_margins(scores: Floats, y: Floats) -> Floats:
    """Return 1 + s_j - s_own for the other classes; far below zero for the own."""
    own = (scores * y).sum(axis=1, keepdims=True)
    return np.where(y > 0, -np.inf, 1 + scores - own)


def _multiclass_hinge_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    of_class = w @ y  # weight of each class
    there = of_class > 0
    k = int(there.sum())
    own = np.where(there, of_class, np.inf)[y.argmax(axis=1)]
    least = float(of_class[there].min())
    base = least / (2 * own[:, None]) * (1 - y) * there
    margins = _crammer_margins(scores, y)
    for width in _WIDTHS:
        a = _ramp(margins, width) * there
        weighted = w[:, None] * (a - y * a.sum(axis=1, keepdims=True))
        excess = weighted.sum(axis=0)
        # Weight flows between each two classes so that every column's excess is taken off.
        flow = (excess[y.argmax(axis=1), None] - excess[None, :]) / (2 * k * own[:, None])
        mix = min(1.0, float(np.ptp(excess[there])) / (k * least))
        a = (1 - mix) * (a + flow * (1 - y) * there) + mix * base
        a = np.clip(a, 0.0, 1.0)
        yield Dual(w[:, None] * (a - y * a.sum(axis=1, keepdims=True)), float(w @ a.sum(axis=1)))


def _squared_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    a = scores - y
    a = a - w @ a / w.sum()
    yield Dual(w[:, None] * a, -float(w @ (a * (a / 2 + y)).sum(axis=1)))


def _bounded_duals(slopes: Floats, y: Floats, w: Floats, curved: bool) -> Dual:
    """Return the dual point near `slopes` within -1..1, of the absolute or of Huber's loss."""
    bound = HUBER_DELTA if curved else 1.0
    excess = w @ slopes / w.sum()
    mix = np.minimum(1.0, np.abs(excess) / (bound + np.abs(excess)))
    a = np.clip((1 - mix) * (slopes - excess), -bound, bound)
    bend = a / 2 if curved else 0.0
    return Dual(w[:, None] * a, -float(w @ (a * (bend + y)).sum(axis=1)))


def _absolute_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    for width in _WIDTHS:
        rest = scores - y
        yield _bounded_duals(np.clip(rest / width, -1.0, 1.0) if width else np.sign(rest), y, w, False)


def _huber_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    yield _bounded_duals(np.clip(scores - y, -HUBER_DELTA, HUBER_DELTA), y, w, True)


def _huber_values(scores: Floats, y: Floats) -> Floats:
    rest = np.abs(scores - y)
    inner = np.minimum(rest, HUBER_DELTA)
    return np.asarray((inner * (rest - inner / 2)).sum(axis=1))


def _poisson_duals(scores: Floats, y: Floats, w: Floats) -> Iterator[Dual]:
    mean = np.exp(scores)
    mean = mean * ((w @ y) / (w @ mean))
    value = mean - xlogy(mean, mean) + xlogy(y, y) - y
    yield Dual(w[:, None] * (mean - y), float(w @ value.sum(axis=1)))


def _multiclass_hinge_slopes(scores: Floats, y: Floats) -> Floats:
    above = (_crammer_margins(scores, y) > 0).astype(float)
    return np.asarray(above - y * above.sum(axis=1, keepdims=True))


CONVEX_LOSSES: Mapping[str, ConvexLoss] = {
    "softmax": ConvexLoss(_softmax_values, lambda s, y: softmax(s, axis=1) - y, _softmax_duals),
    "logistic": ConvexLoss(
        lambda s, y: (np.logaddexp(0, s) - s * y).sum(axis=1), lambda s, y: expit(s) - y, _logistic_duals
    ),
    "hinge": ConvexLoss(
        lambda s, y: np.maximum(0, 1 - (2 * y - 1) * s).sum(axis=1),
        lambda s, y: np.where((2 * y - 1) * s < 1, 1 - 2 * y, 0.0),
        _hinge_duals,
    ),
    "multiclass_hinge": ConvexLoss(
        lambda s, y: np.maximum(0, _crammer_margins(s, y)).sum(axis=1),
        _multiclass_hinge_slopes,
        _multiclass_hinge_duals,
    ),
    "squared_error": ConvexLoss(lambda s, y: ((s - y) ** 2).sum(axis=1) / 2, lambda s, y: s - y, _squared_duals),
    "absolute_error": ConvexLoss(lambda s, y: np.abs(s - y).sum(axis=1), lambda s, y: np.sign(s - y), _absolute_duals),
    "huber": ConvexLoss(_huber_values, lambda s, y: np.clip(s - y, -HUBER_DELTA, HUBER_DELTA), _huber_duals),
    "poisson": ConvexLoss(
        lambda s, y: (np.exp(s) - s * y + xlogy(y, y) - y).sum(axis=1), lambda s, y: np.exp(s) - y, _poisson_duals
    ),
}
"""Every convex loss of a linear score, by the name of its link and shape."""
