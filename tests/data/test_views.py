from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tidu.data import (
    ArraySource,
    BlockSource,
    FillingSource,
    GeneratorSource,
    RowsSource,
    dataset_of,
    is_forward_only,
    select_features,
)
from tidu.data.source import read_fresh
from tidu.data.views import ColumnsSource, View, Widened
from tidu.errors import ParameterError

X = np.arange(12, dtype=np.float16).reshape(4, 3)


def in_two_blocks() -> Iterator[np.ndarray]:
    yield X[:1]
    yield X[1:]


SOURCES = {"any order": ArraySource(X, "x"), "forward": GeneratorSource(in_two_blocks, X.shape, X.dtype, "x")}
# Of each view: how it is made, whether it fills memory by itself, and what it gives.
VIEWS: dict[str, tuple[Callable[[BlockSource], BlockSource], bool, np.ndarray]] = {
    "columns": (lambda source: ColumnsSource(source, (2, 0)), False, X[:, [2, 0]]),
    "ordered columns": (lambda source: select_features(dataset_of(source), ["x2", "x0"]).X, False, X[:, [2, 0]]),
    "rows": (lambda source: RowsSource(source, np.array([3, 1])), True, X[[3, 1]]),
    "finite": (lambda source: dataset_of(source).X, True, X),
    "widened": (Widened, True, X.astype(np.float32)),
}


@pytest.mark.parametrize("order", SOURCES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_like_its_source_in_all_that_it_does_not_tell_anew(view: str, order: str) -> None:
    make, fills, expected = VIEWS[view]
    source = make(SOURCES[order])
    assert isinstance(source, View)
    assert (source.name, source.shape, source.dtype) == ("x", expected.shape, expected.dtype)
    assert is_forward_only(source) == (order == "forward")
    assert isinstance(source, BlockSource)
    assert isinstance(source, FillingSource) == fills
    np.testing.assert_array_equal(source.read(0, len(expected)), expected)


@pytest.mark.parametrize("order", SOURCES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_can_be_sent_to_another_process_but_not_changed(view: str, order: str) -> None:
    make, _, expected = VIEWS[view]
    source = make(SOURCES[order])
    sent = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(sent.read(1, len(expected)), expected[1:])
    assert is_forward_only(sent) == (order == "forward")
    with pytest.raises(FrozenInstanceError):
        sent.source = SOURCES[order]
    assert not hasattr(sent, "__dict__")


def test_a_view_of_nothing_in_particular_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        View(ArraySource(X))  # type: ignore[abstract]


@pytest.mark.parametrize("rows", [(-1, 2), (3, 2), (3, 5)])
def test_no_block_is_made_for_rows_that_are_not_there(rows: tuple[int, int]) -> None:
    with pytest.raises(ParameterError):
        read_fresh(ArraySource(X), *rows)
