"""With which numbers does everyone work: rows, first weights and the order of the rows, from one seed?

And what is the loss reached, computed in one way for everyone? This file knows no peer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.app.bench.train.cases import Case
from tidu.data import open_dataset, take
from tidu.errors import DataError

__all__ = ["Arrays", "Rows", "Weights", "make_arrays", "reached_loss"]

Weights: TypeAlias = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""W of shape (inputs, outputs) and b of shape (outputs,) of each layer."""
Rows: TypeAlias = NDArray[np.int64]
"""Row numbers of shape (steps, batch)."""

_WHOLE_STEPS = 200
"""Steps of an epoch where a step takes all rows."""
_JUDGED = 4096
_ACTIVATIONS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "relu": lambda z: np.maximum(0, z),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """The numbers of a case.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or uint8
    y : ndarray of shape (n_rows,), int64, or (n_rows, n_outputs), float32
    weights : list of (W, b)
        The first ones.
    order : ndarray of shape (steps, batch), int64
        Row numbers of one epoch; more steps take them from the top again.
    """

    X: NDArray[np.float32] | NDArray[np.uint8]
    y: NDArray[np.int64] | NDArray[np.float32]
    weights: Weights
    order: Rows

    def steps(self, count: int) -> Rows:
        """Return the row numbers of so many steps from the first one on."""
        return np.resize(self.order, (count, self.order.shape[1]))


def make_arrays(case: Case, cifar10: Path | None = None) -> Arrays:
    """Return the numbers of a case; they depend on nothing but the case and the folder.

    Pixels and pictures are random unless there is a folder of CIFAR-10: how fast a step is does not depend
    on them.
    """
    rng = np.random.default_rng(7)
    X: NDArray[np.float32] | NDArray[np.uint8]
    y: NDArray[np.int64] | NDArray[np.float32]
    shape = (case.n_rows, case.sizes[0])
    if case.pixels and cifar10 is not None:
        X, y = _pictures(cifar10, shape)
    else:
        X = rng.integers(0, 256, shape, np.uint8) if case.pixels else rng.random(shape, np.float32)
        if case.loss == "squared":
            y = np.sin(3 * X.sum(axis=1, keepdims=True, dtype=np.float32))
        else:
            y = rng.integers(0, case.sizes[-1], case.n_rows)
    weights: Weights = []
    for inputs, outputs in pairwise(case.sizes):
        limit = np.sqrt(6 / (inputs + outputs))
        W = rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)
        weights.append((W, rng.uniform(-0.1, 0.1, outputs).astype(np.float32)))
    if case.whole_batch:
        order = np.tile(np.arange(case.n_rows), (_WHOLE_STEPS, 1))
    else:
        steps = case.n_rows // case.batch
        order = rng.permutation(case.n_rows)[: steps * case.batch].reshape(steps, case.batch)
    return Arrays(X, y, weights, order)


def _pictures(folder: Path, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    dataset = open_dataset(folder)
    if dataset.y is None or dataset.X.shape != shape:
        raise DataError(
            f"--cifar10 {folder}: expected the python batches of CIFAR-10, {shape[0]} rows of {shape[1]} bytes and "
            f"their labels; got {list(dataset.X.shape)}",
            expected=shape,
            got=dataset.X.shape,
        )
    rows = np.arange(shape[0])
    return np.asarray(take(dataset.X, rows), np.uint8), np.asarray(take(dataset.y, rows), np.int64)


def reached_loss(case: Case, arrays: Arrays, weights: Sequence[tuple[object, object]]) -> float:
    """Return the loss of a network in float64 over the first rows: one judge for everyone."""
    h = arrays.X[:_JUDGED].astype(np.float64)
    y = arrays.y[:_JUDGED]
    if case.pixels:
        h /= 255
    for layer, (W, b) in enumerate(weights):
        h = h @ np.asarray(W, np.float64) + np.asarray(b, np.float64)
        if layer < len(weights) - 1:
            h = _ACTIVATIONS[case.activation](h)
    if case.loss == "squared":
        return float(np.mean((h - y) ** 2))
    h -= h.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(h).sum(axis=1)) - h[np.arange(len(y)), y.astype(np.int64)]))
