"""How is a value written in one line: a number in full, an array by its corners and its spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.core.spec import Shape
from tidu.words import say

__all__ = ["show", "show_edge", "show_number", "show_shape", "show_short"]

_ALL = 4  # so many rows, or elements of a row, are shown in full
_FULL = 12  # an array of so many elements needs no summary
_DIGITS = 4  # of an element; a number that stands alone has six


def show_number(value: object, digits: int = 6) -> str:
    """Return a number with six digits, as short as it goes.

    Examples
    --------
    >>> show_number(-12.0), show_number(1 / 3), show_number(True)
    ('-12', '0.333333', 'True')
    """
    number = np.asarray(value)
    if number.dtype.kind in "biu":
        return str(number.item())
    written = f"{float(number):.{digits}g}"
    return "0" if written == "-0" else written


def show_shape(shape: Shape) -> str:
    """Return a shape as ``[4, 3]``."""
    return f"[{', '.join(map(str, shape))}]"


def show_short(value: object) -> str:
    """Return a number, or an array's corners; of an array that is the same everywhere, that number.

    Examples
    --------
    >>> show_short(np.arange(6.0)), show_short(np.ones(6))
    ('[0, 1, ..., 5]', '1')
    """
    array = np.asarray(value)
    if array.size and (array == array.flat[0]).all():
        return show_number(array.flat[0])
    return _corners(array)


def show_edge(value: object) -> str:
    """Return what fits beside an arrow: a number, or an array's shape and range.

    Examples
    --------
    >>> show_edge(np.arange(6.0)), show_edge(np.ones((2, 3)))
    ('[6] 0..5', '[2, 3] 1')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return show_number(array)
    low, high = (show_number(f(array), 3) if array.size else "" for f in (np.min, np.max))
    return f"{show_shape(array.shape)} {low if low == high else f'{low}..{high}'}".strip()


def show(value: object, lang: str) -> str:
    """Return a number; or an array's shape, corners, mean and range.

    Examples
    --------
    >>> show(np.arange(20.0), "en")
    '[20] [0, 1, ..., 19] (mean 9.5, from 0 to 19)'
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return show_number(array)
    shape = show_shape(array.shape)
    if array.size == 0:
        return f"{shape} ({say('explain.empty', lang)})"
    if array.size > 1 and (array == array.flat[0]).all():
        return f"{shape} {say('explain.everywhere', lang, value=show_number(array.flat[0]))}"
    if array.size <= _FULL or array.dtype.kind not in "iuf":
        return f"{shape} {_corners(array)}"
    with np.errstate(all="ignore"):  # the mean of infinities is NaN, and shown so
        facts = {"mean": array.mean(dtype=np.float64), "low": array.min(), "high": array.max()}
    spread = say("explain.statistics", lang, **{name: show_number(fact, _DIGITS) for name, fact in facts.items()})
    return f"{shape} {_corners(array)} ({spread})"


def _corners(array: NDArray[np.generic]) -> str:
    """Write the first and last rows, their first and last elements, and so on along every axis."""
    if array.ndim == 0:
        return show_number(array, _DIGITS)
    if array.ndim > 3:
        return _corners(array.reshape(-1))
    if array.shape[0] <= _ALL and (array.ndim == 1 or array.size <= _FULL):
        return f"[{', '.join(map(_corners, array))}]"
    if array.shape[0] == 1:
        return f"[{_corners(array[0])}]"
    head = array[:2] if array.ndim == 1 else array[:1]
    return f"[{', '.join(map(_corners, head))}, ..., {_corners(array[-1])}]"
