"""How well do networks stand for a function: `approximate`, which tries many of them and measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tidu.approximation.domains import DomainLike
from tidu.approximation.folding import count_foldings
from tidu.approximation.result import Approximation
from tidu.approximation.settings import checked_settings
from tidu.approximation.studies import best_parabola, plan_jobs, run_jobs
from tidu.approximation.targets import Target, TargetLike, as_target, require_measurable
from tidu.assessment import assess
from tidu.assessment.inputs import FEWEST_ROWS
from tidu.assessment.verdict import is_blind
from tidu.errors import ParameterError
from tidu.learn.schedules import require_number

__all__ = ["approximate"]


def approximate(
    target: TargetLike,
    domain: DomainLike | None = None,
    widths: Sequence[int] = (4, 8, 16, 32, 64),
    depths: Sequence[int] = (1, 2, 3),
    activations: str | Sequence[str] = ("relu",),
    *,
    optimizers: str | Sequence[str] = ("lbfgs", "plain-adam"),
    seeds: int | Sequence[int] = 3,
    dimensions: Sequence[int] = (1, 2, 5, 10),
    n_samples: int = 1024,
    epochs: int | None = None,
    failures: bool = True,
    noise_floor: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Approximation:
    """Approximate a function by networks, built and trained, and measure how the error falls with their size.

    Parameters
    ----------
    target : str, Expression, callable or (X, y)
        An expression such as ``"sin(3*x)"`` in one or more variables (parsed, never run as Python); a function of one
        array for each variable, in NumPy code; or data: X of shape (n_samples,) or (n_samples, n_features) and y of
        shape (n_samples,). A third of the data is held out, and errors are measured there.
    domain : optional
        ``(low, high)`` for every variable, or one such pair for each, in order or by name. By default (-1, 1); for
        data their own range.
    widths : sequence of int
        Hidden units of networks with one hidden layer.
    depths : sequence of int
        Hidden layers of networks that all have as many parameters, about, as the widest of one layer; trained by the
        first of `optimizers`.
    activations : str or sequence of str
        Of trained networks, by the names of `tidu.nn.ACTIVATIONS`.
    optimizers : str or sequence of str
        How networks are trained: ``"lbfgs"`` and ``"adam"`` start with units spread over the samples, ``"plain-adam"``
        with the usual random weights. Empty: nothing is trained, so there are constructions only.
    seeds : int or sequence of int
        How many starts are tried, or which.
    dimensions : sequence of int
        Of a target of one variable: in how many variables the same target is tried too, with the first of
        `activations` and of `optimizers`. Empty: none.
    n_samples : int
        Values of the target that training may see.
    epochs : int, optional
        Iterations of L-BFGS, or passes of Adam over the samples; see `tidu.approximation.training.train`.
    failures : bool
        Whether to try what cannot work: a polynomial activation, and a jump.
    noise_floor : float, optional
        The root mean square error that noise forbids to go below, in units of the target: a line in the pictures. Of
        data, by default what `tidu.assess` finds in them, if it rules out that there is none.
    progress : callable, optional
        ``progress(done, total)`` is called before each approximant and at the end.

    Returns
    -------
    Approximation
        ``.errors``, ``.rates``, ``.networks``, ``.text()``, ``.to_svg("rms")``, ``.to_html()``; it draws itself in a
        notebook.

    Raises
    ------
    ExpressionError
        If the text is no expression.
    DataError
        If the target has a value that is no finite number, or data are too few or do not fit.
    ParameterError
        If an argument has a value that is not accepted.

    Notes
    -----
    For one variable, bumps (pairs of steep sigmoid steps) and polygons (rectified units with a kink at each knot) are
    built; for two, towers. Errors are measured on 10,000 points between those of training, for several variables on
    8,192 quasi-random ones. The same arguments give the same bits.

    References
    ----------
    Cybenko, Math. Control Signals Systems 2 (1989); Hornik, Neural Networks 4 (1991); Leshno and others, Neural
    Networks 6 (1993); Barron, IEEE Trans. Inform. Theory 39 (1993), theorem 1; Telgarsky, COLT 2016.

    Examples
    --------
    >>> a = approximate("sin(3*x)", domain=(-1, 1), widths=[8, 16, 32], depths=[1], seeds=1, dimensions=[])
    >>> round(a.rates["polygon"].exponent, 1)
    -2.0
    >>> a.networks["polygon", 16, None]([[0.5]]).round(2).tolist()
    [1.0]
    """
    meant = as_target(target, domain)
    settings = checked_settings(
        widths=widths,
        depths=depths,
        activations=activations,
        optimizers=optimizers,
        seeds=seeds,
        dimensions=dimensions,
        n_samples=n_samples,
        epochs=epochs,
        failures=failures,
    )
    if noise_floor is not None:
        require_number("noise_floor", noise_floor, 0)
    require_measurable(meant, settings.n_samples)
    jobs = plan_jobs(meant, settings)
    measurements = run_jobs(jobs, settings, progress)
    if not any(one.study == "width" for one in measurements):
        raise ParameterError(
            f"nothing stands for {meant.name} at widths {', '.join(map(str, settings.widths))}: there is no "
            "construction of so few units, and no training that came to an end; give more widths or optimizers",
            got=settings.widths,
        )
    return Approximation(
        target=meant,
        settings=settings,
        measurements=tuple(measurements),
        foldings=count_foldings() if meant.n_features == 1 else (),
        parabola_rms=best_parabola(meant),
        noise_floor=_floor_of(meant) if noise_floor is None else noise_floor,
    )


def _floor_of(target: Target) -> float | None:
    """Return the root mean square of the noise in data; None where there need be none, or nothing can be told."""
    if target.data is None or len(target.data.y) < FEWEST_ROWS or not np.ptp(target.data.y):
        return None
    found = assess(target.data.X, target.data.y, task="regression")
    there_is_some = found.likelihood.least > 0 and not is_blind(found.intrinsic_dimension)
    return math.sqrt(found.noise_variance) if there_is_some else None
