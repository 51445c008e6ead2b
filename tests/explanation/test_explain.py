"""What an explanation says: the example of the notes, tensors, kinks, data, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest

import tidu
from tidu.errors import DtypeError, ExpressionError, ParameterError
from tidu.explanation import explain

ENGLISH = """\
f = (x+y)*z
  x = -2
  y = 5
  z = -4

Forward: every value from the ones before it
  1. q = x + y = -2 + 5 = 3
  2. f = q * z = 3 * (-4) = -12

Backward: start with df/df = 1; at every node, upstream x local = downstream
  2. f = q * z   (multiplies; each operand's gradient is scaled by the other one)
      df/dq = df/df * d(q * z)/dq = df/df * z = 1 * (-4) = -4
      df/dz = df/df * d(q * z)/dz = df/df * q = 1 * 3 = 3
  1. q = x + y   (adds; the gradient is handed to both operands)
      df/dx = df/dq * d(x + y)/dx = df/dq * 1 = -4 * 1 = -4
      df/dy = df/dq * d(x + y)/dy = df/dq * 1 = -4 * 1 = -4

Gradient
  df/dx = -4
  df/dy = -4
  df/dz = 3
  if x grows by a small h, f changes by about -4 h"""

CHINESE = """\
f = (x+y)*z
  x = -2
  y = 5
  z = -4

前向：由已知的值逐个算出后面的值
  1. q = x + y = -2 + 5 = 3
  2. f = q * z = 3 * (-4) = -12

反向：从 df/df = 1 出发，在每个节点上：上游梯度 × 局部导数 = 下游梯度
  2. f = q * z   (相乘；每个因子的梯度乘以另一个因子)
      df/dq = df/df * d(q * z)/dq = df/df * z = 1 * (-4) = -4
      df/dz = df/df * d(q * z)/dz = df/df * q = 1 * 3 = 3
  1. q = x + y   (相加；梯度原样传给两个加数)
      df/dx = df/dq * d(x + y)/dx = df/dq * 1 = -4 * 1 = -4
      df/dy = df/dq * d(x + y)/dy = df/dq * 1 = -4 * 1 = -4

梯度
  df/dx = -4
  df/dy = -4
  df/dz = 3
  若 x 增加一个很小的 h，f 约变化 -4 h"""


def circuit(x, y, z):  # type: ignore[no-untyped-def]
    q = x + y
    return q * z


def test_the_example_of_the_notes_reads_as_in_the_lecture() -> None:
    e = explain("(x+y)*z", x=-2, y=5, z=-4)
    assert e.text() == ENGLISH
    assert e.text("zh") == CHINESE
    assert str(e) == e.text()
    assert (e.value, e.gradient) == (-12.0, {"x": -4.0, "y": -4.0, "z": 3.0})


def test_the_users_names_and_lines_stand_in_it() -> None:
    text = explain(circuit, x=-2.0, y=5.0, z=-4.0).text()
    assert "1. q = x + y = -2 + 5 = 3   (test_explain.py:" in text
    assert "df/dq" not in text
    assert "dcircuit/dq = dcircuit/dcircuit * d(q * z)/dq" in text


def test_the_network_of_the_notes_names_its_layers() -> None:
    f = lambda x: 1.0 / (1.0 + np.exp(-x))
    rng = np.random.default_rng(0)
    W1, W2, W3 = rng.normal(size=(4, 3)), rng.normal(size=(4, 4)), rng.normal(size=(1, 4))
    b1, b2, b3 = rng.normal(size=(4, 1)), rng.normal(size=(4, 1)), rng.normal(size=(1, 1))

    def forward(x, W1, b1, W2, b2):  # type: ignore[no-untyped-def]
        h1 = f(np.dot(W1, x) + b1)
        h2 = f(np.dot(W2, h1) + b2)
        out = np.dot(W3, h2) + b3
        return out  # noqa: RET504  as in the notes

    e = explain(forward, rng.normal(size=(3, 1)), W1, b1, W2, b2, vary=("W1", "b1", "W2", "b2"))
    names = set(e.names.values())
    assert {"x", "W1", "b1", "W2", "b2", "W3", "b3", "h1", "h2", "out"} <= names
    text = e.text()
    assert "dout/dh1 = W2.T @ dout/dv7   [4, 4] @ [4, 1] -> [4, 1]" in text
    assert "x, W3, b3 are given and fixed" in text
    assert "数据，固定不变" in e.text("zh")
    assert set(e.gradient) == {"W1", "b1", "W2", "b2"}


def test_the_sum_over_the_batch_is_explained_for_a_bias() -> None:
    def loss(params, X):  # type: ignore[no-untyped-def]
        z = X @ params["W"] + params["b"]
        return np.sum(z * z)

    e = explain(loss, {"W": np.ones((3, 2)), "b": np.zeros(2)}, np.ones((5, 3)), vary="params")
    text = e.text()
    assert "W = params['W'] = [3, 2] all 1" in text
    assert "the same b is added to each of the 5 rows of the batch" in text
    assert "dloss/dW = X.T @ dloss/d" in text
    np.testing.assert_array_equal(e.gradient["params['b']"], [30.0, 30.0])


def test_where_paths_meet_the_sum_is_shown() -> None:
    text = explain("q = x*x; q*x + q", x=3).text()
    assert "df/dq = 1 + 3 = 4   (2 paths meet, their gradients add up)" in text
    assert "df/dx = 9 + 12 + 12 = 33   (3 paths meet" in text
    assert "via q, operand 2" in text


def test_a_tie_says_which_convention_applied() -> None:
    text = explain("max(x, y)", x=2, y=2).text()
    assert "a tie" in text
    assert "0.5, 0.5" in text
    assert "a tie" not in explain("max(x, y)", x=2, y=3).text()


def test_a_kink_says_which_convention_applied() -> None:
    assert "exactly at a kink" in explain("abs(x)", x=0).text()
    assert "恰在不可导点" in explain("abs(x)", x=0).text("zh")
    assert "kink" not in explain("abs(x)", x=1).text()


@pytest.mark.parametrize(
    ("expression", "values"),
    [("log(x)", {"x": 0}), ("x/y", {"x": 1, "y": 0}), ("sqrt(x)", {"x": 0}), ("cbrt(x)", {"x": 0})],
)
def test_a_pole_and_the_edge_of_a_domain_are_no_kinks(expression: str, values: dict[str, int]) -> None:
    found = explain(expression, **values)
    assert "exactly at the edge of the derivative's domain" in found.text()
    assert "恰在导数定义域的边缘" in found.text("zh")
    assert "kink" not in found.text()


@pytest.mark.parametrize(("expression", "x"), [("log(x)", -1), ("log(x)", 0), ("1/x", 0), ("log(x)*0", 0)])
def test_where_there_is_no_value_no_slope_is_promised(expression: str, x: int) -> None:
    found = explain(expression, x=x)
    assert "f has no finite value here" in found.text()
    assert "f 在此处没有有限的值" in found.text("zh")
    assert "grows by a small h" not in found.text()
    assert "很小的 h" not in found.text("zh")


def test_where_only_the_gradient_is_missing_this_is_said() -> None:
    found = explain("sqrt(x) + y", x=0, y=1)
    assert "f has no finite gradient here: df/dx" in found.text()
    assert "f 在此处没有有限的梯度：df/dx" in found.text("zh")
    assert "no finite" not in explain("sqrt(x) + y", x=1, y=1).text()


def test_elements_without_a_value_are_counted() -> None:
    found = explain("log(x)", x=np.array([-1.0, 2.0, -3.0]))
    assert "2 of the 3 elements of" in found.text()
    assert "3 个元素中有 2 个" in found.text("zh")


def test_the_border_of_a_condition_is_pointed_out() -> None:
    assert "on the border" in explain("where(x > 0, x, 0.0)", x=0).text()
    assert "on the border" not in explain("where(x > 0, x, 0.0)", x=1).text()


def test_an_unused_input_has_gradient_zero_and_this_is_said() -> None:
    e = explain(lambda x, unused: x * 2.0, 1.0, np.ones(2))
    assert "does not depend on unused, so its gradient is 0" in e.text()
    np.testing.assert_array_equal(e.gradient["unused"], [0.0, 0.0])


def test_an_array_result_is_explained_through_its_sum() -> None:
    e = explain(lambda x: x * x, np.array([1.0, 2.0]))
    assert "has shape [2]; what follows is the gradient of the sum" in e.text()
    np.testing.assert_array_equal(e.gradient["x"], [2.0, 4.0])


def test_several_results_are_explained_through_their_sum() -> None:
    e = explain(lambda x: {"a": x * 2.0, "b": x * x}, 3.0)
    assert "2 results" in e.text()
    assert e.gradient == {"x": 8.0}


def test_a_result_that_is_an_input_needs_no_steps() -> None:
    e = explain(lambda x, y: x, 3.0, 1.0)
    assert e.gradient == {"x": 1.0, "y": 0.0}
    assert "<svg" in e.to_svg()


def test_a_constant_result_has_gradient_zero() -> None:
    e = explain(lambda x: 3.0, 1.0)
    assert (e.value, e.gradient) == (3.0, {"x": 0.0})
    assert "<svg" in e.to_svg()


def test_integers_are_data_and_this_is_said() -> None:
    e = explain(lambda x, n: x * n, 2.0, 3)
    assert e.gradient == {"x": 3.0}
    assert "n holds integers" in e.text()


def test_other_arguments_are_passed_on_as_they_are() -> None:
    def f(x, activation="none", *, scale=1.0):  # type: ignore[no-untyped-def]
        return (x * x if activation == "square" else x) * scale

    assert explain(f, 3.0, activation="square", scale=2.0).gradient == {"x": 12.0, "scale": 9.0}


def test_containers_and_dataclasses_are_arguments() -> None:
    @dataclass
    class Point:
        x: float
        y: float

    e = explain(lambda p, more: p.x * p.y + more[0], Point(2.0, 3.0), (1.0,))
    assert e.gradient == {"p.x": 3.0, "p.y": 2.0, "more[0]": 1.0}


def test_a_captured_value_has_the_users_name_and_is_data() -> None:
    weights = np.array([1.0, 2.0])
    text = explain(lambda x: np.sum(weights * x), np.array([3.0, 4.0])).text()
    assert "weights = [2] [1, 2]   (data, held fixed)" in text


def test_numpys_own_functions_are_explained() -> None:
    assert explain(np.exp, 0.0).gradient == {"x": 1.0}


def test_a_loop_gives_each_turn_a_name_and_one_line_of_the_library_one() -> None:
    def f(x):  # type: ignore[no-untyped-def]
        for _ in range(3):
            x = np.mean(x * 2.0, keepdims=True)
        return np.sum(x)

    names = [name for name in explain(f, np.ones(2)).names.values() if name.startswith("x")]
    assert names == ["x", "x_2", "x_3", "x_4"]


def test_a_checkpointed_part_is_one_step() -> None:
    def part(x):  # type: ignore[no-untyped-def]
        return np.tanh(x) * 2.0

    e = explain(lambda x: tidu.checkpoint(part)(x) + x, 0.0)
    assert "q = part(x) = 0" in e.text()
    assert "part has a derivative of its own" in e.text()
    assert e.gradient == {"x": 3.0}
    assert "part" in e.to_svg()
    assert "part" in e.to_latex()


def test_the_tie_of_a_reduction_says_which_convention_applied() -> None:
    text = explain(lambda x: np.max(x), np.array([1.0, 3.0, 3.0])).text()
    assert "a tie" in text
    assert "a tie" not in explain(lambda x: np.max(x), np.array([1.0, 3.0, 2.0])).text()


def test_float32_stays_float32() -> None:
    e = explain(lambda x: np.sum(np.exp(x)), np.ones(3, np.float32))
    assert e.gradient["x"].dtype == np.float32  # type: ignore[attr-defined]
    assert all(np.asarray(path.downstream).dtype == np.float32 for step in e.steps for path in step.paths)


def test_empty_arrays_are_shown_as_empty() -> None:
    assert "(empty)" in explain(np.sum, np.zeros((0, 3))).text()


def test_infinite_values_are_shown_as_they_are() -> None:
    e = explain("log(x) * 0", x=0)
    assert "-inf" in e.text()
    assert "<svg" in e.to_svg()


def test_the_number_of_steps_left_out_is_said() -> None:
    def chain(x):  # type: ignore[no-untyped-def]
        for _ in range(5_000):
            x = x * 1.0001
        return x

    e = explain(chain, 1.0)
    text = e.text(limit=10)
    assert "... 4,990 more steps left out (limit = 10)" in text
    assert len(text.splitlines()) < 60
    assert f"dx_5001/dx = {e.gradient['x']:.6g}" in text
    with pytest.raises(ParameterError) as caught:
        e.to_svg()
    assert caught.value.facts["got"] == 5_001
    assert "too many for a picture" in e.to_html(limit=10)


def test_pictures_are_well_formed_and_carry_value_and_gradient() -> None:
    e = explain(circuit, x=-2.0, y=5.0, z=-4.0)
    svg = e.to_svg("zh")
    ElementTree.fromstring(svg)
    for shown in (">-12<", ">-4<", ">3<", "test_explain.py:", ">q<"):
        assert shown in svg
    assert "dcircuit/dq = dcircuit/dcircuit * d(q * z)/dq" in svg
    assert e._repr_html_().count("<svg") == 1
    assert e.to_html("zh").startswith('<!doctype html>\n<html lang="zh-CN">')


def test_dot_and_latex_have_every_node_and_path() -> None:
    e = explain("q = x + y; q * z", x=-2, y=5, z=-4)
    assert e.to_dot().count("->") == 5
    latex = e.to_latex()
    assert r"q &= x + y = 3" in latex
    left = r"\frac{\partial f}{\partial x} &= \frac{\partial f}{\partial q} \frac{\partial q}{\partial x}"
    assert rf"{left} = -4 \cdot 1 = -4" in latex
    assert latex.count("{") == latex.count("}")
    shared = explain("x * x", x=3).to_latex()
    assert r"\left.\frac{\partial f}{\partial x}\right|_{f}" in shared
    assert r"\frac{\partial f}{\partial x} &= 3 + 3 = 6" in shared


def test_labels_that_look_like_markup_are_escaped() -> None:
    e = explain(lambda d: d["<b>&\"'"] * 2.0, {"<b>&\"'": 1.0})
    ElementTree.fromstring(e.to_svg())
    assert "<b>" not in e.to_html()


@pytest.mark.parametrize(
    ("vary", "error"), [("w", ParameterError), ((), ParameterError), ("n", DtypeError), (("x", "w"), ParameterError)]
)
def test_what_cannot_vary_is_refused(vary: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        explain(lambda x, n: x * n, 2.0, 3, vary=vary)  # type: ignore[arg-type]


def test_nothing_to_vary_is_refused() -> None:
    with pytest.raises(DtypeError, match=r"2\.0 instead of 2"):
        explain(lambda x: x * 2, 1)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ParameterError):
        explain(circuit, 1.0)
    with pytest.raises(ExpressionError):
        explain("x + y", x=1.0)
    with pytest.raises(ExpressionError):
        explain("x + ", x=1.0)
    with pytest.raises(ParameterError):
        explain("x", 1.0, 2.0)
    with pytest.raises(ParameterError):
        explain("x*2", 1.0).text("fr")
    with pytest.raises(ParameterError):
        explain("x*2", 1.0).text(limit=-1)
