"""What is it to take steps of training, and how does NumPy take them, node by node?

Native code takes them in `tidu.learn.native_steps`. This file knows nothing of epochs, schedules and validation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tidu.interpret.program import Program
from tidu.learn.batches import Rows, TrainingData
from tidu.learn.optimizers import Tree
from tidu.learn.step import Step
from tidu.trace.function import TracedFunction, trace
from tidu.trace.tree import flatten

__all__ = ["InterpretedSteps", "Steps", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What some steps reported.

    Parameters
    ----------
    losses : ndarray of shape (n_steps,), float64
    squares : ndarray of shape (n_steps, n_arrays), float64
        Squared norms of the gradients of each array of parameters, or of no columns.
    interrupted : bool
        Whether somebody pressed Ctrl-C meanwhile; the steps have been taken all the same.
    """

    losses: NDArray[np.float64]
    squares: NDArray[np.float64]
    interrupted: bool = False


class Steps(Protocol):
    """A way to take steps."""

    def take(self, rows: Rows, length: int, rates: NDArray[np.float64], done: int) -> Taken:
        """Take steps of equal batches, one after the other.

        Parameters
        ----------
        rows : ndarray of int64
            Those of all batches, end to end.
        length : int
            Rows of a batch.
        rates : ndarray
            A learning rate for each step.
        done : int
            Steps before these.
        """
        ...

    def now(self) -> tuple[Tree, Tree]:
        """Return parameters and the optimizer's state as they stand; later steps may change the arrays."""
        ...

    def put_back(self, params: Tree, state: Tree) -> None:
        """Go on from other parameters and state."""
        ...


class InterpretedSteps:
    """Steps that NumPy takes, node by node."""

    def __init__(self, step: Step, params: Tree, state: Tree, data: TrainingData, key: NDArray[np.uint64]) -> None:
        self._step = step
        self._programs: dict[int, tuple[TracedFunction, Program]] = {}
        self._data = data
        self._key = key
        self._now = params, state

    def take(self, rows: Rows, length: int, rates: NDArray[np.float64], done: int) -> Taken:
        """Take the steps."""
        losses, squares = [], []
        for i, rate in enumerate(rates.tolist()):
            batch = self._data.gather(rows[i * length : (i + 1) * length])
            with np.errstate(all="ignore"):  # what is not finite is found by whoever reads the losses
                params, state, value, found = self._one(
                    length, [*self._now, batch, rate, float(done + i + 1), self._key]
                )
            del batch  # or two would be held while the next one is gathered
            losses.append(float(value))
            squares.append([float(x) for x in found])
            if not math.isfinite(losses[-1]):
                break
            self._now = params, state
        return Taken(np.array(losses), np.array(squares).reshape(len(losses), -1))

    def _one(self, length: int, arguments: list[object]) -> tuple[Tree, Tree, float, list[float]]:
        """Run one step, traced at the first one of its batch length."""
        if length not in self._programs:
            traced = trace(self._step, arguments, eager=False)
            self._programs[length] = traced, Program(traced.graph)
        traced, program = self._programs[length]
        outputs = program([*flatten(arguments)[0], *traced.captures])
        return cast("tuple[Tree, Tree, float, list[float]]", traced.result(outputs))

    def now(self) -> tuple[Tree, Tree]:
        """Return parameters and state."""
        return self._now

    def put_back(self, params: Tree, state: Tree) -> None:
        """Go on from other parameters and state."""
        self._now = params, state
