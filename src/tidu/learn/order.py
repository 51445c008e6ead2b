"""Which rows does each step take: shuffled by a seed, from top to bottom, or as the user numbers them.

This file knows nothing of data and losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError
from tidu.learn.batches import Rows
from tidu.nn.random import bits, fold_in

__all__ = ["Order", "as_order"]

_EPOCHS, _BATCH_SIZE = 10, 128


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Rows of every step of a run.

    Parameters
    ----------
    n_rows : int
    batch_size : int
        Rows of a step; the last one of an epoch may have fewer.
    n_epochs : int
    shuffle : bool
    key : ndarray of shape (2,), uint64
        Of the shuffling.
    first_epoch : int
        Number of the first epoch, where a run goes on from an earlier one.
    numbers : sequence of ndarray, ndarray of shape (n_steps, batch_size) or None
        The user's own row numbers, one row or array for each step.
    """

    n_rows: int
    batch_size: int
    n_epochs: int
    shuffle: bool
    key: NDArray[np.uint64]
    first_epoch: int = 0
    numbers: Sequence[Rows] | Rows | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every row is met once."""
        return -(-self.n_rows // self.batch_size)

    @property
    def longest(self) -> int:
        """Rows of the largest batch."""
        return self.batch_size if self.numbers is None else max(map(len, self.numbers))

    @property
    def n_steps(self) -> int:
        """Steps of the run."""
        return self.n_epochs * self.steps_per_epoch if self.numbers is None else len(self.numbers)

    @property
    def nbytes(self) -> int:
        """Bytes held while an epoch is ordered: random bits, their order, and the sort's workspace."""
        return 3 * 8 * self.n_rows if self.shuffle else 8 * self.n_rows

    def epochs(self, first: int, count: int) -> tuple[Rows, NDArray[np.intp]]:
        """Return the rows of all steps of some epochs (counted from 0 within this run), and each step's number."""
        if self.numbers is not None:
            each = self.steps_per_epoch
            chosen = self.numbers[first * each : (first + count) * each]
            if isinstance(chosen, np.ndarray):
                return chosen.reshape(-1), np.full(len(chosen), chosen.shape[1], np.intp)
            return np.concatenate(chosen), np.array([len(rows) for rows in chosen], np.intp)
        rows = [
            self._permuted(self.first_epoch + epoch) if self.shuffle else np.arange(self.n_rows)
            for epoch in range(first, first + count)
        ]
        whole, rest = divmod(self.n_rows, self.batch_size)
        lengths = [self.batch_size] * whole + [rest] * (rest > 0)
        return np.concatenate(rows), np.array(lengths * count, np.intp)

    def _permuted(self, epoch: int) -> Rows:
        # The order of random bits: unlike a library's own shuffle it is the same in every version of NumPy.
        return np.argsort(cast("NDArray[np.uint64]", bits(fold_in(self.key, epoch), self.n_rows)), kind="stable")


def as_order(
    shuffle: object,
    *,
    n_rows: int,
    batch_size: int | None,
    epochs: int | None,
    key: NDArray[np.uint64],
    first_epoch: int = 0,
) -> Order:
    """Check how the rows are to be ordered.

    Raises
    ------
    ParameterError
        If `epochs` or `batch_size` is not a positive integer, if `shuffle` is neither a boolean nor row
        numbers, or if row numbers leave the data or disagree with `epochs` or `batch_size`.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if value is not None and (not whole or value < 1):
            raise ParameterError(f"{name} must be an integer, at least 1; got {value!r}", name=name, got=value)
    if isinstance(shuffle, (bool, np.bool_)):
        return Order(
            n_rows,
            min(int(batch_size or _BATCH_SIZE), n_rows),
            int(epochs or _EPOCHS),
            bool(shuffle),
            key,
            first_epoch,
        )
    table = _table(shuffle, n_rows)
    numbers: Sequence[Rows] | Rows = tuple(_numbers(shuffle, n_rows)) if table is None else table
    width = max(map(len, numbers))
    if batch_size is not None and batch_size != width:
        raise ParameterError(
            f"shuffle gives rows for batches of {width}, but batch_size is {batch_size}; leave batch_size out",
            expected=width,
            got=batch_size,
        )
    per_epoch = -(-n_rows // width)
    found = -(-len(numbers) // per_epoch)
    if epochs is not None and epochs * per_epoch != len(numbers):
        raise ParameterError(
            f"shuffle describes {len(numbers)} steps, but {epochs} epoch(s) of {n_rows} rows in batches of {width} "
            f"are {epochs * per_epoch}; leave epochs out",
            expected=len(numbers),
            got=epochs * per_epoch,
        )
    return Order(n_rows, width, found, False, key, first_epoch, numbers)


def _table(shuffle: object, n_rows: int) -> Rows | None:
    """Return a table of row numbers as it stands if nothing is wrong with it; else None, and each row is looked at."""
    if not isinstance(shuffle, np.ndarray) or shuffle.ndim != 2 or shuffle.dtype.kind not in "iu" or not shuffle.size:
        return None
    if shuffle.min() < 0 or shuffle.max() >= n_rows:
        return None
    return shuffle.astype(np.intp, copy=False)


def _numbers(shuffle: object, n_rows: int) -> Iterator[Rows]:
    wanted = "shuffle must be True, False or row numbers (steps x batch_size, or one array for each step)"
    if not isinstance(shuffle, (np.ndarray, Sequence)) or isinstance(shuffle, (str, bytes)) or not len(shuffle):
        raise ParameterError(f"{wanted}; got {shuffle!r}", got=shuffle)
    for step, row in enumerate(shuffle):
        numbers = np.asarray(row)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not numbers.size:
            raise ParameterError(
                f"{wanted}; step {step} has shape {numbers.shape}, dtype {numbers.dtype}", step=step, got=numbers.shape
            )
        if numbers.min() < 0 or numbers.max() >= n_rows:
            raise ParameterError(
                f"shuffle: step {step} has row numbers from {numbers.min()} to {numbers.max()}, but the rows are "
                f"0 to {n_rows - 1}",
                step=step,
                expected=(0, n_rows - 1),
                got=(int(numbers.min()), int(numbers.max())),
            )
        yield numbers.astype(np.intp)
