import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

import tidu
from tidu import nn
from tidu.errors import DtypeError, ParameterError, ShapeError

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(7, 4))
LABELS = rng.integers(0, 4, 7)
WEIGHTS = rng.uniform(0.1, 2.0, 7)
CLASS_WEIGHT = np.array([1.0, 2.0, 0.5, 3.0])
P, T = rng.normal(size=(7, 2)), rng.normal(size=(7, 2))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_regression_losses_are_scikit_learns_metrics(weights):
    np.testing.assert_allclose(
        nn.squared_error(P, T, weights), metrics.mean_squared_error(T, P, sample_weight=weights), rtol=1e-14
    )
    np.testing.assert_allclose(
        nn.absolute_error(P, T, weights), metrics.mean_absolute_error(T, P, sample_weight=weights), rtol=1e-14
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_is_scikit_learns_log_loss(weights):
    p = nn.softmax(SCORES)
    expected = metrics.log_loss(LABELS, p, labels=range(4), sample_weight=weights)
    np.testing.assert_allclose(nn.softmax_cross_entropy(SCORES, LABELS, weights), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", [nn.softmax_cross_entropy, nn.multiclass_hinge])
def test_class_weights_multiply_the_weights_of_samples(loss):
    both = loss(SCORES, LABELS, sample_weight=WEIGHTS, class_weight=CLASS_WEIGHT)
    np.testing.assert_allclose(both, loss(SCORES, LABELS, sample_weight=WEIGHTS * CLASS_WEIGHT[LABELS]), rtol=1e-14)
    one_by_one = [loss(SCORES[i : i + 1], LABELS[i : i + 1]) for i in range(7)]
    np.testing.assert_allclose(both, np.average(one_by_one, weights=WEIGHTS * CLASS_WEIGHT[LABELS]), rtol=1e-14)


def test_the_hinge_is_the_example_of_cs231n():
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    each = [nn.multiclass_hinge(scores[i : i + 1], np.array([i])) for i in range(3)]
    np.testing.assert_allclose(each, [2.9, 0.0, 12.9], atol=1e-12)
    np.testing.assert_allclose(nn.multiclass_hinge(scores, np.arange(3)), 15.8 / 3, rtol=1e-14)


def test_huber_is_a_parabola_that_turns_into_lines():
    d = np.array([0.0, 0.5, -2.0, 3.0])
    expected = [0.0, 0.125, 2.0 * 1.0 - 0.5, 3.0 - 0.5]
    np.testing.assert_allclose(nn.huber(d, np.zeros(4)), np.mean(expected), rtol=1e-14)
    np.testing.assert_allclose(nn.huber(10 * d, np.zeros(4), delta=100.0), np.mean(50 * d**2), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool, np.float64])
def test_binary_cross_entropy_takes_any_dtype_of_targets(dtype):
    z, t = rng.normal(size=9), rng.integers(0, 2, 9)
    expected = metrics.log_loss(t, nn.sigmoid(z))
    np.testing.assert_allclose(nn.binary_cross_entropy(z, t.astype(dtype)), expected, rtol=1e-12)


def test_binary_cross_entropy_keeps_what_rounding_would_lose():
    for z, t in ((40.0, 1.0), (-40.0, 0.0)):
        np.testing.assert_allclose(nn.binary_cross_entropy(np.array([z]), np.array([t])), np.exp(-40.0), rtol=1e-12)
    value, gradient = tidu.value_and_grad(nn.binary_cross_entropy)(np.array([1e4, -1e4]), np.array([0.0, 1.0]))
    assert value == 1e4
    np.testing.assert_array_equal(gradient, [0.5, -0.5])


def test_class_weights_of_two_classes_scale_their_terms():
    z, t = rng.normal(size=9), rng.integers(0, 2, 9)
    single = np.array([nn.binary_cross_entropy(z[i : i + 1], t[i : i + 1]) for i in range(9)])
    found = nn.binary_cross_entropy(z, t, class_weight=[0.5, 3.0])
    np.testing.assert_allclose(found, np.mean(single * np.where(t == 1, 3.0, 0.5)), rtol=1e-13)


LOSSES = {
    "squared": lambda x: nn.squared_error(x, T, WEIGHTS),
    "absolute": lambda x: nn.absolute_error(x, T),
    "huber": lambda x: nn.huber(x, T, 0.7, WEIGHTS),
    "binary": lambda x: nn.binary_cross_entropy(x, (T > 0), WEIGHTS, [1.0, 2.0]),
    "softmax": lambda x: nn.softmax_cross_entropy(np.concatenate([x, 2 * x], axis=1), LABELS, WEIGHTS, CLASS_WEIGHT),
    "hinge": lambda x: nn.multiclass_hinge(np.concatenate([x, 2 * x], axis=1), LABELS, 0.8, WEIGHTS, CLASS_WEIGHT),
    "l1": nn.l1,
    "l2": nn.l2,
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_differences(name):
    tidu.check_grads(LOSSES[name], (P,), order=2)


@pytest.mark.parametrize("name", LOSSES)
def test_float32_stays_float32_although_weights_are_float64(name):
    value, gradient = tidu.value_and_grad(LOSSES[name])(P.astype(np.float32))
    assert gradient.dtype == np.float32
    if name not in ("squared", "absolute", "huber"):  # their targets are float64
        assert value.dtype == np.float32


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5), st.floats(-1e6, 1e6))
@settings(max_examples=50)
def test_cross_entropy_does_not_change_when_all_scores_are_shifted(scores, shift):
    scores = np.array([scores])
    a, b = (nn.softmax_cross_entropy(s, np.array([0])) for s in (scores, scores + shift))
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-8)
    assert a >= 0.0


def test_a_batch_without_any_weight_has_no_loss_and_no_gradient():
    value, gradient = tidu.value_and_grad(nn.softmax_cross_entropy)(SCORES, LABELS, np.zeros(7))
    assert value == 0.0
    assert not gradient.any()


def test_penalties_of_weights_leave_biases_out():
    params = [{"W": np.array([[1.0, -2.0]]), "b": np.array([5.0, 5.0])}]
    assert nn.l1(nn.weights(params)) == 3.0
    assert nn.l2(nn.weights(params)) == 2.5
    gradient = tidu.grad(lambda p: nn.l2(nn.weights(p)))(params)
    np.testing.assert_array_equal(gradient[0]["W"], params[0]["W"])
    assert not gradient[0]["b"].any()


def test_shapes_that_would_broadcast_are_refused():
    for loss in (nn.squared_error, nn.absolute_error, nn.huber, nn.binary_cross_entropy):
        with pytest.raises(ShapeError) as caught:
            loss(np.zeros((5, 1)), np.zeros(5))
        assert (caught.value.expected, caught.value.got) == ((5, 1), (5,))


def test_labels_and_weights_of_wrong_shape_or_dtype_are_refused():
    with pytest.raises(ShapeError):
        nn.softmax_cross_entropy(SCORES, np.eye(4)[LABELS])
    with pytest.raises(DtypeError):
        nn.multiclass_hinge(SCORES, LABELS.astype(float))
    with pytest.raises(ShapeError):
        nn.softmax_cross_entropy(SCORES, LABELS, np.ones(3))
    with pytest.raises(ShapeError):
        nn.softmax_cross_entropy(SCORES, LABELS, class_weight=np.ones(3))
    with pytest.raises(ShapeError):
        nn.binary_cross_entropy(P, P > 0, class_weight=np.ones(3))
    with pytest.raises(ParameterError):
        nn.huber(P, T, delta=0.0)
    with pytest.raises(ParameterError):
        nn.l1([])
