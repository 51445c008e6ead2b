"""How does one train fast with JAX: one jitted step, or a whole epoch in `lax.scan`?

Data and row numbers lie on the device, the state is donated, and nothing is handed over in a step. JAX is
imported when a trainer is made.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidu.app.bench.clock import rate
from tidu.app.bench.train.arrays import Arrays, Rows, Weights
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import ADAM, MOMENTUM, Foreign, Speed

__all__ = ["ScanTrainer", "StepTrainer", "jax_loss"]

_MOST_SCANNED = 10_000
_UNROLLED = 4


def jax_loss(case: Case) -> Callable[[Foreign, Foreign, Foreign], Foreign]:
    """Return ``loss(params, X, y)`` of a case as one writes it with JAX."""
    import jax
    import jax.numpy as jnp

    hidden = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[case.activation]

    def loss(params: Foreign, X: Foreign, y: Foreign) -> Foreign:
        h = X.astype(jnp.float32) / 255 if case.pixels else X
        for W, b in params[:-1]:
            h = hidden(h @ W + b)
        W, b = params[-1]
        scores = h @ W + b
        if case.loss == "squared":
            return jnp.mean((scores - y) ** 2)
        # Faster on a CPU than indexing, whose gradient is a scatter.
        chosen = jax.nn.one_hot(y, scores.shape[1], dtype=scores.dtype)
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(scores) * chosen, axis=1))

    return loss


class _JaxTrainer:
    """What both ways have in common: data on the device and the pure step."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        import jax

        self.jax, self.case, self.arrays = jax, case, arrays
        self.X, self.y = jax.device_put(arrays.X), jax.device_put(arrays.y)
        self.gradient = jax.value_and_grad(jax_loss(case))

    def start(self) -> Foreign:
        """Return parameters, slots of the optimizer and the number of steps done; fresh, for they are donated."""
        jnp = self.jax.numpy
        params = [(jnp.array(W), jnp.array(b)) for W, b in self.arrays.weights]
        n_slots = {"sgd": 0, "momentum": 1, "adam": 2}[self.case.optimizer]
        slots = [self.jax.tree.map(jnp.zeros_like, params) for _ in range(n_slots)]
        return params, slots, jnp.zeros((), jnp.int32)

    def step(self, state: Foreign, X: Foreign, y: Foreign, chosen: Foreign) -> Foreign:
        """Return the next state and the loss."""
        params, slots, done = state
        if not self.case.whole_batch:
            X, y = X[chosen], y[chosen]
        value, gradients = self.gradient(params, X, y)
        params, slots = self._updated(params, slots, gradients, done + 1)
        return (params, slots, done + 1), value

    def _updated(self, params: Foreign, slots: Foreign, g: Foreign, number: Foreign) -> Foreign:
        each, step_size = self.jax.tree.map, self.case.learning_rate
        if self.case.optimizer == "sgd":
            return each(lambda p, g: p - step_size * g, params, g), slots
        if self.case.optimizer == "momentum":
            v = each(lambda v, g: MOMENTUM * v + g, slots[0], g)
            return each(lambda p, v: p - step_size * v, params, v), [v]
        b1, b2, eps = ADAM
        m = each(lambda m, g: b1 * m + (1 - b1) * g, slots[0], g)
        v = each(lambda v, g: b2 * v + (1 - b2) * g * g, slots[1], g)
        number = number.astype(np.float32)
        first, root = step_size / (1 - b1**number), self.jax.lax.rsqrt(1 - b2**number)
        moved = each(lambda p, m, v: p - first * m / (self.jax.numpy.sqrt(v) * root + eps), params, m, v)
        return moved, [m, v]


def _weights(state: Foreign) -> Weights:
    return [(np.asarray(W), np.asarray(b)) for W, b in state[0]]


class ScanTrainer(_JaxTrainer):
    """A whole epoch in one `lax.scan`; of short steps several in one round, if that is faster."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        super().__init__(case, arrays, threads)
        self.unrolled = (1,) if case.shows_peak else (1, _UNROLLED)
        self.epochs = {count: self.jax.jit(self._epoch(count), donate_argnums=0) for count in self.unrolled}

    def _epoch(self, unrolled: int) -> Callable[..., Foreign]:
        def epoch(state: Foreign, X: Foreign, y: Foreign, order: Foreign) -> Foreign:
            def one(state: Foreign, chosen: Foreign) -> Foreign:
                return self.step(state, X, y, chosen)

            return self.jax.lax.scan(one, state, order, unroll=unrolled)

        return epoch

    def train(self, rows: Rows) -> Weights:
        """Take steps from the first weights on."""
        return _weights(self.epochs[1](self.start(), self.X, self.y, self._laid_out(rows))[0])

    def speed(self, budget_s: float) -> Speed:
        """Measure epochs one after the other, and tell the best way to unroll."""
        order = self._laid_out(self.arrays.order[:_MOST_SCANNED])
        share_s = budget_s / len(self.unrolled)
        found = {count: rate(self._work(count, order), len(order), share_s) for count in self.unrolled}
        best = max(found, key=found.__getitem__)
        return {"per_s": found[best], "note": f"unroll {best}" if best > 1 else ""}

    def _work(self, unrolled: int, order: Foreign) -> Callable[[], None]:
        """Return what goes through one epoch more and waits for its end."""
        state = self.start()

        def work() -> None:
            nonlocal state
            state, losses = self.epochs[unrolled](state, self.X, self.y, order)
            losses.block_until_ready()

        return work

    def _laid_out(self, rows: Rows) -> Foreign:
        return self.jax.device_put(rows.astype(np.int32))


class StepTrainer(_JaxTrainer):
    """One jitted step at a time; it finds its row numbers by the count of steps, which is in its state."""

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        super().__init__(case, arrays, threads)

        def one(state: Foreign, X: Foreign, y: Foreign, order: Foreign) -> Foreign:
            return self.step(state, X, y, order[state[2] % len(order)])

        self.one = self.jax.jit(one, donate_argnums=0)
        self.order = self.jax.device_put(arrays.order[:_MOST_SCANNED].astype(np.int32))

    def train(self, rows: Rows) -> Weights:
        """Take as many steps as there are rows, from the first weights and the first rows on."""
        state = self.start()
        for _ in rows:
            state, _ = self.one(state, self.X, self.y, self.order)
        return _weights(state)

    def speed(self, budget_s: float) -> Speed:
        """Measure some steps at a time; only after them it is waited for the last."""
        count = 20
        state = self.start()

        def work() -> None:
            nonlocal state
            for _ in range(count):
                state, loss = self.one(state, self.X, self.y, self.order)
            loss.block_until_ready()

        return {"per_s": rate(work, count, budget_s)}
