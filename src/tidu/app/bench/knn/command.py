"""Which options does `tidu bench knn` have?"""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app import options
from tidu.words import Language

__all__ = ["knn"]

_FILE = click.Path(path_type=Path)


@click.command("knn")
@click.option("--cases", help="What is measured, such as cifar-uint8,normal-16; default: everything.")
@click.option("--peers", help="Who is measured, such as tidu,faiss-knn,sklearn32; default: all that are installed.")
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Turns that everyone has.")
@click.option(
    "--scale",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of the queries and of the rows: for a first look, or for tests.",
)
@click.option(
    "--data",
    type=_FILE,
    help="Folder of CIFAR-10's python batches, or of train_x.npy and test_x.npy; default: made-up pixels.",
)
@click.option("--work", type=_FILE, help="Folder where numbers and right answers are kept; default: a temporary one.")
@click.option(
    "--slow-queries",
    type=click.IntRange(1),
    help="Give scikit-learn in float64 and usearch only so many queries, and scale their seconds.",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="Processors that everyone may use; default: all.")
@click.option("--json", "json_file", type=_FILE, help="Write all that was found into this .json file.")
@options.language
def knn(
    cases: str | None,
    peers: str | None,
    rounds: int,
    scale: float,
    data: Path | None,
    work: Path | None,
    slow_queries: int | None,
    threads: int | None,
    json_file: Path | None,
    lang: Language,
) -> None:
    """Measure exact k-nearest neighbors beside the peers that are installed, and judge every list.

    The same numbers for everyone, each in a process of its own, turn by turn; medians are printed, with memory,
    wrong lists, and the goals beside what was reached. The cases are cifar-uint8, cifar-float32, normal-16,
    normal-128, cifar-l1, duplicates, threads. The peers come with pip install "tidu[bench]".

    \b
    Examples:
      tidu bench knn --scale 0.1 --rounds 1
      tidu bench knn --data cifar-10-batches-py --cases cifar-uint8 --peers tidu,faiss-knn --json found.json
    """
    from tidu.app.benchmarking import run_bench_knn

    run_bench_knn(cases, peers, rounds, scale, data, work, slow_queries, threads, json_file, lang)
