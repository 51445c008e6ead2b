"""How are the members of a `.npz` archive read, without trusting what the archive claims?

Members that are stored are read in place, a block at a time. Compressed ones are decoded once into
memory, in pieces, and refused if they claim more than deflate can hold or than `DECODED_LIMIT_BYTES`.
Nothing is unpickled.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from tidu.data.dataset import Dataset, closest, dataset_of, image_shape_of
from tidu.data.files import FileStream, RegularFile
from tidu.data.format import Format
from tidu.data.formats.npy import HEADER_BYTES, Layout, NpySource, parse_header
from tidu.data.source import ArraySource, Block, BlockSource
from tidu.data.views import View
from tidu.errors import DataError

__all__ = ["DECODED_LIMIT_BYTES", "FORMAT"]

DECODED_LIMIT_BYTES = 2_000_000_000
"""The most that one compressed member may decode to; larger ones must be stored uncompressed."""

_X_NAMES = ("X", "x", "data", "features")
_Y_NAMES = ("y", "target", "labels")
_SPLIT_NAMES = ("x_train", "y_train", "x_test", "y_test")
# One byte of a deflate stream holds at most 1032 (zlib's technical notes); the rest is head room.
_MOST_PER_BYTE = 1040
_MOST_MEMBERS = 1000
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,  # a member is encrypted
    struct.error,
    ValueError,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded(View):
    """A member that was decoded into memory; a change of its file is an error all the same."""

    source: ArraySource
    file: RegularFile

    def read(self, start: int, stop: int) -> Block:
        self.file.refuse_change()
        return self.source.read(start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        self.file.refuse_change()
        self.source.read_into(start, stop, out)

    def scratch_bytes(self, n_rows: int) -> int:
        return self.source.array.nbytes


class _Archive:
    """The members of one archive, each opened as a matrix when asked for."""

    def __init__(self, path: Path) -> None:
        self.file = RegularFile(path)
        self.path = path
        try:
            self._zip = zipfile.ZipFile(FileStream(self.file))
        except DataError:
            raise
        except _DAMAGED as error:
            raise DataError(f"{path} is no valid .npz archive: {error}", path=str(path)) from error
        infos = [info for info in self._zip.infolist() if info.filename.endswith(".npy")]
        self._infos = {info.filename.removesuffix(".npy"): info for info in infos}
        if len(self._infos) != len(infos) or len(infos) > _MOST_MEMBERS:
            raise DataError(f"{path} holds two members of one name, or more than {_MOST_MEMBERS}", path=str(path))
        if not infos:
            raise DataError(f"{path} holds no arrays; save some with numpy.savez", path=str(path), members=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._infos)

    def open(self, member: str) -> tuple[BlockSource, Layout]:
        """Open a member; also what its header says, for the axes that flattening hides."""
        info, name = self._infos[member], f"{self.path}[{member}]"
        try:
            if info.flag_bits & 1:
                raise DataError(f"{name} is encrypted; save it again without a password", path=str(self.path))
            if info.compress_type == zipfile.ZIP_STORED:
                return self._in_place(info, name)
            if info.compress_type == zipfile.ZIP_DEFLATED:
                return self._decoded(info, name)
        except DataError:
            raise
        except _DAMAGED as error:
            raise DataError(f"{name} is damaged: {error}; save the archive again", path=str(self.path)) from error
        raise DataError(f"{name} is compressed by an unusual method; use numpy.savez", path=str(self.path))

    def _in_place(self, info: zipfile.ZipInfo, name: str) -> tuple[BlockSource, Layout]:
        magic, name_length, extra_length = _LOCAL_HEADER.unpack(self.file.read(info.header_offset, _LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise DataError(f"{name} has no local header; save the archive again", path=str(self.path))
        begin = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        head = self.file.read(begin, min(info.file_size, HEADER_BYTES))
        layout = parse_header(head, name)
        self._check_length(layout, info, name)
        self.file.read(begin + info.file_size, 0)  # the file must reach that far
        source = NpySource(self.file, layout, name, begin + layout.data_offset)
        return source, layout

    def _decoded(self, info: zipfile.ZipInfo, name: str) -> tuple[BlockSource, Layout]:
        limit = min(DECODED_LIMIT_BYTES, info.compress_size * _MOST_PER_BYTE)
        if info.file_size > limit:
            raise DataError(
                f"{name} claims to decode to {info.file_size:,} bytes from {info.compress_size:,}; "
                f"at most {limit:,} are accepted: save it uncompressed with numpy.savez",
                path=str(self.path),
                expected=limit,
                got=info.file_size,
            )
        with self._zip.open(info) as stream:
            head = stream.read(min(info.file_size, HEADER_BYTES))
            layout = parse_header(head, name)
            self._check_length(layout, info, name)
            flat = _read_all(stream, head[layout.data_offset :], layout.data_bytes, name)
        n_samples, *rest = layout.shape
        values = flat.view(layout.dtype)
        if layout.fortran_order and rest:  # two axes: more are refused with the header
            array = values.reshape(*rest, n_samples).T
        else:
            array = values.reshape(n_samples, *([math.prod(rest)] if rest else []))
        native = array.astype(layout.dtype.newbyteorder("="), copy=False)
        return _Decoded(ArraySource(native, name), self.file), layout

    def _check_length(self, layout: Layout, info: zipfile.ZipInfo, name: str) -> None:
        expected = layout.data_offset + layout.data_bytes
        if info.file_size != expected:
            raise DataError(
                f"{name} claims {expected:,} bytes for shape {layout.shape} {layout.dtype}, but the archive "
                f"gives it {info.file_size:,}; save the archive again",
                path=str(self.path),
                expected=expected,
                got=info.file_size,
            )


def _read_all(stream: IO[bytes], first: bytes, length: int, name: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Decode `length` bytes of which `first` has the beginning; memory is touched only as bytes come."""
    flat = np.empty(length, np.uint8)
    done = len(first)
    flat[:done] = np.frombuffer(first, np.uint8)
    while done < length:
        piece = stream.read(min(1 << 20, length - done))
        if not piece:
            raise DataError(f"{name} is cut short: expected {length:,} bytes, got {done:,}", expected=length, got=done)
        flat[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
    stream.read(1)  # at the end of the member zipfile compares the checksum
    return flat


def _open_source(path: Path) -> BlockSource:
    archive = _Archive(path)
    features = tuple(name for name in archive.names if name not in _Y_NAMES) or archive.names
    return archive.open(_choose(archive, _X_NAMES, features, "the features"))[0]


def _open_member(path: Path, member: str) -> BlockSource:
    archive = _Archive(path)
    if member not in archive.names:
        raise DataError(
            f"{path} has no member {member!r}{closest(member, archive.names)}", member=member, available=archive.names
        )
    return archive.open(member)[0]


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    archive = _Archive(path)
    names = archive.names
    if target is None and set(_SPLIT_NAMES) <= set(names):
        test = _matrix_and_target(archive, "x_test", "y_test")
        return _matrix_and_target(archive, "x_train", "y_train", test)
    if target is not None and target not in names:
        raise DataError(f"{path} has no member {target!r}{closest(str(target), names)}", column=target, available=names)
    y_name = str(target) if target is not None else _choose_target(archive)
    rest = tuple(name for name in names if name != y_name)
    return _matrix_and_target(archive, _choose(archive, _X_NAMES, rest, "the features"), y_name)


def _matrix_and_target(archive: _Archive, x: str, y: str | None, test: Dataset | None = None) -> Dataset:
    X, layout = archive.open(x)
    return dataset_of(
        X,
        None if y is None else archive.open(y)[0],
        target_name=y,
        image_shape=image_shape_of(layout.shape),
        test=test,
    )


def _choose_target(archive: _Archive) -> str | None:
    found = [name for name in archive.names if name in _Y_NAMES]
    return _choose(archive, _Y_NAMES, archive.names, "the target") if found else None


def _choose(archive: _Archive, usual: tuple[str, ...], names: tuple[str, ...], role: str) -> str:
    """Return the one member that has a usual name, or is the only one there is."""
    found = [name for name in names if name in usual] or list(names)
    if len(found) == 1:
        return found[0]
    raise DataError(
        f"{archive.path} holds {', '.join(archive.names)}; which are {role} is not clear: name one member "
        f"{usual[0]!r}, or name the target's",
        path=str(archive.path),
        members=archive.names,
    )


FORMAT = Format(
    name="NumPy archive",
    suffixes=(".npz",),
    open_source=_open_source,
    open_dataset=_open_dataset,
    open_member=_open_member,
)
