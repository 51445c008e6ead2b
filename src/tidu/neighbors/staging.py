"""How do rows come from a source into memory that native code can read?

Rows of an array that lie as they should are looked at where they are; all others are read into one buffer, again
and again, never mapped. This file knows nothing of what is done with them.
"""

from __future__ import annotations

import numpy as np

from tidu.data import ArraySource, BlockSource, read_into, scratch_bytes
from tidu.data.source import row_bytes
from tidu.native.ledger import ALIGNMENT, Ledger
from tidu.neighbors.metrics import Array

__all__ = ["Stage", "stage_bytes"]


class Stage:
    """A buffer for blocks of a source.

    Parameters
    ----------
    source : BlockSource
    most_rows : int
        Rows of the largest block.
    ledger : Ledger
        Where the buffer comes from.
    """

    def __init__(self, source: BlockSource, most_rows: int, ledger: Ledger) -> None:
        self.source = source
        self._array = _resident(source)
        self._buffer = None
        if self._array is None:
            self._buffer = ledger.allocate(most_rows * row_bytes(source), f"rows of {source.name}")

    def load(self, start: int, stop: int) -> Array:
        """Return rows, row-major and aligned; they are overwritten by the next call."""
        if self._buffer is None:
            assert self._array is not None
            return self._array[start:stop]
        n_rows, n_features = stop - start, self.source.shape[1]
        size = n_rows * n_features * self.source.dtype.itemsize
        block: Array = self._buffer[:size].view(self.source.dtype).reshape(n_rows, n_features)
        read_into(self.source, start, stop, block)
        return block


def stage_bytes(source: BlockSource, most_rows: int) -> int:
    """Return what a stage takes for blocks of so many rows: nothing where rows are looked at in an array."""
    if _resident(source) is not None:
        return 0
    return most_rows * row_bytes(source) + scratch_bytes(source, most_rows) + ALIGNMENT


def _resident(source: BlockSource) -> Array | None:
    """Return the array of a source whose rows can be read where they are."""
    if not isinstance(source, ArraySource):
        return None
    array = source.array
    fits = array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative
    return np.asarray(array) if fits else None
