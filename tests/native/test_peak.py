"""The loop that measures the peak does the operations that are counted, and none is optimized away."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tidu.errors import ParameterError
from tidu.native.machine import compile_text
from tidu.native.peak import measure_peak, peak_kernel, vector_bits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_sums", [12, 16])
def test_every_sum_goes_through_every_round(dtype: str, n_sums: int) -> None:
    call = compile_text(peak_kernel(dtype, 128, n_sums).define("f")).function("f", ctypes.c_void_p, ctypes.c_int64)
    x = np.full(16 // np.dtype(dtype).itemsize, 0.5, dtype)
    call(x.ctypes.data, 3)
    one = 0.5
    for _ in range(3):
        one = one * 0.5 + 0.5
    assert x.tolist() == [one * n_sums] * len(x)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_peak_is_a_positive_number(threads: int) -> None:
    assert measure_peak(threads, seconds=0.01) > 0


@pytest.mark.parametrize("wrong", [{"n_threads": 0}, {"dtype": "int8"}, {"seconds": 0.0}])
def test_what_cannot_be_measured_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="expected"):
        measure_peak(**wrong)  # type: ignore[arg-type]


def test_the_widest_vector_is_found_among_the_features() -> None:
    assert [vector_bits(f) for f in ("+avx,+avx512f", "+avx,-avx512f", "-avx,+sse2")] == [512, 256, 128]
