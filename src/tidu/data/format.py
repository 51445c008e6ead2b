"""What must a file format tell so that its files can be opened: one record each, found by suffix or look.

A module in `tidu.data.formats` that defines `FORMAT` has joined; nothing else need change. This file knows
no single format.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from tidu.data.dataset import Dataset
from tidu.data.source import BlockSource
from tidu.errors import DataError

__all__ = ["Format", "format_of", "formats", "several"]


@dataclass(frozen=True, slots=True)
class Format:
    """How files, or folders, of one format are known and opened.

    Attributes
    ----------
    name : str
        For messages.
    suffixes : tuple of str
        Endings of file names, lower case, with the dot; empty for what is known by its looks only.
    open_source : callable
        Opens a path as one matrix.
    open_dataset : callable
        Opens a path as features and target, given which target is wanted.
    recognizes : callable or None
        For folders, and files of no known suffix: whether a path is of this format.
    open_member : callable or None
        Opens one member of a path as a matrix or vector, if files of this format may have several.
    open_labels : callable or None
        Opens the labels of a path's rows; None if `open_dataset` finds them.
    """

    name: str
    suffixes: tuple[str, ...]
    open_source: Callable[[Path], BlockSource]
    open_dataset: Callable[[Path, str | int | None], Dataset]
    recognizes: Callable[[Path], bool] | None = None
    open_member: Callable[[Path, str], BlockSource] | None = None
    open_labels: Callable[[Path], BlockSource | None] | None = None


@cache
def formats() -> tuple[Format, ...]:
    """Return every format, in alphabetical order of its module."""
    package = import_module("tidu.data.formats")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(import_module(f"{package.__name__}.{name}").FORMAT for name in names)


def format_of(path: Path) -> Format:
    """Return the format of an existing file or folder.

    Raises
    ------
    DataError
        If no format claims it; the message lists what is read.
    """
    known = formats()
    found = [one for one in known if not path.is_dir() and path.suffix.lower() in one.suffixes]
    found = found or [one for one in known if one.recognizes is not None and one.recognizes(path)]
    if found:
        return found[0]
    readable = ", ".join(f"{one.name} ({' '.join(one.suffixes) or 'a folder'})" for one in known)
    what = "folder" if path.is_dir() else f"suffix {path.suffix!r}" if path.suffix else "file without suffix"
    raise DataError(f"{path} is of no known format ({what}); what is read: {readable}", path=str(path))


def several(path: Path, kind: str, members: Sequence[str]) -> DataError:
    """Describe that a path holds more than one matrix, and how to say which (see `Format.open_member`).

    Examples
    --------
    >>> print(several(Path("data/rows.h5"), "data sets", ["train", "test"]))
    data/rows.h5 has several data sets: train, test; say which, as in rows.h5:train
    """
    return DataError(
        f"{path} has several {kind}: {', '.join(members[:20])}; say which, as in {path.name}:{members[0]}",
        path=str(path),
        members=tuple(members),
    )
