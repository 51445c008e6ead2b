"""Which training rows are near: scikit-learn's `NearestNeighbors` on `tidu.neighbors`.

Parameters, attributes and results are scikit-learn's; what is added is `memory_limit`, the algorithm
"pruned", rows on disk, filters, `add`, `save` and `load`. This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import validate_data

from tidu.errors import ParameterError
from tidu.estimators.neighbors_base import NeighborsBase, Where
from tidu.estimators.neighbors_parameters import Mode, check_mode, threads_of
from tidu.estimators.neighbors_rows import RowsLike, is_on_disk, rows_of
from tidu.neighbors import radius_neighbors

__all__ = ["NearestNeighbors"]


class NearestNeighbors(NeighborsBase):
    """Exact nearest neighbors within a limit of memory, as `sklearn.neighbors.NearestNeighbors`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors to find.
    radius : float, default 1.0
        Radius of `radius_neighbors`.
    algorithm : {"auto", "brute", "pruned", "ball_tree", "kd_tree"}, default "auto"
        How neighbors are found; results are exact, hence the same, with each. The trees stand for "auto".
    leaf_size : int, default 30
        Accepted for compatibility, without effect.
    metric : str, default "minkowski"
        One of `tidu.neighbors.METRICS`.
    p : float, default 2
        Exponent of "minkowski".
    metric_params : dict, optional
        May hold `p`, which then counts.
    n_jobs : int, optional
        Threads; -1 for all processors. The result does not depend on it.
    memory_limit : int or str, optional
        The most that a search may allocate, in bytes or as ``"64MB"``.

    Examples
    --------
    >>> found = NearestNeighbors(n_neighbors=2).fit([[0.0], [2.0], [5.0]])
    >>> found.kneighbors([[1.9]], return_distance=False)
    array([[1, 0]])
    >>> found.add([[1.9]]).kneighbors([[1.9]], return_distance=False)
    array([[3, 1]])
    """

    kind = "nearest-neighbors"

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

    def fit(self, X: RowsLike, y: object = None) -> Self:
        """Keep the rows to be found; `y` is ignored.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), path or BlockSource
            Rows of a path or a source stay where they are.
        """
        if is_on_disk(X):
            return self._store(self._open(X), X)
        return self._store(validate_data(self, X, accept_sparse="csr", order="C"))

    def add(self, X: RowsLike, y: object = None) -> Self:
        """Append rows to be found; they get the next numbers. `y` is ignored."""
        return self._keep_appended(self._append(X))

    def radius_neighbors(
        self,
        X: RowsLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
        *,
        where: Where = None,
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
        """Find every training row within a radius of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), path or BlockSource, optional
            The queries; without it the training rows, none of which is its own neighbor.
        radius : float, optional
            Instead of the estimator's own; a row at just this distance is found.
        return_distance : bool, default True
            Whether distances are returned besides indices.
        sort_results : bool, default False
            Whether neighbors come in order of distance, else of rows.
        where : array-like, optional
            A boolean mask of shape (n_samples_fit,), or numbers of training rows: only these are found.

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
            threads=threads_of(self.n_jobs),
            where=where,
        )

    def radius_neighbors_graph(
        self,
        X: RowsLike | None = None,
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
