"""How a graph is printed, read back and checked.

One line a node: ``q = add(x, y) : float64[3]  # file.py:3``. Printing and parsing round-trip, except
that source lines are comments and a `Call` (its derivative is Python code) cannot be read back.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import cast

import numpy as np

from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation, Project
from tidu.core.primitive import Param, find
from tidu.core.spec import Spec
from tidu.errors import GraphError, TiduError

__all__ = ["parse_graph", "print_graph", "verify"]

_INDENT = "  "
_SPEC = re.compile(r"(\w+)(\*?)\[([\d,]*)\]")
_HEAD = re.compile(r"graph (\w+)\((.*)\) \{")
_INPUT = re.compile(r"(\^?)(.+?): (\S+)")
_LINE = re.compile(r"(\S+) = (.+) : (\S+?)(?:  # .*)?$")
_APPLY = re.compile(r"(\w+)\((.*?)\)(?: \{(.*)\})?$")


def print_graph(graph: Graph) -> str:
    """Return `graph` as text, a node a line, with the user's source lines as comments."""
    labels = {node: _escape(label) for node, label in graph.labels.items()}
    inputs = "; ".join(
        f"{'^' if cast('Input', node.op).captured else ''}{labels[node]}: {node.spec}" for node in graph.inputs
    )
    lines = [f"graph {_word(graph.name)}({inputs}) {{"]
    for node in graph.nodes:
        if isinstance(node.op, Input):
            continue
        names = ", ".join(labels[operand] for operand in node.operands)
        comment = f"  # {node.source}" if node.source else ""
        lines.append(f"{_INDENT}{labels[node]} = {_right_side(node, names)} : {node.spec}{comment}")
        if isinstance(node.op, Call):
            lines += [_INDENT + line for line in print_graph(node.op.body).splitlines()]
    lines.append(f"{_INDENT}return {', '.join(labels[node] for node in graph.outputs)}")
    return "\n".join([*lines, "}"])


def _right_side(node: Node, names: str) -> str:
    match node.op:
        case Literal(value=value):
            return f"literal({value!r})"
        case Operation(primitive=primitive, params=params):
            shown = ", ".join(f"{key}={value!r}" for key, value in params.items())
            return f"{primitive.name}({names})" + (f" {{{shown}}}" if params else "")
        case Call(name=name):
            return f"call {_word(name)}({names})"
        case Project(position=position):
            return f"project({names}) {{position={position}}}"
        case Input():
            raise AssertionError("an input has no right side")


def parse_graph(text: str) -> Graph:
    """Read a graph that `print_graph` wrote.

    Raises
    ------
    GraphError
        Naming the line that is not well formed.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    head = _HEAD.fullmatch(lines[0]) if lines else None
    if head is None or lines[-1] != "}":
        raise GraphError("expected the text of a graph: graph name(inputs) { ... }", text=text)
    name, arguments = head.groups()
    nodes: dict[str, Node] = {}
    for argument in filter(None, arguments.split("; ")):
        match = _INPUT.fullmatch(argument)
        if match is None:
            raise GraphError(f"not an input: {argument!r}", text=argument)
        captured, label, spec = match.groups()
        nodes[label] = Node(Input(label, bool(captured)), (), _parse_spec(spec))
    inputs = tuple(nodes.values())
    for line in lines[1:-2]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise GraphError(f"not a node: {line!r}", text=line)
        label, right, spec = match.groups()
        node = _parse_node(right, _parse_spec(spec), nodes, line)
        nodes[label] = node if label.isdigit() else replace(node, label=label)
    if not lines[-2].startswith("return"):
        raise GraphError(f"expected 'return ...' in the last line, got {lines[-2]!r}", text=lines[-2])
    outputs = filter(None, lines[-2].removeprefix("return").strip().split(", "))
    return Graph(inputs, tuple(_look_up(nodes, label, lines[-2]) for label in outputs), name)


def _parse_node(right: str, spec: Spec, nodes: dict[str, Node], line: str) -> Node:
    match = _APPLY.fullmatch(right)
    if match is None:
        raise GraphError(f"not an operation that can be read: {right!r}", text=line)
    name, names, shown = match.groups()
    if name == "literal":
        return Node(Literal(_parse_number(names)), (), spec)
    operands = tuple(_look_up(nodes, label, line) for label in filter(None, names.split(", ")))
    params = _parse_params(shown or "", line)
    if name == "project":
        return Node(Project(cast("int", params["position"])), operands, spec)
    return Node(Operation(find(name), params), operands, spec)


def _look_up(nodes: dict[str, Node], label: str, line: str) -> Node:
    try:
        return nodes[label]
    except KeyError:
        raise GraphError(f"{label!r} is used before it is made: {line!r}", text=line) from None


def verify(graph: Graph) -> None:
    """Check that every node's spec is what its operation gives, and that nothing comes from nowhere.

    Raises
    ------
    GraphError
        Naming the first node that is wrong and the user's line.
    """
    inputs = set(graph.inputs)
    for node in graph.nodes:
        where = f"{graph.labels[node]}{f' ({node.source})' if node.source else ''}"
        if isinstance(node.op, Input) != (node in inputs):
            raise GraphError(f"{where}: an input that the graph does not list, or lists as one", node=node)
        if not isinstance(node.op, Operation):
            continue
        try:
            spec = node.op.primitive.kind.spec(
                node.op.primitive, tuple(operand.spec for operand in node.operands), node.op.params
            )
        except TiduError as error:
            raise GraphError(f"{where}: {error}", node=node) from error
        if spec.strong != node.spec.strong:
            raise GraphError(f"{where}: {node.op.primitive.name} gives {spec}, the node says {node.spec}", node=node)


def _parse_spec(text: str) -> Spec:
    match = _SPEC.fullmatch(text)
    if match is None:
        raise GraphError(f"not a spec: {text!r} (expected, say, float64[3,1])", text=text)
    dtype, weak, shape = match.groups()
    try:
        return Spec(tuple(int(n) for n in shape.split(",") if n), np.dtype(dtype), bool(weak))
    except TypeError:
        raise GraphError(f"not a dtype: {dtype!r}", text=text) from None


def _parse_params(text: str, line: str) -> dict[str, Param]:
    try:
        tree = cast("ast.Call", ast.parse(f"f({text})", mode="eval").body)
        return {cast("str", k.arg): ast.literal_eval(_finite(k.value)) for k in tree.keywords}
    except (SyntaxError, ValueError):
        raise GraphError(f"not parameters: {{{text}}} in {line!r}", text=text) from None


def _finite(value: ast.expr) -> ast.expr:
    """Let ``inf`` and ``nan`` stand in parameters, which Python has no literals for."""

    class Names(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.Constant(float(node.id)) if node.id in ("inf", "nan") else node

    return cast("ast.expr", Names().visit(value))


def _parse_number(text: str) -> bool | int | float | complex:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float, complex):
        try:
            return kind(text)
        except ValueError:
            continue
    raise GraphError(f"not a number: {text!r}", text=text)


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name) or "f"


def _escape(label: str) -> str:
    return re.sub(r"[\s,;:(){}=#^]", "_", label)
