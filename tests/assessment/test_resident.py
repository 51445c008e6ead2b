"""The resident memory of the process grows by no more than the limit and 16 MB."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOM = 16_000_000
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(
    not STATUS.exists() or "VmHWM" not in STATUS.read_text(), reason="needs the peak of resident memory"
)
MEASURE = """
import ctypes, json, sys
import tidu

path, target, limits = json.loads(sys.argv[1])

def resident(what):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))

# machine code for these rows, thread pools and SciPy are there before anything is counted
tidu.assess(path, target=target)
grown = []
for limit in limits:
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = resident("VmRSS")
    tidu.assess(path, target=target, memory_limit=limit)
    grown.append(resident("VmHWM") - before)
print(json.dumps(grown))
"""


@pytest.mark.parametrize(
    ("dtype", "n_rows", "n_features"), [("uint8", 3000, 3072), ("float64", 30_000, 20), ("float32", 3000, 1200)]
)
def test_the_limit_and_16_mb_are_enough(dtype, n_rows, n_features, tmp_path):
    rng = np.random.default_rng(0)
    X = (255 * rng.random((n_rows, n_features), np.float32)).astype(dtype)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", X[:, 0].astype(np.float64) + rng.normal(size=n_rows))
    limits = [70_000_000]
    given = json.dumps([str(tmp_path / "X.npy"), str(tmp_path / "y.npy"), limits])
    run = subprocess.run([sys.executable, "-c", MEASURE, given], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for limit, grown in zip(limits, json.loads(run.stdout), strict=True):
        assert grown <= limit + ROOM
