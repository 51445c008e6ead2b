"""What must a peer be able to do, to be measured at searching, and what is it given?

This file knows no peer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tidu.data import as_source

__all__ = ["Foreign", "Found", "Searcher", "Work", "load"]

Foreign: TypeAlias = Any
"""A value of a peer: it may not be installed, so its types are not known here."""
Found: TypeAlias = NDArray[np.integer]
"""Row numbers of shape (n_queries, k)."""

_BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Work:
    """What a peer searches.

    Parameters
    ----------
    queries, rows : Path
        `.npy` files.
    metric : {"l2", "l1"}
    k : int
    n_queries : int or None
        Only so many of the queries, from the first one on.
    limit_bytes : int or None
        For tidu.
    threads : int or None
        The process has so many processors.
    """

    queries: Path
    rows: Path
    metric: Literal["l2", "l1"]
    k: int
    n_queries: int | None = None
    limit_bytes: int | None = None
    threads: int | None = None


class Searcher(Protocol):
    """A peer that holds the data already, as it likes them best."""

    def warm_up(self) -> None:
        """Search a small slice, so that code is compiled and threads are there."""
        ...

    def search(self) -> Found:
        """Search all."""
        ...


def load(path: Path, dtype: DTypeLike | None = None, count: int | None = None) -> Foreign:
    """Return the first rows of a file as one array; nothing but the array itself is left of it in memory.

    Parameters
    ----------
    path : Path
        A `.npy` file.
    dtype : dtype, optional
        What it is converted to, by default nothing else than it is.
    count : int, optional
        By default all rows.
    """
    source = as_source(path)
    n = source.shape[0] if count is None else min(count, source.shape[0])
    array = np.empty((n, *source.shape[1:]), source.dtype if dtype is None else dtype)
    for start in range(0, n, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, n)
        array[start:stop] = source.read(start, stop)
    return array
