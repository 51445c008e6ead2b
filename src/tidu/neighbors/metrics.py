"""What is the distance of two rows, to the last bit?

Every metric orders pairs by a `key` (the smaller, the nearer) which is defined here by elementwise
operations in one fixed order, so that it depends on the two rows alone: not on blocks, threads or the
kind of matrix product that proposed the pair. This file knows nothing of searching.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError

__all__ = ["METRICS", "Array", "KeyDtype", "Metric", "fold", "resolve_metric"]

Array: TypeAlias = NDArray[Any]
KeyDtype: TypeAlias = type[np.int64] | type[np.float64]
Kind = Literal["l2", "sqeuclidean", "l1", "chebyshev", "minkowski", "cosine", "inner_product"]
Native = Literal["squares", "absolute", "largest", "products", "cosine"]

_ALIASES: dict[str, Kind] = {
    "l2": "l2",
    "euclidean": "l2",
    "sqeuclidean": "sqeuclidean",
    "l1": "l1",
    "manhattan": "l1",
    "cityblock": "l1",
    "chebyshev": "chebyshev",
    "linf": "chebyshev",
    "infinity": "chebyshev",
    "minkowski": "minkowski",
    "cosine": "cosine",
    "inner_product": "inner_product",
}
_NATIVE: dict[Kind, Native] = {
    "l2": "squares",
    "sqeuclidean": "squares",
    "l1": "absolute",
    "chebyshev": "largest",
    "cosine": "cosine",
    "inner_product": "products",
}
METRICS = tuple(_ALIASES)
"""Every accepted name of a metric."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A way to compare two rows.

    Attributes
    ----------
    kind : str
        The metric by its first name.
    p : float
        The exponent of "minkowski".
    """

    kind: Kind
    p: float = 2.0

    @property
    def native(self) -> Native | None:
        """What native code adds up for it (see `tidu.neighbors.kernels.exact`), or None: NumPy computes its keys."""
        return _NATIVE.get(self.kind)

    @property
    def keeps_integers(self) -> bool:
        """Whether the keys of integer rows are integers."""
        return self.kind not in ("cosine", "minkowski")

    def largest_key(self, span: int, n_features: int) -> int:
        """Bound the keys of integer rows whose values, and differences of values, are at most `span`."""
        if self.kind == "chebyshev":
            return span
        return n_features * (span if self.kind == "l1" else span * span)

    def keys(self, a: Array, b: Array, dtype: KeyDtype) -> Array:
        """Return the key of each pair of rows.

        Parameters
        ----------
        a, b : ndarray of shape (n_pairs, n_features)
            The rows, of any real dtype; one of them may have a single row.
        dtype : type
            int64 for the exact arithmetic of integer rows whose keys fit, else float64.

        Returns
        -------
        ndarray of shape (n_pairs,), int64 or float64
            The smaller, the nearer.
        """
        if self.kind == "cosine":
            return _cosine(a, b)
        if self.kind == "inner_product":
            terms = np.multiply(a, b, dtype=dtype, casting="unsafe")
            return np.negative(fold(terms))
        terms = np.subtract(a, b, dtype=dtype, casting="unsafe")
        if self.kind in ("l2", "sqeuclidean"):
            return fold(np.multiply(terms, terms, out=terms))
        np.abs(terms, out=terms)
        if self.kind == "chebyshev":
            return np.max(terms, axis=1)  # type: ignore[no-any-return]
        if self.kind == "minkowski":
            np.power(terms, self.p, out=terms)
        return fold(terms)

    def distances(self, keys: Array) -> NDArray[np.float64]:
        """Turn keys into what the caller is given: rooted, or with the sign of a product."""
        found = keys.astype(np.float64)
        if self.kind == "l2":
            return np.sqrt(found, out=found)
        if self.kind == "minkowski":
            return np.power(found, 1.0 / self.p, out=found)
        if self.kind == "inner_product":
            # 0.0 - key has no negative zero
            return np.subtract(0.0, found, out=found)
        return found

    def key_of_distance(self, distance: float) -> float:
        """Return a key that no pair within `distance` exceeds; rounding is on the safe side."""
        eps = float(np.finfo(np.float64).eps)
        if self.kind == "l2":
            key = distance * distance
        elif self.kind == "minkowski":
            # pow and root may each be off by some last places, which the exponent magnifies
            with np.errstate(over="ignore", under="ignore"):
                key = float(np.power(np.float64(max(distance, 0.0)), self.p)) * (1.0 + 16.0 * (self.p + 1.0) * eps)
        elif self.kind == "inner_product":
            key = -distance
        else:
            key = distance
        return float(np.nextafter(key + 8.0 * eps * abs(key), np.inf))


def resolve_metric(name: str, p: float = 2.0) -> Metric:
    """Find a metric by one of its names; "minkowski" of exponent 1, 2 or infinity is the metric of that name.

    Raises
    ------
    ParameterError
        If there is no such metric, or `p` is not above zero.

    Examples
    --------
    >>> resolve_metric("manhattan").kind, resolve_metric("minkowski", p=2).kind
    ('l1', 'l2')
    """
    if name not in METRICS:
        raise ParameterError(f"metric must be one of {', '.join(METRICS)}; got {name!r}", got=name)
    if isinstance(p, bool) or not isinstance(p, int | float | np.integer | np.floating):
        raise ParameterError(f"p must be a number; got {p!r}", got=p)
    kind = _ALIASES[name]
    if kind != "minkowski":
        return Metric(kind)
    if not p > 0:
        raise ParameterError(f"p of the Minkowski metric must be above 0; got {p!r}", got=p)
    special: dict[float, Kind] = {1.0: "l1", 2.0: "l2", math.inf: "chebyshev"}
    return Metric(special[p]) if p in special else Metric(kind, float(p))


def fold(terms: Array) -> Array:
    """Sum each row by adding its second half onto its first until one term is left; overwrites `terms`.

    This is the reference order of summation: elementwise additions only, hence the same bits whatever
    the vector width of the machine, and an error of at most ceil(log2(n_features)) roundings per term.
    """
    width = terms.shape[1]
    while width > 1:
        half = (width + 1) // 2
        head = terms[:, : width - half]
        np.add(head, terms[:, half:width], out=head)
        width = half
    first: Array = terms[:, 0].copy()
    return first


def _cosine(a: Array, b: Array) -> Array:
    a, b = _scaled(a), _scaled(b)
    dots = fold(np.multiply(a, b))
    squares = fold(np.square(a)) * fold(np.square(b))
    # sqrt of the product, not product of the roots: a row and itself then give exactly 0. A row of
    # zeros has no direction; as in scikit-learn its distance to anything is 1.
    similarity = np.divide(dots, np.sqrt(squares), out=np.zeros_like(dots), where=squares > 0)
    return np.clip(np.subtract(1.0, similarity), 0.0, 2.0)  # type: ignore[no-any-return]


def _scaled(rows: Array) -> Array:
    """Return rows in float64, divided by the power of two that brings the largest value into [0.5, 1)."""
    rows = np.array(rows, dtype=np.float64)
    top = np.maximum(np.max(rows, axis=1), np.negative(np.min(rows, axis=1)))
    scaled: Array = np.ldexp(rows, -np.frexp(top)[1][:, None], out=rows)
    return scaled
