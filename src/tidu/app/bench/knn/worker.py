"""What does one process measure: one peer, one search, told and answered in JSON?

``python -m tidu.app.bench.knn.worker '{"peer": "tidu", "queries": "q.npy", "rows": "x.npy", ...}'``
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np

from tidu.app.bench.clock import forget_peak, peak_bytes, resident_bytes, seconds_of
from tidu.app.bench.knn.peers import PEERS
from tidu.app.bench.knn.searchers import Found, Searcher, Work
from tidu.app.bench.processes import pin

__all__ = ["Answer", "Request", "measure"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be measured.

    Parameters
    ----------
    peer : str
        Its name.
    queries, rows, found : str
        Paths of the `.npy` files to read, and of the one to write what was found.
    metric : {"l2", "l1"}
    k : int
    n_queries : int or None
        Only so many queries, from the first one on.
    limit_bytes, threads : int or None
    cold : bool
        Whether the first call is the one that is measured, without any warm-up.
    """

    peer: str
    queries: str
    rows: str
    found: str
    metric: Literal["l2", "l1"]
    k: int
    n_queries: int | None = None
    limit_bytes: int | None = None
    threads: int | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one process found.

    Parameters
    ----------
    elapsed_s : float
        Seconds of the call.
    n_searched : int
        Queries in the call.
    imports_growth_bytes : int or None
        Most resident memory since all was imported: data, copies and the call; less what was held then.
    call_growth_bytes : int or None
        The same since the call began; None where the system cannot tell.
    blas : str
        Which kernels the OpenBLAS of the process took, if it has one.
    """

    elapsed_s: float
    n_searched: int
    imports_growth_bytes: int | None
    call_growth_bytes: int | None
    blas: str


def measure(request: Request) -> Answer:
    """Do the work of a request in this process."""
    pin(request.threads)
    peer = PEERS[request.peer]
    for name in peer.imports:
        import_module(name)
    module, name = peer.searcher.split(":")
    make = getattr(import_module(f"tidu.app.bench.knn.{module}"), name)
    forget_peak()
    imported = resident_bytes()
    searcher: Searcher = make(_work(request))
    if not request.cold:
        searcher.warm_up()
    before_peak = peak_bytes()
    began = resident_bytes() if forget_peak() else None
    found: list[Found] = []
    elapsed_s = seconds_of(lambda: found.append(searcher.search()))
    in_call = peak_bytes()
    np.save(request.found, found[0], allow_pickle=False)
    most = max(filter(None, (before_peak, in_call)), default=None)
    return Answer(elapsed_s, len(found[0]), _growth(most, imported), _growth(in_call, began), _blas())


def _work(request: Request) -> Work:
    return Work(
        Path(request.queries),
        Path(request.rows),
        request.metric,
        request.k,
        request.n_queries,
        request.limit_bytes,
        request.threads,
    )


def _growth(most: int | None, before: int | None) -> int | None:
    return None if most is None or before is None else max(0, most - before)


def _blas() -> str:
    """Return the kernels of every OpenBLAS in this process, such as ``SkylakeX``."""
    from threadpoolctl import threadpool_info

    found = [str(library.get("architecture")) for library in threadpool_info() if library["user_api"] == "blas"]
    return ", ".join(dict.fromkeys(found))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Request(**json.loads(sys.argv[1]))))))  # noqa: T201
