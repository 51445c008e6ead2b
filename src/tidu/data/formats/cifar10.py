"""How is a folder of CIFAR-10's python batches, or one of them, read, although they are pickles?

The pickles are only looked at, never run (`tidu.data.pickles`). The pixels of a batch lie in one piece in
its file, so a block of any size is read from there, a few pictures at a time: as the file has them
(channel-row-column), then in the order of pictures (row-column-channel).
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
from tidu.data.source import ArraySource, Block, BlockSource, check_out, read_fresh
from tidu.data.views import StackedSource
from tidu.errors import DataError, ParameterError

__all__ = ["FORMAT"]

_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_FILES = (*_TRAIN, "test_batch", "batches.meta")
_INNER_FOLDER = "cifar-10-batches-py"
_CHANNELS, _SIDE = 3, 32
_WIDTH = _CHANNELS * _SIDE * _SIDE
_N_CLASSES = 10
_PICTURES_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """The pictures of one batch, their pixels row-column-channel."""

    pixels: bytes | InFile
    n_samples: int
    file: RegularFile

    @property
    def name(self) -> str:
        return str(self.file.path)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_samples, _WIDTH)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.uint8)

    def read(self, start: int, stop: int) -> Block:
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        check_out(self, start, stop, out)
        scratch = np.empty(min(stop - start, _PICTURES_AT_ONCE) * _WIDTH, np.uint8)
        for first in range(start, stop, _PICTURES_AT_ONCE):
            last = min(first + _PICTURES_AT_ONCE, stop)
            planes = self._planes(first * _WIDTH, scratch[: (last - first) * _WIDTH])
            planes = planes.reshape(-1, _CHANNELS, _SIDE * _SIDE)
            pictures = out[first - start : last - start].reshape(-1, _SIDE * _SIDE, _CHANNELS)
            for channel in range(_CHANNELS):  # four times as fast as one assignment of the transposed planes
                pictures[:, :, channel] = planes[:, channel]

    def scratch_bytes(self, n_rows: int) -> int:
        is_text = isinstance(self.pixels, InFile) and self.pixels.is_text
        # Text is decoded as a whole: its bytes, its letters and the bytes that these stand for.
        decoded = 5 * self.n_samples * _WIDTH if is_text else 0
        return min(n_rows, _PICTURES_AT_ONCE) * _WIDTH + decoded

    def _planes(self, begin: int, scratch: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if isinstance(self.pixels, InFile) and not self.pixels.is_text:
            self.file.read_into(self.pixels.offset + begin, scratch)
            return scratch
        self.file.refuse_change()
        whole = _decoded(self.pixels, self.n_samples * _WIDTH) if isinstance(self.pixels, InFile) else self.pixels
        return np.frombuffer(whole, np.uint8)[begin : begin + len(scratch)]


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


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one file of pictures says."""

    path: Path
    pictures: _Pictures
    labels: object

    def codes(self, n_classes: int) -> ArraySource:
        """Return the labels, each compared with the number of classes."""
        n_samples, labels = self.pictures.n_samples, self.labels
        if not isinstance(labels, list) or len(labels) != n_samples:
            raise DataError(
                f"'labels' in {self.path} is not a list of {n_samples} labels", path=str(self.path), expected=n_samples
            )
        for row, label in enumerate(labels):
            if not isinstance(label, int) or label not in range(n_classes):
                raise DataError(
                    f"label {row} in {self.path} is not a number from 0 to {n_classes - 1}; "
                    "the batch does not fit batches.meta",
                    path=str(self.path),
                    row=row,
                )
        return ArraySource(np.array(labels, np.int64), str(self.path))


def _open_batch(path: Path) -> _Batch:
    file = RegularFile(path)
    batch = _entries(file)
    (n_samples, width), pixels = array_of(batch.get("data"), f"'data' in {path}")
    if width != _WIDTH:
        raise DataError(
            f"'data' in {path} has {width} columns; expected {_WIDTH} (32 x 32 pixels, 3 channels)",
            path=str(path),
            expected=_WIDTH,
            got=width,
        )
    return _Batch(path, _Pictures(pixels, n_samples, file), batch.get("labels"))


def _class_names(path: Path) -> tuple[str, ...]:
    names = _entries(RegularFile(path)).get("label_names")
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(cast("list[str]", names))
    raise DataError(f"'label_names' in {path} is not a list of names", path=str(path))


def _entries(file: RegularFile) -> Mapping[str, object]:
    """Return the dictionary in a pickle; Python 2's byte strings count as text."""
    found = load_inert(file)
    if not isinstance(found, dict):
        raise DataError(f"{file.path} does not hold a dictionary, as CIFAR-10's files do", path=str(file.path))
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
    if path.is_dir():
        return any((_folder(path) / name).exists() for name in _FILES)
    return not path.suffix and (path.name in _FILES or _begins_like_a_pickle(path))


def _begins_like_a_pickle(path: Path) -> bool:
    file = RegularFile(path)
    head = file.read(0, min(2, file.size))
    return len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _require(folder: Path, names: Sequence[str]) -> None:
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}; unpack the whole archive again",
            path=str(folder),
            missing=missing,
        )


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    if target not in (None, "labels"):
        raise ParameterError(f"CIFAR-10 has the target 'labels'; got target={target!r}", target=target)
    if not path.is_dir():
        return _dataset([_open_batch(path)], path, _names_beside(path), None)
    folder = _folder(path)
    _require(folder, _FILES)
    class_names = _class_names(folder / "batches.meta")
    test = _dataset([_open_batch(folder / "test_batch")], folder, class_names, None)
    return _dataset([_open_batch(folder / name) for name in _TRAIN], folder, class_names, test)


def _names_beside(path: Path) -> tuple[str, ...] | None:
    """Return the classes' names that the file next to a batch tells, or next to the batches of a folder."""
    meta = (_folder(path) if path.is_dir() else path.parent) / "batches.meta"
    return _class_names(meta) if meta.exists() else None


def _dataset(
    batches: Sequence[_Batch], path: Path, class_names: tuple[str, ...] | None, test: Dataset | None
) -> Dataset:
    return dataset_of(
        _stacked([batch.pictures for batch in batches], path),
        _codes(batches, path, class_names),
        target_name="labels",
        class_names=class_names,
        image_shape=(_SIDE, _SIDE, _CHANNELS),
        test=test,
        pixel_max=255,
    )


def _codes(batches: Sequence[_Batch], path: Path, class_names: tuple[str, ...] | None) -> BlockSource:
    n_classes = _N_CLASSES if class_names is None else len(class_names)
    return _stacked([batch.codes(n_classes) for batch in batches], path)


def _stacked(parts: Sequence[BlockSource], path: Path) -> BlockSource:
    return parts[0] if len(parts) == 1 else StackedSource(parts, str(path))


def _training_batches(path: Path) -> list[_Batch]:
    """Open one batch, or the training batches of a folder; all five, as fewer would pass for the whole set."""
    if not path.is_dir():
        return [_open_batch(path)]
    folder = _folder(path)
    _require(folder, _TRAIN)
    return [_open_batch(folder / name) for name in _TRAIN]


def _open_source(path: Path) -> BlockSource:
    return _stacked([batch.pictures for batch in _training_batches(path)], path)


def _open_labels(path: Path) -> BlockSource:
    return _codes(_training_batches(path), path, _names_beside(path))


FORMAT = Format(
    name="CIFAR-10's python batches",
    suffixes=(),
    open_source=_open_source,
    open_dataset=_open_dataset,
    recognizes=_recognizes,
    open_labels=_open_labels,
)
