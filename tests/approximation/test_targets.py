"""A target is what a person means, or refused in one line that says what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tidu.approximation.targets import as_target, data_target, dense_points, require_measurable, stratified_points
from tidu.errors import DataError, ExpressionError, ParameterError, TiduError
from tidu.expressions import parse_expression

GRID = np.linspace(-1.0, 1.0, 9)[:, None]


@pytest.mark.parametrize(
    "target", ["sin(3*x)", parse_expression("sin(3*x)"), lambda x: np.sin(3 * x)], ids=["text", "parsed", "function"]
)
def test_expressions_and_functions_mean_the_same(target: Any) -> None:
    f = as_target(target)
    assert (f.names, f.domain, f.data) == (("x",), ((-1.0, 1.0),), None)
    assert np.array_equal(f(GRID), np.sin(3 * GRID[:, 0]))


def test_each_variable_has_its_own_ends_in_order_or_by_name() -> None:
    in_order = as_target("a + 10*b", [(0, 1), (2, 3)])
    by_name = as_target(lambda a, b: a + 10 * b, {"b": (2, 3), "a": (0, 1)})
    assert in_order.domain == by_name.domain == ((0.0, 1.0), (2.0, 3.0))
    rows = np.array([[0.5, 2.0]])
    assert in_order(rows).tolist() == by_name(rows).tolist() == [20.5]


def test_two_pairs_for_two_variables_are_no_single_pair() -> None:
    assert as_target("x*y", [(0, 1), (0, 2)]).domain == ((0.0, 1.0), (0.0, 2.0))
    assert as_target("x*y", (0, 2)).domain == ((0.0, 2.0), (0.0, 2.0))


def test_a_constant_function_has_a_value_at_every_point() -> None:
    assert as_target(lambda x: 2.0)(GRID).tolist() == [2.0] * 9


def test_a_value_that_is_no_number_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match=r"1/x is .* at x = 0;"):
        as_target("1/x")(GRID)
    assert not math.isfinite(as_target("1/x").values(GRID)[4])


def whole(x: np.ndarray) -> float:
    return math.sin(x)  # type: ignore[arg-type]


def starred(*x: np.ndarray) -> np.ndarray:
    return x[0]


@pytest.mark.parametrize(
    ("target", "domain", "error", "words"),
    [
        ("sin(3*", None, ExpressionError, "column"),
        ("3 + 4", None, ParameterError, "no variable"),
        ("x", (1, 1), ParameterError, "low below high"),
        ("x", (0, math.inf), ParameterError, "finite"),
        ("x", ("a", "b"), ParameterError, "finite"),
        ("x*y", [(0, 1), (0, 1), (0, 1)], ParameterError, "3 pairs for the 2 variables x, y"),
        ("x*y", {"x": (0, 1)}, ParameterError, "the variables are x, y"),
        (3.0, None, ParameterError, "an expression, a function or data"),
        (starred, None, ParameterError, "one array for each variable"),
        ((np.zeros(5), np.zeros(5)), None, DataError, "5 rows are too few"),
        ((np.zeros((20, 2)), np.zeros(19)), None, DataError, "got (20, 2) and (19,)"),
        ((np.full(20, np.nan), np.zeros(20)), None, DataError, "NaN"),
        ((["a"] * 20, np.zeros(20)), None, DataError, "real numbers"),
        ((np.arange(20.0), np.zeros(20)), (0, 3), DataError, "4 rows lie in the domain"),
        ((np.arange(20.0), np.arange(20) * 1j), None, DataError, "real numbers"),
        ((np.stack([np.arange(20.0), np.ones(20)], 1), np.zeros(20)), None, DataError, "x1 is 1 in all rows"),
        ("x", 3, ParameterError, "(low, high)"),
        ("x", "01", ParameterError, "(low, high)"),
        ("x", (-1e308, 1e308), ParameterError, "too far or too close together"),
        ("x", (0, 1e-300), ParameterError, "too far or too close together"),
        ("x", (1, 1 + 1e-15), ParameterError, "too far or too close together"),
        (as_target("x"), (0, 1), ParameterError, "has its domain already"),
    ],
)
def test_bad_input_is_refused_in_one_line(target: Any, domain: Any, error: type[TiduError], words: str) -> None:
    with pytest.raises(error) as caught:
        as_target(target, domain)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "function", [whole, lambda x: np.ones((3, 3)), lambda x: "text", lambda x: None, lambda x: np.sqrt(x + 0j)]
)
def test_a_function_that_does_not_work_on_arrays_is_refused(function: Callable[..., object]) -> None:
    with pytest.raises(DataError):
        as_target(function)(GRID)


def test_rows_of_data_are_either_learned_from_or_measured_on() -> None:
    x = np.arange(30.0)
    target = as_target((x, x**2))
    learned, held = target.training(5), target.testing(5)
    assert target.domain == ((0.0, 29.0),)
    assert (len(learned.y), len(held.y)) == (20, 10)
    assert sorted([*learned.X[:, 0], *held.X[:, 0]]) == x.tolist()
    assert np.array_equal(learned.X[:, 0] ** 2, learned.y)


def test_nothing_is_known_of_data_between_their_rows() -> None:
    with pytest.raises(ParameterError, match="no value between their rows"):
        as_target((np.arange(30.0), np.arange(30.0)))(GRID)


def test_training_points_are_the_same_each_time_and_not_those_of_testing() -> None:
    f = as_target("x", (0, 1))
    assert np.array_equal(f.training(100).X, f.training(100).X)
    assert not set(f.training(100).X[:, 0]) & set(f.testing(1000).X[:, 0])


@pytest.mark.parametrize("d", [1, 3])
def test_points_fill_the_box_evenly_along_each_variable(d: int) -> None:
    box = ((-1.0, 3.0),) * d
    for points in (stratified_points(box, 64, 0), dense_points(box, 64)):
        assert points.shape == (64, d)
        for column in points.T:
            assert np.histogram(column, 64, (-1.0, 3.0))[0].tolist() == [1] * 64


@pytest.mark.parametrize(
    "target",
    ["max(x)", "x*mean(x)", "dot(x, x)", np.cumsum, np.sort, lambda x: np.random.default_rng().normal(size=len(x))],
)
def test_what_is_no_function_of_each_point_alone_is_refused(target: Any) -> None:
    with pytest.raises(DataError, match="other values at the same points"):
        require_measurable(as_target(target, (0, 1)), 64)


@pytest.mark.parametrize("target", ["max(x, 0)", "5 + 0*x", "x + 1e9", "1e90*x", lambda x: np.float32(x) ** 2])
def test_a_function_of_each_point_is_accepted_whatever_its_unit(target: Any) -> None:
    require_measurable(as_target(target), 64)


@pytest.mark.parametrize("target", ["1e200*x", "1e-200*x", "exp(700*x)", (np.arange(20.0), 1e200 * np.arange(20.0))])
def test_values_that_cannot_be_squared_are_refused(target: Any) -> None:
    with pytest.raises(DataError, match="give it in another unit"):
        require_measurable(as_target(target), 64)


def test_a_function_that_writes_into_its_argument_leaves_the_points_as_they_are() -> None:
    f = as_target(lambda x: np.multiply(x, 2.0, out=x))
    samples = f.training(50)
    assert np.array_equal(samples.y, 2.0 * samples.X[:, 0])


def test_data_keep_the_names_of_their_columns() -> None:
    class Frame(np.ndarray):
        columns = ("width", "height")

    rows = np.random.default_rng(0).normal(size=(20, 2))
    assert as_target((rows.view(Frame), rows[:, 0])).names == ("width", "height")
    named = data_target(rows, rows[:, 0], names=["a", "b"], name="price")
    assert (named.names, named.name) == (("a", "b"), "price")
    assert as_target(named) is named
