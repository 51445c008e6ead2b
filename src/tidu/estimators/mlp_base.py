"""What do the classifier and the regressor have in common: checking, training, and scores by block?

This file knows nothing of labels.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tidu.config import parse_bytes
from tidu.errors import BudgetError, ConvergenceError, DataError, ParameterError
from tidu.estimators.linear_certificate import LinearCertificate, certificate_bytes, certify
from tidu.estimators.mlp_objective import OUTPUTS, Floats, Objective, Params, initial_params
from tidu.estimators.mlp_parameters import PerLayer, network_of
from tidu.estimators.mlp_training import Judged, Problem, Progress, Rule, minimize_by_epochs, minimize_by_lbfgs
from tidu.estimators.mlp_validation import Validation, held_out_rows, split_rows
from tidu.estimators.neighbors_base import MatrixLike
from tidu.learn.history import FitResult

__all__ = ["MLPBase", "Validation", "stochastic_only"]

Array = NDArray[np.generic]

# Scores of so many bytes, of the widest layer, are computed at a time.
_BLOCK_BYTES = 1 << 22


class MLPBase(BaseEstimator):  # type: ignore[misc]
    """What the two estimators have in common."""

    hidden_layer_sizes: Sequence[int] | int
    activation: str | Sequence[str]
    solver: str
    alpha: float
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    loss: str
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: int
    max_fun: int
    dropout: PerLayer
    memory_limit: int | str | None
    threads: int | None

    coefs_: list[Floats]
    intercepts_: list[Floats]
    validation_scores_: list[float] | None
    validation_losses_: list[float] | None
    best_validation_score_: float | None
    best_loss_: float | None
    loss_curve_: list[float]

    @abstractmethod
    def _checked(self, X: MatrixLike, y: ArrayLike, first: bool, incremental: bool) -> tuple[Array, Array]:
        """Return checked rows and raw targets; learn the classes where that is due."""

    @abstractmethod
    def _coded(self, y: Array, dtype: np.dtype[np.generic]) -> Array:
        """Return targets as the loss takes them."""

    @abstractmethod
    def _outputs_of(self, codes: Array) -> int:
        """Return the number of scores of a row."""

    @abstractmethod
    def _indicators(self, codes: Array) -> Array:
        """Return targets of shape (n_samples, n_outputs)."""

    @abstractmethod
    def _row_weights(self, y: Array, sample_weight: Array | None, incremental: bool) -> Array | None:
        """Return the weight of each row."""

    @abstractmethod
    def _loss_of_scores(self) -> str:
        """Return the name of the convex loss of the scores."""

    @abstractmethod
    def _score_outputs(self, outputs: Floats, y: Array, sample_weight: Array | None) -> float:
        """Return how good outputs are for raw targets; higher is better."""

    @abstractmethod
    def _stratified(self, y: Array) -> Array | None:
        """Return the labels whose shares a random split is to keep."""

    def _fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        validation: Validation | None,
        incremental: bool,
    ) -> Self:
        self._validate_params()
        network = network_of(self.hidden_layer_sizes, self.activation, self.dropout)
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        rows, raw = self._checked(X, y, first, incremental)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, rows, dtype=rows.dtype)
        weights = self._row_weights(raw, weights, incremental)
        weights = None if weights is None else weights.astype(rows.dtype)
        random_state = check_random_state(self.random_state)
        codes = self._coded(raw, rows.dtype)
        self.n_outputs_ = self._outputs_of(codes)
        self._objective = Objective(network, self._loss_of_scores(), float(self.alpha))
        if first:
            self._initialize(rows, random_state)
        problem = self._problem(rows, raw, codes, weights, validation, incremental, random_state)
        try:
            self._train(problem, incremental, random_state)
        except ConvergenceError as error:
            raise DataError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to "
                f"be preprocessed. ({error})"
            ) from error
        # The loss of a few rows says nothing of that of all rows there have been.
        self.certificate_ = None if incremental else self._certificate(problem, self._params())
        if self.certificate_ is not None and self.solver == "lbfgs":
            self.loss_ = self.certificate_.loss  # the last one that training saw may have had rounded kinks
        return self

    def _params(self) -> Params:
        return Params(coefs=self.coefs_, intercepts=self.intercepts_)

    def _initialize(self, rows: Array, random_state: np.random.RandomState) -> None:
        params = initial_params(self._objective.network, rows.shape[1], self.n_outputs_, rows.dtype, random_state)
        self.coefs_, self.intercepts_ = params["coefs"], params["intercepts"]
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = OUTPUTS.get(self._objective.loss, "identity")
        self._progress = Progress(self.learning_rate_init)
        self.n_iter_ = self.t_ = 0
        self.optimizer_state_: FitResult | None = None

    def _dense(self, rows: Array) -> Array:
        """Return rows as a dense array; training gathers its batches from it."""
        if not _is_sparse(rows):
            return rows
        needed = rows.shape[0] * rows.shape[1] * rows.dtype.itemsize
        if self.memory_limit is not None and needed > parse_bytes(self.memory_limit):
            raise BudgetError(
                f"training makes sparse X of shape {rows.shape} dense, which takes {needed:,} bytes, but memory_limit "
                f"is {parse_bytes(self.memory_limit):,}; give a larger limit, or partial_fit parts of the rows",
                needed=needed,
                limit=parse_bytes(self.memory_limit),
            )
        return _dense_block(rows, slice(None))

    def _problem(
        self,
        given: Array,
        raw: Array,
        codes: Array,
        weights: Array | None,
        validation: Validation | None,
        incremental: bool,
        random_state: np.random.RandomState,
    ) -> Problem:
        """Set rows for validation apart, and gather what training needs."""
        rows = self._dense(given)
        held: tuple[Array, Array, Array | None] | None = None
        kept: NDArray[np.intp] | None = None
        if validation is not None:
            held = self._own_validation(validation)
        elif self.early_stopping and self.solver != "lbfgs":
            if incremental:
                apart, kept = held_out_rows(rows, self.validation_fraction)
            else:
                apart, kept = split_rows(len(rows), self.validation_fraction, self._stratified(raw), random_state)
            if len(apart):
                held = (rows[apart], raw[apart], None if weights is None else weights[apart])
        columns = [rows, codes] if weights is None else [rows, codes, weights]
        if kept is not None:
            columns = [column[kept] for column in columns]
        copied = list(columns) if kept is not None else []
        copied += [x for x in held or () if x is not None] if validation is None else []
        dense_bytes = rows.nbytes if _is_sparse(given) else 0
        copied_bytes = dense_bytes + sum(x.nbytes for x in copied)
        if not self._objective.network.hidden:
            copied_bytes += certificate_bytes(rows, self.n_outputs_, self.alpha)
        return Problem(self._objective, tuple(columns), held, copied_bytes)

    def _own_validation(self, validation: Validation) -> tuple[Array, Array, Array | None]:
        if len(validation) not in (2, 3):
            raise ParameterError("validation must be (X, y) or (X, y, sample_weight)", got=type(validation))
        X, y, *weights = validation
        rows = validate_data(self, X, accept_sparse=("csr", "csc"), dtype=(np.float64, np.float32), reset=False)
        targets = np.asarray(y)
        targets = targets.ravel() if targets.ndim == 2 and targets.shape[1] == 1 else targets
        if len(targets) != rows.shape[0]:
            raise ParameterError(
                f"validation has {rows.shape[0]} rows, but {len(targets)} targets",
                expected=rows.shape[0],
                got=len(targets),
            )
        checked = _check_sample_weight(weights[0], rows, dtype=rows.dtype) if weights else None
        return (rows.tocsr() if _is_sparse(rows) else rows), targets, checked

    def _train(self, problem: Problem, incremental: bool, random_state: np.random.RandomState) -> None:
        params = self._params()
        if self.solver == "lbfgs":
            result, self.loss_curve_, converged = minimize_by_lbfgs(self, problem, params, self._prover(problem))
            self.n_iter_ = len(self.loss_curve_)
            judge = self._judge(problem)
            if judge is not None:
                score, loss = judge(result.last_params)
                self.validation_scores_, self.validation_losses_ = [score], [loss]
                self.best_validation_score_ = score
            if not converged:
                _warn_of_limit("lbfgs", self.max_iter)
        else:
            rule = self._rule(problem)
            if not incremental:
                self._progress.learning_rate = self.learning_rate_init
                self.optimizer_state_ = None
            epochs = 1 if incremental else self.max_iter
            result = minimize_by_epochs(self, problem, params, rule, epochs, self.optimizer_state_, random_state)
            self.optimizer_state_ = result
            self._report(rule)
            if result.stopped == "interrupted":
                warnings.warn("Training interrupted by user.", stacklevel=4)
            elif not incremental and self.n_iter_ == self.max_iter and not rule.converged:
                _warn_of_limit("Stochastic Optimizer", self.max_iter)
        self._take(result, incremental)

    def _take(self, result: FitResult, incremental: bool) -> None:
        """Make what training found the model; with early stopping the best of it."""
        found = cast("Params", result.last_params)
        best = cast("Params | None", self._progress.best_params)
        stochastic = self.solver != "lbfgs"
        self.stopped_early_ = bool(stochastic and self.early_stopping and self._progress.waited > self.n_iter_no_change)
        if stochastic and self.early_stopping and best is not None and (self.stopped_early_ or not incremental):
            found = best
            self._progress.waited = 0 if incremental else self._progress.waited
        self.coefs_, self.intercepts_ = list(found["coefs"]), list(found["intercepts"])
        if result.history:
            self.loss_ = result.history[-1].loss

    def _judge(self, problem: Problem) -> Callable[[object], Judged] | None:
        """Return what scores params on the validation rows, if there are any."""
        if problem.held is None:
            return None
        rows, raw, weights = problem.held
        codes = self._coded(raw, rows.dtype)

        def judge(params: object) -> Judged:
            now = cast("Params", params)
            outputs = self._blockwise(rows, now, linked=True)
            return self._score_outputs(outputs, raw, weights), self._mean_loss(now, rows, codes, weights)

        return judge

    def _rule(self, problem: Problem) -> Rule:
        judge = self._judge(problem)
        return Rule(
            progress=self._progress,
            n_rows=len(problem.columns[0]),
            learning_rate=self.learning_rate_init,
            power_t=self.power_t,
            schedule=self.learning_rate if self.solver == "sgd" else "constant",  # type: ignore[arg-type]
            tol=self.tol,
            patience=self.n_iter_no_change,
            judge=judge,
            stops_on_score=self.early_stopping and judge is not None,
            verbose=bool(self.verbose),
        )

    def _mean_loss(self, params: Params, rows: Array, codes: Array, weights: Array | None) -> float:
        """Return the mean loss of rows without penalty, a block at a time."""
        total = whole = 0.0
        for part in self._blocks(rows):
            batch = (_dense_block(rows, part), codes[part], *([] if weights is None else [weights[part]]))
            share = float(len(codes[part]) if weights is None else weights[part].sum())
            total += share * float(cast("float", self._objective.data_loss(params, batch)))
            whole += share
        return total / whole if whole else 0.0

    def _report(self, rule: Rule) -> None:
        """Set the attributes that tell how stochastic training went."""
        now = self._progress
        self.n_iter_ = rule.n_iter
        self.t_ = now.samples_seen
        self.loss_curve_ = now.losses
        judged = bool(now.scores)
        self.validation_scores_ = now.scores if judged or self.early_stopping else None
        self.validation_losses_ = now.validation_losses if judged or self.early_stopping else None
        self.best_validation_score_ = now.best_score if judged else None
        self.best_loss_ = None if self.early_stopping else now.best_loss

    def _certificate(self, problem: Problem, params: Params) -> LinearCertificate | None:
        """Return how far a linear model is from the minimum over the rows it was trained on."""
        rows, codes, *weights = problem.columns
        if self._objective.network.hidden or (weights and not _has_weight(weights[0])):
            return None
        return certify(
            self._objective.loss,
            rows,
            self._indicators(codes),
            weights[0] if weights else None,
            params["coefs"][0],
            params["intercepts"][0],
            float(self.alpha),
            float(self.tol),
        )

    def _prover(self, problem: Problem) -> Callable[[Params], bool] | None:
        """Return what tells whether a linear model's weights are proved to be the minimum."""
        if self._objective.network.hidden:
            return None

        def proved(params: Params) -> bool:
            found = self._certificate(problem, params)
            return found is not None and found.is_global_minimum

        return proved

    def _blocks(self, rows: Array) -> list[slice]:
        widest = max([rows.shape[1], *[coef.shape[1] for coef in self.coefs_]])
        step = max(1, _BLOCK_BYTES // (widest * self.coefs_[0].itemsize))
        return [slice(start, start + step) for start in range(0, rows.shape[0], step)]

    def _blockwise(self, rows: Array, params: Params, *, linked: bool) -> Floats:
        """Return outputs (`linked`) or scores of rows, a block at a time; sparse blocks are made dense."""
        run = self._objective.outputs if linked else self._objective.scores
        found = [run(params, cast("Floats", _dense_block(rows, part))) for part in self._blocks(rows)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _forward(self, X: MatrixLike, *, linked: bool) -> Floats:
        check_is_fitted(self)
        rows = validate_data(self, X, accept_sparse=("csr", "csc"), dtype=(np.float64, np.float32), reset=False)
        rows = rows.tocsr() if _is_sparse(rows) else rows
        return self._blockwise(rows, self._params(), linked=linked)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def stochastic_only(estimator: MLPBase) -> bool:
    """Refuse the solver that cannot go on from where it was."""
    if estimator.solver not in ("sgd", "adam"):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def _has_weight(weights: Array) -> bool:
    """Return whether a weighted mean is one: no weight negative, not all zero."""
    return bool((np.asarray(weights, np.float64) >= 0.0).all() and weights.any())


def _is_sparse(rows: object) -> bool:
    return bool(sparse.issparse(rows))


def _dense_block(rows: Array, part: slice) -> Array:
    block = rows[part]
    return cast("sparse.csr_array", block).toarray() if _is_sparse(block) else block


def _warn_of_limit(solver: str, max_iter: int) -> None:
    warnings.warn(
        f"{solver}: Maximum iterations ({max_iter}) reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=5,
    )
