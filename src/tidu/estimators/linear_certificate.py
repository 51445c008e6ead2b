"""Is a linear model at the global minimum of its loss, and how is that known?

Its loss is convex, so a dual point bounds every possible loss from below; what lies between the loss
reached and that bound is all that further training could gain. For a network with hidden layers no such
bound is known, and none is given. This file knows nothing of how the model was trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.estimators.convex_duals import CONVEX_LOSSES, ConvexLoss, Dual, Floats
from tidu.words import say

__all__ = ["LinearCertificate", "certificate_bytes", "certify"]

# At most so many arrays of the scores' shape are alive at once, in the multiclass hinge's dual points.
_ARRAYS_LIKE_SCORES = 16


@dataclass(frozen=True, slots=True)
class LinearCertificate:
    """How far a linear model's loss is from the least possible one.

    Attributes
    ----------
    loss : float
        The training loss with its penalty, computed in float64.
    lower_bound : float
        No weights have a loss below this one.
    gradient_norm : float
        Euclidean norm of the (sub)gradient with respect to weights and intercepts.
    tolerance : float
        A gap up to this counts as the minimum: ``tol * max(1, |loss|)``.
    """

    loss: float
    lower_bound: float
    gradient_norm: float
    tolerance: float

    @property
    def gap(self) -> float:
        """Bound on what the loss is above the global minimum."""
        return max(0.0, self.loss - self.lower_bound)

    @property
    def is_global_minimum(self) -> bool:
        """Whether the loss is proved to be the least possible one, up to the tolerance."""
        return bool(self.gap <= self.tolerance)

    def text(self, lang: str = "en") -> str:
        """Return what was found, in a sentence.

        Parameters
        ----------
        lang : {"en", "zh"}
            The language.
        """
        key = "fit.certified" if self.is_global_minimum else "fit.not_certified"
        return say(
            key,
            lang,
            loss=f"{self.loss:.6g}",
            bound=f"{self.lower_bound:.6g}",
            gap=f"{self.gap:.2g}",
            tolerance=f"{self.tolerance:.2g}",
            gradient=f"{self.gradient_norm:.2g}",
        )


def certify(
    loss: str,
    X: NDArray[np.generic],
    y: NDArray[np.generic],
    sample_weight: NDArray[np.generic] | None,
    coef: NDArray[np.generic],
    intercept: NDArray[np.generic],
    alpha: float,
    tol: float,
) -> LinearCertificate:
    """Bound how far a linear model is from the global minimum of its training loss.

    Parameters
    ----------
    loss : str
        One of `CONVEX_LOSSES`.
    X : ndarray of shape (n_samples, n_features)
        Training rows.
    y : ndarray of shape (n_samples, n_outputs)
        Targets as the model sees them (classes as indicators).
    sample_weight : ndarray of shape (n_samples,), optional
        Not negative.
    coef, intercept : ndarray of shape (n_features, n_outputs) and (n_outputs,)
        The model.
    alpha : float
        Strength of the L2 penalty on `coef`.
    tol : float
        Relative gap that counts as none.

    Returns
    -------
    LinearCertificate

    Notes
    -----
    The bound is the better of zero (no loss here is negative) and a dual point's value, see
    `tidu.estimators.convex_duals`; it holds with intercepts that are not penalized, where strong convexity
    fails. Without penalty a dual point must be orthogonal to the columns of X: for the squared loss the
    residuals of the normal equations are, so its minimum is known exactly; for the others only zero remains.
    About 2 n d k flops per dual point tried, in float64.
    """
    kind = CONVEX_LOSSES[loss]
    rows = np.asarray(X, np.float64)
    targets = np.asarray(y, np.float64)
    weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    weights_sum = weights.sum()
    flat, offset = np.asarray(coef, np.float64), np.asarray(intercept, np.float64)
    scores = rows @ flat + offset
    value = float((weights @ kind.values(scores, targets) + alpha / 2 * np.vdot(flat, flat)) / weights_sum)
    slopes = weights[:, None] * kind.slopes(scores, targets)
    gradient = np.vstack([rows.T @ slopes + alpha * flat, slopes.sum(axis=0)]) / weights_sum
    bound = float(max([0.0, *_bounds(kind, loss, rows, scores, targets, weights, alpha)]))
    return LinearCertificate(
        loss=value,
        lower_bound=bound,
        gradient_norm=float(np.linalg.norm(gradient)),
        tolerance=tol * max(1.0, abs(value)),
    )


def certificate_bytes(X: NDArray[np.generic], n_outputs: int, alpha: float) -> int:
    """Return about how many bytes `certify` takes: X in float64, and what is as long as the scores."""
    widened = 8 * X.size if X.dtype != np.float64 else 0
    solved = 0 if alpha > 0 else 3 * 8 * X.size
    return widened + solved + _ARRAYS_LIKE_SCORES * 8 * len(X) * n_outputs


def _bounds(
    kind: ConvexLoss, loss: str, rows: Floats, scores: Floats, y: Floats, w: Floats, alpha: float
) -> Iterator[float]:
    if not np.isfinite(scores).all():
        return
    if alpha > 0:
        for dual in kind.duals(scores, y, w):
            pulled = rows.T @ dual.weighted
            yield float((dual.value - np.vdot(pulled, pulled) / (2 * alpha)) / w.sum())
    elif loss == "squared_error":
        yield _normal_equations(rows, y, w).value / w.sum()


def _normal_equations(rows: Floats, y: Floats, w: Floats) -> Dual:
    """Return the residuals of weighted least squares: a dual point orthogonal to X and to constants."""
    scale = np.sqrt(w)[:, None]
    columns = scale * np.hstack([rows, np.ones((len(rows), 1))])
    solution = np.linalg.lstsq(columns, scale * y, rcond=None)[0]
    rest = scale * (columns @ solution - scale * y)
    residual = np.divide(rest, w[:, None], out=np.zeros_like(rest), where=w[:, None] > 0)
    return Dual(rest, -float(w @ (residual * (residual / 2 + y)).sum(axis=1)))
