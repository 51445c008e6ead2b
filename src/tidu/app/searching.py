"""``tidu knn``: exact nearest neighbors within a limit of memory, from files."""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app.neighborhood import find_neighbors, plan_of
from tidu.app.writing import csv_text, require_suffix, write_arrays
from tidu.data import as_source
from tidu.errors import ParameterError
from tidu.neighbors import METRICS
from tidu.words import Language, say

__all__ = ["run_knn"]


def run_knn(
    train: str,
    queries: str,
    k: int,
    metric: str,
    output: Path | None,
    memory_limit: int | None,
    lang: Language,
) -> None:
    """Print the plan, search, and write or print what was found."""
    if output is not None:
        require_suffix(output, (".npz",))
    if metric not in METRICS:
        raise ParameterError(f"--metric must be one of {', '.join(METRICS)}; got {metric!r}", got=metric)
    data, asked = as_source(train), as_source(queries)
    plan = plan_of(asked, data, k, metric, memory_limit)
    if output is not None:
        click.echo(plan.text(lang))
    distances, indices = find_neighbors(asked, data, k, metric, memory_limit, lang)
    if output is not None:
        write_arrays(output, {"distances": distances, "indices": indices})
        click.echo(say("fit.wrote", lang, path=output))
        return
    header = [f"index{i}" for i in range(k)] + [f"distance{i}" for i in range(k)]
    rows = ([*near, *far] for near, far in zip(indices.tolist(), distances.tolist(), strict=True))
    click.echo(plan.text(lang), err=True)
    click.echo(csv_text(header, rows), nl=False)
