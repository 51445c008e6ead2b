"""How fast does scikit-learn's multilayer perceptron train?

It shuffles and starts as it likes, so its loss is not compared. scikit-learn is imported when a trainer is
made.
"""

from __future__ import annotations

import numpy as np

from tidu.app.bench.clock import rate
from tidu.app.bench.train.arrays import Arrays, Rows
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import ADAM, MOMENTUM, Speed

__all__ = ["SklearnTrainer"]

_MOST_ROWS = 12_800
"""A call takes one pass over the rows; of many rows the first ones do."""


class SklearnTrainer:
    """`partial_fit`, one pass over the rows in a call."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        make = MLPRegressor if case.loss == "squared" else MLPClassifier
        activation = "logistic" if case.activation == "sigmoid" else case.activation
        self.batch = case.batch
        rows = min(_MOST_ROWS, case.n_rows) // case.batch * case.batch
        self.X, self.y = arrays.X[:rows].astype(np.float32), arrays.y[:rows]
        if case.pixels:
            self.X /= np.float32(255)
        if case.loss == "squared":
            self.y = self.y[:, 0]
        self.classes = np.arange(case.sizes[-1]) if case.loss == "cross_entropy" else None
        self.model = make(
            hidden_layer_sizes=case.sizes[1:-1],
            activation=activation,
            solver="adam" if case.optimizer == "adam" else "sgd",
            batch_size=case.batch,
            learning_rate_init=case.learning_rate,
            momentum=MOMENTUM if case.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            beta_1=ADAM[0],
            beta_2=ADAM[1],
            epsilon=ADAM[2],
            alpha=0.0,
            random_state=0,
        )

    def train(self, rows: Rows) -> None:
        """Take steps in its own order, as few as it can be told to."""
        count = min(len(rows) * self.batch, len(self.X))
        self._pass(count)

    def speed(self, budget_s: float) -> Speed:
        """Measure passes over the rows."""
        return {"per_s": rate(lambda: self._pass(len(self.X)), len(self.X) // self.batch, budget_s)}

    def _pass(self, count: int) -> None:
        X, y = self.X[:count], self.y[:count]
        if self.classes is None:
            self.model.partial_fit(X, y)
        else:
            self.model.partial_fit(X, y, classes=self.classes)
