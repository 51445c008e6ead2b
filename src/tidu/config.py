"""Which few settings hold for the whole process, and how is an amount of memory written?

The settings are attributes of this module, to be assigned to: ``tidu.config.check_finite = True``.
This file knows nothing of who reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tidu.errors import ParameterError

__all__ = ["check_finite", "override", "parse_bytes"]

_UNITS = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgtp", start=1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", re.ASCII)


check_finite: bool = False
"""Raise `NonFiniteError` where a NaN or an infinity first appears; slow, for looking into a run."""


@contextmanager
def override(*, check_finite: bool) -> Iterator[None]:
    """Hold the settings for the length of a ``with`` block.

    Examples
    --------
    >>> import tidu
    >>> with tidu.config.override(check_finite=True):
    ...     tidu.config.check_finite
    True
    >>> tidu.config.check_finite
    False
    """
    settings = globals()
    before, settings["check_finite"] = settings["check_finite"], check_finite
    try:
        yield
    finally:
        settings["check_finite"] = before


def parse_bytes(amount: str | int) -> int:
    """Return an amount of memory in bytes.

    Parameters
    ----------
    amount : str or int
        Bytes, or a number with a unit: ``kB MB GB`` are powers of 1000, ``KiB MiB GiB`` of 1024; case
        does not matter. A fraction of a byte is dropped.

    Raises
    ------
    ParameterError
        If it is not an amount of at least one byte.

    Examples
    --------
    >>> parse_bytes("64MB"), parse_bytes("1 GiB"), parse_bytes(4096)
    (64000000, 1073741824, 4096)
    """
    from fractions import Fraction  # here, as it brings `decimal` along, which few programs need

    found: int | None = None
    if isinstance(amount, str):
        match = _AMOUNT.fullmatch(amount.lower())
        if match and match[2] in _UNITS:
            found = int(Fraction(match[1]) * _UNITS[match[2]])
    elif not isinstance(amount, bool) and hasattr(amount, "__index__"):
        found = int(amount)
    if found is None or found < 1:
        raise ParameterError(
            f"expected an amount of memory such as 64000000, '64MB' or '1GiB'; got {amount!r}", got=amount
        )
    return found
