"""By which methods is an approximant found, and which of them fit a target?

This file knows nothing of what is varied and how errors are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.constructions import bumps, relu_interpolant
from tidu.approximation.network import Network
from tidu.approximation.targets import Target
from tidu.approximation.towers import towers
from tidu.approximation.training import OptimizerName, StartName, train

__all__ = ["RECIPES", "Recipe", "RecipeName", "build", "built_methods", "train_network", "trained_method"]

Vector: TypeAlias = NDArray[np.float64]
RecipeName: TypeAlias = Literal["lbfgs", "adam", "plain-adam"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained: where its weights start, and what moves them."""

    optimizer: OptimizerName
    start: StartName


RECIPES: Mapping[str, Recipe] = {
    "lbfgs": Recipe("lbfgs", "spread"),
    "adam": Recipe("adam", "spread"),
    "plain-adam": Recipe("adam", "random"),
}
"""By the names that `tidu.approximate` takes for `optimizers`; the last is the usual way, shown because it stalls."""


def trained_method(activation: str, recipe: str) -> str:
    """Return the name of a method that trains."""
    return f"{activation}/{recipe}"


def built_methods(target: Target) -> tuple[str, ...]:
    """Return the constructions that there are for a target; none for data, whose values between rows are unknown."""
    if target.data is not None:
        return ()
    return {1: ("bumps", "polygon", "curved"), 2: ("towers",)}.get(target.n_features, ())


def build(method: str, target: Target, width: int) -> Network | None:
    """Return the network that a construction makes with at most `width` hidden units; None where it needs more."""
    if method == "towers":
        side = int(np.sqrt(width - 1)) - 1 if width > 1 else 0  # n towers a side take n^2 + 2 n + 2 units
        return towers(target, target.domain, side) if side > 0 else None
    interval = target.domain[0]
    if method == "bumps":
        return bumps(_of_numbers(target), interval, width // 2) if width > 1 else None
    return relu_interpolant(_of_numbers(target), interval, width, "equal" if method == "polygon" else "curvature")


def train_network(
    method: str, target: Target, hidden: tuple[int, ...], *, seed: int, n_samples: int, epochs: int | None
) -> Network:
    """Return the network that a recipe makes of samples of the target."""
    activation, name = method.split("/")
    samples, recipe = target.training(n_samples), RECIPES[name]
    return train(
        samples.X,
        samples.y,
        hidden,
        activation,
        optimizer=recipe.optimizer,
        start=recipe.start,
        seed=seed,
        epochs=epochs,
    ).network


def _of_numbers(target: Target) -> Callable[[Vector], Vector]:
    return lambda x: target(x[:, None])
