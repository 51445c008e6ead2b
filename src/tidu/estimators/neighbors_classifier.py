"""Which class do the nearest neighbors vote for: scikit-learn's `KNeighborsClassifier` on `tidu.neighbors`.

This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.estimators.neighbors_ballots import VotingBase
from tidu.estimators.neighbors_base import Where
from tidu.estimators.neighbors_parameters import Ties, Weights
from tidu.estimators.neighbors_rows import RowsLike, is_on_disk
from tidu.estimators.neighbors_targets import (
    TargetLike,
    checked_weights,
    codes_of,
    extended_weights,
    read_targets,
    target_array,
)
from tidu.estimators.neighbors_voting import vote_bytes, votes_of, winners
from tidu.neighbors.metrics import Array

__all__ = ["KNeighborsClassifier"]


class KNeighborsClassifier(ClassifierMixin, VotingBase):  # type: ignore[misc]
    """Vote of the nearest neighbors, as `sklearn.neighbors.KNeighborsClassifier`.

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbors that vote.
    weights : {"uniform", "distance"}, callable or None, default "uniform"
        The weight of a vote: one, the inverse distance, or what a function makes of the distances. (The
        function is called with those of a few queries at a time, of shape (n, n_neighbors).)
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As for `NearestNeighbors`.
    memory_limit : int or str, optional
        The most that searching, counting votes and the predictions may allocate together.
    ties : {"smallest", "nearest"}, default "smallest"
        Who wins if votes are equal: the first of the sorted labels, as in scikit-learn, or that of the
        nearest neighbor among those in the tie.

    Examples
    --------
    >>> model = KNeighborsClassifier(n_neighbors=2).fit([[0], [1], [4]], ["b", "a", "b"])
    >>> model.predict([[0.4]]), model.set_params(ties="nearest").predict([[0.4]])
    (array(['a'], dtype='<U1'), array(['b'], dtype='<U1'))
    """

    kind = "k-neighbors-classifier"

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

    def fit(self, X: RowsLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Keep the rows that vote and their labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), path or BlockSource
            Training rows; those of a path or a source stay where they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), path or BlockSource
            Labels of any kind; read into memory.
        sample_weight : array-like of shape (n_samples,), optional
            A neighbor's vote is multiplied by its weight. A row of weight 0 still takes its place among the
            neighbors; use `where` to leave rows out.
        """
        if is_on_disk(X):
            rows = self._open(X)
            labels = target_array(y, rows.shape[0])
        else:
            given = read_targets(y) if is_on_disk(y) else y
            rows, labels = validate_data(self, X, given, accept_sparse="csr", multi_output=True, order="C")
        if labels.ndim == 2 and labels.shape[1] == 1:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected; use y.ravel()",
                DataConversionWarning,
                stacklevel=2,
            )
        check_classification_targets(labels)
        self._sample_weight = checked_weights(sample_weight, labels)
        self.outputs_2d_ = labels.ndim == 2 and labels.shape[1] > 1
        self._y, classes = codes_of(labels)
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        return self._store(rows, X)

    def add(self, X: RowsLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Append rows that vote; labels unseen before extend `classes_`.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. Rows that were given no weight weigh 1.
        """
        rows = self._append(X)
        n_new = rows.shape[0] - self.n_samples_fit_
        labels = target_array(y, n_new)
        check_classification_targets(labels)
        old = self._classes_of_outputs()
        columns = labels.reshape(n_new, -1)
        if columns.shape[1] != len(old):
            raise ShapeError(
                f"y has {columns.shape[1]} outputs, the estimator was fitted with {len(old)}",
                expected=len(old),
                got=columns.shape[1],
            )
        if any((labels.dtype.kind in "UO") != (known.dtype.kind in "UO") for known in old):
            raise DtypeError(
                f"y has dtype {labels.dtype}, the estimator was fitted with {old[0].dtype}; give labels of one kind",
                expected=str(old[0].dtype),
                got=str(labels.dtype),
            )
        weights = extended_weights(
            self._sample_weight, self.n_samples_fit_, checked_weights(sample_weight, labels), n_new
        )
        classes = [np.union1d(known, column) for known, column in zip(old, columns.T, strict=True)]
        codes = np.empty((rows.shape[0], len(classes)), np.intp)
        for output, labels_now in enumerate(classes):
            moved = np.searchsorted(labels_now, old[output])
            codes[: self.n_samples_fit_, output] = moved[self._y[:, output]]
            codes[self.n_samples_fit_ :, output] = np.searchsorted(labels_now, columns[:, output])
        self._y, self._sample_weight = codes, weights
        self.classes_ = classes if self.outputs_2d_ else classes[0]
        return self._keep_appended(rows)

    def predict(self, X: RowsLike | None, *, where: Where = None) -> Array:
        """Return the label with most votes for each query.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_queries, n_features), path, BlockSource or None
            The queries; None for the training rows, each of which is left out of its own vote.
        where : array-like, optional
            A boolean mask of shape (n_samples_fit,), or numbers of training rows: only these vote.

        Returns
        -------
        ndarray of shape (n_queries,) or (n_queries, n_outputs)
            Labels.
        """
        check_is_fitted(self, "n_samples_fit_")
        classes = self._classes_of_outputs()
        column_bytes = vote_bytes(max(map(len, classes)))
        n_queries, ballots = self._ballots(
            X, self.weights, where, column_bytes, sum(labels.dtype.itemsize for labels in classes)
        )
        predicted = np.empty((n_queries, len(classes)), np.result_type(*classes))
        for ballot in ballots:
            for output, labels in enumerate(classes):
                codes = self._y[ballot.indices, output]
                votes = votes_of(codes, ballot.weights, len(labels))
                predicted[ballot.queries, output] = labels[winners(codes, votes, self.ties)]
        return predicted if self.outputs_2d_ else predicted[:, 0]

    def predict_proba(self, X: RowsLike | None, *, where: Where = None) -> Array | list[Array]:
        """Return the share of votes of each class, in the order of `classes_`.

        Parameters
        ----------
        X, where
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_queries, n_classes), or a list of them, one for each output
            Each row sums to one.
        """
        check_is_fitted(self, "n_samples_fit_")
        classes = self._classes_of_outputs()
        column_bytes = vote_bytes(max(map(len, classes)))
        n_queries, ballots = self._ballots(X, self.weights, where, column_bytes, 8 * sum(map(len, classes)))
        shares = [np.empty((n_queries, len(labels))) for labels in classes]
        for ballot in ballots:
            for output, share in enumerate(shares):
                votes = votes_of(self._y[ballot.indices, output], ballot.weights, share.shape[1])
                share[ballot.queries] = votes / votes.sum(axis=1, keepdims=True)
        return shares if self.outputs_2d_ else shares[0]

    def score(self, X: RowsLike | None, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy; with X=None that of leaving each training row out of its own vote."""
        return float(super().score(X, read_targets(y) if is_on_disk(y) else y, sample_weight))

    def saved_state(self) -> tuple[dict[str, object], dict[str, Array]]:
        """Return labels as codes, and the classes: numbers as arrays, text as JSON."""
        names: list[list[str] | None] = []
        tensors: dict[str, Array] = {"codes": self._y.astype(np.int64)}
        for output, labels in enumerate(self._classes_of_outputs()):
            is_text = labels.dtype.kind == "U" or (labels.dtype.kind == "O" and all(isinstance(x, str) for x in labels))
            if not is_text and labels.dtype.kind not in "biuf":
                raise ParameterError(
                    f"labels of dtype {labels.dtype} cannot be saved without pickle; fit with numbers or text",
                    got=str(labels.dtype),
                )
            names.append([str(label) for label in labels] if is_text else None)
            if not is_text:
                tensors[f"classes.{output}"] = labels
        return {"classes": names, "outputs_2d": self.outputs_2d_}, tensors

    def restore_state(self, facts: Mapping[str, object], tensors: Mapping[str, Array]) -> None:
        """Take over labels and classes, after comparing them with each other."""
        names, outputs_2d, codes = facts.get("classes"), facts.get("outputs_2d"), tensors.get("codes")
        if not isinstance(names, list) or not names or not isinstance(outputs_2d, bool) or codes is None:
            raise ParameterError("it lacks classes, outputs_2d or codes")
        if outputs_2d != (len(names) > 1) or codes.shape[1:] != (len(names),) or codes.dtype != np.int64:
            raise ParameterError("the codes of labels do not fit the classes")
        classes = [_classes(known, tensors.get(f"classes.{output}")) for output, known in enumerate(names)]
        for output, labels in enumerate(classes):
            if not (codes[:, output].min() >= 0 and codes[:, output].max() < len(labels)):
                raise ParameterError("a code of a label is outside the classes")
        self._y = codes.astype(np.intp)
        self.outputs_2d_ = outputs_2d
        self.classes_ = classes if outputs_2d else classes[0]

    def _classes_of_outputs(self) -> list[Array]:
        return self.classes_ if isinstance(self.classes_, list) else [self.classes_]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _classes(names: object, numbers: Array | None) -> Array:
    """Return sorted classes of one output, given as text or as numbers."""
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        found: Array = np.array(names)
    elif names is None and numbers is not None and numbers.ndim == 1:
        found = numbers
    else:
        raise ParameterError("the classes are neither text nor numbers")
    if not len(found) or not np.array_equal(np.unique(found), found):
        raise ParameterError("the classes are not sorted, or not different")
    return found
