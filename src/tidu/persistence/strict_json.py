"""What does a JSON text from an unknown hand say, if it is valid to the letter.

Python's parser is tolerant: it takes NaN, duplicate keys, lone surrogates, and any depth until its
stack ends. A file that two programs read differently is refused here. Knows nothing of tensors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tidu.errors import ModelFileError

__all__ = ["JSON", "parse_strict"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""Any JSON value; parsed objects are `dict`, parsed arrays are `list`."""

MAX_DEPTH = 127  # of nested brackets: what the reference reader of safetensors takes (serde_json)
MAX_CONTAINERS = 3_000_000  # bounds the memory of a text that is nothing but brackets

# The closing quote is optional: else each quote of an unclosed string would be searched to the end again.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_strict(text: str, where: str) -> JSON:
    r"""Parse JSON (RFC 8259), refusing all that is ambiguous or made to exhaust the reader.

    Parameters
    ----------
    text : str
        The JSON text.
    where : str
        What the text is, for the message.

    Raises
    ------
    ModelFileError
        On invalid JSON, a duplicate key, NaN or an infinity, a number beyond float64, a lone
        surrogate, or more than 127 nested brackets.

    Examples
    --------
    >>> parse_strict('{"a": [1, 2.5, null]}', "the header")
    {'a': [1, 2.5, None]}
    >>> parse_strict('{"a": 1, "a": 2}', "the header")
    Traceback (most recent call last):
    tidu.errors.ModelFileError: the header is not valid JSON: duplicate key 'a'
    """
    try:
        _check_nesting(text)
        value: JSON = json.loads(
            text,
            object_pairs_hook=_unique_pairs,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_refuse_constant,
        )
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _invalid(where, "a lone surrogate in a string") from error
    except ValueError as error:
        raise _invalid(where, str(error)) from error
    return value


def _invalid(where: str, reason: str) -> ModelFileError:
    return ModelFileError(f"{where} is not valid JSON: {reason}", where=where, reason=reason)


def _check_nesting(text: str) -> None:
    """Refuse deep nesting before a recursive parser sees it."""
    depth = containers = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first == '"':
            continue
        if first in "[{":
            depth += 1
            containers += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"more than {MAX_DEPTH} nested brackets")
            if containers > MAX_CONTAINERS:
                raise ValueError(f"more than {MAX_CONTAINERS} arrays and objects")
        else:
            depth -= 1


def _unique_pairs(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"duplicate key {key[:80]!r}")
        result[key] = value
    return result


def _integer(digits: str) -> int | float:
    if digits == "-0":
        return -0.0  # an integer has no negative zero; as a float it survives
    _float(digits)
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is beyond float64")
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"the literal {name}")
