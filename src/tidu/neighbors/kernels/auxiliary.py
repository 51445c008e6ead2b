"""What does the key of "cosine" need of every row: its scale and the sum of its squares?

The same arithmetic as `tidu.neighbors.metrics` has, to the last bit: the row is scaled by the power of two that
brings its largest value into [0.5, 1), and squares are added up in the reference order. This file knows nothing of
pairs.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tidu.native.cache import default_cache
from tidu.native.ledger import Ledger
from tidu.native.machine import NativeCall, compile_text, host, vector_bytes
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.kernels.exact import AUXILIARIES, ExactKey, exact_kernel, scratch_bytes
from tidu.neighbors.kernels.table import Table, run_shared
from tidu.neighbors.metrics import Array

__all__ = ["auxiliaries_of"]

_SLOTS = ("counter", "n_rows", "raw", "n_features", "aux", "scratch", "scratch_stride")


def auxiliaries_of(raw: Array, aux: NDArray[np.float64], ledger: Ledger, n_threads: int) -> NDArray[np.float64]:
    """Fill ``aux[:len(raw)]``, and return what brings each row to length one.

    Parameters
    ----------
    raw : ndarray of shape (n_rows, n_features)
        Row-major.
    aux : ndarray of shape (at least n_rows, AUXILIARIES), float64
    ledger : Ledger
        Where scratch memory comes from.
    n_threads : int

    Returns
    -------
    ndarray of shape (n_rows,), float64
        0 for a row of zeros.
    """
    n_rows, n_features = raw.shape
    with np.errstate(all="ignore"):
        top = np.maximum(np.max(raw, axis=1).astype(np.float64), np.negative(np.min(raw, axis=1).astype(np.float64)))
        exponents = -np.frexp(top)[1]
    aux[:n_rows, 0] = np.ldexp(1.0, exponents // 2)
    aux[:n_rows, 1] = np.ldexp(1.0, exponents - exponents // 2)
    stride = -(-scratch_bytes(n_features) // 64) * 64
    given = {
        "n_rows": n_rows,
        "raw": raw,
        "n_features": n_features,
        "aux": aux,
        "scratch": ledger.allocate(stride * n_threads, "scratch of lengths"),
        "scratch_stride": stride,
    }
    run_shared(_compiled(str(raw.dtype)), _SLOTS, given, n_threads)
    squares = aux[:n_rows, 2]
    with np.errstate(all="ignore"):
        return np.where(squares > 0, aux[:n_rows, 0] / np.sqrt(squares) * aux[:n_rows, 1], 0.0)


@lru_cache(maxsize=16)
def _compiled(dtype: str) -> NativeCall:
    processor = host()
    exact = exact_kernel(ExactKey("dots", dtype, dtype, whole=False), vector_bytes(processor), processor.enabled)
    text = FunctionText(["ptr", "i64", "i64"], processor.enabled)
    slot = Table(text, _SLOTS).load

    scratch = text.offset("i8", slot("scratch", "ptr"), text.value(f"mul i64 %p1, {slot('scratch_stride')}"))
    take, work, done = (text.label(name) for name in ("take", "work", "done"))
    text.do(f"br label %{take}")
    text.begin(take)
    row = text.value(f"atomicrmw add ptr {slot('counter', 'ptr')}, i64 1 monotonic")
    text.do(f"br i1 {text.value(f'icmp ult i64 {row}, ' + slot('n_rows'))}, label %{work}, label %{done}")
    text.begin(work)
    n_features = slot("n_features")
    place = text.offset(MEMORY_TYPES[dtype], slot("raw", "ptr"), text.value(f"mul i64 {row}, {n_features}"))
    aux = text.offset("double", slot("aux", "ptr"), text.value(f"mul i64 {row}, {AUXILIARIES}"))
    result = text.offset("double", aux, AUXILIARIES - 1)
    text.do(
        f"call void @tidu_exact(ptr {place}, ptr {place}, i64 {n_features}, ptr {scratch}, ptr {aux}, ptr {aux}, "
        f"ptr {result})"
    )
    text.do(f"br label %{take}")
    text.begin(done)
    main = text.finish()
    declarations = dict.fromkeys([*exact.declarations, *main.declarations])
    module = "\n".join([*declarations, exact.define("tidu_exact", "internal", "noinline"), main.define("tidu_lengths")])
    code = compile_text(module, vectorize=False, cache=default_cache())
    return code.function("tidu_lengths", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
