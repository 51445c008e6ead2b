"""What a gradient costs beside its value when both are compiled: an MLP with cross-entropy, turn by turn.

    python benchmarks/gradient_cost.py

Prints the median ratio, traced anew at each call (`grad`) and from the graph (`jit`); the goal is at most 4.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

import tidu


def loss(params: list[tuple[np.ndarray, np.ndarray]], X: np.ndarray, y: np.ndarray) -> np.floating:
    """Softmax cross-entropy of a ReLU network, in plain NumPy."""
    h = X
    for W, b in params[:-1]:
        h = np.maximum(h @ W + b, 0)
    W, b = params[-1]
    scores = h @ W + b
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(scores), axis=1))
    return np.mean(log_sum - scores[np.arange(len(y)), y])


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(sizes: tuple[int, ...], batch: int) -> None:
    """Print the median times of one network and their ratios to the value's."""
    rng = np.random.default_rng(0)
    params = [
        (rng.normal(0, 0.05, shape).astype(np.float32), np.zeros(shape[1], np.float32)) for shape in pairwise(sizes)
    ]
    X = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    y = rng.integers(0, 10, batch)
    compiled, compiled_gradient = tidu.jit(loss), tidu.jit(tidu.value_and_grad(loss))
    ways = {
        "NumPy alone": lambda: loss(params, X, y),
        "jit(loss)": lambda: compiled(params, X, y),
        "grad": lambda: tidu.value_and_grad(loss)(params, X, y),
        "jit(grad)": lambda: compiled_gradient(params, X, y),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(31):
        for name, way in ways.items():
            times[name].append(seconds(way))
    value = times["jit(loss)"]
    ratios = {name: statistics.median(a / b for a, b in zip(t, value, strict=True)) for name, t in times.items()}
    shown = "  ".join(f"{name} {statistics.median(times[name]) * 1e3:.2f} ms ({ratios[name]:.2f}x)" for name in ways)
    print(f"{'-'.join(map(str, sizes))}, batch {batch}: {shown}")


if __name__ == "__main__":
    for layers, rows in (((64, 100, 10), 200), ((784, 128, 10), 64), ((3072, 512, 256, 10), 128)):
        measure(layers, rows)
