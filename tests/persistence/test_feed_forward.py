"""A network in a file comes back as it was, and a file that does not fit is refused before it is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tidu.data import as_source
from tidu.data.scaling import Scaling
from tidu.errors import ModelFileError
from tidu.persistence import load_model, save_model
from tidu.persistence.feed_forward import KIND, FeedForward


def network() -> FeedForward:
    rng = np.random.default_rng(0)
    return FeedForward(
        task="classification",
        weights=[rng.normal(size=(2, 8)), rng.normal(size=(8, 3))],
        biases=[rng.normal(size=8), rng.normal(size=3)],
        activations=["relu", "softmax"],
        scaling=Scaling("standard", np.array([20.0, 3.0]), np.array([10.0, 2.0])),
        feature_names=("width", "height"),
        target_name="kind",
        class_names=("iris", "rose", "tulip"),
        loss="softmax",
    )


@pytest.fixture
def saved_path(tmp_path: Path) -> Path:
    network().save(tmp_path / "saved.safetensors")
    return tmp_path / "saved.safetensors"


def test_a_network_comes_back_as_it_was(saved_path: Path) -> None:
    rows = as_source(np.random.default_rng(1).normal(size=(20, 2)) * 20.0)
    loaded = FeedForward.load(saved_path)
    assert np.array_equal(loaded.outputs(rows), network().outputs(rows))
    assert (loaded.layer_sizes, loaded.class_names) == ((2, 8, 3), ("iris", "rose", "tulip"))


def test_features_that_are_not_scaled_are_used_as_they_are(tmp_path: Path) -> None:
    plain = replace(network(), scaling=Scaling("none", np.zeros(2), np.ones(2)))
    plain.save(tmp_path / "m.safetensors")
    loaded = FeedForward.load(tmp_path / "m.safetensors")
    X = np.random.default_rng(1).normal(size=(20, 2))
    hidden = np.maximum(X.astype(np.float32) @ plain.weights[0] + plain.biases[0], 0.0)
    logits = hidden @ plain.weights[1] + plain.biases[1]
    assert loaded.scaling.kind == "none"
    assert np.array_equal(loaded.predict(as_source(X)), np.argmax(logits, axis=1))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "m.safetensors", "forest", {}, {"trees": np.ones(3)})
    with pytest.raises(ModelFileError) as caught:
        FeedForward.load(tmp_path / "m.safetensors")
    assert (caught.value.facts["expected"], caught.value.facts["got"]) == (KIND, "forest")


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("activations", ["softmax", "relu"]),
        ("activations", ["sorcery", "softmax"]),
        ("activations", []),
        ("activations", "relu"),
        ("classes", ["iris"]),
        ("features", ["width"]),
        ("scaling", "magic"),
        ("target_scale", float("nan")),
        ("target_scale", "1"),
        ("task", "astrology"),
        ("image", {"shape": [2, 2, 2]}),
        ("image", {"shape": [1, True, 2]}),
    ],
)
def test_a_model_file_whose_facts_do_not_fit_is_refused(
    saved_path: Path, tmp_path: Path, fact: str, value: object
) -> None:
    saved = load_model(saved_path)
    path = tmp_path / "m.safetensors"
    save_model(path, KIND, {**saved.facts, fact: value}, saved.tensors)  # type: ignore[dict-item]
    with pytest.raises(ModelFileError) as caught:
        FeedForward.load(path)
    assert caught.value.facts["path"] == path


@pytest.mark.parametrize("tensor", ["layers.0.weights", "layers.1.bias", "scaling.shift"])
@pytest.mark.parametrize("damage", ["missing", "nan", "shape"])
def test_a_model_file_whose_tensors_do_not_fit_is_refused(
    saved_path: Path, tmp_path: Path, tensor: str, damage: str
) -> None:
    saved = load_model(saved_path)
    tensors = dict(saved.tensors)
    if damage == "missing":
        del tensors[tensor]
    else:
        whole = tensors[tensor]
        tensors[tensor] = whole * np.nan if damage == "nan" else np.concatenate([whole, whole])
    save_model(tmp_path / "m.safetensors", KIND, saved.facts, tensors)
    with pytest.raises(ModelFileError):
        FeedForward.load(tmp_path / "m.safetensors")
