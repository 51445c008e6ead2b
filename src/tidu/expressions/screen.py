"""Is a text arithmetic at all? Length, characters, words, numbers and brackets, before anything is parsed.

Python's own parser may recurse, warn or convert huge integers; after this screening it is handed
nothing that makes it do so, but for chains of operators, whose failures `parse` catches.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tidu.errors import ExpressionError

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Statement", "Token", "refuse", "screen", "split_statements"]

MAX_LENGTH = 10_000
MAX_DEPTH = 100
_EXCERPT = 40
_LONGEST_NAME = 100

_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>\*\*|//|<=|>=|==|!=|[-+*/%()\[\],.<>=;])"
)
_INSTEAD = {
    "^": "write ** for a power",
    "@": "write dot(a, b) for a matrix product",
    "\N{MINUS SIGN}": "write the ASCII minus -",
    "\N{EN DASH}": "write the ASCII minus -",
    "\N{MULTIPLICATION SIGN}": "write *",
    "\N{MIDDLE DOT}": "write *",
    "\N{DIVISION SIGN}": "write /",
    "\N{GREEK SMALL LETTER PI}": "write pi",
    ":": "slices, dicts and := are not arithmetic",
    "\n": "separate statements by ;",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or symbol, and where it starts (columns from 0)."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Statement:
    """``name = text``, or ``text`` alone with an empty name; `start` is the column of `text`, from 0."""

    name: str
    text: str
    start: int
    name_start: int


def refuse(text: str, column: int, what: str, **facts: object) -> ExpressionError:
    """Return the error for what stands at `column` (from 0) of `text`."""
    low, high = max(0, column - _EXCERPT), column + _EXCERPT
    shown = ("..." if low else "") + text[low:high] + ("..." if high < len(text) else "")
    return ExpressionError(f"column {column + 1} of {shown!a}: {what}", column=column + 1, text=text, **facts)


def screen(text: str) -> list[Token]:
    """Return the tokens of `text`, spaces left out.

    Raises
    ------
    ExpressionError
        At the first character, word, number or bracket that arithmetic does not have.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"an expression has at most {MAX_LENGTH:,} characters, got {len(text):,}",
            expected=MAX_LENGTH,
            got=len(text),
        )
    tokens = list(_tokens(text))
    _check_brackets(text, tokens)
    return tokens


def _tokens(text: str) -> Iterator[Token]:
    position, before = 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            character = text[position]
            instead = _INSTEAD.get(character, "only numbers, names, + - * / ** %, comparisons, ( ), [ ] and commas are")
            raise refuse(text, position, f"{character!a} is not allowed; {instead}", got=character)
        kind = match.lastgroup or ""
        token = Token(kind, match.group(), position)
        if kind == "number":
            _check_number(text, token)
        elif token.text == "//":
            raise refuse(text, position, "'//' is not allowed; write / to divide, % for the remainder", got="//")
        elif kind == "name":
            if before == "number":
                raise refuse(text, position, "a number runs into a name; write * between them", got=token.text)
            _check_name(text, token)
        if kind != "space":
            yield token
        position, before = match.end(), kind


def _check_number(text: str, token: Token) -> None:
    digits = re.match(r"0[0-9]+", token.text)
    if digits and token.text.isdigit() and token.text.strip("0"):
        raise refuse(text, token.start, "a whole number does not start with 0", got=token.text)
    if not math.isfinite(float(token.text)):
        raise refuse(text, token.start, "the number is too large for floating point (1.8e308)", got=token.text[:60])


def _check_name(text: str, token: Token) -> None:
    if token.text in keyword.kwlist:
        raise refuse(
            text,
            token.start,
            f"{token.text!r} is a word of Python's, which an expression does not have",
            got=token.text,
        )
    if token.text.startswith("_") and text[: token.start].rstrip(" \t").endswith("."):
        raise refuse(
            text,
            token.start,
            "an attribute is not allowed; an expression has numbers, names and calls of known functions",
            got=token.text[:60],
        )
    if token.text.startswith("_") or len(token.text) > _LONGEST_NAME:
        raise refuse(
            text,
            token.start,
            f"a name starts with a letter and has at most {_LONGEST_NAME} letters, digits and underscores",
            got=token.text[:60],
        )


def _check_brackets(text: str, tokens: list[Token]) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.text in "([":
            opened.append(token)
            if len(opened) > MAX_DEPTH:
                raise refuse(text, token.start, f"brackets are nested more than {MAX_DEPTH} deep", expected=MAX_DEPTH)
        elif token.text in ")]":
            if not opened or {"(": ")", "[": "]"}[opened[-1].text] != token.text:
                raise refuse(text, token.start, f"{token.text!r} closes nothing", got=token.text)
            opened.pop()
        elif token.text == ";" and opened:
            raise refuse(text, opened[-1].start, f"{opened[-1].text!r} is never closed", got=opened[-1].text)
    if opened:
        raise refuse(text, opened[-1].start, f"{opened[-1].text!r} is never closed", got=opened[-1].text)


def split_statements(text: str) -> list[Statement]:
    """Screen `text` and cut it at ``;`` into statements; the last one is the result.

    Raises
    ------
    ExpressionError
        If the text is not arithmetic, is empty, or an ``=`` does not stand after a name.
    """
    tokens = screen(text)
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";":
            groups.append([])
        else:
            groups[-1].append(token)
    if not groups[-1] and len(groups) > 1:
        groups.pop()
    return [_statement(text, group) for group in groups]


def _statement(text: str, group: list[Token]) -> Statement:
    if not group:
        raise ExpressionError(f"an expression is missing in {text[:_EXCERPT]!a}; write, say, (x + y) * z", text=text)
    named = len(group) > 1 and group[0].kind == "name" and group[1].text == "="
    body = group[2:] if named else group
    for token in body:
        if token.text == "=":
            raise refuse(
                text,
                token.start,
                "'=' may follow one name only; write == to compare, and give arguments by position",
                got="=",
            )
    if not body:
        raise refuse(text, group[1].start, "nothing stands after '='", got="=")
    end = body[-1].start + len(body[-1].text)
    return Statement(group[0].text if named else "", text[body[0].start : end], body[0].start, group[0].start)
