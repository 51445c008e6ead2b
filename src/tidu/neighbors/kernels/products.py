"""How are all products of many rows of words with a few others written down, exactly?

The tiles of `tidu.neighbors.kernels.scan`, whose sums are stored instead of compared. This file knows nothing of
what the products are for.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache

from tidu.native.cache import default_cache
from tidu.native.machine import NativeCall, compile_text, host
from tidu.native.text import FunctionText
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.table import PRODUCT_SLOTS, Table
from tidu.neighbors.kernels.tile import write_sums

__all__ = ["compiled_products"]


@lru_cache(maxsize=1)
def compiled_products() -> NativeCall:
    """Return the native function, for `tidu.native.threads.Team.run`; ``out`` is int32, a row for each query."""
    processor, comparison = host(), COMPARISONS["dot16"]
    shape = shape_for(comparison, processor)
    text = FunctionText(["ptr", "i64", "i64"], processor.enabled)
    table = Table(text, PRODUCT_SLOTS)
    n_units, n_panels, n_row_panels = (table.load(name) for name in ("n_units", "n_panels", "n_row_panels"))
    query_panel = text.value(f"mul i64 {n_units}, {shape.n_queries * comparison.unit_bytes}")
    row_panel = text.value(f"mul i64 {n_units}, {shape.n_rows * comparison.unit_bytes}")
    width = text.value(f"mul i64 {n_row_panels}, {shape.n_rows}")
    kind = f"<{shape.lanes} x i32>"
    take, work, done = (text.label(name) for name in ("take", "work", "done"))
    text.do(f"br label %{take}")
    text.begin(take)
    panel = text.value(f"atomicrmw add ptr {table.load('counter', 'ptr')}, i64 1 monotonic")
    text.do(f"br i1 {text.value(f'icmp ult i64 {panel}, {n_panels}')}, label %{work}, label %{done}")
    text.begin(work)
    queries = text.offset("i8", table.load("packed_queries", "ptr"), text.value(f"mul i64 {panel}, {query_panel}"))
    first = text.value(f"mul i64 {panel}, {shape.n_queries}")
    out = text.offset("i32", table.load("out", "ptr"), text.value(f"mul i64 {first}, {width}"))
    with text.loop(n_row_panels) as loop:
        begin = text.value(f"mul i64 {loop.index}, {row_panel}")
        rows = text.offset("i8", table.load("packed_rows", "ptr"), begin)
        zeros = ["zeroinitializer"] * (shape.n_queries * shape.n_vectors)
        sums = write_sums(text, comparison, shape, queries, rows, n_units, zeros)
        column = text.offset("i32", out, text.value(f"mul i64 {loop.index}, {shape.n_rows}"))
        for i in range(shape.n_queries):
            line = text.offset("i32", column, text.value(f"mul i64 {width}, {i}"))
            for v in range(shape.n_vectors):
                place = text.offset("i32", line, v * shape.lanes)
                text.do(f"store {kind} {sums[i * shape.n_vectors + v]}, ptr {place}, align 4")
    text.do(f"br label %{take}")
    text.begin(done)
    main = text.finish()
    module = "\n".join([*main.declarations, main.define("tidu_products")])
    code = compile_text(module, vectorize=False, cache=default_cache())
    return code.function("tidu_products", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
