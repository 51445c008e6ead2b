"""How are blocks of rows packed as integers, and what may each of them be wrong by?

This file knows nothing of which encoding is best, and of who is near.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidu.native.ledger import Ledger
from tidu.neighbors.encoding import MOST_SQUARES, ROUNDING, USUAL, Encoding
from tidu.neighbors.kernels.packing import STATISTICS, compiled_pack, pack_scratch_bytes
from tidu.neighbors.kernels.rules import PASSES
from tidu.neighbors.kernels.table import PACK_SLOTS, Given, run_shared
from tidu.neighbors.metrics import Array

__all__ = ["Encoded", "Encoder", "set_apart"]

_UNUSUAL = 1.5
"""How many times what is usual a row's error may be before it is set apart."""
_TINY = 1e-150
"""More than is lost where squares of errors underflow."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Rows as integers.

    Attributes
    ----------
    packed : ndarray of uint8
        Panels.
    n_rows, n_panels, n_units : int
        Rows, panels of rows, units of a row.
    terms : ndarray of shape (n_panels * panel rows,), int32
        The term of each row in the value of a pair.
    errors : ndarray of shape (n_rows,), float64
        What the integers may be wrong by.
    sizes : ndarray of shape (n_rows,), float64
        An upper bound of the length of each shifted row.
    """

    packed: NDArray[np.uint8]
    n_rows: int
    n_panels: int
    n_units: int
    terms: NDArray[np.int32]
    errors: NDArray[np.float64]
    sizes: NDArray[np.float64]


class Encoder:
    """Packs blocks of rows into buffers of its own.

    Parameters
    ----------
    encoding : Encoding
    dtype : numpy.dtype
        Of the rows.
    n_features : int
    most_rows : int
        Rows of the largest block.
    queries : bool
        Whether they are the queries.
    has_factors : bool
        Whether every row is multiplied by a number of its own.
    ledger : Ledger
        Where buffers come from.
    n_threads : int
    """

    def __init__(
        self,
        encoding: Encoding,
        dtype: np.dtype[Any],
        n_features: int,
        most_rows: int,
        *,
        queries: bool,
        has_factors: bool,
        ledger: Ledger,
        n_threads: int,
    ) -> None:
        self._encoding, self._queries, self._n_threads = encoding, queries, n_threads
        self._n_features, self._dtype = n_features, dtype
        self._pack = encoding.pack(str(dtype), queries=queries, has_factors=has_factors)
        self.panel_rows = encoding.shape.n_queries if queries else encoding.shape.n_rows
        self._n_units = encoding.compared.n_units(n_features)
        panels = -(-most_rows // self.panel_rows)
        self._packed = ledger.allocate(panels * self._panel_bytes, "packed rows")
        self._terms = ledger.allocate(4 * panels * self.panel_rows, "terms of rows").view(np.int32)
        self._bounds = ledger.allocate(16 * most_rows, "errors of rows").view(np.float64).reshape(2, most_rows)
        self._statistics = ledger.allocate(8 * len(STATISTICS) * most_rows, "statistics of rows").view(np.float64)
        self._stride = pack_scratch_bytes(self._pack, n_features)
        self._scratch = ledger.allocate(self._stride * n_threads, "scratch of packing")

    @property
    def _panel_bytes(self) -> int:
        return self.panel_rows * self._n_units * self._encoding.compared.unit_bytes

    def encode(
        self,
        raw: Array,
        factors: NDArray[np.float64] | None = None,
        first: int = 0,
        errors: NDArray[np.float64] | None = None,
    ) -> int:
        """Pack a block as the rows from `first` on, a multiple of the rows of a panel.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_features)
        factors : ndarray of shape (n_rows,), float64, optional
            What each row is multiplied by.
        first : int
        errors : ndarray of shape (n_rows,), float64, optional
            What the rows given may be wrong by themselves.

        Returns
        -------
        int
            The first row of the block that holds a NaN or an infinity, or -1.
        """
        assert raw.flags.c_contiguous
        n = len(raw)
        statistics = self._statistics[: len(STATISTICS) * n].reshape(n, len(STATISTICS))
        given: Given = {
            "n_panels": -(-n // self.panel_rows),
            "n_rows": n,
            "raw": raw,
            "n_features": self._n_features,
            "n_units": self._n_units,
            "packed": self._packed[first // self.panel_rows * self._panel_bytes :],
            "centers": self._encoding.centers,
            "factors": factors,
            "scale": self._scale,
            "inverse_scale": 1.0 / self._scale,
            "statistics": statistics,
            "scratch": self._scratch,
            "scratch_stride": self._stride,
        }
        run_shared(compiled_pack(self._pack), PACK_SLOTS, given, self._n_threads)
        bad = self._judge(statistics, slice(first, first + n))
        if errors is not None:
            self._bounds[0, first : first + n] += errors
        return bad

    def encoded(self, n_rows: int, first: int = 0) -> Encoded:
        """Return rows that were packed, from `first` on."""
        panel = first // self.panel_rows
        panels = -(-n_rows // self.panel_rows)
        rows = slice(first, first + n_rows)
        return Encoded(
            self._packed[panel * self._panel_bytes : (panel + panels) * self._panel_bytes],
            n_rows,
            panels,
            self._n_units,
            self._terms[first : first + panels * self.panel_rows],
            self._bounds[0, rows],
            self._bounds[1, rows],
        )

    def kept(self) -> dict[str, NDArray[Any]]:
        """Return all that is known of the rows, to be kept elsewhere."""
        return {"packed": self._packed, "terms": self._terms, "bounds": self._bounds}

    def restore(self, kept: Mapping[str, NDArray[Any]]) -> None:
        """Take what `kept` returned."""
        for name, place in self.kept().items():
            np.copyto(place, kept[name])

    @property
    def _scale(self) -> float:
        return self._encoding.query_scale if self._queries else self._encoding.row_scale

    def _judge(self, statistics: NDArray[np.float64], rows: slice) -> int:
        """Bound the errors of rows, and find the terms of values."""
        squares, sums, errors, nan = statistics.T
        error = self._encoding.error
        if error == "none":
            self._terms[rows] = self._terms_of(squares, sums)
            self._bounds[:, rows] = 0.0
            return -1
        with np.errstate(all="ignore"):
            errors = (np.sqrt(errors) if error == "squares" else errors) * (1 + 1e-9) + _TINY
            spread = math.sqrt(self._n_features) if error == "absolute" else 1.0
            sizes = spread * self._scale * np.sqrt(squares) * (1 + 1e-9) + errors
            converted = {"squares": math.sqrt(self._n_features), "absolute": float(self._n_features)}
            lost = self._encoding.conversion * converted.get(error, 1.0)
            # A row that became zeros is off by all that it is.
            zeroed = squares > (self._pack.most_squares or np.inf)
            self._bounds[0, rows] = np.where(zeroed, sizes, errors) + (ROUNDING * sizes + lost)
            self._bounds[1, rows] = sizes
        self._terms[rows] = np.where(zeroed, 0.0, self._terms_of(squares, sums))
        bad = np.flatnonzero(np.isnan(nan))
        return int(bad[0]) if len(bad) else -1

    def _terms_of(self, squares: NDArray[np.float64], sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the value of a pair has of a row beside the sum; bytes of rows are 128 larger than meant."""
        match self._encoding.comparison, self._encoding.factor, self._queries:
            case "dot8", -2, True:
                return squares + 256 * sums
            case "dot8" | "dot16", -2, _:
                return squares
            case "dot8", -1, queries:
                if self._dtype == np.int8:
                    return 128 * sums if queries else 0 * sums
                return np.full_like(sums, -16384 * self._n_features) if queries else -128 * sums
        return np.zeros_like(sums)


def set_apart(encoded: Encoded, encoding: Encoding) -> tuple[float, float]:
    """Let the few rows whose error is unusual always pass, and bound error and size of all others.

    Returns
    -------
    error, size : float
        Of the rows that do not always pass.
    """
    errors, n = encoded.errors, encoded.n_rows
    if encoding.error == "none":
        return 0.0, 0.0
    usual = np.partition(errors, min(n - 1, int(n * USUAL)))[min(n - 1, int(n * USUAL))]
    with np.errstate(over="ignore", invalid="ignore"):
        apart = ~(errors <= _UNUSUAL * usual) | ~(encoded.sizes < math.inf)
        if encoding.comparison == "dot16":
            apart |= encoded.sizes > encoding.row_scale * math.sqrt(MOST_SQUARES)
    encoded.terms[:n][apart] = PASSES[encoding.factor]
    rest = ~apart
    return float(np.max(errors, where=rest, initial=0.0)), float(np.max(encoded.sizes, where=rest, initial=0.0))
