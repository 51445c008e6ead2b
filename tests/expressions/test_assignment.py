"""Values given as text are numbers and lists of numbers, nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidu.errors import ExpressionError
from tidu.expressions import parse_assignment


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float_round_trips(value: float) -> None:
    assert parse_assignment(f"x={value!r}") == ("x", value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=-2", -2.0),
        (" x = +.5e1 ", 5.0),
        ("x=[1, 2.5]", [1.0, 2.5]),
        ("x=[[1,2],[3,4]]", [[1.0, 2.0], [3.0, 4.0]]),
        ("x=[[[1]]]", [[[1.0]]]),
    ],
)
def test_numbers_and_lists_are_read(text: str, expected: object) -> None:
    name, value = parse_assignment(text)
    assert name == "x"
    np.testing.assert_array_equal(value, expected)
    assert isinstance(value, float) or value.dtype == np.float64


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "=1", "x=", "1=2", "x y=1", "_x=1", "pi=3", "exp=1", "np=1", "lambda=1", "x" * 200 + "=1"),
        *("x=1_0", "x=nan", "x=inf", "x=1e999", "x=0x1", "x=1 2", "x=- 2", "x=1+1", "x=y", "x=__import__('os')"),
        *(
            "x=[",
            "x=[]",
            "x=[1,]",
            "x=[1",
            "x=[1]]",
            "x=[1,[2]]",
            "x=[[1],[1,2]]",
            "x=" + "[" * 9_000 + "1",
            "x=\uff11",
        ),
        *("x=\uff11", "\u0445=1", "x=1\n", "x=" + "1" * 20_000, "x='1'"),
    ],
)
def test_everything_else_is_one_line(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_assignment(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
