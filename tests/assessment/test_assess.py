"""From rows to a verdict."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import tidu
from tidu.assessment.floor import outputs_of
from tidu.assessment.inputs import open_rows
from tidu.errors import BudgetError, DataError, ParameterError, ShapeError


def planted(n, d, noise, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, d))
    f = np.sin(3 * X @ np.ones(d) / np.sqrt(d)) + 0.5 * X[:, 0] ** 2
    return X, f / f.std() + np.sqrt(noise) * rng.normal(size=n)


@pytest.mark.parametrize(("noise", "verdict"), [(0.0, "function"), (0.25, "noisy function")], ids=["no noise", "noise"])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_functions_and_noisy_functions_are_told_apart(d, noise, verdict):
    X, y = planted(1000, d, noise, seed=d)
    found = tidu.assess(X, y)
    low, high = found.noise_variance_interval
    assert found.verdict == verdict
    assert low <= noise <= high
    assert found.best_score == pytest.approx(1 / (1 + noise), abs=0.06)


def test_noise_alone_is_no_function():
    rng = np.random.default_rng(0)
    found = tidu.assess(rng.normal(size=(800, 2)), rng.normal(size=800))
    assert found.verdict == "no dependence found"
    assert found.best_score < 0.1


def test_noise_in_many_dimensions_cannot_be_told():
    rng = np.random.default_rng(0)
    assert tidu.assess(rng.normal(size=(500, 30)), rng.normal(size=500)).verdict == "cannot tell"


def test_a_circle_is_no_function_of_x_alone():
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 1500)
    found = tidu.assess(np.cos(angle)[:, None], np.sin(angle))
    low, high = found.noise_variance_interval
    assert found.verdict == "noisy function"
    assert low < 0.5 < high
    assert {"spread_only", "branches"} <= set(found.findings)


def test_given_both_coordinates_a_circle_is_a_function():
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 800)
    assert tidu.assess(np.stack([np.cos(angle), np.sin(angle)], axis=1), angle).verdict != "no dependence found"


@pytest.mark.parametrize("bayes", [0.1, 0.25])
def test_the_bayes_error_of_two_normal_classes_lies_in_the_interval(bayes):
    from scipy.stats import norm

    rng = np.random.default_rng(2)
    y = rng.integers(0, 2, 2000)
    X = rng.normal(size=(2000, 4))
    X[:, 0] += np.where(y == 1, 1, -1) * -norm.ppf(bayes)
    found = tidu.assess(X, y)
    low, high = found.noise_variance_interval
    assert low <= bayes <= high
    assert high - low < 0.15
    assert found.best_score_interval == (1 - high, 1 - low)


@pytest.mark.parametrize("seed", range(3))
def test_a_rare_class_that_is_noise_counts_by_its_rows(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(1500, 2)), rng.integers(0, 2, 1500)
    X[:, 0] = np.where(y == 1, 3.0, -3.0) + 0.3 * X[:, 0]
    y[rng.random(1500) < 0.03] = 2
    low, high = tidu.assess(X, y, seed=seed).noise_variance_interval
    assert low < 0.03 < high


def test_contradictions_bound_the_score():
    X = np.repeat(np.random.default_rng(0).integers(0, 3, (300, 3)), 2, axis=0)
    y = np.tile([0, 1], 300)
    found = tidu.assess(X, y)
    assert found.contradictions.best_score == pytest.approx(0.5, abs=0.05)
    assert found.contradictions.n_contradicting == 600
    assert "contradictions" in found.findings


@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_features_that_say_nothing_say_nothing_of_a_file_sorted_by_its_target(target):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (1000, 2)).astype(float)
    y = np.sort(rng.integers(0, 2, 1000) if target == "classes" else rng.normal(size=1000))
    found = tidu.assess(X, y)
    assert found.verdict == "no dependence found"
    assert found.dependence.T < 0.1
    assert found.floor.share(found.floor.high) > 0.9
    if found.gamma is not None:
        assert found.floor.share(found.gamma.gamma) > 0.8


def test_of_many_classes_only_a_sample_is_spread_out():
    rng = np.random.default_rng(0)
    rows = open_rows(rng.normal(size=(300, 2)), rng.integers(0, 3, 300), None, None, None, None)
    sample = np.array([0, 5, 200])
    outputs = outputs_of(rows, sample)
    assert outputs.shape == (3, 3)
    assert outputs.argmax(axis=1).tolist() == rows.y[sample].tolist()


def test_held_out_rows_seen_in_training_are_reported():
    X, y = planted(300, 3, 0.1)
    found = tidu.assess(X, y, test=(np.vstack([X[:4], X[:20] + 1.0]), y[:24]))
    assert found.leakage.n_identical == 4
    assert "leakage" in found.findings


@pytest.mark.parametrize("target", ["noise", "noisy function", "classes"])
def test_copied_rows_change_neither_verdict_nor_floor(target):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 2))
    y = {
        "noise": rng.normal(size=600),
        "noisy function": np.sin(2 * X[:, 0]) + 0.5 * rng.normal(size=600),
        "classes": (X[:, 0] + rng.normal(size=600) > 0).astype(int),
    }[target]
    chosen = rng.choice(600, 60, replace=False)
    once, again = tidu.assess(X, y), tidu.assess(np.vstack([X, X[chosen]]), np.append(y, y[chosen]))
    assert (once.n_copies, again.n_copies, again.n_samples) == (0, 60, 660)
    assert "copies" in again.findings
    assert again.verdict == once.verdict
    np.testing.assert_allclose(again.noise_variance_interval, once.noise_variance_interval, rtol=0.3)


@pytest.mark.parametrize("d", [1, 2])
def test_a_weak_linear_dependence_is_seen(d):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1000, d))
    found = tidu.assess(X, 0.33 * X[:, 0] + rng.normal(size=1000))
    assert found.dependence.linear == pytest.approx(0.1, abs=0.04)
    assert found.verdict == "noisy function"
    assert "spread_only" not in found.findings


def test_rows_of_few_values_fill_no_more_dimensions_than_there_are_features():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (6000, 5)).astype(float)
    found = tidu.assess(X, X.sum(axis=1) + rng.normal(size=6000))
    assert found.intrinsic_dimension <= 5
    assert found.verdict == "noisy function"


def test_labels_that_are_partly_random_are_not_called_a_function():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 2))
    y = (X[:, 0] > 0).astype(int)
    y[rng.random(1500) < 0.12] = 2
    assert tidu.assess(X, y).verdict == "noisy function"


def test_dates_of_every_kind_are_numbers():
    rng = np.random.default_rng(0)
    days = rng.permutation(300)
    first = datetime(2020, 1, 1, tzinfo=UTC)
    y = np.sin(days / 30.0)
    kinds = {
        "date": [date(2020, 1, 1) + timedelta(days=int(day)) for day in days],
        "time": [first.replace(tzinfo=None) + timedelta(days=int(day)) for day in days],
        "zone": [first + timedelta(days=int(day)) for day in days],
    }
    seen = [tidu.assess(np.array(one, dtype=object)[:, None], y) for one in kinds.values()]
    assert {one.n_features for one in seen} == {1}
    assert {one.noise_variance_interval for one in seen} == {tidu.assess(days[:, None], y).noise_variance_interval}


def test_text_that_only_names_rows_is_refused():
    X = np.array([[f"p{i}", i % 7] for i in range(100)], dtype=object)
    with pytest.raises(DataError, match="column 'x0' of X is text with 100 different values in 100 rows"):
        tidu.assess(X, np.arange(100.0))
    with pytest.raises(DataError, match="100 different texts in 100 rows, too many for classes"):
        tidu.assess(np.arange(200.0).reshape(100, 2), [f"{i:,}" for i in range(5000, 5100)])


def test_many_classes_are_counted_before_they_are_spread_out():
    X, y = np.random.default_rng(0).normal(size=(2000, 2)), np.arange(2000) % 400
    with pytest.raises(BudgetError) as caught:
        tidu.assess(X, y, task="classification", memory_limit="60MB")
    assert caught.value.least_bytes > 400 * 8 * 4000


def test_a_feature_step_can_be_compared_with_what_was_before():
    rng = np.random.default_rng(0)
    raw = rng.uniform(-1, 1, (600, 2))
    radius = np.hypot(raw[:, 0], raw[:, 1])
    found = tidu.assess(radius[:, None], np.sin(8 * radius), raw=raw)
    assert found.dependence.raw_T < found.dependence.T
    with pytest.raises(ShapeError, match="raw has 599 rows"):
        tidu.assess(radius[:, None], np.sin(8 * radius), raw=raw[1:])


def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads():
    X, y = planted(600, 3, 0.2)
    one, two = (tidu.assess(X, y, seed=3, threads=n) for n in (1, 2))
    assert one.text() == two.text()
    assert one.noise_variance_interval == two.noise_variance_interval
    assert np.array_equal(one.pairs, two.pairs)
    assert one.dependence.order_T == two.dependence.order_T


def test_a_file_gives_what_the_array_gives(tmp_path):
    X, y = planted(400, 3, 0.2)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    of_file = tidu.assess(str(tmp_path / "X.npy"), target=str(tmp_path / "y.npy"))
    assert of_file.noise_variance_interval == tidu.assess(X, y).noise_variance_interval


def test_a_memory_limit_changes_nothing_or_is_refused_with_numbers():
    X, y = planted(400, 3, 0.2)
    assert tidu.assess(X, y, memory_limit="64MB").noise_variance == tidu.assess(X, y).noise_variance
    with pytest.raises(BudgetError, match="memory_limit is 1,000,000") as caught:
        tidu.assess(X, y, memory_limit="1MB")
    assert caught.value.least_bytes > 1_000_000
    tidu.assess(X, y, memory_limit=caught.value.least_bytes)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_seed_that_is_none_is_refused(seed):
    X, y = planted(50, 1, 0.2)
    with pytest.raises(ParameterError, match="seed"):
        tidu.assess(X, y, seed=seed)


def test_twenty_rows_are_enough_to_say_something():
    X, y = planted(20, 1, 0.1)
    assert tidu.assess(X, y).verdict in ("function", "noisy function", "cannot tell", "no dependence found")
