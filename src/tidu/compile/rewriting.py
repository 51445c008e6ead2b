"""How are nodes made so that equal ones are one node, and simple ones are made in place of others?

A `Builder` makes every node of a simplified graph. Rules look at a node whose operands are simple
already, so one walk from the inputs up reaches the fixed point. This file knows how rules are tried
and what they need to write themselves down; it has no rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from tidu.core.graph import Literal, Node, Operation
from tidu.core.primitive import Param, Params, Primitive, find
from tidu.core.source import Source
from tidu.core.spec import Dtype, Shape, Spec
from tidu.interpret import literal_value

__all__ = [
    "Builder",
    "Index",
    "Number",
    "Rewrite",
    "Rule",
    "is_number",
    "joint_shape",
    "make_index",
    "name_of",
    "number",
    "numerator",
    "orders",
    "uniform",
]

Number: TypeAlias = bool | int | float | complex
Rewrite: TypeAlias = "Callable[[Builder, Node], Node | None]"
"""``rewrite(builder, node)`` -> what replaces the node, of its shape and dtype, or None."""

LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a table of rules.

    Parameters
    ----------
    name : str
        What it does, for a reader.
    of : str
        The primitive that it replaces.
    on : str
        A primitive that one of the operands must be, or ``"literal"``; empty if any will do.
    rewrite : Rewrite
        The rule.
    floating : bool
        Whether it holds only where operands and result are of one floating dtype.
    """

    name: str
    of: str
    on: str
    rewrite: Rewrite
    floating: bool = True


@dataclass(frozen=True, slots=True)
class Index:
    """The rules of one primitive, by what they want of an operand."""

    floating: Mapping[str, tuple[Rewrite, ...]]
    general: Mapping[str, tuple[Rewrite, ...]]


def make_index(rules: Sequence[Rule]) -> Index:
    """Sort rules by the operand that they look for; they keep their order."""
    found: tuple[dict[str, tuple[Rewrite, ...]], ...] = ({}, {})
    for rule in rules:
        kept = found[0 if rule.floating else 1]
        kept[rule.on] = (*kept.get(rule.on, ()), rule.rewrite)
    return Index(*found)


class Builder:
    """Makes nodes, each only once, and simplifies them as it makes them.

    Parameters
    ----------
    index_of : callable
        The rules of a primitive.

    Attributes
    ----------
    source : Source or None
        Whose line new nodes carry: that of the node being replaced.
    """

    def __init__(self, index_of: Callable[[Primitive], Index]) -> None:
        self.source: Source | None = None
        self._index_of = index_of
        self._made: dict[tuple[object, ...], Node] = {}

    def make(
        self, primitive: Primitive, operands: tuple[Node, ...], params: Params, spec: Spec, like: Node | None = None
    ) -> Node:
        """Return ``primitive(*operands, **params)`` in its simplest form.

        `like` is a node that says the same of other operands, perhaps of these; then it is used itself.
        """
        key = _key(primitive, operands, params, spec.weak)
        found = self._made.get(key)
        if found is None:
            if like is None:
                node = Node(Operation(primitive, params), operands, spec, self.source)
            elif like.operands == operands:
                node = like
            else:
                node = Node(like.op, operands, spec, like.source, like.label)
            found = self._made[key] = self._simplest(node, primitive)
        return found

    def known(self, name: str, *operands: Node, **params: Param) -> Node | None:
        """Return what ``name(*operands, **params)`` became if it was made before; make nothing."""
        return self._made.get(_key(find(name), operands, params, False))

    def literal(self, value: Number, dtype: Dtype, weak: bool = False) -> Node:
        """Return a number; the text tells 0.0 from -0.0."""
        key = (LITERAL, repr(value), dtype, weak)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Node(Literal(value), (), Spec((), dtype, weak))
        return found

    def keep(self, node: Node) -> Node:
        """Return the one node for a literal that the graph has already."""
        value = cast("Literal", node.op).value
        return self._made.setdefault((LITERAL, repr(value), node.spec.dtype, node.spec.weak), node)

    def apply(self, name: str, *operands: Node, dtype: Dtype | None = None) -> Node:
        """Return an elementwise operation, by default of the dtype of its last operand."""
        spec = Spec(joint_shape(operands), dtype or operands[-1].spec.dtype)
        return self.make(find(name), operands, {}, spec)

    def one(self, like: Node) -> Node:
        """Return 1 of the dtype of `like`."""
        return self.literal(1.0, like.spec.dtype)

    def negative(self, x: Node) -> Node:
        """Return -x."""
        return self.apply("negative", x)

    def reduce(self, name: str, x: Node, axes: Shape, keepdims: bool) -> Node:
        """Return a reduction of `x` that keeps its dtype."""
        kept = tuple([1 if a in axes else n for a, n in enumerate(x.spec.shape) if keepdims or a not in axes])
        return self.make(find(name), (x,), {"axis": axes, "keepdims": keepdims}, Spec(kept, x.spec.dtype))

    def reshape(self, x: Node, shape: Shape) -> Node:
        """Return `x` in another shape."""
        return self._moved("reshape", x, shape)

    def broadcast(self, x: Node, shape: Shape) -> Node:
        """Return `x` repeated to a shape."""
        return self._moved("broadcast_to", x, shape)

    def convert(self, x: Node, dtype: Dtype) -> Node:
        """Return `x` with another dtype."""
        return x if x.spec.dtype == dtype else self._converted(x, dtype)

    def fitted(self, found: Node, spec: Spec) -> Node:
        """Return a replacement as strong as what it replaces: a Python number would give way to its neighbors."""
        assert found.spec.shape == spec.shape, (found, spec)
        assert found.spec.dtype == spec.dtype, (found, spec)
        if not found.spec.weak or spec.weak:
            return found
        if type(found.op) is Literal:
            return self.literal(found.op.value, spec.dtype)
        return self._converted(found, spec.dtype)

    def _moved(self, name: str, x: Node, shape: Shape) -> Node:
        if x.spec.shape == shape:
            return x
        return self.make(find(name), (x,), {"shape": shape}, Spec(shape, x.spec.dtype))

    def _converted(self, x: Node, dtype: Dtype) -> Node:
        return self.make(find("convert"), (x,), {"dtype": dtype.name}, Spec(x.spec.shape, dtype))

    def _simplest(self, node: Node, primitive: Primitive) -> Node:
        dtype = node.spec.dtype
        names, same = [], dtype.kind == "f"
        for operand in node.operands:
            names.append(name_of(operand))
            same = same and operand.spec.dtype == dtype
        if names.count(LITERAL) == len(names):
            folded = self._folded(node, primitive)
            if folded is not None:
                return folded
        index = self._index_of(primitive)
        for table in (index.general, index.floating) if same else (index.general,):
            if table:
                for name in (*names, ""):
                    for rewrite in table.get(name, ()):
                        found = rewrite(self, node)
                        if found is not None:
                            return self.fitted(found, node.spec)
        return node

    def _folded(self, node: Node, primitive: Primitive) -> Node | None:
        """Evaluate an operation on numbers alone, in the dtype that it would have at run time."""
        spec = node.spec
        if spec.shape or spec.dtype.kind not in "biuf" or primitive.kind.name not in ("elementwise", "conversion"):
            return None
        numbers = [literal_value(cast("Literal", x.op).value, x.spec) for x in node.operands]
        try:
            with np.errstate(all="ignore"):
                value = primitive.evaluate(*numbers, **node.params)
        except ValueError:
            return None  # as an integer to a negative power: the error belongs to the run
        return self.literal(np.asarray(value, spec.dtype).item(), spec.dtype, spec.weak)


def _key(primitive: Primitive, operands: tuple[Node, ...], params: Params, weak: bool) -> tuple[object, ...]:
    """Return what equal nodes have in common; the order of operands does not matter where it does not."""
    if len(operands) == 2 and primitive.laws.commutative and id(operands[0]) > id(operands[1]):
        operands = (operands[1], operands[0])
    return (primitive, operands, repr(params) if params else "", weak)


def name_of(node: Node) -> str:
    """Return the name of a node's primitive, ``"literal"``, or an empty string."""
    op = node.op
    if type(op) is Operation:
        return op.primitive.name
    return LITERAL if type(op) is Literal else ""


def number(node: Node) -> Number | None:
    """Return the number that a node is, if it is one."""
    return node.op.value if type(node.op) is Literal else None


def is_number(node: Node, value: Number) -> bool:
    """Tell whether a node is this number (0.0 and -0.0 are the same here)."""
    return type(node.op) is Literal and node.op.value == value


def uniform(node: Node) -> Node | None:
    """Return the literal that a node repeats, if it does."""
    if type(node.op) is Literal:
        return node
    if name_of(node) == "broadcast_to" and type(node.operands[0].op) is Literal:
        return node.operands[0]
    return None


def orders(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the two operands of a commutative operation in both orders."""
    a, b = node.operands
    yield a, b
    yield b, a


def joint_shape(operands: Sequence[Node]) -> Shape:
    """Return the shape that operands are broadcast to."""
    shape = operands[0].spec.shape
    for operand in operands[1:]:
        other = operand.spec.shape
        if other != shape and other:
            shape = np.broadcast_shapes(shape, other) if shape else other
    return shape


def numerator(b: Builder, x: Node, denominator: Node) -> Node | None:
    """Return y where x is y / denominator."""
    if name_of(x) == "reciprocal" and x.operands[0] is denominator:
        return b.one(x)
    return x.operands[0] if name_of(x) == "divide" and x.operands[1] is denominator else None
