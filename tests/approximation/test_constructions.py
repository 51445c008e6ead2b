"""Constructed networks reach what the theorems and earlier measurements say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tidu.approximation import Network, bumps, relu_interpolant, tent_map, towers
from tidu.approximation.knots import curvature_knots
from tidu.approximation.measuring import measure
from tidu.approximation.rates import fit_rate
from tidu.approximation.targets import as_target
from tidu.errors import DataError, ParameterError, TiduError

NIELSEN = as_target("0.2 + 0.4*x**2 + 0.3*x*sin(15*x) + 0.05*cos(50*x)", (0, 1))


def nielsen(x: np.ndarray) -> np.ndarray:
    return NIELSEN(x[:, None])


def rms(network: Network) -> float:
    return measure(network, NIELSEN.testing(10_000))[0]


@pytest.mark.parametrize(("n", "expected"), [(8, 0.0863), (32, 0.0227), (128, 0.00572), (256, 0.00286)])
def test_bumps_err_as_measured_before(n: int, expected: float) -> None:
    assert rms(bumps(nielsen, (0.0, 1.0), n)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("n", "expected"), [(8, 0.0700), (32, 0.00782), (128, 0.000512), (256, 0.000128)])
def test_polygons_err_as_measured_before(n: int, expected: float) -> None:
    assert rms(relu_interpolant(nielsen, (0.0, 1.0), n)) == pytest.approx(expected, rel=0.01)


def test_bumps_fall_as_1_over_n_and_polygons_as_its_square() -> None:
    sizes = (64, 128, 256, 512)
    of_bumps = fit_rate(sizes, [rms(bumps(nielsen, (0.0, 1.0), n)) for n in sizes])
    of_polygons = fit_rate(sizes, [rms(relu_interpolant(nielsen, (0.0, 1.0), n)) for n in sizes])
    assert of_bumps is not None
    assert of_polygons is not None
    assert of_bumps.exponent == pytest.approx(-1.0, abs=0.05)
    assert of_polygons.exponent == pytest.approx(-2.0, abs=0.05)


def test_a_bump_is_as_high_as_the_function_in_its_middle_up_to_both_ends() -> None:
    network = bumps(np.exp, (0.0, 1.0), 4)
    x = np.array([0.0, 0.12, 0.3, 0.6, 0.9, 1.0])
    np.testing.assert_allclose(network(x[:, None]), np.exp([0.125, 0.125, 0.375, 0.625, 0.875, 0.875]), rtol=1e-12)


def test_a_polygon_meets_the_function_at_its_knots() -> None:
    knots = np.linspace(-1.0, 2.0, 8)
    np.testing.assert_allclose(relu_interpolant(np.sin, (-1.0, 2.0), 7)(knots[:, None]), np.sin(knots), atol=1e-14)


@pytest.mark.parametrize("n", [32, 128, 256])
def test_knots_by_curvature_beat_equal_ones(n: int) -> None:
    equal, curved = (rms(relu_interpolant(nielsen, (0.0, 1.0), n, knots)) for knots in ("equal", "curvature"))
    assert curved < 0.9 * equal


def test_knots_by_curvature_are_far_better_where_the_curvature_is_in_one_place() -> None:
    def steep(x: np.ndarray) -> np.ndarray:
        return np.tanh(60.0 * (x - 0.3))

    x = np.linspace(0.0, 1.0, 5001)
    errors = [
        np.sqrt(np.mean((relu_interpolant(steep, (0.0, 1.0), 16, knots)(x[:, None]) - steep(x)) ** 2))
        for knots in ("equal", "curvature")
    ]
    assert errors[1] < 0.1 * errors[0]


@pytest.mark.parametrize("function", [np.sin, np.abs, np.zeros_like, lambda x: 3.0 * x, lambda x: 1.0 * (x > 0)])
def test_knots_rise_from_end_to_end_whatever_the_function(function: object) -> None:
    knots = curvature_knots(function, (-1.0, 1.0), 10)  # type: ignore[arg-type]
    assert (knots[0], knots[-1], len(knots)) == (-1.0, 1.0, 11)
    assert (np.diff(knots) > 0).all()


def test_towers_fall_with_the_side_of_a_tower() -> None:
    f = as_target("sin(3*x)*cos(2*y)")
    sides = (4, 8, 16, 32)
    networks = [towers(f, f.domain, side) for side in sides]
    assert [network.hidden for network in networks] == [(2 * (n + 1), n * n) for n in sides]
    rate = fit_rate(sides, [measure(network, f.testing(4096))[0] for network in networks])
    assert rate is not None
    assert rate.exponent == pytest.approx(-1.0, abs=0.05)


def test_a_tower_stands_on_its_own_cell_alone() -> None:
    peak = np.array([0.375, 0.875])
    network = towers(lambda X: 1.0 * (np.abs(X - peak) < 0.1).all(axis=1), ((0.0, 1.0), (0.0, 1.0)), 4)
    centers = (np.arange(4) + 0.5) / 4
    grid = np.stack(np.meshgrid(centers, centers, indexing="ij"), axis=-1).reshape(-1, 2)
    expected = (np.abs(grid - peak) < 0.1).all(axis=1)
    assert expected.sum() == 1
    np.testing.assert_allclose(network(grid), expected, atol=1e-9)


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_the_tent_map_is_the_tent_applied_again_and_again(depth: int) -> None:
    x = np.linspace(0.0, 1.0, 257)
    expected = x
    for _ in range(depth):
        expected = 1.0 - np.abs(2.0 * expected - 1.0)
    np.testing.assert_allclose(tent_map(depth)(x[:, None]), expected, atol=1e-12)


@pytest.mark.parametrize(
    "build",
    [
        lambda: bumps(np.sin, (0.0, 1.0), 0),
        lambda: relu_interpolant(np.sin, (0.0, 1.0), 0),
        lambda: tent_map(0),
        lambda: towers(np.sin, ((0.0, 1.0), (0.0, 1.0)), 0),
        lambda: towers(np.sin, ((0.0, 1.0),), 3),
    ],
)
def test_nothing_is_built_of_nothing(build: object) -> None:
    with pytest.raises(ParameterError):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: bumps(np.sin, (1.0, 0.0), 4), ParameterError, "low below high"),
        (lambda: relu_interpolant(np.sin, (1.0, 0.0), 4), ParameterError, "low below high"),
        (lambda: relu_interpolant(np.sin, (0.0, np.inf), 4), ParameterError, "finite"),
        (lambda: towers(lambda X: X[:, 0], ((0.0, 1.0), (1.0, 0.0)), 2), ParameterError, "domain of y"),
        (lambda: bumps(np.sin, (0.0, 1.0), 2.5), ParameterError, "whole number"),  # type: ignore[arg-type]
        (lambda: towers(lambda X: X[:, 0], ((0.0, 1.0),) * 2, 2.5), ParameterError, "whole number"),  # type: ignore[arg-type]
        (lambda: relu_interpolant(np.sin, (0.0, 1.0), 4, "best"), ParameterError, "equal, curvature"),  # type: ignore[arg-type]
        (lambda: bumps(np.log, (-1.0, 1.0), 4), DataError, "give a domain"),
        (lambda: relu_interpolant(lambda x: x[:2], (0.0, 1.0), 4), DataError, "one number for each"),
        (lambda: towers(lambda X: X, ((0.0, 1.0),) * 2, 2), DataError, "one number for each"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(
    build: Callable[[], Network], error: type[TiduError], words: str
) -> None:
    with pytest.raises(error) as caught:
        build()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("unit", [1e-90, 1.0, 1e90])
def test_knots_by_curvature_do_not_depend_on_units(unit: float) -> None:
    knots = curvature_knots(lambda x: unit * np.sin(8 * x / unit), (0.0, unit), 16)
    assert knots / unit == pytest.approx(curvature_knots(lambda x: np.sin(8 * x), (0.0, 1.0), 16), rel=1e-6)
