"""When does training go on, slow down and stop, and which rows does each step take?

The rules are scikit-learn's: rows are shuffled by the same draws, so that the same `random_state` takes the
same way. The training itself is `tidu.learn.fit`. This file knows nothing of what is learned.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.config import parse_bytes
from tidu.errors import BudgetError
from tidu.estimators.mlp_objective import ROUNDED, Objective, Params
from tidu.estimators.mlp_optimizers import ScikitAdam, ScikitSGD
from tidu.learn.fit import fit
from tidu.learn.history import EpochRecord, FitResult
from tidu.learn.lbfgs import LBFGS
from tidu.learn.optimizers import Optimizer, Tree
from tidu.learn.schedules import Rates, Run, Steps

__all__ = ["Judged", "Problem", "Progress", "Rate", "Rule", "minimize_by_epochs", "minimize_by_lbfgs"]

Judged: TypeAlias = tuple[float, float]
"""Score (higher is better) and loss on the validation rows."""

_LOWEST_RATE = 1e-6
# Row numbers are handed over for some epochs at a time, so that they never fill the memory.
_ORDER_BYTES = 1 << 22
_LARGEST_SEED = 2**31 - 1
# Stages of a linear model's training: rounding of kinks, and the share of `tol` that is gone down to.
_WIDTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
_TIGHTER = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
_EPS_64 = float(np.finfo(np.float64).eps)


@dataclass(slots=True)
class Progress:
    """What has happened so far; `partial_fit` and `warm_start` carry it on.

    Attributes
    ----------
    losses : list of float
        Mean training loss of each epoch.
    scores, validation_losses : list of float
        On the validation rows after each epoch.
    best_loss, best_score : float
    best_params : nested arrays or None
        Those with the best score.
    waited : int
        Epochs without improvement.
    samples_seen : int
        Rows of all epochs.
    learning_rate : float
        Of the next epoch.
    """

    learning_rate: float
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf
    best_params: Tree | None = None
    waited: int = 0
    samples_seen: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """The learning rate as a schedule: what the rule has set at the end of the last epoch."""

    progress: Progress

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return the same rate for each step of an epoch."""
        return np.full(np.shape(steps), self.progress.learning_rate)


@dataclass(slots=True)
class Rule:
    """scikit-learn's rule at the end of an epoch, as a callback of `fit`.

    Attributes
    ----------
    progress : Progress
    n_rows : int
        Training rows.
    learning_rate, power_t, schedule
        The estimator's `learning_rate_init`, `power_t` and `learning_rate` (as "constant" for Adam).
    tol, patience
        The estimator's `tol` and `n_iter_no_change`.
    judge : callable or None
        ``judge(params)`` -> score and loss on validation rows.
    stops_on_score : bool
        Whether the score decides, else the training loss.
    verbose : bool
        Whether each epoch is printed.
    n_iter : int
        Epochs of this run.
    converged : bool
        Whether it was the rule that ended the run.
    """

    progress: Progress
    n_rows: int
    learning_rate: float
    power_t: float
    schedule: Literal["constant", "invscaling", "adaptive"]
    tol: float
    patience: float
    judge: Callable[[Tree], Judged] | None
    stops_on_score: bool
    verbose: bool
    n_iter: int = 0
    converged: bool = False

    def __call__(self, record: EpochRecord, params: Tree) -> bool:
        """Take note of an epoch; return whether it was the last."""
        now = self.progress
        self.n_iter += 1
        now.losses.append(record.loss)
        now.samples_seen += self.n_rows
        self._say(f"Iteration {self.n_iter}, loss = {record.loss:.8f}")
        self._judge(params)
        if self.stops_on_score:
            what = "Validation score"
        else:
            what = "Training loss"
            now.waited = now.waited + 1 if record.loss > now.best_loss - self.tol else 0
            now.best_loss = min(now.best_loss, record.loss)
        if self.schedule == "invscaling":
            now.learning_rate = self.learning_rate / (now.samples_seen + 1) ** self.power_t
        if now.waited <= self.patience:
            return False
        message = f"{what} did not improve more than tol={self.tol:f} for {self.patience} consecutive epochs."
        self.converged = self._ends(message)
        now.waited = now.waited if self.converged else 0
        return self.converged

    def _judge(self, params: Tree) -> None:
        """Score the parameters on the validation rows and keep them if they are the best."""
        if self.judge is None:
            return
        now = self.progress
        score, loss = self.judge(params)
        now.scores.append(score)
        now.validation_losses.append(loss)
        self._say(f"Validation score: {score:f}")
        if self.stops_on_score:
            now.waited = now.waited + 1 if score < now.best_score + self.tol else 0
        if score > now.best_score:
            now.best_score, now.best_params = score, params

    def _ends(self, message: str) -> bool:
        now = self.progress
        if self.schedule != "adaptive":
            self._say(f"{message} Stopping.")
            return True
        if now.learning_rate <= _LOWEST_RATE:
            self._say(f"{message} Learning rate too small. Stopping.")
            return True
        now.learning_rate /= 5.0
        self._say(f"{message} Setting learning rate to {now.learning_rate:f}")
        return False

    def _say(self, line: str) -> None:
        if self.verbose:
            sys.stdout.write(line + "\n")


def shuffled_steps(
    rows: NDArray[np.intp], batch_size: int, epochs: int, random_state: np.random.RandomState
) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each step of some epochs; each epoch shuffles the order of the one before.

    Parameters
    ----------
    rows : ndarray of int
        The order so far; changed in place.
    batch_size, epochs : int
    random_state : RandomState
    """
    for _ in range(epochs):
        # As sklearn.utils.shuffle does, without its checks.
        places = np.arange(len(rows))
        random_state.shuffle(places)
        rows[:] = rows[places]
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size].copy()


class Settings(Protocol):
    """The estimator's parameters that training reads, by scikit-learn's names."""

    solver: str
    alpha: float
    batch_size: int | str
    max_iter: int
    shuffle: bool
    tol: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    max_fun: int
    memory_limit: int | str | None


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be made small, over which rows.

    Attributes
    ----------
    objective : Objective
    columns : tuple of ndarray
        Rows, targets and, if there are any, weights, for training.
    held : tuple or None
        Rows, raw targets and weights that judge.
    copied_bytes : int
        Bytes of what was copied to come here.
    """

    objective: Objective
    columns: tuple[NDArray[np.generic], ...]
    held: tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic] | None] | None
    copied_bytes: int

    def limit(self, settings: Settings, more_bytes: int = 0) -> int | None:
        """Return what `fit` may allocate.

        Raises
        ------
        BudgetError
            If copies alone exceed the memory limit.
        """
        if settings.memory_limit is None:
            return None
        limit, used = parse_bytes(settings.memory_limit), self.copied_bytes + more_bytes
        if used >= limit:
            raise BudgetError(
                f"copies of the rows take {used:,} bytes, but memory_limit is {limit:,}; give a larger limit",
                needed=used,
                limit=limit,
            )
        return limit - used


def minimize_by_epochs(
    settings: Settings,
    problem: Problem,
    params: Params,
    rule: Rule,
    epochs: int,
    earlier: FitResult | None,
    random_state: np.random.RandomState,
) -> FitResult:
    """Train by stochastic steps until the rule ends it or `epochs` are over."""
    objective, n_rows = problem.objective, len(problem.columns[0])
    batch_size = _batch_size(settings.batch_size, n_rows)
    rate = Rate(rule.progress)
    optimizer: Optimizer = (
        ScikitAdam(rate, settings.beta_1, settings.beta_2, settings.epsilon)
        if settings.solver == "adam"
        else ScikitSGD(rate, settings.momentum, settings.nesterovs_momentum)
    )
    loss = objective.with_dropout if any(objective.network.dropout) else objective.plain
    at_once = max(1, _ORDER_BYTES // (8 * n_rows)) if settings.shuffle else epochs
    order = np.arange(n_rows)
    # Only dropout needs one; else no number is drawn, and the rows come as in scikit-learn.
    seed = int(random_state.randint(_LARGEST_SEED)) if any(objective.network.dropout) else 0
    limit = problem.limit(settings, 8 * n_rows * min(at_once, epochs) if settings.shuffle else 0)
    start: object = params
    result = earlier
    done = 0
    while True:
        now = min(at_once, epochs - done)
        shuffle: bool | list[NDArray[np.intp]] = False
        if settings.shuffle:
            shuffle = list(shuffled_steps(order, batch_size, now, random_state))
        result = fit(
            loss,
            start,
            problem.columns,
            optimizer=optimizer,
            epochs=None if settings.shuffle else now,
            batch_size=None if settings.shuffle else batch_size,
            seed=seed,
            shuffle=shuffle,
            callbacks=[rule],
            progress=False,
            memory_limit=limit,
            continue_from=result,
        )
        done += now
        start = result.last_params
        if done >= epochs or result.stopped != "epochs":
            return result


def minimize_by_lbfgs(
    settings: Settings, problem: Problem, params: Params, proved: Callable[[Params], bool] | None
) -> tuple[FitResult, list[float], bool]:
    """Train by L-BFGS over all rows.

    Parameters
    ----------
    settings : Settings
    problem : Problem
    params : Params
        Where to start.
    proved : callable or None
        Of a linear model: whether params are proved to be the minimum. Then the kinks of the loss are
        rounded off over smaller and smaller widths, and the tolerance is tightened, until they are.

    Returns
    -------
    FitResult
    list of float
        The loss after each iteration.
    bool
        Whether it converged before `max_iter`.
    """
    # gtol, ftol and maxls of scikit-learn: its tol, and SciPy's defaults.
    stages = [(0.0, settings.tol, 10 * _EPS_64)]
    if proved is not None:
        kinked = problem.objective.loss in ROUNDED
        stages = [
            (width if kinked else 0.0, settings.tol * tighter, 0.0 if tighter < 1 else 10 * _EPS_64)
            for width, tighter in zip(_WIDTHS, _TIGHTER, strict=True)
        ]
    left, losses = settings.max_iter, list[float]()
    limit = problem.limit(settings)
    for width, tolerance, decrease in stages:
        result = fit(
            replace(problem.objective, width=width).plain,
            params,
            problem.columns,
            optimizer=LBFGS(
                tolerance=tolerance,
                relative_decrease=decrease,
                max_line_search=20,
                max_evaluations=settings.max_fun,
            ),
            epochs=left,
            progress=False,
            memory_limit=limit,
        )
        losses += [record.loss for record in result.history]
        left -= len(result.history)
        params = cast("Params", result.last_params)
        if result.stopped == "interrupted" or (proved is not None and proved(params)):
            return result, losses, True
        if result.stopped == "epochs" or left <= 0:
            return result, losses, False
    return result, losses, True


def _batch_size(batch_size: int | str, n_rows: int) -> int:
    if isinstance(batch_size, str):
        return min(200, n_rows)
    if batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=6
        )
    return min(int(batch_size), n_rows)
