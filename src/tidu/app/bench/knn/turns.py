"""How are all searches measured in one run: in which environments, on how many queries, judged by what?

This file knows nothing of tables and of what a peer does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidu.app.bench.knn.cases import CASES, Case
from tidu.app.bench.knn.numbers import Files, make_files
from tidu.app.bench.knn.peers import PEERS, Peer
from tidu.app.bench.knn.truth import Judgment, judge, true_keys
from tidu.app.bench.knn.worker import Answer, Request
from tidu.app.bench.processes import ask, cache_variables, clean_environment
from tidu.app.bench.turns import Row, Rows, take_turns
from tidu.native.machine import host

__all__ = ["Findings", "Plan", "Result", "plain", "run"]

_WORKER = "tidu.app.bench.knn.worker"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured.

    Parameters
    ----------
    cases, peers : tuple of str
        Their names.
    rounds : int
    scale : float
        Share of the queries and of the rows that are used.
    threads : int or None
    slow_queries : int or None
        The most queries that a slow peer is given.
    pictures, work : Path or None
        The folder of CIFAR-10, and where the numbers and the right answers are kept; without the latter they
        are removed in the end.
    """

    cases: tuple[str, ...]
    peers: tuple[str, ...]
    rounds: int = 3
    scale: float = 1.0
    threads: int | None = None
    slow_queries: int | None = None
    pictures: Path | None = None
    work: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of a peer in a round.

    Parameters
    ----------
    elapsed_s : float
        Seconds of a call after a warm-up; if `n_searched` is less than all, scaled to all queries.
    cold_s : float or None
        Seconds of the first call in a process that has nothing compiled; only of the first round, and of peers
        that compile.
    n_searched, wrong_lists : int
        Queries in the call, and lists of them that are wrong.
    recall : float
        Dimensionless.
    imports_growth_bytes, call_growth_bytes : int or None
        Most resident memory, less that after the imports or at the begin of the call.
    blas : str
    """

    elapsed_s: float
    cold_s: float | None
    n_searched: int
    wrong_lists: int
    recall: float
    imports_growth_bytes: int | None
    call_growth_bytes: int | None
    blas: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run found.

    Parameters
    ----------
    cases : dict of name to Case
        As they were measured, scaled.
    rows : dict of (case, peer) to Row
    lacking : dict of peer to what it lacks
    made_up : set of str
        Cases whose pixels are no pictures.
    core_type : str
        What OpenBLAS was told, for peers that bring an old one.
    """

    cases: dict[str, Case]
    rows: Rows[Result]
    lacking: dict[str, str]
    made_up: set[str]
    core_type: str


def run(plan: Plan, tell: Callable[[str], None] = lambda what: None) -> Findings:
    """Measure everything; `tell` hears what comes next."""
    lacking = {name: missing for name in plan.peers if (missing := PEERS[name].lacks)}
    cases = {name: CASES[name].scaled(plan.scale) for name in plan.cases}
    peers = [PEERS[name] for name in plan.peers if name not in lacking]
    peers_of = {name: [peer.name for peer in peers if peer.does(case)] for name, case in cases.items()}
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidu-bench-")))
        folder = plan.work or temporary
        folder.mkdir(parents=True, exist_ok=True)
        room = _Room(plan, temporary, cases)
        for name, case in cases.items():
            if peers_of[name]:
                tell(f"{name}: numbers, right answers")
                room.prepare(case, folder)
        rows = take_turns(plan.rounds, peers_of, room.measure, tell)
        made_up = {name for name, files in room.files.items() if files.made_up}
    return Findings(cases, rows, lacking, made_up, _core_type())


@dataclass(frozen=True, slots=True)
class _Room:
    """Where processes are started, and what they find is judged."""

    plan: Plan
    folder: Path
    cases: dict[str, Case]
    files: dict[str, Files] = field(default_factory=dict)
    right: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def prepare(self, case: Case, folder: Path) -> None:
        """Make the numbers of a case and find what is right."""
        files = make_files(case, folder, self.plan.pictures)
        self.files[case.name] = files
        self.right[case.name] = true_keys(_mapped(files.queries), _mapped(files.rows), case.k, case.metric, files.truth)

    def measure(self, case_name: str, peer_name: str, row: Row[Result]) -> Result:
        """Give a peer its turn."""
        case, peer = self.cases[case_name], PEERS[peer_name]
        cold_s = None
        if peer.keeps_code and not row.results:
            cold_s = self._ask(case, peer, cold=True).elapsed_s
        answer = self._ask(case, peer, cold=False)
        judgment = self._judged(case)
        return Result(
            elapsed_s=answer.elapsed_s * case.n_queries / answer.n_searched,
            cold_s=cold_s,
            n_searched=answer.n_searched,
            wrong_lists=judgment.wrong,
            recall=judgment.recall,
            imports_growth_bytes=answer.imports_growth_bytes,
            call_growth_bytes=answer.call_growth_bytes,
            blas=answer.blas,
        )

    def _ask(self, case: Case, peer: Peer, *, cold: bool) -> Answer:
        files, plan = self.files[case.name], self.plan
        request = Request(
            peer.name,
            str(files.queries),
            str(files.rows),
            str(self._found),
            case.metric,
            case.k,
            plan.slow_queries if peer.slow else None,
            case.limit_bytes,
            1 if peer.one_thread else plan.threads,
            cold,
        )
        # What the cold process compiled is what the warm ones find.
        environment = {**clean_environment(), **cache_variables(self.folder / f"{peer.name}-{case.name}")}
        if peer.openblas and _core_type():
            environment["OPENBLAS_CORETYPE"] = _core_type()
        answer: dict[str, Any] = ask(_WORKER, asdict(request), environment)
        return Answer(**answer)

    def _judged(self, case: Case) -> Judgment:
        files = self.files[case.name]
        found = np.load(self._found, allow_pickle=False)
        return judge(found, self.right[case.name], _mapped(files.queries), _mapped(files.rows), case.metric)

    @property
    def _found(self) -> Path:
        return self.folder / "found.npy"


def _mapped(path: Path) -> NDArray[np.generic]:
    mapped: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def _core_type() -> str:
    """Return OpenBLAS's name of the kernels that fit this processor; empty if it should find them itself."""
    return "SkylakeX" if host().has("avx512f") else "Haswell" if host().has("avx2") else ""


def plain(findings: Findings) -> Iterator[dict[str, object]]:
    """Yield everything found, ready for JSON."""
    for (case, peer), row in findings.rows.items():
        yield {"case": case, "peer": peer, **asdict(row)}
