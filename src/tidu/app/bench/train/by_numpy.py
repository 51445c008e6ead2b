"""How fast is the training step that one writes by hand in NumPy, float32 throughout?

Forward and backward pass of any depth, with the three updates. Buffers that NumPy can be told to reuse are
reused; the rest is as one writes it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.app.bench.clock import rate
from tidu.app.bench.train.arrays import Arrays, Rows, Weights
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import ADAM, MOMENTUM, Speed

__all__ = ["NumpyTrainer"]

_Array: TypeAlias = NDArray[np.float32]
_Targets: TypeAlias = NDArray[np.float32] | NDArray[np.int64]


class NumpyTrainer:
    """Backpropagation by hand."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        self.case, self.arrays = case, arrays
        self._start()

    def _start(self) -> None:
        self.params: list[_Array] = [p.copy() for layer in self.arrays.weights for p in layer]
        n_slots = {"sgd": 0, "momentum": 1, "adam": 2}[self.case.optimizer]
        self.slots = [[np.zeros_like(p) for p in self.params] for _ in range(n_slots)]
        self.done = 0

    def train(self, rows: Rows) -> Weights:
        """Take steps from the first weights on."""
        self._start()
        self._steps(rows)
        return list(zip(self.params[0::2], self.params[1::2], strict=True))

    def speed(self, budget_s: float) -> Speed:
        """Measure chunks of an epoch."""
        rows = self.arrays.steps(min(len(self.arrays.order), 50))
        return {"per_s": rate(lambda: self._steps(rows), len(rows), budget_s)}

    def _steps(self, rows: Rows) -> None:
        for chosen in rows:
            X, y = self.arrays.X, self.arrays.y
            if not self.case.whole_batch:
                X, y = X[chosen], y[chosen]
            if self.case.pixels:
                X = X.astype(np.float32) / np.float32(255)
            self._update(self._gradients(X.astype(np.float32, copy=False), y))

    def _gradients(self, X: _Array, y: _Targets) -> list[_Array]:
        weights, biases = self.params[0::2], self.params[1::2]
        layers = [X]
        for W, b in zip(weights, biases, strict=True):
            z = layers[-1] @ W
            z += b
            layers.append(self._activate(z) if len(layers) < len(weights) else z)
        ct = self._loss_gradient(layers.pop(), y)
        gradients: list[_Array] = []
        for i in reversed(range(len(weights))):
            h = layers[i]
            gradients[:0] = [h.T @ ct, ct.sum(axis=0)]
            if i:
                ct = ct @ weights[i].T
                ct *= self._slope(h)
        return gradients

    def _activate(self, z: _Array) -> _Array:
        if self.case.activation == "relu":
            return np.maximum(z, 0, out=z)
        if self.case.activation == "tanh":
            return np.tanh(z, out=z)
        return np.float32(1) / (np.float32(1) + np.exp(-z))

    def _slope(self, h: _Array) -> NDArray[np.bool_] | _Array:
        """Return the derivative of the activation, from its value."""
        if self.case.activation == "relu":
            return h > 0
        return 1 - h * h if self.case.activation == "tanh" else h * (1 - h)

    def _loss_gradient(self, scores: _Array, y: _Targets) -> _Array:
        if self.case.loss == "squared":
            found: _Array = (scores - y) * np.float32(2 / scores.size)
            return found
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        scores[np.arange(len(y)), y.astype(np.int64)] -= 1
        scores /= np.float32(len(y))
        return scores

    def _update(self, gradients: list[_Array]) -> None:
        self.done += 1
        rate_ = np.float32(self.case.learning_rate)
        if self.case.optimizer == "adam":
            self._adam(gradients)
            return
        for i, (p, g) in enumerate(zip(self.params, gradients, strict=True)):
            if self.case.optimizer == "momentum":
                v = self.slots[0][i]
                v *= np.float32(MOMENTUM)
                v += g
                g = v
            p -= rate_ * g

    def _adam(self, gradients: list[_Array]) -> None:
        b1, b2, eps = ADAM
        first, second = 1 - b1**self.done, 1 - b2**self.done
        for p, g, m, v in zip(self.params, gradients, *self.slots, strict=True):
            m *= np.float32(b1)
            m += np.float32(1 - b1) * g
            v *= np.float32(b2)
            v += np.float32(1 - b2) * (g * g)
            root = np.sqrt(v / np.float32(second))
            root += np.float32(eps)
            p -= np.float32(self.case.learning_rate / first) * m / root
