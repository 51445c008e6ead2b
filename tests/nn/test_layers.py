import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.errors import ParameterError
from tidu.nn import random


def test_dropout_keeps_the_expected_value_and_the_share():
    x = np.full((200, 100), 3.0)
    y = nn.dropout(random.key(0), x, 0.3)
    assert abs(y.mean() - 3.0) < 0.05
    assert abs((y == 0).mean() - 0.3) < 0.012
    np.testing.assert_allclose(y[y != 0], 3.0 / 0.7, rtol=1e-15)


def test_dropout_passes_the_gradient_where_it_passes_the_value():
    x = np.random.default_rng(0).normal(size=50)
    y = nn.dropout(random.key(1), x, 0.5)
    gradient = tidu.grad(lambda x: np.sum(nn.dropout(random.key(1), x, 0.5)))(x)
    np.testing.assert_array_equal(gradient, np.where(y == 0, 0.0, 2.0))


def test_dropout_keeps_float32_and_does_nothing_at_rate_zero():
    x = np.ones(5, np.float32)
    assert nn.dropout(random.key(1), x, 0.5).dtype == np.float32
    np.testing.assert_array_equal(nn.dropout(random.key(1), x, 0.0), x)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ParameterError):
        nn.dropout(random.key(0), np.ones(3), rate)


def test_a_network_is_the_code_of_the_notes():
    params = nn.init_mlp([3, 4, 4, 1], seed=1, activation="logistic")
    x = np.random.default_rng(0).normal(size=(5, 3))
    f = lambda x: 1.0 / (1.0 + np.exp(-x))
    (W1, b1), (W2, b2), (W3, b3) = [(layer["W"], layer["b"]) for layer in params]
    out = np.dot(f(np.dot(f(np.dot(x, W1) + b1), W2) + b2), W3) + b3
    np.testing.assert_allclose(nn.mlp(params, x, "logistic"), out, rtol=1e-14)


def test_activations_may_be_given_for_each_layer():
    params = nn.init_mlp([3, 4, 5, 2], seed=1)
    x = np.random.default_rng(0).normal(size=(5, 3))
    h1 = np.tanh(nn.dense(params[0], x))
    out = nn.dense(params[2], nn.relu(nn.dense(params[1], h1)))
    np.testing.assert_array_equal(nn.mlp(params, x, ["tanh", nn.relu]), out)
    np.testing.assert_array_equal(nn.mlp(params, x, ["tanh", nn.relu, "softmax"]), nn.softmax(out))
    with pytest.raises(ParameterError) as caught:
        nn.mlp(params, x, ["tanh"])
    assert (caught.value.expected, caught.value.got) == (3, 1)


def test_a_network_drops_out_only_with_a_key_and_only_hidden_units():
    params = nn.init_mlp([3, 200, 2], seed=1)
    x = np.ones((1, 3))
    assert (nn.mlp(params, x, dropout_rate=0.5) == nn.mlp(params, x)).all()
    dropped = nn.mlp(params, x, dropout_rate=0.5, key=random.key(0))
    assert not (dropped == nn.mlp(params, x)).any()
    linear = nn.init_mlp([3, 2], seed=1)
    assert (nn.mlp(linear, x, dropout_rate=0.5, key=random.key(0)) == nn.mlp(linear, x)).all()


def test_the_gradient_of_a_network_agrees_with_differences():
    params = nn.init_mlp([3, 4, 2], seed=1, activation="tanh")
    x = np.random.default_rng(0).normal(size=(5, 3))
    tidu.check_grads(
        lambda p: np.mean(nn.mlp(p, x, "tanh", dropout_rate=0.4, key=random.key(0)) ** 2), (params,), order=2
    )


@pytest.mark.parametrize("init", [name for name in nn.INITIALIZERS if name != "zeros"])
def test_initial_weights_have_the_variance_of_their_name(init):
    n_in, n_out = 300, 200
    expected = {"glorot": 2 / (n_in + n_out), "he": 2 / n_in, "lecun": 1 / n_in}[init.split("_")[0]]
    W = nn.init_dense(0, n_in, n_out, init)["W"]
    assert abs(W.mean()) < 5 * np.sqrt(expected / W.size)
    assert abs(W.var() / expected - 1) < 0.03
    if init.endswith("uniform"):
        assert np.abs(W).max() <= np.sqrt(3 * expected)


def test_the_same_seed_gives_the_same_weights_and_layers_differ():
    a, b, c = (nn.init_mlp([5, 5, 5], seed=s) for s in (3, 3, 4))
    assert (a[0]["W"] == b[0]["W"]).all()
    assert not (a[0]["W"] == c[0]["W"]).any()
    assert not np.isclose(a[0]["W"] * np.sqrt(10 / 5 / 2), a[1]["W"]).any()


def test_numpys_generators_are_used_and_advanced():
    rng = np.random.RandomState(0)
    layers = nn.init_mlp([4, 3, 2], seed=rng, activation="tanh", dtype=np.float32)
    again = np.random.RandomState(0)
    bound = np.sqrt(6 / 7)
    np.testing.assert_array_equal(layers[0]["W"], again.uniform(-bound, bound, (4, 3)).astype(np.float32))
    assert layers[1]["b"].dtype == np.float32


def test_bad_sizes_and_names_are_refused():
    with pytest.raises(ParameterError):
        nn.init_mlp([3])
    with pytest.raises(ParameterError):
        nn.init_dense(0, 3, 0)
    with pytest.raises(ParameterError):
        nn.init_dense(0, 3, 3, "glorot")
