"""Movement: values as NumPy's, gradients back to where the elements came from."""

from __future__ import annotations

import numpy as np
import pytest

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions import shapes
from tidu.ops.movement import embed, take_window

X, M, V, S, E = normal(2, 3, 4), normal(3, 2), normal(5), np.float64(2.0), np.zeros((0, 3))
MOVES = {
    "reshape": (lambda x: (np.reshape(x, (4, -1)), x.reshape(-1), np.reshape(x, (4, 6), order="F")), X),
    "ravel": (lambda x: (np.ravel(x), np.ravel(x, "F"), x.flatten()), X),
    "squeeze": (lambda x: (np.squeeze(x[:1]), np.squeeze(x[:, None], axis=1), np.squeeze(x[:1, :, :1], (0, 2))), X),
    "expand_dims": (lambda x: (np.expand_dims(x, 0), np.expand_dims(x, (0, -1)), x[None]), M),
    "moveaxis": (lambda x: (np.moveaxis(x, 0, -1), np.moveaxis(x, [0, 1], [2, 0])), X),
    "swapaxes": (lambda x: (np.swapaxes(x, 0, 2), x.swapaxes(1, -1), x.mT), X),
    "rollaxis": (lambda x: [np.rollaxis(x, a, s) for a in (-3, 0, 2) for s in (-3, 0, 1, 3)], X),
    "matrix_transpose": (lambda x: (np.matrix_transpose(x), np.linalg.matrix_transpose(x)), X),
    "permute_dims": (lambda x: np.permute_dims(x, (2, 0, 1)), X),
    "flip": (lambda x: (np.flip(x), np.flip(x, 0), np.flip(x, (0, 2)), np.fliplr(x), np.flipud(x)), X),
    "flip of nothing": (np.flip, E),
    "rot90": (lambda x: [np.rot90(x, k, axes) for k in range(-2, 5) for axes in ((0, 1), (2, 0))], X),
    "roll": (lambda x: (np.roll(x, 2), np.roll(x, -7, 1), np.roll(x, (1, 2), (0, 2)), np.roll(x, 3, (0, 1))), X),
    "roll of nothing": (lambda x: np.roll(x, 1, 0), E),
    "tile": (lambda x: [np.tile(x, r) for r in (0, 1, 2, (2, 3), (2, 1, 3, 1))], X),
    "tile of a scalar": (lambda x: np.tile(x, 3), S),
    "repeat": (lambda x: (np.repeat(x, 3), np.repeat(x, 2, 1), np.repeat(x, [1, 0, 2], 1), x.repeat([2], 0)), X),
    "array_split": (lambda x: (np.array_split(x, 3), np.array_split(x, [1, 2]), np.array_split(x, [2, 1, 9, -1])), V),
    "split": (lambda x: (np.split(x, 2, 2), np.hsplit(x, 3), np.vsplit(x, 2), np.dsplit(x, [1, 3])), X),
    "split of nothing": (lambda x: np.array_split(x, 3), E),
    "unstack": (lambda x: np.moveaxis(x, 0, 1)[0], X),
    "stack": (lambda x: (np.stack([x, x]), np.stack([x, 2.0 * x], -1), np.stack([x[0], x[1]])), M),
    "stack of scalars": (lambda x: np.stack([x, 1.0, x]), S),
    "vstack": (lambda x: (np.vstack([x, x]), np.hstack([x, x]), np.dstack([x, x]), np.column_stack([x, x[:, 0]])), M),
    "hstack of vectors": (lambda x: (np.hstack([x, x]), np.vstack([x, x]), np.dstack([x]), np.column_stack([x, x])), V),
    "concatenate": (lambda x: (np.concatenate([x, x[:0], x]), np.concatenate([x, x], 1), np.concatenate([x], -1)), M),
    "concatenate flat": (lambda x: np.concatenate([x, x[0]], axis=None), M),
    "append": (lambda x: (np.append(x, [[1.0, 2.0]], 0), np.append(x, 3.0)), M),
    "block": (lambda x: (np.block([[x, x], [x, x]]), np.block([x, x]), np.block(x)), M),
    "block of ranks": (lambda x: np.block([x, 1.0, x]), V),
    "atleast": (lambda x: (np.atleast_1d(x), np.atleast_2d(x), np.atleast_3d(x)), V),
    "atleast of a scalar": (lambda x: (np.atleast_1d(x), np.atleast_2d(x, x), np.atleast_3d(x)), S),
    "broadcast_arrays": (lambda x: np.broadcast_arrays(x, np.ones(2), 3.0), M),
    "pad": (lambda x: (np.pad(x, 2), np.pad(x, (1, 3)), np.pad(x, ((0, 1), (2, 0)))), M),
    "pad with values": (lambda x: np.pad(x, ((1, 2), (1, 0)), constant_values=((3, 4.5), (5, 6))), M),
    "pad with itself": (lambda x: [np.pad(x, 2, m) for m in ("edge", "reflect", "symmetric", "wrap")], M),
    "delete": (lambda x: [np.delete(x, o, 1) for o in (1, -1, [0, 2], slice(0, 2))] + [np.delete(x, [0, 5])], X),
    "insert": (lambda x: [np.insert(x, o, v) for o, v in ((2, 9.0), ([1, 3], [5.0, 6.0]), ([1, 1], [5.0, 6.0]))], V),
    "insert lines": (lambda x: (np.insert(x, 1, [1.0, 2.0, 3.0], axis=1), np.insert(x, [0, 2], 7.0, axis=0)), M),
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_shape_and_dtype_are_those_of_numpy(name: str, dtype: str) -> None:
    function, array = MOVES[name]
    assert_equals_numpy(function, array.astype(dtype))


@pytest.mark.parametrize("name", MOVES)
def test_the_gradient_agrees_with_central_differences(name: str) -> None:
    function, array = MOVES[name]
    if np.size(array):
        assert_differentiable(function, array)


@pytest.mark.parametrize("name", [name for name in MOVES if "nothing" not in name])
def test_a_batch_is_moved_sample_by_sample(name: str) -> None:
    function, array = MOVES[name]
    assert_batches(function, np.stack([array, 2 * array, -array]))


def test_concatenate_promotes_and_casts_each_gradient_back() -> None:
    a, b = normal(2, dtype="float32"), normal(3)
    assert_equals_numpy(lambda a, b: np.concatenate([a, b]), a, b)
    da, db = tidu.grad(lambda a, b: np.sum(np.concatenate([a, b]) ** 2), argnums=(0, 1))(a, b)
    assert da.dtype == np.float32
    assert db.dtype == np.float64
    np.testing.assert_allclose(da, 2 * a)
    np.testing.assert_allclose(db, 2 * b)


def test_the_transpose_of_a_window_embeds_it() -> None:
    x, y = normal(7, 4), normal(3, 2)
    window = {"start": (6, 1), "step": (-2, 1)}
    left = np.sum(np.asarray(take_window(x, size=(3, 2), **window)) * y)
    right = np.sum(x * np.asarray(embed(y, (7, 4), **window)))
    assert left == pytest.approx(right)


def test_a_traced_value_can_be_the_padding() -> None:
    assert_differentiable(lambda x, c: np.concatenate([np.broadcast_to(c, (2,)), x]), V, np.array(1.5))


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: np.reshape(x, (5, 5)), ShapeError),
        (lambda x: np.squeeze(x, 0), ShapeError),
        (lambda x: np.stack([x, x[0]]), ShapeError),
        (lambda x: np.concatenate([x, x[0]]), ShapeError),
        (lambda x: np.concatenate([x, x.T]), ShapeError),
        (lambda x: np.split(x, 2), ShapeError),
        (lambda x: np.array_split(x, 0), ParameterError),
        (lambda x: np.moveaxis(x, [0, 0], [0, 1]), ShapeError),
        (lambda x: np.transpose(x, (0, 0)), ShapeError),
        (lambda x: np.broadcast_to(x, (4, 4)), ShapeError),
        (lambda x: np.rot90(x, axes=(0, 0)), ShapeError),
        (lambda x: np.repeat(x, [1, 2], axis=0), ShapeError),
        (lambda x: np.pad(x, -1), ParameterError),
        (lambda x: np.pad(x, 1, mode="linear_ramp"), UnsupportedError),
        (lambda x: np.ravel(x, "K"), UnsupportedError),
    ],
)
def test_what_does_not_fit_is_refused(function: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        tidu.grad(lambda x: np.sum(function(x)))(M)  # type: ignore[operator]


def test_pick_takes_one_slice() -> None:
    np.testing.assert_array_equal(shapes.pick(X, 1, 2), X[:, 2])
