"""Runs the kernels of the search with every buffer at the edge of memory that nobody may touch.

One access out of bounds, reading or writing, ends the process. So this runs in a process of its own:
``python -m tests.neighbors.kernels.guarded``. Everything runs twice, with buffers before a forbidden page and behind
one. Names are printed before they run, so the last one is to blame. With one of `MISTAKES` as argument, a kernel is
told of more than there is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from tests.compile.guarded import Edge
from tests.neighbors.kernels import driving
from tests.neighbors.kernels.driving import PROCESSORS, collected, pack, panels, scan, sums_of
from tests.neighbors.kernels.test_comparisons import CASES, integers

from tidu.native.ledger import Ledger
from tidu.native.machine import host
from tidu.neighbors.kernels.auxiliary import auxiliaries_of
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.exact import AUXILIARIES, ExactKey, scratch_bytes
from tidu.neighbors.kernels.listed import compiled_listed
from tidu.neighbors.kernels.packing import Pack, compiled_pack
from tidu.neighbors.kernels.products import compiled_products
from tidu.neighbors.kernels.scan import Scan, compiled_scan
from tidu.neighbors.kernels.table import LISTED_SLOTS, PACK_SLOTS, PRODUCT_SLOTS, SCAN_SLOTS, run_shared

NOWHERE = np.iinfo(np.int64).max
WIDTHS = (1, 3, 17, 64)
PACKS = (
    Pack("dot8", False, "uint8", "none"),
    Pack("max8", True, "bool", "none"),
    Pack("sum8", False, "int8", "none"),
    Pack("dot8", True, "float32", "squares", has_centers=True),
    Pack("dot16", False, "int16", "squares", has_centers=True, most_squares=1 << 20),
    Pack("dot16", True, "float64", "squares", has_centers=True, has_factors=True, most_squares=1 << 28),
    Pack("sum8", True, "uint64", "absolute", has_centers=True),
    Pack("max8", False, "bool", "largest"),
)
EXACT = (
    ExactKey("squares", "uint8", "int8", whole=True),
    ExactKey("squares", "float32", "float32", whole=False),
    ExactKey("squares", "float64", "float64", whole=False),
    ExactKey("absolute", "int16", "int32", whole=True),
    ExactKey("largest", "float32", "uint8", whole=False),
    ExactKey("cosine", "float64", "float32", whole=False),
)


class Edges:
    """Buffers at the edge; what was written beside one of them is seen at the end."""

    def __init__(self, at_end: bool) -> None:
        self._at_end, self._edges = at_end, []

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self._edges.append(Edge(x.nbytes, self._at_end))
        return self._edges[-1].holding(np.ascontiguousarray(x))

    def check(self) -> None:
        assert all(edge.intact for edge in self._edges), "written beside a buffer"


@contextmanager
def edges(what: str) -> Iterator[list[Edges]]:
    """Give both kinds of places, and look at them afterwards."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()  # before the process may be ended
    places = [Edges(at_end) for at_end in (False, True)]
    yield places
    for place in places:
        place.check()


def pack_all(rng: np.random.Generator) -> None:
    for how, made in ((how, made) for how in PROCESSORS for made in PACKS):
        processor = PROCESSORS[how]()
        for width in WIDTHS:
            raw = (rng.normal(size=(27, width)) * 50).astype(made.dtype)
            given = {
                "centers": rng.normal(size=width) if made.has_centers else None,
                "factors": rng.normal(size=27) if made.has_factors else None,
            }
            with edges(f"{made} of {width} on {how}") as places:
                for place in places:
                    pack(
                        compiled_pack(made, processor),
                        made,
                        processor,
                        raw,
                        scale=0.5,
                        n_threads=2,
                        place=place,
                        **given,
                    )


def scan_all(rng: np.random.Generator) -> None:
    for how, (name, factor) in ((how, case) for how in PROCESSORS for case in CASES):
        processor, comparison = PROCESSORS[how](), COMPARISONS[name]
        collects, keeps = Scan(name, factor, "value", collects=True), Scan(name, factor, "value")
        for width in WIDTHS:
            queries, rows = (integers(rng, comparison, n, width, queries=n == 13) for n in (13, 131))
            keys = factor * sums_of(comparison, queries, rows)
            with edges(f"{collects} of {width} on {how}") as places:
                for place in places:
                    bounds, call = np.median(keys, axis=1).astype(np.int64), compiled_scan(collects, processor)
                    within, _ = collected(call, collects, processor, queries, rows, bounds, n_threads=2, place=place)
                    np.testing.assert_array_equal(within, keys <= bounds[:, None])
                    given = {
                        "bounds": place(bounds),
                        "keys": place(np.full((13, 5), 1 << 62)),
                        "indices": place(np.full((13, 5), NOWHERE)),
                        "k": 5,
                        "own": place(rng.integers(-1, 131, 13)),
                    }
                    scan(
                        compiled_scan(keeps, processor),
                        keeps,
                        processor,
                        queries,
                        rows,
                        given,
                        n_threads=2,
                        place=place,
                    )


def judge_all(rng: np.random.Generator) -> None:
    """Scans that compute keys, and lists of pairs."""
    for exact, width in ((exact, width) for exact in EXACT for width in (*WIDTHS, 300)):
        queries, rows = (
            np.abs(rng.normal(size=(n, width)) * 9).astype(t) for n, t in ((7, exact.query), (70, exact.row))
        )
        key_dtype = np.int64 if exact.whole else np.float64
        with edges(f"{exact} of {width}") as places:
            for place in places:
                aux = []
                for raw in (queries, rows):
                    aux.append(place(np.full((len(raw), AUXILIARIES), 1.0)))
                given = {
                    "raw_queries": place(queries),
                    "raw_rows": place(rows),
                    "query_aux": aux[0],
                    "row_aux": aux[1],
                    "query_slack": place(np.full(7, 1e9)),
                    "inverse_scale": 1.0,
                    "alpha": 1.0,
                    "bounds": place(np.full(7, 1 << 40).astype(key_dtype)),
                    "keys": place(np.full((7, 3), 1 << 62).astype(key_dtype)),
                    "indices": place(np.full((7, 3), NOWHERE)),
                    "k": 3,
                }
                side = np.zeros((70, width), np.int16)
                made = Scan("dot16", -2, "square", exact)
                scan(compiled_scan(made), made, host(), side[:7], side, given, n_threads=2, place=place)
                listed_of(exact, given, width, rng, place)


def listed_of(exact: ExactKey, given: dict[str, object], width: int, rng: np.random.Generator, place: Edges) -> None:
    stride = -(-scratch_bytes(width) // 64) * 64 + 64
    names = ("raw_queries", "raw_rows", "query_aux", "row_aux", "k")
    table = {
        **{name: given[name] for name in names},
        "keys": place(np.full((7, 3), 1 << 62).astype(np.int64 if exact.whole else np.float64)),
        "indices": place(np.full((7, 3), NOWHERE)),
        "n_queries": 7,
        "n_rows": 70,
        "n_features": width,
        "first_row": 100,
        "listed": place(np.where(rng.random((7, 9)) < 0.2, NOWHERE, rng.integers(0, 200, (7, 9)))),
        "n_listed": 9,
        "scratch": place(np.zeros(2 * stride, np.uint8)),
        "scratch_stride": stride,
    }
    driving.run_shared(compiled_listed(exact), LISTED_SLOTS, table, 2)


def multiply_all(rng: np.random.Generator) -> None:
    comparison = COMPARISONS["dot16"]
    shape = shape_for(comparison, host())
    for width in WIDTHS:
        asked, offered = (rng.integers(-99, 99, (n, width)).astype(np.int16) for n in (31, 40))
        n_panels, n_row_panels = -(-31 // shape.n_queries), -(-40 // shape.n_rows)
        with edges(f"products of {width}") as places:
            for place in places:
                out = place(np.zeros((n_panels * shape.n_queries, n_row_panels * shape.n_rows), np.int32))
                table = {
                    "n_panels": n_panels,
                    "n_row_panels": n_row_panels,
                    "n_units": comparison.n_units(width),
                    "packed_queries": place(panels(asked, shape.n_queries, comparison)),
                    "packed_rows": place(panels(offered, shape.n_rows, comparison)),
                    "out": out,
                }
                driving.run_shared(compiled_products(), PRODUCT_SLOTS, table, 2)
                np.testing.assert_array_equal(out[:31, :40], sums_of(comparison, asked, offered))


def measure_all(rng: np.random.Generator) -> None:
    class Placed(Ledger):
        def __init__(self, place: Edges) -> None:
            super().__init__()
            self._place = place

        def allocate(self, n_bytes, what, alignment=64):
            return self._place(np.zeros(n_bytes, np.uint8))

    for dtype in ("float32", "uint8", "int64"):
        for width in WIDTHS:
            with edges(f"lengths of {dtype}, {width}") as places:
                for place in places:
                    raw = place((rng.normal(size=(9, width)) * 9).astype(dtype))
                    auxiliaries_of(raw, place(np.zeros((9, AUXILIARIES))), Placed(place), 2)


MISTAKES = {
    "pack": (PACK_SLOTS, "n_features"),
    "scan": (SCAN_SLOTS, "n_row_panels"),
    "listed": (LISTED_SLOTS, "n_listed"),
    "products": (PRODUCT_SLOTS, "n_panels"),
}
"""What one kernel is told there is one more of."""


def mistaken(mistake: str) -> Callable[..., None]:
    """Return `run_shared` with a mistake."""
    of, name = MISTAKES[mistake]

    def run(call, slots, given, n_threads):
        run_shared(call, slots, {**given, name: given[name] + 1} if slots == of else given, n_threads)

    return run


PARTS = {"pack": pack_all, "scan": scan_all, "listed": judge_all, "products": multiply_all, "lengths": measure_all}


def main(mistake: str = "") -> None:
    if mistake:
        driving.run_shared = mistaken(mistake)
    for name, part in PARTS.items():
        if mistake in ("", name):
            part(np.random.default_rng(1))
    sys.stdout.write("everything ran\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
