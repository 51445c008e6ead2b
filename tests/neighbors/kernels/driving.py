"""How tests run the kernels of the search: panels laid out by NumPy, tables filled by hand, on any processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from tidu.native.machine import NativeCall, Processor, baseline, compile_text, host, narrowed
from tidu.neighbors.kernels.comparisons import COMPARISONS, Comparison, shape_for
from tidu.neighbors.kernels.exact import scratch_bytes
from tidu.neighbors.kernels.packing import STATISTICS, Pack, pack_scratch_bytes
from tidu.neighbors.kernels.scan import Scan, scan_scratch_bytes
from tidu.neighbors.kernels.table import PACK_SLOTS, SCAN_SLOTS, run_shared

Place = Callable[[np.ndarray], np.ndarray]
"""Returns a copy of an array, of the same dtype and shape, where the kernel may touch it and nothing beside it."""

PROCESSORS = {"host": host, "32 bytes": lambda: narrowed(32), "16 bytes": lambda: narrowed(16), "baseline": baseline}
"""What code is made for: on x86-64 with AVX-512 that is AVX-512, AVX2, SSE 4 and SSE2."""
EVERYTHING = 1 << 40
"""A key beyond all."""


def aligned(x: np.ndarray) -> np.ndarray:
    """Return a copy that begins at a multiple of 64 bytes."""
    memory = np.empty(x.nbytes + 64, np.uint8)
    first = -memory.ctypes.data % 64
    copy = memory[first : first + x.nbytes].view(x.dtype).reshape(x.shape)
    copy[...] = x
    return copy


def native(text: str, name: str, processor: Processor) -> NativeCall:
    """Compile a module whose function threads enter."""
    code = compile_text(text, vectorize=False, processor=processor)
    return code.function(name, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def panels(integers: np.ndarray, panel_rows: int, comparison: Comparison) -> np.ndarray:
    """Lay out rows of integers, as they are stored, in panels: units of all rows side by side; the rest is zeros."""
    n, n_features = integers.shape
    n_units = comparison.n_units(n_features)
    whole = np.zeros((-(-n // panel_rows) * panel_rows, n_units * comparison.unit), integers.dtype)
    whole[:n, :n_features] = integers
    by_unit = whole.reshape(-1, panel_rows, n_units, comparison.unit).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(by_unit).view(np.uint8).ravel()


def element_dtype(comparison: Comparison, *, queries: bool) -> np.dtype:
    """Return the dtype in which elements are stored."""
    signed = comparison.signed_queries if queries else comparison.signed_rows
    return np.dtype(f"{'i' if signed else 'u'}{comparison.element_bytes}")


def sums_of(comparison: Comparison, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return what a comparison adds up for all pairs, by NumPy in 64 bits."""
    queries, rows = queries.astype(np.int64), rows.astype(np.int64)
    if comparison.is_product:
        return queries @ rows.T
    found = np.zeros((len(queries), len(rows)), np.int64)
    for i, query in enumerate(queries):
        apart = np.abs(rows - query)
        found[i] = apart.max(axis=1) if comparison.name == "max8" else apart.sum(axis=1)
    return found


def scan(
    call: NativeCall,
    made: Scan,
    processor: Processor,
    queries: np.ndarray,
    rows: np.ndarray,
    given: dict[str, object],
    *,
    n_threads: int = 1,
    place: Place = aligned,
) -> None:
    """Run a scan over rows of integers, of any numbers.

    Parameters
    ----------
    given : dict
        What else stands in the table, as arrays of their final size: terms of all rows of the panels, keys and
        indices, or what is found, bounds.
    """
    comparison = COMPARISONS[made.comparison]
    shape = shape_for(comparison, processor)
    n_features = queries.shape[1]
    n_panels, n_row_panels = (-(-len(x) // n) for x, n in ((queries, shape.n_queries), (rows, shape.n_rows)))
    stride = scan_scratch_bytes(shape, comparison, scratch_bytes(n_features))
    table = {
        "n_panels": n_panels,
        "n_tasks": -(-n_panels // 2),
        "task_panels": 2,
        "n_queries": len(queries),
        "n_rows": len(rows),
        "n_row_panels": n_row_panels,
        "panel_step": 1,
        "n_units": comparison.n_units(n_features),
        "n_features": n_features,
        "packed_queries": place(panels(queries, shape.n_queries, comparison)),
        "packed_rows": place(panels(rows, shape.n_rows, comparison)),
        "row_terms": place(np.zeros(n_row_panels * shape.n_rows, np.int32)),
        "query_terms": place(np.zeros(n_panels * shape.n_queries, np.int32)),
        "thresholds": place(np.zeros(n_panels * shape.n_queries, np.int32)),
        "scratch": place(np.zeros(stride * n_threads, np.uint8)),
        "scratch_stride": stride,
        **given,
    }
    run_shared(call, SCAN_SLOTS, table, n_threads)


def collected(
    call: NativeCall,
    made: Scan,
    processor: Processor,
    queries: np.ndarray,
    rows: np.ndarray,
    bounds: np.ndarray,
    given: dict[str, object] | None = None,
    *,
    n_threads: int = 1,
    place: Place = aligned,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs a scan writes down as within their query's bound, and their keys, 0 elsewhere."""
    capacity = len(queries) * len(rows)
    found = place(np.zeros((n_threads, capacity, 3), np.int64))
    counts = place(np.zeros(8 * n_threads, np.int64))
    more = {"bounds": place(bounds), "found": found, "capacity": capacity, "counts": counts, **(given or {})}
    scan(call, made, processor, queries, rows, more, n_threads=n_threads, place=place)
    pairs = np.concatenate([found[i, : counts[8 * i]] for i in range(n_threads)])
    keys = np.zeros((len(queries), len(rows)), np.int64)
    keys[pairs[:, 0], pairs[:, 1]] = pairs[:, 2]
    within = np.zeros(keys.shape, bool)
    within[pairs[:, 0], pairs[:, 1]] = True
    assert within.sum() == len(pairs), "a pair was written down twice"
    return within, keys if made.key == "i64" else keys.view(np.float64)


def pack(
    call: NativeCall,
    made: Pack,
    processor: Processor,
    raw: np.ndarray,
    *,
    centers: np.ndarray | None = None,
    factors: np.ndarray | None = None,
    scale: float = 1.0,
    n_threads: int = 1,
    place: Place = aligned,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the panels that rows become, and the statistics of each of them."""
    comparison = COMPARISONS[made.comparison]
    shape = shape_for(comparison, processor)
    panel_rows = shape.n_queries if made.queries else shape.n_rows
    n, n_features = raw.shape
    n_units, n_panels = comparison.n_units(n_features), -(-n // panel_rows)
    packed = place(np.full(n_panels * panel_rows * n_units * comparison.unit_bytes, 0x5A, np.uint8))
    statistics = place(np.full((n, len(STATISTICS)), 7.0))
    stride = pack_scratch_bytes(made, n_features)
    table = {
        "n_panels": n_panels,
        "n_rows": n,
        "n_features": n_features,
        "n_units": n_units,
        "raw": place(raw),
        "packed": packed,
        "centers": None if centers is None else place(centers),
        "factors": None if factors is None else place(factors),
        "scale": float(scale),
        "inverse_scale": 1.0 / scale,
        "statistics": statistics,
        "scratch": place(np.full(stride * n_threads, 0x5A, np.uint8)),
        "scratch_stride": stride,
    }
    run_shared(call, PACK_SLOTS, table, n_threads)
    return packed, statistics
