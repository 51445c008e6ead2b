"""Which pictures show how models learned and where they err?

Every function returns an SVG text, or an empty one where there is nothing to show. This file knows nothing of the
page around them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.app.floor import Limit
from tidu.app.outcome import Outcome
from tidu.app.problem import Problem
from tidu.data import take
from tidu.drawing import bar_chart, image_grid, line_chart, matrix_chart, scatter_chart
from tidu.words import Language, say

__all__ = [
    "confusion",
    "examples",
    "gradients",
    "losses",
    "mistakes",
    "predicted_against_true",
    "scores",
    "templates",
    "validation_scores",
]

_MOST_POINTS = 5000
_MOST_IMAGES = 24
_MOST_CLASSES = 40
_CHART = (448.0, 320.0)


def scores(outcomes: Sequence[Outcome], problem: Problem, lang: Language) -> str:
    """Draw each score with its interval."""
    factor = 100.0 if problem.classifies else 1.0
    label = say("report.accuracy_percent" if problem.classifies else "fit.score_r2", lang)
    named = {say(f"fit.{one.name}", lang): one.score for one in outcomes}
    return bar_chart(
        {name: factor * score.value for name, score in named.items()},
        label,
        "",
        {name: (factor * score.low, factor * score.high) for name, score in named.items()},
    )


def losses(one: Outcome, floor: Limit | None, lang: Language) -> str:
    """Draw the loss of the fitting and of the validation rows, and the floor that it cannot go below."""
    if one.curves is None or not one.curves.losses:
        return ""
    found = {say("report.fitting_rows", lang): _numbered(one.curves.losses)}
    if one.curves.validation_losses:
        found[say("report.validation_rows", lang)] = _numbered(one.curves.validation_losses)
    drawn = [y for line in found.values() for _, y in line]
    limits = _limit(found, say("assess.fit_floor", lang), floor)
    return line_chart(
        found | limits.line,
        say(_pass(one), lang),
        say("report.loss", lang),
        say(f"fit.{one.name}", lang),
        log_y=min(drawn) > 0 and max(drawn) > 20 * min(drawn),
        size=_CHART,
        bands=limits.band,
        dashed=list(limits.line),
    )


def validation_scores(outcomes: Sequence[Outcome], problem: Problem, limit: Limit | None, lang: Language) -> str:
    """Draw the score on the validation rows, epoch by epoch, and the best that any model can reach."""
    factor = 100.0 if problem.classifies else 1.0
    found = {
        say(f"fit.{one.name}", lang): [(x, factor * y) for x, y in _numbered(one.curves.validation_scores)]
        for one in outcomes
        if one.curves is not None and one.curves.validation_scores
    }
    if not found:
        return ""
    label = say("report.accuracy_percent" if problem.classifies else "fit.score_r2", lang)
    if limit is not None:
        limit = Limit(factor * limit.value, factor * limit.low, factor * limit.high)
    limits = _limit(found, say("assess.fit_best", lang), limit)
    return line_chart(
        found | limits.line,
        say("report.epoch_or_iteration", lang),
        label,
        "",
        size=_CHART,
        bands=limits.band,
        dashed=list(limits.line),
    )


def gradients(one: Outcome, lang: Language) -> str:
    """Draw the size of the gradient of each layer's weights."""
    if one.curves is None or not one.curves.gradient_norms:
        return ""
    found = {
        say("report.layer", lang, number=number): _numbered(line) for number, line in one.curves.gradient_norms.items()
    }
    return line_chart(
        found,
        say(_pass(one), lang),
        say("report.gradient_norm", lang),
        say(f"fit.{one.name}", lang),
        log_y=True,
        size=_CHART,
    )


def confusion(one: Outcome, problem: Problem, lang: Language) -> str:
    """Count which class is taken for which."""
    names = problem.target.class_names
    if not problem.classifies or len(names) > _MOST_CLASSES:
        return ""
    counts = np.zeros((len(names), len(names)))
    np.add.at(counts, (problem.test.y.astype(np.int64), one.predicted.astype(np.int64)), 1)
    return matrix_chart(
        counts, names, names, say(f"fit.{one.name}", lang), say("report.true", lang), say("report.predicted", lang)
    )


def predicted_against_true(one: Outcome, problem: Problem, lang: Language) -> str:
    """Draw predicted numbers against true ones; of very many a fixed selection."""
    if problem.classifies:
        return ""
    step = -(-problem.test.n_samples // _MOST_POINTS)
    true, predicted = problem.test.y[::step].astype(np.float64), one.outputs[::step]
    points = list(zip(true.tolist(), predicted.tolist(), strict=True))
    return scatter_chart(
        points, say("report.true", lang), say("report.predicted", lang), say(f"fit.{one.name}", lang), size=(448, 460)
    )


def mistakes(one: Outcome, problem: Problem) -> NDArray[np.intp]:
    """Return the held-out rows that are wrong, the surest first; for numbers those farthest off."""
    if not problem.classifies:
        error = np.abs(one.outputs - problem.test.y.astype(np.float64))
        return np.argsort(-error, kind="stable")
    wrong = np.flatnonzero(one.predicted != problem.test.y)
    sureness = one.outputs[wrong].max(axis=1) if len(wrong) else np.empty(0)
    return wrong[np.argsort(-sureness, kind="stable")]


def examples(one: Outcome, problem: Problem, lang: Language) -> str:
    """Show wrongly classified images, each with its true and its predicted class."""
    rows = mistakes(one, problem)[:_MOST_IMAGES]
    shape = problem.data.image_shape
    if not problem.classifies or shape is None or not len(rows):
        return ""
    names = problem.target.class_names
    raw = take(problem.test.X, rows).astype(np.float64)
    most = float(problem.data.pixel_max or max(raw.max(), 1.0))
    pixels = _drawn(raw / most, shape)
    captions = [
        say("report.caption", lang, true=names[int(problem.test.y[row])], predicted=names[int(one.predicted[row])])
        for row in rows
    ]
    return image_grid(pixels, captions, columns=8)


def templates(one: Outcome, problem: Problem, lang: Language) -> str:
    """Show each class's weights of a linear model on images: what it looks for."""
    shape = problem.data.image_shape
    if one.network is None or one.name != "linear" or shape is None or not problem.classifies:
        return ""
    weights = one.network.weights[0].astype(np.float64).T[:_MOST_IMAGES]
    reach = np.abs(weights).max(axis=1, keepdims=True)
    return image_grid(
        _drawn(0.5 + 0.5 * weights / np.where(reach > 0, reach, 1.0), shape),
        list(problem.target.class_names[:_MOST_IMAGES]),
        columns=10,
        side=70.0,
    )


def _drawn(shares: NDArray[np.float64], shape: tuple[int, int, int]) -> list[NDArray[np.uint8]]:
    pixels = np.clip(np.rint(255 * shares), 0, 255).astype(np.uint8).reshape(-1, *shape)
    # Of an unusual number of channels the first is shown.
    return list(pixels if shape[2] == 3 else pixels[..., 0])


@dataclass(frozen=True, slots=True)
class _Limits:
    line: dict[str, list[tuple[float, float]]]
    band: dict[str, list[tuple[float, float, float]]]


def _limit(found: Mapping[str, Sequence[tuple[float, float]]], name: str, limit: Limit | None) -> _Limits:
    """Return a limit as a level line along the curves, with its interval as a band."""
    if limit is None:
        return _Limits({}, {})
    last = max(x for line in found.values() for x, _ in line)
    return _Limits(
        {name: [(x, limit.value) for x in (1.0, last)]}, {name: [(x, limit.low, limit.high) for x in (1.0, last)]}
    )


def _numbered(values: Sequence[float]) -> list[tuple[float, float]]:
    return [(float(i), value) for i, value in enumerate(values, 1)]


def _pass(one: Outcome) -> str:
    return "report.iteration" if one.settings.get("optimizer") == "L-BFGS" else "report.epoch"
