"""grad and its relatives: values, nesting, conventions of JAX."""

import gc
import warnings

import numpy as np
import pytest

import tidu
from tidu.errors import DtypeError, GradientError, NonFiniteError, ParameterError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3,))


def cube(x):
    return np.sum(x * x * x)


def test_grad_nests_to_any_order():
    f = lambda x: np.exp(2.0 * x)
    for order in range(5):
        assert f(0.3) == pytest.approx(2.0**order * np.exp(0.6), rel=1e-13)
        f = tidu.grad(f)


def test_levels_are_not_confused():
    assert tidu.grad(lambda x: x * tidu.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert tidu.grad(lambda x: x * tidu.grad(lambda y: x * y)(1.0))(3.0) == 6.0
    inner = lambda x: tidu.jvp(lambda y: x * y, (1.0,), (1.0,))[1]
    assert tidu.grad(lambda x: x * inner(x))(3.0) == 6.0


def test_unused_inputs_get_zeros():
    unused = tidu.grad(lambda x, y: np.sum(x), argnums=1)(np.ones(2), {"a": np.ones((2, 3)), "b": 1.0})
    np.testing.assert_array_equal(unused["a"], np.zeros((2, 3)))
    assert unused["b"] == 0.0
    assert tidu.grad(lambda x: 3.0)(1.0) == 0.0


def test_argnums_and_aux_follow_jax():
    f = lambda x, y: (x * y, {"x": x})
    (value, aux), gradient = tidu.value_and_grad(f, argnums=(1, 0), has_aux=True)(2.0, 3.0)
    assert (value, aux["x"], gradient) == (6.0, 2.0, (2.0, 3.0))
    gradient, aux = tidu.grad(f, argnums=-1, has_aux=True)(2.0, 3.0)
    assert gradient == 2.0


def test_keyword_arguments_are_passed_on():
    assert tidu.grad(lambda x, power: x**power)(3.0, power=2) == 6.0


def test_chains_of_100_000_nodes_do_not_recurse():
    def chain(x):
        for _ in range(100_000):
            x = x * 1.0
        return x

    assert tidu.grad(chain)(2.0) == 1.0
    gc.collect()


@pytest.mark.parametrize(
    ("function", "argument", "error"),
    [
        (lambda x: x, np.ones(3), ShapeError),
        (lambda x: (x, x), 1.0, ShapeError),
        (lambda x: x > 0, 1.0, DtypeError),
        (lambda x: x, 2, DtypeError),
    ],
)
def test_grad_refuses_what_has_no_gradient(function, argument, error):
    with pytest.raises(error):
        tidu.grad(function)(argument)


def test_argnums_out_of_range_is_named():
    with pytest.raises(ParameterError, match="argnums"):
        tidu.grad(lambda x: x, argnums=2)(1.0)


def test_vjp_and_jvp_agree_with_the_jacobian():
    f = lambda x: np.exp(x) * np.sum(x)
    jacobian = tidu.jacobian(f)(X)
    v = RNG.normal(size=3)
    value, pull = tidu.vjp(f, X)
    np.testing.assert_allclose(value, f(X))
    np.testing.assert_allclose(pull(v)[0], v @ jacobian, rtol=1e-13)
    value, pushed = tidu.jvp(f, (X,), (v,))
    np.testing.assert_allclose(pushed, jacobian @ v, rtol=1e-13)


def test_the_pullback_wants_a_cotangent_like_the_result():
    _, pull = tidu.vjp(lambda x: {"a": x}, X)
    for wrong in (X, {"a": X[:2]}):
        with pytest.raises(ShapeError):
            pull(wrong)
    with pytest.raises(ShapeError):
        tidu.jvp(cube, (X,), (X[:2],))


def test_hessian_and_hvp_agree():
    hessian = tidu.hessian(cube)(X)
    np.testing.assert_allclose(hessian, np.diag(6 * X), rtol=1e-13)
    v = RNG.normal(size=3)
    np.testing.assert_allclose(tidu.hvp(cube, (X,), (v,)), hessian @ v, rtol=1e-13)


def test_hvp_of_several_arguments_has_the_mixed_terms():
    f = lambda x, y: np.sum(x * x * y)
    product = tidu.hvp(f, (X, X + 1), (np.ones(3), np.zeros(3)))
    np.testing.assert_allclose(product[0], 2 * (X + 1))
    np.testing.assert_allclose(product[1], 2 * X)


def test_jacobian_nests_results_outside_arguments():
    f = lambda p: {"sum": np.sum(p["a"]) * p["b"], "a": p["a"]}
    found = tidu.jacobian(f)({"a": X, "b": 2.0})
    np.testing.assert_array_equal(found["sum"]["a"], np.full(3, 2.0))
    np.testing.assert_array_equal(found["a"]["a"], np.eye(3))
    np.testing.assert_array_equal(found["a"]["b"], np.zeros(3))


def test_vmap_equals_a_loop():
    W, xs = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))
    f = lambda W, x: np.exp(np.dot(W, x)) * np.sum(x)
    np.testing.assert_allclose(tidu.vmap(f, in_axes=(None, 0))(W, xs), [f(W, x) for x in xs], rtol=1e-13)
    np.testing.assert_allclose(
        tidu.vmap(f, in_axes=(None, 1), out_axes=1)(W, xs.T), np.stack([f(W, x) for x in xs], 1), rtol=1e-13
    )


def test_vmap_of_grad_gives_gradients_for_each_example():
    xs = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(tidu.vmap(tidu.grad(cube))(xs), 3 * xs**2, rtol=1e-13)
    np.testing.assert_allclose(tidu.grad(lambda xs: np.sum(tidu.vmap(cube)(xs)))(xs), 3 * xs**2, rtol=1e-13)


def test_vmap_takes_nested_axes_and_broadcasts_constants():
    xs = {"x": RNG.normal(size=(5, 3)), "w": 2.0}
    np.testing.assert_allclose(tidu.vmap(lambda p: p["x"] * p["w"], in_axes=({"x": 0, "w": None},))(xs), xs["x"] * 2.0)
    np.testing.assert_array_equal(tidu.vmap(lambda x: 3.0)(np.ones(4)), np.full(4, 3.0))


@pytest.mark.parametrize("axes", [None, (0, 0, 0), 3])
def test_vmap_refuses_axes_that_do_not_fit(axes):
    with pytest.raises(ShapeError):
        tidu.vmap(lambda x, y: x + y, in_axes=axes)(np.ones((2, 3)), np.ones((2, 3)))


def test_vmap_refuses_different_numbers_of_examples():
    with pytest.raises(ShapeError, match="disagree"):
        tidu.vmap(lambda x, y: x + y)(np.ones(2), np.ones(3))


@tidu.custom_vjp
def scaled(x):
    return x * x


scaled.defvjp(lambda x: (x * x, x), lambda x, ct: (100.0 * x * ct,))


def test_custom_rules_are_used_under_every_transformation():
    assert tidu.grad(scaled)(2.0) == 200.0
    assert tidu.grad(tidu.grad(scaled))(2.0) == 100.0
    assert tidu.jit(tidu.grad(scaled))(2.0) == 200.0
    assert tidu.grad(tidu.jit(scaled))(2.0) == 200.0
    np.testing.assert_array_equal(tidu.vmap(tidu.grad(scaled))(np.ones(2)), [100.0, 100.0])
    np.testing.assert_array_equal(tidu.grad(lambda x: np.sum(tidu.vmap(scaled)(x)))(np.ones(2)), [100.0, 100.0])


def test_custom_rules_follow_control_flow_and_static_arguments():
    def fwd(x, sign):
        return (x if x > 0 else -x), None

    f = tidu.custom_vjp(lambda x, sign: fwd(x, sign)[0], nondiff_argnums=(1,))
    f.defvjp(fwd, lambda sign, _, ct: (ct * sign,))
    assert tidu.grad(f)(-2.0, 7.0) == 7.0


def test_custom_rules_must_be_given_and_fit():
    f = tidu.custom_vjp(lambda x: x)
    with pytest.raises(ParameterError, match="defvjp"):
        tidu.grad(f)(1.0)
    f.defvjp(lambda x: (x, None), lambda _, ct: ct)
    with pytest.raises(ShapeError, match="tuple"):
        tidu.grad(f)(1.0)


def test_custom_rules_cannot_lose_a_captured_gradient():
    def outer(y):
        f = tidu.custom_vjp(lambda x: x * y)
        f.defvjp(lambda x: (x * y, None), lambda _, ct: (ct,))
        return f(y)

    with pytest.raises(tidu.errors.TraceError, match="pass it as an argument"):
        tidu.grad(outer)(1.0)


def test_checkpoint_changes_nothing_but_memory():
    f = lambda x: np.exp(np.exp(x) * x)
    g = tidu.checkpoint(f)
    for transform in (lambda f: f, tidu.grad, lambda f: tidu.grad(tidu.grad(f)), lambda f: tidu.jit(tidu.grad(f))):
        assert transform(g)(0.4) == pytest.approx(transform(f)(0.4), rel=1e-14)
    assert tidu.grad(lambda y: tidu.checkpoint(lambda x: x * y)(2.0))(1.5) == 2.0


def test_checkpoint_lets_go_of_intermediate_values():
    import tracemalloc

    def block(x):
        for _ in range(10):
            x = np.exp(x * 0.1)
        return x

    def peak(block):
        def f(x):
            for _ in range(10):
                x = block(x)
            return np.sum(x)

        tidu.grad(f)(np.ones(8))
        tracemalloc.start()
        tidu.grad(f)(np.ones(20_000))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(tidu.checkpoint(block)) < 0.25 * peak(block)


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: tidu.grad(f)(x),
        lambda f, x: tidu.grad(lambda x: np.sum(tidu.grad(f)(x)))(x),
        lambda f, x: tidu.vmap(lambda x: f(x))(np.stack([x, x])),
        lambda f, x: tidu.grad(tidu.checkpoint(f))(x),
        lambda f, x: tidu.hvp(f, (x,), (x,)),
    ],
    ids=["grad", "grad of grad", "vmap", "checkpoint", "hvp"],
)
def test_nothing_waits_for_the_garbage_collector(run):
    def f(x):
        return np.sum(np.exp(x * 0.1) * x)

    run(f, np.ones(8))
    gc.collect()
    gc.disable()
    try:
        run(f, np.ones(8))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_stop_gradient_holds_back():
    assert tidu.grad(lambda x: x * tidu.stop_gradient(x))(3.0) == 3.0


def test_jit_traces_once_for_each_spec():
    calls = []

    @tidu.jit
    def f(x, y=1.0):
        calls.append(1)
        return x * y

    f(np.ones(3)), f(np.zeros(3)), f(np.ones(3), y=2.0), f(np.ones(3), y=5.0), f(np.ones(4))
    assert len(calls) == 3
    assert f(2.0) == 2.0


def test_jit_takes_static_arguments():
    f = tidu.jit(lambda x, n: x * n if n > 1 else x, static_argnums=1)
    assert (f(2.0, 3), f(2.0, 1)) == (6.0, 2.0)
    with pytest.raises(ParameterError, match="hashable"):
        f(2.0, [])


def test_jit_under_grad_is_inlined():
    assert tidu.grad(lambda x: tidu.jit(lambda y: y * x)(x))(3.0) == 6.0


def test_check_grads_catches_a_planted_bug():
    @tidu.custom_vjp
    def wrong(x):
        return x * x

    wrong.defvjp(lambda x: (x * x, x), lambda x, ct: (2.002 * x * ct,))
    with pytest.raises(GradientError) as caught:
        tidu.check_grads(wrong, (3.0,))
    assert caught.value.order == 1


def test_check_grads_catches_a_planted_second_order_bug():
    @tidu.custom_vjp
    def wrong(x):
        return x * x * x

    wrong.defvjp(lambda x: (x * x * x, x), lambda x, ct: (3.0 * x * tidu.stop_gradient(x) * ct,))
    tidu.check_grads(wrong, (1.5,), order=1)
    with pytest.raises(GradientError) as caught:
        tidu.check_grads(wrong, (1.5,), order=2)
    assert caught.value.order == 2


def test_the_node_where_a_nan_first_appears_is_named():
    def f(x):
        y = x * 0.0
        z = y / y
        return np.sum(np.exp(z))

    with tidu.config.override(check_finite=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for g in (tidu.grad(f), tidu.jit(f)):
            with pytest.raises(NonFiniteError) as caught:
                g(np.ones(2))
            assert caught.value.primitive == "divide"
            assert "z = y / y" in str(caught.value)


def test_gradients_own_their_memory():
    gradient = tidu.grad(lambda x: np.sum(x))(np.ones(3))
    gradient[0] = 5.0
    assert gradient[1] == 1.0


def test_arguments_that_are_not_differentiated_stay_as_they_are():
    seen = []

    def f(x, option, n):
        seen.append((option, type(n)))
        return x * sum(range(n)) if option == "sum" else x

    assert tidu.grad(f)(2.0, "sum", 4) == 6.0
    assert seen == [("sum", int)]


def test_auxiliary_results_come_last_as_in_jax():
    f = lambda x: (x * x, {"x": x})
    value, pull, aux = tidu.vjp(f, 3.0, has_aux=True)
    assert (value, pull(1.0), aux["x"]) == (9.0, (6.0,), 3.0)
    value, tangent, aux = tidu.jvp(f, (3.0,), (1.0,), has_aux=True)
    assert (value, tangent, aux["x"]) == (9.0, 6.0, 3.0)
    with pytest.raises(ShapeError, match="aux"):
        tidu.vjp(lambda x: x, 3.0, has_aux=True)


def test_vmap_takes_the_number_of_examples_from_outside():
    np.testing.assert_array_equal(tidu.vmap(lambda x: x * 2.0, in_axes=None, axis_size=3)(1.0), [2.0, 2.0, 2.0])
    with pytest.raises(ShapeError, match="axis_size"):
        tidu.vmap(lambda x: x, axis_size=3)(np.ones(2))


def test_jit_takes_static_names():
    f = tidu.jit(lambda x, n=1: x * n if n > 1 else x, static_argnames="n")
    assert (f(2.0, n=3), f(2.0, n=1), f(2.0)) == (6.0, 2.0, 2.0)


@pytest.mark.parametrize(("fun", "argnums"), [("x", 0), (lambda x: x, "x"), (lambda x: x, 1.5), (lambda x: x, ("x",))])
def test_what_is_no_function_or_no_number_is_refused(fun, argnums):
    with pytest.raises(ParameterError):
        tidu.grad(fun, argnums=argnums)


def test_a_forward_rule_may_call_its_own_function_as_in_jax():
    f = tidu.custom_vjp(lambda x, y: np.sin(x) * y)
    f.defvjp(lambda x, y: (f(x, y), (np.cos(x), np.sin(x), y)), lambda res, ct: (res[0] * ct * res[2], res[1] * ct))
    tidu.check_grads(f, (1.0, 2.0), order=2)


def test_a_custom_rule_may_call_what_cannot_be_traced():
    f = tidu.custom_vjp(lambda x: np.i0(x))
    f.defvjp(lambda x: (np.i0(x), (np.i0(x + 1e-6) - np.i0(x - 1e-6)) / 2e-6), lambda slope, ct: (ct * slope,))
    x = np.array([0.5, 2.0])
    tidu.check_grads(lambda x: f(x * x), (x,), rtol=1e-6)
    with pytest.raises(tidu.errors.TraceError, match="second derivatives"):
        tidu.grad(lambda x: np.sum(tidu.grad(lambda x: np.sum(f(x)))(x)))(x)
    with pytest.raises(tidu.errors.UnsupportedError):
        tidu.jit(tidu.grad(lambda x: np.sum(f(x))))(x)


def test_a_forward_rule_is_not_run_again_for_the_gradient(monkeypatch):
    f = tidu.custom_vjp(lambda x: np.exp(x))
    f.defvjp(lambda x: (np.exp(x), np.exp(x)), lambda y, ct: (ct * y,))
    ran = []
    monkeypatch.setattr("tidu.interpret.run_call", lambda *arguments: ran.append(arguments))
    np.testing.assert_allclose(tidu.grad(lambda x: np.sum(f(x)))(X), np.exp(X))
    assert not ran
