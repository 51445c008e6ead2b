"""How much of the target is beyond every model, in its own units: from the likelihood's shares to the floor.

Numbers and classes part here: the outputs that the likelihood sees, and what its estimate says of their floor. This
file knows nothing of the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.cells import MOST_ROWS, cells_of, spread
from tidu.assessment.inputs import Rows
from tidu.assessment.intervals import wilson
from tidu.assessment.kernels import are_correlated, views_of
from tidu.assessment.likelihood import NoiseEstimate, noise_likelihood
from tidu.assessment.result import Floor
from tidu.assessment.voting import best_of, cover_hart

__all__ = ["OUTPUT_BYTES", "bimodality", "estimated_noise", "floor_of_classes", "floor_of_numbers", "outputs_of"]

OUTPUT_BYTES = 6 * 8 * MOST_ROWS
"""Of each class: outputs of 0 and 1 of the rows that the likelihood sees, centered, predicted, and what is left."""


def estimated_noise(
    rows: Rows,
    features: NDArray[np.generic],
    sample: NDArray[np.intp],
    order: Sequence[int],
    seed: int,
    threads: int | None,
) -> NoiseEstimate:
    """Let the likelihood decide between all features and those that add to the dependence, in their order."""
    views = views_of(features.shape[1], order, are_correlated(features))
    along = order or range(features.shape[1])
    cells = spread(cells_of(features, np.array(sorted(along), np.intp)))
    outputs = outputs_of(rows, sample[np.concatenate(cells)])
    return noise_likelihood(
        features, outputs, cells, views, variance=_variance(rows, sample), seed=seed, threads=threads
    )


def _variance(rows: Rows, sample: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the variance of each output, for all rows of a sample."""
    y = rows.y[sample]
    if not rows.classifies:
        return np.array([y.astype(np.float64).var()])
    shares = np.bincount(y.astype(np.int64), minlength=len(rows.target.class_names)) / len(y)
    return np.asarray(shares * (1.0 - shares))


def outputs_of(rows: Rows, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the targets of some rows: numbers as one column, classes as one column of 0 and 1 each."""
    y = rows.y[chosen, None]
    if not rows.classifies:
        return y.astype(np.float64)
    return np.asarray(y == np.arange(len(rows.target.class_names)), np.float64)


def floor_of_numbers(rows: Rows, likelihood: NoiseEstimate) -> Floor:
    """Return the variance of the noise, and its interval."""
    variance = float(rows.y.astype(np.float64).var())
    low, high = likelihood.interval
    return Floor(likelihood.share * variance, low * variance, high * variance, variance)


def floor_of_classes(
    rows: Rows, likelihood: NoiseEstimate, sample: NDArray[np.intp], errors: dict[int, float]
) -> Floor:
    """Return the band of the lowest error: from below by Cover and Hart, from above by what is reached.

    The variance of 0/1 outputs about their probabilities, summed over classes, is the error of the nearest row among
    endlessly many; the likelihood estimates it without the bias of neighbors that are far.
    """
    shares = np.bincount(rows.y.astype(np.int64)) / len(rows.y)
    n_classes, chance = int((shares > 0).sum()), 1.0 - float((shares**2).sum())
    low, _ = cover_hart(likelihood.interval[0] * chance, n_classes)
    likely_low, likely_high = cover_hart(likelihood.share * chance, n_classes)
    predicted = float(np.mean(likelihood.predicted.argmax(axis=1) != rows.y[sample[likelihood.rows]]))
    reached, n_rows = min((best_of(errors)[1], len(rows.y)), (predicted, len(likelihood.rows)))
    high = 1.0 - wilson(round((1.0 - reached) * n_rows), n_rows)[0]
    whole = 1.0 - float(shares.max())
    value = 0.5 * (likely_low + min(likely_high, reached))
    return Floor(min(max(value, low), high), min(low, high), high, whole)


def bimodality(rows: Rows, likelihood: NoiseEstimate, sample: NDArray[np.intp]) -> float:
    """Return how much what is left of numbers falls into two heaps: (skewness^2 + 1) / kurtosis."""
    left = rows.y[sample[likelihood.rows]].astype(np.float64) - likelihood.predicted[:, 0]
    left -= left.mean()
    variance = float((left**2).mean())
    if rows.classifies or variance <= 0:
        return 0.0
    return (float((left**3).mean()) ** 2 / variance**3 + 1.0) / (float((left**4).mean()) / variance**2)
