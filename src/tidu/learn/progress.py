"""How does a person see that a run goes on: a bar with loss, score, speed and time left, or nothing.

This file knows nothing of training; it is told numbers.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from tidu.learn.history import EpochRecord

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["BarReporter", "Reporter", "SilentReporter", "make_reporter"]

# A terminal shows no more than this, and each redraw costs a fraction of a millisecond.
_REDRAW_S = 0.1


class Reporter(Protocol):
    """Is told how a run goes; used as a context manager around it."""

    def __enter__(self) -> Reporter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def start(self, n_steps: int) -> None:
        """Hear how many steps there will be, at most."""
        ...

    def step(self, done: int, loss: float) -> None:
        """Hear of a step: how many are done, and the loss of its batch."""
        ...

    def epoch(self, record: EpochRecord) -> None:
        """Hear of an epoch."""
        ...


class SilentReporter:
    """Says nothing."""

    def __enter__(self) -> SilentReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def start(self, n_steps: int) -> None:
        """Ignore it."""

    def step(self, done: int, loss: float) -> None:
        """Ignore it."""

    def epoch(self, record: EpochRecord) -> None:
        """Ignore it."""


class BarReporter:
    """A bar of rich's on standard error; it shows itself in a terminal or a notebook only."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._drawn_s = 0.0
        self._score = ""

    def __enter__(self) -> BarReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, n_steps: int) -> None:
        """Draw an empty bar; the epoch shown is the last one that is over."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]}{task.fields[score]}"),
            TextColumn("{task.fields[speed]} steps/s"),
            TimeRemainingColumn(),
            console=console,
            disable=not (console.is_terminal or console.is_jupyter),
        )
        self._task = self._bar.add_task("", total=n_steps, epoch=0, loss="-", score="", speed="-")
        self._started_s = time.perf_counter()
        self._bar.start()

    def step(self, done: int, loss: float) -> None:
        """Move the bar on, ten times a second at most."""
        now = time.perf_counter()
        if self._bar is None or now - self._drawn_s < _REDRAW_S:
            return
        self._drawn_s = now
        speed = done / max(now - self._started_s, 1e-9)
        self._bar.update(self._task, completed=done, loss=f"{loss:.4g}", speed=f"{speed:,.0f}")

    def epoch(self, record: EpochRecord) -> None:
        """Show the epoch's mean loss and what validation found."""
        if self._bar is None:
            return
        if record.score is not None:
            self._score = f"  score {record.score:.4g}"
        elif record.validation_loss is not None:
            self._score = f"  validation {record.validation_loss:.4g}"
        self._bar.update(self._task, epoch=record.epoch, loss=f"{record.loss:.4g}", score=self._score)


def make_reporter(progress: bool | Reporter) -> Reporter:
    """Return what `progress` asks for."""
    if isinstance(progress, bool):
        return BarReporter() if progress else SilentReporter()
    return progress
