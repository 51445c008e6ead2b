"""What do errors and rates say, as plain text?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tidu.approximation.measuring import Study
from tidu.approximation.summary import ErrorName, error_rates, summarize
from tidu.approximation.wording import described, method_name, written, written_rate
from tidu.words import say
from tidu.words.table import Table, aligned

if TYPE_CHECKING:
    from tidu.approximation.result import Approximation

__all__ = ["gap", "tables", "write_text"]

_SIZE_KEYS: Mapping[Study, str] = {
    "width": "approximate.units_n",
    "depth": "approximate.layers_n",
    "dimension": "approximate.variables_n",
}
_LETTERS: Mapping[Study, str] = {"width": "n", "depth": "L"}
"""Of the sizes with whose powers errors are expected to fall."""
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
        _table(found, "width", "rms", say("approximate.rms_table", lang, seeds=n_seeds), lang),
        _table(found, "width", "max_error", say("approximate.max_table", lang), lang),
    ]
    studies = {one.study for one in found.measurements}
    if "depth" in studies:
        most = max(one.approximant.n_parameters for one in found.measurements if one.study == "depth")
        made.append(_table(found, "depth", "rms", say("approximate.depth_table", lang, n=most), lang))
        made.append(_table(found, "depth", "max_error", say("approximate.depth_max_table", lang, n=most), lang))
    if "dimension" in studies:
        made.append(_table(found, "dimension", "rms", say("approximate.dimension_table", lang), lang))
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


def _table(found: Approximation, study: Study, error: ErrorName, title: str, lang: str) -> Table:
    summaries = summarize(found.measurements, study, error)
    sizes = sorted({one.size for ones in summaries.values() for one in ones})
    heads = [say("approximate.method", lang), *(say(_SIZE_KEYS[study], lang, n=size) for size in sizes)]
    rows = []
    for method, ones in summaries.items():
        errors = {one.size: written(one.median) for one in ones}
        rows.append([method_name(method, lang), *(errors.get(size, "–") for size in sizes)])
    letter = _LETTERS.get(study, "")
    rates = error_rates(found.measurements, error, study)
    if letter and any(rates.values()):
        heads.append(say("approximate.rate", lang))
        rows = [[*row, written_rate(rate, letter)] for row, rate in zip(rows, rates.values(), strict=True)]
    return Table(title, tuple(heads), tuple(map(tuple, rows)))
