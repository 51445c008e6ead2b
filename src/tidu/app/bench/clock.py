"""How often can something be done in a second, and how much memory did this process hold at most?

This file knows nothing of what is done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["forget_peak", "peak_bytes", "rate", "resident_bytes", "seconds_of"]

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def rate(work: Callable[[], object], count: int, budget_s: float) -> float:
    """Return how many things a second are done, `count` in one call.

    The first call is not counted: caches are cold and code is not compiled. Then calls are made until
    `budget_s` is over, at least one.
    """
    work()
    calls, elapsed_s = 0, 0.0
    while not calls or elapsed_s < budget_s:
        # As many calls between two looks at the clock as hardly disturb a call of a microsecond.
        burst = 1 if elapsed_s == 0 else max(1, min(100_000, int(calls / elapsed_s * budget_s / 10)))
        began_s = time.perf_counter()
        for _ in range(burst):
            work()
        elapsed_s += time.perf_counter() - began_s
        calls += burst
    return count * calls / elapsed_s


def peak_bytes() -> int | None:
    """Return the most resident memory that this process has held; None where the system does not tell.

    On Linux not ``ru_maxrss``, which a child begins with its parent's.
    """
    most = _status_bytes("VmHWM:")
    if most is not None or sys.platform == "win32":
        return most
    import resource

    maxrss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return maxrss if sys.platform == "darwin" else maxrss * 1024


def resident_bytes() -> int | None:
    """Return the resident memory of this process now; None where the system does not tell."""
    return _status_bytes("VmRSS:")


def forget_peak() -> bool:
    """Let `peak_bytes` begin anew with the memory held now; return whether the system can do that (Linux)."""
    try:
        _CLEAR_REFS.write_text(_FORGET_PEAK)
    except OSError:
        return False
    return True


def _status_bytes(figure: str) -> int | None:
    if not _STATUS.exists():
        return None
    lines = _STATUS.read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(figure)), None)
