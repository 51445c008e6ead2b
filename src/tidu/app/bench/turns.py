"""How are all peers measured in one run: each in its own process, turn by turn, medians at the end?

This file knows nothing of tables and of what a peer does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tidu.app.bench.cases import CASES, Case
from tidu.app.bench.peers import PEERS, Peer
from tidu.app.bench.worker import PEAK, Request, Result

__all__ = ["AGREEMENT", "Findings", "Plan", "Row", "plain", "run"]

AGREEMENT = 1e-3
"""Relative difference of checks above which peers did not do the same work."""
_PATIENCE_S = 900.0
_FLATTERING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Some machines set them for a processor that OpenBLAS does not know; they may slow NumPy down."""
_INTEL = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"
"""MKL takes its fast paths if this function of its own says so."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured.

    Parameters
    ----------
    cases, peers : tuple of str
        Their names.
    repeat : int
        Rounds.
    budget_s : float
        How long each measurement takes, about.
    check_steps : int or None
    threads : int or None
    cifar10 : Path or None
    """

    cases: tuple[str, ...]
    peers: tuple[str, ...]
    repeat: int = 3
    budget_s: float = 1.5
    check_steps: int | None = None
    threads: int | None = None
    cifar10: Path | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one peer at one case.

    Parameters
    ----------
    results : list of Result
        One of each round.
    kept_s : list of float
        Times of first steps for which compiled code lay on disk.
    failure : str
        The last line of what a process said that failed.
    """

    results: list[Result] = field(default_factory=list)
    kept_s: list[float] = field(default_factory=list)
    failure: list[str] = field(default_factory=list)

    def median(self, figure: str) -> float | None:
        """Return the median of a figure of the results; None where there is none."""
        found = [x for x in (getattr(result, figure) for result in self.results) if x is not None]
        return statistics.median(found) if found else None

    def times_faster_than(self, other: Row) -> float | None:
        """Return the median over the rounds of the ratio of speeds."""
        ratios = [a.per_s / b.per_s for a, b in zip(self.results, other.results, strict=False) if a.per_s and b.per_s]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run found.

    Parameters
    ----------
    rows : dict of (case, peer) to Row
    lacking : dict of peer to what it lacks
    imports_s : dict of module to seconds
        Medians, each in a fresh process.
    peaks : dict of threads to GFLOP/s
        The most that was reached in the run.
    """

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    imports_s: dict[str, float] = field(default_factory=dict)
    peaks: dict[int, float] = field(default_factory=dict)

    def difference(self, case: str, peer: str) -> float | None:
        """Return by how much a peer's check differs from the first peer's that has one, relative to it."""
        checks = {p: row.median("check") for (c, p), row in self.rows.items() if c == case}
        known = [x for x in checks.values() if x is not None]
        found = checks[peer]
        return None if found is None else abs(found - known[0]) / max(abs(known[0]), 1e-30)


def run(plan: Plan, tell: Callable[[str], None] = lambda what: None) -> Findings:
    """Measure everything; `tell` hears what comes next."""
    findings = Findings()
    for name in plan.peers:
        if missing := PEERS[name].lacks:
            findings.lacking[name] = missing
    peers = [PEERS[name] for name in plan.peers if name not in findings.lacking]
    with tempfile.TemporaryDirectory(prefix="tidu-bench-") as folder:
        room = _Room(plan, Path(folder), findings)
        for number in range(plan.repeat):
            for case in (CASES[name] for name in plan.cases):
                room.measure_peak(case)
                for peer in (peer for peer in peers if peer.does(case)):
                    tell(f"{number + 1}/{plan.repeat} {case.name}: {peer.title}")
                    room.measure(case, peer)
        room.measure_imports(peers)
    return findings


@dataclass(frozen=True, slots=True)
class _Room:
    """Where processes are started, and what they find is written down."""

    plan: Plan
    folder: Path
    findings: Findings

    def measure(self, case: Case, peer: Peer) -> None:
        """Give a peer its turn; a peer that failed once gets none any more."""
        row = self.findings.rows.setdefault((case.name, peer.name), Row())
        if row.failure:
            return
        try:
            result = self._best(case, peer)
            if row.results and peer.keeps_code:
                row.kept_s.append(result.first_s)
            row.results.append(result)
            if peer.keeps_code and self.plan.repeat == 1:
                row.kept_s.append(self._ask(self._request(case, peer, 0.0), self._environment(case, peer)).first_s)
        except _Failed as failed:
            row.failure.append(str(failed))

    def _best(self, case: Case, peer: Peer) -> Result:
        """Measure a peer; if it cannot be told its threads, on a single processor too, and return the better."""
        environment = self._environment(case, peer)
        result = self._ask(self._request(case, peer, self.plan.budget_s), environment)
        if not peer.one_processor or self.plan.threads:
            return result
        single = self._ask(replace(self._request(case, peer, self.plan.budget_s), threads=1), environment)
        if (single.per_s or 0.0) <= (result.per_s or 0.0):
            return result
        # Its first step found compiled code on disk.
        return replace(single, first_s=result.first_s, note=", ".join(filter(None, ["1 processor", single.note])))

    def _request(self, case: Case, peer: Peer, budget_s: float) -> Request:
        plan = self.plan
        cifar10 = None if plan.cifar10 is None else str(plan.cifar10)
        return Request(peer.name, case.name, budget_s, plan.check_steps, plan.threads, cifar10)

    def measure_peak(self, case: Case) -> None:
        """Measure the processor's peak again, next to a case that is compared with it."""
        if not case.shows_peak:
            return
        for threads in sorted({1, self.plan.threads or _processors()}):
            found = self._ask(Request(PEAK, case.name, self.plan.budget_s, threads=threads), _clean()).per_s
            self.findings.peaks[threads] = max(self.findings.peaks.get(threads, 0.0), found or 0.0)

    def measure_imports(self, peers: Sequence[Peer]) -> None:
        """Measure how long each module takes to import, turn by turn."""
        times: dict[str, list[float]] = {}
        for _ in range(self.plan.repeat):
            for module in dict.fromkeys(name for peer in peers for name in _imported(peer)):
                code = f"t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
                done = subprocess.run(
                    [sys.executable, "-c", f"import time; {code}"],
                    capture_output=True,
                    text=True,
                    env=_clean(),
                    check=True,
                )
                times.setdefault(module, []).append(float(done.stdout))
        self.findings.imports_s.update({module: statistics.median(found) for module, found in times.items()})

    def _ask(self, request: Request, environment: dict[str, str]) -> Result:
        """Start a process and read its answer."""
        command = [sys.executable, "-m", "tidu.app.bench.worker", json.dumps(asdict(request))]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment, check=False, timeout=_PATIENCE_S
            )
        except subprocess.TimeoutExpired:
            raise _Failed(f"no answer after {_PATIENCE_S:.0f} s") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise _Failed(lines[-1])
        return Result(**json.loads(done.stdout.splitlines()[-1]))

    def _environment(self, case: Case, peer: Peer) -> dict[str, str]:
        """Return what a peer's process sees: caches of its own, empty in the first round."""
        cache = self.folder / f"{peer.name}-{case.name}"
        cache.mkdir(exist_ok=True)
        given = {
            "TIDU_CACHE_DIR": str(cache / "tidu"),
            "TORCHINDUCTOR_CACHE_DIR": str(cache / "torch"),
            "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
            "JAX_PLATFORMS": "cpu",
        }
        if peer.name == "torch-mkl":
            given["LD_PRELOAD"] = str(self._preloaded())
        return {**_clean(), **given}

    def _preloaded(self) -> Path:
        """Compile the library that tells MKL it runs on Intel's processor."""
        library = self.folder / "intel.so"
        if not library.exists():
            command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
            subprocess.run(command, input=_INTEL, text=True, check=True, capture_output=True)
        return library


class _Failed(Exception):
    """A process ended with an error."""


def _imported(peer: Peer) -> tuple[str, ...]:
    """Return what is imported of a peer: of tidu, which loads its parts when asked, also what training needs."""
    return (peer.module, "tidu.learn") if peer.module == "tidu" else (peer.module,)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _FLATTERING}


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plain(findings: Findings) -> Iterator[dict[str, object]]:
    """Yield everything found, ready for JSON."""
    for (case, peer), row in findings.rows.items():
        yield {"case": case, "peer": peer, **asdict(row), "difference": findings.difference(case, peer)}
