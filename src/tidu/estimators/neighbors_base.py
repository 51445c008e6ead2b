"""What do the three estimators of nearest neighbors have in common?

Keeping the rows, asking for neighbors, saving and loading. This file knows nothing of targets, votes and
predictions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar, Literal, Self, TypeAlias, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from tidu.config import parse_bytes
from tidu.data import BlockSource
from tidu.errors import ParameterError, ShapeError
from tidu.estimators.neighbors_parameters import (
    Mode,
    check_mode,
    check_parameters,
    effective_metric,
    threads_of,
)
from tidu.estimators.neighbors_rows import (
    MatrixLike,
    Rows,
    RowsLike,
    is_on_disk,
    open_matrix,
    rows_of,
    stacked,
)
from tidu.neighbors import kneighbors
from tidu.neighbors.inputs import rows_where
from tidu.neighbors.metrics import Array

__all__ = ["MatrixLike", "NeighborsBase", "Where"]

Where: TypeAlias = ArrayLike | None
"""A boolean mask over the training rows, or their numbers: only these may be found."""


class NeighborsBase(MultiOutputMixin, BaseEstimator):  # type: ignore[misc]
    """What the three estimators have in common."""

    kind: ClassVar[str]
    """What a saved file calls this estimator."""

    n_neighbors: int
    algorithm: str
    metric: str
    p: float
    metric_params: Mapping[str, object] | None
    n_jobs: int | None
    memory_limit: int | str | None
    effective_metric_: str
    effective_metric_params_: dict[str, float]
    n_samples_fit_: int
    n_features_in_: int
    _fit_X: Rows
    _rows_path: str | None
    _sample_weight: NDArray[np.float64] | None = None

    def _open(self, X: RowsLike) -> BlockSource:
        """Open training rows that stay on disk, and learn their number of features."""
        assert is_on_disk(X)
        source = open_matrix(X)
        self.n_features_in_ = source.shape[1]
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return source

    def _store(self, X: Rows, given: object = None) -> Self:
        check_parameters(self.get_params(deep=False))
        self.effective_metric_, self.effective_metric_params_ = effective_metric(
            self.metric, self.p, self.metric_params
        )
        self._fit_X = X
        self._rows_path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
        self.n_samples_fit_ = X.shape[0]
        return self

    def _queries(self, X: RowsLike | None) -> Rows | None:
        """Return checked rows as wide as the training rows."""
        check_is_fitted(self, "n_samples_fit_")
        if X is None:
            return None
        if not is_on_disk(X):
            checked = validate_data(self, X, accept_sparse="csr", reset=False, order="C")
            return cast("Array | sparse.csr_array", checked)
        source = open_matrix(X)
        if source.shape[1] != self.n_features_in_:
            raise ShapeError(
                f"{source.name} has {source.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input",
                expected=self.n_features_in_,
                got=source.shape[1],
            )
        return source

    def _append(self, X: RowsLike) -> Rows:
        """Return the training rows with new rows below them; the estimator is left as it is."""
        new = self._queries(X)
        assert new is not None
        return stacked(self._fit_X, new)

    def _keep_appended(self, X: Rows) -> Self:
        self._fit_X = X
        self._rows_path = None
        self.n_samples_fit_ = X.shape[0]
        return self

    @overload
    def kneighbors(
        self,
        X: RowsLike | None = ...,
        n_neighbors: int | None = ...,
        return_distance: Literal[True] = ...,
        *,
        where: Where = ...,
    ) -> tuple[Array, Array]: ...
    @overload
    def kneighbors(
        self,
        X: RowsLike | None = ...,
        n_neighbors: int | None = ...,
        *,
        return_distance: Literal[False],
        where: Where = ...,
    ) -> Array: ...
    @overload
    def kneighbors(
        self,
        X: RowsLike | None = ...,
        n_neighbors: int | None = ...,
        return_distance: bool = ...,
        *,
        where: Where = ...,
    ) -> tuple[Array, Array] | Array: ...
    def kneighbors(
        self,
        X: RowsLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
        *,
        where: Where = None,
    ) -> tuple[Array, Array] | Array:
        """Find the nearest training rows of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), path or BlockSource, optional
            The queries; without it the training rows, none of which is its own neighbor.
        n_neighbors : int, optional
            Instead of the estimator's own.
        return_distance : bool, default True
            Whether distances are returned besides indices.
        where : array-like, optional
            A boolean mask of shape (n_samples_fit,), or numbers of training rows: only these are found.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors), float64
            Ascending. Only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries, n_neighbors), int64
            Rows of the training data; at equal distance the lower comes first.
        """
        queries = self._queries(X)
        k = self._checked_k(n_neighbors, queries is None, where)
        asked = None if queries is None else rows_of(queries)
        return self._search(asked, k, return_distance, where, self._limit())

    def kneighbors_graph(
        self, X: RowsLike | None = None, n_neighbors: int | None = None, mode: Mode = "connectivity"
    ) -> sparse.csr_matrix:
        """Return the graph of nearest neighbors.

        Parameters
        ----------
        X, n_neighbors
            As for `kneighbors`.
        mode : {"connectivity", "distance"}, default "connectivity"
            Whether an edge has the weight 1 or the distance.

        Returns
        -------
        csr_matrix of shape (n_queries, n_samples_fit)
            An entry for each neighbor, the nearest first.
        """
        check_mode(mode)
        if mode == "distance":
            values, indices = self.kneighbors(X, n_neighbors)
        else:
            indices = self.kneighbors(X, n_neighbors, return_distance=False)
            values = np.ones(indices.shape)
        n_queries, k = indices.shape
        starts = np.arange(0, n_queries * k + 1, k)
        shape = (n_queries, self.n_samples_fit_)
        return sparse.csr_matrix((values.ravel(), indices.ravel(), starts), shape=shape)

    def save(self, path: str | os.PathLike[str], *, rows: Literal["embedded", "reference"] = "embedded") -> None:
        """Save the fitted estimator as one safetensors file, without pickle.

        Parameters
        ----------
        path : str or path-like
            The file; replaced as a whole, or not at all.
        rows : {"embedded", "reference"}, default "embedded"
            Whether the training rows are copied into the file, block by block, or, if they were given as a
            path, only where they lie, with their shape, dtype, size and time of modification.

        Raises
        ------
        ParameterError
            If `weights` is a function, labels are objects other than text, or there is no path to refer to.
        DataError
            If the file cannot be written.
        """
        from tidu.estimators.neighbors_file import save_neighbors

        check_is_fitted(self, "n_samples_fit_")
        save_neighbors(self, path, rows)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, rows: str | os.PathLike[str] | None = None) -> Self:
        """Load what `save` saved; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            The file. Training rows embedded in it stay there and are read when needed.
        rows : str or path-like, optional
            Where the training rows lie now, if they were saved as a reference and have moved.

        Raises
        ------
        ModelFileError
            If the file is missing, damaged, foreign, or the rows it refers to are others by now.
        """
        from tidu.estimators.neighbors_file import load_neighbors

        return load_neighbors(cls, path, rows)

    def saved_state(self) -> tuple[dict[str, object], dict[str, Array]]:
        """Return what a file must hold beside rows and parameters: JSON facts and arrays."""
        return {}, {}

    def restore_state(self, facts: Mapping[str, object], tensors: Mapping[str, Array]) -> None:
        """Take over what `saved_state` returned, which may have been tampered with since.

        Raises
        ------
        ParameterError
            If it does not fit.
        """

    def _limit(self) -> int | None:
        return None if self.memory_limit is None else parse_bytes(self.memory_limit)

    def _checked_k(self, n_neighbors: int | None, leaves_out: bool, where: Where) -> int:
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if isinstance(k, bool) or not hasattr(k, "__index__"):
            raise TypeError(f"n_neighbors must be an integer; got {k!r} of type {type(k).__name__}")
        rows = self.n_samples_fit_
        chosen = ""
        if where is not None:
            rows = rows_where(where, rows).size
            chosen = f" ({rows} of them allowed by where)"
        available = rows - leaves_out
        if not 1 <= k <= available:
            raise ParameterError(
                f"Expected 1 <= n_neighbors <= n_samples_fit{' - 1 (a row is not its own neighbor)' * leaves_out}; "
                f"got n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}{chosen}",
                n_neighbors=k,
                available=available,
            )
        return int(k)

    def _search(
        self, queries: BlockSource | None, k: int, return_distance: bool, where: Where, limit: int | None
    ) -> tuple[Array, Array] | Array:
        return kneighbors(
            queries,
            rows_of(self._fit_X),
            k,
            self.effective_metric_,
            limit,
            return_distance,
            p=self.effective_metric_params_.get("p", 2.0),
            algorithm=self.algorithm,
            threads=threads_of(self.n_jobs),
            where=where,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
