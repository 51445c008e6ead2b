"""Are these the rows that a file on disk was made of?

A checksum over all rows: it finds what was changed or exchanged, not what someone made to deceive it. This file
knows nothing of what is kept on disk.
"""

from __future__ import annotations

import zlib

from tidu.data import BlockSource
from tidu.native.ledger import Ledger
from tidu.neighbors.staging import Stage

__all__ = ["digest_of"]


def digest_of(source: BlockSource, rows_per_block: int) -> str:
    """Return dtype, shape and the checksum of all rows, read block by block."""
    stage, checksum = Stage(source, rows_per_block, Ledger()), 0
    for start in range(0, source.shape[0], rows_per_block):
        checksum = zlib.crc32(stage.load(start, min(start + rows_per_block, source.shape[0])).data, checksum)
    return f"{source.dtype.str} {source.shape} {checksum:08x}"
