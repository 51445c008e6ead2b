"""Which line of the user's wrote a node.

Recording costs a walk over a few frames; everything that needs the text of a file (the line, the
expression, the name it is assigned to) waits until somebody asks. This file knows nothing of graphs.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import CodeType, FrameType

import numpy as np

__all__ = ["Place", "Source", "current_source"]

_LIBRARY = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + "/"
_SITE = os.path.dirname(os.path.dirname(np.__file__))
_OTHER_LIBRARIES = tuple(f"{_SITE}/{name}/" for name in ("numpy", "scipy", "sklearn"))
_MAX_FRAMES = 12


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One point of execution: a code object and the instruction in it."""

    code: CodeType
    instruction: int

    @property
    def file(self) -> str:
        """File name of the code."""
        return self.code.co_filename

    @property
    def function(self) -> str:
        """Name of the function."""
        return self.code.co_name

    @property
    def span(self) -> tuple[int, int, int, int]:
        """First line, last line, first column, last column of the expression that runs (lines from 1)."""
        first, last, start, stop = next(islice(self.code.co_positions(), self.instruction // 2, None))
        line = first or self.code.co_firstlineno
        return line, last or line, start or 0, stop or 0

    @property
    def line(self) -> int:
        """Line number."""
        return self.span[0]

    @property
    def text(self) -> str:
        """The line itself, stripped; empty where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def called(self) -> str:
        """What the expression calls (``np.full`` in ``np.full(3, x)``), or an empty string."""
        first, last, start, stop = self.span
        text = linecache.getline(self.file, first).rstrip("\n").encode()[start : stop if first == last else None]
        name, bracket, _ = text.decode(errors="replace").partition("(")
        return name if bracket and name.replace(".", "").replace("_", "").isalnum() else ""

    @property
    def target(self) -> str:
        """The variable that the expression is assigned to (``q`` in ``q = x + y``), or an empty string."""
        return _assignments(self.file).targets.get(self.span, "")

    @property
    def is_returned(self) -> bool:
        """Whether the expression is the whole result of its function, as in ``return a + b``."""
        return self.span in _assignments(self.file).returned

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where in the user's code a node was made: the innermost frame first.

    Parameters
    ----------
    places : tuple of Place
        The user's frames.
    inside : int
        Tells apart the operations that one call into the library made (a mean is a sum and a product):
        a digest of the library's own frames.
    """

    places: tuple[Place, ...]
    inside: int = 0

    @property
    def place(self) -> Place:
        """The user's innermost line."""
        return self.places[0]

    @property
    def name(self) -> str:
        """The user's own name for the value, or an empty string.

        A value that a function returns takes the name that the caller gives to the call, so
        ``h1 = f(np.dot(W1, x) + b1)`` names the result of ``f``.
        """
        for place in self.places:
            if place.target:
                return place.target
            if not place.is_returned:
                return ""
        return ""

    @property
    def scope(self) -> tuple[str, ...]:
        """Names of the user's functions that were entered, the outermost first."""
        return tuple(place.function for place in reversed(self.places))

    def __str__(self) -> str:
        return str(self.place)


_is_users: dict[str, bool] = {}


def current_source(boundary: FrameType | None = None) -> Source | None:
    """Return where the user's code stands now, up to the frame `boundary`."""
    places: list[Place] = []
    inside: list[int] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not boundary and len(places) < _MAX_FRAMES:
        code = frame.f_code
        file = code.co_filename
        users = _is_users.get(file)
        if users is None:
            users = _is_users[file] = not file.startswith((_LIBRARY, *_OTHER_LIBRARIES))
        if users:
            places.append(Place(code, frame.f_lasti))
        elif not places:
            inside += (id(code), frame.f_lasti)
        frame = frame.f_back
    return Source(tuple(places), hash(tuple(inside))) if places else None


@dataclass(frozen=True, slots=True)
class _Assignments:
    """What a file assigns and returns, by the span of the expression, and the text that this was read from."""

    lines: list[str]
    targets: dict[tuple[int, int, int, int], str]
    returned: frozenset[tuple[int, int, int, int]]


_read: dict[str, _Assignments] = {}


def _assignments(file: str) -> _Assignments:
    """Return what `file` assigns; read again when its text has changed, as that of a notebook's cell may."""
    lines = linecache.getlines(file)
    found = _read.get(file)
    if found is None or found.lines != lines:
        try:
            nodes = list(ast.walk(ast.parse("".join(lines))))
        except (SyntaxError, ValueError, RecursionError):  # no text, or none of Python's: no names then
            nodes = []
        found = _read[file] = _Assignments(lines, dict(_targets(nodes)), frozenset(_returned(nodes)))
    return found


def _span(node: ast.expr | ast.stmt) -> tuple[int, int, int, int]:
    return node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0


def _targets(nodes: Iterable[ast.AST]) -> Iterator[tuple[tuple[int, int, int, int], str]]:
    """Yield the span of each assigned expression and the name it is assigned to."""
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=False):
                    if isinstance(target, ast.Name):
                        yield _span(value), target.id
            case (
                ast.Assign(targets=[ast.Name(id=name), *_], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                yield _span(value), name
            case ast.AugAssign(target=ast.Name(id=name)):
                yield _span(node), name  # ``s += x`` runs as one expression, the whole statement


def _returned(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the spans of the expressions that are the whole result of a function."""
    for node in nodes:
        match node:
            case ast.Return(value=ast.expr() as value):
                yield _span(value)
            case ast.Lambda(body=body):
                yield _span(body)
