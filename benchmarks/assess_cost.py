"""What does an assessment of CIFAR-10 cost beside the search for each picture's nearest others alone?

    python benchmarks/assess_cost.py FOLDER [--memory-limit 100MB] [--rounds 3]

FOLDER holds CIFAR-10's python batches: 50,000 pictures of 3,072 bytes. Both are measured in this process, turn by turn,
after a warm-up; the growth of resident memory is that of the assessment. Linux only.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np

import tidu
from tidu.app.measuring import measured
from tidu.data import open_dataset


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--memory-limit", default="100MB")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    data = open_dataset(given.folder)
    tidu.assess(np.random.default_rng(0).integers(0, 256, (600, 3072)).astype(np.uint8), np.arange(600) % 10)
    searches, assessments = [], []
    for _ in range(given.rounds):
        with measured() as cost:
            tidu.kneighbors(None, data.X, 10, memory_limit=given.memory_limit)
        searches.append(cost)
        with measured() as cost:
            found = tidu.assess(data, memory_limit=given.memory_limit)
        assessments.append(cost)
    search, whole = (statistics.median(cost.elapsed_s for cost in costs) for costs in (searches, assessments))
    growth = max(cost.memory_bytes for cost in assessments)
    print(f"leave-one-out k-NN, k = 10: {search:.1f} s")
    print(f"assessment: {whole:.1f} s, {whole / search:.2f} times (goal 3)")
    print(f"resident memory grew by {growth / 1e6:.0f} MB (limit {given.memory_limit} and 16 MB)")
    print(f"{found!r}")


if __name__ == "__main__":
    main()
