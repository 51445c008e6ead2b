"""What do the tables of all benchmarks share: names that must be known, the console, the file of findings?"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console

import tidu
from tidu.app.bench.turns import Row
from tidu.errors import ParameterError
from tidu.native.threads import usable_processors
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["NOTHING", "console", "known_names", "show_failures", "show_lacking", "write_json"]

Found = TypeVar("Found")

NOTHING = "–"
_WIDTH = 120


def known_names(what: str, names: tuple[str, ...], known: Mapping[str, object]) -> tuple[str, ...]:
    """Return names without spaces and repetition, each of which must be known.

    Raises
    ------
    ParameterError
        If one is not.
    """
    stripped = tuple(dict.fromkeys(name.strip() for name in names))
    for name in stripped:
        if name not in known:
            raise ParameterError(f"{what} must be among {', '.join(known)}; got {name!r}", got=name)
    return stripped


def console() -> Console:
    """Return where tables are printed; wide enough, that a pipe too gets whole rows."""
    return Console(width=max(_WIDTH, shutil.get_terminal_size().columns), highlight=False)


def show_failures(titles: Mapping[str, str], rows: Mapping[str, Row[Found]], lang: Language) -> None:
    """Say of each peer that failed why it did."""
    for peer, row in rows.items():
        for why in row.failure:
            click.echo(say("bench.why_failed", lang, peer=titles[peer], why=why))


def show_lacking(titles: Mapping[str, str], lacking: Mapping[str, str], lang: Language) -> None:
    """Say who was left out, and what is missing for it."""
    for peer, what in lacking.items():
        click.echo(say("bench.lacks", lang, peer=titles[peer], lacking=what))


def write_json(path: Path, found: Mapping[str, object], lang: Language) -> None:
    """Write what was found, and on which machine, and say so."""
    machine = {
        "system": platform.platform(),
        "processors": usable_processors(),
        "python": platform.python_version(),
        "tidu": tidu.__version__,
    }
    atomic_write_text(path, json.dumps({"machine": machine, **found}, indent=2) + "\n")
    click.echo(say("fit.wrote", lang, path=path))
