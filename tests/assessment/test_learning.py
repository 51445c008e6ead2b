"""Fewer rows, and whether more would help."""

import numpy as np
import pytest

from tidu.assessment.contradictions import alike
from tidu.assessment.graph import in_turn, neighbor_graph
from tidu.assessment.learning import LearningPoint, learning_curve, still_falling
from tidu.data import as_source


def curve(X, y, n_classes=0, seed=0):
    source, rng = as_source(X), np.random.default_rng(seed)
    graph = neighbor_graph(source, 10)
    groups = alike(source, graph)
    return learning_curve(source, y, n_classes, in_turn(graph, groups, rng), groups, rng, None, None)


def test_a_quarter_a_half_and_all_rows_are_looked_at():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (400, 2))
    points = curve(x, np.sin(3.0 * x[:, 0]))
    assert [one.n_rows for one in points] == [100, 200, 400]
    assert points[0].error > points[1].error > points[2].error


def test_too_few_rows_for_parts_give_one_point():
    x = np.linspace(0.0, 1.0, 20)[:, None]
    assert [one.n_rows for one in curve(x, x[:, 0])] == [20]


@pytest.mark.parametrize("seed", range(4))
def test_more_rows_do_not_seem_to_help_where_few_features_differ(seed):
    rng = np.random.default_rng(seed)
    points = curve(rng.integers(0, 2, (4000, 1)).astype(float), rng.normal(size=4000), seed=seed)
    assert not still_falling(points, 1.0)
    assert max(one.error for one in points) - min(one.error for one in points) < 0.05


@pytest.mark.parametrize("seed", [2, 5])
def test_where_few_features_differ_the_nearest_row_is_wrong_as_often_as_any(seed):
    rng = np.random.default_rng(seed)
    points = curve(rng.integers(0, 2, (4000, 1)).astype(float), (rng.random(4000) < 0.2).astype(np.int64), 2, seed)
    assert [one.gamma for one in points] == pytest.approx([0.32, 0.32, 0.32], abs=0.04)


def test_three_percent_of_knowing_nothing_are_a_fall():
    assert still_falling([LearningPoint(10_000, 0.50, 0.0), LearningPoint(20_000, 0.46, 0.0)], 1.0)
    assert not still_falling([LearningPoint(10_000, 0.50, 0.0), LearningPoint(20_000, 0.48, 0.0)], 1.0)
    assert not still_falling([LearningPoint(10_000, 0.50, 0.0)], 1.0)


def test_of_few_rows_more_is_asked_than_chance_may_do():
    assert not still_falling([LearningPoint(100, 0.50, 0.0), LearningPoint(200, 0.41, 0.0)], 1.0)
    assert still_falling([LearningPoint(100, 0.50, 0.0), LearningPoint(200, 0.35, 0.0)], 1.0)
