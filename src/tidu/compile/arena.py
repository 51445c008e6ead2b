"""Where in one arena does each buffer lie?

Buffers whose lives do not meet share memory. Worked out before anything runs, so the peak is known. This
file knows nothing of graphs.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from tidu.native.ledger import ALIGNMENT

__all__ = ["Life", "place"]


@dataclass(frozen=True, slots=True)
class Life:
    """What a buffer needs.

    Parameters
    ----------
    first, last : int
        The steps between which it is needed, both included.
    n_bytes : int
        Its size.
    """

    first: int
    last: int
    n_bytes: int


def place(lives: Sequence[Life], guard_bytes: int = 0) -> tuple[list[int], int]:
    """Choose an offset for each buffer.

    Parameters
    ----------
    lives : sequence of Life
        In the order of their first steps.
    guard_bytes : int
        If above zero, no memory is shared and so many bytes around every buffer belong to none: whatever
        is written there was written out of bounds.

    Returns
    -------
    list of int
        Offsets, multiples of `ALIGNMENT`.
    int
        Bytes of the whole arena.

    Notes
    -----
    Best fit among the gaps that are free at the buffer's first step; O(n log n) in the number of buffers
    as long as gaps are few.

    Examples
    --------
    >>> place([Life(0, 1, 100), Life(1, 2, 64), Life(2, 3, 100)])
    ([0, 128, 0], 192)
    """
    offsets = []
    end = _round_up(guard_bytes)
    gaps: list[tuple[int, int]] = []  # (offset, size), by offset
    dying: list[tuple[int, int, int]] = []  # (last step, offset, size), by last step
    for life in lives:
        while dying and dying[0][0] < life.first and not guard_bytes:
            _, offset, size = dying.pop(0)
            _free(gaps, offset, size)
        size = _round_up(life.n_bytes)
        fitting = [gap for gap in gaps if gap[1] >= size]
        if size == 0:
            offset = 0
        elif fitting:
            offset, room = min(fitting, key=lambda gap: gap[1])
            gaps.remove((offset, room))
            if room > size:
                bisect.insort(gaps, (offset + size, room - size))
        else:
            # A gap at the very end is enlarged instead of being left behind.
            offset = gaps.pop()[0] if gaps and sum(gaps[-1]) == end else end
            end = offset + size
        offsets.append(offset)
        if size:
            bisect.insort(dying, (life.last, offset, size))
        if guard_bytes:
            end += _round_up(guard_bytes)
    return offsets, end


def _free(gaps: list[tuple[int, int]], offset: int, size: int) -> None:
    """Add a gap, joined with its neighbors."""
    at = bisect.bisect(gaps, (offset, size))
    if at < len(gaps) and gaps[at][0] == offset + size:
        size += gaps.pop(at)[1]
    if at and sum(gaps[at - 1]) == offset:
        offset, before = gaps.pop(at - 1)
        size += before
        at -= 1
    gaps.insert(at, (offset, size))


def _round_up(n_bytes: int) -> int:
    return -(-n_bytes // ALIGNMENT) * ALIGNMENT
