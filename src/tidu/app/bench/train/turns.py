"""How is training measured in one run: in which environments, how often, and what is compared?

This file knows nothing of tables and of what a peer does.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tidu.app.bench.processes import ask, cache_variables, clean_environment, import_times
from tidu.app.bench.train.cases import CASES, Case
from tidu.app.bench.train.peers import PEERS, Peer
from tidu.app.bench.train.worker import PEAK, Request, Result
from tidu.app.bench.turns import Row, Rows, take_turns
from tidu.native.threads import usable_processors

__all__ = ["AGREEMENT", "Findings", "Plan", "plain", "run"]

AGREEMENT = 1e-3
"""Relative difference of checks above which peers did not do the same work."""
_PATIENCE_S = 900.0
_WORKER = "tidu.app.bench.train.worker"
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

    rows: Rows[Result] = field(default_factory=dict)
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
    lacking = {name: missing for name in plan.peers if (missing := PEERS[name].lacks)}
    peers = [PEERS[name] for name in plan.peers if name not in lacking]
    peers_of = {case: [peer.name for peer in peers if peer.does(CASES[case])] for case in plan.cases}
    with tempfile.TemporaryDirectory(prefix="tidu-bench-") as folder:
        room = _Room(plan, Path(folder))
        rows = take_turns(plan.repeat, peers_of, room.measure, tell, room.measure_peak)
    modules = dict.fromkeys(name for peer in peers for name in _imported(peer))
    return Findings(rows, lacking, import_times(modules, plan.repeat), room.peaks)


@dataclass(frozen=True, slots=True)
class _Room:
    """Where processes are started."""

    plan: Plan
    folder: Path
    peaks: dict[int, float] = field(default_factory=dict)

    def measure(self, case_name: str, peer_name: str, row: Row[Result]) -> Result:
        """Give a peer its turn."""
        case, peer = CASES[case_name], PEERS[peer_name]
        result = self._best(case, peer)
        if not peer.keeps_code:
            return result
        if row.results:
            return replace(result, kept_s=result.first_s)
        if self.plan.repeat > 1:
            return result
        again = _ask(self._request(case, peer, 0.0), self._environment(case, peer))
        return replace(result, kept_s=again.first_s)

    def _best(self, case: Case, peer: Peer) -> Result:
        """Measure a peer; if it cannot be told its threads, on a single processor too, and return the better."""
        environment = self._environment(case, peer)
        result = _ask(self._request(case, peer, self.plan.budget_s), environment)
        if not peer.one_processor or self.plan.threads:
            return result
        single = _ask(replace(self._request(case, peer, self.plan.budget_s), threads=1), environment)
        if (single.per_s or 0.0) <= (result.per_s or 0.0):
            return result
        # Its first step found compiled code on disk.
        return replace(single, first_s=result.first_s, note=", ".join(filter(None, ["1 processor", single.note])))

    def _request(self, case: Case, peer: Peer, budget_s: float) -> Request:
        plan = self.plan
        cifar10 = None if plan.cifar10 is None else str(plan.cifar10)
        return Request(peer.name, case.name, budget_s, plan.check_steps, plan.threads, cifar10)

    def measure_peak(self, case_name: str) -> None:
        """Measure the processor's peak again, next to a case that is compared with it."""
        if not CASES[case_name].shows_peak:
            return
        for threads in sorted({1, self.plan.threads or usable_processors()}):
            request = Request(PEAK, case_name, self.plan.budget_s, threads=threads)
            found = _ask(request, clean_environment()).per_s
            self.peaks[threads] = max(self.peaks.get(threads, 0.0), found or 0.0)

    def _environment(self, case: Case, peer: Peer) -> dict[str, str]:
        """Return what a peer's process sees: caches of its own, empty in the first round."""
        given = cache_variables(self.folder / f"{peer.name}-{case.name}")
        if peer.name == "torch-mkl":
            given["LD_PRELOAD"] = str(self._preloaded())
        return {**clean_environment(), **given}

    def _preloaded(self) -> Path:
        """Compile the library that tells MKL it runs on Intel's processor."""
        library = self.folder / "intel.so"
        if not library.exists():
            command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
            subprocess.run(command, input=_INTEL, text=True, check=True, capture_output=True)
        return library


def _ask(request: Request, environment: dict[str, str]) -> Result:
    answer: dict[str, Any] = ask(_WORKER, asdict(request), environment, _PATIENCE_S)
    return Result(**answer)


def _imported(peer: Peer) -> tuple[str, ...]:
    """Return what is imported of a peer: of tidu, which loads its parts when asked, also what training needs."""
    return (peer.module, "tidu.learn") if peer.module == "tidu" else (peer.module,)


def plain(findings: Findings) -> Iterator[dict[str, object]]:
    """Yield everything found, ready for JSON."""
    for (case, peer), row in findings.rows.items():
        yield {"case": case, "peer": peer, **asdict(row), "difference": findings.difference(case, peer)}
