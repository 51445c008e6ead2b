"""What do the options of ``tidu knn`` mean?

They are read here; the work is done by `searching`, imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from tidu.app import options
from tidu.words import Language

__all__ = ["knn"]

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("train")
@click.argument("queries", required=False)
@click.option("-k", "k", type=click.IntRange(1), default=10, show_default=True, help="Neighbors to find.")
@click.option("--radius", type=float, help="Find all rows at most this far away, instead of -k.")
@click.option("--metric", default="l2", show_default=True, help="Distance, such as l2, l1 or cosine.")
@click.option(
    "--algorithm",
    type=click.Choice(["auto", "brute", "pruned"]),
    default="auto",
    show_default=True,
    help="How to search; the result is the same.",
)
@click.option("--where", type=_FILE, help="Find only rows of this .npy or text file: a mask, or row numbers.")
@click.option("--labels", help="Labels of TRAIN: auto, a file, FILE:COLUMN, or a column of TRAIN.")
@click.option("--query-labels", help="True labels of QUERIES, given likewise; how many are right is printed.")
@click.option(
    "--weights",
    type=click.Choice(["uniform", "distance"]),
    default="uniform",
    show_default=True,
    help="The weight of a neighbor's vote: one, or its inverse distance.",
)
@click.option(
    "--ties",
    type=click.Choice(["smallest", "nearest"]),
    default="smallest",
    show_default=True,
    help="Who wins a tied vote: the smallest label, or that of the nearest neighbor.",
)
@click.option("--votes", type=options.COUNTS, help="Print accuracies for these k, such as 1,3,5,7,10.")
@click.option("--index", type=_FILE, help="Keep the projected index in this file, and use it again.")
@click.option("--checkpoint-dir", type=_FILE, help="Keep finished blocks of a long search in this folder.")
@click.option("--resume", is_flag=True, help="Go on from the last finished block in --checkpoint-dir.")
@click.option("--output", type=_FILE, help="Write to this .npz or .parquet file; default: a table is printed.")
@options.memory_limit
@options.threads
@options.language
def knn(
    train: str,
    queries: str | None,
    k: int,
    radius: float | None,
    metric: str,
    algorithm: str,
    where: Path | None,
    labels: str | None,
    query_labels: str | None,
    weights: Literal["uniform", "distance"],
    ties: Literal["smallest", "nearest"],
    votes: tuple[int, ...] | None,
    index: Path | None,
    checkpoint_dir: Path | None,
    resume: bool,
    output: Path | None,
    memory_limit: int | None,
    threads: int | None,
    lang: Language,
) -> None:
    """Find the k nearest rows of TRAIN for each row of QUERIES, exactly, within a limit of memory.

    Without QUERIES each row of TRAIN is left out of its own neighbors. With --labels the neighbors vote.

    \b
    Examples:
      tidu knn train.npy queries.npy -k 10 --memory-limit 64MB --output neighbors.npz
      tidu knn cifar-10-batches-py cifar-10-batches-py/test_batch --labels auto --votes 1,3,5,7,10 --output n.npz
      tidu knn flowers.csv --labels kind --weights distance --output flowers.parquet
    """
    from tidu.app.searching import run_knn
    from tidu.app.searching_inputs import SearchSettings

    chosen = SearchSettings(
        train=train,
        queries=queries,
        k=k,
        radius=radius,
        metric=metric,
        algorithm=algorithm,
        threads=threads,
        where=where,
        labels=labels,
        query_labels=query_labels,
        weights=weights,
        ties=ties,
        votes=votes or (),
        index=index,
        checkpoint_dir=checkpoint_dir,
        resume=resume,
        output=output,
        memory_limit=memory_limit,
        lang=lang,
    )
    run_knn(chosen)
