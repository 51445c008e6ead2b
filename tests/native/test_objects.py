"""Objects are read as Python would read them, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tidu.native import objects
from tidu.native.objects import CALLED, FRAME_WORDS, NO_FIT, Layout, reader

W, b = np.ones((3, 4), np.float32), np.arange(4)


def described() -> Layout:
    layout = Layout()
    layout.container(tuple, 4)
    layout.container(list, 2)
    for slot, x in enumerate((W, b)):
        layout.leaf(x, slot)
    layout.container(dict, 2, ("k", "x"))
    for slot, x in enumerate((W, 1.0), start=2):
        layout.leaf(x, slot)
    layout.container(type(None), 0)
    layout.leaf(np.float64(1.0), 4)
    return layout


def read(root: object) -> tuple[int, list[int], list[float]]:
    """Return the answer, the addresses of arrays, and the numbers."""
    layout = described()
    program = layout.finish()
    frame = np.zeros(FRAME_WORDS + 8, np.int64)
    numbers = np.zeros(2)
    frame[1:3] = program.ctypes.data, layout.depth
    frame[FRAME_WORDS + 3 : FRAME_WORDS + 5] = numbers.ctypes.data + np.array([0, 8])
    function = reader()
    assert function is not None
    answer = function(root, frame.ctypes.data)
    return answer, frame[FRAME_WORDS : FRAME_WORDS + 3].tolist(), numbers.tolist()


FITS = ([W, b], {"x": 2.5, "k": W}, None, np.float64(3.5))


@pytest.mark.skipif(reader() is None, reason="this Python's objects have another form")
def test_what_fits_is_put_into_the_table() -> None:
    answer, addresses, numbers = read(FITS)
    assert answer == CALLED
    assert addresses == [W.ctypes.data, b.ctypes.data, W.ctypes.data]
    assert numbers == [2.5, 3.5]


class Own(np.ndarray):
    """No longer an ndarray exactly."""


@pytest.mark.skipif(reader() is None, reason="this Python's objects have another form")
@pytest.mark.parametrize(
    "wrong",
    [
        list(FITS),
        FITS[:3],
        (*FITS, 1.0),
        ((W, b), *FITS[1:]),
        ([W], *FITS[1:]),
        ([W, W], *FITS[1:]),
        ([W.T, b], *FITS[1:]),
        ([W.astype(np.float64), b], *FITS[1:]),
        ([W.astype(">f4"), b], *FITS[1:]),
        ([W[:, :3], b], *FITS[1:]),
        ([np.asfortranarray(W), b], *FITS[1:]),
        ([W[None], b], *FITS[1:]),
        ([W.view(Own), b], *FITS[1:]),
        ([1.0, b], *FITS[1:]),
        (FITS[0], {"x": 2.5}, *FITS[2:]),
        (FITS[0], {"x": 2.5, "z": W}, *FITS[2:]),
        (FITS[0], {"x": 2, "k": W}, *FITS[2:]),
        (FITS[0], {"x": np.float64(2.5), "k": W}, *FITS[2:]),
        (*FITS[:2], False, FITS[3]),
        (*FITS[:3], 3.5),
        None,
    ],
)
def test_what_does_not_fit_is_refused(wrong: object) -> None:
    assert read(wrong)[0] == NO_FIT


def test_another_form_of_objects_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert objects._is_known_form() == (reader() is not None)
    for name in ("_TYPE", "_DATA", "_NDIM", "_DESCR", "_FLAGS"):
        with monkeypatch.context() as planted:
            planted.setattr(objects, name, getattr(objects, name) + 8 * (1 if name != "_SHAPE" else 2))
            assert not objects._is_known_form()
    monkeypatch.setattr(objects.sys.implementation, "name", "another")
    assert not objects._is_known_form()


def test_subclasses_and_integers_are_not_described() -> None:
    layout = Layout()
    assert not layout.container(type("Own", (list,), {}), 1)
    assert not any(layout.leaf(x, 0) for x in (1, True, 1j, W.view(Own), np.float32(1.0), "x"))
