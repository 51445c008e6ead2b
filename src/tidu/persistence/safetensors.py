"""Which tensors and which text does a safetensors file hold; how are they written.

An own reader, since what is loaded may come from anywhere: every byte of the file is accounted for
before an array is made, and nothing in it is executed. Knows nothing of models.
"""

from __future__ import annotations

import json
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from tidu.errors import DtypeError, ModelFileError, ParameterError
from tidu.persistence.atomic import atomic_write
from tidu.persistence.streamed import StreamedTensor, Tensor
from tidu.persistence.strict_json import JSON, parse_strict

__all__ = ["Header", "TensorEntry", "read_header", "read_safetensors", "write_safetensors"]

MAX_HEADER_BYTES = 100_000_000
_PREFIX_BYTES = 8
_MAX_NDIM = 64  # of NumPy 2
_OVERFLOW = 2**63

# In the order of the reference writer: wide first, so that every tensor is aligned to its item size.
_DTYPES: dict[str, str] = {
    "U64": "u8",
    "I64": "i8",
    "F64": "f8",
    "F32": "f4",
    "U32": "u4",
    "I32": "i4",
    "F16": "f2",
    "U16": "u2",
    "I16": "i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "b1",
}
_NAMES = {code: name for name, code in _DTYPES.items()}
_ORDER = {name: position for position, name in enumerate(_DTYPES)}


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """What the header says of one tensor; offsets count bytes from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def stored_dtype(self) -> np.dtype[np.generic]:
        """Dtype of its numbers in the file; uint8 for BOOL, whose bytes may hold anything."""
        return np.dtype("u1" if self.dtype == "BOOL" else f"<{_DTYPES[self.dtype]}")


@dataclass(frozen=True, slots=True)
class Header:
    """The checked header of a file: its tensors in the order of their bytes, and its text."""

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]
    data_start: int


def write_safetensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor | StreamedTensor], metadata: Mapping[str, str]
) -> None:
    """Write arrays and text as one safetensors file, or nothing.

    Parameters
    ----------
    path : str or path-like
        The file; replaced as a whole when it exists.
    tensors : mapping of str to ndarray or StreamedTensor
        Booleans, integers and floats of 16 to 64 bits, of any shape, byte order and strides. Bits are
        kept, those of NaN too.
    metadata : mapping of str to str
        Text to keep beside them.

    Raises
    ------
    DtypeError
        If an array has another dtype.
    ParameterError
        If a name or text cannot stand in the header.
    DataError
        If the file cannot be written, or blocks are not what their tensor claims.

    Notes
    -----
    Same tensors and metadata, same bytes. They are those of the reference writer: tensors sorted by
    dtype from wide to narrow, then by name, and the header padded with spaces to 8 bytes.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> write_safetensors(path, {"w": np.eye(2, dtype="float32")}, {"made": "by hand"})
    >>> tensors, metadata = read_safetensors(path)
    >>> tensors["w"].tolist(), metadata
    ([[1.0, 0.0], [0.0, 1.0]], {'made': 'by hand'})
    """
    streamed = {name: _streamed(tensor) for name, tensor in tensors.items()}
    # by UTF-8 bytes, as the reference writer sorts; code points of str have the same order
    names = sorted(streamed, key=lambda name: (_ORDER[_dtype_name(name, streamed[name].dtype)], name))
    header = _encoded_header({name: streamed[name] for name in names}, metadata)

    def write(file: BinaryIO) -> None:
        file.write(struct.pack("<Q", len(header)))
        file.write(header)
        for name in names:
            streamed[name].write(file, name)

    atomic_write(path, write)


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read and check what a file holds, without reading its tensors.

    Raises
    ------
    ModelFileError
        As `read_safetensors`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> write_safetensors(path, {"w": np.zeros((2, 3), "float32")}, {})
    >>> read_header(path).tensors["w"]
    TensorEntry(dtype='F32', shape=(2, 3), begin=0, end=24)
    """
    try:
        with _open(path) as file:
            return _read_header(file, str(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def read_safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read every tensor and the metadata of a safetensors file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    tensors : dict of str to ndarray
        New, writable arrays in this machine's byte order. BOOL bytes other than 0 are True.
    metadata : dict of str to str
        The text beside them.

    Raises
    ------
    ModelFileError
        If the file cannot be read or breaks a rule of the format, with `path` and `reason`. Stricter
        than the reference reader in four things: a duplicate key, white space before the header, an
        entry that is not an object with a dtype in quotes, and the dtypes NumPy lacks (BF16, F8...)
        or tidu does (C64).

    Notes
    -----
    Memory: the header, and the bytes of the tensors once.
    """
    try:
        with _open(path) as file:
            header = _read_header(file, str(path))
            tensors = {name: _read_tensor(file, entry, path) for name, entry in header.tensors.items()}
    except OSError as error:
        raise _unreadable(path, error) from error
    return tensors, dict(header.metadata)


# ---------------------------------------------------------------------------------------- writing


def _streamed(tensor: Tensor | StreamedTensor) -> StreamedTensor:
    if isinstance(tensor, StreamedTensor):
        return tensor
    array = np.asarray(tensor)
    return StreamedTensor(array.shape, array.dtype, lambda: (array,))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _dtype_name(name: str, dtype: np.dtype[np.generic]) -> str:
    found = _NAMES.get(f"{dtype.kind}{dtype.itemsize}")
    if found is None:
        raise DtypeError(
            f"tensor {name!r} has dtype {dtype}, which safetensors cannot hold; "
            f"expected a boolean, integer or float of at most 64 bits",
            name=name,
            got=dtype,
        )
    return found


def _encoded_header(tensors: Mapping[str, StreamedTensor], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, JSON] = {}
    if metadata:
        for key, text in metadata.items():
            if not (_is_text(key) and _is_text(text)):
                raise ParameterError(f"metadata must map str to str; got {key!r}: {type(text).__name__}", key=key)
        header["__metadata__"] = dict(metadata)
    offset = 0
    for name, tensor in tensors.items():
        if not _is_text(name) or name == "__metadata__":
            raise ParameterError(f"a tensor's name must be a str other than '__metadata__'; got {name!r}", name=name)
        offsets = [offset, offset + tensor.nbytes]
        dtype = _dtype_name(name, tensor.dtype)
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        offset += tensor.nbytes
    try:
        encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ParameterError(
            f"a name or text holds a lone surrogate, which UTF-8 cannot hold: {error.object[:80]!r}"
        ) from error
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > MAX_HEADER_BYTES:
        raise ParameterError(
            f"the header would have {len(encoded)} bytes; at most {MAX_HEADER_BYTES} are allowed",
            got=len(encoded),
            expected=MAX_HEADER_BYTES,
        )
    return encoded


# ---------------------------------------------------------------------------------------- reading


def _refuse(path: object, reason: str, **facts: object) -> ModelFileError:
    return ModelFileError(f"{str(path)!r} is not a valid safetensors file: {reason}", path=path, reason=reason, **facts)


def _unreadable(path: object, error: OSError) -> ModelFileError:
    reason = error.strerror or str(error)
    return ModelFileError(f"cannot read {str(path)!r}: {reason}", path=path, reason=reason)


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    # opening a pipe would wait for a writer forever
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelFileError(f"cannot read {str(path)!r}: not a regular file", path=path, reason="not a regular file")
    return open(path, "rb")


def _read_header(file: BinaryIO, path: str) -> Header:
    size = os.fstat(file.fileno()).st_size
    prefix = file.read(_PREFIX_BYTES)
    if len(prefix) < _PREFIX_BYTES:
        raise _refuse(path, f"it has {len(prefix)} bytes, fewer than the {_PREFIX_BYTES} of the header's length")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise _refuse(path, f"its header claims {length} bytes; at most {MAX_HEADER_BYTES} are allowed", got=length)
    if length > size - _PREFIX_BYTES:
        raise _refuse(path, f"its header claims {length} bytes, but the file has only {size}", got=length)
    raw = file.read(length)
    if len(raw) != length:
        raise _refuse(path, "it became shorter while being read")
    if not raw.startswith(b"{"):
        raise _refuse(path, "its header does not start with '{'")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse(path, f"its header is not UTF-8 (byte {error.start})") from error
    content = parse_strict(text, f"the header of {path!r}")
    assert isinstance(content, dict), "a text that starts with a brace is an object"
    metadata = _metadata(content.pop("__metadata__", None), path)
    entries = {name: _entry(name, entry, path) for name, entry in content.items()}
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)))
    _check_cover(ordered, size - _PREFIX_BYTES - length, path)
    return Header(ordered, metadata, _PREFIX_BYTES + length)


def _metadata(value: JSON, path: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refuse(path, "'__metadata__' is not an object")
    for key, text in value.items():
        if not isinstance(text, str):
            raise _refuse(path, f"'__metadata__' must map text to text; {_short(key)} has {type(text).__name__}")
    return value


def _entry(name: str, value: JSON, path: str) -> TensorEntry:
    """Check one tensor's facts; unknown fields are left to later versions of the format."""
    where = f"tensor {_short(name)}"
    if not isinstance(value, dict):
        raise _refuse(path, f"{where} is described by {type(value).__name__}, not by an object", name=name)
    dtype = value.get("dtype")
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _refuse(path, f"{where} has dtype {_short(dtype)}; known are {', '.join(_DTYPES)}", name=name)
    shape = _naturals(value.get("shape"))
    if shape is None:
        raise _refuse(path, f"the shape of {where} is not a list of non-negative integers", name=name)
    offsets = _naturals(value.get("data_offsets"))
    if offsets is None or len(offsets) != 2:
        raise _refuse(path, f"the data_offsets of {where} are not two non-negative integers", name=name)
    _check_shape(shape, np.dtype(_DTYPES[dtype]).itemsize, offsets[1] - offsets[0], where, path)
    return TensorEntry(dtype, shape, offsets[0], offsets[1])


def _naturals(value: JSON) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    if not all(type(item) is int and 0 <= item < 2**64 for item in value):
        return None
    return tuple(value)


def _check_shape(shape: tuple[int, ...], itemsize: int, length: int, where: str, path: str) -> None:
    if length < 0:
        raise _refuse(path, f"the data_offsets of {where} end before they begin")
    if len(shape) > _MAX_NDIM:
        raise _refuse(path, f"{where} has {len(shape)} axes; NumPy holds at most {_MAX_NDIM}")
    # NumPy multiplies the lengths other than 0, so a zero elsewhere does not excuse an overflow
    bound = itemsize
    for axis in shape:
        bound *= max(axis, 1)
        if bound >= _OVERFLOW:
            raise _refuse(path, f"the size of {where} overflows 64 bits")
    expected = 0 if 0 in shape else bound
    if expected != length:
        raise _refuse(path, f"{where} of shape {list(shape)} needs {expected} bytes, its data_offsets give {length}")


def _check_cover(entries: Mapping[str, TensorEntry], data_bytes: int, path: str) -> None:
    """Every byte behind the header belongs to exactly one tensor."""
    position = 0
    for name, entry in entries.items():
        if entry.begin != position:
            fault = "a hole" if entry.begin > position else "an overlap"
            raise _refuse(
                path,
                f"{fault} before tensor {_short(name)}: it begins at {entry.begin}, expected {position}",
                name=name,
            )
        position = entry.end
    if position != data_bytes:
        raise _refuse(path, f"its tensors have {position} bytes, the file holds {data_bytes} behind the header")


def _read_tensor(file: BinaryIO, entry: TensorEntry, path: object) -> Tensor:
    """Read the next tensor; entries are contiguous and in order, so the file stands at its first byte."""
    raw = np.empty(entry.end - entry.begin, np.uint8)
    filled = 0
    while filled < raw.size:
        count = file.readinto(raw[filled:].data)  # type: ignore[attr-defined]  # BinaryIO lacks it in typeshed
        if not count:
            raise _refuse(path, "it became shorter while being read")
        filled += count
    if entry.dtype == "BOOL":
        flags: Tensor = (raw != 0).reshape(entry.shape)
        return flags
    little = raw.view(entry.stored_dtype)
    return little.astype(little.dtype.newbyteorder("="), copy=False).reshape(entry.shape)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
