"""How does one measurement run in a process of its own, told and answered in JSON?

This file knows nothing of what is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["MeasurementFailed", "ask", "cache_variables", "clean_environment", "import_times", "pin"]

_PATIENCE_S = 3600.0
_MISLEADING = "OPENBLAS_"
"""Some machines set them for a processor that OpenBLAS does not know; they may slow NumPy down."""


class MeasurementFailed(Exception):
    """A process ended with an error, or not in time; the message is the last line of what it said."""


def ask(
    module: str, request: Mapping[str, object], environment: Mapping[str, str], patience_s: float = _PATIENCE_S
) -> dict[str, object]:
    """Run ``python -m module '{request}'`` and return the JSON of the last line that it prints.

    Raises
    ------
    MeasurementFailed
        If it fails, or does not answer in time.
    """
    command = [sys.executable, "-m", module, json.dumps(request)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=dict(environment), check=False, timeout=patience_s
        )
    except subprocess.TimeoutExpired:
        raise MeasurementFailed(f"no answer after {patience_s:.0f} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise MeasurementFailed(lines[-1])
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what misleads a library about the processor."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_MISLEADING)}


def cache_variables(folder: Path) -> dict[str, str]:
    """Return variables that give a process caches of compiled code of its own, empty if the folder is new."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "TIDU_CACHE_DIR": str(folder / "tidu"),
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "torch"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_PLATFORMS": "cpu",
    }


def import_times(modules: Iterable[str], rounds: int) -> dict[str, float]:
    """Return the median seconds that each module takes to import in a fresh process, turn by turn."""
    times: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(rounds):
        for module, found in times.items():
            code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
            done = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, env=clean_environment(), check=True
            )
            found.append(float(done.stdout))
    return {module: statistics.median(found) for module, found in times.items()}


def pin(threads: int | None) -> None:
    """Keep this process on so many of its processors, where the system can do it; None changes nothing."""
    if threads and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
