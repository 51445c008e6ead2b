"""The plan that is shown is the plan that runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tidu
from tidu.compile import keeping
from tidu.compile import program as programs
from tidu.errors import ParameterError

W, X = np.ones((64, 32)), np.ones((100, 64))


def loss(W: np.ndarray, X: np.ndarray) -> object:
    return np.mean(np.tanh(X @ W) ** 2)


def test_work_and_memory_are_those_of_the_kernels() -> None:
    plan = tidu.explain_plan(tidu.grad(loss), W, X)
    assert plan.flops == sum(kernel.flops for kernel in plan.kernels)
    assert plan.flops >= 2 * 2 * 100 * 64 * 32
    assert plan.peak_bytes == plan.arena_bytes + W.nbytes
    assert plan.interpreted == ()
    assert {kernel.threads for kernel in plan.kernels} <= {1, plan.n_threads}


def test_plain_jitted_and_transformed_functions_have_plans() -> None:
    jitted = tidu.jit(loss)
    plan = tidu.explain_plan(jitted, W, X)
    assert [k.what for k in plan.kernels] == [k.what for k in tidu.explain_plan(loss, W, X).kernels]
    assert plan.program is jitted.specialized((W, X), {})[0].compiled()
    assert tidu.explain_plan(tidu.vmap(np.sum), X).kernels
    assert tidu.explain_plan(jitted, W, X=X).kernels


def test_the_table_has_a_line_for_each_kernel_in_both_languages() -> None:
    plan = tidu.explain_plan(loss, W, X)
    english, chinese = str(plan).splitlines(), plan.text(lang="zh").splitlines()
    assert len(english) == len(chinese)
    for kernel in plan.kernels:
        assert any(f"{kernel.flops:,}" in line and f"{kernel.intensity:.2f}" in line for line in english)
        assert any(f"{kernel.bytes:,}" in line for line in chinese)
    assert "kernel" in str(plan)
    assert "内核" in plan.text(lang="zh")
    with pytest.raises(ParameterError):
        plan.text(lang="fr")


def test_what_the_interpreter_runs_is_named_with_line_and_reason() -> None:
    def f(x: np.ndarray) -> object:
        return np.linalg.inv(x * 2.0) + 1.0

    plan = tidu.explain_plan(f, np.eye(3))
    (found,) = plan.interpreted
    assert found.what == "inv"
    assert "np.linalg.inv(x * 2.0)" in found.where
    assert found.reason in str(plan)
    assert len(plan.pieces) == 2


def test_a_graph_too_large_to_compile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "LARGEST", 2)
    monkeypatch.setattr(programs, "LARGEST_IN_LOOPS", 2)
    plan = tidu.explain_plan(loss, W, X)
    assert plan.kernels == ()
    assert "interpreter" in str(plan)
    assert "解释器" in plan.text("zh")


def test_nothing_to_compute_is_said() -> None:
    assert "nothing" in str(tidu.explain_plan(lambda x: x, X))


def test_the_code_is_shown_in_llvm_s_language_and_the_processor_s() -> None:
    plan = tidu.explain_plan(loss, W, X)
    assert plan.ir().count("define void @tidu_run") == 1
    assert "tidu_run" in plan.assembly()


def test_code_that_was_compiled_before_comes_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def from_cache() -> bool:
        keeping._kept.clear()  # as in another process
        plan = tidu.explain_plan(loss, W, X)
        assert ("earlier" in str(plan)) == plan.from_cache
        return plan.from_cache

    monkeypatch.setenv("TIDU_CACHE_DIR", str(tmp_path))
    assert [from_cache() for _ in range(2)] == [False, True]
    monkeypatch.setenv("TIDU_CACHE_DIR", "")
    assert not from_cache()
