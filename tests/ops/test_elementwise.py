"""What records cannot say of themselves: fast paths, dtypes of NumPy's keyword, extreme arguments."""

from __future__ import annotations

import numpy as np
import pytest

import tidu.functions  # noqa: F401, which fills the table
from tidu.core.primitive import registered
from tidu.errors import UnsupportedError
from tidu.ops.exponential import logaddexp
from tidu.ops.sigmoid import logistic
from tidu.trace.function import trace
from tidu.transforms.gradients import grad, vjp

HUGE = np.array([-1e4, -750.0, -50.0, 0.0, 50.0, 750.0, 1e4])


def names(function, *arguments):
    graph = trace(function, arguments, eager=False).graph
    return [node.primitive.name for node in graph.nodes if node.primitive]


def test_squares_and_reciprocals_are_taken_as_what_they_are():
    assert names(lambda x: x**2, np.ones(3)) == ["square"]
    assert names(lambda x: x**-1, np.ones(3)) == ["reciprocal"]
    assert names(lambda x: np.power(x, 2.0), np.ones(3)) == ["square"]
    assert names(lambda x: x**3, np.ones(3)) == ["power"]
    assert names(lambda x: x**2, np.arange(3)) == ["power"]


def test_negative_powers_of_integers_are_refused_as_in_numpy():
    with pytest.raises(ValueError, match="negative integer powers"):
        trace(lambda x: x**-1, [np.arange(1, 3)], eager=True)


def test_second_derivatives_of_powers_are_right_at_zero():
    assert grad(grad(lambda x: x**3.0))(0.0) == 0.0
    assert grad(grad(lambda x: x**2.0))(0.0) == 2.0
    assert grad(grad(lambda x: np.power(x, np.float64(2.0))))(0.0) == 2.0
    assert grad(grad(lambda x: np.power(x, np.float64(1.0))))(0.0) == 0.0
    assert grad(grad(lambda x: np.power(x, np.float64(0.0))))(0.0) == 0.0


def test_the_logistic_neither_overflows_nor_loses_its_tail():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, pull = vjp(logistic, HUGE)
        (slope,) = pull(np.ones(7))
    assert value[1] == 0.0
    np.testing.assert_allclose(value[2], np.exp(-50.0), rtol=1e-15)
    np.testing.assert_allclose(slope, np.exp(-np.abs(HUGE)) / (1 + np.exp(-np.abs(HUGE))) ** 2, rtol=1e-14, atol=1e-21)


def test_logaddexp_neither_overflows_nor_gives_nan_slopes():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, pull = vjp(logaddexp, HUGE, -HUGE)
        one, other = pull(np.ones(7))
    np.testing.assert_allclose(value, np.logaddexp(HUGE, -HUGE), rtol=1e-15)
    np.testing.assert_allclose(one + other, 1.0, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_smooth_function_keeps_the_dtype_of_value_and_gradient(dtype):
    for primitive in registered():
        if primitive.kind.name != "elementwise" or not primitive.numpy:
            continue
        operands = [np.asarray((i.low + i.high) / 2 + 0.05, dtype) for i in primitive.samples]
        value, pull = vjp(primitive.numpy[0], *operands)
        expected = np.asarray(primitive.numpy[0](*operands)).dtype
        assert np.asarray(value).dtype == expected, primitive.name
        if expected.kind == "f":
            assert expected == dtype, primitive.name
            assert [x.dtype for x in pull(np.ones((), dtype))] == [dtype] * len(operands), primitive.name


def test_python_numbers_give_way_to_float32():
    x = np.ones(3, np.float32)
    for function in (
        lambda x: np.maximum(x, 0.0) + np.where(x > 0.5, x, 1.0) - 2 / x,
        lambda x: np.logaddexp(x, 0.0) * np.hypot(x, 1.0) % 1.5 // 0.5,
        lambda x: np.clip(x**2.5, 0.1, None) + np.arctan2(1.0, x) ** 2 - np.deg2rad(x),
    ):
        value, pull = vjp(function, x)
        assert value.dtype == np.float32
        assert pull(x)[0].dtype == np.float32


def test_a_dtype_keyword_converts_as_numpy_does():
    x = np.ones(3, np.float32)
    for function in (lambda x: np.exp(x, dtype=np.float64), lambda x: np.power(x, 2, dtype=np.float64)):
        value, pull = vjp(function, x)
        assert value.dtype == np.float64
        assert pull(value)[0].dtype == np.float32


def test_a_where_keyword_is_refused_by_name():
    with pytest.raises(UnsupportedError) as refused:
        trace(lambda x: np.exp(x, where=np.array(True)), [1.0], eager=True)
    assert "exp" in refused.value.function


def test_gradients_do_not_leak_through_an_untaken_branch_of_where():
    def safe_root(x):
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0))

    np.testing.assert_array_equal(grad(safe_root)(np.array([0.0, 4.0])), [0.0, 0.25])
