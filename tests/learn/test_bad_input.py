import numpy as np
import pytest

import tidu
from tidu.errors import DataError, DtypeError, ParameterError, ShapeError, TiduWarning, UnsupportedError

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X.sum(axis=1)
START = np.zeros(3)


def loss(params, batch):
    X, y = batch
    return np.mean((X @ params - y) ** 2)


def quiet(loss=loss, params=START, data=(X, Y), **keywords):
    return tidu.fit(loss, params, data, progress=False, **{"epochs": 1, **keywords})


def holed(value):
    broken = X.copy()
    broken[7, 1] = value
    return broken


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ((X, Y[:-1]), "data[1]"),
        ({"a": X[:0], "b": Y[:0]}, "data['a']"),
        ((holed(np.nan), Y), "data[0]"),
        ((holed(np.inf), Y), "data[0]"),
        ((X, 3.0), "data[1]"),
        ((X, np.array(3.0)), "data[1]"),
        ((X, Y.astype(str)), "data[1]"),
        ((X, Y.astype(object)), "data[1]"),
        ((X, "target"), "data[1]"),
        ((np.ma.masked_greater(X, 1.0), Y), "data[0]"),
    ],
)
def test_bad_data_are_named(data, path):
    with pytest.raises(DataError) as caught:
        quiet(data=data)
    assert caught.value.path == path
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hole_is_found_wherever_it_is():
    long = np.zeros((700_000, 2))
    long[654_321, 1] = np.nan
    with pytest.raises(DataError) as caught:
        quiet(lambda p, batch: np.sum(p * np.mean(batch)), np.zeros(1), long)
    assert caught.value.index == (654_321, 1)


def test_no_data_and_no_parameters_are_refused():
    with pytest.raises(DataError):
        quiet(data=())
    with pytest.raises(DtypeError):
        quiet(params={})


@pytest.mark.parametrize(
    ("leaf", "dtype"), [(np.zeros(3, int), "int64"), (3, "int64"), (np.zeros(3, complex), "complex128")]
)
def test_parameters_that_cannot_be_learned_are_named(leaf, dtype):
    with pytest.raises(DtypeError) as caught:
        quiet(params={"W": START, "n": leaf})
    assert (caught.value.path, caught.value.got) == ("params['n']", dtype)


@pytest.mark.parametrize(
    "keywords",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"batch_size": 0},
        {"batch_size": "32"},
        {"seed": -1},
        {"optimizer": "adam"},
        {"optimizer": 0.1},
        {"optimizer": tidu.Adam},
        {"patience": 0},
        {"min_delta": -1.0},
        {"clip_norm": 0.0},
        {"validation": 0.0},
        {"validation": 1.0},
        {"validation": 0.01},
        {"validation": True},
        {"metrics": {"a": loss}},
        {"eval_loss": loss},
        {"threads": 0},
        {"checkpoint_dir": "run"},
        {"resume": True},
        {"memory_limit": "much"},
        {"shuffle": "yes"},
        {"shuffle": None},
        {"shuffle": np.zeros((0, 4), int), "epochs": None},
        {"shuffle": np.zeros((2, 4)), "epochs": None},
        {"shuffle": np.full((2, 4), 20), "epochs": None},
        {"shuffle": np.full((2, 4), -1), "epochs": None},
        {"shuffle": np.zeros((2, 4), int), "epochs": 1},
        {"shuffle": np.zeros((2, 4), int), "epochs": None, "batch_size": 8},
        {"shuffle": np.zeros((2, 4), int), "epochs": None, "validation": 0.5},
        {"optimizer": tidu.LBFGS(), "batch_size": 5},
        {"optimizer": tidu.LBFGS(), "clip_norm": 1.0},
        {"optimizer": tidu.LBFGS(), "shuffle": np.zeros((2, 4), int)},
    ],
    ids=lambda keywords: "-".join(keywords),
)
def test_bad_arguments_are_refused_in_one_line(keywords):
    with pytest.raises(ParameterError) as caught:
        quiet(**keywords)
    assert "\n" not in str(caught.value)


def test_validation_rows_must_be_nested_like_the_data():
    for validation in ((X,), (X[:, :2], Y), {"X": X, "y": Y}):
        with pytest.raises(ShapeError):
            quiet(validation=validation)
    with pytest.raises(DataError) as caught:
        quiet(validation=(X, Y[:3]))
    assert caught.value.path == "validation[1]"


def test_a_loss_of_the_wrong_shape_dtype_or_signature_is_refused():
    with pytest.raises(ShapeError) as caught:
        quiet(lambda params, batch: (batch[0] @ params - batch[1]) ** 2)
    assert caught.value.got == [(20,)]
    with pytest.raises(ShapeError):
        quiet(lambda params, batch: (loss(params, batch), 1.0))
    with pytest.raises(DtypeError):
        quiet(lambda params, batch: np.sum(batch[0] > 0))
    for bad in (lambda params: 0.0, "loss", None):
        with pytest.raises(ParameterError):
            quiet(bad)
    with pytest.raises(UnsupportedError):
        quiet(lambda params, batch: np.sum(np.i0(params)))


def test_a_loss_that_needs_a_key_cannot_validate_without_help():
    def needs(params, batch, key):
        return loss(params, batch)

    for keywords in ({"validation": 0.5}, {"optimizer": tidu.LBFGS()}):
        with pytest.raises(ParameterError):
            quiet(needs, **keywords)
    assert quiet(needs, validation=0.5, eval_loss=loss).history[0].validation_loss > 0


def test_a_third_argument_with_a_default_is_the_users_own():
    def penalized(params, batch, strength=0.5):
        return loss(params, batch) + strength * np.sum(params**2)

    assert quiet(penalized).n_steps == 1


def test_a_score_or_validation_loss_that_is_not_finite_ends_the_run():
    with pytest.raises(tidu.errors.ConvergenceError):
        quiet(validation=lambda params: float("nan"))
    with pytest.raises(ShapeError):
        quiet(validation=lambda params: np.zeros(2))


def test_pixels_that_widen_a_float32_model_are_warned_of():
    pixels = np.zeros((20, 3), np.uint8)

    def careless(params, batch):
        return np.mean((batch / 255.0) @ params)

    def careful(params, batch):
        return np.mean((batch.astype(np.float32) / 255.0) @ params)

    with pytest.warns(TiduWarning, match=r"uint8\[20,3\].*test_bad_input.py") as caught:
        quiet(careless, np.zeros(3, np.float32), pixels)
    assert len(caught) == 1
    quiet(careful, np.zeros(3, np.float32), pixels)
    quiet(careless, np.zeros(3), pixels)
