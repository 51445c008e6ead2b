"""Which options do several commands share, and how is the text of an option read?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import click

from tidu.config import parse_bytes
from tidu.errors import ParameterError
from tidu.words import LANGUAGES

__all__ = [
    "BYTES",
    "COUNTS",
    "LAYERS",
    "MODELS",
    "MODEL_NAMES",
    "WholeNumbers",
    "language",
    "memory_limit",
    "seed",
    "task",
    "threads",
]

Command = TypeVar("Command", bound=Callable[..., object])

MODEL_NAMES = ("linear", "network", "knn")
_WIDEST_LAYER = 1_000_000
_MOST_NEIGHBORS = 1_000_000


class _Bytes(click.ParamType[int]):
    """An amount of memory, such as 64MB."""

    name = "bytes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_bytes(value if isinstance(value, int) else str(value))
        except ParameterError as error:
            self.fail(str(error), param, ctx)


class WholeNumbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers, such as 4,8,16.

    Parameters
    ----------
    name : str
        What the help calls them.
    expected : str
        What a message says that they should be.
    least, most : int
        Of each of them.
    distinct : bool
        Whether they are sorted, and each is taken once.
    """

    def __init__(self, name: str, expected: str, least: int = 0, most: int = 10**9 - 1, distinct: bool = False) -> None:
        self.name = name
        self._expected, self._least, self._most, self._distinct = expected, least, most, distinct

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read what was typed."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(map(self._is_one, parts)):
            self.fail(f"expected {self._expected}; got {value!r}", param, ctx)
        numbers = tuple(int(part) for part in parts)
        return tuple(sorted(set(numbers))) if self._distinct else numbers

    def _is_one(self, part: str) -> bool:
        # Of a number of endless digits, Python takes endless time to tell its size.
        return part.isascii() and part.isdigit() and len(part) < 10 and self._least <= int(part) <= self._most


class _Models(click.ParamType[tuple[str, ...]]):
    """Some of the models, such as linear,knn."""

    name = "models"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        chosen = [part.strip() for part in str(value).split(",")]
        if not set(chosen) <= set(MODEL_NAMES):
            self.fail(f"expected some of {','.join(MODEL_NAMES)}; got {value!r}", param, ctx)
        return tuple(name for name in MODEL_NAMES if name in chosen)


BYTES = _Bytes()
COUNTS = WholeNumbers("counts", "numbers of neighbors such as 1,3,5", 1, _MOST_NEIGHBORS, distinct=True)
LAYERS = WholeNumbers("widths", "widths of hidden layers such as 100,50", 1, _WIDEST_LAYER)
MODELS = _Models()


def language(command: Command) -> Command:
    """Add ``--lang``."""
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default="en",
        show_default=True,
        help="Language of what is printed and reported.",
    )(command)


def memory_limit(command: Command) -> Command:
    """Add ``--memory-limit``."""
    return click.option(
        "--memory-limit", type=BYTES, help="The most memory to allocate, such as 2GB; default: no limit."
    )(command)


def threads(command: Command) -> Command:
    """Add ``--threads``."""
    return click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        help="Processors that share the work; default: all. The result does not depend on it.",
    )(command)


def seed(command: Command) -> Command:
    """Add ``--seed``."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Same seed, same split, same start, same result.",
    )(command)


def task(classify: bool, regress: bool) -> Literal["classification", "regression"] | None:
    """Return what ``--classify`` and ``--regress`` ask for, None where the target decides."""
    if classify and regress:
        raise click.UsageError("--classify and --regress exclude each other; give one of them, or neither")
    return "classification" if classify else "regression" if regress else None
