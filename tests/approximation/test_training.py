import dataclasses
import sys

import numpy as np
import pytest

from tidu.approximation.constructions import relu_interpolant
from tidu.approximation.training import train
from tidu.errors import ParameterError

GRID = np.linspace(0.0, 1.0, 5001)


def nielsen(x):
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


def samples(n=1000, seed=0):
    x = np.random.default_rng(seed).uniform(0.0, 1.0, n)
    return x[:, None], nielsen(x)


def rms(network, f=nielsen, grid=GRID):
    return float(np.sqrt(np.mean((network(grid[:, None]) - f(grid)) ** 2)))


def test_trained_from_samples_alone_a_network_is_better_than_the_constructed_one_of_its_width():
    constructed = relu_interpolant(nielsen, (0.0, 1.0), 64, "equal")
    assert rms(train(*samples(2000), [64]).network) < rms(constructed)


def test_each_help_brings_something():
    X, y = samples()
    usual = train(X, y, [32], optimizer="adam", start="random", epochs=100)
    solved = train(X, y, [32], epochs=0)
    plain = train(X, y, [32], whiten=False, epochs=200)
    helped = train(X, y, [32], epochs=200)
    errors = [rms(trained.network) for trained in (usual, solved, plain, helped)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 10 * errors[-1]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("start", ["spread", "random"])
def test_the_same_seed_gives_the_same_bits_and_another_others(optimizer, start):
    X, y = samples(200)
    first, again, other = (
        train(X, y, [8], "tanh", optimizer=optimizer, start=start, epochs=5, seed=seed).network(GRID[:, None])
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("hidden", [(12,), (12, 8)])
def test_descent_lowers_the_loss_whatever_the_activation_and_depth(optimizer, activation, hidden):
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (300, 2))
    y = np.sin(3.0 * X[:, 0]) * X[:, 1]
    still = train(X, y, hidden, activation, optimizer=optimizer, epochs=0)
    moved = train(X, y, hidden, activation, optimizer=optimizer, epochs=40)
    assert still.held_out_losses[0] == moved.held_out_losses[0]
    assert moved.losses[-1] < 0.95 * moved.losses[0]
    assert moved.held_out_losses.min() < 0.95 * moved.held_out_losses[0]


def test_a_descent_that_does_harm_leaves_the_network_where_it_started():
    X, y = samples(200)
    still = train(X, y, [16], epochs=0)
    harmed = train(X, y, [16], optimizer="adam", learning_rate=10.0, epochs=5)
    assert harmed.held_out_losses[1:].min() > harmed.held_out_losses[0]
    assert np.array_equal(harmed.network(X), still.network(X))


def test_the_losses_are_mean_squares_in_the_unit_of_y():
    X, y = samples(9)  # none is held out
    trained = train(X, 1000.0 * y, [4], epochs=20)
    assert len(trained.losses) > 1
    assert np.allclose(trained.losses, trained.held_out_losses)
    mean_square = np.mean((trained.network(X) - 1000.0 * y) ** 2)
    assert np.isclose(trained.losses.min(), mean_square, rtol=1e-9)


def test_without_epochs_the_weights_stay_where_they_start():
    X, y = samples(50)
    trained = train(X, y, [4], optimizer="adam", start="random", epochs=0, seed=3)
    first, last = trained.network.params
    assert len(trained.losses) == 1
    assert np.abs(first["W"]).max() <= 1.0
    assert np.abs(last["W"]).max() <= 0.5


def test_the_unit_of_the_samples_does_not_matter():
    X, y = samples(300)
    small = train(X, y, [16], epochs=30).network(X)
    large = train(1e6 * X + 5e6, 1e-4 * y - 3.0, [16], epochs=30).network(1e6 * X + 5e6)
    assert np.allclose((large + 3.0) * 1e4, small, atol=0.01)


def test_on_noise_a_wide_network_is_not_far_from_the_truth():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.0, 1.0, 150)
    trained = train(x[:, None], np.sin(6.0 * x) + rng.normal(0.0, 0.3, 150), [100], "tanh")
    assert rms(trained.network, lambda x: np.sin(6.0 * x)) < 0.2


@pytest.mark.parametrize("n_samples", [2, 5, 9, 30])
def test_few_samples_give_no_wild_network(n_samples):
    X, y = samples(n_samples)
    for seed in range(5):
        assert np.abs(train(X, y, [16], epochs=50, seed=seed).network(GRID[:, None])).max() < 10.0


def test_a_network_without_hidden_layer_is_linear_regression():
    X = np.random.default_rng(0).normal(size=(60, 3))
    network = train(X, X @ [1.0, 2.0, 3.0] + 4.0, []).network
    assert np.allclose(network.params[0]["W"][:, 0], [1.0, 2.0, 3.0])
    assert np.allclose(network.params[0]["b"], 4.0)


def test_a_constant_is_learned():
    network = train(samples(30)[0], np.full(30, 0.3), [8]).network
    assert np.allclose(network(GRID[:, None]), 0.3)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("optimizer", {"optimizer": "sgd"}),
        ("start", {"start": "zeros"}),
        ("epochs", {"epochs": -1}),
        ("batch_size", {"batch_size": 0}),
    ],
)
def test_what_is_not_accepted_is_named(name, arguments):
    with pytest.raises(ParameterError) as caught:
        train(*samples(20), [4], **arguments)
    assert caught.value.name == name


@pytest.mark.parametrize(("hidden", "activation"), [([0], "relu"), ([4], "step")])
def test_networks_that_cannot_be_are_refused(hidden, activation):
    with pytest.raises(ParameterError):
        train(*samples(20), hidden, activation)


def test_ctrl_c_ends_the_training_and_not_only_one_round(monkeypatch):
    training = sys.modules[train.__module__]
    whole = training.fit

    def interrupted(*arguments, **settings):
        return dataclasses.replace(whole(*arguments, **settings), stopped="interrupted")

    monkeypatch.setattr(training, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(*samples(200), [4], epochs=5)
