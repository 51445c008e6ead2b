"""What is a network once it has been found: arrays and facts, enough to predict and to be saved.

The file format is that of `tidu.persistence.model`: a safetensors file whose header describes every tensor.
This file knows nothing of how the network was found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource, blocks
from tidu.data.scaling import Scaling, ScalingKind, rows_per_block
from tidu.data.target import Task
from tidu.errors import ModelFileError
from tidu.nn import ACTIVATIONS
from tidu.persistence.model import JSON, load_model, save_model

__all__ = ["KIND", "FeedForward"]

KIND = "feed-forward-network"

_ABOUT = (
    "h = (x - scaling.shift) / scaling.scale in float64, then float32; for each layer i: "
    "h = activations[i](h @ layers.i.weights + layers.i.bias); a number is h * target_scale + target_shift, "
    "a class is the largest h; rows of weights are inputs, columns outputs"
)
_OUTPUTS = {"classification": "softmax", "regression": "identity"}


@dataclass(frozen=True, slots=True, eq=False)
class FeedForward:
    """A feed-forward network with all it needs to predict raw features.

    Attributes
    ----------
    task : "classification" or "regression"
        What it predicts.
    weights : sequence of ndarray of shape (in, out)
        One for each layer.
    biases : sequence of ndarray of shape (out,)
        One for each layer.
    activations : sequence of str
        One for each layer, the output's last.
    scaling : Scaling
        Of the features.
    feature_names : tuple of str
        One for each column.
    target_name : str or None
        Name of the target.
    class_names : tuple of str
        Empty for numbers.
    loss : str
        The loss of training.
    target_shift, target_scale : float
        A predicted number is ``h * target_scale + target_shift``.
    image_shape : tuple of int or None
        ``(rows, columns, channels)`` if the features are pixels in this order.
    training : mapping
        How it was trained, for the reader.
    """

    task: Task
    weights: Sequence[NDArray[np.floating]]
    biases: Sequence[NDArray[np.floating]]
    activations: Sequence[str]
    scaling: Scaling
    feature_names: tuple[str, ...]
    target_name: str | None
    class_names: tuple[str, ...]
    loss: str
    target_shift: float = 0.0
    target_scale: float = 1.0
    image_shape: tuple[int, int, int] | None = None
    training: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Widths from the input to the output."""
        return (self.weights[0].shape[0], *(one.shape[1] for one in self.weights))

    def outputs(self, X: BlockSource) -> NDArray[np.float64]:
        """Return class probabilities, or numbers in the units of the target.

        Parameters
        ----------
        X : BlockSource of shape (n_samples, n_features)
            Raw features, read a block at a time.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for numbers
        """
        rows = rows_per_block(max(self.layer_sizes))
        parts = [self._forward(self.scaling.apply(block)) for _, block in blocks(X, rows)]
        found = np.concatenate(parts).astype(np.float64)
        if self.task == "regression":
            return found[:, 0] * self.target_scale + self.target_shift
        return found

    def predict(self, X: BlockSource) -> NDArray[np.generic]:
        """Return class codes (int64), or numbers (float64)."""
        found = self.outputs(X)
        return found if self.task == "regression" else np.argmax(found, axis=1)

    def _forward(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        h = rows
        for weights, bias, name in zip(self.weights, self.biases, self.activations, strict=True):
            h = cast("NDArray[np.float32]", ACTIVATIONS[name](h @ weights + bias))
        return h

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as one file, or nothing."""
        tensors: dict[str, NDArray[np.generic]] = {
            "scaling.shift": self.scaling.shift,
            "scaling.scale": self.scaling.scale,
        }
        for i, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            tensors |= {f"layers.{i}.weights": weights, f"layers.{i}.bias": bias}
        image: JSON = None
        if self.image_shape is not None:
            image = {"shape": list(self.image_shape), "order": "row, column, channel"}
        facts: dict[str, JSON] = {
            "about": _ABOUT,
            "task": self.task,
            "loss": self.loss,
            "layer_sizes": list(self.layer_sizes),
            "activations": list(self.activations),
            "scaling": self.scaling.kind,
            "features": list(self.feature_names),
            "target": self.target_name,
            "classes": list(self.class_names),
            "image": image,
            "target_shift": self.target_shift,
            "target_scale": self.target_scale,
            "training": dict(self.training),
        }
        save_model(path, KIND, facts, tensors)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> FeedForward:
        """Read a network back; every fact is checked before it is used.

        Raises
        ------
        ModelFileError
            If the file is damaged, foreign, or its facts and tensors do not fit each other.
        """
        saved = load_model(path)
        if saved.kind != KIND:
            raise ModelFileError(
                f"{str(path)!r} holds a {saved.kind!r}; expected a {KIND!r} written by tidu",
                path=path,
                expected=KIND,
                got=saved.kind,
            )
        return _Facts(saved.facts, saved.tensors, path).checked()


@dataclass(frozen=True, slots=True)
class _Facts:
    """The content of a model file, distrusted."""

    facts: Mapping[str, JSON]
    tensors: Mapping[str, NDArray[np.generic]]
    path: object

    def checked(self) -> FeedForward:
        """Return the network, or refuse."""
        activations = self._names("activations")
        task = self._choice("task", ("classification", "regression"))
        features, classes = self._names("features"), self._names("classes")
        self._require(1 <= len(activations) <= 1000, "it has no layers")
        for name in activations:
            self._require(name in ACTIVATIONS, f"unknown activation {name!r}")
        self._require(activations[-1] == _OUTPUTS[task], f"the output of a {task} is {activations[-1]!r}")
        weights = [self._tensor(f"layers.{i}.weights", 2) for i in range(len(activations))]
        biases = [self._tensor(f"layers.{i}.bias", 1) for i in range(len(activations))]
        self._require(weights[0].shape[0] == len(features), "weights and features differ in number")
        for i, (one, bias) in enumerate(zip(weights, biases, strict=True)):
            self._require(one.shape[1] == len(bias), f"weights and bias of layer {i} do not fit")
            self._require(i == 0 or weights[i - 1].shape[1] == one.shape[0], f"layer {i} does not fit the one before")
        n_outputs = weights[-1].shape[1]
        wanted = 1 if task == "regression" else len(classes)
        self._require(n_outputs == wanted, f"{n_outputs} outputs for {wanted}")
        self._require(task == "regression" or len(classes) >= 2, "fewer than two classes")
        shift, scale = self._tensor("scaling.shift", 1), self._tensor("scaling.scale", 1)
        self._require(len(shift) == len(scale) == len(features), "scaling and features differ in number")
        training = self.facts.get("training")
        target = self.facts.get("target")
        return FeedForward(
            task=cast("Task", task),
            weights=weights,
            biases=biases,
            activations=activations,
            scaling=Scaling(
                cast("ScalingKind", self._choice("scaling", get_args(ScalingKind))),
                shift.astype(np.float64),
                scale.astype(np.float64),
            ),
            feature_names=tuple(features),
            target_name=target if isinstance(target, str) else None,
            class_names=tuple(classes),
            loss=str(self.facts.get("loss")),
            target_shift=self._number("target_shift"),
            target_scale=self._number("target_scale"),
            image_shape=self._image(len(features)),
            training=training if isinstance(training, dict) else {},
        )

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise ModelFileError(
                f"{str(self.path)!r} is no usable model: {problem}; write it again with tidu fit",
                path=self.path,
                reason=problem,
            )

    def _names(self, key: str) -> list[str]:
        found = self.facts.get(key)
        self._require(
            isinstance(found, list) and all(isinstance(x, str) for x in found), f"{key!r} is no list of names"
        )
        return cast("list[str]", found)

    def _choice(self, key: str, choices: tuple[str, ...]) -> str:
        found = self.facts.get(key)
        self._require(found in choices, f"{key!r} is {found!r}, expected one of {', '.join(choices)}")
        return cast("str", found)

    def _number(self, key: str) -> float:
        found = self.facts.get(key)
        self._require(isinstance(found, int | float) and bool(np.isfinite(found)), f"{key!r} is no finite number")
        return float(cast("float", found))

    def _tensor(self, name: str, ndim: int) -> NDArray[np.floating]:
        found = self.tensors.get(name)
        fits = found is not None and found.ndim == ndim and found.dtype.kind == "f" and bool(np.isfinite(found).all())
        self._require(fits, f"the tensor {name!r} is missing or not a finite array with {ndim} axes")
        return cast("NDArray[np.floating]", found)

    def _image(self, n_features: int) -> tuple[int, int, int] | None:
        image = self.facts.get("image")
        shape = image.get("shape") if isinstance(image, dict) else None
        if not isinstance(shape, list):
            return None
        sides = [side for side in shape if type(side) is int and side > 0]
        self._require(
            len(sides) == len(shape) == 3 and int(np.prod(sides)) == n_features, "its image shape does not fit"
        )
        return (sides[0], sides[1], sides[2])
