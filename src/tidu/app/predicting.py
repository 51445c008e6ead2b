"""``tidu predict``: what does a saved model say of new rows, and how good is that, where the truth is known?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from tidu.app.writing import csv_text, require_suffix, write_array
from tidu.assessment.intervals import bootstrap_r2, r2, wilson
from tidu.data import Dataset, open_dataset, select_features
from tidu.data.target import class_codes
from tidu.errors import DataError, ParameterError
from tidu.persistence import atomic_write_text
from tidu.persistence.feed_forward import FeedForward
from tidu.words import Language, say

__all__ = ["run_predict"]

_SEED = 0


def run_predict(
    model: Path, data: str, target: str | None, output: Path | None, probabilities: bool, lang: Language
) -> None:
    """Predict, print or write, and score if there are true values."""
    if output is not None:
        require_suffix(output, (".csv", ".npy"))
    network = FeedForward.load(model)
    if probabilities and network.task == "regression":
        raise ParameterError(f"{str(model)!r} predicts a number; --probabilities needs a model of classes")
    rows = _fitting(_open(data, target, network, lang), network)
    outputs = network.outputs(rows.X)
    predicted = _named(outputs, network)
    if output is None:
        click.echo(_table(predicted, outputs if probabilities else None, network), nl=False)
    elif output.suffix.lower() == ".csv":
        atomic_write_text(output, _table(predicted, outputs if probabilities else None, network))
    else:
        write_array(output, outputs if probabilities else predicted)
    # Beside predictions on standard output the score must not stand in their way.
    aside = output is None
    if output is not None:
        click.echo(say("fit.predicted", lang, n=len(predicted), path=output))
    score = _score(rows, outputs, network, lang)
    if score:
        click.echo(score, err=aside)


def _open(data: str, target: str | None, network: FeedForward, lang: Language) -> Dataset:
    """Open the rows to be predicted, with the target if it is there."""
    found = open_dataset(data, target=target)
    name = network.target_name
    named = (*found.feature_names, *found.text_columns)
    if found.y is None and name is not None and name in named and name not in network.feature_names:
        found = open_dataset(data, target=name)
    if found.test is None:
        return found
    # The rest is what models are trained on.
    click.echo(say("fit.test_part", lang, name=data, n=found.test.n_samples), err=True)
    return found.test


def _fitting(rows: Dataset, network: FeedForward) -> Dataset:
    """Return the rows with the model's features; unnamed columns are taken by their number."""
    names = network.feature_names
    unnamed = all(name == f"x{i}" for i, name in enumerate(rows.feature_names))
    if unnamed and rows.n_features == len(names):
        return replace(rows, feature_names=names)
    if unnamed:
        raise DataError(
            f"{rows.X.name} has {rows.n_features} columns; the model expects {len(names)}",
            expected=len(names),
            got=rows.n_features,
        )
    return select_features(rows, names)


def _named(outputs: NDArray[np.float64], network: FeedForward) -> NDArray[np.generic]:
    if network.task == "regression":
        return outputs
    return np.asarray(np.array(network.class_names)[np.argmax(outputs, axis=1)])


def _table(predicted: NDArray[np.generic], probabilities: NDArray[np.float64] | None, network: FeedForward) -> str:
    header = [network.target_name or "prediction"]
    columns: list[list[object]] = [predicted.tolist()]
    if probabilities is not None:
        header += [f"p({name})" for name in network.class_names]
        columns += probabilities.T.tolist()
    return csv_text(header, zip(*columns, strict=True))


def _score(rows: Dataset, outputs: NDArray[np.float64], network: FeedForward, lang: Language) -> str:
    if rows.y is None:
        return ""
    true = rows.y.read(0, rows.n_samples)
    if network.task == "regression":
        if rows.class_names is not None:
            raise DataError(f"the target of {rows.X.name} holds text; the model predicts numbers")
        numbers = true.astype(np.float64)
        low, high = bootstrap_r2(numbers, outputs, _SEED)
        return say("fit.r2", lang, score=r2(numbers, outputs), low=low, high=high, n=len(true))
    codes = class_codes(true, rows.class_names, network.class_names)
    hits = int(np.sum(np.argmax(outputs, axis=1) == codes))
    low, high = wilson(hits, len(codes))
    return say("fit.accuracy", lang, score=100 * hits / len(codes), low=100 * low, high=100 * high, n=len(codes))
