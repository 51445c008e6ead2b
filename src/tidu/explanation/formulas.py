"""How is a node written: its record's formula, filled with names or numbers.

A record's formula has fields ``{0}``, ``{1}`` and ``{out}``; what is filled in gets brackets where a
leading minus would be misread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidu.core.graph import Call, Node
from tidu.core.primitive import Params

__all__ = ["fill", "local_rule", "operation_symbol", "write"]

_FIELD = re.compile(r"\{\{|\}\}|\{(\d+|out)\}")
_QUIET = ("keepdims",)


def fill(template: str, operands: Sequence[str], out: str = "") -> str:
    """Put texts into the fields of a formula.

    Examples
    --------
    >>> fill("{0} * {1}", ["3", "-4"])
    '3 * (-4)'
    """

    def replace(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group()[0]
        content = out if match.group(1) == "out" else operands[int(match.group(1))]
        before, after = template[: match.start()], template[match.end() :]
        inside = before.endswith(("(", ", ")) and after.startswith((")", ","))
        first = not before and not after.startswith((" **", "**", "^", "."))
        return f"({content})" if content.startswith("-") and not inside and not first else content

    return _FIELD.sub(replace, template)


def write(node: Node, operands: Sequence[str]) -> str:
    """Return a node's formula with its operands' texts: ``x + y``, ``sum(x, axis=0)``."""
    if isinstance(node.op, Call):
        return f"{node.op.name}({', '.join(operands)})"
    primitive = node.primitive
    assert primitive is not None, "inputs and literals have no formula"
    fields = [int(n) for n in re.findall(r"\{(\d+)\}", primitive.formula.text)]
    options = _options(node)
    if len(primitive.pullback) < len(operands) or max(fields, default=0) >= len(operands):
        return f"{primitive.name}({', '.join([*operands, *options])})"
    written = fill(primitive.formula.text, operands)
    if not options:
        return written
    if written.endswith(")") and written.startswith(primitive.formula.text.split("(")[0] + "("):
        return f"{written[:-1]}, {', '.join(options)})"
    return f"{written} ({', '.join(options)})"


def _options(node: Node) -> list[str]:
    """Return the parameters that a reader needs, as ``axis=0``."""
    params: Params = node.params
    shown = []
    for key, value in params.items():
        if key in _QUIET or value is None:
            continue
        if key == "axis" and isinstance(value, tuple):
            if len(value) == node.operands[0].spec.ndim:
                continue
            value = value[0] if len(value) == 1 else value
        if key == "axes" and isinstance(value, tuple) and value == tuple(reversed(range(len(value)))):
            continue
        shown.append(f"{key}={value}")
    return shown


def local_rule(node: Node, position: int, operands: Sequence[str], out: str) -> str:
    """Return the local derivative as the record writes it, or an empty string where it has none.

    It may have the word ``ct``: then it is the whole rule, not a factor.
    """
    partials = node.primitive.formula.partials if node.primitive else ()
    if not partials or max(map(int, re.findall(r"\{(\d+)\}", "".join(partials))), default=0) >= len(operands):
        return ""
    return fill(partials[min(position, len(partials) - 1)], operands, out)


def operation_symbol(node: Node, operands: Sequence[str]) -> str:
    """Return what stands in a node of the picture: ``+``, ``exp``, ``1 / .``; an empty text is another node."""
    if isinstance(node.op, Call) or node.primitive is None:
        return node.op.name if isinstance(node.op, Call) else ""
    template = node.primitive.formula.text
    if len(node.primitive.pullback) < len(operands):
        return node.primitive.name
    if not any(operands):
        operator = re.fullmatch(r"\{0\} (\S+) \{1\}|(\w+)\(\{\d\}(?:, \{\d\})*\)|(\S)\{0\}|\{0\}(\S+)", template)
        if operator:
            return next(part for part in operator.groups() if part)
        return node.primitive.name
    return fill(template, [text or "\N{MIDDLE DOT}" for text in operands])
