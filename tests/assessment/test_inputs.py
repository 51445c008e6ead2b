"""What may be assessed, and on which scale."""

import numpy as np
import pandas as pd
import pytest

from tidu.assessment.inputs import open_rows, sampled_rows
from tidu.data import as_source
from tidu.errors import DataError, ParameterError, ShapeError

X = np.random.default_rng(0).normal(size=(40, 3))
y = X[:, 0] + 1.0


def opened(X, y, test=None, task=None, memory_limit=None):
    return open_rows(X, y, None, test, task, memory_limit)


def read(source):
    return source.read(0, source.shape[0])


def test_numbers_get_mean_zero_and_variance_one():
    scaled = read(opened(100 * X + 7, y).scaled)
    assert scaled.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
    assert scaled.std(axis=0) == pytest.approx(np.ones(3), abs=1e-6)


def test_columns_of_zero_and_one_stay_as_they_are():
    rare = (np.arange(40) == 3).astype(float)
    assert set(read(opened(np.column_stack([X, rare]), y).scaled)[:, 3]) == {0.0, 1.0}


def test_bytes_are_compared_as_they_are():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 5)).astype(np.uint8)
    assert np.array_equal(read(opened(pixels, y).scaled), pixels)


def test_what_does_not_fit_is_scaled_as_it_is_read():
    wide = np.random.default_rng(0).normal(size=(200, 300))
    kept, read_again = opened(wide, np.arange(200.0)), opened(wide, np.arange(200.0), memory_limit=100_000)
    assert (kept.held_bytes, read_again.held_bytes) == (4 * wide.size, 0)
    assert np.array_equal(read(kept.scaled), read(read_again.scaled))


def test_text_becomes_a_column_for_each_value():
    frame = pd.DataFrame({"kind": ["a", "b"] * 20, "size": np.arange(40.0)})
    assert opened(frame, y).data.feature_names == ("kind=a", "kind=b", "size")
    assert opened(frame.to_numpy(), y).data.n_features == 3


def test_held_out_text_has_the_columns_of_training():
    frame = pd.DataFrame({"kind": ["a", "b"] * 20, "size": np.arange(40.0)})
    held = pd.DataFrame({"kind": ["b", "c"], "size": [1.0, 2.0]})
    rows = opened(frame, y, test=held)
    assert rows.test.shape == (2, 4)
    assert rows.scaled.shape == (40, 4)


def test_held_out_rows_may_come_with_their_target():
    assert opened(X, y, test=(X[:5], y[:5])).test.shape == (5, 3)


def test_classes_are_told_from_numbers_and_can_be_asked_for():
    assert opened(X, np.arange(40) % 3).classifies
    assert not opened(X, np.arange(40) % 3, task="regression").classifies
    assert not opened(X, y).classifies


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": X[:10], "y": y[:10]}, DataError, "at least 20"),
        ({"X": X, "y": y[:39]}, ShapeError, "40 rows"),
        ({"X": X, "y": np.ones((40, 2))}, ShapeError, "one target at a time"),
        ({"X": X, "y": np.ones(40)}, DataError, "nothing to learn"),
        ({"X": X, "y": y, "task": "ranking"}, ParameterError, "task must be"),
        ({"X": X, "y": y, "test": X[:, :2]}, ShapeError, "test has 2 features, X has 3"),
        ({"X": np.where(X > 2, np.nan, X), "y": y}, DataError, "nan"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        opened(**arguments)
    assert "\n" not in str(caught.value)


def test_too_many_different_texts_are_refused():
    with pytest.raises(DataError, match="1,500 different values"):
        opened(np.array([[f"name {i}"] for i in range(1500)], object), np.arange(1500.0))


def test_a_sample_is_as_large_as_may_be_held_and_the_same_for_a_seed():
    source = as_source(np.zeros((1000, 10)))
    first, again = (sampled_rows(source, 500, 8_000, np.random.default_rng(0)) for _ in range(2))
    assert len(first) == 100
    assert np.array_equal(first, again)
    assert np.array_equal(sampled_rows(source, 5000, 1 << 20, np.random.default_rng(0)), np.arange(1000))
