"""Movement of a term is NumPy's movement of its values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.compile import terms
from tidu.compile.terms import Apply, Index, Pick, Term, ordered, substitute
from tidu.compile.views import Buffer, Ramp, Uniform, View

Memory = Mapping[Buffer, np.ndarray]
BASE = np.random.default_rng(0).normal(size=200)
MEMORY = Buffer(BASE.nbytes, 0)
small = st.lists(st.sampled_from([2, 3, 1, 0]), max_size=3).map(tuple)


def value(term: Term, memory: Memory) -> np.ndarray:
    """Compute a term from its definition, element by element."""
    match term:
        case Uniform():
            return np.full(term.shape, term.number, term.dtype)
        case View():
            return memory[term.buffer][positions(term)].reshape(term.shape)
        case Ramp():
            return positions(term)
        case Index():
            index = value(term.term, memory)
            return np.where(index < 0, index + term.length, index)
        case Pick():
            where = positions(term.view)
            for index, step in zip(term.indices, term.steps, strict=True):
                where = where + value(index, memory) * step
            return memory[term.view.buffer][where].reshape(term.shape)
        case Apply():
            # The records' scalar code is of no interest here: a symmetric function stands for it.
            return sum((i + 1) * np.cos(value(x, memory)) for i, x in enumerate(term.operands))


def positions(x: View | Ramp) -> np.ndarray:
    where = np.full(x.shape, x.offset)
    for axis, (n, stride) in enumerate(zip(x.shape, x.strides, strict=True)):
        where = where + np.arange(n).reshape([n if a == axis else 1 for a in range(len(x.shape))]) * stride
    return where


def whole(shape: tuple[int, ...]) -> View:
    return View.whole(MEMORY, "float64", shape)


def cosine(*operands: Term) -> Apply:
    return Apply(None, operands, "float64", "float64", operands[0].shape, 1, "cosine")


def made(shape: tuple[int, ...]) -> Term:
    """Return a term with leaves of every sort, one of them shared."""
    shared = cosine(whole(shape), Uniform(2.0, "float64", shape))
    ramp = Ramp(shape, tuple(range(1, len(shape) + 1)), 3)
    row = View(MEMORY, "float64", shape, (0,) * len(shape), 5)
    index = Index(Ramp(shape, (-1,) * len(shape), 3), 10, False)
    return cosine(shared, ramp, row, Pick(row, (index,), (7,)), shared)


MEMORY_OF: dict[Buffer, Any] = {MEMORY: BASE}


@given(small, st.randoms())
@settings(deadline=None)
def test_a_moved_term_has_the_moved_values(shape: tuple[int, ...], random: object) -> None:
    term = made(shape)
    x = value(term, MEMORY_OF)
    axes = list(range(len(shape)))
    random.shuffle(axes)
    term, x = terms.transpose(term, axes), x.transpose(axes)
    np.testing.assert_array_equal(value(term, MEMORY_OF), x)
    steps = tuple(random.choice([1, 2, -1]) for _ in x.shape)
    start = tuple(n - 1 if d < 0 else 0 for n, d in zip(x.shape, steps, strict=True))
    x = x[tuple(slice(None, None, d) for d in steps)]
    term = terms.window(term, start, x.shape, steps)
    np.testing.assert_array_equal(value(term, MEMORY_OF), x)
    term, x = terms.broadcast_to(term, (2, *x.shape)), np.broadcast_to(x, (2, *x.shape))
    np.testing.assert_array_equal(value(term, MEMORY_OF), x)


@given(small, st.randoms())
@settings(deadline=None)
def test_a_reshaped_term_has_the_reshaped_values(shape: tuple[int, ...], random: object) -> None:
    term = made(shape)
    x = value(term, MEMORY_OF)
    for wanted in ((x.size,), (1, x.size), (*x.shape, 1), (2, x.size // 2), (x.size // 3, 3)):
        if math.prod(wanted) == x.size:
            found = terms.reshape(term, wanted)
            if found is not None:
                np.testing.assert_array_equal(value(found, MEMORY_OF), x.reshape(wanted))


def test_what_is_shared_stays_shared() -> None:
    term = made((2, 3))
    before = len(list(ordered([term])))
    for moved in (terms.transpose(term, (1, 0)), terms.broadcast_to(term, (4, 2, 3)), terms.reshape(term, (2, 3, 1))):
        assert moved is not None
        assert len(list(ordered([moved]))) == before


def test_operands_come_before_their_users_and_each_once() -> None:
    found = list(ordered([made((2,))]))
    assert len({id(x) for x in found}) == len(found)
    place = {id(x): i for i, x in enumerate(found)}
    assert all(place[id(part)] < place[id(x)] for x in found for part in terms.parts(x))


def test_what_a_view_holds_takes_its_place() -> None:
    view, other = whole((2, 3)), Buffer(BASE.nbytes, 1)
    held = cosine(View.whole(other, "float64", (2, 3)))
    (found,) = substitute([cosine(view, view)], {view: held})
    memory = {other: BASE[::-1]}
    np.testing.assert_array_equal(value(found, memory), 3 * np.cos(value(held, memory)))


def test_views_are_found_where_they_are_picked_from_too() -> None:
    assert len(list(terms.views_of([made((2,))]))) == 3


def test_a_planted_wrong_movement_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "window_strided", lambda x, start, size, step: replace(x, shape=size))
    with pytest.raises(AssertionError):
        test_a_moved_term_has_the_moved_values()
