"""``tidu knn``: exact nearest neighbors within a limit of memory, from files.

What is given is opened and checked by `searching_inputs`, votes are counted by `searching_votes`, results
written by `searching_results`; this file says in which order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from tidu.app.neighborhood import pairs_bar, prepare_search, run_search
from tidu.app.searching_inputs import Inputs, SearchSettings, check_settings, open_inputs
from tidu.app.searching_results import Found, show_found, write_found
from tidu.app.searching_votes import accuracy, predicted_labels
from tidu.neighbors import radius_neighbors
from tidu.words import say

__all__ = ["run_knn"]


def run_knn(settings: SearchSettings) -> None:
    """Print the plan, search, print accuracies, and write or print what was found."""
    check_settings(settings)
    inputs = open_inputs(settings)
    found = _nearest(inputs, settings) if settings.radius is None else _within(inputs, settings)
    if settings.output is None:
        show_found(found)
    else:
        write_found(settings.output, found)
        _say(say("knn.wrote", settings.lang, path=settings.output), settings.output)


def _nearest(inputs: Inputs, settings: SearchSettings) -> Found:
    k = max(settings.k, *settings.votes) if settings.votes else settings.k
    job = prepare_search(
        inputs.queries,
        inputs.data,
        k,
        settings.metric,
        settings.memory_limit,
        algorithm=settings.algorithm,
        threads=settings.threads,
        where=inputs.where,
        n_allowed=inputs.n_allowed,
        index=settings.index,
        checkpoint_dir=settings.checkpoint_dir,
        resume=settings.resume,
    )
    with _announced(job.plan.text(settings.lang), settings.output):
        distances, indices = run_search(job, settings.lang)
    predicted = None
    if inputs.labels is not None:
        for asked in settings.votes or (settings.k,):
            votes = predicted_labels(distances, indices, asked, inputs.labels, settings)
            if asked == settings.k:
                predicted = votes
            if inputs.query_labels is not None:
                hits = accuracy(votes, inputs.query_labels)
                facts = {"k": asked, "share": 100 * hits / len(votes), "hits": hits, "n": len(votes)}
                _say(say("knn.accuracy", settings.lang, **facts), settings.output)
        if predicted is None:
            predicted = predicted_labels(distances, indices, settings.k, inputs.labels, settings)
    return Found(indices[:, : settings.k], distances[:, : settings.k], None, predicted)


def _within(inputs: Inputs, settings: SearchSettings) -> Found:
    assert settings.radius is not None
    n_queries = (inputs.data if inputs.queries is None else inputs.queries).shape[0]
    facts = {"radius": settings.radius, "n_queries": n_queries, "n_rows": inputs.data.shape[0]}
    n_pairs = n_queries * inputs.data.shape[0]
    with (
        _announced(say("knn.within", settings.lang, **facts), settings.output),
        pairs_bar(n_pairs, settings.lang) as progress,
    ):
        far, near = radius_neighbors(
            inputs.queries,
            inputs.data,
            settings.radius,
            settings.metric,
            settings.memory_limit,
            sort_results=True,
            progress=progress,
            threads=settings.threads,
            where=inputs.where,
        )
    offsets = np.zeros(n_queries + 1, np.int64)
    np.cumsum([len(part) for part in near], out=offsets[1:])
    indices, distances = np.empty(offsets[-1], np.int64), np.empty(offsets[-1])
    for row, (start, stop) in enumerate(pairwise(offsets)):
        indices[start:stop], distances[start:stop] = near[row], far[row]
        near[row] = far[row] = None  # nothing is held twice
    return Found(indices, distances, offsets, None)


@contextmanager
def _announced(text: str, output: Path | None) -> Iterator[None]:
    """Print what is going to be done before it is done; beside a table afterwards, so that an error stands alone."""
    if output is not None:
        _say(text, output)
    yield
    if output is None:
        _say(text, output)


def _say(text: str, output: Path | None) -> None:
    """Print what a person reads; standard output is for the table if that goes there."""
    click.echo(text, err=output is None)
