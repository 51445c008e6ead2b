"""The chain rule in LaTeX, one line a node forward and one line a path backward."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidu.core.bind import shape_of
from tidu.core.graph import Call, Node
from tidu.explanation.formulas import fill
from tidu.explanation.numbers import show_number, show_shape
from tidu.explanation.steps import Path, Step, arrivals

if TYPE_CHECKING:
    from tidu.explanation.result import Explanation

__all__ = ["write_latex"]

_SPECIAL = re.compile(r"([\\{}$&#%_^~])")
_WORD = re.compile(r"([A-Za-z]+?)_?(\d+)")
_ESCAPED = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def write_latex(explanation: Explanation, limit: int) -> str:
    """Return an ``align*`` environment."""
    lines = [_forward(explanation, node) for node in explanation.forward[:limit]]
    expected = arrivals(explanation.passed, explanation.gradients)
    arrived: dict[Node, list[str]] = {}
    for node, results in explanation.passed[:limit]:
        step = explanation.step(node, results)
        for path in step.paths:
            several = expected[path.operand] > 1
            lines.append(_backward(explanation, step, path, several))
            found = arrived.setdefault(path.operand, [])
            found.append(_bracketed(_value(path.downstream)))
            if several and len(found) == expected[path.operand]:
                left = _fraction(_name(explanation.result_name), _name(explanation.names[path.operand]))
                total = _value(explanation.gradients[path.operand])
                lines.append(f"{left} &= {' + '.join(found)} = {total}")
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _forward(explanation: Explanation, node: Node) -> str:
    names = [_operand(explanation, operand) for operand in node.operands]
    value = explanation.values[node]
    shown = "" if isinstance(value, (tuple, list)) else f" = {_value(value)}"
    return f"{_name(explanation.names[node])} &= {_formula(node, names)}{shown}"


def _formula(node: Node, names: list[str]) -> str:
    primitive = node.primitive
    fields = re.findall(r"(?<!\{)\{(\d+)\}", primitive.formula.latex) if primitive else []
    if primitive is None or not fields or max(map(int, fields)) >= len(names) > len(primitive.pullback):
        name = node.op.name if isinstance(node.op, Call) else primitive.name if primitive else ""
        return rf"\mathrm{{{_escape(name)}}}({', '.join(names)})"
    return fill(primitive.formula.latex, names)


def _backward(explanation: Explanation, step: Step, path: Path, several: bool) -> str:
    """Return one path's line; where several paths meet, its own share is marked with the node it comes from."""
    result = _name(explanation.result_name)
    operand = _name(explanation.names[path.operand])
    upstream = [_name(explanation.names[node]) for node in step.results]
    factors = " + ".join(
        rf"\frac{{\partial {result}}}{{\partial {name}}} \frac{{\partial {name}}}{{\partial {operand}}}"
        for name in upstream
    )
    numbers = ""
    if path.is_scalar:
        numbers = rf" = {_value(path.upstream)} \cdot {_bracketed(_value(path.local))}"
    left = _fraction(result, operand)
    if several:
        left = rf"\left.{left}\right|_{{{_name(explanation.names[step.node])}}}"
    return f"{left} &= {factors}{numbers} = {_value(path.downstream)}"


def _fraction(above: str, below: str) -> str:
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def _operand(explanation: Explanation, node: Node) -> str:
    name = explanation.names[node]
    return name if explanation.is_constant(node) else _name(name)


def _name(name: str) -> str:
    """Write ``h1`` as h with an index, a path as it stands in Python, and longer names upright."""
    match = _WORD.fullmatch(name)
    if match and len(match[1]) == 1:
        return f"{match[1]}_{{{match[2]}}}"
    return name if len(name) == 1 else rf"\mathrm{{{_escape(name)}}}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda match: _ESCAPED.get(match[1], f"\\{match[1]}"), text)


def _value(value: object) -> str:
    if shape := shape_of(value):
        return rf"\text{{{show_shape(shape)}}}"
    number = show_number(value)
    mantissa, exponent, power = number.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if exponent and power.lstrip("+-").isdigit() else number


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number
