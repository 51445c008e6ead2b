"""All passes in their order: small graphs are unrolled, others get loops, and both give the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import PROCESSORS, assert_same, assert_same_bits, code_of, general, graph_of
from tests.compile.programs import Program, programs
from tests.compile.training_steps import plan_of, training_step

from tidu.compile import Settings, native_function
from tidu.compile.lower import lower, target_of
from tidu.native.machine import Processor, baseline, narrowed, vector_bytes


def is_unrolled(graph: object, lowered: Settings | None = None) -> bool:
    return lower(graph, lowered).steps[0].what.startswith("unrolled")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(programs((2, 3, 1, 4, 0)), st.integers(1, 4))
def test_both_paths_give_the_same(program: Program, n_threads: int) -> None:
    graph, inputs = program.traced()
    found, loops = (native_function(graph, settings=s)(inputs) for s in (Settings(n_threads), general(n_threads)))
    for got, want in zip(found, loops, strict=True):
        scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
        assert_same(got, want, 64, scale=scale, signed_zeros=False)


def test_small_graphs_are_unrolled_and_large_ones_are_not() -> None:
    assert is_unrolled(graph_of(lambda x: np.exp(x) * 2.0, np.ones(4)))
    assert not is_unrolled(graph_of(lambda x: np.exp(x) * 2.0, np.ones((300, 300))))
    assert not is_unrolled(graph_of(lambda x: np.exp(x) * 2.0, np.ones(4)), Settings(guard_bytes=64))


def test_a_tiny_step_has_the_same_bits_for_every_number_of_threads() -> None:
    step = training_step("tiny", 5)
    plan = plan_of(step, unrolled=6000)
    assert len(plan.steps) == 1
    one = step.run(plan)
    for n_threads in (2, 4):
        assert_same_bits(step.run(plan_of(step, n_threads, unrolled=6000)), one)
    for got, want in zip(one, step.interpreted(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_the_width_of_vectors_is_that_of_the_processor() -> None:
    x86 = Processor("x86_64-unknown-linux-gnu", "znver4", "+avx,+avx2,+fma,+avx512f")
    assert (target_of(x86).vector_bytes, target_of(narrowed(32, x86)).vector_bytes) == (64, 32)
    assert target_of(narrowed(16, x86)).vector_bytes == 16
    assert not target_of(narrowed(16, x86)).fused
    arm = target_of(Processor("aarch64-apple-darwin", "apple-m1", "+neon"))
    assert (arm.vector_bytes, arm.fused) == (16, True)


@pytest.mark.parametrize("how", PROCESSORS)
def test_code_for_a_processor_uses_vectors_of_its_width(how: str) -> None:
    processor = PROCESSORS[how]()
    lowered = Settings(processor=processor, guard_bytes=64)
    x = np.ones(1000, np.float32)
    text = code_of(lower(graph_of(lambda x: x * 2.0, x), lowered))
    assert f"<{vector_bytes(processor) // 4} x float>" in text


def test_the_baseline_has_no_fused_product() -> None:
    processor = baseline()
    if processor.architecture == "x86_64":
        x = np.ones((8, 8))
        text = code_of(lower(graph_of(np.matmul, x, x), general(processor=processor)))
        assert "llvm.fma" not in text
