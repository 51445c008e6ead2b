"""`explain_plan`: how would this function run for these arguments?"""

from __future__ import annotations

from collections.abc import Callable

from tidu.compile.explain import PlanReport
from tidu.transforms.compiled import Jitted, jit

__all__ = ["explain_plan"]


def explain_plan(f: Callable[..., object], *args: object, **kwargs: object) -> PlanReport:
    """Compile a function for these arguments, and tell what will run.

    Parameters
    ----------
    f : callable
        A function of `jit`, or any that `jit` takes: plain NumPy code, or what `grad` and the like return.
    *args, **kwargs
        What it would be called with. Only shapes and dtypes matter; it is not run.

    Returns
    -------
    PlanReport
        Printed it is a table of the kernels: where each computes, its operations, the bytes that it reads and
        writes once each, the threads that share it, and the interval between two barriers that it belongs to.
        ``text(lang="zh")`` is the same in Chinese. Attributes: ``kernels``, ``flops``, ``arena_bytes``,
        ``peak_bytes``, ``n_threads``, ``interpreted``, ``from_cache``; methods ``ir()`` and ``assembly()``.

    Notes
    -----
    Operations are counted as the kinds of primitives count them: a product of n by m by k has 2nmk.

    Examples
    --------
    >>> import numpy as np, tidu
    >>> def loss(W, X):
    ...     return np.mean(np.tanh(X @ W) ** 2)
    >>> plan = tidu.explain_plan(tidu.grad(loss), np.ones((64, 32)), np.ones((1000, 64)))
    >>> [step.what for step in plan.kernels][:1], plan.interpreted
    (['product 1000 x 64 x 32: tanh...'], ())
    >>> [x.what for x in tidu.explain_plan(lambda x: np.cumsum(x) * 2.0, np.ones(5)).interpreted]
    ['cumsum']
    """
    jitted = f if isinstance(f, Jitted) else jit(f)
    found, _, _ = jitted.specialized(args, kwargs)
    return PlanReport(found.compiled())
