"""How do the optimizers of one step at a time move the parameters through the epochs?

This file knows nothing of how data and settings were checked.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ConvergenceError
from tidu.learn.batches import TrainingData
from tidu.learn.history import Stopped
from tidu.learn.optimizers import Tree
from tidu.learn.order import Order
from tidu.learn.schedules import Run, Schedule
from tidu.learn.session import Session
from tidu.learn.step import Step

__all__ = ["Position", "descend"]


@dataclass(slots=True)
class Position:
    """Where a run stands. One attribute, set at once: an interrupt never sees half a step.

    Parameters
    ----------
    now : tuple
        Parameters, the optimizer's state, and the number of steps that led here.
    """

    now: tuple[Tree, Tree, int]


def descend(
    step: Step,
    position: Position,
    order: Order,
    data: TrainingData,
    schedule: Schedule,
    session: Session,
    key: NDArray[np.uint64],
) -> Stopped:
    """Take the steps of all epochs, unless the session ends them.

    Raises
    ------
    ConvergenceError
        If a loss is not finite; `position` is then that before the step.
    """
    n_steps = position.now[2] + order.n_steps
    first = position.now[2]
    for epoch in range(order.n_epochs):
        rows = list(order.steps(epoch))
        numbers = np.arange(position.now[2], position.now[2] + len(rows))
        rates = schedule.rates(numbers, Run(n_steps, order.steps_per_epoch, session.watched)).tolist()
        began_s = time.perf_counter()
        loss_sum, norm_sums = 0.0, np.zeros(0)
        for chosen, rate in zip(rows, rates, strict=True):
            params, state, done = position.now
            batch = data.gather(chosen)
            with np.errstate(all="ignore"):  # what is not finite is reported below, with the step's number
                params, state, value, squares = step(params, state, batch, rate, float(done + 1), key)
            del batch  # or two would be held while the next one is gathered
            loss = float(cast("float", value))
            if not math.isfinite(loss):
                raise ConvergenceError(
                    f"the loss is {loss} at step {done + 1} (epoch {session.epoch}); take a smaller learning rate, "
                    "clip_norm=1.0, or look for the cause with tidu.config.check_finite = True",
                    step=done + 1,
                    epoch=session.epoch,
                    loss=loss,
                )
            position.now = (params, state, done + 1)
            loss_sum += loss * len(chosen)
            norms = np.sqrt(np.array(squares, np.float64))
            norm_sums = norm_sums + norms if norm_sums.size else norms
            session.reporter.step(done + 1 - first, loss)
        elapsed_s = max(time.perf_counter() - began_s, 1e-9)
        if session.end_epoch(
            position.now[0],
            loss=loss_sum / sum(map(len, rows)),
            learning_rate=rates[-1],
            steps_per_s=len(rows) / elapsed_s,
            gradient_norms=norm_sums / len(rows),
        ):
            return "early"
    return "epochs"
