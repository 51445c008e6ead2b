"""How are neighbors written: as `.npz`, as `.parquet`, or as a table on standard output?

A piece at a time, so that writing needs no copy of all that was found. This file knows nothing of searching.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from tidu.app.writing import csv_text, require_suffix
from tidu.errors import ParameterError
from tidu.persistence import atomic_write, write_npz

__all__ = ["Found", "check_output", "show_found", "write_found"]

Array: TypeAlias = NDArray[np.generic]
_PAIRS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Neighbors of some queries.

    Attributes
    ----------
    indices : ndarray of shape (n_queries, k) or (n_pairs,), int64
        Rows of the training data.
    distances : ndarray of the same shape, float64
        Their distances.
    offsets : ndarray of shape (n_queries + 1,), int64, or None
        Of a search by radius: where in the vectors each query's neighbors begin.
    predicted : ndarray of shape (n_queries,) or None
        Labels that the neighbors voted for.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    offsets: NDArray[np.int64] | None = None
    predicted: Array | None = None

    @property
    def n_queries(self) -> int:
        """How many queries there were."""
        return len(self.indices) if self.offsets is None else len(self.offsets) - 1

    def pieces(self) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Yield the first and the last query of each piece, and where their neighbors begin in the vectors."""
        start = 0
        k = self.indices.shape[1] if self.offsets is None else 0
        while start < self.n_queries:
            if self.offsets is None:
                stop = min(self.n_queries, start + max(1, _PAIRS_AT_ONCE // k))
                begins = np.arange(start, stop + 1) * k
            else:
                most = int(np.searchsorted(self.offsets, self.offsets[start] + _PAIRS_AT_ONCE, "right")) - 1
                stop = min(self.n_queries, start + _PAIRS_AT_ONCE, max(start + 1, most))
                begins = self.offsets[start : stop + 1]
            yield start, stop, begins
            start = stop

    def rows(self, start: int, stop: int) -> tuple[Array, Array]:
        """Return indices and distances of these queries as vectors."""
        if self.offsets is None:
            return self.indices[start:stop].reshape(-1), self.distances[start:stop].reshape(-1)
        part = slice(int(self.offsets[start]), int(self.offsets[stop]))
        return self.indices[part], self.distances[part]


def check_output(path: Path) -> None:
    """Refuse, before any work, an output that could not be written."""
    require_suffix(path, (".npz", ".parquet"))
    if path.suffix.lower() == ".parquet":
        _arrow("pyarrow")


def write_found(path: Path, found: Found) -> None:
    """Write neighbors: arrays `indices`, `distances`, and `offsets` or `predicted` if there are any.

    A `.parquet` file has a row for each query, with lists of indices and distances.
    """
    if path.suffix.lower() == ".parquet":
        atomic_write(path, lambda file: _write_parquet(file, found))
        return
    arrays: dict[str, Array] = {"distances": found.distances, "indices": found.indices}
    if found.offsets is not None:
        arrays["offsets"] = found.offsets
    if found.predicted is not None:
        arrays["predicted"] = found.predicted
    write_npz(path, arrays)


def show_found(found: Found) -> None:
    """Print neighbors as CSV: a line for each query, or, found by radius, for each pair."""
    for start, stop, begins in found.pieces() if found.n_queries else [(0, 0, np.zeros(1, np.int64))]:
        indices, distances = found.rows(start, stop)
        header: list[str] = []
        rows: Iterator[list[object]]
        if found.offsets is not None:
            header = ["query", "index", "distance"]
            queries = np.repeat(np.arange(start, stop), np.diff(begins))
            rows = (list(row) for row in zip(queries.tolist(), indices.tolist(), distances.tolist(), strict=True))
        else:
            k = found.indices.shape[1]
            header = [f"index{i}" for i in range(k)] + [f"distance{i}" for i in range(k)]
            header += [] if found.predicted is None else ["predicted"]
            labels = [[]] * (stop - start) if found.predicted is None else [[x] for x in found.predicted[start:stop]]
            pairs = (indices.reshape(-1, k).tolist(), distances.reshape(-1, k).tolist(), labels)
            rows = ([*near, *far, *label] for near, far, label in zip(*pairs, strict=True))
        text = csv_text(header, rows)
        click.echo(text if start == 0 else text.split("\n", 1)[1], nl=False)


def _write_parquet(file: BinaryIO, found: Found) -> None:
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    fields = [
        ("query", arrow.int64()),
        ("indices", arrow.list_(arrow.int64())),
        ("distances", arrow.list_(arrow.float64())),
    ]
    if found.predicted is not None:
        fields.append(("predicted", arrow.array(found.predicted[:0]).type))
    schema = arrow.schema(fields)
    with parquet.ParquetWriter(file, schema) as writer:
        for start, stop, begins in found.pieces():
            places = arrow.array((begins - begins[0]).astype(np.int32))
            lists = [arrow.ListArray.from_arrays(places, arrow.array(part)) for part in found.rows(start, stop)]
            columns = [arrow.array(np.arange(start, stop)), *lists]
            if found.predicted is not None:
                columns.append(arrow.array(found.predicted[start:stop]))
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))


def _arrow(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise ParameterError(
            "writing .parquet needs pyarrow, which is missing or broken; run pip install 'tidu[parquet]'",
            extra="parquet",
        ) from error
