"""The explanation as plain text: forward, then backward with every product of the chain rule, then the result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from tidu.core.graph import Call, Input, Node
from tidu.core.primitive import Kink
from tidu.core.spec import is_differentiable
from tidu.errors import ParameterError
from tidu.explanation.formulas import local_rule, write
from tidu.explanation.numbers import show, show_number, show_shape, show_short
from tidu.explanation.steps import Path, Step, arrivals, is_tie
from tidu.words import say

if TYPE_CHECKING:
    from tidu.explanation.result import Explanation

__all__ = ["chain_rule", "forward_line", "place", "title", "write_text"]

_INDENT = "      "


def write_text(explanation: Explanation, lang: str, limit: int) -> str:
    """Return all sections.

    Raises
    ------
    ParameterError
        If `limit` is negative, or there is no such language.
    """
    if limit < 0:
        raise ParameterError(f"limit must be 0 or more steps, got {limit}", got=limit)
    numbers = {node: i + 1 for i, node in enumerate(explanation.forward)}
    return "\n".join(
        [
            *_heading(explanation, lang),
            "",
            *_forward(explanation, numbers, lang, limit),
            "",
            *_backward(explanation, numbers, lang, limit),
            "",
            *_result(explanation, lang, limit),
        ]
    )


def title(explanation: Explanation) -> str:
    """Return ``f = (x + y) * z``, or ``f(x, y, z)``."""
    output = explanation.graph.outputs[0]
    if len(explanation.graph.outputs) == 1 and output in explanation.texts:
        return f"{explanation.result_name} = {explanation.texts[output]}"
    return explanation.title


def place(node: Node) -> str:
    """Return the user's file and line, without its folder, or an empty text."""
    if node.source is None:
        return ""
    return f"{PurePath(node.source.place.file).name}:{node.source.place.line}"


def _heading(explanation: Explanation, lang: str) -> Iterator[str]:
    yield title(explanation)
    for node in explanation.graph.inputs:
        kind = "" if node in explanation.variables else f"   ({say('explain.data', lang)})"
        path = f" = {node.name}" if node.name != explanation.names[node] and not _is_captured(node) else ""
        yield f"  {explanation.names[node]}{path} = {show(explanation.values[node], lang)}{kind}"


def _is_captured(node: Node) -> bool:
    return isinstance(node.op, Input) and node.op.captured


def _forward(explanation: Explanation, numbers: dict[Node, int], lang: str, limit: int) -> Iterator[str]:
    yield say("explain.forward", lang)
    for node in explanation.forward[:limit]:
        where = place(node)
        yield f"  {numbers[node]}. {forward_line(explanation, node, lang)}" + (f"   ({where})" if where else "")
    if len(numbers) > limit:
        yield "  " + say("explain.left_out", lang, n=len(numbers) - limit, limit=limit)


def forward_line(explanation: Explanation, node: Node, lang: str) -> str:
    """Return ``q = x + y = -2 + 5 = 3``."""
    names = [explanation.names[operand] for operand in node.operands]
    parts = [explanation.names[node], write(node, names)]
    values = [explanation.values[operand] for operand in node.operands]
    if not isinstance(node.op, Call) and all(np.ndim(value) == 0 for value in values):  # type: ignore[arg-type]
        parts.append(write(node, [show_number(value) for value in values]))
    results = explanation.values[node]
    shown = ", ".join(show(value, lang) for value in (results if isinstance(results, (tuple, list)) else [results]))
    if shown != parts[-1]:
        parts.append(shown)
    return " = ".join(parts)


def _backward(explanation: Explanation, numbers: dict[Node, int], lang: str, limit: int) -> Iterator[str]:
    name = explanation.result_name
    yield say("explain.backward", lang, start=f"d{name}/d{name}", one=1)
    outputs = explanation.graph.outputs
    if len(outputs) > 1:
        yield "  " + say("explain.several", lang, n=len(outputs))
    elif outputs[0].spec.size != 1:
        yield "  " + say("explain.array", lang, f=name, shape=show_shape(outputs[0].spec.shape))
    expected = arrivals(explanation.passed, explanation.gradients)
    arrived: dict[Node, list[object]] = {}
    for node in outputs:
        expected[node] = expected.get(node, 0) + 1
        arrived.setdefault(node, []).append(np.ones(node.spec.shape))
    for node, results in explanation.passed[:limit]:
        yield from _step(explanation, numbers, explanation.step(node, results), expected, arrived, lang)
    if len(explanation.passed) > limit:
        yield "  " + say("explain.left_out", lang, n=len(explanation.passed) - limit, limit=limit)


def _step(
    explanation: Explanation,
    numbers: dict[Node, int],
    step: Step,
    expected: dict[Node, int],
    arrived: dict[Node, list[object]],
    lang: str,
) -> Iterator[str]:
    node = step.node
    names = [explanation.names[operand] for operand in node.operands]
    words = f"   ({node.primitive.words[lang]})" if node.primitive else ""  # type: ignore[index]
    yield f"  {numbers[node]}. {explanation.names[node]} = {write(node, names)}{words}"
    if isinstance(node.op, Call):
        yield _INDENT + say("explain.own", lang, name=node.op.name)
    for path in step.paths:
        operand = path.operand
        several = expected[operand] > 1
        via = f" ({_via(explanation, step, path, lang)})" if several else ""
        rule = chain_rule(explanation, step, path, lang)
        yield f"{_INDENT}{explanation.symbol(operand)}{via} = " + f"\n{_INDENT}    = ".join(rule)
        yield from _repeated(explanation, step, path, lang)
        arrived.setdefault(operand, []).append(path.downstream)
        if several and len(arrived[operand]) == expected[operand]:
            sum_ = " + ".join(_bracketed(show_short(ct)) for ct in arrived[operand])
            total = show(explanation.gradients[operand], lang)
            paths = say("explain.paths", lang, n=expected[operand])
            yield f"{_INDENT}{explanation.symbol(operand)} = {sum_} = {total}   ({paths})"
    if step.kink is not None:
        yield _INDENT + _kink(step.kink, lang)
    for condition in step.borders:
        yield _INDENT + say("explain.border", lang, name=explanation.names[condition])


def _via(explanation: Explanation, step: Step, path: Path, lang: str) -> str:
    """Say along which path a gradient comes, where several meet."""
    name = explanation.names[step.node]
    if step.node.operands.count(path.operand) == 1:
        return say("explain.via", lang, name=name)
    return say("explain.use", lang, name=name, n=path.position + 1)


def chain_rule(explanation: Explanation, step: Step, path: Path, lang: str) -> list[str]:
    """Return what stands after ``df/dq =``, in lines: the rule in symbols, in numbers, and what comes of it.

    Where only numbers meet, all of it is one line.
    """
    node = step.node
    names = [explanation.names[operand] for operand in node.operands]
    upstream = " , ".join(explanation.symbol(result) for result in step.results)
    rule = local_rule(node, path.position, names, explanation.names[node])
    downstream = show(path.downstream, lang)
    if re.search(r"\bct\b", rule):
        return [re.sub(r"\bct\b", upstream, rule) + _product_of_shapes(node, path.position), downstream]
    parts = []
    if node.operands.count(path.operand) == 1:
        parts.append(f"{upstream} * d({write(node, names)})/d{names[path.position]}")
    if rule:
        parts.append(f"{upstream} * {_factor(rule)}")
    if not parts:
        parts.append(upstream)
    symbols = " = ".join(parts)
    if path.local is None:
        return [symbols, downstream]
    product = f"{show_short(path.upstream)} * {_bracketed(show_short(path.local))}"
    if path.is_scalar:
        return [" = ".join([symbols, product, downstream])]
    each = say("explain.each", lang)
    return [symbols, (f"sum({product})" if path.is_summed else product) + f"   ({each})", downstream]


def _product_of_shapes(node: Node, position: int) -> str:
    """Return why the shapes of a matrix product's gradient fit: ``[5, 1] @ [1, 3] -> [5, 3]``."""
    template = node.primitive.formula.partials[position] if node.primitive else ""
    factors = template.split(" @ ")
    if len(factors) != 2:
        return ""
    shapes = []
    for factor in factors:
        match = re.fullmatch(r"(?:ct|\{(\d+)\})(\.T)?", factor)
        if match is None:
            return ""
        shape = node.operands[int(match[1])].spec.shape if match[1] else node.spec.shape
        shapes.append((*shape[:-2], shape[-1], shape[-2]) if match[2] else shape)
    return f"   {' @ '.join(map(show_shape, shapes))} -> {show_shape(node.operands[position].spec.shape)}"


def _factor(rule: str) -> str:
    """Put brackets around a local derivative that is not one factor."""
    depth = 0
    for position, character in enumerate(rule):
        depth += (character == "(") - (character == ")")
        if depth == 0 and (character == " " or (character == "-" and position == 0)):
            return f"({rule})"
    return rule


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def _repeated(explanation: Explanation, step: Step, path: Path, lang: str) -> Iterator[str]:
    """Say why a gradient is a sum where an operand was broadcast, the bias of a batch above all."""
    if not path.is_summed:
        return
    operand, whole = path.operand.spec.shape, step.node.spec.shape
    name = explanation.names[path.operand]
    lengthened = [n for i, n in enumerate(whole) if (i < len(whole) - len(operand)) or operand[i - len(whole)] != n]
    n = int(np.prod(lengthened))
    rows = len(whole) == 2 and len(lengthened) == 1 and lengthened[0] == whole[0] and whole[1] in operand
    if rows and np.all(np.asarray(path.local) == 1.0):
        yield _INDENT + say("explain.batch", lang, name=name, n=n)
    else:
        facts = {"name": name, "shape": show_shape(operand), "n": n, "whole": show_shape(whole)}
        yield _INDENT + say("explain.summed", lang, **facts)


def _kink(kink: Kink, lang: str) -> str:
    partials = ", ".join(map(show_number, kink.partials))
    finite = bool(np.isfinite(kink.partials).all())
    key = "tie" if is_tie(kink) else "kink" if finite else "edge"
    return say(f"explain.{key}", lang, partials=partials, because=kink.because[lang])  # type: ignore[index]


def _result(explanation: Explanation, lang: str, limit: int) -> Iterator[str]:
    name = explanation.result_name
    yield say("explain.result", lang)
    reached = arrivals(explanation.passed, explanation.gradients)
    for node in explanation.variables[:limit]:
        yield f"  {explanation.symbol(node)} = {show(explanation.gradients[node], lang)}"
        if node not in reached and node not in explanation.graph.outputs:
            yield "    " + say("explain.unused", lang, f=name, name=explanation.names[node])
    if len(explanation.variables) > limit:
        yield "  " + say("explain.left_out", lang, n=len(explanation.variables) - limit, limit=limit)
    yield from _notes(explanation, lang)


def _not_finite(explanation: Explanation, lang: str) -> Iterator[str]:
    """Say where there is no value, else where there is no gradient: the rules give numbers there too."""
    undefined = False
    for node in explanation.graph.outputs:
        value = np.asarray(explanation.values[node])
        n = int(np.sum(~np.isfinite(value)))
        undefined |= n > 0
        if n and value.ndim:
            yield "  " + say("explain.no_values", lang, f=explanation.names[node], n=n, size=value.size)
        elif n:
            yield "  " + say("explain.no_value", lang, f=explanation.names[node], value=show_number(value))
    steep = [
        explanation.symbol(node)
        for node in explanation.variables
        if not np.isfinite(np.asarray(explanation.gradients[node])).all()
    ]
    if steep and not undefined:
        listed = ("、" if lang == "zh" else ", ").join(steep)
        yield "  " + say("explain.no_gradient", lang, f=explanation.result_name, symbols=listed)


def _notes(explanation: Explanation, lang: str) -> Iterator[str]:
    name, names = explanation.result_name, explanation.names
    first = explanation.variables[0]
    outside = list(_not_finite(explanation, lang))
    yield from outside
    is_slope = len(explanation.graph.outputs) == 1 and explanation.graph.outputs[0].spec.shape == first.spec.shape == ()
    if is_slope and not outside:
        slope = show_number(explanation.gradients[first])
        yield "  " + say("explain.meaning", lang, name=names[first], f=name, slope=slope)
    fixed = [node for node in explanation.data if not explanation.is_constant(node)]
    if fixed and explanation.chosen:
        listed = "、" if lang == "zh" else ", "
        data = listed.join(names[node] for node in fixed)
        yield "  " + say(
            "explain.fixed",
            lang,
            f=name,
            variables=listed.join(names[node] for node in explanation.variables),
            data=say("explain.is" if len(fixed) == 1 else "explain.are", lang, names=data),
        )
    for node in fixed:
        if not explanation.chosen and not is_differentiable(node.spec.dtype):
            yield "  " + say("explain.integers", lang, name=names[node])
