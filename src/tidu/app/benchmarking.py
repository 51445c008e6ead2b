"""``tidu bench train``: what is asked for, and how are the findings shown?

The measuring itself is `tidu.app.bench`.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import tidu
from tidu.app.bench.cases import CASES, Case
from tidu.app.bench.peers import PEERS
from tidu.app.bench.turns import AGREEMENT, Findings, Plan, Row, plain, run
from tidu.app.writing import require_suffix
from tidu.errors import ParameterError
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["run_bench_train"]

_USUAL_S = 1.5
_QUICK_S, _QUICK_STEPS = 0.2, 5
_NOTHING = "–"
_WIDTH = 120


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
    if json_file is not None:
        require_suffix(json_file, (".json",))
    if cifar10 is not None and not cifar10.is_dir():
        raise ParameterError(f"--cifar10 must be a folder; got {cifar10}", got=cifar10)
    budget_s, check_steps = (_QUICK_S, _QUICK_STEPS) if quick else (_USUAL_S, None)
    chosen = Plan(
        cases=_known("a case", cases or tuple(CASES), CASES),
        peers=_known("--peers", tuple(peers.split(",")) if peers else tuple(PEERS), PEERS),
        repeat=repeat,
        threads=threads,
        cifar10=None if cifar10 is None else cifar10.absolute(),
        budget_s=budget_s,
        check_steps=check_steps,
    )
    findings = run(chosen, lambda what: click.echo(what, err=True))
    console = Console(width=max(_WIDTH, shutil.get_terminal_size().columns), highlight=False)
    for name in chosen.cases:
        _show_case(console, CASES[name], findings, lang)
    _show_rest(console, findings, lang)
    if json_file is not None:
        atomic_write_text(json_file, _as_json(findings))
        click.echo(say("fit.wrote", lang, path=json_file))


def _known(what: str, names: tuple[str, ...], known: Mapping[str, object]) -> tuple[str, ...]:
    """Return names without spaces and repetition, each of which must be known."""
    stripped = tuple(dict.fromkeys(name.strip() for name in names))
    for name in stripped:
        if name not in known:
            raise ParameterError(f"{what} must be among {', '.join(known)}; got {name!r}", got=name)
    return stripped


def _show_case(console: Console, case: Case, findings: Findings, lang: Language) -> None:
    rows = {peer: row for (name, peer), row in findings.rows.items() if name == case.name}
    if not rows:
        return
    table = Table(title=_title(case, lang), title_justify="left", box=None, pad_edge=False, title_style="bold")
    table.add_column(say("bench.peer", lang), no_wrap=True)
    speed = "steps_per_s" if case.job == "training" else "calls_per_s"
    for key in (speed, "ratio", "goal", "first", "kept", "memory", "difference"):
        table.add_column(say(f"bench.{key}", lang), justify="right", no_wrap=True)
    table.add_column(say("bench.note", lang))
    for peer, row in rows.items():
        table.add_row(PEERS[peer].title, *_cells(case, peer, row, rows.get("tidu"), findings, lang))
    console.print(table)
    for peer, row in rows.items():
        for why in row.failure:
            click.echo(say("bench.why_failed", lang, peer=PEERS[peer].title, why=why))
    _show_tidu(case, rows.get("tidu"), findings, lang)
    if "sklearn" in rows:
        click.echo(say("bench.own_order", lang))
    click.echo()


def _title(case: Case, lang: Language) -> str:
    return say(
        f"bench.{case.job}",
        lang,
        name=case.name,
        sizes="-".join(map(str, case.sizes)),
        batch=case.batch,
        activation=say(f"bench.{case.activation}", lang),
        optimizer=say(f"bench.{case.optimizer}", lang),
        loss=say(f"bench.{case.loss}", lang),
    )


def _cells(case: Case, peer: str, row: Row, ours: Row | None, findings: Findings, lang: Language) -> list[str]:
    if row.failure:
        return [say("bench.failed", lang)]
    ratio = None if ours is None else ours.times_faster_than(row)
    most = row.median("peak_bytes")
    difference = findings.difference(case.name, peer)
    kept_s = sorted(row.kept_s)
    return [
        _per_s(row.median("per_s")),
        _NOTHING if ratio is None or peer == "tidu" else say("bench.times", lang, ratio=ratio),
        say("bench.times", lang, ratio=case.goals[peer]) if peer in case.goals else "",
        f"{row.results[0].first_s:.3g}",
        f"{kept_s[len(kept_s) // 2]:.3g}" if kept_s else _NOTHING,
        _NOTHING if most is None else f"{most / 1e6:.0f}",
        _difference(difference, lang),
        row.results[-1].note,
    ]


def _difference(difference: float | None, lang: Language) -> str:
    if difference is None:
        return _NOTHING
    if not difference <= AGREEMENT:
        return say("bench.differs", lang, difference=difference)
    return f"{difference:.1e}"


def _per_s(speed: float | None) -> str:
    return _NOTHING if speed is None else f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}"


def _show_tidu(case: Case, ours: Row | None, findings: Findings, lang: Language) -> None:
    """Say what concerns tidu alone: whole calls, and how near the peak it comes."""
    if ours is None or not ours.results:
        return
    whole = ours.median("call_per_s")
    if whole is not None:
        click.echo(say("bench.whole_calls", lang, per_s=_per_s(whole)))
    speed = ours.median("per_s")
    if case.shows_peak and speed is not None and findings.peaks:
        threads, peak = max(findings.peaks.items())
        gflops = case.step_flops * speed / 1e9
        click.echo(say("bench.share_of_peak", lang, gflops=gflops, share=gflops / peak, threads=threads))


def _show_rest(console: Console, findings: Findings, lang: Language) -> None:
    for threads, gflops in sorted(findings.peaks.items()):
        click.echo(say("bench.peak", lang, gflops=gflops, threads=threads))
    table = Table(box=None, pad_edge=False)
    table.add_column(say("bench.imports", lang))
    table.add_column(say("bench.seconds", lang), justify="right")
    for module, elapsed_s in findings.imports_s.items():
        table.add_row(module, f"{elapsed_s:.3f}")
    console.print(table)
    for peer, lacking in findings.lacking.items():
        click.echo(say("bench.lacks", lang, peer=PEERS[peer].title, lacking=lacking))


def _as_json(findings: Findings) -> str:
    machine = {"system": platform.platform(), "python": platform.python_version(), "tidu": tidu.__version__}
    found = {
        "machine": machine,
        "measurements": list(plain(findings)),
        "imports_s": findings.imports_s,
        "peak_gflops": findings.peaks,
        "lacking": findings.lacking,
    }
    return json.dumps(found, indent=2) + "\n"
