"""How many floating-point operations a second can this processor do at most?

A loop of fused multiply-adds that touches no memory, with enough independent sums to keep every unit
busy: the roof under which matrix products are measured. This file knows nothing of what is measured.
"""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np

from tidu.errors import ParameterError
from tidu.native.machine import MachineCode, compile_text, host
from tidu.native.text import FunctionText, Kernel

__all__ = ["measure_peak", "peak_kernel", "vector_bits"]

_ENTRY = "tidu_peak"
_SUMS = 16
"""Independent sums: a latency of 4 cycles times two units are 8 at least; 32 registers hold them."""
_FEW_SUMS = 12
"""Where there are 16 registers only, and two of them hold the factor and the summand."""
_LLVM = {"float32": ("float", "f32", 32), "float64": ("double", "f64", 64)}
_FIRST_ROUNDS = 1 << 16


def vector_bits(features: str) -> int:
    """Return the width of the widest vector register among a processor's features.

    Examples
    --------
    >>> vector_bits("+avx,+avx512f"), vector_bits("+avx2,+avx,-avx512f"), vector_bits("+neon")
    (512, 256, 128)
    """
    present = set(features.split(","))
    return 512 if "+avx512f" in present else 256 if "+avx" in present else 128


def peak_kernel(dtype: str, bits: int, n_sums: int) -> Kernel:
    """Return a loop of `n_sums` fused multiply-adds on vectors.

    Its parameters are a place for a vector, which is read and written, and the number of rounds.
    """
    element, suffix, width = _LLVM[dtype]
    lanes = bits // width
    vector = f"<{lanes} x {element}>"
    text = FunctionText(["ptr", "i64"])
    held = text.value(f"load {vector}, ptr %p0, align {width // 8}")
    with text.loop("%p1", [(vector, held)] * n_sums) as loop:
        loop.hand_on(
            *[text.call(vector, f"llvm.fma.v{lanes}{suffix}", [one, held, held], outside=False) for one in loop.carried]
        )
    total = loop.following[0]
    for one in loop.following[1:]:
        total = text.value(f"fadd {vector} {total}, {one}")
    text.do(f"store {vector} {total}, ptr %p0, align {width // 8}")
    return text.finish()


def measure_peak(n_threads: int = 1, dtype: str = "float32", seconds: float = 0.2) -> float:
    """Return the most floating-point operations a second that were reached, in GFLOP/s.

    Parameters
    ----------
    n_threads : int
        Threads that compute at once.
    dtype : {"float32", "float64"}
    seconds : float
        How long to measure, about; the best of ten parts counts.

    Raises
    ------
    ParameterError
        If an argument has a value that is not accepted.

    Notes
    -----
    A fused multiply-add counts as two operations. Unlike a time, a peak is not made wrong by a busy
    machine, only too low: so the best part counts, not the median.
    """
    if dtype not in _LLVM or n_threads < 1 or not seconds > 0:
        raise ParameterError(
            f"expected dtype {' or '.join(_LLVM)}, at least one thread and a positive time; got {dtype}, {n_threads}, "
            f"{seconds}",
            got=(dtype, n_threads, seconds),
        )
    bits = vector_bits(host().features)
    n_sums = _FEW_SUMS if bits == 256 else _SUMS
    code = compile_text(peak_kernel(dtype, bits, n_sums).define(_ENTRY), vectorize=False)
    flops = 2 * n_sums * (bits // _LLVM[dtype][2]) * n_threads
    rounds = _FIRST_ROUNDS
    while (elapsed_s := _elapsed(code, dtype, bits, rounds, n_threads)) < seconds / 10:
        rounds *= 2
    best_s = min([elapsed_s, *[_elapsed(code, dtype, bits, rounds, n_threads) for _ in range(9)]])
    return flops * rounds / best_s / 1e9


def _elapsed(code: MachineCode, dtype: str, bits: int, rounds: int, n_threads: int) -> float:
    """Return how long all threads take, each with a vector of its own, in seconds."""
    run = code.function(_ENTRY, ctypes.c_void_p, ctypes.c_int64)
    # x -> x / 2 + 1 / 2 goes to 1: sums neither overflow nor become subnormal.
    vectors = [np.full(bits // 8 // np.dtype(dtype).itemsize, 0.5, dtype) for _ in range(n_threads)]
    gate = threading.Barrier(n_threads + 1)

    def work(vector: np.ndarray[tuple[int], np.dtype[np.generic]]) -> None:
        gate.wait()
        run(vector.ctypes.data, rounds)

    threads = [threading.Thread(target=work, args=(vector,)) for vector in vectors]
    for thread in threads:
        thread.start()
    gate.wait()
    began_s = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began_s
