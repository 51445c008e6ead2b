"""How is a folder of CIFAR-10's python batches read, although it is made of pickles?

The pickles are only looked at, never run (`tidu.data.pickles`). The pixels of a batch lie in one piece in
its file, so a block of any size is read from there and costs its own bytes, twice: once as the file has
them (channel-row-column), once in the order of pictures (row-column-channel).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.data.dataset import Dataset, dataset_of
from tidu.data.files import RegularFile
from tidu.data.format import Format
from tidu.data.pickles import InFile, array_of, load_inert
from tidu.data.source import ArraySource, Block, BlockSource, StackedSource, check_range
from tidu.errors import DataError, ParameterError

__all__ = ["FORMAT"]

_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_FILES = (*_TRAIN, "test_batch", "batches.meta")
_INNER_FOLDER = "cifar-10-batches-py"
_CHANNELS, _SIDE = 3, 32
_WIDTH = _CHANNELS * _SIDE * _SIDE


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """The pictures of one batch, their pixels row-column-channel."""

    pixels: bytes | InFile
    n_samples: int
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples, _WIDTH)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.uint8)

    def read(self, start: int, stop: int) -> Block:
        check_range(self, start, stop)
        planes = self._planes(start * _WIDTH, stop * _WIDTH)
        turned = planes.reshape(-1, _CHANNELS, _SIDE, _SIDE).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(turned).reshape(stop - start, _WIDTH)

    def _planes(self, begin: int, end: int) -> NDArray[np.uint8]:
        if not isinstance(self.pixels, InFile):
            return np.frombuffer(self.pixels, np.uint8)[begin:end]
        if self.pixels.is_text:
            return np.frombuffer(_decoded(self.pixels, self.shape[0] * _WIDTH), np.uint8)[begin:end]
        planes = np.empty(end - begin, np.uint8)
        self.pixels.file.read_into(self.pixels.offset + begin, planes)
        return planes


@lru_cache(maxsize=1)
def _decoded(text: InFile, length: int) -> bytes:
    """Return bytes that Python 3 wrote as text (protocol 2); at most one batch, 30 MB, is kept decoded."""
    try:
        found = text.file.read(text.offset, text.length).decode("utf-8").encode("latin-1")
    except UnicodeError as error:
        raise DataError(f"{text.file.path}: pixels are not bytes", path=str(text.file.path)) from error
    if len(found) != length:
        raise DataError(
            f"{text.file.path}: expected {length:,} bytes of pixels, got {len(found):,}",
            expected=length,
            got=len(found),
        )
    return found


def _open_batch(path: Path, class_names: Sequence[str]) -> tuple[BlockSource, BlockSource]:
    """Return pictures and labels of one batch."""
    batch = _entries(path)
    (n_samples, width), pixels = array_of(batch.get("data"), f"'data' in {path}")
    if width != _WIDTH:
        raise DataError(
            f"'data' in {path} has {width} columns; expected {_WIDTH} (32 x 32 pixels, 3 channels)",
            path=str(path),
            expected=_WIDTH,
            got=width,
        )
    labels = batch.get("labels")
    known = range(len(class_names))
    if not isinstance(labels, list) or len(labels) != n_samples:
        raise DataError(f"'labels' in {path} is not a list of {n_samples} labels", path=str(path), expected=n_samples)
    for row, label in enumerate(labels):
        if not isinstance(label, int) or label not in known:
            raise DataError(
                f"label {row} in {path} is not a number from 0 to {len(class_names) - 1}; "
                "the batch does not fit batches.meta",
                path=str(path),
                row=row,
            )
    codes = ArraySource(np.array(labels, np.int64), str(path))
    return _Pictures(pixels, n_samples, str(path)), codes


def _class_names(path: Path) -> tuple[str, ...]:
    names = _entries(path).get("label_names")
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(cast("list[str]", names))
    raise DataError(f"'label_names' in {path} is not a list of names", path=str(path))


def _entries(path: Path) -> Mapping[str, object]:
    """Return the dictionary in a pickle; Python 2's byte strings count as text."""
    found = load_inert(RegularFile(path))
    if not isinstance(found, dict):
        raise DataError(f"{path} does not hold a dictionary, as CIFAR-10's files do", path=str(path))
    entries = {_text(key): value for key, value in found.items() if isinstance(key, str | bytes)}
    names = entries.get("label_names")
    if isinstance(names, list):
        entries["label_names"] = [_text(name) if isinstance(name, str | bytes) else name for name in names]
    return entries


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _folder(path: Path) -> Path:
    inner = path / _INNER_FOLDER
    return inner if inner.is_dir() and not (path / _TRAIN[0]).exists() else path


def _recognizes(path: Path) -> bool:
    return any((_folder(path) / name).exists() for name in _FILES)


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    folder = _folder(path)
    if target not in (None, "labels"):
        raise ParameterError(f"a CIFAR-10 folder has the target 'labels'; got target={target!r}", target=target)
    missing = [name for name in _FILES if not (folder / name).exists()]
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}; unpack the whole archive again",
            path=str(folder),
            missing=missing,
        )
    class_names = _class_names(folder / "batches.meta")
    test = _dataset([_open_batch(folder / "test_batch", class_names)], folder, class_names, None)
    return _dataset([_open_batch(folder / name, class_names) for name in _TRAIN], folder, class_names, test)


def _dataset(
    batches: Sequence[tuple[BlockSource, BlockSource]],
    folder: Path,
    class_names: tuple[str, ...],
    test: Dataset | None,
) -> Dataset:
    return dataset_of(
        StackedSource([pictures for pictures, _ in batches], str(folder)),
        StackedSource([codes for _, codes in batches], str(folder)),
        target_name="labels",
        class_names=class_names,
        image_shape=(_SIDE, _SIDE, _CHANNELS),
        test=test,
        pixel_max=255,
    )


def _open_source(path: Path) -> BlockSource:
    return _open_dataset(path, None).X


FORMAT = Format(
    name="CIFAR-10's python batches",
    suffixes=(),
    open_source=_open_source,
    open_dataset=_open_dataset,
    recognizes=_recognizes,
)
