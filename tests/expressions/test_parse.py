"""What an expression may be, and that everything else is one clear error."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidu.ops  # noqa: F401  registers the primitives
from tidu.errors import ExpressionError
from tidu.expressions import parse_expression
from tidu.expressions.vocabulary import FUNCTIONS
from tidu.transforms.gradients import grad

HOSTILE = {
    "": None,
    "   ": None,
    ";": None,
    "x +": 4,
    "x y": 3,
    "(x": 1,
    "x)": 2,
    "(x]": 3,
    "(x; y)": 1,
    "(" * 200 + "x" + ")" * 200: 101,
    "(" * 10_000 + "x": None,
    "9**9**9**9": 4,
    "x + 1/0": 5,
    "log(0)": 1,
    "9" * 400: 1,
    "1e999": 1,
    "1_000": 2,
    "0x10": 2,
    "1j": 2,
    "2x": 2,
    "007": 1,
    "x.real": 1,
    "np.linalg.norm(x)": 1,
    "np.load(x)": 1,
    "np": 1,
    "exp": 1,
    "foo(x)": 1,
    "f(x)(y)": 1,
    "exp()": 1,
    "where(x > 0, x)": 1,
    "exp(x=1)": 6,
    "exp(*x)": 1,
    "__import__('os')": 1,
    "_": 1,
    "lambda: 1": 1,
    "x if y else z": 3,
    "x and y": 3,
    "not x": 1,
    "True": 1,
    "(x := 2)": 4,
    "f'{x}'": 2,
    "b''": 2,
    '"x"': 1,
    "x^2": 2,
    "x @ y": 3,
    "x & y": 3,
    "x // y": 3,
    "x[0]": 1,
    "{x}": 1,
    "(x, y)": 1,
    "()": 1,
    "[]": 1,
    "[1, [2, 3]]": 1,
    "x < y < z": 1,
    "x\ny": 2,
    "x\x00": 2,
    "\u0445 + 1": 1,
    "x \u2212 y": 3,
    "\uff11": 1,
    "q = q + 1": 1,
    "q = 1; q = 2": 8,
    "pi = 3": 1,
    "x = y = z": 7,
    "x =": 3,
    "= x": 1,
    "x" * 200: 1,
    "-" * 9_000 + "x": 1,
    "x**" * 3_000 + "x": 1,
}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_what_is_not_arithmetic_is_one_line_that_names_the_column(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 700
    assert message.isascii()
    expected = HOSTILE[text]
    if expected is not None:
        assert caught.value.facts["column"] == expected


def test_text_is_never_run_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> object:
        raise AssertionError("an expression was run as Python")

    for name in ("eval", "exec"):
        monkeypatch.setattr(f"builtins.{name}", refuse)
    assert parse_expression("exp(x) * 2")(x=0.0) == 2.0


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="xyq0129.eE+-*/%()[],<>=; \t_'\":lambdnp\\\u2212@^", max_size=60))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    message, names = "", ()
    try:
        names = parse_expression(text).names
    except ExpressionError as error:
        message = str(error)
    assert "\n" not in message
    assert all(name.isidentifier() for name in names)


ATOMS = st.one_of(
    st.sampled_from(["x", "y", "z", "pi"]), st.floats(0.1, 9.0).map(lambda v: f"{v:.3g}"), st.integers(1, 9).map(str)
)
TERMS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", " % ", "<", ">="]), inner).map("".join),
        inner.map("({})".format),
        inner.map("(-{})".format),
        inner.map("(-{}**2)".format),
        inner.map("np.tanh({})".format),
        st.tuples(inner, inner).map(lambda p: f"where({p[0]} > 1, {p[1]}, 2.0)"),
    ),
    max_leaves=12,
)


class _OfNumbers:
    """NumPy's functions in float64: of a truth value they themselves give float16."""

    def __getattr__(self, name: str) -> Callable[..., np.float64]:
        function = getattr(np, name)
        return lambda *operands: function(*map(np.float64, operands))


@settings(max_examples=300, deadline=None)
@given(TERMS, st.tuples(st.floats(0.3, 2.0), st.floats(0.3, 2.0), st.floats(0.3, 2.0)))
def test_an_expression_means_what_it_means_in_python(text: str, point: tuple[float, float, float]) -> None:
    values = dict(zip("xyz", point, strict=True))
    numpy = _OfNumbers()
    scope = {**{k: np.float64(v) for k, v in values.items()}, "np": numpy, "where": numpy.where, "pi": np.pi}
    with np.errstate(all="ignore"):
        try:
            expected = eval(compile(ast.parse(text, mode="eval"), "test", "eval"), {"__builtins__": {}}, scope)
        except (ZeroDivisionError, TypeError):
            return
        try:
            found = parse_expression(text)
        except ExpressionError:  # chained comparisons, and constants without a finite value
            return
        np.testing.assert_allclose(found(**{n: values[n] for n in found.names}), expected, rtol=1e-12)


def test_variables_come_in_order_of_appearance() -> None:
    assert parse_expression("z*x + y/x").names == ("z", "x", "y")


def test_constants_and_functions_are_no_variables() -> None:
    f = parse_expression("sin(pi) + np.pi - np.pi + e*x")
    assert f.names == ("x",)
    assert f(x=1.0) == pytest.approx(math.e)


def test_a_long_sum_is_not_deep() -> None:
    assert parse_expression("x" + "+x" * 500)(x=1.0) == 501.0


def test_a_sum_of_thousands_is_read_or_refused():
    # Python 3.11's own parser gives up on this many, later ones do not.
    found = None
    with contextlib.suppress(ExpressionError):
        found = parse_expression("x" + "+x" * 4_900)
    assert found is None or found(x=1.0) == 4_901.0


def test_names_beyond_the_given_ones_are_refused() -> None:
    assert parse_expression("sin(3*x)", names=("x",))(x=0.0) == 0.0
    with pytest.raises(ExpressionError) as caught:
        parse_expression("sin(3*t)", names=("x",))
    assert (caught.value.facts["got"], caught.value.facts["column"]) == ("t", 7)


def test_a_missing_and_an_unknown_variable_are_named() -> None:
    f = parse_expression("x + y")
    with pytest.raises(ExpressionError) as caught:
        f(x=1.0)
    assert caught.value.facts["missing"] == "y"
    with pytest.raises(ExpressionError) as caught:
        f(x=1.0, y=2.0, w=3.0)
    assert caught.value.facts["got"] == "w"


def test_a_statement_names_a_value_for_the_next_ones() -> None:
    f = parse_expression("q = x + y; f = q * z;")
    assert f.names == ("x", "y", "z")
    assert f(x=-2.0, y=5.0, z=-4.0) == -12.0


def test_arrays_and_lists_are_values_too() -> None:
    f = parse_expression("sum(x * [1, 2, 3]) + max([x0, 2.0])")
    assert f(x=np.ones(3), x0=5.0) == 11.0


def test_overflow_of_a_variable_is_infinite_not_a_warning() -> None:
    assert parse_expression("exp(x)")(x=1e4) == math.inf
    assert math.isnan(parse_expression("log(x)")(x=-1.0))


def test_an_expression_is_differentiated_like_any_function() -> None:
    f = parse_expression("(x + y) * z").function()
    assert grad(f, argnums=(0, 1, 2))(-2.0, 5.0, -4.0) == (-4.0, -4.0, 3.0)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_a_value_on_plain_and_on_traced_numbers(name: str) -> None:
    function = FUNCTIONS[name]
    point = 1.5 if name == "arccosh" else 0.4
    arguments = ["x > 0" if name == "where" else "x", *["x * 1.5"] * (function.least - 1)]
    f = parse_expression(f"{name}({', '.join(arguments)})")
    value, slope = f(x=point), grad(f.function())(point)
    h = 1e-6
    assert math.isfinite(float(value))  # type: ignore[arg-type]
    assert slope == pytest.approx((f(x=point + h) - f(x=point - h)) / (2 * h), rel=1e-6, abs=1e-8)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["x.__class__", "x . __class__", "(x).__class__.__base__", "np.__dict__", "x.real"])
def test_an_attribute_is_called_an_attribute(text: str) -> None:
    with pytest.raises(ExpressionError, match="an attribute is not allowed"):
        parse_expression(text)


def test_a_name_that_begins_with_an_underscore_is_no_attribute() -> None:
    with pytest.raises(ExpressionError, match="a name starts with a letter"):
        parse_expression("x + __class__")
