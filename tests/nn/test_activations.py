import numpy as np
import pytest
from scipy import special

import tidu
from tidu import nn
from tidu.errors import ParameterError

X = np.linspace(-4.0, 4.0, 33) + 0.013  # off the kink at zero
EXPECTED = {
    "identity": X,
    "logistic": special.expit(X),
    "sigmoid": special.expit(X),
    "tanh": np.tanh(X),
    "relu": np.maximum(X, 0.0),
    "leaky_relu": np.maximum(X, 0.01 * X),
    "elu": np.where(X > 0, X, np.expm1(X)),
    "silu": X * special.expit(X),
    "gelu": X * special.ndtr(X),
    "softplus": np.logaddexp(X, 0.0),
    "square": X * X,
    "softmax": special.softmax(X),
    "log_softmax": special.log_softmax(X),
}


def test_every_activation_is_tried_here():
    assert set(EXPECTED) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize("name", EXPECTED)
def test_values_are_those_of_the_formula(name):
    np.testing.assert_allclose(nn.activation(name)(X), EXPECTED[name], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", EXPECTED)
def test_derivatives_agree_with_differences_to_second_order(name):
    tidu.check_grads(nn.activation(name), (X,), order=2)


@pytest.mark.parametrize("name", EXPECTED)
def test_float32_stays_float32_and_extremes_stay_finite(name):
    x = np.array([-1e4, -30.0, 0.0, 30.0, 1e4], np.float32)
    value, gradient = tidu.value_and_grad(lambda x: np.sum(nn.activation(name)(x)))(x)
    assert gradient.dtype == np.float32
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
def test_the_derivative_at_the_kink_is_pytorchs(name, slope):
    assert tidu.grad(nn.activation(name))(0.0) == slope


@pytest.mark.parametrize("name", EXPECTED)
def test_nan_is_kept(name):
    with np.errstate(invalid="ignore"):  # np.logaddexp says so
        assert np.isnan(nn.activation(name)(np.array([np.nan]))).all()


def test_the_approximate_gelu_is_close_to_the_exact_one():
    assert np.abs(nn.gelu(X) - nn.gelu(X, approximate=True)).max() < 5e-4
    tidu.check_grads(lambda x: nn.gelu(x, approximate=True), (X,), order=1)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ParameterError) as caught:
        nn.activation("sigmoidal")
    assert caught.value.got == "sigmoidal"
