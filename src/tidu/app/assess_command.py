"""What do the options of ``tidu assess`` mean?

They are read here; the work is done by `assessing`, imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app import options
from tidu.words import Language

__all__ = ["assess"]


@click.command()
@click.argument("data")
@click.option("--target", help="Column, member or other file that holds the target.")
@click.option("--test", "test", help="Held-out rows, looked at for rows that DATA has, too; default: DATA's own.")
@click.option("--classify", is_flag=True, help="Take the target for classes.")
@click.option("--regress", is_flag=True, help="Take the target for a number.")
@click.option("--html", type=click.Path(path_type=Path), help="Write pictures and numbers into one page.")
@options.seed
@options.memory_limit
@options.threads
@options.language
def assess(
    data: str,
    target: str | None,
    test: str | None,
    classify: bool,
    regress: bool,
    html: Path | None,
    seed: int,
    memory_limit: int | None,
    threads: int | None,
    lang: Language,
) -> None:
    """Ask whether the target of DATA is a function of its features, and how well any model can do.

    The verdict is one of four: function, noisy function, no dependence found, cannot tell; with its reasons, the
    floor that noise sets to every model's error, and the rows that contradict each other. No model is trained.

    \b
    Examples:
      tidu assess houses.csv --target price
      tidu assess train.csv --target kind --test test.csv --html assessment.html --lang zh
      tidu assess cifar-10-batches-py --memory-limit 500MB
    """
    from tidu.app.assessing import AssessSettings, run_assess

    chosen = AssessSettings(
        data=data,
        target=target,
        test=test,
        task=options.task(classify, regress),
        html=html,
        seed=seed,
        memory_limit=memory_limit,
        threads=threads,
        lang=lang,
    )
    run_assess(chosen)
