"""Native code neither reads nor writes outside its buffers: every primitive, random programs, five training steps."""

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
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.compile.guarded", *what]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_nothing_is_touched_outside_a_buffer() -> None:
    done = run()
    assert done.stdout.endswith("everything ran\n"), (done.returncode, done.stdout[-300:], done.stderr[-3000:])


@pytest.mark.parametrize("what", ["read", "write"])
def test_a_planted_access_out_of_bounds_is_caught(what: str) -> None:
    done = run(what)
    assert done.stdout == f"{what}\n"
    assert done.returncode < 0, "ended by a signal"
