"""How long did a piece of work take, and how much did the memory of the process grow at its peak?

Linux keeps a high-water mark of resident memory, which can be set back; elsewhere only the mark of the
whole life of the process is known, and growth below it is not seen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Cost", "MemoryMethod", "measured", "memory_method"]

MemoryMethod = Literal["high_water", "lifetime"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass(slots=True)
class Cost:
    """What a piece of work took; filled in when it has ended.

    Attributes
    ----------
    elapsed_s : float
        Wall-clock time.
    memory_bytes : int
        Peak of resident memory less what was resident before.
    peak_bytes : int
        That peak: the whole process, with the interpreter, its libraries and the data.
    """

    elapsed_s: float = 0.0
    memory_bytes: int = 0
    peak_bytes: int = 0


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure the body of a ``with`` statement.

    Examples
    --------
    >>> with measured() as cost:
    ...     block = bytes(64_000_000)
    >>> cost.memory_bytes >= 0 and cost.elapsed_s > 0
    True
    """
    cost = Cost()
    before = _start()
    began = time.perf_counter()
    try:
        yield cost
    finally:
        cost.elapsed_s = time.perf_counter() - began
        cost.peak_bytes = _peak()
        cost.memory_bytes = max(cost.peak_bytes - before, 0)


def memory_method() -> MemoryMethod:
    """Return which mark `measured` reads on this machine."""
    return "high_water" if _set_back() else "lifetime"


def _start() -> int:
    return _status("VmRSS") if _set_back() else _peak()


def _set_back() -> bool:
    """Set the high-water mark to what is resident now, where the kernel lets us."""
    try:
        # 5 resets the peak: Linux, Documentation/filesystems/proc.rst
        _RESET.write_text("5")
        return _status("VmHWM") > 0
    except OSError:
        return False


def _peak() -> int:
    try:
        return _status("VmHWM")
    except OSError:
        return _lifetime_peak()


def _status(key: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {key}")


def _lifetime_peak() -> int:
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
