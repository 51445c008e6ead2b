"""How are all products of many rows of words with a few others written down, exactly?

The tiles of `tidu.neighbors.kernels.scan`, whose sums are stored instead of compared. This file knows nothing of
what the products are for.
"""

from __future__ import annotations

from functools import lru_cache

from tidu.native.machine import NativeCall, host
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.table import PRODUCT_SLOTS, Table, compiled, module_of, shared_text
from tidu.neighbors.kernels.tile import write_sums

__all__ = ["compiled_products"]


@lru_cache(maxsize=1)
def compiled_products() -> NativeCall:
    """Return the native function, for `tidu.native.threads.Team.run`; ``out`` is int32, a row for each query."""
    processor, comparison = host(), COMPARISONS["dot16"]
    shape = shape_for(comparison, processor)
    text = shared_text(processor.enabled)
    table = Table(text, PRODUCT_SLOTS)
    n_units, n_row_panels, out = table.load("n_units"), table.load("n_row_panels"), table.load("out", "ptr")
    packed_queries, packed_rows = table.load("packed_queries", "ptr"), table.load("packed_rows", "ptr")
    query_panel = text.value(f"mul i64 {n_units}, {shape.n_queries * comparison.unit_bytes}")
    row_panel = text.value(f"mul i64 {n_units}, {shape.n_rows * comparison.unit_bytes}")
    width = text.value(f"mul i64 {n_row_panels}, {shape.n_rows}")
    kind = f"<{shape.lanes} x i32>"
    zeros = ["zeroinitializer"] * (shape.n_queries * shape.n_vectors)
    with table.tasks(table.load("n_panels")) as panel:
        queries = text.offset("i8", packed_queries, text.value(f"mul i64 {panel}, {query_panel}"))
        first = text.value(f"mul i64 {panel}, {shape.n_queries}")
        lines = text.offset("i32", out, text.value(f"mul i64 {first}, {width}"))
        with text.loop(n_row_panels) as loop:
            rows = text.offset("i8", packed_rows, text.value(f"mul i64 {loop.index}, {row_panel}"))
            sums = write_sums(text, comparison, shape, queries, rows, n_units, zeros)
            column = text.offset("i32", lines, text.value(f"mul i64 {loop.index}, {shape.n_rows}"))
            for i in range(shape.n_queries):
                line = text.offset("i32", column, text.value(f"mul i64 {width}, {i}"))
                for v in range(shape.n_vectors):
                    place = text.offset("i32", line, v * shape.lanes)
                    text.do(f"store {kind} {sums[i * shape.n_vectors + v]}, ptr {place}, align 4")
    return compiled("tidu_products", module_of("tidu_products", text.finish(), {}))
