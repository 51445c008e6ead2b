"""How does native code compute the keys of listed pairs, a few rows for each query?

Rows come block by block; those of a list that lie in the block are judged, the others wait for theirs. The table is
that of `tidu.neighbors.kernels.scan`. This file knows nothing of who made the lists.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache

from tidu.native.cache import default_cache
from tidu.native.machine import NativeCall, compile_text, host, vector_bytes
from tidu.native.text import FunctionText
from tidu.neighbors.kernels.exact import ExactKey, exact_kernel
from tidu.neighbors.kernels.heap import comes_before, push_kernel
from tidu.neighbors.kernels.table import LISTED_SLOTS, Table

__all__ = ["compiled_listed"]


@lru_cache(maxsize=16)
def compiled_listed(exact: ExactKey) -> NativeCall:
    """Return the native function, for `tidu.native.threads.Team.run`."""
    processor = host()
    kernels = {
        "tidu_exact": exact_kernel(exact, vector_bytes(processor), processor.enabled),
        "tidu_push": push_kernel(exact.key),
    }
    text = FunctionText(["ptr", "i64", "i64"], processor.enabled)
    table = Table(text, LISTED_SLOTS)
    stride = text.value(f"mul i64 %p1, {table.load('scratch_stride')}")
    scratch = text.offset("i8", table.load("scratch", "ptr"), stride)
    n_queries, n_listed, first = (table.load(name) for name in ("n_queries", "n_listed", "first_row"))
    n_rows, k, listed = table.load("n_rows"), table.load("k"), table.load("listed", "ptr")
    take, work, done = (text.label(name) for name in ("take", "work", "done"))
    text.do(f"br label %{take}")
    text.begin(take)
    query = text.value(f"atomicrmw add ptr {table.load('counter', 'ptr')}, i64 1 monotonic")
    text.do(f"br i1 {text.value(f'icmp ult i64 {query}, {n_queries}')}, label %{work}, label %{done}")
    text.begin(work)
    begin = text.offset("i64", listed, text.value(f"mul i64 {query}, {n_listed}"))
    held = text.value(f"mul i64 {query}, {k}")
    keys = text.offset(exact.key, table.load("keys", "ptr"), held)
    indices = text.offset("i64", table.load("indices", "ptr"), held)
    with text.loop(n_listed) as loop:
        index = text.value(f"load i64, ptr {text.offset('i64', begin, loop.index)}")
        row = text.value(f"sub i64 {index}, {first}")
        with text.when(text.value(f"icmp ult i64 {row}, {n_rows}")):
            key = table.exact(exact, query, row, scratch)
            top = text.value(f"load {exact.key}, ptr {keys}"), text.value(f"load i64, ptr {indices}")
            with text.when(comes_before(text, exact.key, key, index, *top)):
                text.do(f"call void @tidu_push(ptr {keys}, ptr {indices}, {exact.key} {key}, i64 {index}, i64 {k})")
    text.do(f"br label %{take}")
    text.begin(done)
    main = text.finish()
    declarations = dict.fromkeys(line for kernel in (*kernels.values(), main) for line in kernel.declarations)
    inner = [kernel.define(name, "internal", "noinline") for name, kernel in kernels.items()]
    module = "\n".join([*declarations, *inner, main.define("tidu_listed")])
    code = compile_text(module, vectorize=False, cache=default_cache())
    return code.function("tidu_listed", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
