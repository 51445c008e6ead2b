"""What are targets, methods and rates called in the reader's language?"""

from __future__ import annotations

from tidu.approximation.rates import Rate
from tidu.approximation.targets import Target
from tidu.drawing import format_number
from tidu.words import say

__all__ = ["described", "method_name", "written", "written_rate"]

_VARIABLES_SHOWN = 6


def method_name(method: str, lang: str) -> str:
    """Return the name of a method.

    Examples
    --------
    >>> method_name("relu/lbfgs", "en"), method_name("bumps", "zh")
    ('relu trained, L-BFGS', '方块')
    """
    if "/" not in method:
        return say(f"approximate.{method}", lang)
    activation, recipe = method.split("/")
    return say(f"approximate.trained_{recipe}", lang, activation=activation)


def described(target: Target, lang: str) -> str:
    """Return the target and its domain in one line."""
    ends = [
        f"{name} ∈ [{format_number(low)}, {format_number(high)}]"
        for name, (low, high) in zip(target.names, target.domain, strict=True)
    ]
    if len(ends) > _VARIABLES_SHOWN:
        ends[_VARIABLES_SHOWN:] = [say("approximate.and_more", lang, n=len(ends) - _VARIABLES_SHOWN)]
    box = ", ".join(ends)
    if target.data is not None:
        return say("approximate.of_data", lang, n=len(target.data.y), box=box)
    return say("approximate.on", lang, name=target.name, box=box)


def written(error: float) -> str:
    """Return an error with three significant digits."""
    return format_number(error, 3)


def written_rate(rate: Rate | None, size: str = "n") -> str:
    """Return a rate with its interval, or a dash; `size` is the letter of what grows.

    Examples
    --------
    >>> written_rate(Rate(-2.0, -2.05, -1.95, 1.0))
    'n^-2.00 [-2.05, -1.95]'
    """
    return "–" if rate is None else rate.written(size)
