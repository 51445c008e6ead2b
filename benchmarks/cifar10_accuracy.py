"""How accurate is a plain network, 3072-512-256-10, on CIFAR-10 after ten epochs of `tidu.fit`?

Run: python benchmarks/cifar10_accuracy.py FOLDER [--seeds 5] [--threads 1] [--validate]

SETTINGS
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import tidu
from tidu import nn
from tidu.data import BlockSource, Dataset, open_dataset
from tidu.learn.schedules import CosineDecay

SIZES = (3072, 512, 256, 10)
EPOCHS = 10
BATCH_SIZE = 128
LEARNING_RATE = 5e-4
WEIGHT_DECAY = 0.5
START = (0.3, 0.5, 0.3)
"""Factors on the usual first weights of each layer."""
N_HELD_OUT = 5_000
HELD_OUT_SEED = 20240

Params = list[nn.Dense]
Rows = tuple[NDArray[np.uint8], NDArray[np.int64]]
Loss = Callable[[Params, Rows, NDArray[np.uint64]], np.floating]


def scale_of(X: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and deviation of the channels of pictures, repeated for each pixel."""
    channels = X.reshape(-1, 3)
    mean, deviation = channels.mean(axis=0), channels.std(axis=0)
    return np.tile(mean, 1024).astype(np.float32), np.tile(deviation, 1024).astype(np.float32)


def logits(params: Params, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the output of the network for standardized rows."""
    for layer in params[:-1]:
        x = np.maximum(x @ layer["W"] + layer["b"], 0)
    return x @ params[-1]["W"] + params[-1]["b"]


def make_loss(mean: NDArray[np.float32], deviation: NDArray[np.float32]) -> Loss:
    """Return the cross-entropy of rows of pixels, of which every other one, by chance, is mirrored."""

    def loss(params: Params, batch: Rows, key: NDArray[np.uint64]) -> np.floating:
        X, y = batch
        pictures = X.astype(np.float32).reshape(len(y), 32, 32, 3)
        mirrored = nn.random.uniform(key, (len(y), 1, 1, 1), dtype=np.float32) < 0.5
        rows = np.where(mirrored, pictures[:, :, ::-1], pictures).reshape(len(y), 3072)
        scores = logits(params, (rows - mean) / deviation)
        scores = scores - np.max(scores, axis=1, keepdims=True)
        log_sum = np.log(np.sum(np.exp(scores), axis=1))
        return np.mean(log_sum - scores[np.arange(len(y)), y])

    return loss


def start(seed: int) -> Params:
    """Return first parameters: He's and Glorot's, made smaller."""
    params = nn.init_mlp(SIZES, seed=seed, dtype=np.float32)
    return [{"W": np.float32(factor) * layer["W"], "b": layer["b"]} for factor, layer in zip(START, params, strict=True)]


def accuracy(train: Rows, judged: Rows, seed: int, n_threads: int) -> tuple[float, float]:
    """Train once; return the share of `judged` that is told right, and the seconds that training took."""
    mean, deviation = scale_of(train[0])
    result = tidu.fit(
        make_loss(mean, deviation),
        start(seed),
        train,
        optimizer=tidu.AdamW(CosineDecay(LEARNING_RATE), weight_decay=WEIGHT_DECAY),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        seed=seed,
        threads=n_threads,
    )
    X, y = judged
    told = np.argmax(logits(result.params, (X.astype(np.float32) - mean) / deviation), axis=1)
    return float(np.mean(told == y)), result.elapsed_s


def whole(data: Dataset) -> Rows:
    """Read all rows, into arrays that lie end to end."""

    def read(source: BlockSource) -> NDArray[np.generic]:
        return np.ascontiguousarray(source.read(0, source.shape[0]))

    return read(data.X), read(data.y)


def measure(folder: str, seeds: int, n_threads: int, validate: bool) -> None:
    """Print the accuracy of each seed and their mean: on the test set, or on rows held out of the training set."""
    data = open_dataset(folder)
    train, judged, name = whole(data), None, "validation" if validate else "test"
    if validate:
        order = np.random.default_rng(HELD_OUT_SEED).permutation(len(train[1]))
        held, kept = order[:N_HELD_OUT], order[N_HELD_OUT:]
        train, judged = (train[0][kept], train[1][kept]), (train[0][held], train[1][held])
    else:
        judged = whole(data.test)
    found, began_s = [], time.perf_counter()
    for seed in range(seeds):
        share, elapsed_s = accuracy(train, judged, seed, n_threads)
        found.append(share)
        print(f"seed {seed}: {name} accuracy {share:.4f}, {elapsed_s:.1f} s", flush=True)
    print(f"mean {np.mean(found):.4f}, deviation between seeds {np.std(found):.4f}, {time.perf_counter() - began_s:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="of CIFAR-10's python batches: data_batch_1 and so on")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--validate", action="store_true", help="train on 45,000 rows and judge on the other 5,000")
    given = parser.parse_args()
    measure(given.folder, given.seeds, given.threads, given.validate)
