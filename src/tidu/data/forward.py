"""How are rows read at any place from what only comes as a stream of blocks, front to back?

The place where the last read ended is kept, so reading in order decodes everything once; going back starts
the stream again. This file knows nothing of where blocks come from.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from tidu.data.source import Block

__all__ = ["Forward"]


@dataclass(slots=True, eq=False)
class Forward:
    """A stream of blocks and the place in it; any number of threads may read, one after the other.

    Attributes
    ----------
    n_rows : int
        Rows of the whole.
    begins_at : callable
        Given a row, the first row that a fresh stream for it would deliver.
    stream : callable
        Given such a first row, an iterator over blocks from there to the last row. It refuses what does not
        fit, and too few or too many rows, by itself.
    """

    n_rows: int
    begins_at: Callable[[int], int]
    stream: Callable[[int], Iterator[Block]]
    _at: int = field(default=0, init=False)
    _blocks: Iterator[Block] | None = field(default=None, init=False)
    _rest: Block | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def fill(self, start: int, out: Block) -> None:
        """Fill `out` with the rows from `start` on."""
        if not len(out):
            return
        with self._lock:
            try:
                self._go_to(start)
                self._gather(start, out)
            except BaseException:
                self._stop()  # a stream that failed cannot be gone on with
                raise

    def _go_to(self, start: int) -> None:
        first = self.begins_at(start)
        if self._blocks is None or start < self._at or first > self._at:
            self._stop()
            self._at, self._blocks = first, self.stream(first)

    def _gather(self, start: int, out: Block) -> None:
        assert self._blocks is not None
        stop = start + len(out)
        while self._at < stop:
            block = self._rest if self._rest is not None else next(self._blocks)
            low, high = max(start - self._at, 0), min(len(block), stop - self._at)
            if low < high:
                out[self._at + low - start : self._at + high - start] = block[low:high]
            self._at += high
            self._rest = block[high:] if high < len(block) else None
        if self._at == self.n_rows:
            next(self._blocks, None)  # what comes after the last row is refused now, not never
            self._stop()

    def _stop(self) -> None:
        blocks, self._blocks, self._rest = self._blocks, None, None
        close = getattr(blocks, "close", None)
        if close is not None:
            with suppress(RuntimeError):  # a generator that will not end is left to itself
                close()

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Forward, (self.n_rows, self.begins_at, self.stream)
