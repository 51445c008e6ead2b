"""How does one train with tidu: a loss in plain NumPy, handed to `tidu.fit`?

Only the public interface is used.

Notes
-----
The speed is that of the loop over ready row numbers, as the history of the run has it: the peers' row
numbers, too, are checked and laid out before their clocks start. Where an epoch is a single step it is the
difference of two whole calls of different length. ``call_per_s`` is always the latter: what a further step
costs the caller, the row numbers' own way included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import tidu
from tidu.app.bench.clock import seconds_of
from tidu.app.bench.train.arrays import Arrays, Rows, Weights
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import MOMENTUM, Foreign, Speed
from tidu.learn import FitResult, Optimizer
from tidu.nn import softmax_cross_entropy

__all__ = ["LibraryLossTrainer", "OwnShuffleTrainer", "TiduTrainer", "network_loss"]

_MOST_ROW_BYTES = 128_000_000
_SHORTEST = 20


def network_loss(case: Case, cross_entropy: Callable[..., object] | None = None) -> Callable[..., object]:
    """Return the loss of a case, written as a user of NumPy writes it."""

    def hidden(z: Foreign) -> Foreign:
        if case.activation == "relu":
            return np.maximum(0, z)
        return np.tanh(z) if case.activation == "tanh" else 1 / (1 + np.exp(-z))

    def loss(params: Weights, batch: tuple[NDArray[np.float32], NDArray[np.int64]]) -> object:
        X, y = batch
        h: Foreign = X.astype(np.float32) / 255 if case.pixels else X
        for W, b in params[:-1]:
            h = hidden(h @ W + b)
        W, b = params[-1]
        scores = h @ W + b
        if case.loss == "squared":
            return np.mean((scores - y) ** 2)
        if cross_entropy is not None:
            return cross_entropy(scores, y)
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        return -np.mean(logp[np.arange(len(y)), y])

    return loss


def _optimizer(case: Case) -> Optimizer:
    if case.optimizer == "adam":
        return tidu.Adam(case.learning_rate)
    return tidu.SGD(case.learning_rate, MOMENTUM if case.optimizer == "momentum" else 0.0)


class TiduTrainer:
    """`tidu.fit` with the loss in plain NumPy."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        self.case, self.arrays, self.threads = case, arrays, threads
        self.loss = network_loss(case)

    def train(self, rows: Rows) -> Weights:
        """Take steps from the first weights on."""
        weights: Weights = self._fit(rows).params  # type: ignore[assignment]
        return weights

    def speed(self, budget_s: float) -> Speed:
        """Measure a short and a long run; take more of them until the time is over."""
        short, long = self.arrays.steps(_SHORTEST), self._long(budget_s / 4)
        per_epoch = -(-self.case.n_rows // self.case.batch)
        loop_s = call_s = 0.0
        looped = called = 0
        while not called or call_s < budget_s:
            short_s, _ = self._timed(short)
            long_s, result = self._timed(long)
            call_s += max(long_s - short_s, 1e-9)
            called += len(long) - len(short)
            for epoch, record in enumerate(result.history):
                steps = min(per_epoch, len(long) - epoch * per_epoch)
                loop_s += steps / record.steps_per_s
                looped += steps
        call_per_s = called / call_s
        return {"per_s": call_per_s if self.case.whole_batch else looped / loop_s, "call_per_s": call_per_s}

    def _long(self, wanted_s: float) -> Rows:
        """Return the row numbers of a run that takes about that long, or is as long as memory allows."""
        most = max(3 * _SHORTEST, _MOST_ROW_BYTES // (8 * self.case.batch))
        rows = self.arrays.steps(3 * _SHORTEST)
        while len(rows) < most and self._timed(rows)[0] < wanted_s:
            rows = self.arrays.steps(min(4 * len(rows), most))
        return rows

    def _timed(self, rows: Rows) -> tuple[float, FitResult]:
        began_s = time.perf_counter()
        result = self._fit(rows)
        return time.perf_counter() - began_s, result

    def _fit(self, rows: Rows) -> FitResult:
        return self._run(shuffle=rows) if not self.case.whole_batch else self._run(shuffle=False, epochs=len(rows))

    def _run(self, shuffle: Rows | bool, epochs: int | None = None) -> FitResult:
        given = self.arrays
        return tidu.fit(
            self.loss,
            given.weights,
            (given.X, given.y),
            optimizer=_optimizer(self.case),
            shuffle=shuffle,
            epochs=epochs,
            batch_size=self.case.batch,
            threads=self.threads,
            progress=False,
        )


class LibraryLossTrainer(TiduTrainer):
    """The same with tidu's own cross-entropy."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        super().__init__(case, arrays, threads)
        self.loss = network_loss(case, softmax_cross_entropy)


class OwnShuffleTrainer(TiduTrainer):
    """The same with whole epochs in an order of tidu's own: the way it is used."""

    def speed(self, budget_s: float) -> Speed:
        """Measure a short and a long run."""
        per_epoch = -(-self.case.n_rows // self.case.batch)
        once_s = seconds_of(lambda: self._run(shuffle=True, epochs=1))
        more = max(1, min(10_000, int(budget_s / max(once_s, 1e-4))))
        long_s = seconds_of(lambda: self._run(shuffle=True, epochs=1 + more))
        return {"per_s": more * per_epoch / max(long_s - once_s, 1e-9)}
