"""What may be assessed, and on which scale."""

import numpy as np
import pandas as pd
import pytest

from tidu.assessment.inputs import open_rows, sampled_rows
from tidu.data import as_source
from tidu.errors import BudgetError, DataError, DtypeError, ParameterError, ShapeError, TiduError

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
    assert rows.test.shape == (2, 3)
    assert rows.scaled.shape == (40, 3)
    assert read(rows.held).tolist() == [[0.0, 1.0, 1.0], [0.0, 0.0, 2.0]]


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
        ({"X": X, "y": 1e200 * y}, DataError, "squares float64 cannot hold"),
        ({"X": X, "y": 1e-200 * y}, DataError, "squares float64 cannot hold"),
        ({"X": 1e200 * X, "y": y}, DataError, "column 'x0' .* squares float64 cannot hold"),
        ({"X": X, "y": ["a", None] * 20}, DataError, "y has no value in row 1"),
        ({"X": X, "y": np.arange(40).astype("datetime64[D]")}, DtypeError, "numbers or names of classes"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        opened(**arguments)
    assert "\n" not in str(caught.value)


def test_a_table_may_hold_its_target():
    frame = pd.DataFrame({"size": X[:, 0], "price": y, "kind": ["a", "b"] * 20})
    for target in ("price", 1, -2):
        rows = open_rows(frame, None, target, None, None, None)
        assert rows.data.feature_names == ("size", "kind=a", "kind=b")
        assert np.array_equal(rows.y, y)
    with pytest.raises(DataError, match="choose target= with one of its columns: 'size', 'price', 'kind'"):
        open_rows(frame, None, "rent", None, None, None)
    with pytest.raises(DataError, match="give y, or target="):
        opened(frame, None)


def test_two_targets_are_refused():
    with pytest.raises(ParameterError, match="both y and target='price'"):
        open_rows(X, y, "price", None, None, None)


def test_columns_of_the_same_name_all_count():
    assert opened(pd.DataFrame(X, columns=["a", "a", "b"]), y).data.n_features == 3


def test_a_table_without_columns_is_refused():
    with pytest.raises(ShapeError, match="without columns"):
        opened(pd.DataFrame(index=range(40)), y)


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA, pd.NaT], ids=["None", "NaN", "NA", "NaT"])
def test_an_empty_cell_is_no_value_of_its_own(empty):
    frame = pd.DataFrame({"size": X[:, 0], "kind": np.array(["a", "b", empty, "b"] * 10, object)})
    with pytest.raises(DataError, match=r"column 'kind' of X has no value in row 2"):
        opened(frame, y)


def test_of_a_table_the_column_without_a_number_is_named():
    with pytest.raises(DataError, match=r"column 'size' of X has no value in row 3"):
        opened(pd.DataFrame({"size": np.where(np.arange(40) == 3, np.nan, y)}), y)
    with pytest.raises(DataError, match=r"column 'size' of X holds inf in row 3"):
        opened(pd.DataFrame({"size": np.where(np.arange(40) == 3, np.inf, y)}), y)
    with pytest.raises(DataError, match=r"column 'when' of X has no value in row 0"):
        opened(pd.DataFrame({"when": [pd.NaT, *pd.date_range("2026-01-01", periods=39)]}), y)


def test_held_out_columns_are_found_by_name_and_others_left_out():
    frame = pd.DataFrame({"kind": ["a", "b"] * 20, "size": np.arange(40.0)})
    held = pd.DataFrame({"price": [1.0, 2.0], "size": [3.0, 5.0], "kind": ["b", "a"]})
    assert read(opened(frame, y, test=held).held).tolist() == [[0.0, 1.0, 3.0], [1.0, 0.0, 5.0]]
    with pytest.raises(DataError, match="test has no column 'kind'"):
        opened(frame, y, test=held[["size"]])
    with pytest.raises(DataError, match="column 'size' of test is text"):
        opened(frame, y, test=held.assign(size=["s", "l"]))


def test_held_out_rows_change_nothing_in_training():
    frame = pd.DataFrame({"kind": ["a", "b"] * 20, "size": np.arange(40.0)})
    held = pd.DataFrame({"kind": ["c", "d"], "size": [1e6, 2e6]})
    assert np.array_equal(read(opened(frame, y).scaled), read(opened(frame, y, test=held).scaled))


def test_text_that_does_not_fit_as_numbers_is_refused_with_the_bytes():
    frame = pd.DataFrame({"kind": [f"kind {i % 300}" for i in range(3000)], "size": np.arange(3000.0)})
    with pytest.raises(BudgetError, match="take 7,248,000 bytes") as caught:
        opened(frame, np.arange(3000.0), memory_limit=1_000_000)
    assert opened(frame, np.arange(3000.0), memory_limit=caught.value.least_bytes).held_bytes >= 8 * 3000 * 301


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(TiduError):
        opened([[1.0, 2.0]] * 39 + [[1.0]], y)


def test_too_many_different_texts_are_refused():
    with pytest.raises(DataError, match="1,500 different values"):
        opened(np.array([[f"name {i}"] for i in range(1500)], object), np.arange(1500.0))


def test_a_sample_is_as_large_as_may_be_held_and_the_same_for_a_seed():
    source = as_source(np.zeros((1000, 10)))
    first, again = (sampled_rows(source, 500, 8_000, np.random.default_rng(0)) for _ in range(2))
    assert len(first) == 100
    assert np.array_equal(first, again)
    assert np.array_equal(sampled_rows(source, 5000, 1 << 20, np.random.default_rng(0)), np.arange(1000))
