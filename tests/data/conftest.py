"""Tiny CIFAR-10 folders, pickled as Python 2 did it."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

CLASSES = ("cat", "dog", "frog")
BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))


class _Python2Pickler(pickle._Pickler):
    """Bytes become the string instructions that Python 3 no longer writes."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def _save_string(self, text: bytes) -> None:
        if len(text) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(text)]) + text)
        else:
            self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)
        self.memoize(text)

    dispatch[bytes] = _save_string


def python2_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    _Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write_folder(folder: Path, pictures: np.ndarray, labels: list[int], dumps: Any = python2_pickle) -> Path:
    """Write six batches of equal size; `pictures` has shape (6 n, 32, 32, 3)."""
    folder.mkdir(exist_ok=True)
    planes = pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)
    n = len(pictures) // 6
    for i, name in enumerate((*BATCHES, "test_batch")):
        rows = slice(i * n, (i + 1) * n)
        write_batch(folder / name, np.ascontiguousarray(planes[rows]), labels[rows], dumps)
    meta = {b"num_cases_per_batch": n, b"label_names": [name.encode() for name in CLASSES], b"num_vis": 3072}
    (folder / "batches.meta").write_bytes(dumps(meta))
    return folder


def write_batch(path: Path, planes: object, labels: list[int], dumps: Any = python2_pickle) -> None:
    batch = {
        b"batch_label": path.name.encode(),
        b"labels": labels,
        b"data": planes,
        b"filenames": [b"%d.png" % row for row in range(len(labels))],
    }
    path.write_bytes(dumps(batch))


class Batches:
    """What a test needs to write CIFAR-10 folders and damage them."""

    classes = CLASSES
    train_names = BATCHES
    python2_pickle = staticmethod(python2_pickle)
    write_folder = staticmethod(write_folder)
    write_batch = staticmethod(write_batch)


@pytest.fixture(scope="session")
def batches() -> Batches:
    return Batches()
