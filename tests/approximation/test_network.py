"""A network is an ordinary one: it runs, is explained, is trained on, is saved and predicted with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.approximation import Network, relu_interpolant, tent_map
from tidu.data import as_source
from tidu.errors import ParameterError, ShapeError
from tidu.persistence.feed_forward import FeedForward

X = np.linspace(0.0, 1.0, 101)[:, None]


def random_network(hidden: tuple[int, ...] = (7, 5), n_features: int = 3) -> Network:
    return Network(tuple(nn.init_mlp([n_features, *hidden, 1], 0)), ("tanh",) * len(hidden))


def test_the_output_is_that_of_nn_mlp() -> None:
    network = random_network()
    rows = np.random.default_rng(0).normal(size=(50, 3))
    assert np.array_equal(network(rows), nn.mlp(network.params, rows, "tanh")[:, 0])


def test_many_rows_in_blocks_give_what_each_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_network()
    rows = np.random.default_rng(0).normal(size=(64, 3))
    whole = network(rows)
    monkeypatch.setattr("tidu.approximation.network._ROWS_BYTES", 8 * 7 * 16)
    np.testing.assert_allclose(network(rows), whole, rtol=1e-14)


def test_no_rows_give_no_values() -> None:
    assert random_network()(np.empty((0, 3))).shape == (0,)


def test_parameters_and_units_are_counted() -> None:
    network = random_network()
    assert (network.n_features, network.hidden, network.n_units) == (3, (7, 5), 12)
    assert network.n_parameters == 3 * 7 + 7 + 7 * 5 + 5 + 5 + 1


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        random_network()(np.zeros((4, 2)))
    assert caught.value.expected == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("shapes", "activations", "error"),
    [
        ([((1, 3), (2,)), ((3, 1), (1,))], ("relu",), ShapeError),
        ([((1, 3), (3,)), ((2, 1), (1,))], ("relu",), ShapeError),
        ([((1, 3), (3,)), ((3, 2), (2,))], ("relu",), ShapeError),
        ([], (), ShapeError),
        ([((1, 3), (3,)), ((3, 1), (1,))], (), ParameterError),
        ([((1, 3), (3,)), ((3, 1), (1,))], ("bent",), ParameterError),
    ],
)
def test_layers_that_make_no_network_are_refused(
    shapes: list[tuple[tuple[int, int], tuple[int]]], activations: tuple[str, ...], error: type[Exception]
) -> None:
    layers = tuple({"W": np.zeros(W), "b": np.zeros(b)} for W, b in shapes)
    with pytest.raises(error):
        Network(layers, activations)


def test_a_network_is_explained_at_a_point() -> None:
    network = tent_map(2)
    found = network.explain([0.2])
    assert np.ravel(found.value) == pytest.approx(network([[0.2]]))
    (slope,) = found.gradient.values()
    assert np.ravel(slope) == pytest.approx([4.0])
    assert "dnetwork/dx = [1, 1] [[4]]" in found.text()


def test_training_on_lowers_the_loss_of_a_constructed_network() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        return np.sin(5.0 * x)

    network = relu_interpolant(f, (0.0, 1.0), 6)
    data = (X, f(X[:, 0]))
    before = float(network.loss(network.params, data))
    found = tidu.fit(network.loss, network.params, data, optimizer=tidu.LBFGS(), progress=False)
    after = network.with_params(found.params)
    assert after.activations == network.activations
    assert float(np.mean((after(X) - data[1]) ** 2)) < 0.5 * before


def test_a_saved_network_is_what_tidu_predict_reads(tmp_path: Path) -> None:
    network = relu_interpolant(np.cos, (0.0, 1.0), 9)
    path = tmp_path / "cosine.safetensors"
    network.save(path, ["angle"], {"method": "polygon"})
    loaded = FeedForward.load(path)
    assert (loaded.task, loaded.feature_names, loaded.training) == ("regression", ("angle",), {"method": "polygon"})
    np.testing.assert_allclose(loaded.outputs(as_source(X)), network(X), atol=1e-6)


def test_features_without_names_are_numbered(tmp_path: Path) -> None:
    random_network().save(tmp_path / "m.safetensors")
    assert FeedForward.load(tmp_path / "m.safetensors").feature_names == ("x0", "x1", "x2")


def test_a_saved_network_bears_the_name_of_its_target(tmp_path: Path) -> None:
    random_network().save(tmp_path / "m.safetensors", target_name="price")
    assert FeedForward.load(tmp_path / "m.safetensors").target_name == "price"


def test_points_of_other_shapes_and_words_are_refused_in_one_line() -> None:
    network = random_network()
    for wrong in ([0.1], [0.1, 0.2, 0.3, 0.4]):
        with pytest.raises(ShapeError, match="the point must have 3 numbers, one for each input; got"):
            network.explain(wrong)
    with pytest.raises(ShapeError, match="X must be real numbers"):
        network([["a", "b", "c"]])  # type: ignore[list-item]


def test_a_saved_network_keeps_the_digits_of_a_narrow_domain_far_from_0(tmp_path: Path) -> None:
    ends = (1e6, 1e6 + 1.0)
    network = relu_interpolant(lambda x: np.sin(3.0 * (x - 1e6)), ends, 32)
    network.save(tmp_path / "m.safetensors", domain=(ends,))
    rows = X + 1e6
    np.testing.assert_allclose(
        FeedForward.load(tmp_path / "m.safetensors").outputs(as_source(rows)), network(rows), atol=1e-5
    )
