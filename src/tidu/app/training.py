"""How are the linear model and the network fitted: the estimators' own objective, minimized by `tidu.fit`.

The linear model's loss is convex, so L-BFGS takes it to its minimum, and a certificate says how near that
is. The network is trained by Adam and stopped by the validation rows. Where the features, or the arrays of
L-BFGS beside them, do not fit into the memory allowed, Adam serves the linear model too, batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import click
import numpy as np
from numpy.typing import NDArray

from tidu.app.outcome import Curves
from tidu.app.problem import Part, Problem
from tidu.app.progress import EpochBar
from tidu.app.settings import FitSettings
from tidu.assessment.intervals import r2
from tidu.data import BlockSource, as_source, blocks
from tidu.data.scaling import ScaledSource, rows_per_block, scaled_matrix
from tidu.errors import BudgetError
from tidu.estimators.linear_certificate import LinearCertificate, certify
from tidu.estimators.mlp_objective import OUTPUTS, Objective, Params, initial_params
from tidu.estimators.mlp_parameters import network_of
from tidu.learn import LBFGS, Adam, fit
from tidu.learn.batches import SOURCE_BUFFER_BYTES
from tidu.learn.history import EpochRecord, FitResult
from tidu.learn.probe import MemoryPlan
from tidu.persistence.feed_forward import FeedForward
from tidu.persistence.model import JSON
from tidu.words import say

__all__ = ["LINEAR_PENALTY", "NETWORK_PENALTY", "Features", "Trained", "open_features", "train"]

Matrix = NDArray[np.generic]

LINEAR_PENALTY = 1.0
NETWORK_PENALTY = 1e-4
_PATIENCE = 10
_TOLERANCE = 1e-3
# With so few numbers an iteration over all rows takes milliseconds.
_SMALL = 10_000_000
_ITERATIONS, _ITERATIONS_SMALL = 100, 1000
# The share of the memory allowed that the features may take; the rest is for steps and results.
_FEATURES_SHARE = 0.7
_CERTIFICATE_BYTES = 512 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Scaled features of the rows to fit and to validate, in memory or read when needed.

    Attributes
    ----------
    fitting, validation : ndarray or BlockSource
        float32.
    held_bytes : int
        What they hold in memory; 0 if they are read from their source.
    """

    fitting: Matrix | BlockSource
    validation: Matrix | BlockSource
    held_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network, and how it came about.

    Attributes
    ----------
    network : FeedForward
        Ready to predict and to be saved.
    curves : Curves
        Epoch by epoch.
    settings : mapping of str to object
        By phrase of `tidu.words.report`.
    certificate : LinearCertificate or None
        For a linear model whose features were in memory.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    network: FeedForward
    curves: Curves
    settings: dict[str, object]
    certificate: LinearCertificate | None
    interrupted: bool


def open_features(problem: Problem, memory_limit: int | None) -> Features:
    """Load the scaled features if they fit into the memory allowed, else leave them where they are."""
    n_rows = problem.fitting.n_samples + problem.validation.n_samples
    needed = 4 * n_rows * problem.data.n_features
    if memory_limit is not None and needed > _FEATURES_SHARE * memory_limit:
        fitting, validation = (ScaledSource(part.X, problem.scaling) for part in (problem.fitting, problem.validation))
        return Features(fitting, validation, 0)
    return Features(
        scaled_matrix(problem.fitting.X, problem.scaling),
        scaled_matrix(problem.validation.X, problem.scaling),
        needed,
    )


def train(name: str, problem: Problem, features: Features, settings: FitSettings) -> Trained:
    """Fit the "linear" model or the "network".

    Raises
    ------
    ConvergenceError
        If the loss is not finite, with too large a learning rate, say.
    BudgetError
        If the memory limit is too small.
    """
    if name == "linear" and features.held_bytes > 0:
        try:
            return _trained(name, problem, features, settings, whole=True)
        except BudgetError:
            # The limit may still allow steps of a few rows each; it is checked again for them.
            click.echo(say("fit.linear_by_batch", settings.lang))
    try:
        return _trained(name, problem, features, settings, whole=False)
    except BudgetError as error:
        plan = cast("MemoryPlan", error.facts["plan"])
        raise _refusal(name, plan, features.held_bytes, cast("int", settings.memory_limit)) from error


def _refusal(name: str, plan: MemoryPlan, held_bytes: int, limit: int) -> BudgetError:
    """Say what is needed in terms of the command line; `plan` counts what stands beside the features held."""
    needed = held_bytes + plan.total
    # What no batch, however small, does without.
    least = (held_bytes or SOURCE_BUFFER_BYTES) + plan.order + plan.params + plan.optimizer
    instead = ", or a smaller --batch-size" if least < limit else ""
    return BudgetError(
        f"training the {say(f'fit.{name}')} takes {needed:,} bytes ({held_bytes:,} of them for features), "
        f"but --memory-limit is {limit:,}; give a larger one{instead}",
        needed=needed,
        limit=limit,
        plan=plan,
    )


def _trained(name: str, problem: Problem, features: Features, settings: FitSettings, *, whole: bool) -> Trained:
    """Fit by L-BFGS over the `whole` rows at once, or by Adam over batches."""
    linear = name == "linear"
    network = network_of(() if linear else settings.hidden, "relu", 0.0)
    loss = "softmax" if problem.classifies else "squared_error"
    objective = Objective(network, loss, LINEAR_PENALTY if linear else NETWORK_PENALTY)
    n_outputs = max(len(problem.target.class_names), 1)
    n_features = problem.data.n_features
    generator = np.random.RandomState(settings.seed)
    params = initial_params(network, n_features, n_outputs, np.dtype(np.float32), generator)
    if whole:
        # The least loss is sought from zero, where the scores of all classes are equal.
        params = Params(
            coefs=[0 * one for one in params["coefs"]], intercepts=[0 * one for one in params["intercepts"]]
        )
    y, y_validation = _targets(problem.fitting, problem), _targets(problem.validation, problem)
    validated = problem.validation.n_samples > 0
    epochs = settings.most_epochs(problem.fitting.n_samples)
    if whole:
        small = problem.fitting.n_samples * n_features <= _SMALL
        epochs = _ITERATIONS_SMALL if small else _ITERATIONS
    losses: list[float] = []
    scores: list[float] = []
    watch = _Watch(objective, features.validation, y_validation, losses, scores) if validated else None
    limit = None if settings.memory_limit is None else max(settings.memory_limit - features.held_bytes, 1)
    result = fit(
        objective.plain,
        params,
        (features.fitting, y),
        optimizer=LBFGS() if whole else Adam(settings.learning_rate),
        epochs=epochs,
        batch_size=None if whole else min(settings.batch_size, problem.fitting.n_samples),
        seed=settings.seed,
        shuffle=not whole,
        validation=(features.validation, y_validation) if validated and not whole else None,
        patience=_PATIENCE if validated and not whole else None,
        memory_limit=limit,
        callbacks=() if watch is None else (watch,),
        progress=EpochBar(say(f"fit.{name}", settings.lang), settings.lang),
        gradient_norms=True,
        threads=settings.threads,
    )
    best = cast("Params", result.params)
    return Trained(
        network=_network(best, objective, problem, settings, result),
        curves=_curves(result, losses, scores),
        settings=_described(name, objective, whole, epochs, settings, result, features),
        certificate=_certificate(best, objective, problem, features, settings, y) if linear else None,
        interrupted=result.stopped == "interrupted",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """A callback: after each epoch, loss and score of the validation rows."""

    objective: Objective
    X: Matrix | BlockSource
    y: Matrix
    losses: list[float]
    scores: list[float]

    def __call__(self, record: EpochRecord, params: object) -> None:
        """Take note; a second reading of the rows gives the score, of which `fit` knows nothing."""
        found = cast("Params", params)
        loss, parts = 0.0, []
        for first, block in blocks(as_source(self.X), rows_per_block(self.X.shape[1])):
            X = cast("NDArray[np.floating]", block)
            mean = self.objective.data_loss(found, (X, self.y[first : first + len(X)]))
            loss += len(X) * float(cast("np.floating", mean))
            parts.append(self.objective.scores(found, X))
        scores = np.concatenate(parts)
        self.losses.append(loss / len(scores))
        if scores.shape[1] > 1:
            self.scores.append(float(np.mean(np.argmax(scores, axis=1) == self.y)))
        else:
            self.scores.append(r2(self.y[:, 0].astype(np.float64), scores[:, 0].astype(np.float64)))


def _targets(part: Part, problem: Problem) -> Matrix:
    if problem.classifies:
        return part.y
    return ((part.y.astype(np.float64) - problem.shift) / problem.scale).astype(np.float32)[:, None]


def _curves(result: FitResult, losses: Sequence[float], scores: Sequence[float]) -> Curves:
    history = result.history
    norms: dict[str, list[float]] = {}
    for record in history:
        for path, norm in record.gradient_norms.items():
            if "coefs" in path:
                norms.setdefault(path, []).append(norm)
    return Curves(
        losses=[record.loss for record in history],
        validation_losses=list(losses),
        validation_scores=list(scores),
        gradient_norms={str(i): line for i, line in enumerate(norms.values(), 1)},
    )


def _network(
    params: Params, objective: Objective, problem: Problem, settings: FitSettings, result: FitResult
) -> FeedForward:
    training: dict[str, JSON] = {
        "command": settings.command,
        "seed": settings.seed,
        "penalty": objective.alpha,
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "stopped": result.stopped,
        "n_fitting": problem.fitting.n_samples,
        "n_validation": problem.validation.n_samples,
    }
    data = problem.data
    return FeedForward(
        task=problem.target.task,
        weights=params["coefs"],
        biases=params["intercepts"],
        activations=(*objective.network.activations, OUTPUTS.get(objective.loss, "identity")),
        scaling=problem.scaling,
        feature_names=data.feature_names,
        target_name=data.target_name,
        class_names=problem.target.class_names,
        loss=objective.loss,
        target_shift=problem.shift,
        target_scale=problem.scale,
        image_shape=data.image_shape,
        training=training,
    )


def _described(
    name: str,
    objective: Objective,
    whole: bool,
    epochs: int,
    settings: FitSettings,
    result: FitResult,
    features: Features,
) -> dict[str, object]:
    found: dict[str, object] = {
        "layers": " → ".join(str(one.shape[0]) for one in cast("Params", result.params)["coefs"])
        + f" → {cast('Params', result.params)['intercepts'][-1].shape[0]}",
        "loss": objective.loss,
        "penalty": objective.alpha,
        "optimizer": "L-BFGS" if whole else f"Adam({settings.learning_rate:g})",
    }
    if name == "linear" and features.held_bytes > 0 and not whole:
        found["why_batches"] = "limit"
    if not whole:
        found["batch_size"] = settings.batch_size
    found["epochs"] = f"{len(result.history)} / {epochs}"
    if result.best_epoch is not None:
        found["best_epoch"] = result.best_epoch
    found["in_memory"] = features.held_bytes
    return found


def _certificate(
    params: Params,
    objective: Objective,
    problem: Problem,
    features: Features,
    settings: FitSettings,
    y: Matrix,
) -> LinearCertificate | None:
    """Certify the minimum, if the float64 copy of the features that this takes is allowed."""
    if not isinstance(features.fitting, np.ndarray):
        return None
    allowed = _CERTIFICATE_BYTES
    if settings.memory_limit is not None:
        allowed = min(allowed, settings.memory_limit - features.held_bytes)
    if 8 * features.fitting.size > allowed:
        return None
    targets = np.eye(len(problem.target.class_names))[y] if problem.classifies else y
    return certify(
        objective.loss,
        features.fitting,
        targets,
        None,
        params["coefs"][0],
        params["intercepts"][0],
        objective.alpha,
        _TOLERANCE,
    )
