"""How a graph is run: node by node, with NumPy. Plain, slow, and the oracle of all compiled code.

Values may themselves be traced by an outer function; then running the graph records it there. That is
how transformations nest. This package knows no operation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidu import config
from tidu.core.bind import innermost, require_finite
from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation, Project
from tidu.core.spec import Spec
from tidu.errors import ShapeError

__all__ = ["interpret", "last_uses", "literal_value", "missing_nodes", "run_call", "run_node"]


def interpret(graph: Graph, inputs: Sequence[object], known: Mapping[Node, object] | None = None) -> list[object]:
    """Return the values of the graph's outputs.

    Parameters
    ----------
    graph : Graph
        What to run.
    inputs : sequence of array_like
        A value for each of the graph's inputs.
    known : mapping of Node to value, optional
        Values that have been computed before; only what is missing is run. Each value is let go
        after its last use, so the peak is that of the values alive at once.

    Returns
    -------
    list
        One value for each output.

    Raises
    ------
    ShapeError
        If the number of inputs is wrong.
    NonFiniteError
        Under ``config.check_finite``: where a NaN or an infinity first appears.
    """
    if len(inputs) != len(graph.inputs):
        raise ShapeError(
            f"{graph.name} takes {len(graph.inputs)} inputs, got {len(inputs)}",
            expected=len(graph.inputs),
            got=len(inputs),
        )
    values: dict[Node, object] = dict(known) if known else {}
    values.update(zip(graph.inputs, inputs, strict=True))
    order = missing_nodes(graph.outputs, values)
    last_use = last_uses(order, graph.outputs)
    for position, node in enumerate(order):
        values[node] = run_node(node, [values[operand] for operand in node.operands])
        for done in last_use.get(position, ()):
            del values[done]
    return [values[node] for node in graph.outputs]


def run_node(node: Node, operands: Sequence[object]) -> object:
    """Return the value of one node (of a `Call`: the tuple of its outputs)."""
    match node.op:
        case Operation(primitive=primitive, params=params):
            recorder = innermost(operands)
            if recorder is not None:
                return recorder.record(primitive, operands, params)
            result = primitive.evaluate(*operands, **params)
            if config.check_finite:
                require_finite(primitive, operands, result, node)
            return result
        case Literal(value=value):
            return literal_value(value, node.spec)
        case Project(position=position):
            return operands[0][position]  # type: ignore[index]
        case Call() as call:
            return run_call(call, operands, None)
        case Input(name=name):
            raise AssertionError(f"the input {name} has no value")


def run_call(call: Call, operands: Sequence[object], values: Sequence[object] | None) -> Sequence[object]:
    """Return the outputs of a graph with a derivative of its own; `values` are its plain ones, if known."""
    recorder = innermost(operands)
    if recorder is not None:
        return recorder.record_call(call, operands, values)
    return interpret(call.body, operands) if values is None else values


def literal_value(value: complex, spec: Spec) -> object:
    """Return a literal as NumPy sees it: a Python number if it is weak, else a scalar of its dtype."""
    return value if spec.weak else spec.dtype.type(value)


def missing_nodes(outputs: Sequence[Node], values: Mapping[Node, object]) -> list[Node]:
    """Return the nodes to run, operands before users, stopping at those whose value is there."""
    order: list[Node] = []
    done: set[Node] = set()
    stack = list(reversed(outputs))
    while stack:
        node = stack[-1]
        if node in done or node in values:
            stack.pop()
            continue
        missing = [operand for operand in node.operands if operand not in done and operand not in values]
        if missing:
            stack.extend(reversed(missing))
        else:
            done.add(stack.pop())
            order.append(node)
    return order


def last_uses(order: Sequence[Node], outputs: Sequence[Node]) -> dict[int, list[Node]]:
    """Map a position in `order` to the nodes that nobody needs after it."""
    last: dict[Node, int] = {}
    for position, node in enumerate(order):
        last[node] = position
        for operand in node.operands:
            last[operand] = position
    kept = set(outputs)
    uses: dict[int, list[Node]] = {}
    for node, position in last.items():
        if node not in kept:
            uses.setdefault(position, []).append(node)
    return uses
