"""A plan says what runs, on which memory, and between which barriers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import general, graph_of
from tests.compile.programs import Program, programs
from tests.compile.races import kernels_and_outputs
from tests.compile.training_steps import NETWORKS, plan_of, training_step

from tidu.compile import Plan, Settings
from tidu.compile import plan as planning
from tidu.compile.arena import Life
from tidu.compile.kernels import reads
from tidu.compile.lower import lower
from tidu.compile.views import Buffer
from tidu.core.graph import Graph
from tidu.native.module import HEAD_BYTES

KERNELS = {"tiny": (12, 3), "digits": (16, 3), "mnist": (18, 5), "cifar": (24, 7), "curve": (14, 2)}
"""Kernels of a step, and intervals between barriers with two threads."""


def text_of(plan: Plan) -> str:
    return "\n".join(f"{x.interval} {x.what} {x.space}" for x in plan.steps)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_has_so_many_kernels_and_barriers(name: str) -> None:
    step = training_step(name, 1)
    plan = plan_of(step, 2)
    assert (len(plan.steps), len(plan.intervals)) == KERNELS[name]
    assert len(plan_of(step).steps) <= len(plan.steps)


def forward(x: np.ndarray, w: np.ndarray, v: np.ndarray) -> object:
    h = np.maximum(x @ w, 0.0)
    z = h @ v
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def test_the_plan_of_a_small_network_is_this() -> None:
    x, w, v = np.ones((64, 20), np.float32), np.ones((20, 32), np.float32), np.ones((32, 10), np.float32)
    plan = lower(graph_of(forward, x, w, v), general(n_threads=2))
    assert text_of(plan).splitlines() == [
        "0 product 64 x 20 x 32: maximum -> h (64, 32)",
        "0 product 64 x 32 x 10: copy -> z (64, 10)",
        "0 fold: copy (64, 10)",
        "0 fold: subtract, exp -> e (64, 10)",
        "0 map: divide (64, 10)",
    ]
    assert [step.threads for step in plan.steps] == [2] * 5
    assert plan.steps[0].flops == 64 * 32 * (2 * 20 + 1)
    assert plan.steps[0].bytes == 4 * (64 * 20 + 20 * 32 + 64 * 32)
    assert plan.steps[0].intensity == pytest.approx(83968 / 15872)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_step_still_needs_is_not_overwritten(name: str, n_threads: int) -> None:
    step = training_step(name, 1)
    assert not overwritten(step.graph, step.settings(n_threads))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs((17, 3, 33, 2, 1, 0)), st.integers(1, 4))
def test_what_a_program_still_needs_is_not_overwritten(program: Program, n_threads: int) -> None:
    assert not overwritten(program.traced()[0], general(n_threads=n_threads))


def test_a_planted_death_before_the_time_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = planning.place

    def too_short(lives: list[Life], guard_bytes: int) -> tuple[list[int], int]:
        return honest([replace(life, last=life.first) for life in lives], guard_bytes)

    monkeypatch.setattr(planning, "place", too_short)
    step = training_step("digits", 1)
    assert overwritten(step.graph, step.settings(1))


def overwritten(graph: Graph, lowered: Settings) -> list[str]:
    """Name the buffers of the arena that share bytes although their lives meet.

    With one thread memory is used again from kernel to kernel, with several only after a barrier.
    """
    intervals, outputs = kernels_and_outputs(graph, lowered)
    plan = lower(graph, lowered)
    lives: dict[Buffer, list[int]] = {}
    moment = 0
    for interval in intervals:
        for kernel in interval:
            for view in (*reads(kernel), *kernel.targets):
                lives.setdefault(view.buffer, []).append(moment)
            moment += lowered.n_threads == 1
        moment += 1
    mine = [b for b in lives if b.given is None and all(b is not view.buffer for view in outputs)]
    assert [b.n_bytes for b in mine] == [size for _, size in plan.buffers]
    placed = list(zip(mine, plan.buffers, strict=True))
    assert all(offset >= HEAD_BYTES and offset + size <= plan.arena_bytes for offset, size in plan.buffers if size)
    return [
        f"{a.name or a} and {b.name or b}"
        for (a, (p, m)), (b, (q, n)) in combinations(placed, 2)
        if p < q + n and q < p + m and lives[a][0] <= lives[b][-1] and lives[b][0] <= lives[a][-1]
    ]


def layers(x: np.ndarray, w: np.ndarray) -> object:
    for _ in range(10):
        x = np.maximum(x @ w, 0.0)
    return x


def test_equal_layers_share_their_code_and_two_buffers() -> None:
    w = np.ones((40, 40))
    plan = lower(graph_of(layers, w, w), general())
    kernels = [x.kernel for interval in plan.intervals for x in interval]
    assert (len(kernels), len(set(kernels))) == (10, 1)
    assert len({offset for offset, _ in plan.buffers}) == 2


def test_guards_keep_all_buffers_apart() -> None:
    w = np.ones((40, 40))
    plan = lower(graph_of(layers, w, w), general(guard_bytes=64))
    ends = sorted((offset, offset + size) for offset, size in plan.buffers)
    assert len(ends) == 9
    assert all(after[0] >= before[1] + 64 for before, after in pairwise(ends))
    assert ends[0][0] >= HEAD_BYTES + 64
    assert ends[-1][1] + 64 <= plan.arena_bytes


def test_results_in_the_place_of_inputs_take_no_memory() -> None:
    x = np.ones((10, 10))
    graph = graph_of(lambda x, y: (x + y, np.sum(y)), x, x)
    assert lower(graph, general()).output_bytes == 808
    plan = lower(graph, general(aliases={0: 0}))
    assert plan.output_bytes == 8
    assert plan.placed == (0, 3)
    assert plan.peak_bytes == plan.arena_bytes + 8
