"""``tidu assess``, and what ``tidu fit`` asks of its training rows: is there a function, how well can any model do?"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from tidu.app.command_line import command_line
from tidu.app.problem import Part, Problem
from tidu.app.settings import FitSettings
from tidu.app.writing import require_suffix
from tidu.assessment import Assessment
from tidu.assessment import assess as assess_data
from tidu.assessment.inputs import FEWEST_ROWS
from tidu.assessment.page import write_page
from tidu.assessment.text import headline
from tidu.data import ArraySource, Dataset, RowsSource
from tidu.data.target import Task
from tidu.errors import BudgetError
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["AssessSettings", "assess_training", "looked_at", "run_assess"]

# Beside training, an assessment should take seconds: this bounds rows^2 x features, the work of its searches.
_MOST_WORK = 2e11
_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class AssessSettings:
    """What the user asked for; see ``tidu assess --help``."""

    data: str
    target: str | None
    test: str | None
    task: Task | None
    html: Path | None
    seed: int
    memory_limit: int | None
    threads: int | None
    lang: Language

    @property
    def command(self) -> str:
        """The command line that does the same again, options of files left out."""
        return command_line(
            "assess",
            self.data,
            target=self.target,
            test=self.test,
            classify=self.task == "classification",
            regress=self.task == "regression",
            seed=self.seed,
            memory_limit=self.memory_limit,
            threads=self.threads,
            lang=self.lang,
        )


def run_assess(settings: AssessSettings) -> None:
    """Assess, print verdict, reasons and numbers, and write the page if it is wanted."""
    if settings.html is not None:
        require_suffix(settings.html, (".html",))
    found = assess_data(
        settings.data,
        target=settings.target,
        test=settings.test,
        task=settings.task,
        seed=settings.seed,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        progress=sys.stderr.isatty(),
    )
    click.echo(found.text(settings.lang))
    if settings.html is not None:
        atomic_write_text(settings.html, write_page(found, settings.lang, settings.command))
        click.echo(say("fit.wrote", settings.lang, path=settings.html))


def assess_training(problem: Problem, settings: FitSettings) -> Assessment | None:
    """Assess the rows that models are trained on, and say what was found in one line; None where that cannot be.

    Of very many rows a random part is looked at. Row numbers are those of the data.
    """
    part = _part(problem, settings.seed)
    if part.n_samples < FEWEST_ROWS or bool(np.all(part.y == part.y[0])):
        click.echo(say("assess.fit_no_rows", settings.lang, n=FEWEST_ROWS))
        return None
    try:
        found = assess_data(
            _dataset(part, problem),
            task=problem.target.task,
            seed=settings.seed,
            memory_limit=settings.memory_limit,
            threads=settings.threads,
        )
    except BudgetError:
        click.echo(say("assess.fit_no_memory", settings.lang))
        return None
    click.echo(headline(found, settings.lang))
    if part is not problem.train:
        click.echo(looked_at(found, problem, settings.lang))
    return _renumbered(found, part.rows, problem.test.rows)


def looked_at(found: Assessment, problem: Problem, lang: Language) -> str:
    """Return how many of the training rows were assessed."""
    return say("assess.section_note", lang, n=f"{found.n_samples:,}", total=f"{problem.train.n_samples:,}")


def _part(problem: Problem, seed: int) -> Part:
    train = problem.train
    n_rows = min(train.n_samples, _MOST_ROWS, int((_MOST_WORK / problem.data.n_features) ** 0.5))
    if n_rows >= train.n_samples:
        return train
    chosen = np.sort(np.random.default_rng(seed).choice(train.n_samples, n_rows, replace=False))
    return Part(RowsSource(train.X, chosen), train.y[chosen], train.rows[chosen])


def _dataset(part: Part, problem: Problem) -> Dataset:
    data = problem.data
    return replace(
        data,
        X=part.X,
        y=ArraySource(part.y, "y"),
        class_names=problem.target.class_names or None,
        test=replace(data, X=problem.test.X, y=None, test=None),
    )


def _renumbered(found: Assessment, rows: NDArray[np.intp], test_rows: NDArray[np.intp]) -> Assessment:
    """Return the assessment with the row numbers of the data instead of those of the rows assessed."""
    worst = tuple(replace(one, rows=tuple(int(rows[row]) for row in one.rows)) for one in found.contradictions.worst)
    leakage = found.leakage
    if leakage is not None:
        pairs = tuple((int(test_rows[held]), int(rows[known])) for held, known in leakage.pairs)
        leakage = replace(leakage, pairs=pairs)
    return replace(found, contradictions=replace(found.contradictions, worst=worst), leakage=leakage)
