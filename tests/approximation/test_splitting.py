import numpy as np
import pytest

from tidu import nn
from tidu.approximation.splitting import split_samples
from tidu.approximation.starting import random_layers
from tidu.errors import DataError, ShapeError


def split(X, y, standardize=True):
    return split_samples(X, y, np.random.default_rng(0), standardize=standardize)


def test_every_sample_is_either_learned_from_or_held_out():
    samples = split(np.arange(30.0)[:, None], np.arange(30.0), standardize=False)
    assert len(samples.held_X) == 3
    assert sorted([*samples.y, *samples.held_y]) == list(range(30))
    assert np.array_equal(samples.X[:, 0], samples.y)


def test_fewer_than_ten_samples_are_all_learned_from_and_judge_too():
    samples = split(np.arange(9.0)[:, None], np.arange(9.0))
    assert len(samples.X) == len(samples.held_X) == 9


def test_the_network_for_the_samples_as_given_is_the_one_for_scaled_samples():
    rng = np.random.default_rng(1)
    X, y = rng.uniform(50.0, 90.0, (40, 3)), rng.uniform(-7e3, -5e3, 40)
    samples = split(X, y)
    for sizes in ([3, 1], [3, 4, 1], [3, 4, 4, 1]):
        layers = random_layers(sizes, rng)
        scaled = np.asarray(nn.mlp(layers, (X - samples.shift) / samples.scale))[:, 0]
        own = np.asarray(nn.mlp(samples.unscaled(layers), X))[:, 0]
        assert np.allclose(own, scaled * samples.y_scale + samples.y_shift, rtol=1e-12)


def test_what_does_not_vary_is_not_divided_by_rounding():
    samples = split(np.full((20, 1), 0.1), np.full(20, 0.3))
    assert samples.scale.tolist() == [1.0]
    assert samples.y_scale == 1.0


@pytest.mark.parametrize(
    ("X", "y"), [(np.zeros(5), np.zeros(5)), (np.zeros((5, 1)), np.zeros(4)), (np.zeros((5, 0)), np.zeros(5))]
)
def test_shapes_that_do_not_fit_are_refused(X, y):
    with pytest.raises(ShapeError) as caught:
        split(X, y)
    assert caught.value.got == (X.shape, y.shape)


def test_what_is_not_finite_is_counted_and_refused():
    with pytest.raises(DataError) as caught:
        split([[1.0], [np.nan], [2.0]], [1.0, 2.0, np.inf])
    assert (caught.value.n_samples, caught.value.n_bad) == (3, 2)


def test_one_sample_is_refused():
    with pytest.raises(DataError):
        split([[1.0]], [1.0])
