"""Which searches are measured, and what is tidu meant to reach?

This file knows nothing of how a peer searches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["CASES", "Case", "Goal", "Kind"]

Kind = Literal["pixels", "normal", "duplicates"]
_FAISS = ("faiss-knn", "faiss-flat")
_SCALING = ("tidu", "tidu-one", "tidu-brute", "tidu-brute-one")
_PIXELS = 3072
# What BLAS takes for itself is not counted by the limit, but by this benchmark.
_FILE_LIMIT_BYTES = 56_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached.

    Parameters
    ----------
    peer : str
        Which way of tidu.
    figure : {"ratio", "call_growth_bytes", "wrong_lists", "recall"}
        What is bounded: how many times faster than the fastest of `against` (from below), growth of memory
        since the imports (from above), lists that are wrong (from above), or recall (from below).
    bound : float
    against : tuple of str
        Peers, for a ratio.
    """

    peer: str
    figure: Literal["ratio", "call_growth_bytes", "wrong_lists", "recall"]
    bound: float
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A search that every peer does with the same numbers.

    Parameters
    ----------
    name : str
    kind : {"pixels", "normal", "duplicates"}
        CIFAR-10, normal random numbers, or rows about 1 apart whose squared norms are about 1e8.
    n_queries, n_rows, n_features : int
    dtype : {"uint8", "float32"}
    metric : {"l2", "l1"}
    k : int
    limit_bytes : int or None
        The limit of memory that tidu is given when it reads from a file.
    only : tuple of str
        The only peers that do it; empty for all that can.
    goals : tuple of Goal
    """

    name: str
    kind: Kind
    n_queries: int
    n_rows: int
    n_features: int
    dtype: Literal["uint8", "float32"] = "float32"
    metric: Literal["l2", "l1"] = "l2"
    k: int = 10
    limit_bytes: int | None = None
    only: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()

    def scaled(self, scale: float) -> Case:
        """Return the case with fewer queries and rows, but more rows than neighbors."""
        n_queries = max(1, round(self.n_queries * scale))
        return replace(self, n_queries=n_queries, n_rows=max(4 * self.k, round(self.n_rows * scale)))


def _pixels(name: str, n_queries: int, dtype: Literal["uint8", "float32"], goals: tuple[Goal, ...]) -> Case:
    return Case(name, "pixels", n_queries, 50_000, _PIXELS, dtype, limit_bytes=_FILE_LIMIT_BYTES, goals=goals)


CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        _pixels(
            "cifar-uint8",
            10_000,
            "uint8",
            (
                Goal("tidu", "ratio", 6, _FAISS),
                Goal("tidu-brute", "ratio", 4, _FAISS),
                Goal("tidu", "ratio", 18, ("sklearn32",)),
                Goal("tidu", "call_growth_bytes", 64_000_000),
                Goal("tidu", "wrong_lists", 0),
            ),
        ),
        _pixels(
            "cifar-float32",
            10_000,
            "float32",
            (Goal("tidu", "ratio", 3, _FAISS), Goal("tidu", "wrong_lists", 0)),
        ),
        Case("normal-16", "normal", 10_000, 1_000_000, 16, goals=(Goal("tidu", "ratio", 12, ("faiss-flat",)),)),
        Case("normal-128", "normal", 10_000, 1_000_000, 128, goals=(Goal("tidu", "ratio", 3, ("faiss-flat",)),)),
        replace(
            _pixels("cifar-l1", 1_000, "uint8", (Goal("tidu", "ratio", 4, ("faiss-knn",)),)),
            metric="l1",
        ),
        Case("duplicates", "duplicates", 500, 20_000, 256, goals=(Goal("tidu", "recall", 1.0),)),
        replace(
            _pixels("threads", 10_000, "uint8", (Goal("tidu-brute", "ratio", 1.9, ("tidu-brute-one",)),)),
            only=_SCALING,
        ),
    )
}
