import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.approximation.coordinates import whitened
from tidu.approximation.starting import random_layers

rng = np.random.default_rng(0)
X = rng.uniform(2.0, 3.0, (400, 2))


def network(*hidden):
    return random_layers([2, *hidden, 1], np.random.default_rng(1))


def outputs(layers):
    return np.asarray(nn.mlp(layers, X, "tanh"))[:, 0]


@pytest.mark.parametrize("hidden", [(), (8,), (8, 5)])
def test_the_origin_is_the_network_itself(hidden):
    layers = network(*hidden)
    coordinates = whitened(layers, X, "tanh")
    assert np.array_equal(outputs(coordinates.layers(coordinates.origin())), outputs(layers))


def test_a_step_in_the_output_layer_changes_the_output_by_its_length_whatever_its_direction():
    layers = network(3)
    coordinates = whitened(layers, X, "tanh", unit=0.5)
    changes = []
    for i in range(4):
        z = coordinates.origin()
        z[-1][i] = 1.0
        changes.append(np.sqrt(np.mean((outputs(coordinates.layers(z)) - outputs(layers)) ** 2)))
    # The softest direction is held back by the damping.
    assert np.allclose(sorted(changes)[1:], 0.5, rtol=0.05)
    assert max(changes) < 0.5001


@pytest.mark.parametrize("hidden", [(6,), (6, 4)])
def test_the_loss_is_better_conditioned_than_in_the_weights_themselves(hidden):
    layers = network(*hidden)
    coordinates = whitened(layers, X, "tanh")

    def spread(f, at):
        J = tidu.jacobian(f)(at)
        flat = np.concatenate([np.asarray(part).reshape(len(X), -1) for part in J], axis=1)
        eigenvalues = np.linalg.eigvalsh(flat.T @ flat)
        return eigenvalues[-1] / np.median(eigenvalues)

    def plain(arrays):
        return nn.mlp([{"W": a[:-1], "b": a[-1]} for a in arrays], X, "tanh")[:, 0]

    def moved(z):
        return nn.mlp(coordinates.layers(z), X, "tanh")[:, 0]

    assert spread(moved, coordinates.origin()) < 0.01 * spread(plain, list(coordinates.centers))


def test_a_dead_unit_does_no_harm():
    layers = network(4)
    layers[0]["b"][0] = -1e3
    coordinates = whitened(layers, X, "relu")
    assert all(np.isfinite(part).all() for part in (*coordinates.left, *coordinates.right))
