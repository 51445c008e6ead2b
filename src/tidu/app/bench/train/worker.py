"""What does one process measure: one peer, one case, told and answered in JSON?

``python -m tidu.app.bench.train.worker '{"peer": "tidu", "case": "tiny"}'``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

import numpy as np

from tidu.app.bench.clock import peak_bytes, rate, seconds_of
from tidu.app.bench.processes import pin
from tidu.app.bench.train.arrays import make_arrays, reached_loss
from tidu.app.bench.train.cases import CASES, Case
from tidu.app.bench.train.peers import PEERS
from tidu.app.bench.train.trainers import Trainer

__all__ = ["PEAK", "Request", "Result", "measure"]

PEAK = "peak"
"""Asked for as if it were a peer: GFLOP/s of fused multiply-adds, in float32."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be measured.

    Parameters
    ----------
    peer, case : str
        Their names.
    budget_s : float
        How long to measure; 0 means the first step only.
    check_steps : int or None
        Steps to take before losses are compared, if not those of the case.
    threads : int or None
        The process is kept on so many processors, where the system can do it.
    cifar10 : str or None
        The folder.
    """

    peer: str
    case: str
    budget_s: float = 1.5
    check_steps: int | None = None
    threads: int | None = None
    cifar10: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one process found.

    Parameters
    ----------
    first_s : float
        Seconds to the end of the first step or call, everything built and compiled; imports of the peer
        and its copy of the data are not in it.
    per_s : float or None
        Steps or calls a second.
    kept_s : float or None
        As `first_s`, of a process for which compiled code lay on disk.
    call_per_s : float or None
        For tidu: further steps a second of whole calls (`tidu.app.bench.train.by_tidu`).
    check : float or None
        What must be the same for every peer: the loss reached, the norm of a derivative.
    peak_bytes : int or None
        The most resident memory of the process, the data included.
    note : str
        Which way of several was the best.
    """

    first_s: float
    per_s: float | None = None
    kept_s: float | None = None
    call_per_s: float | None = None
    check: float | None = None
    peak_bytes: int | None = None
    note: str = ""


def measure(request: Request) -> Result:
    """Do the work of a request in this process."""
    pin(request.threads)
    if request.peer == PEAK:
        from tidu.native.peak import measure_peak

        return Result(0.0, per_s=measure_peak(request.threads or 1, seconds=max(request.budget_s / 5, 0.05)))
    case = CASES[request.case]
    if case.job == "training":
        return _training(request, case)
    return _calls(request, case)


def _training(request: Request, case: Case) -> Result:
    arrays = make_arrays(case, Path(request.cifar10) if request.cifar10 else None)
    module, name = PEERS[request.peer].trainer.split(":")
    make = getattr(import_module(f"tidu.app.bench.train.{module}"), name)
    trainer: Trainer = make(case, arrays, request.threads)
    first_s = seconds_of(lambda: trainer.train(arrays.steps(1)))
    if not request.budget_s:
        return Result(first_s)
    weights = trainer.train(arrays.steps(request.check_steps or case.check_steps))
    check = None if weights is None else reached_loss(case, arrays, weights)
    speed = trainer.speed(request.budget_s)
    most = peak_bytes()
    return Result(
        first_s,
        per_s=cast("float", speed["per_s"]),
        call_per_s=cast("float | None", speed.get("call_per_s")),
        check=check,
        peak_bytes=most,
        note=str(speed.get("note", "")),
    )


def _calls(request: Request, case: Case) -> Result:
    call: Callable[[], object]
    if case.job in ("hessian", "hvp"):
        from tidu.app.bench.train.second_order import SECOND_ORDER

        call = SECOND_ORDER[request.peer](case, make_arrays(case))
    else:
        from tidu.app.bench.train.scalar_calls import SCALAR_CALLS

        call = SCALAR_CALLS[request.peer](case)
    first_s = seconds_of(call)
    if not request.budget_s:
        return Result(first_s)
    return Result(first_s, per_s=rate(call, 1, request.budget_s), check=_norm(call()), peak_bytes=peak_bytes())


def _norm(result: object) -> float:
    """Return the Euclidean norm of all numbers in nested lists and tuples."""
    if isinstance(result, (list, tuple)):
        return float(np.linalg.norm([_norm(part) for part in result]))
    return float(np.linalg.norm(np.asarray(result, np.float64)))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Request(**json.loads(sys.argv[1]))))))  # noqa: T201
