"""Who allocates memory, and how much of it may there be?

A `Ledger` hands out aligned buffers under a hard limit and knows the most that was held at once. The
arena of a compiled graph and the blocks of a search are taken from it. It knows nothing of what they hold.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tidu.config import parse_bytes
from tidu.errors import BudgetError

__all__ = ["ALIGNMENT", "Ledger"]

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register there is."""


class Ledger:
    """Allocates memory under a limit.

    Parameters
    ----------
    limit : str or int, optional
        Bytes, or an amount such as "64MB"; without it nothing is refused.

    Attributes
    ----------
    limit_bytes : int or None
    used_bytes : int
        Held now.
    peak_bytes : int
        The most that was held at once.

    Examples
    --------
    >>> ledger = Ledger("1kB")
    >>> block = ledger.allocate(640, "a block")
    >>> ledger.used_bytes
    703
    >>> del block
    >>> ledger.used_bytes, ledger.peak_bytes
    (0, 703)
    """

    def __init__(self, limit: str | int | None = None) -> None:
        self.limit_bytes = None if limit is None else parse_bytes(limit)
        self.used_bytes = 0
        self.peak_bytes = 0
        # Reentrant: the collector may return a buffer while this very thread takes one.
        self._lock = threading.RLock()

    def allocate(self, n_bytes: int, what: str, alignment: int = ALIGNMENT) -> NDArray[np.uint8]:
        """Return an aligned buffer, not initialized.

        It is given back when the last array that looks into it is gone.

        Parameters
        ----------
        n_bytes : int
            Its size; what alignment costs is counted too.
        what : str
            What it is for, for the message of a refusal.
        alignment : int
            Its address is a multiple of that many bytes.

        Raises
        ------
        BudgetError
            If the limit would be exceeded; nothing is allocated then.
        """
        padded = n_bytes + alignment - 1
        self._take(padded, what)
        try:
            raw = np.empty(padded, np.uint8)
        except BaseException:
            self._give_back(padded)
            raise
        weakref.finalize(raw, self._give_back, padded).atexit = False
        start = -raw.ctypes.data % alignment
        return raw[start : start + n_bytes]

    @contextmanager
    def hold(self, n_bytes: int, what: str) -> Iterator[None]:
        """Count memory that is allocated elsewhere for the length of a ``with`` block.

        Raises
        ------
        BudgetError
            If the limit would be exceeded.
        """
        self._take(n_bytes, what)
        try:
            yield
        finally:
            self._give_back(n_bytes)

    def _take(self, n_bytes: int, what: str) -> None:
        with self._lock:
            total = self.used_bytes + n_bytes
            if self.limit_bytes is not None and total > self.limit_bytes:
                raise BudgetError(
                    f"{what}: {n_bytes} bytes more than the {self.used_bytes} in use would exceed the memory "
                    f"limit of {self.limit_bytes} bytes; the least that would do is {total}",
                    what=what,
                    asked_bytes=n_bytes,
                    used_bytes=self.used_bytes,
                    limit_bytes=self.limit_bytes,
                    least_bytes=total,
                )
            self.used_bytes = total
            self.peak_bytes = max(self.peak_bytes, total)

    def _give_back(self, n_bytes: int) -> None:
        with self._lock:
            self.used_bytes -= n_bytes
