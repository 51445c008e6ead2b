"""How are the vector files of nearest-neighbor benchmarks read (`.fvecs`, `.bvecs`, `.ivecs`)?

Each row is preceded by its length, a little-endian int32. All rows must have the same, so a row's place is
known; every length that is passed over is compared.

References
----------
http://corpus-texmex.irisa.fr/ (Datasets for approximate nearest neighbor search: file formats)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tidu.data.dataset import Dataset, dataset_of
from tidu.data.files import RegularFile
from tidu.data.format import Format
from tidu.data.source import Block, check_out, read_fresh
from tidu.errors import DataError

__all__ = ["FORMAT"]

_STORED: dict[str, np.dtype[np.generic]] = {
    ".fvecs": np.dtype("<f4"),
    ".bvecs": np.dtype("u1"),
    ".ivecs": np.dtype("<i4"),
}
_LENGTH = np.dtype("<i4")
_WIDEST = 1 << 20
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class _Vectors:
    """Rows that lie in a file with their lengths between them."""

    file: RegularFile
    shape: tuple[int, ...]
    stored: np.dtype[np.generic]

    @property
    def name(self) -> str:
        return str(self.file.path)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.stored.newbyteorder("=")

    def read(self, start: int, stop: int) -> Block:
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        check_out(self, start, stop, out)
        width = self.shape[1]
        records = np.empty(self._rows_at_once(len(out)), [("length", _LENGTH), ("row", self.stored, (width,))])
        for first in range(0, len(out), max(1, len(records))):
            some = records[: len(out) - first]
            self.file.read_into((start + first) * records.itemsize, some.view(np.uint8))
            if (some["length"] != width).any():
                bad = int(np.argmax(some["length"] != width))
                raise DataError(
                    f"{self.name}: row {start + first + bad} claims {some['length'][bad]} numbers, the first row "
                    f"has {width}; the file is damaged, or its rows differ in length",
                    row=start + first + bad,
                    expected=width,
                    got=int(some["length"][bad]),
                )
            out[first : first + len(some)] = some["row"]

    def scratch_bytes(self, n_rows: int) -> int:
        return self._rows_at_once(n_rows) * self._record_bytes

    @property
    def _record_bytes(self) -> int:
        return _LENGTH.itemsize + self.shape[1] * self.stored.itemsize

    def _rows_at_once(self, n_rows: int) -> int:
        return min(n_rows, max(1, _PIECE_BYTES // self._record_bytes))


def _open_source(path: Path) -> _Vectors:
    file, stored = RegularFile(path), _STORED[path.suffix.lower()]
    width = int(np.frombuffer(file.read(0, _LENGTH.itemsize), _LENGTH)[0])
    if not 0 < width <= _WIDEST:
        raise DataError(
            f"{path}: the first row claims {width} numbers; expected 1 to {_WIDEST:,}: is this a "
            f"{path.suffix.lower()} file?",
            path=str(path),
            got=width,
        )
    record = _LENGTH.itemsize + width * stored.itemsize
    n_rows, left = divmod(file.size, record)
    if left:
        raise DataError(
            f"{path} has {file.size:,} bytes: no whole number of rows of {record:,} bytes ({width} numbers); "
            "it is cut short, or its rows differ in length",
            path=str(path),
            expected=record,
            got=file.size,
        )
    return _Vectors(file, (n_rows, width), stored)


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    return dataset_of(_open_source(path), target=target)


FORMAT = Format(
    name="TexMex vectors",
    suffixes=tuple(_STORED),
    open_source=_open_source,
    open_dataset=_open_dataset,
)
