import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidu
from tidu.errors import ParameterError
from tidu.learn import Constant, CosineDecay, ExponentialDecay, OnPlateau, Run, StepDecay, WarmUp

STEPS = np.arange(12)
RUN = Run(12, 3)


def test_steps_and_exponentials_change_from_epoch_to_epoch():
    np.testing.assert_allclose(StepDecay(0.8, 0.5, 2).rates(STEPS, RUN), [0.8] * 6 + [0.4] * 6)
    expected = [0.8 * 0.9 ** (i // 3) for i in STEPS]
    np.testing.assert_allclose(ExponentialDecay(0.8, 0.9).rates(STEPS, RUN), expected)


def test_a_cosine_goes_from_the_first_to_the_final_rate_and_stays():
    rates = CosineDecay(1.0, final=0.2, n_steps=8).rates(np.arange(12), RUN)
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * min(i, 8) / 8)) / 2 for i in range(12)]
    np.testing.assert_allclose(rates, expected)
    assert rates[-1] == pytest.approx(0.2)


def test_warming_up_leads_to_the_first_rate_of_what_follows():
    rates = WarmUp(CosineDecay(1.0), n_steps=4).rates(STEPS, RUN)
    np.testing.assert_allclose(rates[:4], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(rates[4:], CosineDecay(1.0).rates(np.arange(8), Run(8, 3)))


def reduce_on_plateau(watched, factor, patience, threshold, lowest):
    """PyTorch's ReduceLROnPlateau(mode="min", threshold_mode="abs"), step by step."""
    rate, best, bad = 1.0, math.inf, 0
    for value in watched:
        if value < best - threshold:
            best, bad = value, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(rate * factor, lowest), 0
    return rate


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(0, 4), st.sampled_from([0.0, 0.5]))
def test_a_plateau_lowers_the_rate_as_pytorch_does(watched, patience, threshold):
    schedule = OnPlateau(1.0, 0.5, patience, threshold, lowest=0.1)
    expected = reduce_on_plateau(watched, 0.5, patience, threshold, 0.1)
    np.testing.assert_array_equal(schedule.rates(STEPS, Run(12, 3, tuple(watched))), expected)


@pytest.mark.parametrize(
    "schedule",
    [Constant(0.1), StepDecay(0.1), ExponentialDecay(0.1), CosineDecay(0.1), WarmUp(0.1, 5), OnPlateau(0.1)],
)
@given(cut=st.integers(0, 12))
def test_rates_do_not_depend_on_how_the_steps_are_asked_for(schedule, cut):
    parts = [schedule.rates(part, RUN) for part in (STEPS[:cut], STEPS[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), schedule.rates(STEPS, RUN))


def test_fit_follows_the_schedule_and_the_watched_values():
    def loss(params, batch):
        return np.mean((params - batch) ** 2)

    data = np.zeros(6)
    result = tidu.fit(
        loss, np.array(1.0), data, optimizer=tidu.SGD(StepDecay(0.5, 0.1, 1)), epochs=3, batch_size=3, progress=False
    )
    assert [record.learning_rate for record in result.history] == pytest.approx([0.5, 0.05, 0.005])
    p = 1.0
    for rate in (0.5, 0.5, 0.05, 0.05, 0.005, 0.005):
        p -= rate * 2 * p
    np.testing.assert_allclose(result.params, p, rtol=1e-13)
    stuck = tidu.fit(
        loss,
        np.array(1.0),
        data,
        optimizer=tidu.SGD(OnPlateau(0.5, 0.1, patience=1)),
        validation=lambda params: 1.0,
        epochs=5,
        progress=False,
    )
    assert [record.learning_rate for record in stuck.history] == pytest.approx([0.5, 0.5, 0.5, 0.05, 0.05])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0.0),
        lambda: StepDecay(0.1, every_epochs=0),
        lambda: ExponentialDecay(0.1, factor=-1.0),
        lambda: CosineDecay(0.1, n_steps=0),
        lambda: WarmUp(-1.0, 3),
        lambda: OnPlateau(0.1, factor=1.0),
    ],
)
def test_bad_settings_are_refused(make):
    with pytest.raises(ParameterError):
        make()
