"""How do vectors that hold rows become vectors that hold columns?

By a network of shuffles: for n rows log2(n) rounds of n shuffles, where picking every column out of the rows
takes n - 1 shuffles for each. This file knows nothing of where rows come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidu.core.emit import Scalar
from tidu.native.vectors import Vectors

__all__ = ["transpose"]


def transpose(builder: Vectors, rows: Sequence[Scalar]) -> list[Scalar]:
    """Transpose the square blocks of n lanes that lie side by side in n vectors.

    Parameters
    ----------
    builder : Vectors
        Of a multiple of n lanes.
    rows : sequence of Scalar
        A power of two of them, n.

    Returns
    -------
    list of Scalar
        In each block vector j holds lane j of that block of every row.

    Notes
    -----
    A round interleaves row i with row i + n/2. That moves the highest bit of the row's number to the lowest of
    the lane's, and the highest of the lane's to the lowest of the row's; after log2(n) rounds they have changed
    places.
    """
    n, lanes = len(rows), builder.lanes
    half = n // 2
    masks = [
        [origin + start + first + i for start in range(0, lanes, n) for i in range(half) for origin in (0, lanes)]
        for first in (0, half)
    ]
    found, rounds = list(rows), n.bit_length() - 1
    for _ in range(rounds):
        found = [builder.shuffle(a, b, mask) for a, b in zip(found[:half], found[half:], strict=True) for mask in masks]
    return found
