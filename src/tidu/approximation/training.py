"""How does a network learn a function from samples alone: the parts of a training put together.

Where weights start is told by `starting`, the coordinates they move in by `coordinates`, what moves them by
`tidu.learn`. This file knows nothing of the function itself, and nothing of constructed networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from tidu import nn
from tidu.approximation.coordinates import whitened
from tidu.approximation.network import Network
from tidu.approximation.splitting import Samples, split_samples
from tidu.approximation.starting import output_at_random, random_layers, solve_output, spread_layers
from tidu.errors import ParameterError
from tidu.learn.fit import fit
from tidu.learn.lbfgs import LBFGS
from tidu.learn.optimizers import Adam
from tidu.learn.schedules import CosineDecay, LearningRate, WarmUp, require_number

__all__ = ["OptimizerName", "StartName", "Trained", "train"]

Floats: TypeAlias = NDArray[np.float64]
Layers: TypeAlias = list[nn.Dense]
OptimizerName: TypeAlias = Literal["lbfgs", "adam"]
StartName: TypeAlias = Literal["spread", "random"]

_LBFGS = LBFGS(memory=30, tolerance=1e-9, relative_decrease=1e-12)
_LBFGS_EPOCHS, _ROUND_EPOCHS = 600, 150
"""Iterations of all rounds, and of one: after each the coordinates are chosen anew."""
_ADAM_EPOCHS, _BATCH_SIZE = 300, 256
_USUAL_RATE, _SPREAD_RATE, _CAUTIOUS_RATE = 1e-3, 1e-2, 1e-3
_WARM_UP_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network that learned from samples, and how its loss fell.

    Parameters
    ----------
    network : Network
    losses : ndarray of shape (1 + n_epochs,), float64
        Mean squared error in the unit of y squared over the samples that were learned from: at the start, and in
        each epoch.
    held_out_losses : ndarray of shape (1 + n_epochs,), float64
        That over the samples held out, at the start and after each epoch.
    """

    network: Network
    losses: Floats = field(repr=False)
    held_out_losses: Floats = field(repr=False)


def train(
    X: ArrayLike,
    y: ArrayLike,
    hidden: Sequence[int],
    activation: str = "relu",
    *,
    optimizer: OptimizerName = "lbfgs",
    start: StartName = "spread",
    solve: bool | None = None,
    whiten: bool | None = None,
    learning_rate: LearningRate | None = None,
    batch_size: int = _BATCH_SIZE,
    epochs: int | None = None,
    seed: int = 0,
) -> Trained:
    """Train a network of dense layers on samples of a function.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    y : array_like of shape (n_samples,)
        A tenth of the samples, drawn by the seed, is held out: it chooses the ridge of the start, and the epoch whose
        weights are returned. Where there are fewer than ten, those learned from do so.
    hidden : sequence of int
        Units of each hidden layer.
    activation : str
        Of the hidden units, by its name in `tidu.nn.ACTIVATIONS`.
    optimizer : {"lbfgs", "adam"}
    start : {"spread", "random"}
        Hidden units spread over standardized samples; or the usual way: nothing standardized, and weights and biases
        uniform between plus and minus ``1 / sqrt(n_in)``, as in PyTorch.
    solve : bool, optional
        Whether the output weights start as the solution of least squares. By default if the start is spread.
    whiten : bool, optional
        Whether weights are moved in whitened coordinates. By default if the start is spread.
    learning_rate : float or Schedule, optional
        Of Adam; in whitened coordinates a unit is the RMS error at the start. By default 1e-3 throughout for a
        random start; for a spread one a rise over 100 steps to 1e-2, or to 1e-3 if several hidden layers are
        whitened, and half a cosine down to 0.
    batch_size : int
        Samples of a step of Adam; L-BFGS takes all.
    epochs : int, optional
        By default at most 600 iterations of L-BFGS, or 300 passes of Adam over the samples; 0 leaves the weights
        where they start.
    seed : int
        The same seed gives the same bits.

    Returns
    -------
    Trained

    Raises
    ------
    DataError
        If there are fewer than 2 samples, or one is not finite.
    ShapeError
        If `X` has not 2 axes, or `y` is not one number for each of its rows.
    ParameterError
        If another argument has a value that is not accepted.
    ConvergenceError
        If the loss leaves the finite numbers.

    Examples
    --------
    >>> X = np.linspace(-1.0, 1.0, 200)[:, None]
    >>> y = np.sin(3.0 * X[:, 0])
    >>> trained = train(X, y, [8], "tanh")
    >>> bool(np.abs(trained.network(X) - y).max() < 0.01)
    True
    """
    _check(hidden, optimizer, start, batch_size, epochs)
    is_spread = start == "spread"
    rng = np.random.default_rng(nn.random.key(seed))
    samples = split_samples(X, y, rng, standardize=is_spread)
    with threadpool_limits(1, user_api="blas"):  # the bits of its sums depend on how many threads share them
        layers = _first_layers(samples, hidden, activation, rng, spread=is_spread)
        if is_spread if solve is None else solve:
            layers = _solved(layers, samples, activation)
        course = _Course(samples, activation, layers, is_spread if whiten is None else whiten, seed)
        if optimizer == "lbfgs":
            course.by_lbfgs(_LBFGS_EPOCHS if epochs is None else epochs)
        else:
            chosen = _rate(len(hidden), spread=is_spread, whiten=course.whiten)
            rate = chosen if learning_rate is None else learning_rate
            course.by_adam(rate, batch_size, _ADAM_EPOCHS if epochs is None else epochs)
    network = Network(samples.unscaled(course.layers), (activation,) * len(hidden))
    losses, held_out_losses = np.array(course.losses).T * samples.y_scale**2
    return Trained(network, losses, held_out_losses)


def _check(hidden: Sequence[int], optimizer: object, start: object, batch_size: object, epochs: object) -> None:
    for name, value, known in (("optimizer", optimizer, ("lbfgs", "adam")), ("start", start, ("spread", "random"))):
        if value not in known:
            raise ParameterError(f"{name} must be one of {', '.join(known)}; got {value!r}", name=name, got=value)
    for width in hidden:
        require_number("each width in hidden", width, 1)
    require_number("batch_size", batch_size, 1)
    if epochs is not None:
        require_number("epochs", epochs, 0)


def _rate(n_hidden: int, *, spread: bool, whiten: bool) -> LearningRate:
    if not spread:
        return _USUAL_RATE
    # Whitening takes layers as independent; of several, Adam's steps add up to more than it reckons with.
    return WarmUp(CosineDecay(_CAUTIOUS_RATE if whiten and n_hidden > 1 else _SPREAD_RATE), n_steps=_WARM_UP_STEPS)


def _first_layers(
    samples: Samples, hidden: Sequence[int], activation: str, rng: np.random.Generator, *, spread: bool
) -> Layers:
    sizes = [samples.X.shape[1], *hidden]
    if not spread:
        return random_layers([*sizes, 1], rng)
    return [*spread_layers(samples.X, hidden, activation, rng), output_at_random(sizes[-1], samples.y, rng)]


def _solved(layers: Layers, samples: Samples, activation: str) -> Layers:
    """Return the layers with an output that is solved for."""
    features, held_features = samples.X, samples.held_X
    bend = nn.activation(activation)
    for layer in layers[:-1]:
        features, held_features = (np.asarray(bend(nn.dense(layer, x))) for x in (features, held_features))
    return [*layers[:-1], solve_output(features, samples.y, held_features, samples.held_y)]


def _as_layers(params: object) -> Layers:
    return cast("Layers", params)


class _Course:
    """Weights on their way; those that do best on the samples held out are kept."""

    def __init__(self, samples: Samples, activation: str, layers: Layers, whiten: bool, seed: int) -> None:
        self.layers, self.whiten = layers, whiten
        self._samples, self._activation, self._seed = samples, activation, seed
        self.losses = [(self._error(samples.X, samples.y), self._error(samples.held_X, samples.held_y))]
        """Over the samples learned from and over those held out."""

    def by_lbfgs(self, n_epochs: int) -> None:
        """Go round by round, until one brings nothing."""
        length = _ROUND_EPOCHS if self.whiten else n_epochs
        for done in range(0, n_epochs, max(length, 1)):
            if not self._round(optimizer=_LBFGS, epochs=min(length, n_epochs - done)):
                return

    def by_adam(self, learning_rate: LearningRate, batch_size: int, n_epochs: int) -> None:
        """Go in one round: the learning rate describes it as a whole."""
        if n_epochs:
            self._round(optimizer=Adam(learning_rate), epochs=n_epochs, batch_size=batch_size)

    def _round(self, **settings: object) -> bool:
        """Descend from where the weights are; return whether that did any good."""
        samples, activation = self._samples, self._activation
        learned, judged = self._error(samples.X, samples.y), self._error(samples.held_X, samples.held_y)
        unit = math.sqrt(learned)
        if unit <= np.finfo(np.float64).eps * np.abs(samples.y + samples.y_shift / samples.y_scale).max():
            return False  # what is missed is rounding of y
        origin: object = self.layers
        layers_at: Callable[[object], Layers] = _as_layers
        if self.whiten:
            coordinates = whitened(self.layers, samples.X, activation, unit)
            origin, layers_at = coordinates.origin(), cast("Callable[[object], Layers]", coordinates.layers)

        def loss(params: object, batch: tuple[Floats, Floats]) -> object:
            X, y = batch
            outputs = cast("Floats", nn.mlp(layers_at(params), X, activation))[:, 0]
            return np.mean(((outputs - y) / unit) ** 2)  # SciPy's tolerances are meant for losses of about 1

        result = fit(
            loss,
            origin,
            (samples.X, samples.y),
            validation=(samples.held_X, samples.held_y),
            seed=self._seed,
            progress=False,
            threads=1,  # to measure whether more of them pay takes longer than such a network
            **settings,  # type: ignore[arg-type]
        )
        if result.stopped == "interrupted":
            raise KeyboardInterrupt  # `fit` has kept what there was; here nobody would know
        found = [(record.loss * learned, cast("float", record.validation_loss) * learned) for record in result.history]
        self.losses += found
        if not found or min(found, key=lambda pair: pair[1])[1] >= judged:
            return False
        self.layers = [{name: np.asarray(a) for name, a in layer.items()} for layer in layers_at(result.params)]
        return True

    def _error(self, X: Floats, y: Floats) -> float:
        outputs = np.asarray(nn.mlp(self.layers, X, self._activation))[:, 0]
        return float(np.mean((outputs - y) ** 2))
