"""How accurate is tidu's MLPClassifier on scikit-learn's digits, beside scikit-learn's own?

Five-fold accuracy with one hidden layer of 100, the same folds, seeds and budget for both, turn by turn.
Run: python benchmarks/digits_accuracy.py [--seeds 5] [--max-iter 200]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn import neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score

from tidu.estimators import MLPClassifier


def measure(seeds: int, max_iter: int) -> None:
    """Print both accuracies for each seed, their means, and the time both took."""
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    factories = {"scikit-learn": neural_network.MLPClassifier, "tidu": MLPClassifier}
    scores: dict[str, list[float]] = {name: [] for name in factories}
    elapsed_s = dict.fromkeys(factories, 0.0)
    for seed in range(seeds):
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        for name, factory in factories.items():
            began_s = time.perf_counter()
            model = factory((100,), max_iter=max_iter, random_state=seed)
            scores[name].append(float(cross_val_score(model, X, y, cv=folds).mean()))
            elapsed_s[name] += time.perf_counter() - began_s
        print(f"seed {seed}:", ", ".join(f"{name} {scores[name][-1]:.4f}" for name in factories))
    for name in factories:
        mean, deviation = np.mean(scores[name]), np.std(scores[name])
        print(f"{name}: mean {mean:.5f}, deviation between seeds {deviation:.5f}, {elapsed_s[name]:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-iter", type=int, default=200)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    measure(given.seeds, given.max_iter)
