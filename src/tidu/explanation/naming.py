"""What is every node called: by the user where the user named it, else by a letter or a number."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation, Project
from tidu.explanation.numbers import show_number

__all__ = ["captured_names", "name_nodes", "recorded_order", "short_names"]

_LETTERS = "qrstuvwp"
_LAST = re.compile(r"(?:\['(\w+)'\]|\.(\w+))$")


def recorded_order(graph: Graph, values: Mapping[Node, object]) -> list[Node]:
    """Return the graph's nodes in the order in which the user's code made them.

    `values` are those of an eager trace, in that order. A node that stands for another one of the same
    operation (a Python number's weak twin) comes where that one came.
    """
    position: dict[object, int] = {}
    for i, node in enumerate(values):
        position[node.op if isinstance(node.op, (Operation, Call)) else node] = i
    ranks: dict[Node, tuple[int, int]] = {}
    for i, node in enumerate(graph.nodes):
        key = node.op if isinstance(node.op, (Operation, Call)) else node
        before = max((ranks[operand][0] for operand in node.operands), default=-1)
        ranks[node] = (max(position.get(key, before), before), i)
    return sorted(graph.nodes, key=ranks.__getitem__)


def name_nodes(
    order: Sequence[Node], outputs: Sequence[tuple[Node, str]], given: Mapping[Node, str]
) -> dict[Node, str]:
    """Return a name for each node, no two alike but literals.

    Parameters
    ----------
    order : sequence of Node
        In the order of recording.
    outputs : sequence of (Node, str)
        The results and what to call them if the user did not.
    given : mapping of Node to str
        Names that go before all others.
    """
    names: dict[Node, str] = {}
    taken: dict[str, int] = {}

    def take(node: Node, name: str) -> None:
        unique = name
        while unique in taken:
            taken[name] += 1
            unique = f"{name}_{taken[name]}"
        names[node] = unique
        taken[unique] = 1

    for node in order:
        if isinstance(node.op, Input):
            take(node, given.get(node) or node.op.name)
        elif isinstance(node.op, Literal):
            names[node] = show_number(node.op.value)
    for node, name in [*given.items(), *_user_names(order)]:
        if node not in names:
            take(node, name)
    for node, name in outputs:
        if node not in names:
            take(node, name)
    for node, name in _invented(order, names, taken):
        take(node, name)
    entries: dict[Node, list[str]] = {}
    for node in order:
        if isinstance(node.op, Project):
            entries.setdefault(node.operands[0], []).append(names[node])
    return names | {call: ", ".join(found) for call, found in entries.items()}


def _invented(order: Sequence[Node], names: Mapping[Node, str], taken: Collection[str]) -> list[tuple[Node, str]]:
    """Return names for the rest: letters while they suffice for all, else ``v3`` for the third step."""
    unnamed = [node for node in order if node not in names and not isinstance(node.op, Call)]
    letters = [letter for letter in _LETTERS if letter not in taken]
    if len(unnamed) <= len(letters):
        return list(zip(unnamed, letters, strict=False))
    steps = [node for node in order if isinstance(node.op, (Operation, Call))]
    number = {node: i for i, node in enumerate(steps, 1)}
    return [(node, f"v{number.get(node) or number[node.operands[0]]}") for node in unnamed]


def _user_names(order: Sequence[Node]) -> list[tuple[Node, str]]:
    """Return the nodes that a variable of the user's stands for.

    One call into the library may make several nodes on the user's one line (a mean is a sum and a
    product); the variable is the last of them. A line that runs again, in a loop, begins anew.
    """
    last: dict[tuple[tuple[int, int], ...], tuple[set[int], Node]] = {}
    found: dict[Node, str] = {}
    for node in order:
        if isinstance(node.op, (Input, Literal, Call)):
            continue
        if node.label:
            found[node] = node.label
            continue
        if node.source is None or not node.source.name:
            continue
        key = tuple((id(place.code), place.instruction) for place in node.source.places)
        seen, before = last.get(key, (set(), node))
        if node.source.inside in seen:
            seen = set()
        else:
            found.pop(before, None)
        last[key] = ({*seen, node.source.inside}, node)
        found[node] = node.source.name
    return list(found.items())


def short_names(graph: Graph) -> dict[Node, str]:
    """Return ``W`` for ``params['W']``, where that is a name and no other input has it."""
    last: dict[Node, str] = {}
    for node in graph.inputs:
        if isinstance(node.op, Input) and node.op.captured:
            continue
        match = _LAST.search(node.name)
        last[node] = match[1] or match[2] if match else node.name
    all_names = list(last.values())
    return {node: name for node, name in last.items() if name.isidentifier() and all_names.count(name) == 1}


def captured_names(function: Callable[..., object], captures: Sequence[tuple[Node, object]]) -> dict[Node, str]:
    """Return what the function itself calls the values that it takes from its surroundings."""
    try:
        closure = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):
        return {}
    known = {**closure.globals, **closure.nonlocals}
    names = {}
    for node, value in captures:
        name = next((name for name, candidate in known.items() if candidate is value), "")
        if name:
            names[node] = name
    return names
