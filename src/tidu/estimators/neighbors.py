"""How does scikit-learn's interface of nearest neighbors stand on `tidu.neighbors`?

Parameters, attributes and results are those of scikit-learn's estimators of the same names; what is added
is `memory_limit` and `ties`. This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from tidu.errors import ParameterError
from tidu.estimators.neighbors_base import (
    Array,
    MatrixLike,
    Mode,
    NeighborsBase,
    Weights,
    check_mode,
    rows_of,
)
from tidu.neighbors import radius_neighbors

__all__ = ["KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors"]

Ties: TypeAlias = Literal["smallest", "nearest"]
# Votes are counted for so many (query, class) or (query, neighbor) pairs at a time.
_VOTES_AT_A_TIME = 1 << 18


class NearestNeighbors(NeighborsBase):
    """Exact nearest neighbors within a limit of memory, as `sklearn.neighbors.NearestNeighbors`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors to find.
    radius : float, default 1.0
        Radius of `radius_neighbors`.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default "auto"
        Accepted for compatibility; results are exact, hence the same, with each.
    leaf_size, n_jobs
        Accepted for compatibility, without effect.
    metric : str, default "minkowski"
        One of `tidu.neighbors.METRICS`.
    p : float, default 2
        Exponent of "minkowski".
    metric_params : dict, optional
        May hold `p`, which then counts.
    memory_limit : int or str, optional
        The most that a search may allocate, in bytes or as ``"64MB"``.

    Examples
    --------
    >>> found = NearestNeighbors(n_neighbors=2).fit([[0.0], [2.0], [5.0]])
    >>> found.kneighbors([[1.9]], return_distance=False)
    array([[1, 0]])
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
        metric_params: Mapping[str, object] | None = None,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self.memory_limit = memory_limit

    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Keep the rows to be found; `y` is ignored."""
        return self._store(validate_data(self, X, accept_sparse="csr", order="C"))

    def radius_neighbors(
        self,
        X: MatrixLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
        """Find every training row within a radius of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), optional
            The queries; without it the training rows, none of which is its own neighbor.
        radius : float, optional
            Instead of the estimator's own; a row at just this distance is found.
        return_distance : bool, default True
            Whether distances are returned besides indices.
        sort_results : bool, default False
            Whether neighbors come in order of distance, else of rows.

        Returns
        -------
        neigh_dist, neigh_ind : ndarray of shape (n_queries,) of arrays
            Distances (only if `return_distance`) and rows of the training data.
        """
        if sort_results and not return_distance:
            raise ParameterError("sort_results=True needs return_distance=True")
        queries = self._queries(X)
        return radius_neighbors(
            None if queries is None else rows_of(queries),
            rows_of(self._fit_X),
            self.radius if radius is None else radius,
            self.effective_metric_,
            self.memory_limit,
            return_distance,
            sort_results,
            p=self.effective_metric_params_.get("p", 2.0),
        )

    def radius_neighbors_graph(
        self,
        X: MatrixLike | None = None,
        radius: float | None = None,
        mode: Mode = "connectivity",
        sort_results: bool = False,
    ) -> sparse.csr_matrix:
        """Return the graph of neighbors within a radius, with weights 1 or the distances."""
        check_mode(mode)
        if sort_results and mode == "connectivity":
            raise ParameterError("sort_results=True needs mode='distance'")
        found = self.radius_neighbors(X, radius, return_distance=True, sort_results=sort_results)
        distances, neighbors = found
        starts = np.concatenate(([0], np.cumsum([len(part) for part in neighbors])))
        indices = np.concatenate([*neighbors, np.empty(0, np.int64)])
        values = np.concatenate([*distances, np.empty(0)]) if mode == "distance" else np.ones(len(indices))
        shape = (len(neighbors), self.n_samples_fit_)
        return sparse.csr_matrix((values, indices, starts), shape=shape)


class KNeighborsClassifier(ClassifierMixin, NeighborsBase):  # type: ignore[misc]
    """Vote of the nearest neighbors, as `sklearn.neighbors.KNeighborsClassifier`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors that vote.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        The weight of a vote: one, the inverse distance, or what a function makes of the distances.
    algorithm, leaf_size, p, metric, metric_params, n_jobs, memory_limit
        As for `NearestNeighbors`.
    ties : {"smallest", "nearest"}, default "smallest"
        Who wins if votes are equal: the first of the sorted labels, as in scikit-learn, or that of the
        nearest neighbor among those in the tie.

    Examples
    --------
    >>> model = KNeighborsClassifier(n_neighbors=2).fit([[0], [1], [4]], ["b", "a", "b"])
    >>> model.predict([[0.4]]), model.set_params(ties="nearest").predict([[0.4]])
    (array(['a'], dtype='<U1'), array(['b'], dtype='<U1'))
    """

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
        ties: Ties = "smallest",
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
        self.ties = ties

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Keep the rows that vote and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any kind.
        """
        rows, labels = validate_data(self, X, y, accept_sparse="csr", multi_output=True, order="C")
        if labels.ndim == 2 and labels.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected; use y.ravel()",
                DataConversionWarning,
                stacklevel=2,
            )
        check_classification_targets(labels)
        self.outputs_2d_ = labels.ndim == 2 and labels.shape[1] > 1
        columns = labels.reshape(len(labels), -1)
        found = [np.unique(column, return_inverse=True) for column in columns.T]
        self._y: Array = np.stack([codes for _, codes in found], axis=1).astype(np.intp)
        classes = [values for values, _ in found]
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        return self._store(rows)

    def predict(self, X: MatrixLike | None) -> Array:
        """Return the label with most votes for each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            The queries; None for the training rows, each of which is left out of its own vote.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Labels.
        """
        indices, weights = self._weighted_neighbors(X, self.weights)
        _refuse_zero_weights(weights)
        classes = self._classes_of_outputs()
        predicted = np.empty((len(indices), len(classes)), classes[0].dtype)
        for output, labels in enumerate(classes):
            for rows, codes, votes in self._votes(indices, weights, output, len(labels)):
                predicted[rows, output] = labels[self._winners(codes, votes)]
        return predicted if self.outputs_2d_ else predicted[:, 0]

    def predict_proba(self, X: MatrixLike | None) -> Array | list[Array]:
        """Return the share of votes of each class, in the order of `classes_`.

        Returns
        -------
        ndarray of shape (n_queries, n_classes), or a list of them, one for each output
            Each row sums to one.
        """
        indices, weights = self._weighted_neighbors(X, self.weights)
        _refuse_zero_weights(weights)
        shares = []
        for output, labels in enumerate(self._classes_of_outputs()):
            share = np.empty((len(indices), len(labels)))
            for rows, _, votes in self._votes(indices, weights, output, len(labels)):
                share[rows] = votes / votes.sum(axis=1, keepdims=True)
            shares.append(share)
        return shares if self.outputs_2d_ else shares[0]

    def score(self, X: MatrixLike | None, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy; with X=None that of leaving each training row out of its own vote."""
        return float(super().score(X, y, sample_weight))

    def _classes_of_outputs(self) -> list[Array]:
        return self.classes_ if isinstance(self.classes_, list) else [self.classes_]

    def _votes(
        self, indices: Array, weights: NDArray[np.float64] | None, output: int, n_classes: int
    ) -> Iterator[tuple[slice, Array, NDArray[np.float64]]]:
        """Yield for some queries at a time their neighbors' classes, and the votes of each class."""
        k = indices.shape[1]
        step = max(1, _VOTES_AT_A_TIME // max(n_classes, k))
        for start in range(0, len(indices), step):
            rows = slice(start, start + step)
            codes = self._y[indices[rows], output]
            votes = np.zeros((len(codes), n_classes))
            each = np.arange(len(codes))
            for place in range(k):
                votes[each, codes[:, place]] += 1.0 if weights is None else weights[rows, place]
            yield rows, codes, votes

    def _winners(self, codes: Array, votes: NDArray[np.float64]) -> Array:
        if self.ties == "smallest":
            return np.asarray(np.argmax(votes, axis=1))
        most = votes.max(axis=1, keepdims=True)
        first = np.argmax(np.take_along_axis(votes, codes, axis=1) == most, axis=1)
        return np.asarray(codes[np.arange(len(codes)), first])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class KNeighborsRegressor(RegressorMixin, NeighborsBase):  # type: ignore[misc]
    """Mean of the nearest neighbors' targets, as `sklearn.neighbors.KNeighborsRegressor`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors that are averaged.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        The weight of a target: one, the inverse distance, or what a function makes of the distances.
    algorithm, leaf_size, p, metric, metric_params, n_jobs, memory_limit
        As for `NearestNeighbors`.

    Examples
    --------
    >>> KNeighborsRegressor(n_neighbors=2).fit([[0], [1], [4]], [1.0, 3.0, 9.0]).predict([[0.4]])
    array([2.])
    """

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

    def fit(self, X: MatrixLike, y: ArrayLike) -> Self:
        """Keep the rows and their targets, of shape (n_samples,) or (n_samples, n_outputs)."""
        rows, targets = validate_data(self, X, y, accept_sparse="csr", multi_output=True, order="C")
        self._y: Array = targets
        return self._store(rows)

    def predict(self, X: MatrixLike | None) -> Array:
        """Return the mean target of the neighbors of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features) or None
            The queries; None for the training rows, each of which is left out of its own mean.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Targets.
        """
        indices, weights = self._weighted_neighbors(X, self.weights)
        targets = self._y.reshape(len(self._y), -1)
        means = []
        step = max(1, _VOTES_AT_A_TIME // (indices.shape[1] * targets.shape[1]))
        for start in range(0, len(indices), step):
            rows = slice(start, start + step)
            found = targets[indices[rows]]
            if weights is None:
                means.append(found.mean(axis=1))
            else:
                share = weights[rows, :, None]
                means.append((found * share).sum(axis=1) / share.sum(axis=1))
        predicted: Array = np.concatenate(means)
        return predicted if self._y.ndim == 2 else predicted[:, 0]


def _refuse_zero_weights(weights: NDArray[np.float64] | None) -> None:
    if weights is not None and not weights.any(axis=1).all():
        row = int(np.argmin(weights.any(axis=1)))
        raise ParameterError(
            f"all neighbors of query {row} have weight zero; change the function given as weights", row=row
        )
