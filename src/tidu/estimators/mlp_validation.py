"""Which rows judge the training instead of taking part in it?

This file knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.model_selection import train_test_split

from tidu.errors import ParameterError

__all__ = ["Validation", "held_out_rows", "split_rows"]

Validation: TypeAlias = Sequence[ArrayLike | sparse.spmatrix | sparse.sparray]
"""``(X, y)`` or ``(X, y, sample_weight)``."""
Rows: TypeAlias = NDArray[np.intp]

_DIGEST_BYTES = 8


def split_rows(
    n_rows: int, fraction: float, labels: NDArray[np.generic] | None, random_state: np.random.RandomState
) -> tuple[Rows, Rows]:
    """Return the rows for validation and those for training, drawn as scikit-learn draws them.

    Raises
    ------
    ParameterError
        If fewer than two rows would judge.
    """
    kept, apart = train_test_split(np.arange(n_rows), test_size=fraction, random_state=random_state, stratify=labels)
    if len(apart) < 2:
        raise ParameterError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset.",
            got=len(apart),
        )
    return apart, kept


def held_out_rows(rows: NDArray[np.generic], fraction: float) -> tuple[Rows, Rows]:
    """Return the rows for validation and those for training, chosen by what the rows hold.

    Whether a row is set apart depends on its values alone, so a row that comes again in a later call of
    `partial_fit`, in any company, never judges after it was learned from. If nothing would be left to learn
    from, all rows are; fewer than two rows do not judge.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    fraction : float
        Share of rows to set apart, on average.

    Examples
    --------
    >>> rows = np.arange(1000.0)[:, None]
    >>> apart, kept = held_out_rows(rows, 0.1)
    >>> again, _ = held_out_rows(rows[::-1], 0.1)
    >>> len(apart), sorted(apart.tolist()) == sorted(999 - again)
    (97, True)
    """
    limit = int(fraction * 2.0 ** (8 * _DIGEST_BYTES))
    digests = [blake2b(row.tobytes(), digest_size=_DIGEST_BYTES).digest() for row in rows]
    chosen = np.array([int.from_bytes(digest, "little") < limit for digest in digests])
    if chosen.all():
        chosen[:] = False
    apart, kept = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    return (apart if len(apart) > 1 else apart[:0]), kept
