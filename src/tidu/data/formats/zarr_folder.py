"""How are matrices read from Zarr folders, a chunk at a time?

Each chunk is a file. All of them are looked at when the array is opened, and those that are read are compared
before and after by size and time of modification: a chunk that was changed, removed or added since is an
error. What was written before the opening is taken as it is, and a chunk that was never there holds the
array's fill value, as Zarr defines it. Only codecs that cannot run code are let through. zarr is imported
when a folder is opened.
"""

from __future__ import annotations

import itertools
import math
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.data.dataset import Dataset, closest, dataset_of, image_shape_of
from tidu.data.extras import needed
from tidu.data.format import Format, several
from tidu.data.source import Block, BlockSource, check_out, read_fresh, row_bytes
from tidu.data.views import widened
from tidu.data.zarr_metadata import MARKS, array_names, check_metadata
from tidu.errors import DataError

__all__ = ["FORMAT"]

_MOST_CHUNKS = 1 << 20
_MOST_CHUNK_BYTES = 1 << 28
_SLACK_BYTES = 1 << 16
_KEPT_BYTES = 1 << 24
_COPIES = 7
"""Lengths of a decoded chunk that zarr's pipeline was measured to hold at once: stored, decoded and in between."""


class _Rows:
    """Rows of one array; axes after the first are flattened."""

    def __init__(self, folder: Path) -> None:
        zarr = needed("zarr", "zarr", f"{folder} (Zarr)")
        check_metadata(folder)
        self._folder, self.name = folder, str(folder)
        try:
            self._array = zarr.open_array(store=zarr.storage.LocalStore(folder, read_only=True), mode="r")
            self.full_shape: tuple[int, ...] = tuple(int(length) for length in self._array.shape)
            self.dtype = np.dtype(self._array.dtype).newbyteorder("=")
            self._grid: tuple[int, ...] = tuple(int(step) for step in self._array.shards or self._array.chunks)
        except Exception as error:  # zarr lets many kinds through for damaged metadata
            raise self._invalid(error) from error
        self._check()
        n_rows, *rest = self.full_shape
        self.shape = (n_rows, math.prod(rest)) if rest else (n_rows,)
        self._seen = np.array([self._look(cell) for cell in self._cells(0, n_rows)], np.uint64)
        self._kept: tuple[int, Block] | None = None
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> Block:
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        check_out(self, start, stop, out)
        block = out.reshape(stop - start, *self.full_shape[1:])
        height = self._grid[0]
        with self._lock:
            for band in range(start // height, -(-stop // height) if stop > start else 0):
                first, last = self._rows_of(band)
                low, high = max(first, start), min(last, stop)
                target = block[low - start : high - start]
                if (low, high) == (first, last) or (last - first) * row_bytes(self) > _KEPT_BYTES:
                    self._decode(low, high, target)
                else:
                    target[...] = self._band(band)[low - first : high - first]

    def scratch_bytes(self, n_rows: int) -> int:
        band = min(self._grid[0], self.shape[0]) * row_bytes(self)
        piece = self._chunk_bytes // self._grid[0] * min(n_rows, self._grid[0])
        return self._seen.nbytes + _COPIES * self._chunk_bytes + piece + (band if band <= _KEPT_BYTES else 0)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _reopen, (self._folder, self._seen)

    def _band(self, band: int) -> Block:
        """Return all rows of the chunks in one row of chunks; the last one asked for is kept."""
        first, last = self._rows_of(band)
        if self._kept is None or self._kept[0] != band:
            self._kept = None
            rows = np.empty((last - first, *self.full_shape[1:]), self.dtype)
            self._decode(first, last, rows)
            self._kept = band, rows
        else:
            self._refuse_change(first, last)
        return self._kept[1]

    def _decode(self, start: int, stop: int, out: Block) -> None:
        self._refuse_change(start, stop)
        for cell in self._cells(start, stop):
            bounds = [(at * step, (at + 1) * step) for at, step in zip(cell, self._grid, strict=True)]
            rows = slice(max(bounds[0][0], start), min(bounds[0][1], stop))
            rest = [slice(low, high) for low, high in bounds[1:]]
            try:
                piece = self._array[(rows, *rest)]
            except Exception as error:  # codecs have errors of their own
                raise self._invalid(error) from error
            out[(slice(rows.start - start, rows.stop - start), *rest)] = piece
        self._refuse_change(start, stop)

    def _refuse_change(self, start: int, stop: int) -> None:
        columns = math.prod(self._counts[1:])
        first = start // self._grid[0] * columns
        for number, cell in enumerate(self._cells(start, stop), start=first):
            if self._look(cell) != self._seen[number]:
                raise DataError(
                    f"{self.name}: chunk {self._key(cell)} was changed, removed or added while the array was read; "
                    "wait until it is complete, then start again",
                    path=self.name,
                    chunk=self._key(cell),
                )

    def _look(self, cell: tuple[int, ...]) -> int:
        """Return a digest of a chunk's size and times, 0 if it is missing; refuse what is no proper file."""
        key = self._key(cell)
        try:
            found = os.stat(self._folder / key)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise DataError(f"{self.name}: chunk {key} cannot be read: {error.strerror}", chunk=key) from error
        if not stat.S_ISREG(found.st_mode) or found.st_size > self._chunk_bytes * 9 // 8 + _SLACK_BYTES:
            raise DataError(
                f"{self.name}: chunk {key} is no regular file, or has more bytes than its numbers need",
                path=self.name,
                chunk=key,
            )
        return 1 | 0xFFFF_FFFF_FFFF_FFFF & hash((found.st_size, found.st_mtime_ns, found.st_ino))

    def _key(self, cell: tuple[int, ...]) -> str:
        return str(self._array.metadata.encode_chunk_key(cell))

    def _cells(self, start: int, stop: int) -> Iterator[tuple[int, ...]]:
        """Yield the places in the grid of the chunks that hold these rows, in order."""
        height = self._grid[0]
        bands = range(start // height, -(-stop // height) if stop > start else 0)
        return itertools.product(bands, *[range(count) for count in self._counts[1:]])

    def _rows_of(self, band: int) -> tuple[int, int]:
        return band * self._grid[0], min((band + 1) * self._grid[0], self.full_shape[0])

    @property
    def _counts(self) -> tuple[int, ...]:
        return tuple(-(-length // step) for length, step in zip(self.full_shape, self._grid, strict=True))

    @property
    def _chunk_bytes(self) -> int:
        itemsize: int = self.dtype.itemsize
        return math.prod(self._grid) * itemsize

    def _check(self) -> None:
        kind, shape = self.dtype, self.full_shape
        if (kind.kind not in "biuf" and kind.name != "bfloat16") or kind.itemsize > 8:
            raise DataError(f"{self.name} has dtype {kind}; expected real numbers of at most 8 bytes", dtype=str(kind))
        if not shape or 0 in shape or math.prod(shape) >= 2**62:
            raise DataError(f"{self.name} has shape {shape}; expected (n_samples, n_features)", shape=shape)
        if self._chunk_bytes > _MOST_CHUNK_BYTES or math.prod(self._counts) > _MOST_CHUNKS:
            raise DataError(
                f"{self.name} has {math.prod(self._counts):,} chunks of {self._chunk_bytes:,} bytes; at most "
                f"{_MOST_CHUNKS:,} of {_MOST_CHUNK_BYTES:,} are accepted: write it again with other chunks",
                expected=(_MOST_CHUNKS, _MOST_CHUNK_BYTES),
                got=(math.prod(self._counts), self._chunk_bytes),
            )

    def _invalid(self, error: Exception) -> DataError:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return DataError(f"{self.name} is no valid Zarr array: {reason}", path=self.name)


def _reopen(folder: Path, seen: NDArray[np.uint64]) -> _Rows:
    rows = _Rows(folder)
    rows._seen = seen  # so that a change on the way to another process is noticed
    return rows


def _choose(path: Path, axes: int) -> Path:
    names = array_names(path)
    if names == ("",):
        return path
    fitting = tuple(name for name in names if len(check_metadata(path / name)) >= axes)
    if len(fitting) == 1:
        return path / fitting[0]
    if not fitting:
        raise DataError(f"{path} has no array with {axes} axes; there are: {', '.join(names) or 'none'}", members=names)
    raise several(path, "arrays", fitting)


def _open_source(path: Path) -> BlockSource:
    return _rows(_choose(path, 2 if array_names(path) != ("",) else 1))


def _rows(folder: Path) -> BlockSource:
    rows = _Rows(folder)
    return widened(rows) if rows.dtype.name == "bfloat16" else rows


def _open_member(path: Path, member: str) -> BlockSource:
    names = array_names(path)
    if member.strip("/") not in names or names == ("",):
        raise DataError(f"{path} has no array {member!r}{closest(member, names)}", member=member, available=names)
    return _rows(path / member.strip("/"))


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    folder = _choose(path, 2)
    X, image_shape = _rows(folder), image_shape_of(check_metadata(folder))
    if not isinstance(target, str):
        return dataset_of(X, target=target, image_shape=image_shape)
    return dataset_of(X, _open_member(path, target), target_name=target, image_shape=image_shape)


def _recognizes(path: Path) -> bool:
    return path.is_dir() and any((path / mark).exists() for mark in MARKS)


FORMAT = Format(
    name="Zarr",
    suffixes=(),
    open_source=_open_source,
    open_dataset=_open_dataset,
    recognizes=_recognizes,
    open_member=_open_member,
)
