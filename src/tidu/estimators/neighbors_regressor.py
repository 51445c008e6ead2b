"""Which number do the nearest neighbors have on average: scikit-learn's `KNeighborsRegressor` on `tidu.neighbors`.

This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tidu.errors import ParameterError, ShapeError
from tidu.estimators.neighbors_ballots import VotingBase
from tidu.estimators.neighbors_base import Where
from tidu.estimators.neighbors_parameters import Weights
from tidu.estimators.neighbors_rows import RowsLike, is_on_disk
from tidu.estimators.neighbors_targets import (
    TargetLike,
    checked_weights,
    extended_weights,
    read_targets,
    target_array,
)
from tidu.estimators.neighbors_voting import vote_bytes
from tidu.neighbors.metrics import Array

__all__ = ["KNeighborsRegressor"]


class KNeighborsRegressor(RegressorMixin, VotingBase):  # type: ignore[misc]
    """Mean of the nearest neighbors' targets, as `sklearn.neighbors.KNeighborsRegressor`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors that are averaged.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        The weight of a target: one, the inverse distance, or what a function makes of the distances. (The
        function is called with those of a few queries at a time, of shape (n, n_neighbors).)
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As for `NearestNeighbors`.
    memory_limit : int or str, optional
        The most that searching, averaging and the predictions may allocate together.

    Examples
    --------
    >>> KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [4]], [1.0, 3.0, 9.0]).predict([[0.4]])
    array([2.])
    """

    kind = "k-neighbors-regressor"

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: Mapping[str, object] | None = None,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

    def fit(self, X: RowsLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Keep the rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), path or BlockSource
            Training rows; those of a path or a source stay where they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), path or BlockSource
            Numbers; read into memory.
        sample_weight : array-like of shape (n_samples,), optional
            A neighbor's target counts as often as its weight says. A row of weight 0 still takes its place
            among the neighbors; use `where` to leave rows out.
        """
        if is_on_disk(X):
            rows = self._open(X)
            targets = target_array(y, rows.shape[0])
        else:
            given = read_targets(y) if is_on_disk(y) else y
            rows, targets = validate_data(self, X, given, accept_sparse="csr", multi_output=True, order="C")
        self._sample_weight = checked_weights(sample_weight, targets)
        self._y: Array = targets
        return self._store(rows, X)

    def add(self, X: RowsLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Append rows and their targets, given as for `fit`; rows that were given no weight weigh 1."""
        rows = self._append(X)
        n_new = rows.shape[0] - self.n_samples_fit_
        targets = target_array(y, n_new)
        if targets.shape[1:] != self._y.shape[1:]:
            raise ShapeError(
                f"y has shape {targets.shape}; expected {(n_new, *self._y.shape[1:])}, as when fitted",
                expected=(n_new, *self._y.shape[1:]),
                got=targets.shape,
            )
        weights = checked_weights(sample_weight, targets)
        self._sample_weight = extended_weights(self._sample_weight, self.n_samples_fit_, weights, n_new)
        self._y = np.concatenate([self._y, targets])
        return self._keep_appended(rows)

    def predict(self, X: RowsLike | None, *, where: Where = None) -> Array:
        """Return the mean target of the neighbors of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), path, BlockSource or None
            The queries; None for the training rows, each of which is left out of its own mean.
        where : array-like, optional
            A boolean mask of shape (n_samples_fit,), or numbers of training rows: only these are averaged.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Targets.
        """
        check_is_fitted(self, "n_samples_fit_")
        targets = self._y.reshape(len(self._y), -1)
        n_outputs = targets.shape[1]
        column_bytes = vote_bytes(n_outputs * (1 + self.n_neighbors))
        n_queries, ballots = self._ballots(X, self.weights, where, column_bytes, 8 * n_outputs)
        plain = self.weights in (None, "uniform") and self._sample_weight is None
        dtype = np.mean(targets[:1], axis=0).dtype if plain else np.dtype(np.float64)
        predicted: Array = np.empty((n_queries, n_outputs), dtype)
        for ballot in ballots:
            found = targets[ballot.indices]
            if ballot.weights is None:
                predicted[ballot.queries] = found.mean(axis=1)
            else:
                share = ballot.weights[:, :, None]
                predicted[ballot.queries] = (found * share).sum(axis=1) / share.sum(axis=1)
        return predicted if self._y.ndim == 2 else predicted[:, 0]

    def score(self, X: RowsLike | None, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2; with X=None that of leaving each training row out of its own mean."""
        return float(super().score(X, read_targets(y) if is_on_disk(y) else y, sample_weight))

    def saved_state(self) -> tuple[dict[str, object], dict[str, Array]]:
        """Return the targets."""
        return {}, {"targets": self._y}

    def restore_state(self, facts: Mapping[str, object], tensors: Mapping[str, Array]) -> None:
        """Take over the targets."""
        targets = tensors.get("targets")
        if targets is None or targets.ndim not in (1, 2) or 0 in targets.shape or not np.isfinite(targets).all():
            raise ParameterError("its targets are missing, or no finite numbers")
        self._y = targets
