"""What does a run of training leave behind: a record of each epoch, and the result.

This file knows nothing of how a run is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tidu.learn.optimizers import Tree

__all__ = ["EpochRecord", "FitResult", "Stopped"]

Stopped: TypeAlias = Literal["epochs", "early", "interrupted", "diverged"]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What one epoch was like.

    Parameters
    ----------
    epoch : int
        From 1; counted on where a run goes on from an earlier one.
    loss : float
        Mean over the epoch's rows, each batch with the parameters before its step.
    validation_loss : float or None
        Mean over the validation rows, with the parameters after the epoch.
    score : float or None
        What a callable `validation` returned; higher is better.
    learning_rate : float
        Of the epoch's last step.
    steps_per_s : float
    gradient_norms : mapping of str to float
        For each array of parameters (``params['W']``) the mean over the steps of the Euclidean norm of its
        gradient, before clipping; empty unless `fit` was asked for ``gradient_norms``.
    metrics : mapping of str to float
        The user's own `metrics` on the validation rows.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    score: float | None
    learning_rate: float
    steps_per_s: float
    gradient_norms: Mapping[str, float]
    metrics: Mapping[str, float]

    @property
    def watched(self) -> float:
        """What is to fall: the negative score, the validation loss, or the loss."""
        if self.score is not None:
            return -self.score
        return self.loss if self.validation_loss is None else self.validation_loss


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """What `fit` returns.

    Parameters
    ----------
    params : nested arrays
        Those of the best epoch where there is validation, else the last ones.
    last_params : nested arrays
        Those after the last step; with `optimizer_state` they are what a later run goes on from.
    optimizer_state : nested arrays
    history : tuple of EpochRecord
        Of this run; an epoch that was interrupted is not in it.
    best_epoch : int or None
        The epoch that `params` come from, where there is validation.
    stopped : {"epochs", "early", "interrupted", "diverged"}
        Why the run ended. A diverged run is found as `result` on the ConvergenceError only.
    n_steps, n_epochs : int
        Of all runs that were continued, this one included.
    elapsed_s : float
        Wall time of this run in seconds.
    """

    params: Tree
    last_params: Tree = field(repr=False)
    optimizer_state: Tree = field(repr=False)
    history: tuple[EpochRecord, ...] = field(repr=False)
    best_epoch: int | None
    stopped: Stopped
    n_steps: int
    n_epochs: int
    elapsed_s: float
