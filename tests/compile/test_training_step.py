"""Whole training steps, traced from plain NumPy with their gradients, are one native call each."""

from __future__ import annotations

import numpy as np
import pytest
from tests.compile.comparing import PROCESSORS, assert_same_bits
from tests.compile.races import Serial
from tests.compile.training_steps import NETWORKS, TrainingStep, plan_of, training_step

from tidu.native.ledger import Ledger


@pytest.mark.parametrize("name", NETWORKS)
def test_every_number_of_threads_gives_the_same_bits(name: str) -> None:
    step = training_step(name, 3)
    one = step.run(plan_of(step))
    for n_threads in (2, 3, 4):
        assert_same_bits(step.run(plan_of(step, n_threads)), one)


@pytest.mark.parametrize("n_threads", [2, 3, 4])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_order_of_threads_between_barriers_changes_nothing(name: str, n_threads: int) -> None:
    step = training_step(name, 1)
    inputs = [*step.state, *step.columns, step.rows, step.learning_rates, step.numbers, *step.constants]
    expected = step.run(plan_of(step))
    serial = Serial(plan_of(step, n_threads))
    for order in (range(n_threads), reversed(range(n_threads))):
        found = serial(inputs, list(order))
        assert_same_bits(found, [*expected[:-1], expected[-1].reshape(())])


@pytest.mark.parametrize("name", NETWORKS)
def test_native_steps_are_those_of_the_interpreter(name: str) -> None:
    step = training_step(name, 3, "float64")
    for got, want in zip(step.run(plan_of(step, 2)), step.interpreted(), strict=True):
        # Adam divides a gradient by its own size, so its errors do not shrink with the gradient.
        assert np.max(np.abs(got - want)) <= 1e-12 * max(1.0, np.max(np.abs(want)))


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_stays_float32_and_follows_the_interpreter(name: str) -> None:
    step = training_step(name, 3)
    found, expected = step.run(plan_of(step)), step.interpreted()
    assert {x.dtype for x in found} == {np.dtype("float32")}
    np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-5)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize("name", ["digits", "curve"])
def test_every_processor_takes_the_same_steps(name: str, how: str) -> None:
    step = training_step(name, 3, "float64")
    processor = PROCESSORS[how]()
    found = step.run(plan_of(step, 2, processor=processor), processor=processor)
    for got, want in zip(found, step.interpreted(), strict=True):
        assert np.max(np.abs(got - want)) <= 1e-12 * max(1.0, np.max(np.abs(want)))


def test_a_second_run_gives_the_same_bits() -> None:
    step = training_step("digits", 3)
    assert_same_bits(step.run(plan_of(step, 2)), step.run(plan_of(step, 2)))


def test_rounds_are_calls_one_after_the_other() -> None:
    step = training_step("digits", 3)
    state, losses = step.state, []
    for i in range(3):
        parts = (x[i : i + 1] for x in (step.rows, step.learning_rates))
        single = TrainingStep(step.graph, state, step.columns, *parts, step.constants)
        *state, loss = single.run(plan_of(single))
        losses.append(loss)
    assert_same_bits(step.run(plan_of(step)), [*state, np.concatenate(losses)])


def test_the_peak_is_known_before_and_kept_to() -> None:
    step = training_step("digits", 3)
    plan, ledger = plan_of(step, 2), Ledger()
    step.run(plan, ledger=ledger)
    assert plan.peak_bytes <= ledger.peak_bytes < plan.peak_bytes + 64
