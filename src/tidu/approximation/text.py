"""What do errors and rates say, as plain text?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tidu.approximation.summary import ErrorName, Summary, error_rates, summarize
from tidu.approximation.wording import described, method_name, written, written_rate
from tidu.words import say
from tidu.words.table import Table, aligned

if TYPE_CHECKING:
    from tidu.approximation.result import Approximation

__all__ = ["gap", "tables", "write_text"]

_ROUNDING = 1e-9
"""Share of a trained network's error: what a built one errs by less is rounding, and tells of no ratio."""


def write_text(found: Approximation, lang: str) -> str:
    """Return everything that is not a picture."""
    lines = [described(found.target, lang)]
    for table in tables(found, lang):
        lines += ["", table.title, *aligned(table.heads, table.rows, table.n_left)]
    sentence = gap(found, lang)
    return "\n".join([*lines, "", sentence] if sentence else lines)


def tables(found: Approximation, lang: str) -> list[Table]:
    """Return errors by width, depth and dimension, as far as they were measured."""
    n_seeds = len(found.settings.seeds)
    made = [
        _by_width(found, "rms", say("approximate.rms_table", lang, seeds=n_seeds), lang),
        _by_width(found, "max_error", say("approximate.max_table", lang), lang),
    ]
    depths = summarize(found.measurements, "depth")
    if depths:
        most = max(one.approximant.n_parameters for one in found.measurements if one.study == "depth")
        made.append(_table(say("approximate.depth_table", lang, n=most), depths, "layers_n", lang))
        largest = summarize(found.measurements, "depth", "max_error")
        made.append(_table(say("approximate.depth_max_table", lang, n=most), largest, "layers_n", lang))
    dimensions = summarize(found.measurements, "dimension")
    if dimensions:
        made.append(_table(say("approximate.dimension_table", lang), dimensions, "variables_n", lang))
    return made


def gap(found: Approximation, lang: str) -> str:
    """Return how built and trained networks of the greatest common width compare; empty without both."""
    errors = {
        (method, one.size): one.median
        for method, ones in summarize(found.measurements, "width").items()
        for one in ones
    }
    built = {size: error for (method, size), error in errors.items() if method in ("polygon", "towers")}
    common = [size for method, size in errors if "/" in method and size in built]
    if not common:
        return ""
    n = max(common)
    trained = {method: error for (method, size), error in errors.items() if size == n and "/" in method}
    joined = say("approximate.and", lang).join(_compared(one, trained[one], built[n], lang) for one in trained)
    moral = say("approximate.gap_moral", lang) if max(trained.values()) > built[n] else ""
    return moral + say("approximate.gap", lang, n=n, built=written(built[n]), trained=joined)


def _compared(method: str, error: float, built: float, lang: str) -> str:
    key = "gap_one" if built > _ROUNDING * error else "gap_one_exact"
    ratio = written(error / built) if key == "gap_one" else ""
    return say(f"approximate.{key}", lang, error=written(error), method=method_name(method, lang), ratio=ratio)


def _by_width(found: Approximation, error: ErrorName, title: str, lang: str) -> Table:
    table = _table(title, summarize(found.measurements, "width", error), "units_n", lang)
    rates = error_rates(found.measurements, error).values()
    rows = tuple((*row, written_rate(rate)) for row, rate in zip(table.rows, rates, strict=True))
    return Table(table.title, (*table.heads, say("approximate.rate", lang)), rows)


def _table(title: str, summaries: Mapping[str, Sequence[Summary]], head: str, lang: str) -> Table:
    sizes = sorted({one.size for ones in summaries.values() for one in ones})
    rows = []
    for method, ones in summaries.items():
        errors = {one.size: written(one.median) for one in ones}
        rows.append((method_name(method, lang), *(errors.get(size, "–") for size in sizes)))
    heads = (say("approximate.method", lang), *(say(f"approximate.{head}", lang, n=size) for size in sizes))
    return Table(title, heads, tuple(rows))
