"""The chain rule as shown is the chain rule: products, sums over paths, and the whole gradient agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidu.ops  # noqa: F401  registers the primitives
from tidu.explanation import Explanation, explain
from tidu.explanation import steps as steps_module
from tidu.expressions import parse_expression
from tidu.transforms.gradients import grad

ATOMS = st.one_of(st.sampled_from(["x", "y", "z"]), st.floats(0.5, 3.0).map(lambda v: f"{v:.2f}"))
TERMS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(st.just("("), inner, st.sampled_from([" + ", " - ", " * "]), inner, st.just(")")).map("".join),
        inner.map("exp(-abs({}))".format),
        inner.map("sin({})".format),
        inner.map("sigmoid({})".format),
        inner.map("tanh({})".format),
        inner.map("(1 / (1 + square({})))".format),
        st.tuples(inner, inner).map("max({0[0]}, {0[1]})".format),
    ),
    max_leaves=10,
)
POINTS = st.tuples(*[st.floats(-2.0, 2.0).map(lambda v: round(v, 3))] * 3)


def check(e: Explanation) -> None:
    """Assert the laws of every step, and that the paths that meet add up to the gradient."""
    arrived: dict[object, np.ndarray] = {node: np.ones(node.spec.shape) for node in e.graph.outputs}
    for step in e.steps:
        for path in step.paths:
            if path.local is not None:
                product = np.asarray(path.upstream) * np.asarray(path.local)
                extra = product.ndim - np.ndim(path.downstream)
                axes = (
                    *range(extra),
                    *(i for i in range(extra, product.ndim) if path.operand.spec.shape[i - extra] == 1),
                )
                summed = product.sum(axis=axes).reshape(np.shape(path.downstream)) if axes else product
                np.testing.assert_allclose(summed, path.downstream, rtol=1e-9, atol=1e-12)
            arrived[path.operand] = arrived.get(path.operand, 0.0) + np.asarray(path.downstream)
    for node, total in arrived.items():
        np.testing.assert_allclose(total, e.gradients[node], rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(TERMS, POINTS)
def test_upstream_times_local_is_downstream_and_the_gradient_is_tidus(
    text: str, point: tuple[float, float, float]
) -> None:
    f = parse_expression(f"{text} * x")
    values = [dict(zip("xyz", point, strict=True))[name] for name in f.names]
    e = explain(f, *values)
    check(e)
    expected = grad(f.function(), argnums=tuple(range(len(values))))(*values)
    np.testing.assert_allclose([e.gradient[name] for name in f.names], expected, rtol=1e-9, atol=1e-12)
    assert e.value == pytest.approx(f(**dict(zip(f.names, values, strict=True))))
    for lang in ("en", "zh"):
        assert e.text(lang)


@settings(max_examples=25, deadline=None)
@given(TERMS, st.integers(0, 10**6))
def test_tensors_obey_the_same_laws_when_broadcast(text: str, seed: int) -> None:
    f = parse_expression(f"sum({text} * x + y * z)")
    rng = np.random.default_rng(seed)
    shapes = {"x": (4, 3), "y": (3,), "z": (4, 1)}
    values = [rng.normal(size=shapes[name]) for name in f.names]
    e = explain(f, *values)
    check(e)
    expected = grad(f.function(), argnums=tuple(range(len(values))))(*values)
    for name, gradient in zip(f.names, expected, strict=True):  # type: ignore[call-overload]
        np.testing.assert_allclose(e.gradient[name], gradient, rtol=1e-9, atol=1e-12)


def test_matrix_products_obey_them_too() -> None:
    rng = np.random.default_rng(1)

    def loss(W1, b1, W2, X):  # type: ignore[no-untyped-def]
        h = np.maximum(X @ W1 + b1, 0.0)
        return np.sum((h @ W2) ** 2) / 7.0

    arguments = [rng.normal(size=s) for s in [(3, 4), (4,), (4, 2), (7, 3)]]
    e = explain(loss, *arguments)
    check(e)
    for name, gradient in zip(["W1", "b1", "W2", "X"], grad(loss, argnums=(0, 1, 2, 3))(*arguments), strict=True):  # type: ignore[call-overload]
        np.testing.assert_allclose(e.gradient[name], gradient, rtol=1e-12)


def test_the_check_catches_a_planted_wrong_step(monkeypatch: pytest.MonkeyPatch) -> None:
    true = steps_module._pull

    def wrong(*arguments: object) -> list[object]:
        return [2.0 * np.asarray(ct) for ct in true(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(steps_module, "_pull", wrong)
    with pytest.raises(AssertionError):
        check(explain("x * y", 2.0, 3.0))
