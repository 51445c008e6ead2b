"""Which variable gets which value: ``x=-2``, ``b=[1, 2.5]``. Only numbers, nothing is evaluated."""

from __future__ import annotations

import keyword
import math
import re

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ExpressionError
from tidu.expressions.screen import MAX_LENGTH
from tidu.expressions.vocabulary import is_reserved

__all__ = ["parse_assignment"]

_ASSIGNMENT = re.compile(r"[ ]*([A-Za-z][A-Za-z0-9_]{0,99})[ ]*=(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPACES = re.compile(r"[ \t]*")
_MAX_DEPTH = 8


def parse_assignment(text: str) -> tuple[str, float | NDArray[np.float64]]:
    """Read ``name=value`` with a number, or a list (of lists) of numbers, as the value.

    Parameters
    ----------
    text : str
        ASCII, as ``x=-2``, ``rate=1e-3`` or ``W=[[1, 2], [3, 4]]``.

    Returns
    -------
    name : str
    value : float or ndarray of float64

    Raises
    ------
    ExpressionError
        In one line, with the column of what is wrong.

    Examples
    --------
    >>> parse_assignment("x=-2")
    ('x', -2.0)
    >>> parse_assignment("b=[1, 2]")
    ('b', array([1., 2.]))
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"an assignment has at most {MAX_LENGTH:,} characters, got {len(text):,}",
            expected=MAX_LENGTH,
            got=len(text),
        )
    match = _ASSIGNMENT.fullmatch(text)
    if match is None:
        raise ExpressionError(f"expected name=value, say x=-2, got {text[:60]!a}", got=text)
    name = match[1]
    if keyword.iskeyword(name) or is_reserved(name):
        raise ExpressionError(f"{name!r} already has a meaning; choose another name for the variable", got=name)
    value = _value(text, match.start(2))
    if isinstance(value, float):
        return name, value
    try:
        return name, np.array(value, np.float64)
    except ValueError:
        raise ExpressionError(
            f"the rows of {name} differ in length; every row needs as many numbers", got=name
        ) from None


def _value(text: str, position: int) -> float | list[object]:
    """Read a number or nested lists, without recursion."""
    opened: list[list[object]] = []
    while True:
        position = _skip(text, position)
        if text[position : position + 1] == "[":
            if len(opened) == _MAX_DEPTH:
                raise _error(text, position, f"lists are nested more than {_MAX_DEPTH} deep")
            opened.append([])
            position += 1
            continue
        match = _NUMBER.match(text, position)
        if match is None:
            raise _error(text, position, "expected a number, say -2, 0.5 or 1e-3, or a list, say [1, 2]")
        value: float | list[object] = float(match.group())
        if not math.isfinite(float(match.group())):
            raise _error(text, position, "the number is too large for floating point (1.8e308)")
        position = _skip(text, match.end())
        while opened:
            opened[-1].append(value)
            if text[position : position + 1] == ",":
                position += 1
                break
            if text[position : position + 1] != "]":
                raise _error(text, position, "expected , or ] after a number of a list")
            value = opened.pop()
            position = _skip(text, position + 1)
        else:
            if position < len(text):
                raise _error(text, position, "nothing may follow the value")
            return value


def _skip(text: str, position: int) -> int:
    match = _SPACES.match(text, position)
    return match.end() if match else position


def _error(text: str, position: int, what: str) -> ExpressionError:
    shown = ascii(text[max(0, position - 40) : position + 40])
    return ExpressionError(f"column {position + 1} of {shown}: {what}", column=position + 1, text=text)
