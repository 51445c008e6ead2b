"""Which numbers stand at an axis, how are they written, and where on it does a value lie.

Knows nothing of pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale", "format_number", "linear_scale", "log_scale", "nice_step"]

_LARGEST = 1e300  # beyond it the span of an axis would overflow
_SMALLEST = 1e-300  # below it a logarithm loses digits and a span vanishes


@dataclass(frozen=True, slots=True)
class Scale:
    """A range of numbers, its ticks, and whether it is logarithmic."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    logarithmic: bool = False

    def position(self, value: float) -> float | None:
        """Return where the value lies, 0 at the low end and 1 at the high; None for what has no place."""
        if not math.isfinite(value) or (self.logarithmic and value <= 0):
            return None
        if self.logarithmic:
            value = max(value, _SMALLEST)
            return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        value = min(max(value, -_LARGEST), _LARGEST)
        return (value - self.low) / (self.high - self.low)


def linear_scale(values: Iterable[float], include_zero: bool = False, target: int = 6) -> Scale:
    """Return a scale that covers the finite values with round ticks.

    Parameters
    ----------
    values : iterable of float
        The data; NaN and infinities are left out.
    include_zero : bool
        Whether 0 belongs to it, as for bars.
    target : int
        About how many ticks.

    Examples
    --------
    >>> linear_scale([0.0, 9.7]).labels
    ('0', '2', '4', '6', '8', '10')
    """
    finite = [min(max(float(v), -_LARGEST), _LARGEST) for v in values if math.isfinite(v)]
    if include_zero:
        finite.append(0.0)
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    size = max(abs(low), abs(high))
    if high - low <= 1e-9 * size or size < _SMALLEST:
        room = 0.5 * size if size >= _SMALLEST else 1.0  # a constant gets room on both sides
        low, high = (low, high + 2 * room) if include_zero and low >= 0 else (low - room, high + room)
    step = nice_step((high - low) / target)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks, tuple(_tick_label(tick, step) for tick in ticks))


def log_scale(values: Iterable[float]) -> Scale:
    """Return a logarithmic scale that covers the positive finite values.

    Examples
    --------
    >>> log_scale([0.02, 700.0]).labels
    ('0.01', '0.1', '1', '10', '100', '1000')
    """
    positive = [float(v) for v in values if math.isfinite(v) and v > 0]
    low, high = (max(min(positive), _SMALLEST), max(*positive, _SMALLEST)) if positive else (0.1, 1.0)
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = min(last, 308)
    if last <= first:
        first, last = (first - 1, first) if first >= 308 else (first, first + 1)
    if last - first <= 2:
        candidates = [lead * 10.0**power for power in range(first, last) for lead in (1, 2, 5)] + [10.0**last]
        below = [tick for tick in candidates if tick <= low * (1 + 1e-9)] or candidates[:1]
        above = [tick for tick in candidates if tick >= high * (1 - 1e-9)] or candidates[-1:]
        ticks = tuple(tick for tick in candidates if below[-1] <= tick <= above[0])
        if len(ticks) < 2:
            ticks = (candidates[0], candidates[-1])
    else:
        stride = math.ceil((last - first) / 7)
        missing = -(last - first) % stride
        first, last = (first, last + missing) if last + missing <= 308 else (first - missing, last)
        ticks = tuple(10.0**power for power in range(first, last + 1, stride))
    return Scale(ticks[0], ticks[-1], ticks, tuple(format_number(tick) for tick in ticks), logarithmic=True)


def nice_step(rough: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `rough`.

    Examples
    --------
    >>> nice_step(0.3), nice_step(12.0), nice_step(1.0)
    (0.5, 20.0, 1.0)
    """
    power = 10.0 ** math.floor(math.log10(rough))
    for lead in (1.0, 2.0, 5.0):
        if rough <= lead * power * (1 + 1e-9):
            return lead * power
    return 10.0 * power


def format_number(value: float, digits: int = 4) -> str:
    """Return a number in as few characters as its significant digits need.

    Examples
    --------
    >>> format_number(0.1 + 0.2), format_number(123456.0), format_number(2e-7), format_number(3.0)
    ('0.3', '1.235e5', '2e-7', '3')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if float(value).is_integer() and abs(value) < 10**5:
        return str(int(value))
    written = f"{value:.{digits}g}"
    if "e" in written:
        mantissa, exponent = written.split("e")
        return f"{mantissa}e{int(exponent)}"
    if abs(value) >= 10**5:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return written


def _tick_label(tick: float, step: float) -> str:
    if abs(tick) < step / 2:
        return "0"
    # digits that tell this tick from its neighbors, and no more
    digits = max(1, math.floor(math.log10(abs(tick)) + 1e-9) - math.floor(math.log10(step) + 1e-9) + 1)
    if step >= 1e-4 and abs(tick) < 1e5:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{tick:.{decimals}f}"
    return format_number(tick, min(digits, 15))
