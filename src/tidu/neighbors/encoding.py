"""How do rows become small integers whose comparison bounds the keys of the rows themselves?

An `Encoding` says by which comparison, with which centers and scale; `encode` packs rows by it and tells, for each
of them, what the integers may be wrong by. This file knows nothing of blocks and of who is near.

Notes
-----
With z the shifted row and q its integers at a scale s, the error of a row is ``|z - s q|``, in the norm of the
metric, so a triangle holds: ``|z - z'| >= s |q - q'| - error - error'``. For products,
``|z z' - s s' q q'| <= error |z'| + error' |z|``. What float64 rounds in the arithmetic itself is within 1e-13 of
the size of a row, for any number of columns up to `MOST_FEATURES`, and is added to the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tidu.native.machine import host
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.kernels.comparisons import COMPARISONS, Comparison, Shape, has_byte_products, shape_for
from tidu.neighbors.kernels.packing import Pack

__all__ = [
    "MOST_FEATURES",
    "MOST_FOR_BYTES",
    "MOST_SQUARES",
    "ROUNDING",
    "USUAL",
    "Encoding",
    "exact_encoding",
    "judged_by_squares",
]

MOST_FEATURES = 3 << 20
"""Columns up to which sums of differences of bytes stay below `ALL_PASS`, so that a threshold can let all pass."""
MOST_FOR_BYTES = 8192
"""Columns up to which products of bytes fit."""
ROUNDING = 1e-13
MOST_SQUARES = 1 << 28
"""The squares of a row of words add up to at most this, so that no sum of products overflows."""
USUAL = 0.97
"""Share of the rows whose error bounds that of the others; the few rows beyond always pass."""

ErrorNorm = Literal["none", "squares", "absolute", "largest"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How rows become integers.

    Attributes
    ----------
    comparison : str
        Name of a `Comparison`.
    factor : {-2, -1, 1}
        Of sums in the value of a pair, as for `tidu.neighbors.kernels.scan.Scan`.
    rule : {"value", "square", "linear"}
        How thresholds follow from keys; "value" where the integers are the rows themselves.
    error : {"none", "squares", "absolute", "largest"}
        The norm of errors.
    query_scale, row_scale : float
        What an integer step stands for.
    centers : ndarray of shape (n_features,), float64, or None
        What is subtracted from every row.
    alpha, beta : float
        Of the rule; by default those of squared distances.
    conversion : float
        What converting an element to float64 may be wrong by.
    """

    comparison: str
    factor: Literal[-2, -1, 1]
    rule: Literal["value", "square", "linear"]
    error: ErrorNorm
    query_scale: float = 1.0
    row_scale: float = 1.0
    centers: NDArray[np.float64] | None = None
    alpha: float = 1.0 + ROUNDING
    beta: float = 0.0
    conversion: float = 0.0

    @property
    def compared(self) -> Comparison:
        """The comparison itself."""
        return COMPARISONS[self.comparison]

    @property
    def center(self) -> NDArray[np.float64]:
        """What is subtracted from every row, where something is."""
        assert self.centers is not None
        return self.centers

    @property
    def shape(self) -> Shape:
        """Tiles on this machine."""
        return shape_for(self.compared, host())

    @property
    def inverse_scale(self) -> float:
        """What turns a threshold into integers."""
        scale = self.query_scale * self.row_scale if self.factor == -1 else self.row_scale
        return 1.0 / scale if scale else math.inf

    def pack(self, dtype: str, *, queries: bool, has_factors: bool) -> Pack:
        """Return how rows of a dtype are packed."""
        most = MOST_SQUARES if self.comparison == "dot16" else 0
        return Pack(self.comparison, queries, dtype, self.error, self.centers is not None, has_factors, most)


def judged_by_squares(encoding: Encoding, arithmetic: Arithmetic) -> Encoding:
    """Return an encoding with the rule by which squared distances of rows bound the keys of a metric.

    The squared distance of two rows of length one is twice their distance by "cosine".
    """
    return replace(encoding, alpha=2.0, beta=2 * ROUNDING) if arithmetic.has_lengths else encoding


def exact_encoding(arithmetic: Arithmetic) -> Encoding | None:
    """Return the encoding of bytes as they are, whose values are keys; None if there is none."""
    kind = arithmetic.metric.native
    if not arithmetic.of_bytes or arithmetic.n_features > MOST_FEATURES:
        return None
    if kind in ("absolute", "largest"):
        return Encoding("sum8" if kind == "absolute" else "max8", 1, "value", "none")
    if arithmetic.n_features > MOST_FOR_BYTES or not has_byte_products(host()):
        return None
    return Encoding("dot8", -2 if kind == "squares" else -1, "value", "none")
