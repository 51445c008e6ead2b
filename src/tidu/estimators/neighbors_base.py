"""What do the three estimators of nearest neighbors have in common?

Storing the rows, asking for neighbors, the graph, and the weights of votes. This file knows nothing of
targets and predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from tidu.data import BlockSource, as_source
from tidu.errors import ParameterError
from tidu.neighbors import METRICS, kneighbors
from tidu.neighbors.metrics import Array, resolve_metric

__all__ = ["Array", "MatrixLike", "Mode", "NeighborsBase", "Weights", "check_mode", "rows_of"]

MatrixLike: TypeAlias = ArrayLike | sparse.spmatrix | sparse.sparray
Weights: TypeAlias = str | Callable[[NDArray[np.float64]], Array] | None
Mode: TypeAlias = Literal["connectivity", "distance"]

_NUMBER = (int, float, np.integer, np.floating)
_ALGORITHMS = ("auto", "ball_tree", "kd_tree", "brute")


@dataclass(frozen=True, slots=True, eq=False)
class SparseSource:
    """Rows of a CSR matrix, made dense a block at a time."""

    matrix: sparse.csr_array
    name: str = "sparse matrix"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the matrix."""
        return cast("tuple[int, ...]", self.matrix.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of its values."""
        return self.matrix.dtype

    def read(self, start: int, stop: int) -> Array:
        """Return rows as a dense array."""
        return self.matrix[start:stop].toarray()


def rows_of(X: Array | sparse.csr_array) -> BlockSource:
    """Return the rows of a dense or CSR matrix as a block source."""
    return SparseSource(sparse.csr_array(X)) if sparse.issparse(X) else as_source(X)


def check_mode(mode: str) -> None:
    """Refuse an unknown weight of a graph's edges."""
    if mode not in ("connectivity", "distance"):
        raise ParameterError(f"mode must be 'connectivity' or 'distance'; got {mode!r}", got=mode)


class NeighborsBase(MultiOutputMixin, BaseEstimator):  # type: ignore[misc]
    """What the three estimators have in common."""

    n_neighbors: int
    metric: str
    p: float
    metric_params: Mapping[str, object] | None
    memory_limit: int | str | None
    effective_metric_: str
    effective_metric_params_: dict[str, float]
    n_samples_fit_: int
    _fit_X: Array | sparse.csr_array

    def _store(self, X: Array | sparse.csr_array) -> Self:
        _check_parameters(self.get_params(deep=False))
        self.effective_metric_, self.effective_metric_params_ = _effective_metric(
            self.metric, self.p, self.metric_params
        )
        self._fit_X = X
        self.n_samples_fit_ = X.shape[0]
        return self

    def _queries(self, X: MatrixLike | None) -> Array | sparse.csr_array | None:
        check_is_fitted(self, "n_samples_fit_")
        if X is None:
            return None
        checked = validate_data(self, X, accept_sparse="csr", reset=False, order="C")
        return cast("Array | sparse.csr_array", checked)

    @overload
    def kneighbors(
        self,
        X: MatrixLike | None = ...,
        n_neighbors: int | None = ...,
        return_distance: Literal[True] = ...,
    ) -> tuple[Array, Array]: ...
    @overload
    def kneighbors(
        self, X: MatrixLike | None = ..., n_neighbors: int | None = ..., *, return_distance: Literal[False]
    ) -> Array: ...
    @overload
    def kneighbors(
        self, X: MatrixLike | None = ..., n_neighbors: int | None = ..., return_distance: bool = ...
    ) -> tuple[Array, Array] | Array: ...
    def kneighbors(
        self, X: MatrixLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[Array, Array] | Array:
        """Find the nearest training rows of each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), optional
            The queries; without it the training rows, none of which is its own neighbor.
        n_neighbors : int, optional
            Instead of the estimator's own.
        return_distance : bool, default True
            Whether distances are returned besides indices.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors), float64
            Ascending. Only if `return_distance`.
        neigh_ind : ndarray of shape (n_queries, n_neighbors), int64
            Rows of the training data; at equal distance the lower comes first.
        """
        queries = self._queries(X)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if isinstance(k, bool) or not hasattr(k, "__index__"):
            raise TypeError(f"n_neighbors must be an integer; got {k!r} of type {type(k).__name__}")
        available = self.n_samples_fit_ - (queries is None)
        if not 1 <= k <= available:
            raise ParameterError(
                "Expected 1 <= n_neighbors <= n_samples_fit"
                f"{' - 1 (a row is not its own neighbor)' if queries is None else ''}; "
                f"got n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}",
                n_neighbors=k,
                available=available,
            )
        return kneighbors(
            None if queries is None else rows_of(queries),
            rows_of(self._fit_X),
            int(k),
            self.effective_metric_,
            self.memory_limit,
            return_distance,
            p=self.effective_metric_params_.get("p", 2.0),
        )

    def kneighbors_graph(
        self, X: MatrixLike | None = None, n_neighbors: int | None = None, mode: Mode = "connectivity"
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

    def _weighted_neighbors(self, X: MatrixLike | None, weights: Weights) -> tuple[Array, NDArray[np.float64] | None]:
        if weights is None or weights == "uniform":
            return self.kneighbors(X, return_distance=False), None
        distances, indices = self.kneighbors(X)
        return indices, _weights_of(distances, weights)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse values outside what scikit-learn's estimators accept; done when fitting, as there."""
    integers = {"n_neighbors": 1, "leaf_size": 1}
    choices: dict[str, tuple[str, ...]] = {
        "algorithm": _ALGORITHMS,
        "weights": ("uniform", "distance"),
        "ties": ("smallest", "nearest"),
        "metric": METRICS,
    }
    for name, value in parameters.items():
        problem = ""
        if name in integers:
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < integers[name]:
                problem = f"an integer of at least {integers[name]}"
        elif name in choices:
            free = name == "weights" and (value is None or callable(value))
            if not free and value not in choices[name]:
                problem = f"one of {', '.join(choices[name])}"
        elif name == "p" and not (isinstance(value, _NUMBER) and value > 0):
            problem = "a number above 0"
        elif name == "radius" and not (isinstance(value, _NUMBER) and value >= 0):
            problem = "a number of at least 0"
        if problem:
            raise ParameterError(f"{name} must be {problem}; got {value!r}", parameter=name, got=value)


def _effective_metric(
    metric: str, p: float, metric_params: Mapping[str, object] | None
) -> tuple[str, dict[str, float]]:
    """Return the name and the parameters by which distances are computed, as scikit-learn reports them."""
    extra = dict(metric_params or {})
    exponent = extra.pop("p", p)
    if extra or not isinstance(exponent, _NUMBER):
        raise ParameterError(f"metric_params may hold the number p only; got {metric_params!r}", got=metric_params)
    if metric != "minkowski":
        return metric, {}
    found = resolve_metric(metric, float(exponent))
    names = {"l1": "manhattan", "l2": "euclidean", "chebyshev": "chebyshev"}
    if found.kind in names:
        return names[found.kind], {}
    return "minkowski", {"p": float(exponent)}


def _weights_of(distances: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Return the weight of each neighbor; one at distance zero leaves none to those farther off."""
    if callable(weights):
        return np.asarray(weights(distances), dtype=np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / distances
    infinite = np.isinf(inverse)
    rows = infinite.any(axis=1)
    inverse[rows] = infinite[rows]
    return inverse
