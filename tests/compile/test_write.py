"""A kernel's code: whole vectors in a loop, the rest as one shorter vector, and nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.compile.comparing import assert_same, both, general, graph_of
from tests.compile.races import intervals_of

from tidu.compile.write import write
from tidu.native.tiling import Target

TARGET = Target(64, 32)

SCALED_SUM = """
define void @kernel(ptr %p0, ptr %p1, ptr %p2, ptr %p3, ptr %p4, i64 %p5) nounwind {
start:
  %v1 = getelementptr inbounds i8, ptr %p3, i64 64
  br label %loop2
loop2:
  %i2 = phi i64 [0, %start], [%v11, %loop2]
  %v3 = mul nuw nsw i64 %i2, 16
  %v4 = getelementptr inbounds float, ptr %p0, i64 %v3
  %v5 = getelementptr inbounds float, ptr %p1, i64 %v3
  %v6 = getelementptr inbounds float, ptr %p2, i64 %v3
  %v7 = load <16 x float>, ptr %v4, align 4
  %v8 = fmul <16 x float> %v7, splat (float 0x4000000000000000)
  %v9 = load <16 x float>, ptr %v5, align 4
  %v10 = fadd <16 x float> %v8, %v9
  store <16 x float> %v10, ptr %v6, align 4
  %v11 = add nuw nsw i64 %i2, 1
  %v12 = icmp ult i64 %v11, 2
  br i1 %v12, label %loop2, label %after2
after2:
  %v13 = getelementptr inbounds float, ptr %p0, i64 32
  %v14 = getelementptr inbounds float, ptr %p1, i64 32
  %v15 = getelementptr inbounds float, ptr %p2, i64 32
  %v16 = load <8 x float>, ptr %v13, align 4
  %v17 = fmul <8 x float> %v16, splat (float 0x4000000000000000)
  %v18 = load <8 x float>, ptr %v14, align 4
  %v19 = fadd <8 x float> %v17, %v18
  store <8 x float> %v19, ptr %v15, align 4
  ret void
}
"""


def text_of(function: Callable[..., object], *inputs: np.ndarray, n_threads: int = 1, target: Target = TARGET) -> str:
    """Return the code of a function that is a single kernel."""
    ((kernel,),) = intervals_of(graph_of(function, *inputs), general(n_threads))
    return write(kernel, n_threads, target).code.define("kernel")


def test_the_code_of_a_scaled_sum_is_this() -> None:
    x = np.ones(40, np.float32)
    assert text_of(lambda x, y: x * 2.0 + y, x, x) == SCALED_SUM.lstrip()


@pytest.mark.parametrize(("width", "lanes"), [(64, 8), (32, 4), (16, 2)])
def test_vectors_are_as_wide_as_the_processors(width: int, lanes: int) -> None:
    text = text_of(lambda x: x * 2.0, np.ones(100), target=Target(width, 16))
    assert f"fmul <{lanes} x double>" in text


def test_the_tail_belongs_to_the_last_thread() -> None:
    text = text_of(lambda x: x * 2.0, np.ones(100, np.float32), n_threads=3)
    assert "icmp eq i64 %p3, 2" in text or "icmp eq i64 %p4, 2" in text
    assert text.count("fmul <16 x float>") == text.count("fmul <4 x float>") == 1


def test_what_is_known_in_an_outer_loop_is_computed_there() -> None:
    """A number is loaded once, and a sum computed once for each row."""
    text = text_of(lambda x, y, z: x * (y + z), np.ones((6, 40)), np.ones((6, 1)), np.ones(()))
    before, outer, inner = text.split("loop", 2)[0], text.split("\nloop")[1], text.split("\nloop")[2]
    assert before.count("load double") == 1
    assert (outer.count("load double"), outer.count("fadd double")) == (1, 1)
    assert "fadd" not in inner.split("after")[0]
    assert "fmul <8 x double>" in inner


def test_axes_that_can_be_walked_as_one_are_one_loop() -> None:
    x = np.ones((4, 5, 16))
    assert text_of(lambda x: x * 2.0, x).count(" phi ") == 1
    assert text_of(lambda x: x[::2] * 2.0, x).count(" phi ") == 2


def test_a_stride_walks_the_memory_backwards_lane_by_lane() -> None:
    text = text_of(lambda x: x[::-1] * 2.0, np.ones(8))
    assert text.count("load double") == 8
    assert text.count("store <8 x double>") == 1


@pytest.mark.parametrize("n", [1, 3, 16, 17, 100, 1000])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_every_split_of_columns_and_rows_is_right(n: int, n_threads: int) -> None:
    """Sums along either axis, over shares that are no whole number of vectors."""
    x = np.random.default_rng(n).integers(-9, 9, (7, n)).astype(np.float32)
    graph = graph_of(lambda x: (np.sum(x, axis=0), np.sum(x, axis=1), x.T * 2.0, np.sum(x.T, axis=0)), x)
    for native, expected in zip(*both(graph, [x], general(n_threads)), strict=True):
        assert_same(native, expected, 0)
