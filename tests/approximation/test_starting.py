import numpy as np
import pytest

from tidu import nn
from tidu.approximation.starting import output_at_random, random_layers, solve_output, spread_layers


def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_in_one_dimension_every_part_of_the_samples_has_one_bend(activation):
    x = np.sort(generator().normal(size=1000)) ** 3
    (layer,) = spread_layers(x[:, None], [50], activation, generator())
    ranks = np.sort(np.searchsorted(x, -layer["b"] / layer["W"][0]))
    ends = 10 + np.arange(51) * 980 / 50  # half a part at either end is left out
    assert (ranks > ends[:-1] - 1).all()
    assert (ranks <= ends[1:]).all()


@pytest.mark.parametrize("n_samples", [4, 20, 2000])
def test_no_weight_hangs_on_one_outermost_sample(n_samples):
    X = generator().normal(size=(n_samples, 5))
    (layer,) = spread_layers(X, [64], "relu", generator())
    active = (nn.dense(layer, X) > 0).sum(axis=0)
    assert active.min() >= min(2, n_samples // 2)
    assert (n_samples - active).min() >= min(2, n_samples // 2)


def test_units_look_both_ways():
    (layer,) = spread_layers(np.linspace(0, 1, 100)[:, None], [50], "relu", generator())
    assert 10 < (layer["W"] > 0).sum() < 40


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_no_unit_is_dead_or_always_linear_on_the_samples(activation):
    X = generator().uniform(5.0, 6.0, (500, 4))
    (layer,) = spread_layers(X, [64], activation, generator())
    sums = nn.dense(layer, X)
    assert ((sums > 0).any(axis=0) & (sums <= 1e-12).any(axis=0)).all()


def test_directions_lie_where_the_samples_lie():
    X = generator().normal(size=(200, 1)) * np.array([[3.0, 4.0]])
    (layer,) = spread_layers(X, [16], "relu", generator())
    assert np.allclose(layer["W"][1] / layer["W"][0], 4.0 / 3.0)


def test_slopes_do_not_depend_on_the_unit_of_the_samples():
    X = generator().uniform(size=(100, 2))
    (metres,) = spread_layers(X, [8], "tanh", generator())
    (millimetres,) = spread_layers(1000.0 * X, [8], "tanh", generator())
    assert np.allclose(metres["W"], 1000.0 * millimetres["W"])
    assert np.allclose(metres["b"], millimetres["b"])


def test_samples_that_are_all_the_same_give_finite_weights():
    (first, second) = spread_layers(np.ones((20, 3)), [8, 4], "relu", generator())
    assert all(np.isfinite(array).all() for layer in (first, second) for array in layer.values())


def test_each_layer_is_spread_over_what_the_one_before_makes():
    X = generator().uniform(size=(300, 2))
    first, second = spread_layers(X, [16, 8], "relu", generator())
    sums = nn.dense(second, nn.relu(nn.dense(first, X)))
    assert first["W"].shape == (2, 16)
    assert second["W"].shape == (16, 8)
    assert ((sums > 0).any(axis=0) & (sums <= 1e-12).any(axis=0)).all()


def test_the_usual_start_has_biases_so_that_bends_differ():
    first, last = random_layers([1, 100, 1], generator())
    assert len(np.unique(-first["b"] / first["W"][0])) == 100
    assert np.abs(first["b"]).max() <= 1.0
    assert np.abs(last["W"]).max() <= 0.1


def test_a_random_output_starts_around_the_mean():
    assert output_at_random(5, np.array([1.0, 3.0]), generator())["b"].tolist() == [2.0]


def test_without_noise_the_output_solves_least_squares():
    H = generator().normal(size=(80, 5)) * np.array([1.0, 1e3, 1e-3, 1.0, 1.0])
    true = np.array([1.0, -2e-3, 3e3, 0.0, 5.0])
    y = H @ true + 7.0
    layer = solve_output(H[:60], y[:60], H[60:], y[60:])
    assert np.allclose(layer["W"][:, 0], true, rtol=1e-9, atol=1e-9)
    assert np.allclose(layer["b"], 7.0)


def test_where_least_squares_learns_the_noise_the_samples_held_out_ask_for_a_penalty():
    rng = generator()
    H, held = rng.normal(size=(40, 39)), rng.normal(size=(400, 39))
    y, held_y = H[:, 0] + rng.normal(size=40), held[:, 0] + rng.normal(size=400)
    ridge = solve_output(H, y, held, held_y)
    plain = np.linalg.lstsq(np.column_stack([H, np.ones(40)]), y, rcond=None)[0]
    missed = np.mean((held @ ridge["W"][:, 0] + ridge["b"] - held_y) ** 2)
    assert missed < 0.5 * np.mean((held @ plain[:-1] + plain[-1] - held_y) ** 2)


def test_units_that_are_the_same_share_a_weight_and_do_not_cancel():
    h = generator().normal(size=(30, 1))
    H = np.hstack([h, h, 1.0 + 1e-15 * h])
    layer = solve_output(H, 4.0 * h[:, 0], H, 4.0 * h[:, 0])
    assert np.allclose(layer["W"][:2, 0], 2.0)
    assert abs(layer["W"][2, 0]) < 10.0


def test_units_that_do_nothing_get_no_weight():
    layer = solve_output(np.full((10, 2), 3.0), np.arange(10.0), np.full((2, 2), 3.0), np.zeros(2))
    assert layer["W"].tolist() == [[0.0], [0.0]]
    assert layer["b"].tolist() == [4.5]
