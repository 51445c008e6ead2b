"""How accurate is k-NN on CIFAR-10's raw pixels, by each rule for tied votes, beside the feasibility study?

Run: python benchmarks/knn_accuracy.py FOLDER [--memory-limit 64MB] [--queries 10000] [--threads 2] [--metric l2]

One search for the ten nearest of 50,000 training rows serves every k, as the k nearest are the first k of them. The
study's figures are those of all 10,000 test rows and l2; its tied votes went to the smallest label (scikit-learn's
rule) or to the nearest neighbor's.
"""

from __future__ import annotations

import argparse
import time
from typing import Literal

import numpy as np

import tidu
from tidu.data import RowsSource, open_dataset
from tidu.estimators.neighbors_voting import votes_of, winners

COUNTS = (1, 3, 5, 7, 10)
STUDY: dict[Literal["smallest", "nearest"], tuple[float, ...]] = {
    "smallest": (0.353, 0.329, 0.340, 0.336, 0.341),
    "nearest": (0.353, 0.354, 0.354, 0.349, 0.349),
}


def measure(folder: str, memory_limit: str, n_queries: int, threads: int | None, metric: str) -> bool:
    """Print accuracies beside the study's; return whether they agree to three digits, where they can be compared."""
    data = open_dataset(folder)
    if data.test is None or data.y is None or data.test.y is None:
        raise SystemExit(f"{folder} has no test part with labels; give a folder of CIFAR-10's python batches")
    n_queries = min(n_queries, data.test.n_samples)
    labels, true = data.y.read(0, data.n_samples), data.test.y.read(0, n_queries)
    queries = data.test.X if n_queries == data.test.n_samples else RowsSource(data.test.X, np.arange(n_queries))
    began_s = time.perf_counter()
    indices = tidu.kneighbors(
        queries,
        data.X,
        max(COUNTS),
        metric,
        memory_limit,
        return_distance=False,
        progress=True,
        threads=threads,
    )
    print(f"{n_queries:,} queries in {data.n_samples:,} rows: {time.perf_counter() - began_s:.1f} s, {memory_limit}")
    comparable = n_queries == 10_000 and metric == "l2"
    agrees = True
    n_classes = int(labels.max()) + 1
    print("ties      " + "".join(f"  k = {k:<2}" for k in COUNTS))
    for ties, study in STUDY.items():
        found = []
        for k in COUNTS:
            codes = labels[indices[:, :k]]
            found.append(float(np.mean(winners(codes, votes_of(codes, None, n_classes), ties) == true)))
        print(f"{ties:<10}" + "".join(f"  {value:.4f}" for value in found))
        if comparable:
            print("  study   " + "".join(f"  {value:.3f} " for value in study))
            agrees &= bool(np.all(np.abs(np.array(found) - study) < 0.00051))
    if comparable:
        print("agrees with the study" if agrees else "DIFFERS from the study")
    return agrees


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="CIFAR-10's python batches")
    parser.add_argument("--memory-limit", default="64MB")
    parser.add_argument("--queries", type=int, default=10_000, help="only the first rows of the test batch")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--metric", default="l2")
    given = parser.parse_args()
    same = measure(given.folder, given.memory_limit, given.queries, given.threads, given.metric)
    raise SystemExit(0 if same else 1)
