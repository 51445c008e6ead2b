"""What must every way of searching be able to do, so that whoever asks need not know which one it is?

This file knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.neighbors.heaps import Heaps
from tidu.neighbors.metrics import Array

__all__ = ["After", "Collector", "Finder", "Pairs", "Room"]

After: TypeAlias = Callable[[int, int], None]
"""``after(n_pairs, n_blocks)``: so many pairs more are judged; the heaps hold what the first blocks of rows have."""
Pairs: TypeAlias = tuple[Array, Array, Array]
"""Query within its block, row, and key."""


class Room(Protocol):
    """Where pairs within a radius are put."""

    @property
    def place(self) -> NDArray[np.int64]:
        """Memory of shape (n_threads, capacity, 3)."""
        ...

    def grow(self, most: int) -> None:
        """Make room for so many pairs of each thread.

        Raises
        ------
        BudgetError
            If there may not be so much.
        """
        ...

    def take(self, pairs: Pairs) -> None:
        """Keep pairs."""
        ...


class Finder(Protocol):
    """A way to search for the k nearest."""

    def find(self, rows: slice, heaps: Heaps, first: int, after: After) -> None:
        """Fill the heaps of a block of queries.

        Parameters
        ----------
        rows : slice
            The queries.
        heaps : Heaps
            They hold what the first blocks of rows have.
        first : int
            How many blocks of rows that are.
        after : callable
            Called after every block.
        """
        ...


class Collector(Protocol):
    """A way to search for all pairs within a radius."""

    def collect(self, rows: slice, bound: float, room: Room, after: After) -> None:
        """Hand over all pairs of a block of queries whose key is within a bound."""
        ...
