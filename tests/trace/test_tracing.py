"""Plain NumPy traced: what is recorded, and what is refused."""

import copy
import math
import pickle
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import scipy.special

import tidu
from tidu.errors import DtypeError, InPlaceError, LeakError, TiduError, TraceError, UnsupportedError
from tidu.trace.function import trace

RNG = np.random.default_rng(0)


def test_the_feed_forward_code_of_the_notes_runs_verbatim():
    W1, W2, W3 = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 4)), RNG.normal(size=(1, 4))
    b1, b2, b3 = RNG.normal(size=(4, 1)), RNG.normal(size=(4, 1)), RNG.normal(size=(1, 1))

    def network(W1, b1, W2, b2, W3, b3, x):
        f = lambda x: 1.0 / (1.0 + np.exp(-x))
        h1 = f(np.dot(W1, x) + b1)
        h2 = f(np.dot(W2, h1) + b2)
        out = np.dot(W3, h2) + b3
        return out.sum()

    x = RNG.normal(size=(3, 1))
    tidu.check_grads(network, (W1, b1, W2, b2, W3, b3, x), order=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype):
    x = RNG.normal(size=(3,)).astype(dtype)
    gradient = tidu.grad(lambda x: np.sum(np.exp(2.0 * x) / (1 + x * x)))(x)
    assert gradient.dtype == dtype


def test_python_numbers_give_way_to_arrays():
    x = np.ones(3, np.float32)
    by_value = tidu.jit(lambda x, s: x * (s + 1.0))(x, 2.0)
    assert by_value.dtype == np.float32
    assert isinstance(tidu.grad(lambda s: np.sum(x * s))(2.0), float)


def test_python_float_in_python_float_out():
    assert tidu.grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2))(-2.0, 5.0, -4.0) == (-4.0, -4.0, 3.0)
    assert all(type(g) is float for g in tidu.grad(lambda x, y: x * y, argnums=(0, 1))(1.0, 2.0))


class Pair(NamedTuple):
    a: object
    b: object


@dataclass
class Layer:
    W: object
    b: object


def test_nested_containers_are_arguments_and_results():
    params = {"layers": [Layer(np.ones((2, 3)), np.zeros(2))], "scale": Pair(2.0, (np.ones(2), None))}

    def loss(p):
        layer = p["layers"][0]
        return np.sum((np.dot(layer.W, np.ones(3)) + layer.b) * p["scale"].a * p["scale"].b[0])

    gradient = tidu.grad(loss)(params)
    assert isinstance(gradient["layers"][0], Layer)
    assert isinstance(gradient["scale"], Pair)
    assert gradient["scale"].a == pytest.approx(6.0)
    assert gradient["scale"].b[1] is None
    np.testing.assert_array_equal(gradient["layers"][0].W, np.full((2, 3), 2.0))


def test_control_flow_follows_values_under_grad():
    def f(x):
        while x < 10.0:
            x = x * 2.0
        return x if x > 0 else -x

    assert tidu.grad(f)(3.0) == 4.0


ESCAPES = {
    "np.array of a list": lambda x: np.array([x[0], x[1]]),
    "np.asarray": lambda x: np.asarray(x),
    "np.array": lambda x: np.array(x),
    "np.float64": lambda x: np.float64(x[0]),
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "math": lambda x: math.exp(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "fill a plain array": lambda x: np.zeros(3).__setitem__(0, x[0]),
    "np.full": lambda x: np.full(3, x[0]),
    "pickle": lambda x: pickle.dumps(x),
    "np.fromiter": lambda x: np.fromiter(x, float),
    "np.asarray with dtype": lambda x: np.asarray(x, dtype=np.float32),
    "np.array of nested lists": lambda x: np.array([[x[0]], [1.0]]),
}


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES.keys())
@pytest.mark.parametrize("transform", [tidu.grad, tidu.jit], ids=["grad", "jit"])
def test_no_plain_array_slips_out(escape, transform):
    def f(x):
        result = escape(x)
        return np.sum(result) if result is not None else 0.0

    with pytest.raises((TiduError, ValueError)) as caught:
        transform(f)(np.ones(2))
    # NumPy's item assignment hides our error behind its own, which then has ours for its cause.
    error = caught.value if isinstance(caught.value, TiduError) else caught.value.__cause__
    assert isinstance(error, TiduError)
    assert "test_tracing.py" in str(error)


@pytest.mark.parametrize(
    "identity",
    [lambda x: x.copy(), copy.copy, copy.deepcopy, lambda x: x.astype(np.float64), lambda x: +x, lambda x: x.real],
    ids=["copy()", "copy.copy", "copy.deepcopy", "astype", "plus", "real"],
)
def test_copies_keep_the_gradient(identity):
    np.testing.assert_array_equal(tidu.grad(lambda x: np.sum(identity(x) * 2.0))(np.ones(2)), [2.0, 2.0])


def test_astype_to_another_float_keeps_the_gradient():
    gradient = tidu.grad(lambda x: np.sum(x.astype(np.float32) * 2))(np.ones(2))
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, [2.0, 2.0])


def assign(x):
    x[0] = 1.0
    return np.sum(x)


def augment(x):
    x += 1.0
    return np.sum(x)


@pytest.mark.parametrize(
    ("function", "instead"),
    [
        (assign, "tidu.set_at"),
        (augment, "x = x + y"),
        (lambda x: np.sum(np.exp(x, out=np.ones(2))), "y = np.exp"),
        (lambda x: x.sort(), "np.sort"),
        (lambda x: np.sum(x, out=np.ones(())), "np.sum"),
    ],
)
def test_writing_in_place_is_refused_with_what_to_write_instead(function, instead):
    with pytest.raises(InPlaceError) as caught:
        tidu.grad(function)(np.ones(2))
    assert instead in str(caught.value)
    assert "test_tracing.py" in str(caught.value)


def test_scalars_may_be_accumulated():
    def f(x):
        total = 0.0
        for i in range(3):
            total += x[i] * x[i]
        return total

    np.testing.assert_array_equal(tidu.grad(f)(np.arange(3.0)), [0.0, 2.0, 4.0])


def test_an_uncovered_function_is_named_with_the_users_line():
    with pytest.raises(UnsupportedError) as caught:
        tidu.grad(lambda x: np.sum(np.i0(x)))(np.ones(2))
    assert caught.value.function == "np.i0"
    assert caught.value.source.place.line == caught.traceback[0].lineno + 1


def test_a_leaked_value_is_an_error_where_it_is_used():
    kept = []
    tidu.grad(lambda x: (kept.append(x), x * x)[1])(2.0)
    with pytest.raises(LeakError):
        kept[0] * 2.0
    with pytest.raises(LeakError):
        tidu.grad(lambda x: x * kept[0])(1.0)


@pytest.mark.parametrize("value", [1, True, 1 + 2j, np.arange(3), np.array([True])])
def test_what_has_no_derivative_says_so(value):
    with pytest.raises(DtypeError, match="dtype"):
        tidu.grad(lambda x: np.sum(x * 1.0))(value)


@pytest.mark.parametrize("value", ["text", None, object(), np.array(["a"]), np.array([object()])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TiduError):
        tidu.jit(lambda x: x * 2.0)({"a": value}["a"] if value is not None else object())


def test_complex_values_on_the_way_are_refused():
    with pytest.raises(DtypeError, match="complex"):
        tidu.grad(lambda x: np.sum((x * 1j) * 1.0))(1.0)


def test_a_branch_under_jit_says_what_to_write():
    with pytest.raises(TraceError, match=r"np\.where"):
        tidu.jit(lambda x: x if x > 0 else -x)(1.0)


def test_operands_that_are_no_numbers_are_left_to_python():
    with pytest.raises(TypeError):
        tidu.grad(lambda x: x + "text")(1.0)


def test_ufunc_methods_are_traced():
    x = np.array([1.0, 2.0, 3.0])
    assert tidu.jit(lambda x: np.add.reduce(x))(x) == 6.0
    np.testing.assert_array_equal(tidu.jit(lambda x: np.multiply.outer(x, x))(x), np.outer(x, x))
    with pytest.raises(UnsupportedError):
        tidu.jit(lambda x: np.add.at(x, 0, 1.0))(x)


def test_the_same_array_is_captured_once():
    constant = np.ones(3)
    graph = trace(lambda x: x * constant + constant, (np.ones(3),), eager=False).graph
    assert len(graph.inputs) == 2


def set_item(x):
    y = np.zeros(3)
    y[0] = x[0]
    return np.sum(y)


def set_slice(x):
    y = np.zeros(3)
    y[0:2] = x
    return np.sum(y)


@pytest.mark.parametrize(
    ("function", "what", "instead"),
    [
        (set_item, "assigning", "y = tidu.set_at(y, index, x)"),
        (set_slice, "assigning", "y = tidu.set_at(y, index, x)"),
        (lambda x: np.sum(np.array([x[0], x[1]])), "np.array", "np.stack"),
        (lambda x: np.sum(np.full(3, x[0])), "np.full", "np.full_like"),
        (lambda x: math.exp(x[0]), "math.exp", "np.exp"),
        (lambda x: np.sum(scipy.special.softmax(x)), "scipy.special.softmax", "tidu.nn.softmax"),
    ],
)
def test_a_conversion_is_named_with_what_to_write(function, what, instead):
    with pytest.raises(TraceError) as caught:
        tidu.grad(function)(np.ones(2))
    message = str(caught.value)
    assert message.startswith(what)
    assert instead in message
    assert "test_tracing.py" in message


def test_scipys_functions_are_called_by_their_names():
    with pytest.raises(UnsupportedError, match=r"scipy\.special\.jv is not supported"):
        tidu.grad(lambda x: scipy.special.jv(0, x))(1.0)


@pytest.mark.parametrize("function", [lambda x: np.dot(np.ones((2, 3)), x), lambda x: x + np.ones(7)])
def test_shapes_that_do_not_fit_are_told_as_the_user_wrote_them(function):
    with pytest.raises(tidu.errors.ShapeError) as caught:
        tidu.grad(function)(np.ones(4))
    assert (4,) in caught.value.shapes
    assert "test_tracing.py" in str(caught.value)
