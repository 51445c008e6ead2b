"""What a plan says it takes at most is what the process takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(
    not STATUS.exists() or "VmHWM" not in STATUS.read_text(), reason="needs the peak of resident memory"
)
MEASURE = """
import sys
import numpy as np
from tests.compile.comparing import graph_of
from tidu.compile import NativeFunction, Settings
from tidu.compile.lower import lower
from tidu.native.ledger import Ledger

def kilobytes(what):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(what))

def function(x, w):
    for _ in range(6):
        x = np.maximum(x @ w, 0.0) * np.exp(x)
    return x, np.sum(np.exp(x @ w), axis=0)

n, m, n_threads, waste = map(int, sys.argv[1:])
def make(n, m):
    x, w = np.ones((n, m), np.float32), np.full((m, m), 1.0 / m, np.float32)
    plan = lower(graph_of(function, x, w), Settings(n_threads=n_threads, guard_bytes=0))
    return NativeFunction(plan, Ledger()), x, w

small, *inputs = make(64, 64)
small(inputs)
large, x, w = make(n, m)
before = kilobytes("VmRSS")
wasted = np.ones(waste, np.uint8)
results = large([x, w])
print(large.plan.peak_bytes, 1024 * (kilobytes("VmHWM") - before))
"""


def grown(n: int, m: int, n_threads: int, waste: int = 0) -> tuple[int, int]:
    """Return the bytes that a plan foretells, and those that the process has grown by at most."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", MEASURE, str(n), str(m), str(n_threads), str(waste)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    foretold, real = map(int, done.stdout.split())
    return foretold, real


@pytest.mark.parametrize("n_threads", [1, 2])
def test_resident_memory_grows_by_what_is_foretold(n_threads: int) -> None:
    foretold, real = grown(40_000, 200, n_threads)
    assert foretold > 64e6
    assert foretold / 2 <= real <= foretold + 16 * 2**20


def test_a_small_function_takes_little() -> None:
    foretold, real = grown(100, 100, 1)
    assert foretold < 2**20
    assert real <= foretold + 16 * 2**20


def test_planted_waste_is_caught() -> None:
    foretold, real = grown(100, 100, 1, waste=24 * 2**20)
    assert real > foretold + 16 * 2**20
