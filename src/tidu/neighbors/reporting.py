"""How does a search tell how far it is: by a bar, to a function, or not at all?

This file knows nothing of searching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from tidu.errors import ParameterError
from tidu.words import say

__all__ = ["Progress", "progress_of"]

Progress: TypeAlias = bool | Callable[[int, int], None]
"""Whether a bar is shown; or ``report(done_pairs, total_pairs)``."""


@contextmanager
def progress_of(total: int, shown: Progress) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many pairs more are done."""
    if callable(shown):
        done = 0

        def report(pairs: int) -> None:
            nonlocal done
            done += pairs
            shown(done, total)

        yield report
        return
    if not isinstance(shown, bool):
        raise ParameterError(f"progress must be True, False or a function; got {shown!r}", got=shown)
    if not shown:
        yield lambda pairs: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(say("knn.rate_column")),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(say("knn.progress"), total=total, millions=0.0)

        def advance(pairs: int) -> None:
            bar.advance(task, pairs)
            bar.update(task, millions=(bar.tasks[task].speed or 0.0) / 1e6)

        yield advance
