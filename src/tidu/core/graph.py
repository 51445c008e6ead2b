"""What a traced program is: immutable nodes, and a graph with inputs and outputs.

A node refers to its operands, so a derivative is simply more nodes on top of the same ones. Nothing
recurses along operands: a chain of any depth is walked with an explicit stack. This file evaluates
nothing; `tidu.core.text` prints, parses and verifies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from tidu.core.primitive import Params, Primitive
from tidu.core.source import Source
from tidu.core.spec import Spec

__all__ = ["Call", "CallPullback", "Graph", "Input", "Literal", "Node", "Operation", "Project", "topological_order"]


CallPullback: TypeAlias = Callable[
    [Sequence[object | None], Sequence[object], Sequence[object]], Sequence[object | None]
]
"""``pullback(cts, outs, operands)`` -> a cotangent or None for each operand, in traced operations."""


@dataclass(frozen=True, slots=True)
class Input:
    """A node that stands for a value given from outside.

    Parameters
    ----------
    name : str
        The user's name for it: the argument, with its path inside nested containers.
    captured : bool
        True of a value that the traced function took from its surroundings.
    """

    name: str
    captured: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A node that stands for a number written in the program."""

    value: bool | int | float | complex


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A node that applies a primitive."""

    primitive: Primitive
    params: Params


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A node that runs a graph whose derivative is given apart; its value is a tuple.

    Parameters
    ----------
    name : str
        The function's name.
    body : Graph
        What it computes: one input for each operand.
    pullback : CallPullback
        Its derivative. The cotangents have an entry for each of the body's outputs, None where nothing
        flows back.
    """

    name: str
    body: Graph
    pullback: CallPullback


@dataclass(frozen=True, slots=True)
class Project:
    """A node that takes one entry of a `Call`'s tuple."""

    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of a program.

    Parameters
    ----------
    op : Input, Literal, Operation, Call or Project
        Where the value comes from.
    operands : tuple of Node
        What it is computed from.
    spec : Spec
        Shape and dtype (of a `Call`: those of its first output).
    source : Source or None
        Where in the user's code it was made; a derivative's node carries that of the node it belongs to.
    label : str
        A name given apart from any source line, as in a graph read from text.
    """

    op: Input | Literal | Operation | Call | Project
    operands: tuple[Node, ...]
    spec: Spec
    source: Source | None = None
    label: str = ""

    @property
    def primitive(self) -> Primitive | None:
        """The primitive it applies, if it does."""
        return self.op.primitive if isinstance(self.op, Operation) else None

    @property
    def params(self) -> Params:
        """Static parameters of its primitive."""
        return self.op.params if isinstance(self.op, Operation) else {}

    @property
    def name(self) -> str:
        """The user's own name for the value, or an empty string."""
        if isinstance(self.op, Input):
            return self.op.name
        return self.label or (self.source.name if self.source else "")

    def __repr__(self) -> str:
        what = self.primitive.name if self.primitive else type(self.op).__name__.lower()
        return f"<node {what} {self.spec}>"


@dataclass(frozen=True, eq=False)
class Graph:
    """A program: inputs, and outputs computed from them.

    Parameters
    ----------
    inputs : tuple of Node
        Nodes whose `op` is an `Input`; captured ones stand last.
    outputs : tuple of Node
        What the program returns.
    name : str
        The traced function's name.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    name: str = "f"

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes that the outputs need, operands before users, and all inputs."""
        return tuple(topological_order(self.outputs, self.inputs))

    @cached_property
    def labels(self) -> Mapping[Node, str]:
        """A short name for each node: the user's where it is unique, else a number."""
        taken: dict[str, int] = {}
        labels = {}
        for number, node in enumerate(self.nodes):
            label = node.name or str(number)
            count = taken.get(label, 0)
            taken[label] = count + 1
            labels[node] = label if not count else f"{label}.{count}"
        return labels

    def __str__(self) -> str:
        from tidu.core.text import print_graph

        return print_graph(self)


def topological_order(outputs: Iterable[Node], first: Iterable[Node] = ()) -> Iterator[Node]:
    """Yield every node below `outputs`, operands before users; those of `first` lead."""
    done: set[Node] = set()
    for node in first:
        if node not in done:
            done.add(node)
            yield node
    for output in outputs:
        stack = [output]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            missing = [operand for operand in node.operands if operand not in done]
            if missing:
                stack.extend(reversed(missing))
            else:
                done.add(stack.pop())
                yield node
