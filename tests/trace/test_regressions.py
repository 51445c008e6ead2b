"""What once went wrong or was refused in tracing, held for good: values, dtypes and gradients as NumPy's code means."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

import tidu
from tidu.core.bind import Traced
from tidu.errors import ParameterError, TraceError, UnsupportedError

X = np.array([0.3, -0.7, 1.2, 0.9])
M = np.array([[0.3, -0.7, 1.2], [1.5, 0.4, -0.2]])
T = np.array([0.0, 1.0, 3.0, 3.5])
NAN = np.array([0.3, np.nan, 1.2, 0.9])

VECTORS = {
    "a list on the left": lambda x: [1.0, 2.0, 3.0, 4.0] + x,  # noqa: RUF005
    "a list on the right": lambda x: x - [1, 2, 3, 4],
    "a tuple divided": lambda x: (1.0, 2.0, 3.0, 4.0) / (x + 3.0),
    "a list with traced elements": lambda x: x * [x[0], 1.0, x[1], 2.0],
    "a nested list": lambda x: x + [[1.0], [2.0]],  # noqa: RUF005
    "flat": lambda x: x.flat[1:3] * 2.0,
    "sum from a value": lambda x: np.sum(x, initial=2.0) * x,
    "prod from a value": lambda x: np.prod(x, initial=2.0) * x,
    "max from a value": lambda x: np.max(x, initial=0.5) * x,
    "min where": lambda x: np.min(x, where=X < 1.0, initial=9.0) * x,
    "keepdims as a number": lambda x: np.sum(x, keepdims=1),
    "sum of a scalar along an axis": lambda x: np.sum(x[0], axis=0) * x,
    "var where": lambda x: np.var(x, where=X > 0.0) * x,
    "std of a given mean": lambda x: np.std(x, mean=np.mean(x), keepdims=True) * x,
    "where alone": lambda x: x[np.where(x > 0.0)],
    "piecewise": lambda x: np.piecewise(x, [X < 0, X > 1.0], [lambda t: t * t, 2.0, np.sin]),
    "isin": lambda x: np.isin(np.rint(x), [1.0]) * x,
    "subtract.reduce": lambda x: np.subtract.reduce(x) * x,
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x) * x,
    "maximum.accumulate": lambda x: np.maximum.accumulate(x),
    "minimum.accumulate": lambda x: np.minimum.accumulate(x * x),
    "hypot.reduce of one element": lambda x: np.hypot.reduce(x[1:2]) * x,
    "polymul with leading zeros": lambda x: np.polymul((X > 0.5) * x, x),
    "convolve a scalar": lambda x: np.convolve(x[0], x),
    "hypot.accumulate": lambda x: np.hypot.accumulate(x),
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 2]),
    "bincount": lambda x: np.bincount([0, 1, 1, 3], x),
    "cumulative_sum": lambda x: np.cumulative_sum(x, include_initial=True),
    "cumulative_prod": lambda x: np.cumulative_prod(x, include_initial=True),
    "nancumsum": lambda x: np.nancumsum(np.where(np.isnan(NAN), np.nan, x)),
    "nancumprod": lambda x: np.nancumprod(np.where(np.isnan(NAN), np.nan, x)),
    "ediff1d": lambda x: np.ediff1d(x, to_end=[1.0, 2.0], to_begin=0.0),
    "unwrap": lambda x: np.unwrap(x * 9.0),
    "cov of two": lambda x: np.cov(x, x**2),
    "cov of one": lambda x: np.cov(x) * x,
    "corrcoef": lambda x: np.corrcoef(x, x**2),
    "polyadd": lambda x: np.polyadd(x, [1.0, 2.0]),
    "polysub": lambda x: np.polysub([1.0], x),
    "polymul": lambda x: np.polymul(x, [1.0, 2.0]),
    "polyder": lambda x: np.polyder(x, 2),
    "polyint": lambda x: np.polyint(x, 2),
    "vander": lambda x: np.vander(x, 3),
    "vander, increasing": lambda x: np.vander(x, increasing=True),
    "sliding windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2),
    "resize": lambda x: np.resize(x, (2, 3)),
    "fftshift": lambda x: np.fft.fftshift(x),
    "ifftshift": lambda x: np.fft.ifftshift(x),
    "modf": lambda x: np.modf(x)[0],
    "ldexp": lambda x: np.ldexp(x, 2),
    "vector norm": lambda x: np.linalg.vector_norm(x, ord=3) * x,
    "unique_counts": lambda x: np.unique_counts(x).values,
    "union1d": lambda x: np.union1d(x, [0.5]),
    "intersect1d": lambda x: np.intersect1d(x, x),
    "setdiff1d": lambda x: np.setdiff1d(x, [5.0]),
    "lexsort": lambda x: x[np.lexsort((x,))],
    "nanmedian": lambda x: np.nanmedian(np.where(np.isnan(NAN), np.nan, x)) * x,
    "nanquantile": lambda x: np.nanquantile(np.where(np.isnan(NAN), np.nan, x), [0.1, 0.7]),
    "nanpercentile": lambda x: np.nanpercentile(np.where(np.isnan(NAN), np.nan, x), 30, keepdims=True),
    "hazen": lambda x: np.quantile(x, [0.1, 0.4], method="hazen"),
    "median unbiased": lambda x: np.percentile(x, 40, method="median_unbiased") * x,
    "geomspace": lambda x: np.geomspace(1.0, x * x + 1.0, 4),
    "logspace": lambda x: np.logspace(0.0, x, 4),
    "gradient at places": lambda x: np.gradient(x, T),
    "gradient, second order at the ends": lambda x: np.gradient(x, T, edge_order=2),
    "interp with a period": lambda x: np.interp(x, T + 0.05, T * 2.0, period=3.2),
    "trapezoid over many places": lambda x: np.trapezoid(x[:2], M * x[0]),
    "take by 0 and 1": lambda x: np.take(x, [True, False]),
}
MATRICES = {
    "nuclear norm": lambda m: np.linalg.norm(m, "nuc") * m,
    "spectral norm": lambda m: np.linalg.norm(m, 2, keepdims=True) * m,
    "matrix norm": lambda m: np.linalg.matrix_norm(m, ord=1) * m,
    "vector norm of all": lambda m: np.linalg.vector_norm(m, axis=(0, 1), keepdims=True),
    "condition": lambda m: np.linalg.cond(m) * m,
    "condition, 1-norm": lambda m: np.linalg.cond(m @ m.T + np.eye(2), 1) * m,
    "rank": lambda m: np.linalg.matrix_rank(m) * m,
    "least squares": lambda m: np.linalg.lstsq(m.T, np.ones(3))[0],
    "tensorsolve": lambda m: np.linalg.tensorsolve(m @ m.T + np.eye(2), np.ones(2)),
    "tensorinv": lambda m: np.linalg.tensorinv(m @ m.T + np.eye(2), ind=1),
    "cov in columns": lambda m: np.cov(m, rowvar=False, bias=True),
    "along an axis": lambda m: np.apply_along_axis(lambda t: t * t.sum(), 0, m),
    "along an axis, reduced": lambda m: np.apply_along_axis(np.sum, 1, m),
    "over axes": lambda m: np.apply_over_axes(np.sum, m, [0, 1]),
    "maximum.accumulate": lambda m: np.maximum.accumulate(m, axis=1),
    "windows": lambda m: np.lib.stride_tricks.sliding_window_view(m, (2, 2)),
    "unwrap": lambda m: np.unwrap(m * 5.0, axis=0),
    "nanmedian": lambda m: np.nanmedian(m, axis=0),
    "logaddexp.reduce": lambda m: np.logaddexp.reduce(m, axis=1, keepdims=True),
}
CASES = {**{name: (f, X) for name, f in VECTORS.items()}, **{f"matrix: {n}": (f, M) for n, f in MATRICES.items()}}


@pytest.mark.parametrize("name", CASES)
def test_value_shape_dtype_and_gradient_are_those_of_the_numpy_code(name):
    function, x = CASES[name]
    seen = []

    def weighted(x):
        y = function(x)
        seen.append(y)
        return np.sum(y * np.cos(1.0 + np.arange(float(y.size))).reshape(y.shape))

    value, found = tidu.value_and_grad(weighted)(x)
    traced, plain = seen[0], np.asarray(function(x))
    assert isinstance(traced, Traced)
    assert (traced.dtype, traced.shape) == (plain.dtype, plain.shape)
    np.testing.assert_allclose(traced.concrete("the test"), plain, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(value, weighted(x), rtol=1e-12)
    slopes = [(weighted(x + e) - weighted(x - e)) / 2e-6 for e in 1e-6 * np.eye(x.size).reshape(-1, *x.shape)]
    np.testing.assert_allclose(found.ravel(), slopes, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("order", [1.5, 2, 3])
def test_the_norm_of_zeros_has_gradient_zero_whatever_its_order(order):
    np.testing.assert_array_equal(tidu.grad(lambda x: np.linalg.norm(x, order))(np.zeros(3)), np.zeros(3))


def test_the_condition_of_where_has_no_part_in_the_dtype():
    seen = []
    tidu.grad(lambda x: seen.append(np.where(x, 1, 0)) or np.sum(x))(X)
    assert seen[0].dtype == np.where(X, 1, 0).dtype


def test_running_extremes_share_nothing_with_elements_that_are_not_the_largest():
    x = np.array([2.0, 1.0, 0.5, 3.0, 0.0])
    np.testing.assert_array_equal(tidu.grad(lambda x: np.sum(np.maximum.accumulate(x)))(x), [3.0, 0.0, 0.0, 2.0, 0.0])


def test_float32_stays_float32_in_the_newer_functions():
    x = X.astype(np.float32)
    for name, function in VECTORS.items():
        try:
            plain = function(x)
        except TypeError:
            continue
        seen = []
        found = tidu.grad(lambda x, f=function, seen=seen: np.sum(seen.append(f(x)) or seen[0]))(x)
        assert seen[0].dtype == np.asarray(plain).dtype, name
        assert found.dtype == np.float32, name


def test_max_where_needs_a_value_of_no_elements():
    with pytest.raises(ParameterError):
        tidu.grad(lambda x: np.max(x, where=X > 0.0))(X)


def test_truncating_by_math_is_refused_in_our_words():
    with pytest.raises(TraceError) as refused:
        tidu.grad(lambda x: math.trunc(x[0]) * x[0])(X)
    assert "trunc" in refused.value.what


def test_a_refused_function_is_named_with_its_module():
    with pytest.raises(UnsupportedError) as refused:
        tidu.grad(lambda x: np.sum(np.linalg.eig(np.outer(x, x))[0].real))(X)
    assert refused.value.function == "np.linalg.eig"


def test_threads_may_trace_at_the_same_time():
    found = {}

    def work(number):
        inner = tidu.vmap(tidu.grad(lambda x: np.sin(x * number)))
        found[number] = [tidu.grad(lambda x: np.sum(tidu.jit(inner)(x) ** 2))(X) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(float(n),)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, results in found.items():
        expected = -(n**3) * np.sin(2 * n * X)
        assert all(np.allclose(result, expected) for result in results)
    assert len(found) == 4


def test_an_error_while_tracing_leaves_nothing_behind():
    f = tidu.jit(lambda x: np.sum(x) if x.shape[0] > 2 else x.nothing)
    with pytest.raises(AttributeError):
        tidu.grad(lambda x: tidu.grad(f)(x)[0])(X[:2])
    np.testing.assert_array_equal(tidu.grad(f)(X), np.ones(4))
    np.testing.assert_array_equal(tidu.hessian(lambda x: np.sum(x**3))(X), np.diag(6 * X))


def test_checkpoint_inside_vmap_keeps_the_constants_of_batching_rules():
    def inner(x):
        return np.sum(np.sort(x) * np.arange(3.0) * x) + np.sum(x[[0, 2]] * x[np.array([1, 1])])

    rows = np.array([[0.3, -0.8, 1.1], [2.0, 0.5, -1.0]])
    expected = [tidu.grad(inner)(row) for row in rows]
    found = tidu.grad(lambda x: np.sum(tidu.vmap(tidu.checkpoint(inner))(x)))(rows)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(tidu.jit(tidu.vmap(tidu.grad(tidu.checkpoint(inner))))(rows), expected)


def test_static_arguments_that_are_equal_to_python_only_are_traced_apart():
    f = tidu.jit(lambda x, n: x * n, static_argnums=1)
    assert [type(f(2, n)) for n in (1, 1.0, True)] == [int, float, int]
    g = tidu.jit(lambda x, n: np.copysign(x, n), static_argnums=1)
    assert (g(2.0, 0.0), g(2.0, -0.0)) == (2.0, -2.0)


def test_tangents_take_the_dtype_of_their_primals():
    x, direction = X.astype(np.float32), np.ones(4)
    assert tidu.hvp(lambda x: np.sum(x**3), (x,), (direction,)).dtype == np.float32
    assert tidu.jvp(lambda x: x**3, (x,), (direction,))[1].dtype == np.float32


def test_linspace_between_a_number_and_float32_is_float32():
    seen = []
    tidu.grad(lambda x: np.sum(seen.append(np.linspace(0.0, x, 3)) or seen[0]))(np.float32(2.0))
    assert seen[0].dtype == np.float32
