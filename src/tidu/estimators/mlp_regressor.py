"""What is `MLPRegressor`: its parameters, targets and predictions.

Drop-in for scikit-learn's of the same name. This file knows nothing of how training goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from tidu.errors import DataError
from tidu.estimators.mlp_base import MLPBase, Validation, stochastic_only
from tidu.estimators.mlp_objective import Floats
from tidu.estimators.mlp_parameters import CONSTRAINTS, REGRESSOR_LOSSES, PerLayer
from tidu.estimators.neighbors_base import MatrixLike

__all__ = ["MLPRegressor"]

Array: TypeAlias = NDArray[np.generic]


class MLPRegressor(RegressorMixin, MLPBase):  # type: ignore[misc]
    """A network, or without hidden layers a linear model, that predicts numbers.

    Drop-in for `sklearn.neural_network.MLPRegressor`: the same `random_state` gives its weights, up to
    rounding. What is added comes after `max_fun`, and two losses.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, default "squared_error"
        Half the squared difference; its absolute value; Huber's loss, which turns into lines at a difference
        of 1; half the Poisson deviance of ``exp(score)``, for targets that are not negative.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, \
    max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
    early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout, \
    memory_limit, threads
        As for `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, n_iter_, t_, loss_, \
    loss_curve_, best_loss_, validation_losses_, stopped_early_, optimizer_state_, certificate_
        As for `MLPClassifier`.
    out_activation_ : str
        "identity", or "exp" for "poisson".
    validation_scores_, best_validation_score_
        The coefficient of determination R2 on the validation rows, epoch by epoch, and the best.

    Notes
    -----
    Of several outputs the losses are added up. scikit-learn's gradient does so too; the squared loss that it
    reports is their mean.

    Examples
    --------
    >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0, tol=1e-8)
    >>> model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[10.0]]).round(3)
    array([21.])
    >>> model.certificate_.is_global_minimum
    True
    """

    _parameter_constraints: ClassVar[Mapping[str, list[object]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions(set(REGRESSOR_LOSSES))],
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        """Learn weights from rows and targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is trained in float32, all else in float64. Sparse rows are made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
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
        *,
        validation: Validation | None = None,
    ) -> Self:
        """Go over the rows once, from the weights and the optimizer's state of the last call.

        Parameters
        ----------
        X, y, sample_weight, validation
            As for `fit`. With `early_stopping` and without validation rows, rows are set apart by what they
            hold: a row that comes again is set apart again.

        Notes
        -----
        With `early_stopping`, once the score has not improved for `n_iter_no_change` calls the best weights
        are restored and `stopped_early_` is True; a further call goes on from them.
        """
        return self._fit(X, y, sample_weight, validation, incremental=True)

    def predict(self, X: MatrixLike) -> Floats:
        """Return a prediction for each row, of shape (n_samples,) or (n_samples, n_outputs)."""
        return self._shaped(self._forward(X, linked=True))

    @staticmethod
    def _shaped(outputs: Floats) -> Floats:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _checked(self, X: MatrixLike, y: ArrayLike, first: bool, incremental: bool) -> tuple[Array, Array]:
        rows, targets = validate_data(
            self,
            X,
            y,
            accept_sparse=("csr", "csc"),
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=first,
        )
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        if self.loss == "poisson" and (targets < 0).any():
            raise DataError("Some value(s) of y are negative; loss='poisson' needs y >= 0", got=targets.min())
        return rows, targets

    def _coded(self, y: Array, dtype: np.dtype[np.generic]) -> Array:
        return (y[:, None] if y.ndim == 1 else y).astype(dtype)

    def _outputs_of(self, codes: Array) -> int:
        return int(codes.shape[1])

    def _indicators(self, codes: Array) -> Array:
        return codes

    def _row_weights(self, y: Array, sample_weight: Array | None, incremental: bool) -> Array | None:
        return sample_weight

    def _loss_of_scores(self) -> str:
        return self.loss

    def _score_outputs(self, outputs: Floats, y: Array, sample_weight: Array | None) -> float:
        return float(r2_score(y, self._shaped(outputs), sample_weight=sample_weight))

    def _stratified(self, y: Array) -> Array | None:
        return None
