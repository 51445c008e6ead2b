"""Which approximants are found and measured, so that one sees how the error depends on what?

A study varies one thing. First all of them are planned as jobs, then the jobs are done one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from tidu.approximation.families import in_dimension, with_jump
from tidu.approximation.grid import fit_grid
from tidu.approximation.measuring import Approximant, Measurement, Study, measure
from tidu.approximation.methods import build, built_methods, train_network, trained_method
from tidu.approximation.network import Network
from tidu.approximation.settings import WIDEST_WHITENED, Settings
from tidu.approximation.targets import Target
from tidu.errors import ConvergenceError

__all__ = ["Job", "best_parabola", "plan_jobs", "run_jobs"]

_DENSE_LINE, _DENSE_BOX = 10_000, 8192
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An approximant to be found: by which method, of which target, how large."""

    study: Study
    method: str
    target: Target
    width: int
    depth: int = 1
    seed: int | None = None


def plan_jobs(target: Target, settings: Settings) -> list[Job]:
    """Return all jobs, each study's from small to large."""
    methods = [trained_method(*pair) for pair in product(settings.activations, settings.optimizers)]
    first = [trained_method(*pair) for pair in product(settings.activations, settings.optimizers[:1])]
    jobs = [Job("width", method, target, width) for method in built_methods(target) for width in settings.widths]
    jobs += [
        Job("width", method, target, width, seed=seed)
        for method in methods
        for width in settings.widths
        for seed in settings.seeds
    ]
    if target.n_features > 1:
        jobs += [Job("width", "grid", target, width) for width in settings.widths]
    if len(settings.depths) > 1:
        largest = _parameters(target.n_features, settings.widths[-1], 1)
        jobs += [
            Job("depth", method, target, _width_of(target.n_features, largest, depth), depth, seed)
            for method in first
            for depth in settings.depths
            for seed in settings.seeds
        ]
    jobs += [job for method in first[:1] for job in _dimensions(target, method, settings)]
    return [*jobs, *_failures(target, settings)]


def run_jobs(
    jobs: Sequence[Job], settings: Settings, progress: Callable[[int, int], None] | None = None
) -> list[Measurement]:
    """Find and measure the approximants; those that need more units than allowed, or diverge, are left out."""
    # The bits of BLAS's sums depend on its threads, which in anything as small as this only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        return _run(jobs, settings, progress)


def _run(jobs: Sequence[Job], settings: Settings, progress: Callable[[int, int], None] | None) -> list[Measurement]:
    found: list[Measurement] = []
    done: dict[tuple[object, ...], Approximant | None] = {}
    for number, job in enumerate(jobs):
        if progress is not None:
            progress(number, len(jobs))
        key = (id(job.target), job.method, job.width, job.depth, job.seed)
        if key not in done:
            done[key] = _approximant(job, settings)
        approximant = done[key]
        if approximant is None:
            continue
        n_points = _DENSE_LINE if job.target.n_features == 1 else _DENSE_BOX
        rms, largest = measure(approximant, job.target.testing(n_points))
        if math.isfinite(rms):
            found.append(_measurement(job, approximant, rms, largest))
    if progress is not None:
        progress(len(jobs), len(jobs))
    return found


def best_parabola(target: Target) -> float:
    """Return the least root mean square error of any polynomial of degree 2.

    NaN where there are more than half as many terms as points, so that the best one would tell of the points only;
    0 where what is left is rounding.

    Examples
    --------
    >>> from tidu.approximation.targets import as_target
    >>> best_parabola(as_target("x**2 + y - x*y")), round(best_parabola(as_target("x**3", (-1, 1))), 3)
    (0.0, 0.151)
    """
    samples = target.testing(_DENSE_BOX)
    d = target.n_features
    if (d + 1) * (d + 2) > len(samples.y):
        return math.nan
    low, high = np.array(target.domain).T
    X = 2.0 * (samples.X - low) / (high - low) - 1.0
    ones = np.ones((len(X), 1))
    squares = [X[:, i : i + 1] * X[:, i:] for i in range(X.shape[1])]
    terms = np.concatenate([ones, X, *squares], axis=1)
    fitted = terms @ np.linalg.lstsq(terms, samples.y, rcond=None)[0]
    rms = float(np.sqrt(np.mean((fitted - samples.y) ** 2)))
    return rms if rms > _ROUNDING * np.abs(samples.y).max() else 0.0


def _measurement(job: Job, approximant: Approximant, rms: float, largest: float) -> Measurement:
    d = job.target.n_features
    size = {"depth": job.depth, "dimension": d}.get(job.study, job.width)
    return Measurement(job.study, job.method, size, d, job.seed, rms, largest, approximant)


def _dimensions(target: Target, method: str, settings: Settings) -> list[Job]:
    """The same target in more and more variables, for a network and for a grid of as many numbers."""
    if target.data is not None or target.n_features > 1 or len(settings.dimensions) < 2:
        return []
    jobs = []
    for one in (in_dimension(target, n_features) for n_features in settings.dimensions):
        jobs += [Job("dimension", method, one, settings.widths[-1], seed=seed) for seed in settings.seeds]
        jobs.append(Job("dimension", "grid", one, settings.widths[-1]))
    return jobs


def _failures(target: Target, settings: Settings) -> list[Job]:
    """What cannot work: an activation that is a polynomial, and a jump, where the largest error stays."""
    if not settings.failures:
        return []
    square = trained_method("square", "lbfgs")
    narrow = [width for width in settings.widths if width <= WIDEST_WHITENED]
    jobs = [Job("polynomial", square, target, width, seed=settings.seeds[0]) for width in narrow]
    if target.data is None and target.n_features == 1:
        jumping = with_jump(target)
        jobs += [Job("jump", "polygon", jumping, width) for width in settings.widths]
    return jobs


def _approximant(job: Job, settings: Settings) -> Approximant | None:
    if job.method == "grid":
        size = _parameters(job.target.n_features, job.width, 1)
        return fit_grid(job.target.training(settings.n_samples), job.target.domain, size)
    if "/" not in job.method:
        return build(job.method, job.target, job.width)
    return _trained(job, settings)


def _trained(job: Job, settings: Settings) -> Network | None:
    try:
        return train_network(
            job.method,
            job.target,
            (job.width,) * job.depth,
            seed=job.seed or 0,
            n_samples=settings.n_samples,
            epochs=settings.epochs,
        )
    except ConvergenceError:
        return None  # a start so bad that the loss is no number: there is nothing to measure


def _parameters(n_features: int, width: int, depth: int) -> int:
    """Return the weights and biases of a network with one output."""
    return (n_features + 1) * width + (depth - 1) * (width + 1) * width + width + 1


def _width_of(n_features: int, n_parameters: int, depth: int) -> int:
    """Return the width at which a network of this depth comes closest to a number of parameters."""
    widths = range(1, max(2, n_parameters))
    return min(widths, key=lambda width: abs(_parameters(n_features, width, depth) - n_parameters))
