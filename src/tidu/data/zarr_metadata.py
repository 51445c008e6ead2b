"""What does the metadata of a Zarr folder say, and may the library be let near it?

The JSON files are read here first: with a bound on their size, from regular files only, and with a list of
the codecs that only decode. (A codec named "pickle" exists, and would run what it finds.)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from tidu.data.files import RegularFile
from tidu.errors import DataError

__all__ = ["MARKS", "array_names", "check_metadata"]

MARKS = ("zarr.json", ".zarray", ".zgroup")
"""Files that make a folder one of Zarr."""

_MOST_METADATA_BYTES = 1 << 22
_MOST_FOLDERS = 1000
_DEEPEST = 8
# Version 2 knows codecs by "id", version 3 by "name".
_HARMLESS = frozenset(
    ["blosc", "zlib", "gzip", "zstd", "lz4", "bz2", "lzma", "shuffle", "delta", "bytes", "crc32c", "transpose"]
)


def check_metadata(folder: Path) -> tuple[int, ...]:
    """Return the shape of the array in a folder, refusing what could be more than data.

    Raises
    ------
    DataError
        If the metadata are damaged, too long, name an unknown codec, or describe no array.
    """
    names = [name for name in (*MARKS, ".zattrs", ".zmetadata") if os.path.lexists(folder / name)]
    found = {name: _read(folder / name) for name in names}  # the library will read all of them
    metadata = found.get("zarr.json", found.get(".zarray", {}))
    shape = metadata.get("shape")
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise DataError(f"{folder} holds no Zarr array: it tells no shape", path=str(folder))
    codecs = metadata.get("codecs", [metadata.get("compressor"), *_listed(metadata.get("filters"))])
    _refuse_codecs(_listed(codecs), folder)
    if metadata.get("storage_transformers"):
        raise DataError(f"{folder} uses storage transformers, which are not read", path=str(folder))
    return tuple(shape)


def array_names(path: Path) -> tuple[str, ...]:
    """Return the arrays below a folder by their paths in it; ``("",)`` if it is one itself."""
    if _is_array(path):
        return ("",)
    found, waiting, n_folders = [], [(path, "", 0)], 0
    while waiting:
        folder, name, depth = waiting.pop(0)
        with os.scandir(folder) as entries:
            inner = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        for one in inner:
            n_folders += 1
            if n_folders > _MOST_FOLDERS or depth > _DEEPEST:
                raise DataError(f"{path} holds more than {_MOST_FOLDERS} folders; name an array's own", path=str(path))
            full = f"{name}/{one}".strip("/")
            if _is_array(folder / one):
                found.append(full)
            elif any((folder / one / mark).exists() for mark in MARKS):
                waiting.append((folder / one, full, depth + 1))
    return tuple(found)


def _is_array(folder: Path) -> bool:
    if (folder / "zarr.json").exists():
        return _read(folder / "zarr.json").get("node_type") == "array"
    return (folder / ".zarray").exists()


def _read(path: Path) -> dict[str, object]:
    file = RegularFile(path)
    if file.size > _MOST_METADATA_BYTES:
        raise DataError(f"{path} has {file.size:,} bytes of metadata; at most {_MOST_METADATA_BYTES:,}", got=file.size)
    try:
        found = json.loads(file.read(0, file.size))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no valid JSON; write the array again", path=str(path)) from error
    if not isinstance(found, dict):
        raise DataError(f"{path} is no valid metadata of Zarr; write the array again", path=str(path))
    return found


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _refuse_codecs(codecs: Iterable[object], folder: Path) -> None:
    for codec in codecs:
        if codec is None:
            continue
        name = codec.get("id", codec.get("name")) if isinstance(codec, dict) else codec
        settings = codec.get("configuration") if isinstance(codec, dict) else None
        if name == "sharding_indexed" and isinstance(settings, dict):
            _refuse_codecs([*_listed(settings.get("codecs")), *_listed(settings.get("index_codecs"))], folder)
        elif not isinstance(name, str) or name.removeprefix("numcodecs.") not in _HARMLESS:
            raise DataError(
                f"{folder} uses the codec {str(name)[:40]!r}; only these are read: {', '.join(sorted(_HARMLESS))}",
                path=str(folder),
                codec=str(name),
            )
