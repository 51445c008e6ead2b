"""How are the findings of `tidu bench knn` shown: a table for each case, and the goals beside what was reached?"""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.table import Table

from tidu.app.bench.knn.cases import Case
from tidu.app.bench.knn.goals import Outcome, faster, outcomes
from tidu.app.bench.knn.peers import PEERS
from tidu.app.bench.knn.turns import Findings, Result
from tidu.app.bench.showing import NOTHING, console, show_failures, show_lacking
from tidu.app.bench.turns import Row
from tidu.words import Language, say

__all__ = ["show_case", "show_goals", "show_notes"]

_TITLES = {peer.name: peer.title for peer in PEERS.values()}
_COMPARED = {"tidu": "tidu", "tidu-pruned": "pruned", "tidu-brute": "brute"}
"""Whose ratios have a column, and its heading."""
_COLUMNS = ("seconds", "cold")
_LAST_COLUMNS = ("since_imports", "in_call", "wrong", "recall")


def show_case(case: Case, findings: Findings, lang: Language) -> None:
    """Print the table of a case."""
    rows = {peer: row for (name, peer), row in findings.rows.items() if name == case.name}
    if not rows:
        return
    ours = {peer: rows[peer] for peer in _COMPARED if peer in rows and rows[peer].results}
    table = Table(title=_title(case, findings, lang), title_justify="left", box=None, pad_edge=False)
    table.add_column(say("bench.peer", lang), no_wrap=True)
    for key in _COLUMNS:
        table.add_column(say(f"bench.{key}", lang), justify="right", no_wrap=True)
    for peer in ours:
        table.add_column(say("bench.is", lang, peer=_COMPARED[peer]), justify="right", no_wrap=True)
    for key in _LAST_COLUMNS:
        table.add_column(say(f"bench.{key}", lang), justify="right", no_wrap=True)
    for peer, row in rows.items():
        table.add_row(_TITLES[peer], *_cells(row, ours, lang))
    console().print(table)
    for peer, row in rows.items():
        for note in _notes(case, row, findings.core_type, lang):
            click.echo(f"{_TITLES[peer]}: {note}")
    show_failures(_TITLES, rows, lang)
    click.echo()


def _title(case: Case, findings: Findings, lang: Language) -> str:
    kind = "made_up" if case.name in findings.made_up else case.kind
    sizes = {"n_queries": f"{case.n_queries:,}", "n_rows": f"{case.n_rows:,}", "n_features": case.n_features}
    return say(
        "bench.search",
        lang,
        name=case.name,
        kind=say(f"bench.{kind}", lang),
        dtype=case.dtype,
        metric=case.metric,
        k=case.k,
        **sizes,
    )


def _cells(row: Row[Result], ours: dict[str, Row[Result]], lang: Language) -> list[str]:
    if not row.results:
        return [say("bench.failed", lang)]
    ratios = [faster(mine, [row]) for mine in ours.values()]
    wrong, judged = max(result.wrong_lists for result in row.results), row.results[0].n_searched
    return [
        _seconds(row.median("elapsed_s")),
        _seconds(row.median("cold_s")),
        *(NOTHING if ratio is None else say("bench.times", lang, ratio=ratio) for ratio in ratios),
        _megabytes(row.median("imports_growth_bytes")),
        _megabytes(row.median("call_growth_bytes")),
        say("bench.of", lang, wrong=f"{wrong:,}", judged=f"{judged:,}"),
        f"{min(row.figures('recall')):.4f}",
    ]


def _notes(case: Case, row: Row[Result], core_type: str, lang: Language) -> Iterator[str]:
    """Yield what a reader of the figures must know."""
    if not row.results:
        return
    first = row.results[0]
    # Kernels of another processor would flatter tidu.
    if core_type and first.blas not in ("", core_type):
        yield f"OpenBLAS {first.blas}"
    if first.n_searched < case.n_queries:
        yield say("bench.some_queries", lang, n=f"{first.n_searched:,}", n_queries=f"{case.n_queries:,}")


def _seconds(elapsed_s: float | None) -> str:
    return NOTHING if elapsed_s is None else f"{elapsed_s:.3g}"


def _megabytes(n_bytes: float | None) -> str:
    return NOTHING if n_bytes is None else f"{n_bytes / 1e6:.0f}"


def show_goals(findings: Findings, lang: Language) -> None:
    """Print every goal of the cases that were measured, and what was reached."""
    table = Table(title=say("bench.goals", lang), title_justify="left", box=None, pad_edge=False)
    for key in ("case", "what", "goal", "reached", "met"):
        table.add_column(say(f"bench.{key}", lang), justify="right" if key in ("goal", "reached") else "left")
    for outcome in outcomes(findings):
        answer = "not_measured" if outcome.reached is None else "yes" if outcome.met else "no"
        reached = NOTHING if outcome.reached is None else _figure(outcome, outcome.reached, lang)
        bound = _figure(outcome, outcome.goal.bound, lang)
        table.add_row(outcome.case, _what(outcome, lang), bound, reached, say(f"bench.{answer}", lang))
    if table.row_count:
        console().print(table)


def _what(outcome: Outcome, lang: Language) -> str:
    goal = outcome.goal
    against = say("bench.or", lang).join(_TITLES[peer] for peer in goal.against)
    return say(f"bench.goal_{goal.figure}", lang, peer=_TITLES[goal.peer], against=against)


def _figure(outcome: Outcome, value: float, lang: Language) -> str:
    match outcome.goal.figure:
        case "ratio":
            return say("bench.times", lang, ratio=value)
        case "call_growth_bytes":
            return f"{value / 1e6:.0f} MB"
        case "wrong_lists":
            return f"{value:,.0f}"
        case "recall":
            return f"{value:.4f}"


def show_notes(findings: Findings, lang: Language) -> None:
    """Say how it was measured, and who was left out."""
    click.echo(say("bench.how_searched", lang))
    if findings.core_type:
        click.echo(say("bench.core_type", lang, core_type=findings.core_type))
    show_lacking(_TITLES, findings.lacking, lang)
