"""How are rows projected on a few directions so that distances of the projections bound their own from below?

With orthonormal directions the squared distance of two rows is that of their projections plus that of what is left
of them, and what is left differs by at least the difference of its lengths. So the length of what is left is one
coordinate more. This file knows nothing of encodings, of blocks and of who is near.

Notes
-----
The directions span what a randomized subspace iteration finds in a sample (Halko, Martinsson and Tropp, SIAM Review
53, 2011, algorithm 4.4). Any directions are right; good ones leave little. They are stored as words, V, and so are
rows, so that their products are exact. With `|V'V - I| <= delta` in the spectral norm, V is within delta of its polar
factor, which is orthonormal: the projection of a row z is off by at most ``delta |z|``. The squared length of what is
left is then off by at most ``tau |z|^2`` with ``tau = 2 delta + delta^2``, and the length by
``min(tau |z|^2 / length, sqrt(tau) |z|)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from tidu.native.ledger import Ledger
from tidu.neighbors.encoder import Encoder
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.kernels.products import compiled_products
from tidu.neighbors.kernels.table import PRODUCT_SLOTS, Given, run_shared
from tidu.neighbors.metrics import Array

__all__ = ["MOST_DIRECTIONS", "Projector", "find_directions", "finding_bytes", "one_blas_thread", "scaled_to_one"]

MOST_DIRECTIONS = 255
"""More than ever pay."""
_MORE, _ROUNDS = 16, 1
"""Directions beyond those wanted, and rounds of the iteration."""
_WORD = 16_000.0
"""A direction is stored as integers of this length, so that squares of a word's row do not exceed what they may."""
_ROUNDING = 1e-12
"""More than float64 arithmetic loses here."""
_TINIEST = 2.0**-149
"""The least step of float32."""


class Projector:
    """Projects rows on directions.

    Parameters
    ----------
    directions : ndarray of shape (n_directions, n_features), int16
        Integers of length `_WORD`.
    encoding : Encoding
        How rows become words; its centers are subtracted.
    dtype : numpy.dtype
        Of the rows.
    most_rows : int
        Rows that are projected at a time.
    has_factors : bool
        Whether every row is multiplied by a number of its own.
    ledger : Ledger
    n_threads : int
    """

    def __init__(
        self,
        directions: NDArray[np.int16],
        encoding: Encoding,
        dtype: np.dtype[np.generic],
        most_rows: int,
        *,
        has_factors: bool,
        ledger: Ledger,
        n_threads: int,
    ) -> None:
        n, n_features = directions.shape
        self._n_directions, self._scale, self._n_threads = n, encoding.row_scale / _WORD, n_threads
        self._row_scale = encoding.row_scale
        self._rows = Encoder(
            encoding, dtype, n_features, most_rows, queries=True, has_factors=has_factors, ledger=ledger,
            n_threads=n_threads,
        )  # fmt: skip
        as_they_are = Encoding("dot16", -2, "value", "squares")
        self._directions = Encoder(
            as_they_are, np.dtype(np.int16), n_features, n, queries=False, has_factors=False, ledger=ledger,
            n_threads=n_threads,
        )  # fmt: skip
        self._directions.encode(directions)
        panel = encoding.shape.n_queries
        self._width = -(-n // encoding.shape.n_rows) * encoding.shape.n_rows
        words = ledger.allocate(4 * self._width * (-(-most_rows // panel) * panel), "products with directions")
        self._products = words.view(np.int32)
        self._out = ledger.allocate(4 * most_rows * (n + 1), "projections").view(np.float32)
        wide = directions.astype(np.float64) / _WORD
        self._delta = float(np.max(np.abs(np.linalg.eigvalsh(wide @ wide.T) - 1.0))) + _ROUNDING

    def project(
        self, raw: Array, factors: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], int]:
        """Project rows.

        Parameters
        ----------
        raw : ndarray of shape (n_rows, n_features)
        factors : ndarray of shape (n_rows,), float64, optional

        Returns
        -------
        projections : ndarray of shape (n_rows, n_directions + 1), float32
            Overwritten by the next call.
        errors : ndarray of shape (n_rows,), float64
            What each of them may be wrong by.
        bad : int
            The first row that holds a NaN or an infinity, or -1.
        """
        n = len(raw)
        bad = self._rows.encode(raw, factors)
        rows, directions = self._rows.encoded(n), self._directions.encoded(self._n_directions)
        given: Given = {
            "n_panels": rows.n_panels,
            "n_row_panels": directions.n_panels,
            "n_units": rows.n_units,
            "packed_queries": rows.packed,
            "packed_rows": directions.packed,
            "out": self._products,
        }
        run_shared(compiled_products(), PRODUCT_SLOTS, given, self._n_threads)
        out = self._out[: n * (self._n_directions + 1)].reshape(n, self._n_directions + 1)
        products = self._products[: n * self._width].reshape(n, self._width)[:, : self._n_directions]
        with np.errstate(all="ignore"):
            np.multiply(products, self._scale, out=out[:, :-1], casting="same_kind")
            # The terms of rows are their squares, exactly.
            squares = rows.terms[:n] * (self._row_scale * self._row_scale)
            left = squares - np.einsum("ij,ij->i", products, products, dtype=np.float64) * (self._scale * self._scale)
            length = np.sqrt(np.maximum(left, 0.0))
            out[:, -1] = length
            tau = 2 * self._delta + self._delta**2 + _ROUNDING
            of_length = np.sqrt(tau * squares)
            of_length = np.minimum(of_length, tau * squares / np.maximum(length, 1e-300))
            # float32 rounds each coordinate once more; near zero by the same amount, however small it is.
            errors = rows.errors + (self._delta + 2.0**-23) * np.sqrt(squares) + of_length
            errors += _TINIEST * (self._n_directions + 1)
            errors = np.nan_to_num(errors * (1 + _ROUNDING), nan=np.inf, posinf=np.inf)
        return out, errors, bad


def find_directions(sample: NDArray[np.float32], n_directions: int) -> NDArray[np.int16]:
    """Return the directions in which a sample varies most, as integers.

    Parameters
    ----------
    sample : ndarray of shape (n_rows, n_features), float32
        Less its centers, no value larger than 1.
    n_directions : int
        At most the number of features.

    Returns
    -------
    ndarray of shape (n_directions, n_features), int16
        Orthogonal to one another up to rounding.
    """
    n_features = sample.shape[1]
    width = min(n_directions + _MORE, n_features)
    basis = np.random.Generator(np.random.Philox(0)).standard_normal((n_features, width), np.float32)
    with one_blas_thread():
        for _ in range(_ROUNDS + 1):
            basis = _orthonormal(sample.T @ (sample @ basis))
        # Within the subspace, the directions of largest variance first.
        within = (sample @ basis).astype(np.float64)
        _, vectors = np.linalg.eigh(within.T @ within)
        found = _orthonormal(basis @ vectors[:, ::-1][:, :n_directions].astype(np.float32))
    return np.ascontiguousarray(np.rint(found.T.astype(np.float64) * _WORD).astype(np.int16))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's products run on one thread.

    The threads of a BLAS wait for each other by spinning: where other programs use the processors as well, small
    products take a hundred times as long.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Look for the libraries once: every look goes through all that the process has loaded."""
    return ThreadpoolController()


def scaled_to_one(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide a sample by its largest value, which changes no direction; it is overwritten and returned."""
    largest = max(float(np.max(np.abs(sample), initial=0.0)), 1e-38)
    return np.divide(sample, largest, out=sample)


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an orthonormal basis of what the columns span, or of a little more, by products alone.

    Twice, as the first time leaves the square of the condition number (Yamamoto and others, ETNA 44, 2015).
    """
    wide = columns.astype(np.float64)
    wide /= np.maximum(np.linalg.norm(wide, axis=0), 1e-300)
    for _ in range(2):
        values, vectors = np.linalg.eigh(wide.T @ wide)
        scaled = vectors / np.sqrt(np.maximum(values, max(1e-13 * values[-1], 1e-300)))
        wide = wide @ (scaled @ vectors.T)  # symmetric, so that columns that are orthonormal stay as they are
    return wide.astype(np.float32)


def finding_bytes(n_sample: int, n_features: int, n_directions: int) -> int:
    """Return what finding directions takes at most, the sample included."""
    width = n_directions + _MORE
    return 4 * n_sample * (n_features + width) + n_features * width * 40 + width * width * 32
