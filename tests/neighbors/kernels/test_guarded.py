"""Kernels of the search neither read nor write outside their buffers."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(ctypes.CDLL(None), "mprotect"), reason="needs pages that can be forbidden"
)


def run(*what: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.neighbors.kernels.guarded", *what]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_nothing_is_touched_outside_a_buffer() -> None:
    done = run()
    assert done.stdout.endswith("everything ran\n"), (done.returncode, done.stdout[-300:], done.stderr[-3000:])


@pytest.mark.parametrize("kernel", ["pack", "scan", "listed", "products"])
def test_a_kernel_that_is_told_of_one_more_than_there_is_is_caught(kernel: str) -> None:
    done = run(kernel)
    assert "everything ran" not in done.stdout
    assert done.returncode < 0 or "written beside a buffer" in done.stderr, (
        "ended by a signal, or by a look at the rest"
    )
