"""Who takes the steps of a run: native code, or NumPy where there is none?"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from tidu import config
from tidu.errors import TiduWarning, UnsupportedError
from tidu.learn.batches import TrainingData
from tidu.learn.native_steps import NativeSteps
from tidu.learn.optimizers import Tree
from tidu.learn.step import Step
from tidu.learn.taking import InterpretedSteps, Steps

__all__ = ["make_steps"]


def make_steps(
    step: Step,
    params: Tree,
    state: Tree,
    data: TrainingData,
    key: NDArray[np.uint64],
    *,
    length: int,
    n_threads: int | None,
    limit: int | None,
    bfloat16: bool,
) -> Steps:
    """Return native steps if every node of them has native code, else interpreted ones.

    Warns
    -----
    TiduWarning
        If they are interpreted, with the node that is to blame.
    """
    if not config.check_finite:
        native = NativeSteps(step, params, state, data, key, n_threads, limit, bfloat16=bfloat16)
        try:
            native.plan(length)
        except UnsupportedError as error:
            if bfloat16:
                raise
            reason = error.facts["reason"]
            warnings.warn(
                f"fit runs this loss node by node with NumPy, since not all of it has native code: {reason}",
                TiduWarning,
                stacklevel=5,
            )
        else:
            return native
    return InterpretedSteps(step, params, state, data, key)
