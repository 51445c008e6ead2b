"""How are matrices read from HDF5 files, a block of rows at a time?

The library sees the file only through `RegularFile`, so what changes is an error here too. Links that lead
out of the file, data kept elsewhere, data that were never written and chunks that would not fit into memory
are refused. h5py is imported when a file is opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tidu.data.dataset import Dataset, closest, dataset_of, image_shape_of
from tidu.data.extras import needed
from tidu.data.files import FileStream, RegularFile
from tidu.data.format import Format, several
from tidu.data.source import Block, BlockSource, check_out, read_fresh
from tidu.errors import DataError

__all__ = ["FORMAT"]

_MOST_OBJECTS = 10_000
_MOST_CHUNK_BYTES = 1 << 28
_CACHE_BYTES = (1 << 20, 1 << 24)
_SLACK_BYTES = 1 << 16
_FREE_LIST_BYTES = 1 << 24
_DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, OverflowError)


class _File:
    """An opened HDF5 file and the data sets in it, by their full names."""

    def __init__(self, file: RegularFile) -> None:
        self.file = file
        self.h5py = needed("h5py", "hdf5", f"{file.path} (HDF5)")
        self._stream = FileStream(file)
        with self.refusing():
            self._h5 = self.h5py.File(self._stream, "r")
            self.datasets = dict(self._walk())

    @property
    def name(self) -> str:
        return str(self.file.path)

    def of_numbers(self, axes: int) -> tuple[str, ...]:
        """Return the names of data sets of numbers with at least so many axes."""
        found = self.datasets.items()
        return tuple(name for name, one in found if one.dtype.kind in "biuf" and len(one.shape or ()) >= axes)

    def find(self, member: str) -> Any:
        if member.strip("/") not in self.datasets:
            known = tuple(self.datasets)
            raise DataError(f"{self.name} has no data set {member!r}{closest(member, known)}", member=member)
        return self.datasets[member.strip("/")]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn the errors of h5py into one line, and let those of the file through."""
        with self._stream.refusing("HDF5 file", _DAMAGED):
            yield
        if self._stream.error is not None:  # the library went on without what it could not read
            raise self._stream.error

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Yield what hard links lead to, each object once; other links may lead to other files."""
        seen, waiting = set(), [("", self._h5)]
        while waiting:
            path, group = waiting.pop()
            for key in group:
                if not isinstance(group.get(key, getlink=True), self.h5py.HardLink):
                    continue
                one = group[key]
                place = self.h5py.h5o.get_info(one.id).addr
                if place in seen:
                    continue
                seen.add(place)
                if len(seen) > _MOST_OBJECTS:
                    raise DataError(f"{self.name} holds more than {_MOST_OBJECTS:,} objects", limit=_MOST_OBJECTS)
                name = f"{path}/{key}".strip("/")
                if isinstance(one, self.h5py.Dataset):
                    yield name, one
                elif isinstance(one, self.h5py.Group):
                    waiting.append((name, one))

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _File, (self.file,)


class _Rows:
    """Rows of one data set; axes after the first are flattened."""

    def __init__(self, file: _File, member: str) -> None:
        self._file, self._member = file, member
        self.name = f"{file.name}:{member}"
        with file.refusing():
            found = file.find(member)
            _check(found, self.name)
            self.full_shape = tuple(int(length) for length in found.shape)
            self.dtype = found.dtype.newbyteorder("=")
            self._cache_bytes = self._cache(found)
            access = file.h5py.h5p.create(file.h5py.h5p.DATASET_ACCESS)
            access.set_chunk_cache(521, self._cache_bytes, 1.0)
            self._data = file.h5py.Dataset(file.h5py.h5d.open(found.parent.id, found.name.encode(), access))
        n_rows, *rest = self.full_shape
        self.shape = (n_rows, math.prod(rest)) if rest else (n_rows,)

    def read(self, start: int, stop: int) -> Block:
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        check_out(self, start, stop, out)
        self._file.file.refuse_change()  # chunks decoded earlier are not read again
        if out.size:
            with self._file.refusing():
                self._data.read_direct(out.reshape(stop - start, *self.full_shape[1:]), np.s_[start:stop])

    def scratch_bytes(self, n_rows: int) -> int:
        chunk: int = math.prod(self._data.chunks or (0,)) * self.dtype.itemsize
        # The library keeps freed blocks for the next chunk of the same length; filtered chunks have many lengths.
        filtered = chunk and self._data.id.get_create_plist().get_nfilters()
        stored = self._data.id.get_storage_size() + self._data.nbytes if filtered else 0
        return self._cache_bytes + 2 * chunk + min(_FREE_LIST_BYTES, int(stored)) + (1 << 20)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _Rows, (self._file, self._member)

    @staticmethod
    def _cache(found: Any) -> int:
        """Return room for the chunks of one row, so that small blocks do not decode them again and again."""
        if found.chunks is None:
            return _CACHE_BYTES[0]
        band = found.chunks[0] * math.prod(found.shape[1:]) * found.dtype.itemsize
        return int(np.clip(band, *_CACHE_BYTES))


def _check(found: Any, name: str) -> None:
    """Refuse a data set that is no array of numbers in this file, or not all there."""
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8 or found.dtype.subdtype is not None:
        raise DataError(
            f"{name} has dtype {found.dtype}; expected real numbers of at most 8 bytes", dtype=str(found.dtype)
        )
    shape = found.shape
    if not shape or 0 in shape or math.prod(shape) >= 2**62:
        raise DataError(f"{name} has shape {shape}; expected (n_samples, n_features)", shape=shape)
    if found.is_virtual or found.external:
        raise DataError(f"{name} keeps its data in other files, which are not read; copy it into one file", path=name)
    if found.chunks is None:
        expected, got = found.nbytes, found.id.get_storage_size()
        what = "bytes"
    else:
        chunk = math.prod(found.chunks) * found.dtype.itemsize
        if chunk > _MOST_CHUNK_BYTES:
            raise DataError(
                f"{name} has chunks of {chunk:,} bytes; at most {_MOST_CHUNK_BYTES:,} are accepted: write it again "
                "with smaller chunks",
                expected=_MOST_CHUNK_BYTES,
                got=chunk,
            )
        expected = math.prod(-(-length // part) for length, part in zip(shape, found.chunks, strict=True))
        got = found.id.get_num_chunks()
        what = "chunks"
    if got < expected:
        raise DataError(
            f"{name} is not complete: its shape {shape} needs {expected:,} {what}, {got:,} were written; "
            "write the data again",
            path=name,
            expected=expected,
            got=got,
        )
    if found.chunks is not None:
        _refuse_bombs(found, chunk, got, name)


def _refuse_bombs(found: Any, chunk: int, n_chunks: int, name: str) -> None:
    """Refuse stored chunks that are longer than what they decode to: they can only hold more."""
    if found.id.get_storage_size() > n_chunks * (chunk + chunk // 8 + _SLACK_BYTES):
        raise DataError(
            f"{name} stores more bytes than its shape {found.shape} has; it is damaged, write it again", path=name
        )


def _open_member(path: Path, member: str) -> BlockSource:
    return _Rows(_File(RegularFile(path)), member)


def _choose(file: _File, axes: int) -> str:
    names = file.of_numbers(axes)
    if len(names) == 1:
        return names[0]
    if not names:
        raise DataError(
            f"{file.name} has no data set of numbers with {axes} axes; there are: {', '.join(file.datasets) or 'none'}",
            path=file.name,
            members=tuple(file.datasets),
        )
    raise several(file.file.path, "data sets", names)


def _open_source(path: Path) -> BlockSource:
    file = _File(RegularFile(path))
    return _Rows(file, _choose(file, 2))


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    file = _File(RegularFile(path))
    X = _Rows(file, _choose(file, 2))
    image_shape = image_shape_of(X.full_shape)
    if not isinstance(target, str):
        return dataset_of(X, target=target, image_shape=image_shape)
    return dataset_of(X, _Rows(file, target), target_name=target, image_shape=image_shape)


FORMAT = Format(
    name="HDF5",
    suffixes=(".h5", ".hdf5"),
    open_source=_open_source,
    open_dataset=_open_dataset,
    open_member=_open_member,
)
