"""``tidu bench train`` and ``tidu bench knn``: what is asked for, and in which order is it shown?

The measuring itself is `tidu.app.bench`.
"""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app.bench.knn.cases import CASES as SEARCHES
from tidu.app.bench.knn.peers import PEERS as SEARCHERS
from tidu.app.bench.showing import known_names, write_json
from tidu.app.bench.train.cases import CASES
from tidu.app.bench.train.peers import PEERS
from tidu.app.writing import require_suffix
from tidu.errors import ParameterError
from tidu.words import Language

__all__ = ["run_bench_knn", "run_bench_train"]

_USUAL_S = 1.5
_QUICK_S, _QUICK_STEPS = 0.2, 5


def run_bench_train(
    cases: tuple[str, ...],
    peers: str | None,
    repeat: int,
    quick: bool,
    json_file: Path | None,
    threads: int | None,
    cifar10: Path | None,
    lang: Language,
) -> None:
    """Measure, and print a table for each case.

    Raises
    ------
    ParameterError
        If a case or a peer is unknown.
    """
    from tidu.app.bench.train import report, turns

    _require(json_file, "--cifar10", cifar10)
    budget_s, check_steps = (_QUICK_S, _QUICK_STEPS) if quick else (_USUAL_S, None)
    plan = turns.Plan(
        cases=known_names("a case", cases or tuple(CASES), CASES),
        peers=known_names("--peers", tuple(peers.split(",")) if peers else tuple(PEERS), PEERS),
        repeat=repeat,
        threads=threads,
        cifar10=None if cifar10 is None else cifar10.absolute(),
        budget_s=budget_s,
        check_steps=check_steps,
    )
    findings = turns.run(plan, _tell)
    for name in plan.cases:
        report.show_case(CASES[name], findings, lang)
    report.show_rest(findings, lang)
    if json_file is not None:
        found = {
            "measurements": list(turns.plain(findings)),
            "imports_s": findings.imports_s,
            "peak_gflops": findings.peaks,
            "lacking": findings.lacking,
        }
        write_json(json_file, found, lang)


def run_bench_knn(
    cases: str | None,
    peers: str | None,
    rounds: int,
    scale: float,
    data: Path | None,
    work: Path | None,
    slow_queries: int | None,
    threads: int | None,
    json_file: Path | None,
    lang: Language,
) -> None:
    """Measure, print a table for each case, and the goals.

    Raises
    ------
    ParameterError
        If a case or a peer is unknown.
    DataError
        If the pictures are not those of CIFAR-10.
    """
    from tidu.app.bench.knn import goals, report, turns

    _require(json_file, "--data", data)
    plan = turns.Plan(
        cases=known_names("--cases", tuple(cases.split(",")) if cases else tuple(SEARCHES), SEARCHES),
        peers=known_names("--peers", tuple(peers.split(",")) if peers else tuple(SEARCHERS), SEARCHERS),
        rounds=rounds,
        scale=scale,
        threads=threads,
        slow_queries=slow_queries,
        pictures=data,
        work=None if work is None else work.absolute(),
    )
    findings = turns.run(plan, _tell)
    for case in findings.cases.values():
        report.show_case(case, findings, lang)
    report.show_goals(findings, lang)
    report.show_notes(findings, lang)
    if json_file is not None:
        found = {
            "scale": scale,
            "made_up": sorted(findings.made_up),
            "openblas_coretype": findings.core_type,
            "measurements": list(turns.plain(findings)),
            "goals": goals.plain(findings),
            "lacking": findings.lacking,
        }
        write_json(json_file, found, lang)


def _require(json_file: Path | None, option: str, folder: Path | None) -> None:
    """Refuse, before any work, what could not be written or read."""
    if json_file is not None:
        require_suffix(json_file, (".json",))
    if folder is not None and not folder.is_dir():
        raise ParameterError(f"{option} must be a folder; got {folder}", got=folder)


def _tell(what: str) -> None:
    click.echo(what, err=True)
