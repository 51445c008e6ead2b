"""Who is measured at searching, on which cases, and what must be there for it?

A peer is named here and imported in its own process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidu.app.bench.knn.cases import Case
from tidu.app.bench.present import missing

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to search.

    Parameters
    ----------
    name : str
    title : str
        What a person reads.
    imports : tuple of str
        Modules that are loaded before memory is looked at; the first one must be installed.
    searcher : str
        ``module:Class`` in this package, of a `Searcher`.
    does_l1 : bool
        Whether it knows the distance L1.
    keeps_code : bool
        Whether it compiles, and keeps the code on disk.
    openblas : bool
        Whether it brings an old OpenBLAS, which must be told the processor.
    slow : bool
        Whether it may be asked for some of the queries only.
    one_thread : bool
        Whether it stays on one processor; such a peer takes part only in cases that name it.
    only_pixels : bool
        Whether it only makes sense where rows lie near a few directions.
    """

    name: str
    title: str
    imports: tuple[str, ...]
    searcher: str
    does_l1: bool = False
    keeps_code: bool = False
    openblas: bool = False
    slow: bool = False
    one_thread: bool = False
    only_pixels: bool = False

    def does(self, case: Case) -> bool:
        """Return whether it takes part in a case."""
        if case.only:
            return self.name in case.only
        if self.only_pixels and (case.kind != "pixels" or case.metric != "l2"):
            return False
        return not self.one_thread and (self.does_l1 or case.metric == "l2")

    @property
    def lacks(self) -> str:
        """What is missing on this machine; empty if nothing is."""
        return missing(self.imports[0].partition(".")[0])


_TIDU = ("tidu", "tidu.neighbors", "tidu.data", "llvmlite.binding")


def _tidu(name: str, title: str, searcher: str, *, one_thread: bool = False, only_pixels: bool = False) -> Peer:
    return Peer(
        name,
        title,
        _TIDU,
        f"by_tidu:{searcher}",
        does_l1=True,
        keeps_code=True,
        one_thread=one_thread,
        only_pixels=only_pixels,
    )


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        _tidu("tidu", "tidu", "FileSearcher"),
        _tidu("tidu-pruned", "tidu, pruned", "PrunedSearcher", only_pixels=True),
        _tidu("tidu-brute", "tidu, brute", "BruteSearcher"),
        _tidu("tidu-arrays", "tidu, arrays, no limit", "ArraySearcher"),
        _tidu("tidu-one", "tidu, 1 thread", "FileSearcher", one_thread=True),
        _tidu("tidu-brute-one", "tidu, brute, 1 thread", "BruteSearcher", one_thread=True),
        Peer("faiss-knn", "FAISS, knn", ("faiss",), "by_faiss:KnnSearcher", does_l1=True, openblas=True),
        Peer("faiss-flat", "FAISS, IndexFlat", ("faiss",), "by_faiss:FlatSearcher", does_l1=True, openblas=True),
        Peer("sklearn32", "scikit-learn, float32", ("sklearn.neighbors",), "by_sklearn:SingleSearcher", does_l1=True),
        Peer(
            "sklearn64",
            "scikit-learn, float64",
            ("sklearn.neighbors",),
            "by_sklearn:DoubleSearcher",
            does_l1=True,
            slow=True,
        ),
        Peer("sklearnex", "scikit-learn-intelex", ("sklearnex.neighbors",), "by_sklearn:IntelSearcher"),
        Peer("usearch", "usearch, exact", ("usearch.index",), "by_usearch:UsearchSearcher", slow=True),
        Peer("jax", "JAX, blocks", ("jax",), "by_jax:JaxSearcher", keeps_code=True),
        Peer("numpy", "NumPy, mapped file", ("numpy",), "by_numpy:NumpySearcher"),
    )
}
