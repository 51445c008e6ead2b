"""What does the report say: the data, the scores, how each model learned, where it errs, how to repeat it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from tidu.app import pictures
from tidu.app.assessing import looked_at
from tidu.app.floor import best_score, loss_floor, ratio, ratio_notes
from tidu.app.measuring import memory_method
from tidu.app.outcome import Outcome, baseline, best
from tidu.app.problem import Problem
from tidu.app.settings import FitSettings
from tidu.app.wording import written_score
from tidu.assessment import Assessment
from tidu.assessment.page import write_section
from tidu.drawing import format_number
from tidu.drawing.page import closing, page
from tidu.native.threads import usable_processors
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["report_html", "write_report"]

_PACKAGES = ("tidu", "numpy", "scipy", "scikit-learn")
_ROWS_SHOWN = 12
_MOST_IN_A_ROW = 12


def write_report(
    path: Path, outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, settings: FitSettings
) -> None:
    """Write the report as one file, or nothing."""
    atomic_write_text(path, report_html(outcomes, problem, assessed, settings))


def report_html(
    outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, settings: FitSettings
) -> str:
    """Return the report as an HTML document that needs no other file."""
    lang = settings.lang
    title = say("report.title", lang, name=Path(settings.data).name or settings.data)
    sections = [
        _head(title, outcomes, problem, settings),
        _data(problem, settings),
        _assessed(assessed, problem, lang),
        _scores(outcomes, problem, assessed, lang),
        _learning(outcomes, problem, assessed, lang),
        _errors(outcomes, problem, lang),
        _neighbors(outcomes, lang),
        _repeat(outcomes, problem, settings),
    ]
    return page(title, "\n".join(section for section in sections if section), lang)


def _head(title: str, outcomes: Sequence[Outcome], problem: Problem, settings: FitSettings) -> str:
    lang, top = settings.lang, best(outcomes)
    lead = say(
        f"report.lead_{problem.target.task}",
        lang,
        model=say(f"fit.{top.name}", lang),
        score=written_score(top.score.value, problem),
        low=written_score(top.score.low, problem),
        high=written_score(top.score.high, problem),
        n=problem.test.n_samples,
        baseline=written_score(baseline(problem), problem),
    )
    return f'<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>'


def _data(problem: Problem, settings: FitSettings) -> str:
    lang, data, target = settings.lang, problem.data, problem.target
    reason = say(f"fit.because_{target.reason}", lang, **target.facts)
    facts = {
        "rows": f"{data.n_samples:,}",
        "features": f"{data.n_features:,} ({data.X.dtype})" + _image_note(problem, lang),
        "target": say(f"fit.{target.task}", lang, target=data.target_name or "y", reason=reason),
    }
    if problem.classifies:
        facts["classes"] = _classes(problem)
    else:
        numbers = problem.train.y.astype(np.float64)
        facts["range"] = " … ".join(format_number(float(end)) for end in (numbers.min(), numbers.max()))
    facts["division"] = say(
        "fit.own_test" if problem.own_test else "fit.split",
        lang,
        fitting=problem.fitting.n_samples,
        validation=problem.validation.n_samples,
        test=problem.test.n_samples,
        seed=settings.seed,
    )
    facts["scaling"] = say(f"fit.scaling_{problem.scaling.kind}", lang, most=data.pixel_max)
    return _section("report.data", lang) + _list(facts, lang)


def _image_note(problem: Problem, lang: Language) -> str:
    shape = problem.data.image_shape
    return say("report.images", lang, rows=shape[0], columns=shape[1], channels=shape[2]) if shape else ""


def _classes(problem: Problem) -> str:
    names = problem.target.class_names
    counts = np.bincount(problem.train.y.astype(np.int64), minlength=len(names))
    shown = [f"{name} ({count:,})" for name, count in zip(names, counts, strict=True)][:_ROWS_SHOWN]
    return ", ".join(shown) + (" …" if len(names) > _ROWS_SHOWN else "")


def _assessed(assessed: Assessment | None, problem: Problem, lang: Language) -> str:
    if assessed is None:
        return ""
    note = looked_at(assessed, problem, lang)
    heading = _section("assess.section", lang) + f'<p class="muted">{escape(note)}</p>\n'
    return heading + write_section(assessed, lang)


def _scores(outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, lang: Language) -> str:
    top = best(outcomes)
    score = "fit.score_accuracy" if problem.classifies else "fit.score_r2"
    of_floor = () if assessed is None else ("assess.fit_ratio",)
    heads = (score, "fit.interval", *of_floor, "fit.fit_time", "fit.predict_time", "fit.memory")
    rows = [
        f"<tr><th>{escape(say('fit.model', lang))}</th>"
        + "".join(f'<th class="number">{escape(say(key, lang))}</th>' for key in heads)
        + "</tr>"
    ]
    for one in outcomes:
        cells = (
            written_score(one.score.value, problem),
            f"{written_score(one.score.low, problem)} – {written_score(one.score.high, problem)}",
            *(() if assessed is None else (ratio(one, problem, assessed),)),
            f"{one.fit_cost.elapsed_s:.2f} s" if one.network else "–",
            f"{one.predict_cost.elapsed_s:.2f} s",
            f"{one.memory_bytes / 1e6:,.0f} MB",
        )
        mark = ' class="best"' if one is top else ""
        numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        rows.append(f"<tr{mark}><td>{escape(say(f'fit.{one.name}', lang))}</td>{numbers}</tr>")
    method = "fit.interval_wilson" if problem.classifies else "fit.interval_bootstrap"
    notes = [
        say(f"fit.baseline_{problem.target.task}", lang, score=written_score(baseline(problem), problem)),
        say(method, lang),
        *(() if assessed is None else ratio_notes(assessed, lang)),
        say(f"fit.memory_{memory_method()}", lang)
        + say("report.stop", lang)
        + say("fit.peak", lang, size=max(one.peak_bytes for one in outcomes) / 1e6),
    ]
    muted = "".join(f'<p class="muted">{escape(note)}</p>' for note in notes)
    return (
        _section("report.scores", lang)
        + f'<div class="scroll"><table>{"".join(rows)}</table></div>'
        + _figure(pictures.scores(outcomes, problem, lang), "")
        + muted
        + _minimum(outcomes, lang)
    )


def _minimum(outcomes: Sequence[Outcome], lang: Language) -> str:
    notes = []
    for one in outcomes:
        if one.name == "linear":
            words = say("fit.no_certificate", lang) if one.certificate is None else one.certificate.text(lang)
            notes.append(words)
        elif one.name == "network":
            notes.append(say("report.no_minimum", lang))
    return "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _learning(outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, lang: Language) -> str:
    floor = loss_floor(assessed, problem)
    curves = [svg for one in outcomes if (svg := pictures.losses(one, floor, lang))]
    if not curves:
        return ""
    norms = [svg for one in outcomes if (svg := pictures.gradients(one, lang))]
    parts = [_section("report.learning", lang), _row(curves), _caption("report.losses_note", lang)]
    if floor is not None:
        parts.append(_caption("assess.fit_floor_note", lang))
    limit = best_score(assessed, problem)
    scored = pictures.validation_scores(outcomes, problem, limit, lang)
    if scored:
        parts += [_heading("report.validation_scores", lang), _row([scored])]
        if limit is not None:
            parts.append(_caption("assess.fit_best_note", lang))
    if norms:
        parts += [_heading("report.gradients", lang), _row(norms), _caption("report.gradients_note", lang)]
    looked = [svg for one in outcomes if (svg := pictures.templates(one, problem, lang))]
    if looked:
        parts += [_heading("report.templates", lang), _figure(looked[0], ""), _caption("report.templates_note", lang)]
    return "".join(parts)


def _errors(outcomes: Sequence[Outcome], problem: Problem, lang: Language) -> str:
    top = best(outcomes)
    draw = pictures.confusion if problem.classifies else pictures.predicted_against_true
    key = "report.confusion" if problem.classifies else "report.against"
    drawn = [svg for one in outcomes if (svg := draw(one, problem, lang))]
    parts = [_section("report.errors", lang)]
    if drawn:
        # A matrix of many classes needs the whole width.
        wide = len(problem.target.class_names) > _MOST_IN_A_ROW
        pictures_of_models = "".join(_figure(svg, "") for svg in drawn) if wide else _row(drawn)
        parts += [_heading(key, lang), pictures_of_models, _caption(f"{key}_note", lang)]
    images = pictures.examples(top, problem, lang)
    words = say("report.worst", lang, model=say(f"fit.{top.name}", lang))
    parts.append(f"<h3>{escape(words)}</h3>")
    parts.append(_figure(images, "") if images else _worst(top, problem, lang))
    return "".join(parts)


def _worst(one: Outcome, problem: Problem, lang: Language) -> str:
    """List the held-out rows that are most wrong."""
    rows = pictures.mistakes(one, problem)[:_ROWS_SHOWN]
    if not len(rows):
        return f"<p>{escape(say('report.no_mistakes', lang))}</p>"
    names = problem.target.class_names
    last = "report.sureness" if problem.classifies else "report.difference"
    keys = ("report.row", "report.true", "report.predicted", last)
    lines = ["<tr>" + "".join(f'<th class="number">{escape(say(key, lang))}</th>' for key in keys) + "</tr>"]
    for row in rows:
        true, predicted = problem.test.y[row], one.predicted[row]
        if problem.classifies:
            cells = [names[int(true)], names[int(predicted)], f"{100 * one.outputs[row].max():.1f} %"]
        else:
            difference = float(predicted) - float(true)
            cells = [format_number(float(true)), format_number(float(predicted)), format_number(difference)]
        written = [f"{int(problem.test.rows[row]):,}", *cells]
        lines.append("<tr>" + "".join(f'<td class="number">{escape(cell)}</td>' for cell in written) + "</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _neighbors(outcomes: Sequence[Outcome], lang: Language) -> str:
    plans = [one.plan.text(lang) for one in outcomes if one.plan is not None]
    if not plans:
        return ""
    return _section("report.plan", lang) + _caption("report.plan_note", lang) + f"<pre>{escape(plans[0])}</pre>"


def _repeat(outcomes: Sequence[Outcome], problem: Problem, settings: FitSettings) -> str:
    lang = settings.lang
    parts = [_section("report.repeat", lang), f"<pre>{escape(settings.command)}</pre>"]
    for one in outcomes:
        parts.append(f"<h3>{escape(say(f'fit.{one.name}', lang))}</h3>")
        parts.append(_list({key: _fact(key, value, lang) for key, value in one.settings.items()}, lang))
    limit = settings.memory_limit
    machine = {
        "memory_limit": f"{limit / 1e6:,.0f} MB" if limit else say("report.no_limit", lang),
        "versions": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {usable_processors()} CPU",
    }
    parts += [_heading("report.surroundings", lang), _list(machine, lang)]
    return "".join(parts) + closing(lang)


def _fact(key: str, value: object, lang: Language) -> str:
    if key == "in_memory":
        return f"{value / 1e6:,.1f} MB" if isinstance(value, int) and value else say("report.by_batch", lang)
    if key in ("loss", "votes", "why_batches"):
        return say(f"report.{key}_{value}", lang)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


def _section(key: str, lang: Language) -> str:
    return f"<h2>{escape(say(key, lang))}</h2>\n"


def _heading(key: str, lang: Language) -> str:
    return f"<h3>{escape(say(key, lang))}</h3>\n"


def _caption(key: str, lang: Language) -> str:
    return f'<p class="muted">{escape(say(key, lang))}</p>\n'


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}{f'<figcaption>{escape(caption)}</figcaption>' if caption else ''}</figure>\n"


def _row(pictures_of_models: Sequence[str]) -> str:
    return '<div class="row">' + "".join(_figure(svg, "") for svg in pictures_of_models) + "</div>\n"


def _list(facts: Mapping[str, str], lang: Language) -> str:
    items = (
        f"<dt>{escape(say(f'report.fact_{key}', lang))}</dt><dd>{escape(value)}</dd>" for key, value in facts.items()
    )
    return f"<dl>{''.join(items)}</dl>\n"
