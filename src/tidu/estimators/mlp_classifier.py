"""What is `MLPClassifier`: its parameters, labels and predictions.

Drop-in for scikit-learn's of the same name. This file knows nothing of how training goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags, column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from tidu.errors import ParameterError
from tidu.estimators.mlp_base import MLPBase, Validation, stochastic_only
from tidu.estimators.mlp_objective import Floats
from tidu.estimators.mlp_parameters import CLASSIFIER_LOSSES, CONSTRAINTS, PerLayer
from tidu.estimators.mlp_targets import ClassWeight, LabelCoder
from tidu.estimators.neighbors_base import MatrixLike

__all__ = ["MLPClassifier"]

Array: TypeAlias = NDArray[np.generic]


def _has_probabilities(estimator: MLPBase) -> bool:
    if estimator.loss != "log_loss":
        raise AttributeError(f"probabilities come with loss='log_loss' only; loss is {estimator.loss!r}")
    return True


class MLPClassifier(ClassifierMixin, MLPBase):  # type: ignore[misc]
    """A network, or without hidden layers a linear model, that tells classes apart.

    Drop-in for `sklearn.neural_network.MLPClassifier`: the same `random_state` gives its weights, up to
    rounding. What is added comes after `max_fun`.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (100,)
        Neurons of each hidden layer; ``()`` gives the linear score function ``X W + b``.
    activation : str or sequence of str, default "relu"
        Of the hidden layers, all the same or one for each: scikit-learn's "identity", "logistic", "tanh",
        "relu", or another of `tidu.nn.ACTIVATIONS`.
    solver : {"adam", "sgd", "lbfgs"}, default "adam"
        L-BFGS takes all rows at once; of a linear model it goes on until `max_iter`, or until the minimum
        is certified.
    alpha : float, default 1e-4
        Strength of the L2 penalty on the weights: ``alpha / (2 n) ||W||^2`` for a batch of n rows.
    batch_size : int or "auto", default "auto"
        Rows of a step; "auto" is 200, or all if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        How "sgd" changes its learning rate.
    learning_rate_init : float, default 1e-3
    power_t : float, default 0.5
        Exponent of "invscaling".
    max_iter : int, default 200
        Epochs of "adam" and "sgd", iterations of "lbfgs".
    shuffle : bool, default True
    random_state : int, RandomState or None, default None
    tol : float, default 1e-4
        What counts as an improvement of the loss or score; of "lbfgs" the largest partial derivative
        at the end; of `certificate_` the relative gap that counts as none.
    verbose : bool, default False
    warm_start : bool, default False
        Start from the weights of the last `fit`.
    momentum, nesterovs_momentum
        Of "sgd"; 0.9 and True.
    early_stopping : bool, default False
        Stop when the score on validation rows does not improve; the best weights are kept.
    validation_fraction : float, default 0.1
        Share of rows to set apart, unless `fit` is given validation rows.
    beta_1, beta_2, epsilon
        Of "adam"; 0.9, 0.999 and 1e-8.
    n_iter_no_change : int, default 10
        Epochs to wait for an improvement.
    max_fun : int, default 15000
        Bound on the iterations of "lbfgs", besides `max_iter`.
    loss : {"log_loss", "hinge", "squared_error"}, default "log_loss"
        Cross-entropy; the multiclass hinge ``sum over j != y of max(0, 1 + s_j - s_y)``; half the squared
        distance of the scores to indicators of the classes.
    class_weight : dict, "balanced" or None, default None
        Weight of each class, times that of the row. "balanced" gives classes the same total weight.
    dropout : float or sequence of float, default 0.0
        Share of each hidden layer's outputs left out in a training step, one for all or one for each.
    memory_limit : int or str, optional
        The most that training may allocate, in bytes or as ``"64MB"``.
    threads : int, optional
        Accepted; now NumPy's BLAS decides.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights of shape (in, out) and intercepts, layer by layer.
    classes_ : ndarray
    n_features_in_, n_layers_, n_outputs_, n_iter_, t_ : int
        As in scikit-learn; `t_` counts rows seen.
    feature_names_in_ : ndarray of str
        If X had names.
    out_activation_ : str
        "softmax", "logistic" or "identity".
    loss_ : float
        Training loss of the last epoch.
    loss_curve_ : list of float
        Training loss of each epoch.
    best_loss_ : float or None
    validation_scores_, validation_losses_ : list of float or None
        Accuracy and loss without penalty on the validation rows, epoch by epoch.
    best_validation_score_ : float or None
    stopped_early_ : bool
        Whether early stopping ended the last call; after `partial_fit` the best weights are then in place.
    optimizer_state_ : FitResult or None
        What `partial_fit` goes on from.
    certificate_ : LinearCertificate or None
        Without hidden layers: how far the loss is from its global minimum.

    Examples
    --------
    >>> model = MLPClassifier((), solver="lbfgs", alpha=1.0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> model.predict([[0.4], [2.6]]), model.certificate_.is_global_minimum
    (array([0, 1]), True)
    """

    _parameter_constraints: ClassVar[Mapping[str, list[object]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(CLASSIFIER_LOSSES))],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        loss: str = "log_loss",
        class_weight: ClassWeight = None,
        dropout: PerLayer = 0.0,
        memory_limit: int | str | None = None,
        threads: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.class_weight = class_weight
        self.dropout = dropout
        self.memory_limit = memory_limit
        self.threads = threads

    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Learn weights from rows and labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is trained in float32, all else in float64. Sparse rows are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, or indicators of several labels for each row.
        sample_weight : array-like of shape (n_samples,), optional
        validation : tuple, optional
            ``(X, y)`` or ``(X, y, sample_weight)`` that judge each epoch, and decide with `early_stopping`.

        Raises
        ------
        DataError
            If weights do not stay finite.
        BudgetError
            If `memory_limit` is too small.
        """
        return self._fit(X, y, sample_weight, validation, incremental=False)

    @available_if(stochastic_only)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Go over the rows once, from the weights and the optimizer's state of the last call.

        Parameters
        ----------
        X, y, sample_weight, validation
            As for `fit`. With `early_stopping` and without validation rows, rows are set apart by what they
            hold: a row that comes again is set apart again.
        classes : array-like of shape (n_classes,), optional
            All labels there will be; needed in the first call.

        Notes
        -----
        With `early_stopping`, once the score has not improved for `n_iter_no_change` calls the best weights
        are restored and `stopped_early_` is True; a further call goes on from them.
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._coder = LabelCoder.of(y if multilabel else np.asarray(classes))
        return self._fit(X, y, sample_weight, validation, incremental=True)

    def decision_function(self, X: MatrixLike) -> Floats:
        """Return the scores: shape (n_samples, n_classes), or (n_samples,) for two classes.

        Of two classes the second is predicted above 0 ("squared_error": above 0.5, its mark being 1).
        """
        scores = self._forward(X, linked=False)
        return scores.ravel() if self.n_outputs_ == 1 else scores

    def predict(self, X: MatrixLike) -> Array:
        """Return the label of each row, or the indicators of its labels."""
        return self._labels(self._forward(X, linked=True))

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: MatrixLike) -> Floats:
        """Return the probability of each class, in the order of `classes_`."""
        found = self._forward(X, linked=True)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: MatrixLike) -> Floats:
        """Return the logarithm of `predict_proba`."""
        return cast("Floats", np.log(self.predict_proba(X)))

    def _labels(self, outputs: Floats) -> Array:
        return self._coder.decode(outputs, 0.0 if self.loss == "hinge" else 0.5)

    def _checked(self, X: MatrixLike, y: ArrayLike, first: bool, incremental: bool) -> tuple[Array, Array]:
        rows, labels = validate_data(
            self,
            X,
            y,
            accept_sparse=("csr", "csc"),
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=first,
        )
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._coder = LabelCoder.of(labels)
            self.classes_ = self._coder.classes
            return rows, labels
        classes = unique_labels(labels)
        if self.warm_start and set(classes) != set(self.classes_):
            raise ParameterError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}",
                expected=self.classes_,
                got=classes,
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ParameterError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}.",
                expected=self.classes_,
                got=classes,
            )
        return rows, labels

    def _coded(self, y: Array, dtype: np.dtype[np.generic]) -> Array:
        codes = self._coder.encode(y)
        if self.loss == "squared_error":
            codes = self._coder.indicators(codes)
        return codes if codes.ndim == 1 else codes.astype(dtype)

    def _outputs_of(self, codes: Array) -> int:
        return self._coder.n_outputs

    def _indicators(self, codes: Array) -> Array:
        return self._coder.indicators(codes)

    def _row_weights(self, y: Array, sample_weight: Array | None, incremental: bool) -> Array | None:
        if incremental and self.class_weight == "balanced":
            raise ParameterError(
                "class_weight='balanced' needs all rows at once; for partial_fit give a dict, such as that of "
                "sklearn.utils.class_weight.compute_class_weight over all labels"
            )
        return self._coder.weights(self.class_weight, y, sample_weight)

    def _loss_of_scores(self) -> str:
        multiclass = self._coder.kind == "multiclass"
        names = {
            "log_loss": "softmax" if multiclass else "logistic",
            "hinge": "multiclass_hinge" if multiclass else "hinge",
        }
        return names.get(self.loss, self.loss)

    def _score_outputs(self, outputs: Floats, y: Array, sample_weight: Array | None) -> float:
        return float(accuracy_score(y, self._labels(outputs), sample_weight=sample_weight))

    def _stratified(self, y: Array) -> Array | None:
        return y if self.n_outputs_ == 1 else None

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
