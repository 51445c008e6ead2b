"""What is known of a model once it has been fitted and has predicted the held-out rows?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tidu.app.measuring import Cost
from tidu.app.problem import Problem
from tidu.assessment.intervals import bootstrap_r2, r2, wilson
from tidu.estimators.linear_certificate import LinearCertificate
from tidu.neighbors import MemoryPlan
from tidu.persistence.feed_forward import FeedForward

__all__ = ["Curves", "Outcome", "Score", "baseline", "best", "score_of"]


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy or R^2 on held-out rows, with its 95 % interval (dimensionless)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curves:
    """How training went, epoch by epoch.

    Attributes
    ----------
    losses, validation_losses, validation_scores : sequence of float
        The latter two may be empty.
    gradient_norms : mapping of str to sequence of float
        Size of the gradient of each layer's weights.
    """

    losses: Sequence[float]
    validation_losses: Sequence[float] = ()
    validation_scores: Sequence[float] = ()
    gradient_norms: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A fitted model, judged.

    Attributes
    ----------
    name : "linear", "network" or "knn"
        Which model.
    outputs : ndarray of shape (n_test, n_classes) or (n_test,)
        Class probabilities (for k-NN shares of votes), or numbers.
    score : Score
        On the held-out rows.
    fit_cost, predict_cost : Cost
        Time and memory.
    settings : mapping of str to object
        What the model was fitted with.
    curves : Curves or None
        How training went.
    certificate : LinearCertificate or None
        How far a linear model is from its global minimum.
    network : FeedForward or None
        What is saved.
    plan : MemoryPlan or None
        That of k-NN.
    """

    name: str
    outputs: NDArray[np.float64]
    score: Score
    fit_cost: Cost
    predict_cost: Cost
    settings: Mapping[str, object]
    curves: Curves | None = None
    certificate: LinearCertificate | None = None
    network: FeedForward | None = None
    plan: MemoryPlan | None = None

    @property
    def predicted(self) -> NDArray[np.generic]:
        """Class codes, or numbers."""
        return np.argmax(self.outputs, axis=1) if self.outputs.ndim == 2 else self.outputs

    @property
    def memory_bytes(self) -> int:
        """The greater growth of memory of the two."""
        return max(self.fit_cost.memory_bytes, self.predict_cost.memory_bytes)

    @property
    def peak_bytes(self) -> int:
        """The highest resident memory of the whole process in either."""
        return max(self.fit_cost.peak_bytes, self.predict_cost.peak_bytes)


def score_of(problem: Problem, outputs: NDArray[np.float64], seed: int) -> Score:
    """Return accuracy with Wilson's interval, or R^2 with a bootstrap's."""
    true = problem.test.y
    if outputs.ndim == 2:
        hits = int(np.sum(np.argmax(outputs, axis=1) == true))
        return Score(hits / len(true), *wilson(hits, len(true)))
    numbers = true.astype(np.float64)
    return Score(r2(numbers, outputs), *bootstrap_r2(numbers, outputs, seed))


def baseline(problem: Problem) -> float:
    """Return the score of predicting the same for every row: the most frequent class, or the mean."""
    if problem.classifies:
        codes = problem.train.y.astype(np.int64)
        return float(np.mean(problem.test.y == np.bincount(codes).argmax()))
    true = problem.test.y.astype(np.float64)
    return r2(true, np.full(len(true), problem.shift))


def best(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome with the highest score; of equals the first."""
    return max(outcomes, key=lambda one: -np.inf if np.isnan(one.score.value) else one.score.value)
