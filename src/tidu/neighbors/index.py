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
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.index_file import peek_index, read_index, write_index
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.kernels.auxiliary import auxiliaries_of
from tidu.neighbors.kernels.exact import AUXILIARIES
from tidu.neighbors.metrics import Array
from tidu.neighbors.plan import MemoryPlan
from tidu.neighbors.projection import Projector, find_directions, scaled_to_one
from tidu.neighbors.scanner import refuse_nonfinite
from tidu.neighbors.search import shifted_sample
from tidu.neighbors.staging import Stage
from tidu.neighbors.suiting import words_of

__all__ = ["ProjectedIndex", "ProjectedSide", "index_directions"]

_ROOM = 1.1
"""How much longer than any of the sample rows may be before they are set apart."""


class ProjectedSide:
    """Projections of one side, as integers.

    Parameters
    ----------
    source : BlockSource
    role : {"queries", "data"}
        For messages.
    index : ProjectedIndex
        Which directions, and how rows and projections become integers.
    plan : MemoryPlan
    most_rows : int
        Rows whose projections are kept.
    ledger : Ledger
    n_threads : int
    """

    def __init__(
        self,
        source: BlockSource,
        role: str,
        directions: NDArray[np.int16],
        words: Encoding,
        projections: Encoding,
        plan: MemoryPlan,
        most_rows: int,
        aux_rows: int,
        ledger: Ledger,
        n_threads: int,
    ) -> None:
        self._source, self._role, self._ledger, self._n_threads = source, role, ledger, n_threads
        self._step = plan.projected_rows
        self.aux: NDArray[np.float64] | None = None
        if aux_rows:
            place = ledger.allocate(8 * AUXILIARIES * aux_rows, "lengths of rows").view(np.float64)
            self.aux = place.reshape(aux_rows, AUXILIARIES)
        self._projector = Projector(
            directions,
            words,
            source.dtype,
            self._step,
            has_factors=bool(aux_rows),
            ledger=ledger,
            n_threads=n_threads,
        )
        self.encoder = Encoder(
            projections,
            np.dtype(np.float32),
            len(directions) + 1,
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
            factors = None
            if self.aux is not None:
                refuse_nonfinite(part, self._source, row + start, self._role)
                factors = auxiliaries_of(part, self.aux[start:], self._ledger, self._n_threads)
            projected, errors, bad = self._projector.project(part, factors)
            if bad >= 0:
                refuse_nonfinite(part[bad : bad + 1], self._source, row + start + bad, self._role)
            self.encoder.encode(projected, first=first + start, errors=errors)


class ProjectedIndex:
    """Projections of all rows.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
        With `n_directions` above 0.
    ledger : Ledger
    n_threads : int
    path : path, optional
        Where they are kept.

    Attributes
    ----------
    directions : ndarray of shape (n_directions, n_features), int16
    encoding : Encoding
        How projections become integers.
    rows : ProjectedSide
        Those of all rows.
    stage : Stage
        For the rows themselves.
    """

    def __init__(
        self,
        inputs: Inputs,
        plan: MemoryPlan,
        ledger: Ledger,
        n_threads: int,
        path: str | os.PathLike[str] | None,
    ) -> None:
        self._inputs, self._plan, self._ledger, self._n_threads = inputs, plan, ledger, n_threads
        self._lengths = inputs.arithmetic.metric.native == "cosine"
        self._digest = ""
        kept = None
        if path is not None:
            # Panels are as wide as vectors are here.
            panels = _projection_encoding(inputs.arithmetic, 1.0).shape
            self._digest = f"{digest_of(inputs.data, plan.data_rows)} {inputs.arithmetic.metric.native} {panels}"
            kept = read_index(path, self._digest, self._expected())
        if kept is None:
            self.directions, self._words, longest = self._found()
            scale = _ROOM * longest / (1 << 14) if 0 < longest < np.inf else 1.0
        else:
            self.directions = kept["directions"]
            word_scale, scale = (float(x) for x in kept["scales"])
            self._words = replace(_WORDS, query_scale=word_scale, row_scale=word_scale, centers=kept["centers"])
        self._words = replace(self._words, conversion=inputs.arithmetic.conversion)
        self.encoding = _projection_encoding(inputs.arithmetic, scale)
        self.stage = Stage(inputs.data, plan.data_rows, ledger)
        self.rows = self.side("data", inputs.data, inputs.data.shape[0], plan.data_rows)
        if kept is not None:
            self.rows.encoder.restore(kept)
            return
        for start in range(0, inputs.data.shape[0], plan.data_rows):
            raw = self.stage.load(start, min(start + plan.data_rows, inputs.data.shape[0]))
            self.rows.add(raw, start, start)
        if path is not None:
            arrays: dict[str, Array] = {
                "directions": self.directions,
                "centers": self._words.center,
                "scales": np.array([self._words.row_scale, scale]),
                **self.rows.encoder.kept(),
            }
            write_index(path, self._digest, arrays)

    def side(self, role: str, source: BlockSource, most_rows: int, block_rows: int) -> ProjectedSide:
        """Return what projects rows as those of the index are; lengths are kept of a block only."""
        aux_rows = block_rows if self._lengths else 0
        return ProjectedSide(
            source,
            role,
            self.directions,
            self._words,
            self.encoding,
            self._plan,
            most_rows,
            aux_rows,
            self._ledger,
            self._n_threads,
        )

    def part(self, start: int, stop: int) -> Encoded:
        """Return the projections of some rows, with terms that may be changed."""
        found = self.rows.encoder.encoded(stop - start, start)
        return replace(found, terms=found.terms.copy())

    def _found(self) -> tuple[NDArray[np.int16], Encoding, float]:
        """Find directions by a sample."""
        plan = self._plan
        with self._ledger.hold(plan.sample_bytes, "a sample of the rows"):
            sample, centers = shifted_sample(self._inputs.data, plan.sample_rows, of_length_one=self._lengths)
            with np.errstate(all="ignore"):
                longest = float(np.sqrt(np.max(np.einsum("ij,ij->i", sample, sample, dtype=np.float64))))
            # Were some rows not whole, they would only be rounded.
            words = words_of(centers, longest, whole=True)
            return find_directions(scaled_to_one(sample), plan.n_directions), words, longest

    def _expected(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Return shapes and dtypes of what is kept."""
        n_features, n = self._inputs.arithmetic.n_features, self._plan.n_directions
        encoding = _projection_encoding(self._inputs.arithmetic, 1.0)
        panel, n_rows = encoding.shape.n_rows, self._inputs.data.shape[0]
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


_WORDS = Encoding("dot16", -2, "square", "squares")


def _projection_encoding(arithmetic: Arithmetic, scale: float) -> Encoding:
    alpha, beta = (2.0, 2e-13) if arithmetic.metric.native == "cosine" else (1 + 1e-13, 0.0)
    return replace(_WORDS, query_scale=scale, row_scale=scale, alpha=alpha, beta=beta)
