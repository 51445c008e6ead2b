"""Whole training steps of five networks: traced from plain NumPy, run natively in place for many rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

import tidu
from tidu.compile import NativeFunction, Plan, Settings
from tidu.compile.lower import lower
from tidu.core.graph import Graph
from tidu.core.spec import Spec
from tidu.interpret import interpret
from tidu.learn.optimizers import Optimizer
from tidu.ops.indexing import gather
from tidu.trace.function import trace
from tidu.trace.tree import flatten
from tidu.transforms.gradients import value_and_grad

Layers = list[tuple[np.ndarray, np.ndarray]]
Batch = tuple[np.ndarray, np.ndarray]


def sigmoid_loss(params: Layers, batch: Batch) -> object:
    h, y = batch
    for w, b in params:
        h = 1 / (1 + np.exp(-(h @ w + b)))
    return np.mean((h - y) ** 2)


def tanh_loss(params: Layers, batch: Batch) -> object:
    h, y = batch
    for w, b in params[:-1]:
        h = np.tanh(h @ w + b)
    w, b = params[-1]
    return np.mean((h @ w + b - y) ** 2)


def relu_loss(params: Layers, batch: Batch) -> object:
    """Return the cross-entropy of labels."""
    h, y = batch
    w, b = params[0]
    if h.dtype == np.uint8:
        h = h.astype(w.dtype) / w.dtype.type(255.0)
    for w, b in params[:-1]:
        h = np.maximum(0, h @ w + b)
    w, b = params[-1]
    z = h @ w + b
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(y)), y])


@dataclass(frozen=True)
class Network:
    """What is trained: layers, rows of a batch and of the data, loss and optimizer."""

    sizes: tuple[int, ...]
    batch: int
    n_rows: int
    loss: Callable[[Layers, Batch], object]
    optimizer: Optimizer
    bytes_as_input: bool = False


NETWORKS = {
    "tiny": Network((3, 4, 4, 1), 32, 100, sigmoid_loss, tidu.SGD(0.5)),
    "digits": Network((64, 32, 10), 32, 100, relu_loss, tidu.SGD(0.01, momentum=0.9)),
    "mnist": Network((784, 128, 10), 64, 150, relu_loss, tidu.SGD(0.01, momentum=0.9)),
    "cifar": Network((3072, 512, 256, 10), 128, 200, relu_loss, tidu.Adam(1e-3), bytes_as_input=True),
    "curve": Network((1, 64, 64, 1), 1024, 1024, tanh_loss, tidu.Adam(1e-3)),
}


@dataclass(frozen=True)
class TrainingStep:
    """A step as a graph, and what it is called with.

    The graph's inputs are parameters and optimizer state, features, targets, the numbers of the batch's rows,
    the learning rate, the step's number and constants; its outputs parameters, state and loss.
    """

    graph: Graph
    state: list[np.ndarray]
    columns: list[np.ndarray]
    rows: np.ndarray
    learning_rates: np.ndarray
    constants: list[np.ndarray]

    def settings(self, n_threads: int = 1, **changes: object) -> Settings:
        """Return how it is lowered: state in place, constants known, rows trusted, and not unrolled."""
        n = len(self.state)
        in_place = Settings(
            n_threads,
            aliases={i: i for i in range(n)},
            captures=self.constants,
            frozen=True,
            trusted=frozenset([n + len(self.columns)]),
            unrolled=-1,
        )
        return replace(in_place, **changes)

    @property
    def numbers(self) -> np.ndarray:
        return np.arange(1.0, len(self.rows) + 1)

    @property
    def strides(self) -> dict[int, int]:
        """Bytes by which slots move on in every round: rows, learning rate, number, and loss."""
        n = len(self.state)
        loss = len(self.graph.inputs) + n
        return {n + 2: self.rows[0].nbytes, n + 3: 8, n + 4: 8, loss: self.state[0].itemsize}

    def slots(self) -> list[np.ndarray]:
        """Return fresh memory for a run of all steps."""
        state = [x.copy() for x in self.state]
        losses = np.zeros(len(self.rows), self.state[0].dtype)
        return [
            *state, *self.columns, self.rows, self.learning_rates, self.numbers, *self.constants, *state, losses
        ]  # fmt: skip

    def run(self, plan: Plan, **how: object) -> list[np.ndarray]:
        """Run all steps natively; return parameters, state and losses."""
        slots = self.slots()
        NativeFunction(plan, strides=self.strides, **how).run_on(slots, len(self.rows))
        return [*slots[: len(self.state)], slots[-1]]

    def interpreted(self) -> list[np.ndarray]:
        """Run all steps by the interpreter."""
        state: Sequence[object] = self.state
        losses = []
        for rows, rate, number in zip(self.rows, self.learning_rates, self.numbers, strict=True):
            *state, loss = interpret(self.graph, [*state, *self.columns, rows, rate, number, *self.constants])
            losses.append(loss)
        return [*(np.asarray(x) for x in state), np.array(losses, self.state[0].dtype)]


@lru_cache
def training_step(name: str, steps: int, dtype: str = "float32") -> TrainingStep:
    """Trace one step of a network, and draw data for so many."""
    network = NETWORKS[name]
    rng = np.random.default_rng(0)
    params = [
        ((rng.normal(size=(a, b)) * np.sqrt(2 / a)).astype(dtype), np.zeros(b, dtype))
        for a, b in pairwise(network.sizes)
    ]
    shape = (network.n_rows, network.sizes[0])
    x = rng.integers(0, 256, shape, np.uint8) if network.bytes_as_input else rng.normal(size=shape).astype(dtype)
    by_labels = network.loss is relu_loss
    y = rng.integers(0, 10, len(x)) if by_labels else rng.normal(size=(len(x), 1)).astype(dtype)
    rows = np.stack([rng.permutation(len(x))[: network.batch] for _ in range(steps)])
    optimizer = network.optimizer
    state = optimizer.init(params)

    def step(params: object, state: object, columns: Sequence[object], rows: object, rate: object, number: object):
        value, gradient = value_and_grad(network.loss)(params, tuple(gather(c, rows) for c in columns))
        return *optimizer.update(gradient, state, params, rate, number), value

    index = Spec(rows[0].shape, rows.dtype)
    traced = trace(step, [params, state, (x, y), index, Spec.of(1.0), Spec.of(1.0)], eager=False)
    return TrainingStep(
        traced.graph,
        [np.array(p) for p in flatten((params, state))[0]],
        [x, y],
        rows,
        np.full(steps, optimizer.learning_rate),
        [np.ascontiguousarray(c) for c in traced.captures],
    )


def plan_of(step: TrainingStep, n_threads: int = 1, **changes: object) -> Plan:
    return lower(step.graph, step.settings(n_threads, **changes))
