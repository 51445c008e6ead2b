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


class _Layers(click.ParamType[tuple[int, ...]]):
    """Widths of hidden layers, such as 100,50."""

    name = "widths"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        widths = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and 0 < int(part[:9]) <= _WIDEST_LAYER for part in widths):
            self.fail(f"expected widths of hidden layers such as 100,50; got {value!r}", param, ctx)
        return tuple(int(part) for part in widths)


class _Counts(click.ParamType[tuple[int, ...]]):
    """Numbers of neighbors, such as 1,3,5."""

    name = "counts"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        counts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and 0 < int(part[:9]) <= _MOST_NEIGHBORS for part in counts):
            self.fail(f"expected numbers of neighbors such as 1,3,5; got {value!r}", param, ctx)
        return tuple(sorted({int(part) for part in counts}))


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
COUNTS = _Counts()
LAYERS = _Layers()
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
