"""How does a long search go on from where it was interrupted, with the same bits?

A folder holds what the search is (`search.json`), the results of finished blocks of queries, and the heaps of the
block that is being worked on. All of it is written whole or not at all, and read without pickle.
This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError, ParameterError
from tidu.neighbors.archive import Layouts, arrays_of, opened
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.metrics import Array
from tidu.persistence import atomic_write_text, write_npz

__all__ = ["Checkpoint", "blocks_before"]

_DESCRIPTION = "search.json"
_CURRENT = "current.npz"
_PLACE: Layouts = {"start": ((1,), np.dtype(np.int64)), "n_blocks": ((1,), np.dtype(np.int64))}
_LARGEST_DESCRIPTION = 1 << 16
_BLOCKS = "queries and rows of a block"
_PATIENCE_S = 2.0
"""How much work may be lost, in seconds."""


class Checkpoint:
    """What a search keeps on disk.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    description : mapping
        All that the results depend on; on resuming it must be the same.
    blocks : tuple of (int, int)
        Queries and rows of a block.
    resume : bool
        Whether to go on from what is there; else it is begun anew.

    Raises
    ------
    ParameterError
        If what is there belongs to another search.
    DataError
        If the folder cannot be written to.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        description: Mapping[str, object],
        blocks: tuple[int, int],
        *,
        resume: bool,
    ) -> None:
        self._folder = Path(folder)
        self._saved_s = time.monotonic()
        wanted = json.loads(json.dumps({**description, _BLOCKS: blocks}))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = _description(self._folder) if resume else None
            if found is None:
                for path in (*self._folder.glob("block-*.npz"), self._folder / _CURRENT):
                    path.unlink(missing_ok=True)
                atomic_write_text(self._folder / _DESCRIPTION, json.dumps(wanted, indent=1))
        except OSError as error:
            raise DataError(f"{self._folder}: {error.strerror}; choose another folder", path=str(folder)) from error
        if found is not None and found != wanted:
            differing = [name for name in wanted if found.get(name) != wanted[name]] or sorted(found)
            raise ParameterError(
                f"{self._folder} holds another search: {', '.join(differing)} differ; "
                "give another checkpoint_dir, or resume=False to begin anew",
                differing=differing,
            )

    def finished(self, rows: slice, shape: tuple[int, int], key_dtype: type) -> tuple[Array, NDArray[np.int64]] | None:
        """Return keys and indices of a block of queries that was finished before, or None."""
        found = self._load(f"block-{rows.start}.npz", _pairs(shape, key_dtype))
        return None if found is None else (found["keys"], found["indices"])

    def restore(self, rows: slice, heaps: Heaps) -> int:
        """Fill the heaps with what was found before, and return how many blocks of rows that is."""
        place = self._load(_CURRENT, _PLACE)
        if place is None or int(place["start"][0]) != rows.start:
            return 0
        found = self._load(_CURRENT, _pairs(heaps.keys.shape, heaps.keys.dtype.type))
        assert found is not None
        np.copyto(heaps.keys, found["keys"])
        np.copyto(heaps.indices, found["indices"])
        return int(place["n_blocks"][0])

    def after(self, rows: slice, heaps: Heaps, n_blocks: int) -> None:
        """Keep the heaps if it was long ago that they were."""
        if n_blocks and time.monotonic() - self._saved_s > _PATIENCE_S:
            self._store(_CURRENT, heaps.keys, heaps.indices, start=rows.start, n_blocks=n_blocks)

    def finish(self, rows: slice, heaps: Heaps) -> None:
        """Keep the results of a block of queries."""
        self._store(f"block-{rows.start}.npz", heaps.keys, heaps.indices)

    def _store(self, name: str, keys: Array, indices: NDArray[np.int64], **more: int) -> None:
        arrays: dict[str, Array] = {key: np.array([value], np.int64) for key, value in more.items()}
        write_npz(self._folder / name, {"keys": keys, "indices": indices, **arrays})
        self._saved_s = time.monotonic()

    def _load(self, name: str, expected: Layouts) -> dict[str, Array] | None:
        path = self._folder / name
        with opened(path, _damaged(path)) as archive:
            if archive is None:
                return None
            found = arrays_of(archive, expected)
            if found is None:
                raise ValueError("other shapes or dtypes")
            return found


def _pairs(shape: tuple[int, ...], key_dtype: type) -> Layouts:
    return {"keys": (shape, np.dtype(key_dtype)), "indices": (shape, np.dtype(np.int64))}


def blocks_before(folder: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the queries and rows of a block of the search that was interrupted, or None if there was none."""
    found = _description(Path(folder))
    if found is None:
        return None
    blocks = found.get(_BLOCKS)
    if not isinstance(blocks, list) or len(blocks) != 2 or not all(type(n) is int and n > 0 for n in blocks):
        raise _damaged(Path(folder) / _DESCRIPTION)
    return blocks[0], blocks[1]


def _description(folder: Path) -> dict[str, object] | None:
    path = folder / _DESCRIPTION
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size < _LARGEST_DESCRIPTION else None
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> DataError:
    return DataError(f"{path} is damaged; begin anew with resume=False", path=str(path))
