"""How many networks of which kinds are tried, and is that something that can be done?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tidu.approximation.methods import RECIPES
from tidu.errors import ParameterError
from tidu.nn import activation

__all__ = ["WIDEST_WHITENED", "Settings", "checked_settings"]

Item = TypeVar("Item", str, int)

WIDEST_WHITENED = 4096
"""Hidden units of a network trained in whitened coordinates: n units take about 60 n^2 bytes and 20 n^3 flops."""

_WIDEST, _DEEPEST, _MOST_SAMPLES = 100_000, 100, 10_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What `tidu.approximate` was asked to try; see there. No sequence has an item twice."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    activations: tuple[str, ...]
    optimizers: tuple[str, ...]
    seeds: tuple[int, ...]
    dimensions: tuple[int, ...]
    n_samples: int
    epochs: int | None
    failures: bool


def checked_settings(
    *,
    widths: Sequence[int],
    depths: Sequence[int],
    activations: str | Sequence[str],
    optimizers: str | Sequence[str],
    seeds: int | Sequence[int],
    dimensions: Sequence[int],
    n_samples: int,
    epochs: int | None,
    failures: bool,
) -> Settings:
    """Return the settings, or refuse them in one line.

    Raises
    ------
    ParameterError
        If a number is out of range, or a name unknown.
    """
    chosen = _names("activations", activations)
    if not chosen:
        raise ParameterError("activations must be at least one name, such as relu", got=activations)
    for name in chosen:
        activation(name)
        if "softmax" in name:
            raise ParameterError(f"{name} mixes the units of a layer; choose an activation of single units", got=name)
    recipes = _names("optimizers", optimizers)
    for name in recipes:
        if name not in RECIPES:
            raise ParameterError(f"optimizers must be of {', '.join(RECIPES)}; got {name!r}", got=name)
    chosen_widths = _numbers("widths", widths, 1, _WIDEST)
    whitened = [name for name in recipes if RECIPES[name].start == "spread"]
    if whitened and chosen_widths[-1] > WIDEST_WHITENED:
        raise ParameterError(
            f"widths must be at most {WIDEST_WHITENED:,} where networks are trained by {' or '.join(whitened)}; got "
            f"{chosen_widths[-1]:,}: leave it out, or leave optimizers empty for built networks alone",
            got=chosen_widths[-1],
        )
    if epochs is not None:
        _number("epochs", epochs, 1, _MOST_SAMPLES)
    return Settings(
        widths=chosen_widths,
        depths=_numbers("depths", depths, 1, _DEEPEST),
        activations=chosen,
        optimizers=recipes,
        seeds=_seeds(seeds),
        dimensions=_numbers("dimensions", dimensions, 1, 1000, fewest=0),
        n_samples=_number("n_samples", n_samples, 16, _MOST_SAMPLES),
        epochs=epochs,
        failures=bool(failures),
    )


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        return tuple(range(_number("seeds", int(seeds), 1, 10_000)))
    return _numbers("seeds", seeds, 0, 2**32 - 1, ordered=False)  # type: ignore[arg-type]


def _names(what: str, given: object) -> tuple[str, ...]:
    listed = [given] if isinstance(given, str) else given
    names = list(listed) if isinstance(listed, Iterable) else [None]
    if not all(isinstance(name, str) for name in names):
        raise ParameterError(f"{what} must be one name or several; got {given!r}", got=given)
    return tuple(dict.fromkeys(map(str, names)))


def _numbers(
    what: str, given: Sequence[int], least: int, most: int, ordered: bool = True, fewest: int = 1
) -> tuple[int, ...]:
    try:
        numbers = [_number(what, number, least, most) for number in given]
    except TypeError:
        raise ParameterError(f"{what} must be whole numbers such as (4, 8, 16); got {given!r}", got=given) from None
    if len(numbers) < fewest:
        raise ParameterError(f"{what} must be at least one whole number; got {given!r}", got=given)
    return tuple(sorted(set(numbers))) if ordered else tuple(dict.fromkeys(numbers))


def _number(what: str, number: object, least: int, most: int) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not least <= number <= most:
        raise ParameterError(f"{what} must be whole numbers from {least} to {most:,}; got {number!r}", got=number)
    return int(number)
