"""How long do imports and plain training take with tidu and with its peers, measured in one run?

    pip install -e '.[bench]'
    python benchmarks/peers.py

Each measurement runs in a process of its own, turn by turn, several times; medians are printed. A peer that is not
installed is left out. Nothing here is asserted: machines differ, ratios within one run are what counts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

REPEATS = 3
LAYERS, BATCH, STEPS = (64, 100, 10), 200, 300
MODULES = {"tidu": "tidu", "scikit-learn": "sklearn", "PyTorch": "torch", "JAX": "jax", "autograd": "autograd",
           "FAISS": "faiss"}  # fmt: skip


def measure_import(peer: str) -> dict[str, float]:
    """Return the seconds of an import."""
    start = time.perf_counter()
    __import__(MODULES[peer])
    return {"import s": time.perf_counter() - start}


def measure_training(peer: str) -> dict[str, float]:
    """Return Adam steps a second of a 64-100-10 ReLU network, batch 200, float32, and the loss reached."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.1, s).astype(np.float32) for s in pairwise(LAYERS)]
    X = rng.normal(size=(BATCH, LAYERS[0])).astype(np.float32)
    y = rng.integers(0, LAYERS[-1], BATCH)
    run = {"tidu": train_tidu, "PyTorch": train_torch, "JAX": train_jax}[peer](weights, X, y)
    run(5)
    start = time.perf_counter()
    loss = run(STEPS)
    return {"steps/s": STEPS / (time.perf_counter() - start), "loss after 305 steps": loss}


def train_tidu(weights: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> Callable[[int], float]:
    """Return a function that does some steps and returns the last loss."""
    import tidu
    from tidu import nn

    optimizer = tidu.Adam(1e-3)
    params = [{"W": W, "b": np.zeros(W.shape[1], np.float32)} for W in weights]
    state = [optimizer.init(params)]

    def loss(params, X, y):
        h = np.maximum(X @ params[0]["W"] + params[0]["b"], 0)
        return nn.softmax_cross_entropy(h @ params[1]["W"] + params[1]["b"], y)

    @tidu.jit
    def step(params, state, X, y, rate, number):
        value, gradient = tidu.value_and_grad(loss)(params, X, y)
        params, state = optimizer.update(gradient, state, params, rate, number)
        return params, state, value

    held = [params, state[0], 0]

    def run(count: int) -> float:
        value = 0.0
        for _ in range(count):
            held[2] += 1
            held[0], held[1], value = step(held[0], held[1], X, y, np.float32(1e-3), np.int64(held[2]))
        return float(value)

    return run


def train_torch(weights: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> Callable[[int], float]:
    """Return the same for PyTorch, eager."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(*LAYERS[:2]), torch.nn.ReLU(), torch.nn.Linear(*LAYERS[1:]))
    with torch.no_grad():
        for layer, W in zip((model[0], model[2]), weights, strict=True):
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.zero_()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)

    def run(count: int) -> float:
        for _ in range(count):
            optimizer.zero_grad()
            value = torch.nn.functional.cross_entropy(model(inputs), labels)
            value.backward()
            optimizer.step()
        return float(value)

    return run


def train_jax(weights: list[np.ndarray], X: np.ndarray, y: np.ndarray) -> Callable[[int], float]:
    """Return the same for JAX, one jitted step."""
    import jax
    import jax.numpy as jnp

    def loss(params):
        h = jnp.maximum(X @ params[0][0] + params[0][1], 0)
        scores = h @ params[1][0] + params[1][1]
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(len(y)), y])

    @jax.jit
    def step(params, m, v, t):
        value, g = jax.value_and_grad(loss)(params)
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        params = jax.tree.map(
            lambda p, a, b: p - 1e-3 * (a / (1 - 0.9**t)) / (jnp.sqrt(b / (1 - 0.999**t)) + 1e-8), params, m, v
        )
        return params, m, v, value

    params = [(jnp.asarray(W), jnp.zeros(W.shape[1], jnp.float32)) for W in weights]
    zeros = jax.tree.map(jnp.zeros_like, params)
    held = [params, zeros, zeros, 0]

    def run(count: int) -> float:
        for _ in range(count):
            held[3] += 1
            *held[:3], value = step(held[0], held[1], held[2], float(held[3]))
        return float(value)

    return run


MEASUREMENTS: dict[str, tuple[Callable[[str], dict[str, float]], tuple[str, ...]]] = {
    "import": (measure_import, tuple(MODULES)),
    "training": (measure_training, ("tidu", "PyTorch", "JAX")),
}


def in_own_process(measurement: str, peer: str) -> dict[str, float]:
    """Run one measurement of one peer in a fresh process."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    done = subprocess.run(
        [sys.executable, __file__, measurement, peer], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise SystemExit(f"{measurement} of {peer} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure everything, turn by turn, and print medians."""
    if len(sys.argv) == 3:
        print(json.dumps(MEASUREMENTS[sys.argv[1]][0](sys.argv[2])))
        return
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(REPEATS):
        for measurement, (_, peers) in MEASUREMENTS.items():
            for peer in peers:
                if importlib.util.find_spec(MODULES[peer]) is None:
                    continue
                for figure, value in in_own_process(measurement, peer).items():
                    found.setdefault((figure, peer), []).append(value)
    for (figure, peer), values in sorted(found.items()):
        spread = f"(of {len(values)}: {min(values):.4g} to {max(values):.4g})"
        print(f"{figure:36} {peer:14} {statistics.median(values):12.4g}   {spread}")


if __name__ == "__main__":
    main()
