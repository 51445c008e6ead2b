"""From screened text to a straight-line program: one instruction for each sub-expression, operands first.

Python's parser gives the tree (so precedence is Python's own), an allow-list says which of its nodes
may occur, and sub-expressions of constants are worked out in floating point. Nothing recurses.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tidu.errors import ExpressionError
from tidu.expressions.screen import MAX_DEPTH, Statement, refuse
from tidu.expressions.vocabulary import COMPARISONS, CONSTANTS, FUNCTIONS, OPERATORS, SIGNS, is_reserved

__all__ = ["Instruction", "Program", "compile_statements"]

_EXACT_INTEGERS = 2**53


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a program.

    Parameters
    ----------
    text : str
        The sub-expression, as it was written.
    call : callable or None
        What is applied to `operands`; None where the value is given.
    operands : tuple of int
        Numbers of earlier instructions.
    variable : str
        The variable that it reads, or an empty string.
    constant : float, ndarray or None
        Its value, where that is known.
    """

    text: str
    call: Callable[..., object] | None = None
    operands: tuple[int, ...] = ()
    variable: str = ""
    constant: object = None


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions in order, the last of each statement by the statement's name, and the free variables."""

    instructions: tuple[Instruction, ...]
    results: tuple[tuple[str, int], ...]
    names: tuple[str, ...]


def compile_statements(text: str, statements: Sequence[Statement], allowed: Sequence[str] | None) -> Program:
    """Translate statements; the variables must be among `allowed`, if that is given.

    Raises
    ------
    ExpressionError
        At the first thing outside the subset.
    """
    compiler = _Compiler(text, allowed)
    for statement in statements:
        compiler.add(statement)
    return Program(tuple(compiler.instructions), tuple(compiler.results), tuple(compiler.variables))


class _Compiler:
    """The program so far."""

    def __init__(self, text: str, allowed: Sequence[str] | None) -> None:
        self.text = text
        self.allowed = allowed
        self.start = 0
        self.instructions: list[Instruction] = []
        self.results: list[tuple[str, int]] = []
        self.variables: dict[str, int] = {}
        self.assigned: dict[str, int] = {}

    def add(self, statement: Statement) -> None:
        """Append one statement's instructions."""
        self.start = statement.start
        name = statement.name
        if name and (is_reserved(name) or name in self.assigned or name in (self.allowed or ())):
            why = "is assigned twice" if name in self.assigned else "already has a meaning"
            raise refuse(self.text, statement.name_start, f"{name!r} {why}; choose another name", got=name)
        slots: dict[ast.AST, int] = {}
        for node in _operands_first(self._tree(statement), self):
            slots[node] = self._emit(node, slots)
        slot = next(reversed(slots.values()))
        if name in self.variables:
            raise refuse(self.text, statement.name_start, f"{name!r} is used before it is assigned", got=name)
        if name:
            self.assigned[name] = slot
        self.results.append((name, slot))

    def error(self, node: ast.AST, what: str, **facts: object) -> ExpressionError:
        """Return the error for `node`."""
        return refuse(self.text, self.start + getattr(node, "col_offset", 0), what, **facts)

    def _tree(self, statement: Statement) -> ast.expr:
        try:
            return ast.parse(statement.text, mode="eval").body
        except SyntaxError as error:
            before = len(statement.text) if _ends_open(statement.text) else max((error.offset or 1) - 1, 0)
            column = self.start + min(before, len(statement.text))
            raise refuse(self.text, column, "an operator or operand is missing here") from None
        except (RecursionError, MemoryError):
            raise refuse(
                self.text,
                self.start,
                "operators are chained too long; split it: q = ...; q + ...",
                expected=MAX_DEPTH,
            ) from None

    def _emit(self, node: ast.expr, slots: dict[ast.AST, int]) -> int:
        """Append the instruction of `node` and return its number."""
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in CONSTANTS:
                return self._append(Instruction(self._slice(node), constant=CONSTANTS[name]))
            case ast.Name(id=name) if name in self.assigned:
                return self.assigned[name]
            case ast.Name(id=name) if name in self.variables:
                return self.variables[name]
            case ast.Name(id=name):
                self.variables[name] = self._append(Instruction(name, variable=name))
                return self.variables[name]
            case ast.Constant(value=int() | float() as value):
                exact = isinstance(value, int) and abs(value) <= _EXACT_INTEGERS
                return self._append(Instruction(self._slice(node), constant=value if exact else float(value)))
            case ast.UnaryOp(op=sign, operand=operand):
                return self._apply(node, SIGNS[type(sign)], self._numbers([operand], slots))
            case ast.BinOp(left=left, op=operator, right=right):
                return self._apply(node, OPERATORS[type(operator)], self._numbers([left, right], slots))
            case ast.Compare(left=left, ops=[comparison], comparators=[right]):
                return self._apply(node, COMPARISONS[type(comparison)], self._numbers([left, right], slots))
            case ast.Call(func=function, args=args):
                conditions = [slots[arg] for arg in args[:1]] if _called(function) == "where" else []
                numbers = self._numbers(args[len(conditions) :], slots)
                return self._apply(node, FUNCTIONS[_called(function)].call, conditions + numbers)
            case ast.List(elts=elements):
                return self._apply(node, _vector, self._numbers(elements, slots))
        raise AssertionError(f"{type(node).__name__} has passed the allow-list")

    def _numbers(self, nodes: Sequence[ast.expr], slots: Mapping[ast.AST, int]) -> list[int]:
        """Return where the operands lie, a comparison as the number 0 or 1: NumPy's own functions of truth values
        are logic (1 + 1 = 1) or of half precision."""
        return [
            self._apply(node, _as_number, [slots[node]]) if isinstance(node, ast.Compare) else slots[node]
            for node in nodes
        ]

    def _apply(self, node: ast.expr, call: Callable[..., object], operands: list[int]) -> int:
        known = [self.instructions[slot].constant for slot in operands]
        text = self._slice(node)
        if any(constant is None for constant in known):
            return self._append(Instruction(text, call, tuple(operands)))
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(call(*[np.asarray(x, np.float64)[()] if not _is_truth(x) else x for x in known]))
        except (ValueError, TypeError) as error:
            raise self.error(node, f"the shapes do not fit ({error})") from None
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise self.error(node, f"{text[:40]} has no finite value in floating point", got=value)
        return self._append(Instruction(text, constant=value if value.ndim else value.item()))

    def _append(self, instruction: Instruction) -> int:
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def _slice(self, node: ast.expr) -> str:
        return self.text[self.start + node.col_offset : self.start + (node.end_col_offset or 0)]

    def check(self, node: ast.expr) -> list[ast.expr]:
        """Return the operands of `node` in order, or refuse it."""
        match node:
            case ast.Name(id=name):
                return self._check_name(node, name)
            case ast.Constant(value=bool() | int() | float()):
                return []
            case ast.Attribute(value=ast.Name(id="np"), attr=name) if name in CONSTANTS:
                return []
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in SIGNS:
                return [operand]
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                return [left, right]
            case ast.Compare(left=left, comparators=[right]):
                return [left, right]
            case ast.Compare():
                raise self.error(node, "comparisons are not chained; write where(a < x, where(x < b, ...), ...)")
            case ast.Call():
                return self._check_call(node)
            case ast.List(elts=elements) if elements:
                return elements
        names = {
            "Attribute": "an attribute",
            "Subscript": "indexing",
            "Tuple": "a comma outside a call, or an empty pair of brackets,",
            "List": "an empty list",
        }
        what = names.get(type(node).__name__, f"{type(node).__name__.lower()}")
        raise self.error(
            node,
            f"{what} is not allowed; an expression has numbers, names, + - * / ** %, comparisons, "
            "calls of known functions and lists",
            got=type(node).__name__,
        )

    def _check_name(self, node: ast.Name, name: str) -> list[ast.expr]:
        if name in CONSTANTS:
            return []
        if is_reserved(name):
            raise self.error(
                node,
                f"{name!r} is not a variable; write {name}.exp(x)"
                if name == "np"
                else f"{name!r} is a function; write {name}(...)",
                got=name,
            )
        if self.allowed is not None and name not in self.allowed and name not in self.assigned:
            raise self.error(
                node,
                f"unknown name {name!r}; the variables here are {', '.join(self.allowed)}",
                got=name,
                expected=self.allowed,
            )
        return []

    def _check_call(self, node: ast.Call) -> list[ast.expr]:
        name = _called(node.func)
        function = FUNCTIONS.get(name)
        if function is None:
            shown = f"{name!r}" if name else "this"
            raise self.error(
                node,
                f"{shown} is not a function that can be called; known are {', '.join(sorted(FUNCTIONS))}",
                got=name,
            )
        if node.keywords:
            raise self.error(node, f"{name} takes no keyword arguments here", got=node.keywords[0].arg)
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self.error(node, "a star in a call is not allowed")
        if not function.least <= len(node.args) <= function.most:
            count = str(function.least) if function.least == function.most else f"{function.least} to {function.most}"
            raise self.error(
                node,
                f"{name} takes {count} argument(s), got {len(node.args)}",
                expected=count,
                got=len(node.args),
            )
        return node.args


def _operands_first(root: ast.expr, compiler: _Compiler) -> list[ast.expr]:
    """Return the tree's nodes, operands before their users, from left to right.

    The left operand of an operator is as deep as the operator itself, so that a long sum is not deep.
    """
    order: list[ast.expr] = []
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise compiler.error(
                node, f"nested more than {MAX_DEPTH} deep; split it: q = ...; q + ...", expected=MAX_DEPTH
            )
        operands = compiler.check(node)
        order.append(node)
        chained = isinstance(node, ast.BinOp)
        stack += [(operand, depth + (not chained or i > 0)) for i, operand in enumerate(operands)]
    return order[::-1]


def _as_number(truth: object) -> object:
    return np.where(truth, 1.0, 0.0)  # type: ignore[call-overload]


def _ends_open(text: str) -> bool:
    """Tell whether the text breaks off after an operator: then the end is what is wrong."""
    return text[-1] in "+-*/%<>=,."


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name):
            return name
    return ""


def _is_truth(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, np.ndarray) and value.dtype.kind == "b")


def _vector(*elements: object) -> object:
    return np.stack(elements)  # type: ignore[arg-type]
