"""How much of the target's variance is noise, by the likelihood of functions of every smoothness?

Each cell of neighboring rows is taken for a draw from a Gaussian process plus independent noise. The likelihood is
maximized over the kernel's roughness, its length and the features it sees, for each variance of the noise: what
remains is the profile likelihood of that variance, whose top is the estimate and whose shoulder is the interval.
Where any amount of noise explains the rows as well, the interval is wide: that is how the method says that it is
blind. This file knows nothing of verdicts.

References
----------
Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, (2.30), (5.12).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.kernels import KERNELS, Look, View, look_at
from tidu.native.threads import default_threads

__all__ = ["Model", "NoiseEstimate", "Profile", "noise_likelihood"]

Floats = NDArray[np.float64]


# Of the length of a kernel to the median distance within a cell.
_LENGTHS = tuple(2.0**power for power in range(-3, 5))
# What is this far from the best, in the logarithm of the likelihood, is not tried more closely.
_HOPELESS = 60.0
_FIRST = "Matern 3/2"
# Variances of the noise to that of the function, and as shares of the target's: in equal steps, so that for each share
# every size of the function is at hand. The likelihood is computed at the nodes, a fifth of a decade apart, and smooth
# between them.
_STEP = 0.02
_RATIOS: Floats = np.power(10.0, _STEP * np.arange(-450, 201))
_NODES = _RATIOS[::10]
_SHARES: Floats = np.power(10.0, _STEP * np.arange(-200, 31))
# At the ends of a 95 % interval the logarithm of a likelihood has fallen by 1.92. More is allowed for the choice among
# kernels, and the more the more rows there are, as what no kernel describes weighs with every one of them: so much
# at 1,000 rows, and with their square root.
_DROP = 4.0
# Of the variance that a prediction from the other rows leaves beyond the noise, so much may be mistaken for noise.
_MISTAKEN = 0.5
# Less noise than this cannot be told from none, whatever the kernel.
_LEAST_TOLD = 0.02
_MOST_EXCESS = 4.0


@dataclass(frozen=True, slots=True)
class Model:
    """A kernel, its length (in median distances) and how it sees the features."""

    kernel: str
    length: float
    view: View


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The likelihood of each variance of the noise, maximized over all else.

    Attributes
    ----------
    shares : ndarray of shape (n,)
        Variance of the noise as a share of the target's, dimensionless, ascending.
    heights : ndarray of shape (n,)
        Logarithm of the likelihood, its top at 0.
    """

    shares: Floats
    heights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class NoiseEstimate:
    """What the likelihood says of the noise.

    Attributes
    ----------
    share : float
        The most likely variance of the noise, as a share of the target's variance.
    interval : (float, float)
        With about 95 % certainty, likewise; a lower end of less than 2 % counts as none.
    least : float
        The lower end as it is, however small.
    left_share : float
        What predicting each row from the others of its cell leaves of the target's variance.
    resolution : float
        The upper end that is reported for a target without noise as rough as this one, likewise.
    rows : ndarray of shape (n,), int
        The rows that took part.
    predicted : ndarray of shape (n, n_outputs)
        That prediction for each of them, in the units of the target.
    model : Model
        The most likely one.
    profile : Profile
    """

    share: float
    interval: tuple[float, float]
    least: float
    left_share: float
    resolution: float
    rows: NDArray[np.intp]
    predicted: Floats
    model: Model
    profile: Profile


_Job: TypeAlias = tuple[Look, str, float]
"""Rows as they are seen, the name of a kernel, its length."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the likelihood of a kernel needs of the rows, for each ratio of noise to function."""

    n_rows: int
    fitted: Floats
    determinant: Floats

    @classmethod
    def of(cls, spectra: Iterable[tuple[Floats, Floats]], targets: Sequence[Floats]) -> _Sums:
        from scipy.interpolate import CubicSpline

        fitted, determinant, n_rows = np.zeros(len(_NODES)), np.zeros(len(_NODES)), 0
        for (values, vectors), centered in zip(spectra, targets, strict=True):
            sums = values[:, None] + _NODES
            fitted += ((vectors.T @ centered) ** 2).mean(axis=1) @ (1.0 / sums)
            determinant += np.log(sums).sum(axis=0)
            n_rows += len(values)
        between = CubicSpline(np.log(_NODES), np.stack([np.log(np.maximum(fitted, 1e-300)), determinant], axis=1))
        log_fitted, determinant = between(np.log(_RATIOS)).T
        return cls(n_rows, np.exp(log_fitted), determinant)


def noise_likelihood(
    X: NDArray[np.generic],
    y: Floats,
    cells: Sequence[NDArray[np.intp]],
    views: Sequence[View],
    *,
    variance: Floats | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> NoiseEstimate:
    """Estimate the variance of the noise.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        On one scale.
    y : ndarray of shape (n_seen, n_outputs)
        Targets of the rows in `cells`, in their order; of classes, one column of 0 and 1 for each.
    cells : sequence of ndarray of int
        Rows that are looked at together.
    views : sequence of View
        Among which the likelihood decides.
    variance : ndarray of shape (n_outputs,), optional
        Of the targets, by all rows that there are; shares are of it. By default that of `y`.
    seed : int
        Of the target without noise by which the resolution is found.
    threads : int, optional
        By default all; the result does not depend on it.
    """
    from threadpoolctl import threadpool_limits

    variance = y.var(axis=0) if variance is None else variance
    varying = variance > 0
    # One unit for all outputs: a rare class counts by its variance, as it does in the error that all of them add up to.
    deviation = np.sqrt(variance[varying].mean())
    parts = np.split(y, np.cumsum([len(rows) for rows in cells])[:-1])
    scaled = [part[:, varying] / deviation for part in parts]
    targets = [part - part.mean(axis=0) for part in scaled]
    looks = [look_at(X, cells, view) for view in views]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads or default_threads()) as pool:
        heights = _tried(pool, looks, targets)
        look, name, length = max(heights, key=lambda job: float(heights[job].max()))
        profile = _profile(list(heights.values()))
        share = float(profile.shares[np.argmax(profile.heights)])
        predicted, left, excess, drawn = _predictions((look, name, length), targets, share, seed)
        top = float(heights[look, name, length].max())
        likely = [job for job in heights if job[0] is look and heights[job].max() > top - _HOPELESS]
        again = list(pool.map(lambda job: _heights(job, drawn), likely))
    means = np.concatenate([np.broadcast_to(part.mean(axis=0), part.shape) for part in parts])
    means[:, varying] += predicted * deviation
    mistaken = _MISTAKEN * max(0.0, left - share)
    drop = _DROP * float(np.sqrt(max(1.0, len(means) / 1000.0)))
    low, high = _interval(profile, drop * excess)
    least = max(0.0, low - mistaken)
    return NoiseEstimate(
        share=share,
        interval=(least if least > _LEAST_TOLD else 0.0, high),
        least=least,
        left_share=left,
        resolution=_interval(_profile(again), drop)[1],
        rows=np.concatenate(cells),
        predicted=means,
        model=Model(name, length, look.view),
        profile=profile,
    )


def _tried(pool: ThreadPoolExecutor, looks: Sequence[Look], targets: Sequence[Floats]) -> dict[_Job, Floats]:
    """Return the likelihood of every kernel and of the lengths that may matter, for each choice of features."""
    heights: dict[_Job, Floats] = {}

    def extend(jobs: list[_Job]) -> None:
        heights.update(zip(jobs, pool.map(lambda job: _heights(job, targets), jobs), strict=True))

    def hopeful(jobs: Iterable[_Job]) -> bool:
        top = max(float(one.max()) for one in heights.values())
        return max(float(heights[job].max()) for job in jobs) > top - _HOPELESS

    # How rows are seen matters more than the kernel: one of them tells which views are worth trying the others.
    extend([(look, _FIRST, length) for look in looks for length in _LENGTHS[::2]])
    kept = [look for look in looks if hopeful((look, _FIRST, length) for length in _LENGTHS[::2])]
    others = [name for name in KERNELS if name != _FIRST]
    extend([(look, name, length) for look in kept for name in others for length in _LENGTHS[::2]])
    between = [
        (look, name, _LENGTHS[i])
        for look in kept
        for name in KERNELS
        for i in range(1, len(_LENGTHS), 2)
        if hopeful((look, name, length) for length in _LENGTHS[i - 1 : i + 2 : 2])
    ]
    extend(between)
    return heights


def _heights(job: _Job, targets: Sequence[Floats]) -> Floats:
    """Return the logarithm of the likelihood for each share of noise, the best ratio chosen for each."""
    spectra = (_spectrum(job, cell) for cell in range(len(targets)))
    # The outputs of classes add up to one, so that the last of them says nothing new.
    n_independent = max(1, targets[0].shape[1] - 1)
    return np.asarray(n_independent * _log_likelihood(_Sums.of(spectra, targets), _SHARES[:, None]).max(axis=1))


def _log_likelihood(sums: _Sums, share: Floats | float) -> Floats:
    """Return it for a share of noise and each ratio of noise to function, which fix the function's size."""
    size = share / _RATIOS
    return -0.5 * (sums.n_rows * np.log(size) + sums.determinant + sums.fitted / size)


def _spectrum(job: _Job, cell: int) -> tuple[Floats, Floats]:
    from scipy.linalg import eigh

    look, name, length = job
    values, vectors = eigh(look.kernel(cell, name, length), driver="evd", overwrite_a=True, check_finite=False)
    return np.maximum(values, 0.0), vectors


def _profile(heights: Sequence[Floats]) -> Profile:
    highest = np.max(heights, axis=0)
    return Profile(_SHARES, highest - highest.max())


def _interval(profile: Profile, drop: float) -> tuple[float, float]:
    """Return the shares of noise within a drop from the top; the least share that is looked at counts as none."""
    inside = np.flatnonzero(profile.heights >= -drop)
    first, last = int(inside[0]), int(inside[-1])
    return (0.0 if first == 0 else float(profile.shares[first])), float(profile.shares[last])


def _predictions(
    job: _Job, targets: Sequence[Floats], share: float, seed: int
) -> tuple[Floats, float, float, list[Floats]]:
    """Predict each row from the others of its cell; draw a target without noise that is as rough.

    Returns
    -------
    predicted : ndarray of shape (n_rows, n_outputs)
        From the mean of the cell, in standard deviations.
    left : float
        Share of the variance that the predictions leave.
    excess : float
        How much wider than for Gaussian noise the interval must be: (kurtosis - 1) / 2, at least 1.
    drawn : list of ndarray of shape (n_cell, 1)
    """
    rng = np.random.default_rng(seed)
    spectra = [_spectrum(job, cell) for cell in range(len(targets))]
    ratio = float(_RATIOS[np.argmax(_log_likelihood(_Sums.of(spectra, targets), share))])
    predicted, errors, drawn = [], [], []
    for (values, vectors), centered in zip(spectra, targets, strict=True):
        inverse = 1.0 / (values + ratio)
        # Rasmussen and Williams (5.12): what is left of a row is its weight over the inverse's diagonal.
        weight = vectors @ (inverse[:, None] * (vectors.T @ centered))
        error = weight / ((vectors * vectors) @ inverse)[:, None]
        errors.append(error)
        predicted.append(centered - error)
        one = vectors @ (np.sqrt(values) * rng.standard_normal(len(values)))
        drawn.append((one - one.mean())[:, None])
    left = np.concatenate(errors)
    squared = np.maximum((left**2).mean(axis=0), 1e-300)
    kurtosis = float(np.mean((left**4).mean(axis=0) / squared**2))
    excess = min(max(1.0, 0.5 * (kurtosis - 1.0)), _MOST_EXCESS)
    return np.concatenate(predicted), float(np.mean(squared)), excess, drawn
