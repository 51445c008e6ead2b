"""Which rows are held out, and how are columns brought to a common scale, a block at a time?

Both are scikit-learn's own methods; this file only brings them to data that stay on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tidu.data.source import BlockSource, blocks
from tidu.errors import DataError, ParameterError

if TYPE_CHECKING:
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

__all__ = ["fit_scaler", "pixel_scaler", "train_test_split_rows"]


def train_test_split_rows(
    n_samples: int,
    labels: NDArray[np.generic] | None = None,
    *,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose which rows are held out.

    Parameters
    ----------
    n_samples : int
        Number of rows.
    labels : ndarray of shape (n_samples,) or None
        Classes; if given, each has (nearly) the same share of both sides. A class of one row cannot be
        shared out: it stays with the rows for training.
    test_fraction : float
        Share of the rows that is held out, dimensionless, between 0 and 1.
    seed : int
        The same seed chooses the same rows.

    Returns
    -------
    train, test : ndarray of int
        Sorted row numbers; together every row once.

    Examples
    --------
    >>> train, test = train_test_split_rows(6, np.array([0, 0, 0, 1, 1, 1]), test_fraction=1/3, seed=0)
    >>> len(train), len(test)
    (4, 2)
    """
    from sklearn.model_selection import train_test_split

    if not 0.0 < test_fraction < 1.0:
        raise ParameterError(
            f"test_fraction must lie between 0 and 1; got {test_fraction}", test_fraction=test_fraction
        )
    if n_samples < 2:
        raise DataError(f"{n_samples} rows cannot be split into two sides; at least 2 are needed", n_samples=n_samples)
    rows = np.arange(n_samples)
    single, shared, classes = np.empty(0, np.intp), rows, None
    if labels is not None:
        _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        lonely = counts[codes] == 1
        single, shared, classes = rows[lonely], rows[~lonely], codes[~lonely]
    n_test = min(max(round(test_fraction * n_samples), 1), n_samples - 1)
    n_classes = 0 if classes is None else len(np.unique(classes))
    if classes is not None and not n_classes <= n_test <= len(shared) - n_classes:
        # Too few rows to give every class a place on both sides.
        single, shared, classes = np.empty(0, np.intp), rows, None
    train, test = train_test_split(shared, test_size=n_test, random_state=seed, stratify=classes)
    return np.sort(np.concatenate([train, single])), np.sort(test)


def fit_scaler(source: BlockSource, rows_per_block: int) -> StandardScaler:
    """Fit scikit-learn's `StandardScaler` on a source, a block at a time.

    Mean and variance are merged block by block in float64 (Chan, Golub and LeVeque 1983), so the result
    agrees with a fit on the whole matrix up to rounding.

    Parameters
    ----------
    source : BlockSource of shape (n_samples, n_features)
        What is read, once.
    rows_per_block : int
        Rows in memory at a time; scikit-learn casts integers to float64, 8 bytes per value.

    Examples
    --------
    >>> from tidu.data import as_source
    >>> fit_scaler(as_source([[0.0], [2.0], [4.0]]), 2).mean_.tolist()
    [2.0]
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for _, block in blocks(source, rows_per_block):
        scaler.partial_fit(block)
    return scaler


def pixel_scaler(n_features: int, pixel_max: int) -> MaxAbsScaler:
    """Return the scaler that divides integer pixels by their largest possible value: 0..255 to 0..1.

    Unlike a scaler that looks at the data, it treats every pixel alike and keeps pictures pictures.

    Examples
    --------
    >>> pixel_scaler(2, 255).transform(np.array([[0.0, 255.0]])).tolist()
    [[0.0, 1.0]]
    """
    from sklearn.preprocessing import MaxAbsScaler

    return MaxAbsScaler().fit(np.full((1, n_features), float(pixel_max)))
