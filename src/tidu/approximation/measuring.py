"""How far is an approximant from its target, and what is known of it then?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.network import Network
from tidu.approximation.targets import Samples

__all__ = ["Approximant", "Measurement", "Study", "measure"]

Study: TypeAlias = Literal["width", "depth", "dimension", "polynomial", "jump"]
"""What is varied: the width, the depth at equal numbers of parameters, the number of variables; the last two vary the
width where approximating must fail."""


class Approximant(Protocol):
    """What stands for the target: a network, or a grid."""

    @property
    def n_parameters(self) -> int:
        """How many numbers it takes."""
        ...

    def __call__(self, X: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return the values at the rows of X."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """One approximant, and its error.

    Attributes
    ----------
    study : str
        What is varied in the row of measurements that this one belongs to.
    method : str
        How it was found: ``"bumps"``, ``"polygon"``, ``"curved"``, ``"towers"``, ``"grid"``; of a trained network
        activation and recipe, ``"relu/lbfgs"``.
    size : int
        What is varied: how many hidden units are allowed (of a grid: those of the network with as many parameters),
        hidden layers, or variables.
    n_features : int
    seed : int or None
        Of training.
    rms, max_error : float
        Root of the mean square, and the largest; in units of the target.
    approximant : Network or Grid
    """

    study: Study
    method: str
    size: int
    n_features: int
    seed: int | None
    rms: float
    max_error: float
    approximant: Approximant

    @property
    def network(self) -> Network | None:
        """The network, where it is one."""
        return self.approximant if isinstance(self.approximant, Network) else None

    @property
    def n_units(self) -> int:
        """Hidden units; 0 for a grid."""
        return self.network.n_units if self.network is not None else 0

    @property
    def depth(self) -> int:
        """Hidden layers; 0 for a grid."""
        return len(self.network.hidden) if self.network is not None else 0


def measure(approximant: Approximant, samples: Samples) -> tuple[float, float]:
    """Return the root mean square and the largest of the errors.

    Examples
    --------
    >>> from tidu.approximation.network import Network
    >>> zero = Network(({"W": np.zeros((1, 1)), "b": np.zeros(1)},), ())
    >>> measure(zero, Samples(np.zeros((2, 1)), np.array([1.0, -7.0])))
    (5.0, 7.0)
    """
    errors = approximant(samples.X) - samples.y
    return float(np.sqrt(np.mean(errors**2))), float(np.max(np.abs(errors)))
