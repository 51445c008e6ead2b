"""Movement by strides shows the same elements as NumPy's."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidu.compile import views
from tidu.compile.views import Buffer, Ramp, View, collapse

small = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def view_of(x: np.ndarray, base: np.ndarray) -> View:
    offset = (x.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // x.itemsize
    strides = tuple(s // x.itemsize for s in x.strides)
    return View(Buffer(base.nbytes, 0), x.dtype.name, x.shape, strides, offset)


def shown(view: View | Ramp, base: np.ndarray) -> np.ndarray:
    """Read the elements one by one."""
    out = np.empty(view.shape, base.dtype)
    for index in np.ndindex(*view.shape):
        out[index] = base.ravel()[view.offset + sum(i * s for i, s in zip(index, view.strides, strict=True))]
    return out


@given(small, st.randoms())
def test_transposed_windows_broadcast_show_the_same_elements(shape: tuple[int, ...], random: object) -> None:
    base = np.arange(math.prod(shape), dtype=float).reshape(shape)
    x, view = base, View.whole(Buffer(base.nbytes, 0), "float64", shape)
    axes = list(range(len(shape)))
    random.shuffle(axes)
    x, view = x.transpose(axes), views.transpose_strided(view, tuple(axes))
    steps = [random.choice([1, 2, -1]) for _ in x.shape]
    x = x[tuple(slice(None, None, d) for d in steps)]
    start = tuple(n - 1 if d < 0 else 0 for n, d in zip(view.shape, steps, strict=True))
    view = views.window_strided(view, start, x.shape, tuple(steps))
    x, view = np.broadcast_to(x, (2, *x.shape)), views.broadcast_strided(view, (2, *x.shape))
    np.testing.assert_array_equal(shown(view, base), x)


@given(small, st.randoms())
def test_a_reshape_by_strides_shows_the_elements_in_order(shape: tuple[int, ...], random: object) -> None:
    base = np.arange(math.prod(shape), dtype=float).reshape(shape)
    axes = list(range(len(shape)))
    random.shuffle(axes)
    x = base.transpose(axes)
    for wanted in ((x.size,), (1, x.size), (*x.shape, 1), (2, x.size // 2), (x.size // 3, 3)):
        if math.prod(wanted) == x.size:
            found = views.reshape_strided(view_of(x, base), wanted)
            if found is not None:
                np.testing.assert_array_equal(shown(found, base), x.reshape(wanted))
            else:
                assert not x.flags.c_contiguous


def test_a_transposed_matrix_cannot_be_flattened_by_strides() -> None:
    base = np.arange(6.0).reshape(2, 3)
    assert views.reshape_strided(view_of(base.T, base), (6,)) is None
    assert views.reshape_strided(view_of(base, base), (3, 2)) is not None


@given(small, st.randoms())
def test_collapsed_axes_are_walked_in_the_same_order(shape: tuple[int, ...], random: object) -> None:
    base = np.arange(2 * math.prod(shape), dtype=float).reshape(2, *shape)
    one, two = View.whole(Buffer(base.nbytes), "float64", shape), view_of(base[1, ...], base)
    two = views.broadcast_strided(two, shape) if random.random() < 0.5 else two
    axes = list(range(len(shape)))
    if random.random() < 0.5:
        random.shuffle(axes)
    one, two = (views.transpose_strided(x, axes) for x in (one, two))
    lengths, (first, second) = collapse(one.shape, [one.strides, two.strides])
    assert 1 not in lengths
    for view, strides in ((one, first), (two, second)):
        joined = View(view.buffer, view.dtype, lengths, strides, view.offset)
        np.testing.assert_array_equal(shown(joined, base).ravel(), shown(view, base).ravel())


def test_a_view_knows_whether_it_is_all_of_its_buffer() -> None:
    base = np.zeros((3, 4))
    assert View.whole(Buffer(96), "float64", (3, 4)).fills_its_buffer
    for part in (base[:2], base[:, 1:], base.T, base[::-1]):
        assert not view_of(part, base).fills_its_buffer
    assert view_of(base[:2], base).contiguous
    assert not view_of(base.T, base).contiguous
