"""With which rows and queries does everyone search, and in which files do they lie?

Files are made once in a folder and found there again; they depend on nothing but the case and the folder of
pictures. Without pictures, pixels are made up: smooth pictures whose spectrum decays like that of photographs, so
that pruning has something to find. This file knows no peer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.app.bench.knn.cases import Case
from tidu.data import BlockSource, as_source, open_dataset
from tidu.errors import DataError

__all__ = ["Files", "make_files"]

Block: TypeAlias = NDArray[np.generic]

_BLOCK_ROWS = 4096
_SIDE, _CHANNELS = 32, 3
_PARTS = {"rows": 1, "queries": 2}
_NORM, _GROUPS_APART, _APART, _GROUP = 1e4, 0.8, 0.05, 28
"""Of near-duplicates: the norm of all, by how much a coordinate of a group and one within it deviates, rows of a group.

Rounding in float32 cannot hide to which group a row belongs, only who is near within it.
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the numbers of a case lie.

    Parameters
    ----------
    queries, rows : Path
        `.npy` files.
    truth : Path
        Where the right answer is kept.
    made_up : bool
        Whether pixels are not those of pictures.
    """

    queries: Path
    rows: Path
    truth: Path
    made_up: bool


def make_files(case: Case, folder: Path, pictures: Path | None = None) -> Files:
    """Write the files of a case that are not there yet.

    Parameters
    ----------
    case : Case
    folder : Path
        Where they are written.
    pictures : Path, optional
        A folder of CIFAR-10's python batches, or of ``train_x.npy`` and ``test_x.npy``.

    Raises
    ------
    DataError
        If the pictures are not there, too few or of another width.
    """
    real = case.kind == "pixels" and pictures is not None
    origin = hashlib.sha256(str(pictures.resolve()).encode()).hexdigest()[:8] if real and pictures else "seed"
    found = []
    for part, n in (("queries", case.n_queries), ("rows", case.n_rows)):
        path = folder / f"{case.kind}-{case.dtype}-{origin}-{part}-{n}x{case.n_features}.npy"
        if not path.exists():
            source = _opened(pictures, part) if real and pictures else None
            made = _made_up(case, part) if source is None else _of(source, case, part)
            _write(path, made, (n, case.n_features), np.dtype(case.dtype))
        found.append(path)
    queries, rows = found
    truth = folder / f"truth-{queries.stem}-{case.n_rows}-{case.metric}-{case.k}.npz"
    return Files(queries, rows, truth, case.kind == "pixels" and not real)


def _opened(pictures: Path, part: str) -> BlockSource:
    array = pictures / {"rows": "train_x.npy", "queries": "test_x.npy"}[part]
    if array.exists():
        return as_source(array)
    dataset = open_dataset(pictures)
    chosen = dataset if part == "rows" else dataset.test
    if chosen is None:
        raise DataError(f"--data {pictures}: expected a test part, whose pictures are the queries; got none")
    return chosen.X


def _of(source: BlockSource, case: Case, part: str) -> Iterator[Block]:
    n = case.n_rows if part == "rows" else case.n_queries
    if source.shape[0] < n or source.shape[1:] != (case.n_features,):
        raise DataError(
            f"--data: expected at least {n:,} {part} of {case.n_features:,} pixels; got {list(source.shape)}",
            expected=(n, case.n_features),
            got=source.shape,
        )
    for start in range(0, n, _BLOCK_ROWS):
        yield source.read(start, min(start + _BLOCK_ROWS, n))


def _made_up(case: Case, part: str) -> Iterator[Block]:
    """Yield blocks of made-up numbers; queries follow the law of the rows."""
    law = {"pixels": _smooth, "normal": _normal, "duplicates": _near}[case.kind](case)
    rng = np.random.default_rng(_PARTS[part])
    n = case.n_rows if part == "rows" else case.n_queries
    for start in range(0, n, _BLOCK_ROWS):
        yield law(rng, min(_BLOCK_ROWS, n - start))


_Law: TypeAlias = Callable[[np.random.Generator, int], Block]


def _normal(case: Case) -> _Law:
    return lambda rng, n: rng.standard_normal((n, case.n_features), np.float32)


def _near(case: Case) -> _Law:
    """Return the law of groups of rows, such as pictures of one scene."""
    fixed = np.random.default_rng(0)
    middle = fixed.standard_normal(case.n_features)
    deviations = fixed.standard_normal((max(1, case.n_rows // _GROUP), case.n_features))
    groups = middle * _NORM / np.linalg.norm(middle) + _GROUPS_APART * deviations

    def law(rng: np.random.Generator, n: int) -> Block:
        chosen = groups[rng.integers(0, len(groups), n)]
        return (chosen + _APART * rng.standard_normal(chosen.shape)).astype(np.float32)

    return law


def _smooth(case: Case) -> _Law:
    """Return the law of pictures made of waves, whose amplitudes fall with their frequencies."""
    frequency = np.arange(_SIDE)
    waves = np.cos(np.pi * np.outer(frequency, np.arange(_SIDE) + 0.5) / _SIDE)
    amplitude = 1 / (1 + frequency[:, None] ** 2 + frequency**2) ** 0.75
    loudness = 60.0

    def law(rng: np.random.Generator, n: int) -> Block:
        # All channels share most of a picture, as colors of photographs do.
        shared = rng.standard_normal((n, 1, _SIDE, _SIDE))
        own = rng.standard_normal((n, _CHANNELS, _SIDE, _SIDE))
        planes = waves.T @ ((shared + 0.3 * own) * amplitude) @ waves
        pixels = np.clip(np.rint(127 + loudness * planes), 0, 255).astype(np.uint8)
        return pixels.transpose(0, 2, 3, 1).reshape(n, case.n_features)

    return law


def _write(path: Path, made: Iterator[Block], shape: tuple[int, int], dtype: np.dtype[np.generic]) -> None:
    """Write blocks as they come; the file has its name only when it is whole."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in made:
            file.write(np.ascontiguousarray(block, dtype).tobytes())
    partial.replace(path)
