"""How well does `tidu.assess` tell planned problems apart: known functions, known noise, known Bayes errors?

    python benchmarks/planned_problems.py                    # all of it: an hour and a half on two processors
    python benchmarks/planned_problems.py --seeds 5 --rows 1000 --dimensions 1,2,5

Prints a table of verdicts, coverage and widths, and the promises that are made of them. The variance of the function is
1 in every problem; x is uniform on a cube, whole numbers from 0 to 3 where it is categorical, and a circle's shadow.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import norm

import tidu

NUMBERS = ("smooth", "rough", "discontinuous", "categorical")
NOISES = (0.0, 0.25)
BAYES_ERRORS = (0.1, 0.25)


def draw(kind: str, noise: float, n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return rows, targets and the true floor: variance of the noise, or Bayes error."""
    rng = np.random.default_rng([seed, d, n, sum(kind.encode()), int(100 * noise)])
    X = rng.uniform(-1.0, 1.0, (n, d))
    if kind == "noise":
        return X, rng.normal(size=n), 1.0
    if kind == "circle":
        angle = rng.uniform(0.0, 2.0 * np.pi, n)
        X[:, 0] = np.cos(angle)
        return X, np.sin(angle), 0.5
    if kind == "classes":
        # Two normal classes whose means are 2 q apart have the Bayes error Phi(-q).
        y = rng.integers(0, 2, n)
        direction = rng.normal(size=d)
        shift = -norm.ppf(noise) * direction / np.linalg.norm(direction)
        return rng.normal(size=(n, d)) + np.where(y[:, None] == 1, shift, -shift), y, noise
    if kind == "categorical":
        X = rng.integers(0, 4, (n, d)).astype(float)
        effects = rng.normal(size=(d, 4))
        f = sum(effects[j][X[:, j].astype(int)] for j in range(d))
    else:
        direction = rng.normal(size=d)
        t = X @ (direction / np.linalg.norm(direction))
        if kind == "smooth":
            f = np.sin(3.0 * t) + 0.5 * X[:, 0] ** 2
        elif kind == "rough":
            f = sum(0.6**k * np.cos(2.0**k * np.pi * t + rng.uniform(0.0, 6.0)) for k in range(6))
        else:
            f = (t > 0) + 0.5 * (X[:, 0] > 0.3)
    f = (f - f.mean()) / f.std()
    return X, f + np.sqrt(noise) * rng.normal(size=n), noise


def judge(job: tuple[str, float, int, int, int]) -> dict[str, object]:
    """Assess one problem."""
    kind, noise, n, d, seed = job
    X, y, truth = draw(kind, noise, n, d, seed)
    begun = time.perf_counter()
    found = tidu.assess(X, y, task="classification" if kind == "classes" else "regression", threads=1)
    low, high = found.noise_variance_interval
    whole = 0.5 if kind == "classes" else float(y.var())
    return {
        "kind": kind,
        "noise": noise,
        "n": n,
        "d": d,
        "seed": seed,
        "verdict": found.verdict,
        "truth": truth,
        "value": found.noise_variance,
        "low": low,
        "high": high,
        # A floor that was found to be none is one below the least that is looked at.
        "covered": low <= truth <= high,
        "width": (high - low) / whole,
        "p_value": found.dependence.p_value,
        "elapsed_s": time.perf_counter() - begun,
    }


def jobs(
    seeds: int, rows: list[int], dimensions: list[int], kinds: list[str]
) -> list[tuple[str, float, int, int, int]]:
    """Return every problem that is asked for."""
    planned = [(kind, noise) for kind in NUMBERS for noise in NOISES]
    planned += [("noise", 1.0), ("circle", 0.5), *(("classes", error) for error in BAYES_ERRORS)]
    return [
        (kind, noise, n, d, seed)
        for (kind, noise), n, d, seed in product(planned, rows, dimensions, range(seeds))
        if kind in kinds
    ]


SHORT = {"function": "f", "noisy function": "n", "no dependence found": "0", "cannot tell": "?"}


def table(found: list[dict[str, object]]) -> str:
    """Return the table of the documentation, in Markdown: verdicts, intervals that hold the truth, median width."""
    groups = defaultdict(list)
    for one in found:
        groups[one["kind"], one["noise"], one["n"], one["d"]].append(one)
    dimensions = sorted({d for _, _, _, d in groups})
    lines = [
        "| target | floor | n |" + "".join(f" d = {d} |" for d in dimensions),
        "| --- " * (3 + len(dimensions)) + "|",
    ]
    for kind, noise, n in dict.fromkeys(key[:3] for key in groups):
        cells = [_cell(groups[kind, noise, n, d]) for d in dimensions]
        lines.append(f"| {kind} | {noise:g} | {n:,} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(lines)


def _cell(group: list[dict[str, object]]) -> str:
    if not group:
        return ""
    counted = Counter(SHORT[one["verdict"]] for one in group).most_common()
    verdicts = " ".join(f"{name}{count if len(counted) > 1 else ''}" for name, count in counted)
    told = [one for one in group if one["verdict"] != "cannot tell"]
    covered = f", {sum(one['covered'] for one in told)}/{len(told)}" if told else ""
    return f"{verdicts}{covered}, {np.median([one['width'] for one in group]):.2f}"


def promises(found: list[dict[str, object]]) -> str:
    """Return what is promised and what was found, a line each."""

    def share(of: list[dict[str, object]], holds) -> str:
        return f"{sum(map(holds, of))} of {len(of)} ({100 * np.mean([holds(one) for one in of]):.1f} %)" if of else "–"

    told = [one for one in found if one["verdict"] != "cannot tell"]
    plane = [one["width"] for one in told if one["d"] <= 2 and one["n"] == 10_000 and one["kind"] != "classes"]
    smooth = [one for one in found if one["kind"] == "smooth" and one["noise"] == 0 and one["d"] <= 5]
    few = [one for one in found if one["d"] <= 5 and one["n"] >= 1000]
    noise = [one for one in found if one["kind"] == "noise"]
    circles = [one for one in found if one["kind"] == "circle"]
    return "\n".join(
        [
            f"floor inside the interval, where told (goal 90 %): {share(told, lambda one: one['covered'])}",
            f"median width, d <= 2, n = 10,000 (goal 0.2 Var(y)): {np.median(plane):.3f}" if plane else "no planes",
            f"smooth, no noise, d <= 5: function (90 %): {share(smooth, lambda one: one['verdict'] == 'function')}",
            f"pure noise called a function (goal none): {share(noise, lambda one: one['verdict'] == 'function')}",
            f"circle called a function (goal none): {share(circles, lambda one: one['verdict'] == 'function')}",
            f"cannot tell, d <= 5 (goal at most 20 %): {share(few, lambda one: one['verdict'] == 'cannot tell')}",
            f"seconds for each: median {np.median([one['elapsed_s'] for one in found]):.1f}",
        ]
    )


def main() -> None:
    """Run what is asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", default="1000,10000")
    parser.add_argument("--dimensions", default="1,2,5,10,20,50")
    parser.add_argument("--kinds", default=",".join([*NUMBERS, "noise", "circle", "classes"]))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="keep every result in this file, and go on from what is there")
    given = parser.parse_args()
    rows, dimensions = ([int(part) for part in text.split(",")] for text in (given.rows, given.dimensions))
    wanted = jobs(given.seeds, rows, dimensions, given.kinds.split(","))
    kept = json.loads(given.json.read_text()) if given.json and given.json.exists() else []
    known = {(one["kind"], one["noise"], one["n"], one["d"], one["seed"]): one for one in kept}
    missing = [job for job in wanted if job not in known]
    with ProcessPoolExecutor(given.processes) as pool:
        for number, one in enumerate(pool.map(judge, missing), 1):
            known[missing[number - 1]] = one
            if given.json and (number % 20 == 0 or number == len(missing)):
                given.json.write_text(json.dumps(list(known.values()), default=float))
            if sys.stderr.isatty():
                print(f"\r{number} of {len(missing)}", end="", file=sys.stderr)
    found = [known[job] for job in wanted]
    print(table(found))
    print()
    print(promises(found))


if __name__ == "__main__":
    main()
