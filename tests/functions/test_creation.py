"""Likenesses, grids and questions: plain constants where only the shape matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal
from tidu.errors import ParameterError

V = normal(4)


def test_likenesses_are_plain_arrays_of_the_traced_shape_and_dtype() -> None:
    def loss(x: Any) -> Any:
        made = (
            np.zeros_like(x),
            np.ones_like(x),
            np.empty_like(x),
            np.zeros_like(x, dtype=int),
            np.ones_like(x, shape=2),
        )
        assert [type(a) for a in made] == [np.ndarray] * 5
        assert [(a.shape, a.dtype.name) for a in made] == [
            ((4,), "float32"),
            ((4,), "float32"),
            ((4,), "float32"),
            ((4,), "int64"),
            ((2,), "float32"),
        ]
        return np.sum(x + made[0] + made[1])

    np.testing.assert_array_equal(tidu.jit(tidu.grad(loss))(V.astype(np.float32)), np.ones(4, np.float32))


def test_filling_with_a_traced_value_carries_its_gradient() -> None:
    assert_equals_numpy(lambda x: (np.full_like(x, 3), np.full_like(x, 2.5, dtype="float32"), np.copy(x)), V)
    assert_differentiable(lambda x: np.full_like(x, x[1]), V)


def test_a_line_between_traced_bounds_is_numpys_and_differentiable() -> None:
    def lines(a: Any, b: Any) -> Any:
        step = np.linspace(a, b, 3, retstep=True)
        return np.linspace(a, b, 5), np.linspace(a, b, 4, endpoint=False), np.linspace(a, b, 2, axis=-1), *step

    a, b = normal(3), normal(2, 1)
    assert_equals_numpy(lines, a, b, exact=False)
    assert_equals_numpy(lines, a.astype(np.float32), b.astype(np.float32), exact=False)
    assert_differentiable(lines, a, b)
    assert_batches(lines, np.stack([a, -a]), b, in_axes=[0, None])
    assert_equals_numpy(lambda x: (np.linspace(x[0], 1, 1), np.linspace(x[0], 1, 0)), a, exact=False)
    with pytest.raises(ParameterError):
        tidu.grad(lambda x: np.sum(np.linspace(x, 1.0, -1)))(0.5)


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [False, True])
def test_grids_are_those_of_numpy(indexing: str, sparse: bool) -> None:
    def grid(*lines: Any) -> Any:
        return np.meshgrid(*lines, indexing=indexing, sparse=sparse)  # type: ignore[call-overload]

    assert_equals_numpy(grid, normal(2), normal(3), normal(4))
    assert_equals_numpy(grid, normal(2))
    assert_differentiable(grid, normal(2), normal(3))
    with pytest.raises(ParameterError):
        tidu.jit(lambda x: np.meshgrid(x, x, indexing="yx"))(V)  # type: ignore[call-overload]


def test_questions_about_shape_and_dtype_have_plain_answers() -> None:
    def ask(x: Any) -> Any:
        assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
        assert np.isrealobj(x)
        assert not np.iscomplexobj(x)
        assert np.result_type(x, np.float64) == np.float64
        assert np.result_type(x, 1.0) == np.float32
        assert np.can_cast(x, np.float64)
        assert np.common_type(x) is np.float32
        return np.imag(x) + x

    tidu.jit(ask)(np.zeros((2, 3), np.float32))


def test_comparing_whole_arrays_may_steer_python_under_grad() -> None:
    def loss(x: Any) -> Any:
        assert np.array_equal(x, x)
        assert not np.array_equal(x, x[:2])
        assert not np.array_equal(x, x + 1)
        assert np.allclose(x, x + 1e-12)
        return np.sum(x) if np.array_equiv(x, x[None]) else 0.0

    np.testing.assert_array_equal(tidu.grad(loss)(V), np.ones(4))
