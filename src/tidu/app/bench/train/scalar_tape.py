"""What does reverse mode cost in pure Python, one object for each number: the teaching engine, in small?

It is here to be compared with and knows nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["TapeNumber", "value_and_gradients"]


class TapeNumber:
    """A number that remembers what it was made of."""

    __slots__ = ("gradient", "parents", "slopes", "value")

    def __init__(self, value: float, parents: tuple[TapeNumber, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.value, self.parents, self.slopes = value, parents, slopes
        self.gradient = 0.0

    def __add__(self, other: TapeNumber) -> TapeNumber:
        return TapeNumber(self.value + other.value, (self, other), (1.0, 1.0))

    def __mul__(self, other: TapeNumber) -> TapeNumber:
        return TapeNumber(self.value * other.value, (self, other), (other.value, self.value))

    def backward(self) -> None:
        """Add the derivative of this number to `gradient` of every number that led to it."""
        order: list[TapeNumber] = []
        seen: set[int] = set()
        waiting = [(self, False)]
        while waiting:  # a chain of a thousand is deeper than Python's stack
            number, finished = waiting.pop()
            if finished:
                order.append(number)
            elif id(number) not in seen:
                seen.add(id(number))
                waiting.append((number, True))
                waiting.extend((parent, False) for parent in number.parents)
        self.gradient = 1.0
        for number in reversed(order):
            for parent, slope in zip(number.parents, number.slopes, strict=True):
                parent.gradient += slope * number.gradient


def value_and_gradients(function: Callable[..., TapeNumber], *values: float) -> tuple[float, tuple[float, ...]]:
    """Return a function's value and its derivatives.

    Examples
    --------
    >>> value_and_gradients(lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
    (-12.0, (-4.0, -4.0, 3.0))
    """
    numbers = [TapeNumber(value) for value in values]
    result = function(*numbers)
    result.backward()
    return result.value, tuple(number.gradient for number in numbers)
