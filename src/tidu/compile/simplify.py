"""What is the shortest graph with the same values?

The first pass of the compiler. Calls are inlined; then one walk from the inputs up makes every node
anew out of simple operands: equal ones once, numbers at once, and whatever a rule knows a simpler or
more stable form of in that form. What nothing needs any more is not walked to. The rules stand in
tables: `laws` (from the records), `rewrites` (simpler), `stable` and `softmax` (exponentials). This file knows none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import cast

import numpy as np

from tidu.compile.inline import inline
from tidu.compile.laws import rules_from_laws
from tidu.compile.rewrites import RULES, narrow_operands
from tidu.compile.rewriting import Builder, Index, Number, Rule, make_index
from tidu.compile.softmax import SOFTMAX
from tidu.compile.stable import STABLE
from tidu.core.graph import Graph, Literal, Node, Operation
from tidu.core.primitive import Primitive
from tidu.core.spec import Spec

__all__ = ["rules_of", "simplify"]

_OPAQUE = "barrier"


def simplify(graph: Graph, captures: Sequence[object] = ()) -> Graph:
    """Return a graph with the same inputs and, to a few units in the last place, the same outputs.

    Parameters
    ----------
    graph : Graph
        Any graph; it is left as it is.
    captures : sequence of array, optional
        Values of its last inputs, as of a traced function. One number that NumPy repeats without copying it, as
        a gradient's seed, is taken for that number; other values are not looked at, since they may change.

    Returns
    -------
    Graph
        Its inputs are those of `graph`, its outputs have the specs of `graph`'s. Simplified again it
        does not change. A new node carries the source line of the node that it replaces.

    Notes
    -----
    Linear in the number of nodes. Values may differ by rounding, in the sign of a zero, and where the given
    form overflows but the stable one does not: ``log(sum(exp(x)))`` is shifted by the largest element,
    ``1 / (1 + exp(-x))`` becomes the logistic function and its derivative ``out * (1 - out)``. Gradients
    through the shift of a softmax, which cancel, are not computed.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.core.spec import Spec
    >>> from tidu.trace.function import trace
    >>> graph = trace(lambda x: -(-x) / 1.0 + (x * 4.0) * 0.5, [Spec((3,), np.dtype("float64"))], eager=False).graph
    >>> [node.primitive.name for node in simplify(graph).nodes if node.primitive]
    ['multiply', 'add']
    """
    graph = inline(graph)
    builder = Builder(rules_of)
    became: dict[Node, Node] = {}
    for node, value in zip(graph.inputs[len(graph.inputs) - len(captures) :], captures, strict=True):
        repeated = _repeated(value)
        if repeated is not None:
            became[node] = builder.broadcast(builder.literal(repeated, node.spec.dtype), node.spec.shape)
    for node in graph.nodes:
        op = node.op
        if type(op) is Operation:
            operands = tuple([became[operand] for operand in node.operands])
            if op.primitive.name == _OPAQUE:
                same = operands == node.operands
                became[node] = node if same else Node(op, operands, node.spec, node.source, node.label)
                continue
            builder.source = node.source
            operands = tuple([_in_dtype_of(node, x, builder) for x in operands])
            became[node] = builder.make(op.primitive, operands, op.params, node.spec, node)
        elif type(op) is Literal:
            became[node] = builder.keep(node)
        else:
            became.setdefault(node, node)
    outputs = tuple([_with_spec(became[node], node.spec) for node in graph.outputs])
    return Graph(graph.inputs, outputs, graph.name)


def _repeated(value: object) -> Number | None:
    """Return the number that an array repeats by strides of zero, if nobody can write to it."""
    if not isinstance(value, np.ndarray) or value.flags.writeable or not value.size or value.dtype.kind not in "biuf":
        return None
    whole = value.base
    if not isinstance(whole, np.ndarray) or whole.shape or whole.flags.writeable:
        return None
    return cast("Number", whole.item())


def _in_dtype_of(node: Node, operand: Node, builder: Builder) -> Node:
    """Return a function's only operand in the dtype of the result: rules that look inside then see one dtype."""
    dtype, given = node.spec.dtype, operand.spec.dtype
    only = len(node.operands) == 1 and node.primitive is not None and node.primitive.kind.name == "elementwise"
    return builder.convert(operand, dtype) if only and dtype.kind == "f" and given != dtype else operand


@cache
def rules_of(primitive: Primitive) -> Index:
    """Return the rules that replace a primitive, in the order in which they are tried."""
    rules = [*STABLE, *SOFTMAX, *rules_from_laws(primitive), *RULES]
    if primitive.kind.name == "elementwise":
        rules.insert(0, Rule("repeat afterwards", primitive.name, "broadcast_to", narrow_operands, floating=False))
    return make_index([rule for rule in rules if rule.of == primitive.name])


def _with_spec(node: Node, spec: Spec) -> Node:
    """Return an output that is a Python number to its user if the given one was."""
    return node if node.spec == spec else replace(node, spec=spec)
