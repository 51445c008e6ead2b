"""How does the learning rate change from step to step: pure functions of the step and of the run so far.

A schedule keeps no state: the one that waits for a plateau is given the watched values and replays them.
This file knows nothing of optimizers and losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError

__all__ = [
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "LearningRate",
    "OnPlateau",
    "Run",
    "Schedule",
    "StepDecay",
    "WarmUp",
    "as_schedule",
    "looks_back",
    "require_number",
]

Steps: TypeAlias = NDArray[np.int64]
Rates: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """What a schedule may know of the run.

    Parameters
    ----------
    n_steps : int
        Steps of the whole run.
    steps_per_epoch : int
    watched : tuple of float
        The watched value of each epoch that is over: the validation loss, the negative score, or the loss
        of training; lower is better.
    """

    n_steps: int
    steps_per_epoch: int
    watched: tuple[float, ...] = ()


@runtime_checkable
class Schedule(Protocol):
    """Learning rates for steps."""

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return a learning rate for each step, counted from 0 at the start of the run."""
        ...


LearningRate: TypeAlias = float | Schedule


def as_schedule(learning_rate: LearningRate) -> Schedule:
    """Return a schedule; of a number the constant one.

    Raises
    ------
    ParameterError
        If it is neither a positive number nor a schedule.
    """
    return learning_rate if isinstance(learning_rate, Schedule) else Constant(learning_rate)


def looks_back(schedule: Schedule) -> bool:
    """Tell whether a schedule may ask what has been watched: all but those that are known not to."""
    if isinstance(schedule, WarmUp):
        return looks_back(as_schedule(schedule.then))
    return not isinstance(schedule, (Constant, StepDecay, ExponentialDecay, CosineDecay))


def require_number(name: str, value: object, low: float, high: float = math.inf, *, open_low: bool = False) -> None:
    """Refuse what is not a number in ``low <= value < high`` (``low < value`` if `open_low`)."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not (low < value if open_low else low <= value) or not value < high:  # type: ignore[operator]
        bounds = f"{'more than' if open_low else 'at least'} {low:g}" + (
            f" and below {high:g}" if high < math.inf else ""
        )
        raise ParameterError(f"{name} must be a number {bounds}; got {value!r}", name=name, got=value)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same learning rate throughout.

    Examples
    --------
    >>> Constant(0.1).rates(np.arange(3), Run(3, 1)).tolist()
    [0.1, 0.1, 0.1]
    """

    learning_rate: float

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, 0.0, open_low=True)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return the rate for each step."""
        return np.full(np.shape(steps), float(self.learning_rate))


@dataclass(frozen=True, slots=True)
class StepDecay:
    """Multiplied by `factor` every `every_epochs` epochs, as PyTorch's ``StepLR``.

    Examples
    --------
    >>> StepDecay(1.0, factor=0.5, every_epochs=2).rates(np.arange(5), Run(5, 1)).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    learning_rate: float
    factor: float = 0.1
    every_epochs: int = 10

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, 0.0, open_low=True)
        require_number("factor", self.factor, 0.0, open_low=True)
        require_number("every_epochs", self.every_epochs, 1)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return ``learning_rate * factor ** (epoch // every_epochs)``."""
        epochs = np.asarray(steps) // run.steps_per_epoch
        return self.learning_rate * np.power(float(self.factor), epochs // self.every_epochs)


@dataclass(frozen=True, slots=True)
class ExponentialDecay:
    """Multiplied by `factor` after each epoch, as PyTorch's ``ExponentialLR``.

    Examples
    --------
    >>> ExponentialDecay(1.0, factor=0.5).rates(np.arange(4), Run(4, 2)).tolist()
    [1.0, 1.0, 0.5, 0.5]
    """

    learning_rate: float
    factor: float = 0.95

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, 0.0, open_low=True)
        require_number("factor", self.factor, 0.0, open_low=True)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return ``learning_rate * factor ** epoch``."""
        return self.learning_rate * np.power(float(self.factor), np.asarray(steps) // run.steps_per_epoch)


@dataclass(frozen=True, slots=True)
class CosineDecay:
    """Half a cosine from `learning_rate` down to `final`, step by step.

    Parameters
    ----------
    learning_rate, final : float
    n_steps : int or None
        Length of the descent; by default the whole run.

    Notes
    -----
    ``final + (learning_rate - final) * (1 + cos(pi * step / n_steps)) / 2``, and `final` afterwards.

    References
    ----------
    Loshchilov and Hutter, SGDR, ICLR 2017, arXiv:1608.03983, equation 5; PyTorch's ``CosineAnnealingLR``.

    Examples
    --------
    >>> CosineDecay(1.0).rates(np.arange(3), Run(2, 1)).round(12).tolist()
    [1.0, 0.5, 0.0]
    """

    learning_rate: float
    final: float = 0.0
    n_steps: int | None = None

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, 0.0, open_low=True)
        require_number("final", self.final, 0.0)
        if self.n_steps is not None:
            require_number("n_steps", self.n_steps, 1)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return the formula's value for each step."""
        way = np.minimum(np.asarray(steps) / max(self.n_steps or run.n_steps, 1), 1.0)
        rates: Rates = self.final + (self.learning_rate - self.final) * (1.0 + np.cos(math.pi * way)) / 2.0
        return rates


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Rises in a straight line over the first `n_steps` steps, then hands over to another schedule.

    Parameters
    ----------
    then : float or Schedule
        Starts, at its own step 0, when the rise is over; the rise leads to its first value.
    n_steps : int

    Examples
    --------
    >>> WarmUp(1.0, n_steps=4).rates(np.arange(6), Run(6, 1)).tolist()
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    then: LearningRate
    n_steps: int

    def __post_init__(self) -> None:
        as_schedule(self.then)
        require_number("n_steps", self.n_steps, 1)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Return ``(step + 1) / n_steps`` of the first value, then what the other schedule says."""
        later = np.maximum(np.asarray(steps) - self.n_steps, 0)
        rest = replace(run, n_steps=max(run.n_steps - self.n_steps, 1))
        return as_schedule(self.then).rates(later, rest) * np.minimum((np.asarray(steps) + 1) / self.n_steps, 1.0)


@dataclass(frozen=True, slots=True)
class OnPlateau:
    """Multiplied by `factor` when the watched value has not fallen for more than `patience` epochs.

    As PyTorch's ``ReduceLROnPlateau`` with ``threshold_mode="abs"``.

    Parameters
    ----------
    learning_rate : float
    factor : float
        Between 0 and 1, dimensionless.
    patience : int
        Epochs without improvement that are waited for.
    min_delta : float
        The watched value must fall by more than this, in its own unit, to count as an improvement.
    lowest : float
        The learning rate does not go below it.

    Examples
    --------
    >>> stuck = Run(6, 1, watched=(3.0, 2.0, 2.0, 2.0))
    >>> OnPlateau(1.0, factor=0.5, patience=1).rates(np.array([4]), stuck).tolist()
    [0.5]
    """

    learning_rate: float
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    lowest: float = 0.0

    def __post_init__(self) -> None:
        require_number("learning_rate", self.learning_rate, 0.0, open_low=True)
        require_number("factor", self.factor, 0.0, 1.0, open_low=True)
        require_number("patience", self.patience, 0)
        require_number("min_delta", self.min_delta, 0.0)
        require_number("lowest", self.lowest, 0.0)

    def rates(self, steps: Steps, run: Run) -> Rates:
        """Replay the watched values; the same rate for all steps of an epoch."""
        return np.full(np.shape(steps), self._after(run.watched))

    def _after(self, watched: Sequence[float]) -> float:
        rate, best, waited = float(self.learning_rate), math.inf, 0
        for value in watched:
            if value < best - self.min_delta:
                best, waited = value, 0
            else:
                waited += 1
            if waited > self.patience:
                rate, waited = max(rate * self.factor, self.lowest), 0
        return rate
