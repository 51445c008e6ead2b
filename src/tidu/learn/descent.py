"""How do the optimizers of one step at a time move the parameters through the epochs?

Steps are taken many at a time, so that native code returns some ten times a second. Short epochs that nobody
looks at in between are taken several at once. This file knows nothing of how data and settings were checked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ConvergenceError
from tidu.learn.history import Stopped
from tidu.learn.optimizers import Tree
from tidu.learn.order import Order
from tidu.learn.schedules import Run, Schedule, looks_back
from tidu.learn.session import Session
from tidu.learn.taking import Steps, Taken
from tidu.trace.tree import map_tree

__all__ = ["Position", "descend"]

_CALL_S = 0.1
"""How long native code runs before Python looks in: for Ctrl-C, and for the progress bar."""
_FIRST_STEPS = 4
"""Taken before it is known how long one takes."""
_MOST_EPOCH_ROWS = 1 << 20
"""Row numbers of epochs that are taken at once."""


_NO_NORMS = np.zeros(0)


@dataclass(slots=True)
class Position:
    """Where a run stands. One attribute, set at once: an interrupt never sees half a step.

    Parameters
    ----------
    now : tuple
        Parameters, the optimizer's state, and the number of steps that led here.
    """

    now: tuple[Tree, Tree, int]


def descend(steps: Steps, position: Position, order: Order, schedule: Schedule, session: Session) -> Stopped:
    """Take the steps of all epochs, unless the session ends them.

    Raises
    ------
    ConvergenceError
        If a loss is not finite; `position` then counts the steps before that one.
    """
    return _Descent(steps, position, order, schedule, session).run()


class _Descent:
    """A run on its way."""

    def __init__(self, steps: Steps, position: Position, order: Order, schedule: Schedule, session: Session) -> None:
        self.steps = steps
        self.position = position
        self.order = order
        self.schedule = schedule
        self.session = session
        self.first_step = position.now[2]
        self.n_steps = self.first_step + order.n_steps
        self.step_s = 0.0
        self.parts: list[Taken] = []

    def run(self) -> Stopped:
        """Take all epochs."""
        epoch = 0
        together = not (self.session.looks_at_epochs or looks_back(self.schedule))
        while epoch < self.order.n_epochs:
            count = self._at_once() if together else 1
            count = min(count, self.order.n_epochs - epoch)
            if self._epochs(epoch, count):
                return "early"
            epoch += count
        return "epochs"

    def _at_once(self) -> int:
        """Return how many epochs fit into one native call."""
        rows = max(1, _MOST_EPOCH_ROWS // self.order.n_rows)
        epoch_s = self.step_s * self.order.steps_per_epoch
        return min(rows, max(1, int(_CALL_S / epoch_s))) if epoch_s else 1

    def _epochs(self, first: int, count: int) -> bool:
        """Take some epochs and record each; return whether the run should end.

        Where a loss is not finite the epochs before it are taken again, so that what is handed out is what
        stood at the end of the last good epoch.
        """
        each = self.order.steps_per_epoch
        params, state, done = self.position.now
        before = (map_tree(_copy, params), map_tree(_copy, state)) if count > 1 else None
        rows, lengths = self.order.epochs(first, count)
        numbers = np.arange(done, done + len(lengths))
        run = Run(self.n_steps, each, self.session.watched)
        rates = np.asarray(self.schedule.rates(numbers, run), np.float64)
        began_s = time.perf_counter()
        self.parts = []
        try:
            self._take(rows, lengths, rates)
        except KeyboardInterrupt:
            self._record(self._taken(), lengths, rates, whole_epochs_only=True)
            raise
        taken = self._taken()
        elapsed_s = max(time.perf_counter() - began_s, 1e-9)
        self.step_s = elapsed_s / len(lengths)
        bad = np.flatnonzero(~np.isfinite(taken.losses))
        if len(bad):
            good = int(bad[0]) // each
            if good and before is not None:
                self.steps.put_back(*before)
                self.position.now = (*self.steps.now(), done)
                self._epochs(first, good)
            self._refuse(float(taken.losses[bad[0]]), done + int(bad[0]))
        return self._record(taken, lengths, rates)

    def _record(
        self,
        taken: Taken,
        lengths: NDArray[np.intp],
        rates: NDArray[np.float64],
        *,
        whole_epochs_only: bool = False,
    ) -> bool:
        """Tell the session of the epochs that have been taken; return whether the run should end.

        Of an interrupted call the epochs that are over are told, without asking what anybody thinks of them.
        """
        each = self.order.steps_per_epoch
        n_steps = len(taken.losses) // each * each if whole_epochs_only else len(taken.losses)
        if whole_epochs_only and (not n_steps or self.session.looks_at_epochs):
            return False
        params = map_tree(_copy, self.position.now[0])
        with np.errstate(over="ignore"):  # a mean that is too large is infinite, and is told so
            means = [
                float(taken.losses[i : i + each] @ lengths[i : i + each] / lengths[i : i + each].sum())
                for i in range(0, n_steps, each)
            ]
        ended = False
        for mean, start in zip(means, range(0, n_steps, each), strict=True):
            part = slice(start, start + each)
            ended = self.session.end_epoch(
                params,
                loss=mean,
                learning_rate=float(rates[part][-1]),
                steps_per_s=1.0 / self.step_s,
                gradient_norms=np.sqrt(taken.squares[part]).mean(axis=0) if taken.squares.shape[1] else _NO_NORMS,
            )
        return ended

    def _refuse(self, loss: float, done: int) -> None:
        self.position.now = (*self.position.now[:2], done)
        epoch = self.session.epoch
        raise ConvergenceError(
            f"the loss is {loss} at step {done + 1} (epoch {epoch}); take a smaller learning rate, "
            "clip_norm=1.0, or look for the cause with tidu.config.check_finite = True",
            step=done + 1,
            epoch=epoch,
            loss=loss,
        )

    def _taken(self) -> Taken:
        """Return what the steps of the epochs under way have reported."""
        if not self.parts:
            return Taken(np.zeros(0), np.zeros((0, 0)))
        return Taken(np.concatenate([x.losses for x in self.parts]), np.concatenate([x.squares for x in self.parts]))

    def _take(self, rows: NDArray[np.intp], lengths: NDArray[np.intp], rates: NDArray[np.float64]) -> None:
        """Take steps, in calls of about a tenth of a second; stop after a loss that is not finite."""
        parts = self.parts
        step, row = 0, 0
        while step < len(lengths):
            length = int(lengths[step])
            count = min(self._same(lengths, step), self._calls())
            some = rows[row : row + count * length]
            done = self.position.now[2]
            began_s = time.perf_counter()
            parts.append(self.steps.take(some, length, rates[step : step + count], done))
            self.position.now = (*self.steps.now(), done + len(parts[-1].losses))
            if parts[-1].interrupted:
                raise KeyboardInterrupt
            self.step_s = (time.perf_counter() - began_s) / count
            if not np.isfinite(parts[-1].losses[-1]) or not np.isfinite(parts[-1].losses).all():
                break
            step, row = step + count, row + count * length
            self.session.reporter.step(done + count - self.first_step, float(parts[-1].losses[-1]))

    def _same(self, lengths: NDArray[np.intp], step: int) -> int:
        """Return how many steps from `step` on have batches of equal length."""
        other = np.flatnonzero(lengths[step:] != lengths[step])
        return int(other[0]) if len(other) else len(lengths) - step

    def _calls(self) -> int:
        """Return how many steps fit into one call."""
        return max(1, int(_CALL_S / self.step_s)) if self.step_s else _FIRST_STEPS


def _copy(leaf: object) -> NDArray[np.generic]:
    return np.array(leaf)
