"""How does native code compute the keys of listed pairs, a few rows for each query?

Rows come block by block; those of a list that lie in the block are judged, the others wait for theirs. The table is
that of `tidu.neighbors.kernels.scan`. This file knows nothing of who made the lists.
"""

from __future__ import annotations

from functools import lru_cache

from tidu.native.machine import NativeCall, host, vector_bytes
from tidu.neighbors.kernels.exact import ExactKey, exact_kernel
from tidu.neighbors.kernels.heap import comes_before, push_kernel
from tidu.neighbors.kernels.table import LISTED_SLOTS, Table, compiled, module_of, shared_text

__all__ = ["compiled_listed"]


@lru_cache(maxsize=16)
def compiled_listed(exact: ExactKey) -> NativeCall:
    """Return the native function, for `tidu.native.threads.Team.run`."""
    processor = host()
    kernels = {
        "tidu_exact": exact_kernel(exact, vector_bytes(processor), processor.enabled),
        "tidu_push": push_kernel(exact.key),
    }
    text = shared_text(processor.enabled)
    table = Table(text, LISTED_SLOTS)
    scratch, n_listed, first, n_rows = table.scratch, *(table.load(x) for x in ("n_listed", "first_row", "n_rows"))
    k, listed = table.load("k"), table.load("listed", "ptr")
    with table.tasks(table.load("n_queries")) as query:
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
    return compiled("tidu_listed", module_of("tidu_listed", text.finish(), kernels))
