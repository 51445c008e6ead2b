"""SciPy's functions are answered by name: without importing SciPy, and without mistaking one for another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import tidu.functions  # noqa: F401, which fills the table
from tidu.core.table import implementation
from tidu.errors import UnsupportedError
from tidu.ops.sigmoid import logistic
from tidu.trace.function import trace


def test_a_ufunc_of_scipy_is_answered():
    assert implementation(special.expit) is logistic
    assert implementation(special.expit) is logistic


def test_another_function_of_the_same_name_is_not_answered():
    def expit(x):
        return x

    assert implementation(expit) is None


def test_a_function_without_a_name_is_not_answered():
    assert implementation(type("Nameless", (), {"__call__": lambda self: None})()) is None


def test_a_ufunc_of_scipy_that_is_not_known_is_refused_by_name():
    with pytest.raises(UnsupportedError) as refused:
        trace(special.gammaln, [np.ones(2)], eager=True)
    assert "gammaln" in refused.value.function
