"""Composites of `tidu.functions`: values as NumPy's and SciPy's, gradients right, the edges as written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import tidu.functions  # noqa: F401, which fills the table
from tidu.errors import DtypeError, InPlaceError, ParameterError, ShapeError, UnsupportedError
from tidu.functions.pointwise import clip
from tidu.functions.stable import log_logistic, log_softmax, logsumexp, softmax, softplus
from tidu.trace.function import trace
from tidu.transforms.check import check_grads
from tidu.transforms.gradients import grad, vjp

X = np.array([[0.3, -1.2, 2.0], [1.5, 0.7, -0.4]])
W = np.array([0.5, 1.0, 2.5])

CASES = {
    "mean": lambda x: np.mean(x),
    "mean of an axis": lambda x: np.mean(x, axis=0, keepdims=True),
    "mean, method": lambda x: x.mean(axis=1),
    "mean where": lambda x: np.mean(x, axis=1, where=np.array([True, False, True])),
    "var": lambda x: np.var(x, axis=1),
    "var, ddof": lambda x: np.var(x, axis=1, ddof=1),
    "var, correction": lambda x: np.var(x, correction=1),
    "std": lambda x: np.std(x, axis=0, keepdims=True),
    "std, method": lambda x: x.std(),
    "average": lambda x: np.average(x, axis=0),
    "average, weights of an axis": lambda x: np.average(x, axis=1, weights=W),
    "average, all weights": lambda x: np.average(x, weights=X**2),
    "ptp": lambda x: np.ptp(x, axis=1),
    "sum where": lambda x: np.sum(x, where=X > 0),
    "prod where": lambda x: np.prod(x, axis=0, where=X > 0),
    "nansum": lambda x: np.nansum(x, axis=0),
    "nanmean": lambda x: np.nanmean(x, axis=0),
    "nanprod": lambda x: np.nanprod(np.where(X > 1, np.nan, x), axis=0),
    "nanmax": lambda x: np.nanmax(np.where(X > 1, np.nan, x), axis=1) + np.nanmin(x),
    "nanvar": lambda x: np.nanvar(np.where(X > 1, np.nan, x), axis=1, ddof=1, keepdims=True),
    "nanstd": lambda x: np.nanstd(np.where(X > 1, np.nan, x), axis=1),
    "interp": lambda x: np.interp(x, W, np.array([1.0, -1.0, 3.0])),
    "interp, the values": lambda x: np.interp(X, W, x[0], left=0.5),
    "convolve": lambda x: np.convolve(x[0], x[1, :2]),
    "convolve, same": lambda x: np.convolve(x[0], x[1, :2], "same"),
    "convolve, valid": lambda x: np.convolve(x[1, :2], x[0], mode="valid"),
    "gradient": lambda x: np.gradient(x, 0.5, axis=1),
    "gradient, all axes": lambda x: np.stack(np.gradient(x)),
    "polyval": lambda x: np.polyval(x[0], x[1]),
    "sinc": lambda x: np.sinc(x - 0.3) + np.sinc(x * 1e-3),
    "amax": lambda x: np.amax(x, axis=0),
    "reduce": lambda x: np.add.reduce(x, axis=1) + np.maximum.reduce(x, axis=1),
    "accumulate": lambda x: np.multiply.accumulate(x, axis=1),
    "cumsum": lambda x: np.cumsum(x),
    "cumprod": lambda x: x.cumprod(axis=1),
    "norm": lambda x: np.linalg.norm(x),
    "norm, fro": lambda x: np.linalg.norm(x, "fro"),
    "norm, 2": lambda x: np.linalg.norm(x, 2, axis=1, keepdims=True),
    "norm, 1": lambda x: np.linalg.norm(x, 1, axis=1),
    "norm, 3": lambda x: np.linalg.norm(x, 3, axis=1),
    "norm, inf": lambda x: np.linalg.norm(x, np.inf, axis=0),
    "norm, -inf": lambda x: np.linalg.norm(x, -np.inf, axis=0),
    "matrix norm, 1": lambda x: np.linalg.norm(x, 1),
    "matrix norm, inf": lambda x: np.linalg.norm(x, np.inf),
    "matrix norm, swapped axes": lambda x: np.linalg.norm(x, 1, axis=(1, 0)),
    "matrix norm, -1": lambda x: np.linalg.norm(x, -1, keepdims=True),
    "diff": lambda x: np.diff(x),
    "diff, twice": lambda x: np.diff(x, n=2, axis=1),
    "diff, prepend": lambda x: np.diff(x, axis=0, prepend=1.0, append=X),
    "trapezoid": lambda x: np.trapezoid(x),
    "trapezoid, at": lambda x: np.trapezoid(x, W, axis=1),
    "trapezoid, step": lambda x: np.trapezoid(x, dx=0.5, axis=0),
    "clip": lambda x: np.clip(x, -1.0, 1.0),
    "clip, one side": lambda x: np.clip(x, None, 1.0),
    "clip, names": lambda x: np.clip(x, min=-1.0, max=1.0),
    "clip, method": lambda x: x.clip(-1.0),
    "power of two": lambda x: x**2 + np.power(x, -1),
    "power, a float": lambda x: np.abs(x) ** 1.5 + 2.0**x,
    "float_power": lambda x: np.float_power(np.abs(x), x),
    "degrees": lambda x: np.deg2rad(x) + np.degrees(x),
    "divmod": lambda x: np.divmod(x, 0.61)[1],
    "fabs": lambda x: np.fabs(x) + np.positive(x) + np.conj(x) + np.real(x),
    "nan_to_num": lambda x: np.nan_to_num(x / (np.abs(x) - 0.3)),
    "logaddexp2": lambda x: np.logaddexp2(x, 1.0),
    "where": lambda x: np.where(x > 0, x * x, -x),
    "expit": lambda x: special.expit(x) + special.log_expit(x),
    "logit": lambda x: special.logit(special.expit(x)),
    "erf": lambda x: special.erf(x) * special.erfc(x) + special.ndtr(x),
    "erfinv": lambda x: special.erfinv(x / 3.0),
    "xlogy": lambda x: special.xlogy(x, np.abs(x)),
}


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_values_are_numpys_and_gradients_agree_with_differences(name):
    function = CASES[name]
    value, _ = vjp(function, X)
    expected = function(X)
    assert np.shape(value) == np.shape(expected)
    assert np.asarray(value).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-13)
    if name != "nan_to_num":
        check_grads(function, (X,), order=2)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32_with_a_float32_gradient(name):
    function = CASES[name]
    x = X.astype(np.float32)
    plain = np.asarray(function(x))
    value, pull = vjp(function, x)
    assert np.asarray(value).dtype == plain.dtype
    (ct,) = pull(np.ones(plain.shape, plain.dtype))
    assert ct.dtype == np.float32


@pytest.mark.parametrize(
    "function",
    [np.mean, np.var, np.std, lambda x: np.average(x, weights=x), lambda x: np.linalg.norm(x), np.sum, np.max, np.prod],
)
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float16"])
def test_other_dtypes_promote_as_in_numpy(function, dtype):
    x = np.array([1, 1, 0]).astype(dtype)
    traced = trace(function, [x], eager=True)
    (output,) = traced.graph.outputs
    expected = np.asarray(function(x))
    assert output.spec.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(traced.values[output], float), expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_stable_functions_agree_with_scipy(name, axis):
    ours = {"logsumexp": logsumexp, "softmax": softmax, "log_softmax": log_softmax}[name]
    theirs = getattr(special, name)
    for x in (X, X * 1e4, X.astype(np.float32)):
        expected = theirs(x, axis=axis)
        got = vjp(lambda x: ours(x, axis=axis), x)[0]
        assert got.dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(got, expected, rtol=1e-6 if x.dtype == np.float32 else 1e-13)
    check_grads(lambda x: ours(x, axis=axis), (X,), order=2)


def test_logsumexp_takes_factors():
    b = np.array([1.0, 0.0, 2.0])
    got = vjp(lambda x: logsumexp(x, axis=1, b=b, keepdims=True), X)[0]
    np.testing.assert_allclose(got, special.logsumexp(X, axis=1, b=b, keepdims=True), rtol=1e-14)
    check_grads(lambda x, b: logsumexp(x, axis=1, b=b), (X, W), order=2)


def test_a_masked_entry_gets_no_probability_and_no_gradient():
    x = np.array([0.0, -np.inf, 1.0])
    for function in (lambda x: logsumexp(x), lambda x: softmax(x)[0], lambda x: log_softmax(x)[0]):
        gradient = grad(function)(x)
        assert np.isfinite(gradient).all()
        assert gradient[1] == 0.0


def test_a_row_of_minus_infinity_has_logsumexp_minus_infinity_and_gradient_zero():
    x = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    with np.errstate(divide="raise", invalid="raise"):
        value, pull = vjp(lambda x: logsumexp(x, axis=1), x)
    np.testing.assert_array_equal(value, [-np.inf, np.log(2.0)])
    np.testing.assert_array_equal(pull(np.ones(2))[0], [[0.0, 0.0], [0.5, 0.5]])


def test_an_infinite_entry_makes_logsumexp_infinite():
    assert logsumexp(np.array([np.inf, 1.0])) == np.inf


@given(st.floats(-1e4, 1e4))
@settings(max_examples=50, deadline=None)
def test_softplus_and_log_logistic_and_their_slopes_are_finite_everywhere(x):
    for function, slope in ((softplus, special.expit(x)), (log_logistic, special.expit(-x))):
        assert np.isfinite(function(x))
        np.testing.assert_allclose(grad(function)(x), slope, rtol=1e-12, atol=1e-300)


@given(st.lists(st.sampled_from([0.0, -1.5, 2.0, 3.0]), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_products_with_zeros_have_the_product_of_the_others_to_second_order(values):
    x = np.array(values)
    others = [np.prod(np.delete(x, i)) for i in range(len(x))]
    np.testing.assert_allclose(grad(np.prod)(x), others, rtol=1e-12)
    direction = np.arange(1.0, len(x) + 1)
    expected = [
        sum(direction[j] * np.prod(np.delete(x, [i, j])) for j in range(len(x)) if j != i) for i in range(len(x))
    ]
    second = grad(lambda x: np.sum(grad(np.prod)(x) * direction))(x)
    np.testing.assert_allclose(second, expected, rtol=1e-12, atol=1e-12)


@given(st.lists(st.sampled_from([0.0, -1.5, 2.0, 3.0]), min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_running_products_with_zeros_have_the_right_gradient(values):
    x, ct = np.array(values), np.arange(1.0, len(values) + 1)
    expected = [sum(ct[i] * np.prod(np.delete(x[: i + 1], j)) for i in range(j, len(x))) for j in range(len(x))]
    np.testing.assert_allclose(vjp(np.cumprod, x)[1](ct)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "function", [np.linalg.norm, np.std, lambda x: np.linalg.norm(x, 2, axis=0), lambda x: np.hypot(x[0], x[1])]
)
def test_the_gradient_of_a_length_is_zero_where_it_is_zero(function):
    np.testing.assert_array_equal(grad(function)(np.zeros(3)), np.zeros(3))


def test_ties_share_the_gradient_evenly():
    x = np.array([1.0, 3.0, 3.0, 2.0])
    np.testing.assert_array_equal(grad(np.max)(x), [0.0, 0.5, 0.5, 0.0])
    np.testing.assert_array_equal(grad(np.min)(-x), [0.0, 0.5, 0.5, 0.0])
    assert grad(lambda x: np.clip(x, 0.0, 1.0))(1.0) == 0.5
    assert grad(lambda x: np.clip(x, 0.0, 1.0))(0.5) == 1.0
    assert grad(lambda x: np.clip(x, 0.0, 1.0))(2.0) == 0.0


def test_replaced_values_get_no_gradient():
    x = np.array([np.nan, 1.0, np.inf, -np.inf])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.nan_to_num(x) * 0.5))(x), [0.0, 0.5, 0.0, 0.0])
    np.testing.assert_array_equal(grad(lambda x: np.nansum(x[:2]))(x), [0.0, 1.0, 0.0, 0.0])


def test_sinc_has_its_second_derivative_at_zero():
    assert grad(np.sinc)(0.0) == 0.0
    np.testing.assert_allclose(grad(grad(np.sinc))(0.0), -(np.pi**2) / 3, rtol=1e-14)
    edge = 0.03 / np.pi
    for order in (np.sinc, grad(np.sinc), grad(grad(np.sinc))):
        np.testing.assert_allclose(order(edge * (1 - 1e-9)), order(edge * (1 + 1e-9)), rtol=1e-8)


def test_rows_of_nan_alone_are_nan_with_gradient_zero():
    x = np.array([[np.nan, np.nan], [1.0, np.nan]])
    for function in (np.nanmax, np.nanmin):
        value, pull = vjp(lambda x, f=function: f(x, axis=1), x)
        np.testing.assert_array_equal(value, [np.nan, 1.0])
        np.testing.assert_array_equal(pull(np.ones(2))[0], [[0.0, 0.0], [1.0, 0.0]])


def test_positions_are_int64_and_follow_numpy():
    for function in (np.argmax, np.argmin):
        for keywords in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"keepdims": True}):
            traced = trace(lambda x, f=function, k=keywords: f(x, **k), [X], eager=True)
            (output,) = traced.graph.outputs
            assert output.spec.dtype == np.int64
            np.testing.assert_array_equal(traced.values[output], function(X, **keywords))


def test_logic_of_booleans_is_traced_and_that_of_integers_refused():
    def masked(x):
        inside = (x > 0.0) & (x < 1.0) | ~(x < 2.0) ^ (x == 0.3)
        return np.sum(np.where(inside, x, 0.0))

    traced = trace(masked, [X], eager=True)
    assert traced.values[traced.graph.outputs[0]] == masked(X)
    with pytest.raises(DtypeError) as refused:
        trace(lambda n: n & 1, [np.arange(3)], eager=True)
    assert refused.value.got == np.dtype(np.int64)


@pytest.mark.parametrize("decimals", [-1, 0, 2])
def test_rounding_follows_numpy_and_stops_the_gradient(decimals):
    x = np.array([12.345, -0.5, 27.0])
    value, pull = vjp(lambda x: np.round(x, decimals), x)
    np.testing.assert_array_equal(value, np.round(x, decimals))
    np.testing.assert_array_equal(pull(np.ones(3))[0], np.zeros(3))


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: np.mean(x, out=np.zeros(())), InPlaceError),
        (lambda x: np.var(x, ddof=1, correction=1), ParameterError),
        (lambda x: np.diff(x, n=-1), ParameterError),
        (lambda x: np.average(x, weights=W), ShapeError),
        (lambda x: np.max(x[:0]), ShapeError),
        (lambda x: np.argmax(x[:0]), ShapeError),
        (lambda x: np.nanmax(x, initial=0.0), UnsupportedError),
        (lambda x: np.nanvar(x, where=X > 0), UnsupportedError),
        (lambda x: np.interp(x, W, x), ShapeError),
        (lambda x: np.convolve(x, W), ShapeError),
        (lambda x: np.convolve(x[0], W, "some"), ParameterError),
        (lambda x: np.gradient(x[:1]), ShapeError),
        (lambda x: np.gradient(x, edge_order=2), ShapeError),
        (lambda x: np.max(x, where=X > 0), ParameterError),
        (lambda x: np.polyval(x, 1.0), ShapeError),
        (lambda x: np.sum(x, axis=2), ShapeError),
        (lambda x: np.sum(x, axis=(0, 0)), ShapeError),
    ],
)
def test_what_is_not_covered_is_refused_by_name(function, error):
    with pytest.raises(error):
        trace(function, [X], eager=True)


def test_composites_work_on_plain_arrays_too():
    np.testing.assert_array_equal(clip(np.array([-1.0, 2.0]), a_max=1.0), [-1.0, 1.0])


def test_importing_the_functions_leaves_scipy_alone():
    import subprocess
    import sys

    loaded = "import sys, tidu.functions; print(any(name.startswith('scipy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "False"
