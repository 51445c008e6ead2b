"""What is known of all rows before any query: their projections as integers, in memory or from a file?

This file knows nothing of queries and of who is near.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource
from tidu.native.ledger import Ledger
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.digest import digest_of
from tidu.neighbors.encoder import Encoded, Encoder
from tidu.neighbors.encoding import Encoding, judged_by_squares
from tidu.neighbors.index_file import peek_index, read_index, write_index
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.metrics import Array
from tidu.neighbors.origin import Origin
from tidu.neighbors.plan import MemoryPlan
from tidu.neighbors.projection import Projector, find_directions, scaled_to_one
from tidu.neighbors.sampling import shifted_sample
from tidu.neighbors.staging import Stage
from tidu.neighbors.suiting import word_step, words_of

__all__ = ["ProjectedIndex", "ProjectedSide", "index_directions"]

_WORDS = Encoding("dot16", -2, "square", "squares")


class ProjectedSide:
    """Projections of one side, as integers.

    Parameters
    ----------
    source : BlockSource
    role : {"queries", "data"}
        For messages.
    index : ProjectedIndex
        Which directions, and how rows and projections become integers.
    most_rows, block_rows : int
        Rows whose projections are kept, and those that are in memory at once.
    """

    def __init__(self, source: BlockSource, role: str, index: ProjectedIndex, most_rows: int, block_rows: int) -> None:
        ledger, n_threads = index.ledger, index.plan.sizes.n_threads
        self._step = index.plan.projected_rows
        self.origin = Origin(source, role, index.arithmetic, block_rows, ledger, n_threads)
        self._projector = Projector(
            index.directions,
            index.words,
            source.dtype,
            self._step,
            has_factors=index.arithmetic.has_lengths,
            ledger=ledger,
            n_threads=n_threads,
        )
        self.encoder = Encoder(
            index.encoding,
            np.dtype(np.float32),
            len(index.directions) + 1,
            most_rows,
            queries=role == "queries",
            has_factors=False,
            ledger=ledger,
            n_threads=n_threads,
        )

    def add(self, raw: Array, first: int, row: int) -> None:
        """Project rows and keep them from `first` on; `row` is the number of the first one in its source.

        Raises
        ------
        DataError
            If a row has a NaN or an infinity.
        """
        for start in range(0, len(raw), self._step):
            part = raw[start : start + self._step]
            factors = self.origin.lengths(part, row + start, start)
            projected, errors, bad = self._projector.project(part, factors)
            self.origin.refuse(part, row + start, bad)
            self.encoder.encode(projected, first=first + start, errors=errors)


class ProjectedIndex:
    """Projections of all rows.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
        With `n_directions` above 0.
    ledger : Ledger
    path : path, optional
        Where they are kept.

    Attributes
    ----------
    plan, arithmetic, ledger
        What is to be known to project queries as well.
    directions : ndarray of shape (n_directions, n_features), int16
    words, encoding : Encoding
        How rows become words, and how projections become integers.
    rows : ProjectedSide
        Those of all rows.
    stage : Stage
        For the rows themselves.
    """

    def __init__(self, inputs: Inputs, plan: MemoryPlan, ledger: Ledger, path: str | os.PathLike[str] | None) -> None:
        self.plan, self.arithmetic, self.ledger, self._data = plan, inputs.arithmetic, ledger, inputs.data
        # Panels are as wide as vectors are here.
        panels = _projection_encoding(self.arithmetic, 1.0).shape
        digest = ""
        kept = None
        if path is not None:
            digest = f"{digest_of(self._data, plan.data_rows)} {self.arithmetic.metric.native} {panels}"
            kept = read_index(path, digest, self._expected())
        if kept is None:
            self.directions, words, longest = self._found()
            scale = word_step(longest)
        else:
            self.directions = kept["directions"]
            word_scale, scale = (float(x) for x in kept["scales"])
            words = replace(_WORDS, query_scale=word_scale, row_scale=word_scale, centers=kept["centers"])
        self.words = replace(words, conversion=self.arithmetic.conversion)
        self.encoding = _projection_encoding(self.arithmetic, scale)
        self.stage = Stage(self._data, plan.data_rows, ledger)
        n_rows = self._data.shape[0]
        self.rows = ProjectedSide(self._data, "data", self, n_rows, plan.data_rows)
        if kept is not None:
            self.rows.encoder.restore(kept)
            return
        for start in range(0, n_rows, plan.data_rows):
            self.rows.add(self.stage.load(start, min(start + plan.data_rows, n_rows)), start, start)
        if path is not None:
            arrays: dict[str, Array] = {
                "directions": self.directions,
                "centers": self.words.center,
                "scales": np.array([self.words.row_scale, scale]),
                **self.rows.encoder.kept(),
            }
            write_index(path, digest, arrays)

    def part(self, start: int, stop: int) -> Encoded:
        """Return the projections of some rows, with terms that may be changed."""
        found = self.rows.encoder.encoded(stop - start, start)
        return replace(found, terms=found.terms.copy())

    def _found(self) -> tuple[NDArray[np.int16], Encoding, float]:
        """Find directions by a sample."""
        plan = self.plan
        with self.ledger.hold(plan.sample_bytes, "a sample of the rows"):
            lengths = self.arithmetic.has_lengths
            sample, centers = shifted_sample(self._data, plan.sample_rows, of_length_one=lengths)
            with np.errstate(all="ignore"):
                longest = float(np.sqrt(np.max(np.einsum("ij,ij->i", sample, sample, dtype=np.float64))))
            # Were some rows not whole, they would only be rounded.
            words = words_of(centers, longest, whole=True)
            return find_directions(scaled_to_one(sample), plan.n_directions), words, longest

    def _expected(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Return shapes and dtypes of what is kept."""
        n_features, n = self.arithmetic.n_features, self.plan.n_directions
        encoding = _projection_encoding(self.arithmetic, 1.0)
        panel, n_rows = encoding.shape.n_rows, self._data.shape[0]
        padded = -(-n_rows // panel) * panel
        unit = encoding.compared.n_units(n + 1) * encoding.compared.unit_bytes
        return {
            "directions": ((n, n_features), np.dtype(np.int16)),
            "centers": ((n_features,), np.dtype(np.float64)),
            "scales": ((2,), np.dtype(np.float64)),
            "packed": ((padded * unit,), np.dtype(np.uint8)),
            "terms": ((padded,), np.dtype(np.int32)),
            "bounds": ((2, n_rows), np.dtype(np.float64)),
        }


def index_directions(path: str | os.PathLike[str]) -> int | None:
    """Return the number of directions of an index on disk, or None if there is none."""
    shape = peek_index(path, "directions")
    return None if shape is None or len(shape) != 2 else shape[0]


def _projection_encoding(arithmetic: Arithmetic, scale: float) -> Encoding:
    return judged_by_squares(replace(_WORDS, query_scale=scale, row_scale=scale), arithmetic)
