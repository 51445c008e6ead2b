"""What does the key of "cosine" need of every row: its scale and the sum of its squares?

The same arithmetic as `tidu.neighbors.metrics` has, to the last bit: the row is scaled by the power of two that
brings its largest value into [0.5, 1), and squares are added up in the reference order. This file knows nothing of
pairs.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tidu.native.ledger import Ledger
from tidu.native.machine import NativeCall, host, vector_bytes
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.kernels.exact import AUXILIARIES, ExactKey, exact_kernel, scratch_bytes
from tidu.neighbors.kernels.table import Table, compiled, module_of, run_shared, shared_text
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
    text = shared_text(processor.enabled)
    table = Table(text, _SLOTS)
    scratch, n_features = table.scratch, table.load("n_features")
    raw, all_aux = table.load("raw", "ptr"), table.load("aux", "ptr")
    with table.tasks(table.load("n_rows")) as row:
        place = text.offset(MEMORY_TYPES[dtype], raw, text.value(f"mul i64 {row}, {n_features}"))
        aux = text.offset("double", all_aux, text.value(f"mul i64 {row}, {AUXILIARIES}"))
        result = text.offset("double", aux, AUXILIARIES - 1)
        text.do(
            f"call void @tidu_exact(ptr {place}, ptr {place}, i64 {n_features}, ptr {scratch}, ptr {aux}, ptr {aux}, "
            f"ptr {result})"
        )
    return compiled("tidu_lengths", module_of("tidu_lengths", text.finish(), {"tidu_exact": exact}))
