"""The resident memory of the process grows by no more than the limit and 16 MB, whatever the limit is."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.neighbors.problems import least_bytes, search

from tidu.errors import BudgetError

ROOM = 16_000_000
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(
    not STATUS.exists() or "VmHWM" not in STATUS.read_text(), reason="needs the peak of resident memory"
)
MEASURE = """
import ctypes, hashlib, json, sys
import numpy as np
from tests.neighbors.problems import search

folder, dtype, metric, algorithm, threads, k, n_queries, limits, waste = json.loads(sys.argv[1])
options = {"metric": metric, "algorithm": algorithm, "threads": threads}

def resident(what):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))

def settle():
    # what earlier searches gave back shall not pass for room that the next one had before
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return resident("VmRSS")

def run(queries, data, k, limit):
    before = settle()
    found = search(queries, data, k, memory_limit=limit, **options)
    wasted = np.ones(waste, np.uint8)
    return resident("VmHWM") - before, hashlib.sha256(found[0].tobytes() + found[1].tobytes()).hexdigest()

path, queries = f"{folder}/{dtype}.npy", np.load(f"{folder}/{dtype}_queries.npy")[:n_queries]
# machine code, thread pools and matrix products are there before anything is counted
width = queries.shape[1]
for rows in (queries[:2, :8].copy(), queries):
    search(rows[:2], np.concatenate([rows, rows])[:12], 1, **options)
np.ones((64, 256), np.float32) @ np.ones((256, 64), np.float32)
print(json.dumps([run(queries, path, k, limit) for limit in limits]))
"""
N_BYTES = 60_000_000
SHAPES = {"uint8": (6000, 10_000), "float32": (5000, 3000), "narrow": (937_500, 16)}


@dataclass(frozen=True)
class Case:
    """One search, measured in a process of its own at several limits."""

    dtype: str
    metric: str
    algorithm: str = "auto"
    threads: int = 1
    k: int = 10
    n_queries: int = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Save 60 MB of each kind, near a space of few dimensions, and some queries."""
    made, rng = tmp_path_factory.mktemp("resident"), np.random.default_rng(0)
    for name, (n_rows, n_features) in SHAPES.items():
        dtype = "float32" if name == "narrow" else name
        basis = rng.standard_normal((8, n_features)).astype(np.float32) * np.float32(12)
        rows = rng.standard_normal((n_rows, 8)).astype(np.float32) @ basis + np.float32(128)
        rows = np.clip(rows, 0, 255, out=rows).astype(dtype)
        assert rows.nbytes == N_BYTES
        np.save(made / f"{name}.npy", rows)
        np.save(made / f"{name}_queries.npy", rows[:: n_rows // 300][:300] // 2)
    return made


def growths(folder, case, limits, waste=0):
    """Return by how much resident memory has grown at each limit, and whether all answers were the same."""
    parts = [str(folder), case.dtype, case.metric, case.algorithm, case.threads, case.k, case.n_queries, limits, waste]
    command = [sys.executable, "-c", MEASURE, json.dumps(parts)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return [grown for grown, _ in found], len({answer for _, answer in found}) == 1


def least_of(folder, case):
    queries = np.load(folder / f"{case.dtype}_queries.npy")[: case.n_queries]
    options = {"algorithm": case.algorithm, "threads": case.threads}
    return least_bytes(queries, folder / f"{case.dtype}.npy", case.k, case.metric, **options)


def require_within(folder, case, limits):
    grown, same = growths(folder, case, limits)
    over = [(limit, growth) for limit, growth in zip(limits, grown, strict=True) if growth > limit + ROOM]
    assert not over, f"limits and growths in bytes: {over}"
    assert same


CASES = [
    Case("uint8", "l2", "brute"),
    Case("float32", "l2", "brute", threads=2),
    Case("uint8", "l2", "pruned", threads=2),
    Case("float32", "l2", "pruned"),
    Case("float32", "cosine", threads=2),
    Case("uint8", "l1"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.dtype}-{case.metric}-{case.algorithm}")
def test_memory_grows_by_no_more_than_the_limit_from_the_least_to_a_gigabyte(folder, case):
    least = least_of(folder, case)
    require_within(folder, case, sorted({least, max(least, 8_000_000), max(least, 64_000_000), 10**9}))


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("metric", ["l2", "l1", "cosine", "inner_product", "chebyshev"])
@pytest.mark.parametrize("dtype", SHAPES)
def test_memory_of_many_queries_grows_by_no_more_than_the_limit(folder, dtype, metric, threads):
    for algorithm in ("brute", "pruned") if metric == "l2" else ("auto",):
        case = Case(dtype, metric, algorithm, threads, k=50, n_queries=300)
        least = least_of(folder, case)
        require_within(folder, case, [16 * least, 4 * 10**7, 64 * 10**6, 2 * 10**8, 10**9])


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("metric", ["l2", "l1"])
def test_one_byte_less_than_the_least_is_refused_with_both_numbers(folder, dtype, metric):
    queries, data = np.load(folder / f"{dtype}_queries.npy")[:3], folder / f"{dtype}.npy"
    for algorithm in ("brute", "pruned") if metric == "l2" else ("brute",):
        least = least_bytes(queries, data, 4, metric, algorithm=algorithm)
        with pytest.raises(BudgetError, match=f"{least:,}") as caught:
            search(queries, data, 4, metric, memory_limit=least - 1, algorithm=algorithm)
        assert caught.value.facts["least_bytes"] == least
        assert caught.value.facts["limit_bytes"] == least - 1
        assert f"{least - 1}" in str(caught.value).replace(",", "")


def test_planted_waste_is_caught(folder):
    grown, _ = growths(folder, Case("uint8", "l2"), [8_000_000], waste=32_000_000)
    assert grown[0] > 8_000_000 + ROOM
