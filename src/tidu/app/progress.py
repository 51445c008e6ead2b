"""How does a person see that work goes on: one line that moves, in a terminal only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tidu.learn.history import EpochRecord
from tidu.words import Language, say

__all__ = ["EpochBar", "bar"]


@contextmanager
def bar(what: str, total: int, lang: Language) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on standard error while the body runs; elsewhere than in a terminal nothing.

    Yields
    ------
    callable
        ``advance(amount, note)`` moves it on and shows a note.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(f"{say('fit.left', lang)}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(what, total=total, note="")
        yield lambda amount, note: shown.update(task, advance=amount, note=note)


class EpochBar:
    """What `tidu.fit` tells of a run, as a bar; a `tidu.learn.progress.Reporter`."""

    def __init__(self, what: str, lang: Language) -> None:
        self._what, self._lang = what, lang
        self._stack = ExitStack()
        self._advance: Callable[[int, str], None] | None = None
        self._done, self._note = 0, ""

    def __enter__(self) -> EpochBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, n_steps: int) -> None:
        """Draw an empty bar."""
        self._advance = self._stack.enter_context(bar(self._what, n_steps, self._lang))

    def step(self, done: int, loss: float) -> None:
        """Move the bar on."""
        if self._advance is not None:
            self._advance(done - self._done, self._note)
            self._done = done

    def epoch(self, record: EpochRecord) -> None:
        """Show the epoch's losses, and how many steps it makes in a second."""
        facts = {"epoch": record.epoch, "loss": record.loss, "speed": record.steps_per_s}
        if record.validation_loss is None:
            self._note = say("fit.epoch", self._lang, **facts)
        else:
            self._note = say("fit.epoch_validated", self._lang, validation=record.validation_loss, **facts)
