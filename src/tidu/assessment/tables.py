"""Which numbers of an assessment does a reader get, under which names?

This file knows nothing of where they are shown: as lines of text or on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tidu.assessment.gamma import GammaTest
from tidu.assessment.wording import classifies, facts, feature_name, percent, written_error
from tidu.drawing import format_number
from tidu.words import say
from tidu.words.table import Table

if TYPE_CHECKING:
    from tidu.assessment.result import Assessment

__all__ = ["numbers", "tables"]

_FEATURES_SHOWN = 8
_ROWS_SHOWN = 10
_IN_A_ROW = 8


def numbers(found: Assessment, lang: str) -> list[tuple[str, str]]:
    """Return each quantity with what was found, both in words."""
    filled = facts(found, lang)
    return [
        *_rows(found, filled, lang),
        *_dependence(found, filled, lang),
        *(_classes(found, filled, lang) if classifies(found) else _numbers(found, filled, lang)),
        (
            say("assess.best_score", lang, **filled),
            _interval(filled["score"], filled["score_low"], filled["score_high"], lang),
        ),
        (say("assess.resolution", lang), say("assess.resolution_found", lang, **filled)),
        (say("assess.dimension", lang), filled["dimension"]),
    ]


def _rows(found: Assessment, filled: Mapping[str, str], lang: str) -> Iterator[tuple[str, str]]:
    yield say("assess.rows", lang), filled["n"]
    yield say("assess.features", lang), f"{found.n_features:,}"
    if classifies(found):
        yield say("assess.classes", lang), f"{len(found.class_names):,}"
    yield say("assess.contradicting", lang), say("assess.contradicting_found", lang, **filled)
    if found.contradictions.n_repeated:
        yield say("assess.contradicted_score", lang), say("assess.contradicted_score_found", lang, **filled)
    if found.leakage is not None:
        yield say("assess.leakage", lang), say("assess.leakage_found", lang, **filled)


def _dependence(found: Assessment, filled: Mapping[str, str], lang: str) -> Iterator[tuple[str, str]]:
    yield say("assess.dependence", lang), say("assess.dependence_found", lang, **filled)
    if np.isfinite(found.dependence.linear):
        yield say("assess.linear", lang), say("assess.linear_found", lang, **filled)
    if found.dependence.raw_T is not None:
        yield say("assess.dependence_before", lang), f"{found.dependence.raw_T:.3f}"
    if found.dependence.order:
        values = dict(zip(found.dependence.order, found.dependence.order_T, strict=True))
        yield say("assess.order", lang), _features(values, found, lang)
    else:
        alone = {int(j): float(found.dependence.xi[j]) for j in np.argsort(-found.dependence.xi, kind="stable")}
        values = {j: value for j, value in alone.items() if value > 0}
        yield say("assess.alone", lang), _features(values, found, lang)


def _features(values: Mapping[int, float], found: Assessment, lang: str) -> str:
    shown = [f"{feature_name(j, found, lang)} ({value:.2f})" for j, value in values.items()]
    if len(shown) > _FEATURES_SHOWN:
        shown = [*shown[:_FEATURES_SHOWN], say("assess.and_more", lang, n=len(shown) - _FEATURES_SHOWN)]
    return (", " if lang == "en" else "、").join(shown) or say("assess.none_matters", lang)


def _numbers(found: Assessment, filled: Mapping[str, str], lang: str) -> Iterator[tuple[str, str]]:
    floor = found.floor
    ends = [format_number(value) for value in (floor.value, floor.low, floor.high)]
    yield say("assess.noise_variance", lang), _interval(ends[0], ends[1], ends[2], lang)
    yield say("assess.noise_share", lang), _interval(filled["share"], filled["low"], filled["high"], lang)
    if found.gamma is not None:
        yield from _cross_checks(found.gamma, found, lang)
    yield say("assess.left_out", lang), say("assess.left_out_found", lang, error=filled["left_out"], k=filled["k"])


def _cross_checks(gamma: GammaTest, found: Assessment, lang: str) -> Iterator[tuple[str, str]]:
    yield say("assess.v_ratio", lang), format_number(found.floor.share(gamma.gamma), 3)
    written = format_number(gamma.gamma)
    if found.gamma_interval is not None and np.isfinite(found.gamma_interval).all():
        low, high = (format_number(end) for end in found.gamma_interval)
        written = _interval(written, low, high, lang)
    yield say("assess.gamma", lang), written
    yield say("assess.delta", lang), format_number(gamma.delta)
    yield say("assess.product", lang), format_number(gamma.product)


def _classes(found: Assessment, filled: Mapping[str, str], lang: str) -> Iterator[tuple[str, str]]:
    yield (
        say("assess.least_error", lang),
        _interval(percent(found.floor.value), filled["low"], filled["high"], lang),
    )
    yield say("assess.left_out", lang), say("assess.left_out_found", lang, error=filled["left_out"], k=filled["k"])
    if found.cover_hart is not None:
        low, high = (percent(end) for end in found.cover_hart)
        yield say("assess.cover_hart", lang), say("assess.band", lang, low=low, high=high)


def _interval(value: str, low: str, high: str, lang: str) -> str:
    return say("assess.interval", lang, value=value, low=low, high=high)


def tables(found: Assessment, lang: str) -> list[Table]:
    """Return what takes more than a line: fewer rows, contradictions, held-out rows seen in training."""
    made = [_learning(found, lang)] if len(found.learning) > 1 else []
    if found.contradictions.worst:
        made.append(_worst(found, lang))
    if found.leakage is not None and found.leakage.pairs:
        heads = (say("assess.seen_test", lang), say("assess.seen_train", lang))
        rows = tuple((f"{held:,}", f"{known:,}") for held, known in found.leakage.pairs[:_ROWS_SHOWN])
        made.append(Table(say("assess.seen", lang), heads, rows, n_left=0))
    return made


def _learning(found: Assessment, lang: str) -> Table:
    last = "assess.nearest_error" if classifies(found) else "assess.gamma"
    heads = (say("assess.rows", lang), say("assess.neighbors_error", lang), say(last, lang))
    rows = tuple(
        (f"{one.n_rows:,}", written_error(one.error, found), written_error(one.gamma, found)) for one in found.learning
    )
    return Table(say("assess.learning", lang), heads, rows, n_left=0)


def _worst(found: Assessment, lang: str) -> Table:
    rows = []
    for one in found.contradictions.worst[:_ROWS_SHOWN]:
        names = [str(row) for row in one.rows[:_IN_A_ROW]]
        targets = [_target(value, found) for value in one.targets[:_IN_A_ROW]]
        more = " …" if one.n_rows > len(names) else ""
        rows.append((", ".join(names) + more, ", ".join(targets) + more))
    heads = (say("assess.worst_rows", lang), say("assess.worst_targets", lang))
    return Table(say("assess.worst", lang), heads, tuple(rows), n_left=2)


def _target(value: float, found: Assessment) -> str:
    if not classifies(found):
        return format_number(value, 6)
    name = found.class_names[int(value)]
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)
