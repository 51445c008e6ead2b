"""``tidu fit`` and ``tidu demo``: the main job, from data to models, a table and a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from tidu.app.assessing import assess_training
from tidu.app.floor import ratio, ratio_notes
from tidu.app.measuring import Cost, measured, memory_method
from tidu.app.neighborhood import prepare_search, run_search, vote
from tidu.app.one_line import EXIT_INTERRUPTED
from tidu.app.options import MODEL_NAMES
from tidu.app.outcome import Outcome, baseline, best, score_of
from tidu.app.problem import Problem, open_problem
from tidu.app.report import write_report
from tidu.app.settings import FitSettings
from tidu.app.tables import print_table
from tidu.app.training import Features, open_features, train
from tidu.app.wording import written_score
from tidu.app.writing import made_folder
from tidu.assessment import Assessment
from tidu.data import BlockSource
from tidu.data.scaling import ScaledSource
from tidu.errors import ParameterError
from tidu.words import say

__all__ = ["run_fit"]


def run_fit(settings: FitSettings) -> None:
    """Do the main job: open, split, assess, fit, judge, save, report."""
    lang = settings.lang
    problem = open_problem(settings)
    if "knn" in settings.models:
        _require_neighbors(problem, settings)
    with made_folder(settings.out):
        _introduce(problem, settings)
        assessed = assess_training(problem, settings) if settings.assess else None
        outcomes, interrupted = _fit_all(problem, settings)
        print_table(_table(outcomes, problem, assessed, settings))
        _remark(outcomes, problem, assessed, settings)
        _save(outcomes, problem, assessed, settings)
    click.echo(say("fit.report", lang, path=settings.out / "report.html"))
    if interrupted:
        click.get_current_context().exit(EXIT_INTERRUPTED)


def _require_neighbors(problem: Problem, settings: FitSettings) -> None:
    """Refuse what k-NN cannot do, before minutes are spent on the other models."""
    if settings.k > problem.train.n_samples:
        raise ParameterError(
            f"-k {settings.k} neighbors of {problem.train.n_samples} training rows; give a smaller -k",
            k=settings.k,
            available=problem.train.n_samples,
        )
    data, queries = _comparable(problem.train.X, problem), _comparable(problem.test.X, problem)
    prepare_search(queries, data, settings.k, "l2", settings.memory_limit, algorithm="brute")


def _introduce(problem: Problem, settings: FitSettings) -> None:
    """Say what the data are, what is learned and why, and how rows are split."""
    lang, target = settings.lang, problem.target
    data = problem.data
    click.echo(
        say("fit.data", lang, name=settings.data, n=data.n_samples, n_features=data.n_features, dtype=data.X.dtype)
    )
    reason = say(f"fit.because_{target.reason}", lang, **target.facts)
    click.echo(say(f"fit.{target.task}", lang, target=data.target_name or "y", reason=reason))
    key = "fit.own_test" if problem.own_test else "fit.split"
    click.echo(
        say(
            key,
            lang,
            fitting=problem.fitting.n_samples,
            validation=problem.validation.n_samples,
            test=problem.test.n_samples,
            seed=settings.seed,
        )
    )
    click.echo(say(f"fit.scaling_{problem.scaling.kind}", lang, most=data.pixel_max))


def _fit_all(problem: Problem, settings: FitSettings) -> tuple[list[Outcome], bool]:
    """Fit each model; Ctrl-C in one of them ends the row, and what there is so far counts."""
    outcomes: list[Outcome] = []
    trained = [name for name in settings.models if name != "knn"]
    if trained:
        features = open_features(problem, settings.memory_limit)
        key = "fit.features_held" if features.held_bytes else "fit.features_read"
        click.echo(say(key, settings.lang, size=features.held_bytes / 1e6))
        if settings.epochs is None and "network" in trained:
            epochs = settings.most_epochs(problem.fitting.n_samples)
            click.echo(say("fit.epochs_chosen", settings.lang, epochs=epochs))
        for name in trained:
            outcome, interrupted = _fit_one(name, problem, features, settings)
            outcomes.append(outcome)
            passes = 0 if outcome.curves is None else len(outcome.curves.losses)
            model = say(f"fit.{name}", settings.lang)
            elapsed = outcome.fit_cost.elapsed_s
            click.echo(say("fit.done", settings.lang, model=model, passes=passes, elapsed=elapsed))
            if interrupted:
                click.echo(say("fit.interrupted", settings.lang), err=True)
                return outcomes, True
        # k-NN needs the memory that the features have taken.
        del features
    if "knn" in settings.models:
        outcomes.append(_find(problem, settings))
    return outcomes, False


def _fit_one(name: str, problem: Problem, features: Features, settings: FitSettings) -> tuple[Outcome, bool]:
    with measured() as fit_cost:
        found = train(name, problem, features, settings)
    with measured() as predict_cost:
        outputs = found.network.outputs(problem.test.X)
    outcome = Outcome(
        name=name,
        outputs=outputs,
        score=score_of(problem, outputs, settings.seed),
        fit_cost=fit_cost,
        predict_cost=predict_cost,
        settings=found.settings,
        curves=found.curves,
        certificate=found.certificate,
        network=found.network,
    )
    return outcome, found.interrupted


def _find(problem: Problem, settings: FitSettings) -> Outcome:
    """Let the nearest training rows of each held-out row vote; k-NN learns nothing beforehand."""
    data, queries = _comparable(problem.train.X, problem), _comparable(problem.test.X, problem)
    job = prepare_search(queries, data, settings.k, "l2", settings.memory_limit, threads=settings.threads)
    click.echo(job.plan.text(settings.lang))
    with measured() as cost:
        _, indices = run_search(job, settings.lang)
        outputs = vote(indices, problem.train.y, len(problem.target.class_names))
    return Outcome(
        name="knn",
        outputs=outputs,
        score=score_of(problem, outputs, settings.seed),
        fit_cost=Cost(),
        predict_cost=cost,
        settings={"k": settings.k, "metric": "l2", "votes": "uniform"},
        plan=job.plan,
    )


def _comparable(source: BlockSource, problem: Problem) -> BlockSource:
    """Return features on one scale: pixels as they are, since dividing all by one number changes no order."""
    return source if problem.scaling.kind == "pixels" else ScaledSource(source, problem.scaling)


def _table(outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, settings: FitSettings) -> Table:
    lang = settings.lang
    table = Table(title=say("fit.table", lang, n=problem.test.n_samples), title_justify="left")
    table.add_column(say("fit.model", lang), no_wrap=True)
    score = "fit.score_accuracy" if problem.classifies else "fit.score_r2"
    of_floor = () if assessed is None else ("assess.fit_ratio",)
    for key in (score, "fit.interval", *of_floor, "fit.fit_time", "fit.predict_time", "fit.memory"):
        table.add_column(say(key, lang), justify="right", no_wrap=True)
    top = best(outcomes)
    for one in outcomes:
        table.add_row(
            say(f"fit.{one.name}", lang),
            written_score(one.score.value, problem),
            f"{written_score(one.score.low, problem)} – {written_score(one.score.high, problem)}",
            *(() if assessed is None else (ratio(one, problem, assessed),)),
            f"{one.fit_cost.elapsed_s:.2f} s" if one.network else "–",
            f"{one.predict_cost.elapsed_s:.2f} s",
            f"{one.memory_bytes / 1e6:,.0f} MB",
            style="bold" if one is top else None,
        )
    return table


def _remark(outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, settings: FitSettings) -> None:
    lang = settings.lang
    click.echo(say(f"fit.baseline_{problem.target.task}", lang, score=written_score(baseline(problem), problem)))
    click.echo(say("fit.interval_wilson" if problem.classifies else "fit.interval_bootstrap", lang))
    for note in () if assessed is None else ratio_notes(assessed, lang):
        click.echo(note)
    click.echo(say(f"fit.memory_{memory_method()}", lang))
    click.echo(say("fit.peak", lang, size=max(one.peak_bytes for one in outcomes) / 1e6))
    for one in outcomes:
        if one.certificate is not None:
            click.echo(one.certificate.text(lang))
        elif one.name == "linear":
            click.echo(say("fit.no_certificate", lang))


def _save(outcomes: Sequence[Outcome], problem: Problem, assessed: Assessment | None, settings: FitSettings) -> None:
    for one in outcomes:
        if one.network is not None:
            path = _model_path(one.name, settings)
            one.network.save(path)
            click.echo(say("fit.saved", settings.lang, path=path))
    write_report(settings.out / "report.html", outcomes, problem, assessed, settings)
    # Models of an earlier run beside this report would be taken for those it describes.
    written = {one.name for one in outcomes if one.network is not None}
    for name in MODEL_NAMES:
        path = _model_path(name, settings)
        if name not in written and path.is_file():
            path.unlink()
            click.echo(say("fit.removed", settings.lang, path=path))


def _model_path(name: str, settings: FitSettings) -> Path:
    return settings.out / f"{name}.tidu.safetensors"
