"""How are the findings of `tidu bench train` shown: a table for each case, and what concerns all of them?"""

from __future__ import annotations

import click
from rich.table import Table

from tidu.app.bench.showing import NOTHING, console, show_failures, show_lacking
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.peers import PEERS
from tidu.app.bench.train.turns import AGREEMENT, Findings
from tidu.app.bench.train.worker import Result
from tidu.app.bench.turns import Row
from tidu.words import Language, say

__all__ = ["show_case", "show_rest"]

_TITLES = {peer.name: peer.title for peer in PEERS.values()}


def show_case(case: Case, findings: Findings, lang: Language) -> None:
    """Print the table of a case, and what else is to say of it."""
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
    console().print(table)
    show_failures(_TITLES, rows, lang)
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


def _cells(
    case: Case, peer: str, row: Row[Result], ours: Row[Result] | None, findings: Findings, lang: Language
) -> list[str]:
    if row.failure:
        return [say("bench.failed", lang)]
    ratio = None if ours is None else ours.ratio(row, "per_s")
    most = row.median("peak_bytes")
    difference = findings.difference(case.name, peer)
    kept_s = row.median("kept_s")
    return [
        _per_s(row.median("per_s")),
        NOTHING if ratio is None or peer == "tidu" else say("bench.times", lang, ratio=ratio),
        say("bench.times", lang, ratio=case.goals[peer]) if peer in case.goals else "",
        f"{row.results[0].first_s:.3g}",
        NOTHING if kept_s is None else f"{kept_s:.3g}",
        NOTHING if most is None else f"{most / 1e6:.0f}",
        _difference(difference, lang),
        row.results[-1].note,
    ]


def _difference(difference: float | None, lang: Language) -> str:
    if difference is None:
        return NOTHING
    if not difference <= AGREEMENT:
        return say("bench.differs", lang, difference=difference)
    return f"{difference:.1e}"


def _per_s(speed: float | None) -> str:
    return NOTHING if speed is None else f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}"


def _show_tidu(case: Case, ours: Row[Result] | None, findings: Findings, lang: Language) -> None:
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


def show_rest(findings: Findings, lang: Language) -> None:
    """Print what concerns no single case."""
    for threads, gflops in sorted(findings.peaks.items()):
        click.echo(say("bench.peak", lang, gflops=gflops, threads=threads))
    table = Table(box=None, pad_edge=False)
    table.add_column(say("bench.imports", lang))
    table.add_column(say("bench.seconds", lang), justify="right")
    for module, elapsed_s in findings.imports_s.items():
        table.add_row(module, f"{elapsed_s:.3f}")
    console().print(table)
    show_lacking(_TITLES, findings.lacking, lang)
