"""The grid is the best that its nodes can do, and suffers from dimension as it should."""

from __future__ import annotations

import numpy as np
import pytest

from tidu.approximation import grid
from tidu.approximation.families import in_dimension, jump_height, with_jump
from tidu.approximation.grid import fit_grid
from tidu.approximation.measuring import measure
from tidu.approximation.rates import fit_rate
from tidu.approximation.targets import as_target

BOX = ((-1.0, 1.0), (0.0, 2.0))


@pytest.mark.parametrize("n", [4, 7, 30])
def test_a_multilinear_function_is_met_exactly_by_any_grid(n: int) -> None:
    f = as_target("1 + 2*x - 3*y + 0.5*x*y", BOX)
    assert measure(fit_grid(f.training(500), f.domain, n), f.testing(512))[1] < 1e-6


SHARES = [(1, 10, (10,)), (2, 10, (3, 3)), (3, 8, (2, 2, 2)), (5, 20, (2, 2, 2, 2, 1))]


@pytest.mark.parametrize(("d", "n", "sides"), SHARES)
def test_nodes_are_shared_out_among_the_variables(d: int, n: int, sides: tuple[int, ...]) -> None:
    f = in_dimension(as_target("x"), d)
    grid = fit_grid(f.training(300), f.domain, n)
    assert (grid.sides, grid.n_parameters) == (sides, np.prod(sides))


def test_the_error_of_a_grid_falls_as_n_to_the_minus_2_over_d() -> None:
    for d, sizes in ((1, (8, 16, 32, 64)), (2, (64, 144, 256, 400))):
        f = in_dimension(as_target("sin(3*x)"), d)
        rate = fit_rate(sizes, [measure(fit_grid(f.training(4000), f.domain, n), f.testing(4096))[0] for n in sizes])
        assert rate is not None
        assert rate.exponent == pytest.approx(-2.0 / d, abs=0.15)


def test_the_same_target_in_more_variables_has_the_same_mean_and_spread() -> None:
    f = as_target("exp(x)", (0, 2))
    one = f.testing(4096).y
    for d in (2, 5):
        many = in_dimension(f, d).testing(4096).y
        assert many.mean() == pytest.approx(one.mean(), rel=0.02)
        assert many.std() == pytest.approx(one.std(), rel=0.05)


def test_a_jump_is_as_high_as_the_range_and_the_rest_as_before() -> None:
    f = as_target("sin(x)", (0, 1))
    jumping = with_jump(f)
    x = np.linspace(0.0, 1.0, 200)[:, None]
    steps = jumping(x) - f(x)
    assert jump_height(f) == pytest.approx(np.sin(1.0), rel=1e-2)
    assert set(steps.round(9)) == {0.0, round(jump_height(f), 9)}
    assert jump_height(as_target("0*x")) == 1.0


@pytest.mark.parametrize("n_parameters", [60, 600])
def test_few_rows_and_many_nodes_are_fitted_as_few_nodes_are(n_parameters: int) -> None:
    target = as_target("sin(3*x)*y + z")
    samples, sides = target.training(200), grid._sides(3, n_parameters)
    by_nodes = list(grid._solved_by_nodes(samples.X, samples.y, target.domain, sides))
    by_rows = list(grid._solved_by_rows(samples.X, samples.y, target.domain, sides))
    for one, other in zip(by_nodes[6:], by_rows[6:], strict=True):  # with lesser penalties rounding tells
        assert other == pytest.approx(one, abs=1e-6)


def test_a_grid_of_many_more_nodes_than_rows_needs_no_matrix_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(grid, "_solved_by_nodes")
    target = as_target("x*y")
    fitted = fit_grid(target.training(100), target.domain, 20_000)
    assert fitted.n_parameters > 19_000
    assert np.abs(fitted(target.testing(64).X)).max() < 2.0
