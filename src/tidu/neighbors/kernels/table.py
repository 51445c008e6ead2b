"""How do threads enter native code together: find what it works on, by name, and share it task by task?

One table of addresses and numbers, and a counter from which every thread takes its next task. This file knows nothing
of what is computed, but for the calls that judge a pair, which several functions share.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.native.cache import default_cache
from tidu.native.machine import NativeCall, Processor, compile_text
from tidu.native.text import FunctionText, Kernel
from tidu.native.threads import team
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.kernels.exact import AUXILIARIES, ExactKey

__all__ = [
    "LISTED_SLOTS",
    "PACK_SLOTS",
    "PRODUCT_SLOTS",
    "SCAN_SLOTS",
    "Given",
    "Table",
    "compiled",
    "module_of",
    "run_shared",
    "shared_text",
]

_SHARED = ("counter", "n_rows", "n_features", "scratch", "scratch_stride")
_PAIRS = (*_SHARED, "n_queries", "raw_queries", "raw_rows", "query_aux", "row_aux", "keys", "indices", "k", "first_row")
PACK_SLOTS = (
    *_SHARED, "n_panels", "raw", "n_units", "packed", "centers", "factors", "scale", "inverse_scale", "statistics",
)  # fmt: skip
PRODUCT_SLOTS = ("counter", "n_panels", "n_row_panels", "n_units", "packed_queries", "packed_rows", "out")
LISTED_SLOTS = (*_PAIRS, "listed", "n_listed")
SCAN_SLOTS = (
    *_PAIRS, "n_tasks", "task_panels", "n_panels", "packed_queries", "packed_rows", "n_row_panels", "panel_step",
    "n_units", "row_terms", "query_terms", "query_slack", "row_slack", "inverse_scale", "alpha", "beta", "bounds",
    "own", "thresholds", "found", "capacity", "counts",
)  # fmt: skip
"""What stands in the table of a scan, 8 bytes each."""

Given = Mapping[str, "int | float | NDArray[np.generic] | None"]
"""Arrays are handed over by address, floats by their bits; what is missing is 0."""


@dataclass(frozen=True, slots=True)
class Table:
    """The table as a function sees it that gets its address as the first parameter."""

    text: FunctionText
    slots: Sequence[str]

    @contextmanager
    def tasks(self, count: str) -> Iterator[str]:
        """Write a loop in which every thread takes the next of `count` tasks, until there are none.

        Yields
        ------
        str
            The number of the task.
        """
        text, counter = self.text, self.load("counter", "ptr")
        take, work, done = (text.label(name) for name in ("take", "work", "done"))
        text.do(f"br label %{take}")
        text.begin(take)
        task = text.value(f"atomicrmw add ptr {counter}, i64 1 monotonic")
        text.do(f"br i1 {text.value(f'icmp ult i64 {task}, {count}')}, label %{work}, label %{done}")
        text.begin(work)
        yield task
        text.do(f"br label %{take}")
        text.begin(done)

    @property
    def scratch(self) -> str:
        """The scratch memory of the thread whose number is the second parameter."""
        stride = self.text.value(f"mul i64 %p1, {self.load('scratch_stride')}")
        return self.text.offset("i8", self.load("scratch", "ptr"), stride)

    def load(self, name: str, kind: str = "i64") -> str:
        """Return what stands under a name."""
        return self.text.value(f"load {kind}, ptr {self.text.offset('i64', '%p0', self.slots.index(name))}")

    def exact(self, exact: ExactKey, query: str, row: str, scratch: str) -> str:
        """Return the key of a pair, by ``tidu_exact``; its result comes first in scratch memory, 64 bytes."""
        text, sides = self.text, self._sides(exact, query, row)
        aux = ["null", "null"]
        if exact.kind == "cosine":
            aux = [
                text.offset("double", self.load(name, "ptr"), text.value(f"mul i64 {at}, {AUXILIARIES}"))
                for name, at in (("query_aux", query), ("row_aux", row))
            ]
        text.do(
            f"call void @tidu_exact({sides}, ptr {text.offset('i8', scratch, 64)}, ptr {aux[0]}, ptr {aux[1]}, "
            f"ptr {scratch})"
        )
        return text.value(f"load {exact.key}, ptr {scratch}")

    def quick(self, exact: ExactKey, query: str, row: str, scratch: str) -> str:
        """Return a lower bound of the key of a pair, by ``tidu_quick``."""
        self.text.do(f"call void @tidu_quick({self._sides(exact, query, row)}, ptr {scratch})")
        return self.text.value(f"load double, ptr {scratch}")

    def _sides(self, exact: ExactKey, query: str, row: str) -> str:
        """Return both rows, and how long they are, as arguments."""
        n_features = self.load("n_features")
        sides = []
        for name, at, dtype in (("raw_queries", query, exact.query), ("raw_rows", row, exact.row)):
            begin = self.text.value(f"mul i64 {at}, {n_features}")
            sides.append(f"ptr {self.text.offset(MEMORY_TYPES[dtype], self.load(name, 'ptr'), begin)}")
        return f"{sides[0]}, {sides[1]}, i64 {n_features}"


def shared_text(features: frozenset[str]) -> FunctionText:
    """Return a function that threads enter with (table, thread, count), to be written."""
    return FunctionText(["ptr", "i64", "i64"], features)


def module_of(name: str, main: Kernel, inner: Mapping[str, Kernel]) -> str:
    """Return a module with the function `main`, and those that it calls."""
    declarations = dict.fromkeys(line for kernel in (*inner.values(), main) for line in kernel.declarations)
    definitions = [kernel.define(called, "internal", "noinline") for called, kernel in inner.items()]
    return "\n".join([*declarations, *definitions, main.define(name)])


def compiled(name: str, module: str, processor: Processor | None = None) -> NativeCall:
    """Return the function `name` of a module, for `run_shared`."""
    code = compile_text(module, vectorize=False, processor=processor, cache=default_cache())
    return code.function(name, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def run_shared(call: NativeCall, slots: Sequence[str], given: Given, n_threads: int) -> None:
    """Run a function whose threads share the work by a counter, which is made here."""
    unknown = given.keys() - set(slots)
    assert not unknown, f"no slot for {unknown}"
    counter = np.zeros(1, np.int64)
    words = (ctypes.c_int64 * len(slots))()
    for i, name in enumerate(slots):
        value = counter if name == "counter" else given.get(name)
        if isinstance(value, np.ndarray):
            words[i] = value.ctypes.data
        elif isinstance(value, float):
            words[i] = struct.unpack("<q", struct.pack("<d", value))[0]
        else:
            words[i] = int(value or 0)
    team(n_threads).run(call, ctypes.addressof(words))
