"""What happens at the end of an epoch, whatever moves the parameters: judge, record, keep the best, decide.

This file knows nothing of steps and batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ConvergenceError
from tidu.learn.history import EpochRecord
from tidu.learn.optimizers import Tree
from tidu.learn.progress import Reporter
from tidu.learn.validation import Measured, Validation
from tidu.trace.tree import flatten, leaf_paths

__all__ = ["Callback", "Session", "finite_tree"]

Callback: TypeAlias = Callable[[EpochRecord, Tree], object]
"""``callback(record, params)`` after each epoch; what it returns, if true, ends the run."""


class Session:
    """The story of one run, told epoch by epoch.

    Parameters
    ----------
    params : nested arrays
        Where the run starts.
    validation : Validation or None
    patience : int or None
        Epochs without improvement after which the run ends.
    min_delta : float
        The watched value must fall by more than this to count as an improvement.
    callbacks : sequence of callable
    reporter : Reporter
    first_epoch : int
        Epochs of earlier runs.
    """

    def __init__(
        self,
        params: Tree,
        validation: Validation | None,
        *,
        patience: int | None,
        min_delta: float,
        callbacks: Sequence[Callback],
        reporter: Reporter,
        first_epoch: int,
    ) -> None:
        self.history: list[EpochRecord] = []
        self.reporter = reporter
        self.sound = params
        """Parameters of the last epoch that was over and finite."""
        self._validation = validation
        self._patience = patience
        self._min_delta = min_delta
        self._callbacks = callbacks
        self._first_epoch = first_epoch
        self._paths = leaf_paths(flatten(params)[1], "params")
        self._best: Tree | None = None
        self._best_epoch: int | None = None
        self._lowest = math.inf
        self._bar = math.inf
        self._waited = 0

    @property
    def watched(self) -> tuple[float, ...]:
        """The watched value of each epoch; lower is better."""
        return tuple(record.watched for record in self.history)

    @property
    def epoch(self) -> int:
        """Number of the epoch under way, from 1."""
        return self._first_epoch + len(self.history) + 1

    @property
    def looks_at_epochs(self) -> bool:
        """Whether the parameters after each epoch are wanted by anybody."""
        return self._validation is not None or bool(self._callbacks) or self._patience is not None

    def end_epoch(
        self,
        params: Tree,
        *,
        loss: float,
        learning_rate: float,
        steps_per_s: float,
        gradient_norms: NDArray[np.float64],
    ) -> bool:
        """Record an epoch; return whether the run should end.

        `gradient_norms` has an entry for each array of parameters, or none.

        Raises
        ------
        ConvergenceError
            If the parameters, the validation loss or the score are not finite.
        """
        # Of epochs that were taken in one go only the last one's parameters are there: they are looked at once.
        if params is not self.sound and not finite_tree(params):
            raise ConvergenceError(f"the parameters are no longer finite after epoch {self.epoch}", epoch=self.epoch)
        measured = Measured() if self._validation is None else self._validation(params)
        for name, value in (("validation loss", measured.loss), ("score", measured.score)):
            if value is not None and not math.isfinite(value):
                raise ConvergenceError(f"the {name} is {value} after epoch {self.epoch}", epoch=self.epoch, got=value)
        norms: Mapping[str, float] = dict(zip(self._paths, gradient_norms.tolist(), strict=False))
        record = EpochRecord(
            self.epoch, loss, measured.loss, measured.score, learning_rate, steps_per_s, norms, measured.metrics
        )
        self.history.append(record)
        self.sound = params
        stop = self._judge(record, params)
        self.reporter.epoch(record)
        for callback in self._callbacks:
            stop = bool(callback(record, params)) or stop
        return stop

    def _judge(self, record: EpochRecord, params: Tree) -> bool:
        """Keep the parameters if they are the best so far; return whether patience is at its end."""
        # Each new minimum is kept, however small the gain; patience asks for a gain worth the wait.
        if self._best_epoch is None or record.watched < self._lowest:
            self._lowest, self._best_epoch = record.watched, record.epoch
            self._best = params if self._validation is not None else None
        if record.watched < self._bar - self._min_delta:
            self._bar, self._waited = record.watched, 0
        else:
            self._waited += 1
        return self._patience is not None and self._waited >= self._patience

    def chosen(self, last: Tree) -> tuple[Tree, int | None]:
        """Return the parameters to hand out, and the epoch they come from if it was chosen."""
        return (last, None) if self._best is None else (self._best, self._best_epoch)


def finite_tree(tree: Tree) -> bool:
    """Return whether all values are finite."""
    return all(bool(np.isfinite(np.asarray(leaf)).all()) for leaf in flatten(tree)[0])
