"""NumPy programs made at random, with values that stay within [-1, 1] and steps that are continuous.

So a rounding error is not blown up from step to step, and no comparison turns on one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import tidu
from tidu.core.graph import Graph
from tidu.ops.indexing import gather, scatter_add
from tidu.trace.function import trace

Value = np.ndarray


def tame(x: Value) -> Value:
    return x / (x * x + 1.0)


def fitting(x: Value, y: Value) -> Value:
    """Return something of y that broadcasts against x."""
    if x.shape == y.shape:
        return y
    if x.ndim and y.ndim and y.shape[-1] == x.shape[-1]:
        return np.sum(y, axis=tuple(range(y.ndim - 1)))
    return np.sum(y)


def product(x: Value, y: Value) -> Value:
    """Return a matrix product of x with itself, or with y, transposed."""
    if x.ndim < 2:
        return np.sum(x * fitting(x, y))
    fits = y.ndim > 1 and (y.shape[:-2], y.shape[-1]) == (x.shape[:-2], x.shape[-1])
    return np.matmul(x, np.swapaxes(y if fits else x, -1, -2)[..., :5])


def fill(x: Value, k: Value) -> Value:
    """Add rows up at places that repeat."""
    return scatter_add(x[:2], k[: min(2, x.shape[0])], shape=(3, *x.shape[1:])) if x.ndim else x


def softmax(x: Value) -> Value:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


STEPS: list[Callable[[Value, Value, Value], Value]] = [
    lambda x, y, k: np.exp(x),
    lambda x, y, k: tame(x),
    lambda x, y, k: 1.0 / (1.0 + np.exp(-x)),
    lambda x, y, k: np.transpose(x),
    lambda x, y, k: np.reshape(x, -1),
    lambda x, y, k: np.reshape(x, (x.shape[1], -1)) if x.ndim > 1 and x.size else x,
    lambda x, y, k: x[::-1] if x.ndim else x,
    lambda x, y, k: x[..., 1::2] if x.ndim else x,
    lambda x, y, k: np.sum(x, axis=-1) if x.ndim else x,
    lambda x, y, k: np.sum(x, axis=0, keepdims=True) if x.ndim else x,
    lambda x, y, k: np.max(x, axis=-1) if x.ndim and x.shape[-1] else x,
    lambda x, y, k: x - np.mean(x, axis=0) if x.ndim and x.size else x,
    lambda x, y, k: np.broadcast_to(x, (2, *x.shape)) if x.ndim < 3 else x,
    lambda x, y, k: np.maximum(x, 0.25),
    lambda x, y, k: softmax(x) if x.ndim and x.size else x,
    lambda x, y, k: gather(x, k) if x.ndim and x.shape[0] else x,
    lambda x, y, k: fill(x, k),
    lambda x, y, k: np.where(x > 0.0, x, x * 0.5),
    lambda x, y, k: (x > 0.0) * x,
    lambda x, y, k: x.astype(np.float64) * 0.5,
    lambda x, y, k: x + fitting(x, y),
    lambda x, y, k: x * fitting(x, y),
    lambda x, y, k: np.where(x > fitting(x, y), x, fitting(x, y)),
    lambda x, y, k: np.concatenate([x, y]) if x.shape == y.shape and x.ndim else x - y if x.shape == y.shape else x,
    lambda x, y, k: product(x, y),
]


@dataclass(frozen=True)
class Program:
    """Steps with the numbers of their operands, and how its inputs are drawn."""

    steps: tuple[tuple[int, int, int], ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    differentiated: bool
    seed: int

    def inputs(self) -> list[np.ndarray]:
        """Return two arrays, and indices that fit any axis: some count from the end."""
        rng = np.random.default_rng(self.seed)
        arrays = [rng.uniform(-1, 1, shape).astype(self.dtype) for shape in self.shapes]
        return [*arrays, rng.integers(-1, 1, 3)]

    def __call__(self, *inputs: Value) -> tuple[Value, ...]:
        """Return the last two values, or the gradient of their sum."""
        *arrays, k = inputs

        def run(arrays: Sequence[Value]) -> list[Value]:
            values = list(arrays)
            for number, i, j in self.steps:
                x, y = values[-1 - i % len(values)], values[-1 - j % len(values)]
                values.append(tame(STEPS[number](x, y, k)).astype(self.dtype))
            return values[-2:]

        if not self.differentiated:
            return tuple(run(arrays))
        return tuple(tidu.grad(lambda arrays: sum(np.sum(x) for x in run(arrays)))(arrays))

    def traced(self) -> tuple[Graph, list[np.ndarray]]:
        """Return its graph and all inputs of that."""
        inputs = self.inputs()
        traced = trace(lambda *xs: self(*xs), inputs, eager=False)
        return traced.graph, [*inputs, *map(np.asarray, traced.captures)]


numbers = st.sampled_from([0, 1, 2, 3])
step = st.tuples(st.sampled_from(range(len(STEPS))), numbers, numbers)


def programs(
    lengths: Sequence[int] = (2, 3, 4, 1, 0), dtypes: Sequence[str] = ("float32", "float64")
) -> st.SearchStrategy[Program]:
    """Return programs over arrays with axes of these lengths."""
    shape = st.lists(st.sampled_from(lengths), min_size=1, max_size=3).filter(lambda s: math.prod(s) < 2000).map(tuple)
    alike = st.one_of(shape.map(lambda s: (s, s)), st.tuples(shape, shape), shape.map(lambda s: (s, ())))
    return st.builds(
        Program,
        st.lists(step, min_size=5, max_size=16).map(tuple),
        alike,
        st.sampled_from(dtypes),
        st.booleans(),
        st.integers(0, 2**32 - 1),
    )
