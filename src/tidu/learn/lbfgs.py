"""How is a loss over all rows at once brought to its minimum by L-BFGS?

SciPy's L-BFGS-B does it, with its line search after Moré and Thuente (strong Wolfe conditions), on the
gradients of ours. This file knows nothing of batches.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ConvergenceError
from tidu.learn.descent import Position
from tidu.learn.history import Stopped
from tidu.learn.optimizers import Tree
from tidu.learn.schedules import require_number
from tidu.learn.session import Session
from tidu.learn.step import LossFunction
from tidu.trace.tree import flatten, unflatten
from tidu.transforms.compiled import jit
from tidu.transforms.gradients import value_and_grad

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

__all__ = ["LBFGS", "minimize"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LBFGS:
    """A quasi-Newton method for losses over all rows at once; no learning rate to choose.

    Parameters
    ----------
    memory : int
        Pairs of steps and gradient changes that stand for the curvature.
    tolerance : float
        The run ends when no partial derivative is larger.
    relative_decrease : float
        The run ends when the loss falls by less than this share of itself in an iteration.
    max_line_search : int
        Evaluations of the loss in one line search.
    max_evaluations : int or None
        Evaluations of the loss in the whole run; by default as many as its iterations can need.

    Notes
    -----
    An iteration counts as a step and as an epoch. The vector is kept in float64, the loss is computed in
    the parameters' own dtype.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu, A limited memory algorithm for bound constrained optimization, SIAM J. Sci.
    Comput. 16 (1995); `scipy.optimize.minimize` with ``method="L-BFGS-B"``.
    """

    memory: int = 10
    tolerance: float = 1e-5
    relative_decrease: float = 1e-9
    max_line_search: int = 50
    max_evaluations: int | None = None

    def __post_init__(self) -> None:
        require_number("memory", self.memory, 1)
        require_number("tolerance", self.tolerance, 0.0)
        require_number("relative_decrease", self.relative_decrease, 0.0)
        require_number("max_line_search", self.max_line_search, 1)
        if self.max_evaluations is not None:
            require_number("max_evaluations", self.max_evaluations, 1)

    def workspace_bytes(self, params: Tree) -> int:
        """Return the bytes that SciPy's own arrays take: pairs, and vectors of the method."""
        size = sum(np.asarray(leaf).size for leaf in flatten(params)[0])
        return 8 * (size * (2 * self.memory + 10) + 11 * self.memory**2 + 8 * self.memory)


class _Objective:
    """The loss as a function of one vector, remembering its last gradient."""

    def __init__(self, loss: LossFunction, params: Tree, batch: object) -> None:
        leaves, self._structure = flatten(params)
        self._leaves = cast("list[NDArray[np.floating]]", leaves)
        self._run = jit(value_and_grad(loss.without_key))
        self._batch = batch
        self.start = np.concatenate([np.ravel(leaf).astype(np.float64) for leaf in self._leaves])
        self.gradients: list[NDArray[np.floating]] = []
        self.n_calls = 0

    def params(self, x: Vector) -> Tree:
        """Nest a vector like the parameters."""
        ends = np.cumsum([leaf.size for leaf in self._leaves])
        parts = np.split(x, ends[:-1])
        return unflatten(
            self._structure,
            [p.reshape(leaf.shape).astype(leaf.dtype) for p, leaf in zip(parts, self._leaves, strict=True)],
        )

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """Return the loss and its gradient."""
        with np.errstate(all="ignore"):  # what is not finite is reported below
            value, gradients = cast("tuple[float, Tree]", self._run(self.params(x), self._batch))
        self.n_calls += 1
        if not math.isfinite(value):
            raise ConvergenceError(
                f"the loss is {value} at evaluation {self.n_calls} of L-BFGS; scale the data or start elsewhere",
                step=self.n_calls,
                loss=float(value),
            )
        self.gradients = [np.asarray(g) for g in flatten(gradients)[0]]
        return float(value), np.concatenate([np.ravel(g).astype(np.float64) for g in self.gradients])


def minimize(
    settings: LBFGS, loss: LossFunction, position: Position, batch: object, n_epochs: int, session: Session
) -> Stopped:
    """Move `position` until L-BFGS converges, the session ends it, or `n_epochs` iterations are over."""
    from scipy import optimize

    first = position.now[2]
    objective = _Objective(loss, position.now[0], batch)
    began_s = time.perf_counter()

    def after_iteration(intermediate_result: OptimizeResult) -> None:
        nonlocal began_s
        params, done = objective.params(intermediate_result.x), position.now[2] + 1
        position.now = (params, {}, done)
        value = float(intermediate_result.fun)
        session.reporter.step(done - first, value)
        norms = np.array([np.linalg.norm(np.ravel(g)) for g in objective.gradients], np.float64)
        elapsed_s = max(time.perf_counter() - began_s, 1e-9)
        stop = session.end_epoch(
            params, loss=value, learning_rate=math.nan, steps_per_s=1.0 / elapsed_s, gradient_norms=norms
        )
        began_s = time.perf_counter()
        if stop:
            raise StopIteration

    found = optimize.minimize(
        objective,
        objective.start,
        jac=True,
        method="L-BFGS-B",
        callback=after_iteration,
        options={
            "maxcor": settings.memory,
            "gtol": settings.tolerance,
            "ftol": settings.relative_decrease,
            "maxls": settings.max_line_search,
            "maxiter": n_epochs,
            "maxfun": settings.max_evaluations or n_epochs * settings.max_line_search,
        },
    )
    # 1 is SciPy's status for a limit of iterations or evaluations reached.
    return "epochs" if found.status == 1 else "early"
