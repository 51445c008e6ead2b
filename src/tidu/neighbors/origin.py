"""Where do rows come from, that a bad one may be named, and how long are they, where that matters?

This file knows nothing of what rows become.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource
from tidu.errors import DataError
from tidu.native.ledger import Ledger
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.kernels.auxiliary import auxiliaries_of
from tidu.neighbors.kernels.exact import AUXILIARIES
from tidu.neighbors.metrics import Array

__all__ = ["Origin", "refuse_nonfinite"]


class Origin:
    """A source of rows, and the lengths of those in memory.

    Parameters
    ----------
    source : BlockSource
    role : {"queries", "data"}
        For messages.
    arithmetic : Arithmetic
    most_rows : int
        Rows whose lengths are kept at once.
    ledger : Ledger
    n_threads : int

    Attributes
    ----------
    aux : ndarray of shape (most_rows, AUXILIARIES), float64, or None
        As keys of "cosine" need it; None for other metrics.
    """

    def __init__(
        self,
        source: BlockSource,
        role: str,
        arithmetic: Arithmetic,
        most_rows: int,
        ledger: Ledger,
        n_threads: int,
    ) -> None:
        self._source, self._role, self._ledger, self._n_threads = source, role, ledger, n_threads
        self.aux: NDArray[np.float64] | None = None
        if arithmetic.has_lengths:
            place = ledger.allocate(8 * AUXILIARIES * most_rows, "lengths of rows")
            self.aux = place.view(np.float64).reshape(most_rows, AUXILIARIES)

    def lengths(self, raw: Array, row: int, at: int) -> NDArray[np.float64] | None:
        """Find the lengths of rows, and keep them from place `at` on.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_features)
        row : int
            Number of the first of them in its source.
        at : int

        Returns
        -------
        ndarray of shape (n_rows,), float64, or None
            What brings each row to length one; None where lengths do not matter.

        Raises
        ------
        DataError
            If a row has a NaN or an infinity; where lengths do not matter it is not looked for.
        """
        if self.aux is None:
            return None
        refuse_nonfinite(raw, self._source, row, self._role)
        return auxiliaries_of(raw, self.aux[at:], self._ledger, self._n_threads)

    def refuse(self, raw: Array, row: int, bad: int) -> None:
        """Raise if a row was found to have a NaN or an infinity: `bad` is its place in `raw`, or -1."""
        if bad >= 0:
            refuse_nonfinite(raw[bad : bad + 1], self._source, row + bad, self._role)


def refuse_nonfinite(raw: Array, source: BlockSource, offset: int, role: str) -> None:
    """Raise if a row has a NaN or an infinity, naming it."""
    if raw.dtype.kind != "f":
        return
    finite = np.isfinite(raw).all(axis=1)
    if not finite.all():
        row = offset + int(np.argmin(finite))
        raise DataError(
            f"row {row} of the {role} ({source.name}) has a NaN or an infinity; "
            "distances need finite values: impute or drop the row",
            row=row,
            source=source.name,
        )
