"""Which commands does `tidu` have, and what do their options mean?

Options are read here; the work is done by one module for each command, imported when it is called, so
that ``tidu --help`` is quick.
"""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app import options
from tidu.app.approximate_command import approximate
from tidu.app.assess_command import assess
from tidu.app.bench.knn.command import knn as bench_knn
from tidu.app.command_line import command_line
from tidu.app.knn_command import knn
from tidu.app.one_line import OneLineGroup
from tidu.words import LANGUAGES, Language

__all__ = ["cli", "main"]

_FILE = click.Path(path_type=Path)


@click.group(
    cls=OneLineGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="tidu", prog_name="tidu", message="%(prog)s %(version)s")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language, for a command that is not given its own.")
@click.pass_context
def cli(context: click.Context, lang: Language | None) -> None:
    """Learn a function from data on an ordinary CPU, and see how it was learned.

    \b
    tidu demo                                    the main job on handwritten digits
    tidu fit data.csv --target price             the same on your own data
    tidu predict tidu-fit/network.tidu.safetensors new.csv
    tidu assess data.csv --target price          is there a function, and how well can any model do
    tidu explain "(x+y)*z" x=-2 y=5 z=-4         backpropagation, step by step
    tidu approximate "sin(3*x)"                  why a network can stand for any function
    """
    if lang is not None:
        context.default_map = _in_language(cli, lang)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.option("--out", type=_FILE, default="tidu-demo", show_default=True, help="Folder for the results.")
@click.option("--quick", is_flag=True, help="Fewer epochs: for a first look, or for tests.")
@options.seed
@options.memory_limit
@options.language
def demo(out: Path, quick: bool, seed: int, memory_limit: int | None, lang: Language) -> None:
    """Fit a linear model, a network and k-NN to handwritten digits (no download).

    Takes well under a minute and writes a report and the models into a folder.

    \b
    Example:
      tidu demo --lang zh
    """
    from tidu.app.fitting import run_fit
    from tidu.app.settings import FitSettings

    chosen = FitSettings(
        data="digits",
        out=out,
        epochs=5 if quick else None,
        seed=seed,
        memory_limit=memory_limit,
        lang=lang,
        command=command_line("demo", out=out, quick=quick, seed=seed, memory_limit=memory_limit, lang=lang),
    )
    run_fit(chosen)


@cli.command()
@click.argument("data")
@click.option("--target", help="Column, member or other file that holds the target.")
@click.option("--out", type=_FILE, default="tidu-fit", show_default=True, help="Folder for the results.")
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of the rows held out, if the data have no test part of their own.",
)
@click.option(
    "--hidden",
    type=options.LAYERS,
    default="100,50",
    show_default=True,
    help="Widths of the network's hidden layers.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1_000_000),
    help="Most passes of the network over its rows; default: as many as show about 1 million samples, from 10 to 200.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="Samples in one step of the network.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=1e-3,
    show_default=True,
    help="First learning rate of Adam.",
)
@click.option("--models", type=options.MODELS, default="linear,network,knn", show_default=True, help="What to fit.")
@click.option("-k", "k", type=click.IntRange(1), default=5, show_default=True, help="Neighbors that vote.")
@click.option("--classify", is_flag=True, help="Take the target for classes.")
@click.option("--regress", is_flag=True, help="Take the target for a number.")
@click.option("--assess/--no-assess", default=True, help="Whether to ask first if there is a function to learn.")
@options.seed
@options.memory_limit
@options.threads
@options.language
def fit(
    data: str,
    target: str | None,
    out: Path,
    test_fraction: float,
    hidden: tuple[int, ...],
    epochs: int | None,
    batch_size: int,
    learning_rate: float,
    models: tuple[str, ...],
    k: int,
    classify: bool,
    regress: bool,
    assess: bool,
    seed: int,
    memory_limit: int | None,
    threads: int | None,
    lang: Language,
) -> None:
    """Fit a linear model, a network and k-NN to DATA, and report how well each does.

    DATA is a .csv, .tsv, .npy or .npz file, a folder of CIFAR-10's python batches, or the name of a bundled
    data set: breast_cancer, diabetes, digits, iris, wine. Rows are split with a seed and features scaled; the
    scores come from rows that no model has seen.

    \b
    Examples:
      tidu fit houses.csv --target price
      tidu fit X.npy --target y.npy --classify
      tidu fit cifar-10-batches-py --memory-limit 2GB --lang zh
    """
    from tidu.app.fitting import run_fit
    from tidu.app.settings import FitSettings

    task = options.task(classify, regress)
    chosen = FitSettings(
        data=data,
        target=target,
        out=out,
        test_fraction=test_fraction,
        hidden=hidden,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        models=models,
        k=k,
        task=task,
        assess=assess,
        seed=seed,
        memory_limit=memory_limit,
        threads=threads,
        lang=lang,
        command=command_line(
            "fit",
            data,
            target=target,
            out=out,
            test_fraction=test_fraction,
            hidden=hidden,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            models=models,
            k=k,
            classify=classify,
            regress=regress,
            no_assess=not assess,
            seed=seed,
            memory_limit=memory_limit,
            threads=threads,
            lang=lang,
        ),
    )
    run_fit(chosen)


@cli.command()
@click.argument("model", type=_FILE)
@click.argument("data")
@click.option("--target", help="Column or file with the true values, if it has another name than in training.")
@click.option("--output", type=_FILE, help="Write the predictions to a .csv or .npy file.")
@click.option("--probabilities", is_flag=True, help="Give each class's probability too.")
@options.language
def predict(
    model: Path, data: str, target: str | None, output: Path | None, probabilities: bool, lang: Language
) -> None:
    """Predict DATA by a saved MODEL; with true values in DATA, print the score too.

    \b
    Examples:
      tidu predict tidu-fit/network.tidu.safetensors new.csv
      tidu predict tidu-fit/linear.tidu.safetensors new.csv --output out.csv --probabilities
    """
    from tidu.app.predicting import run_predict

    run_predict(model, data, target, output, probabilities, lang)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("expression")
@click.argument("values", nargs=-1)
@click.option("--svg", type=_FILE, help="Draw the graph with values and gradients into this file.")
@click.option("--html", type=_FILE, help="Write the steps and the graph into one page.")
@options.language
def explain(expression: str, values: tuple[str, ...], svg: Path | None, html: Path | None, lang: Language) -> None:
    """Show the chain rule at work on EXPRESSION, step by step.

    The expression is parsed, never run as Python; values are numbers or lists of numbers.

    \b
    Examples:
      tidu explain "(x+y)*z" x=-2 y=5 z=-4
      tidu explain "1/(1+exp(-(w*x+b)))" w=2 x=-1 b=0.5 --svg neuron.svg --lang zh
    """
    from tidu.app.explaining import run_explain

    run_explain(expression, values, svg, html, lang)


cli.add_command(approximate)
cli.add_command(assess)
cli.add_command(knn)


@cli.group()
def bench() -> None:
    """Measure tidu beside other libraries on this machine."""


@bench.command("train")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--peers", help="Who is measured, such as tidu,jax-scan,torch; default: all that are installed.")
@click.option("--repeat", type=click.IntRange(1, 100), default=3, show_default=True, help="Rounds.")
@click.option("--quick", is_flag=True, help="Measure shortly: for a first look, or for tests.")
@click.option("--json", "json_file", type=_FILE, help="Write all that was found into this .json file.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Processors that everyone may use; default: all.")
@click.option("--cifar10", type=_FILE, help="Folder of CIFAR-10's python batches; default: random pixels.")
@options.language
def bench_train(
    cases: tuple[str, ...],
    peers: str | None,
    repeat: int,
    quick: bool,
    json_file: Path | None,
    threads: int | None,
    cifar10: Path | None,
    lang: Language,
) -> None:
    """Measure training, second derivatives and scalar gradients beside the peers that are installed.

    The same weights and rows for everyone, each in a process of its own, turn by turn; medians are printed,
    and whether all reached the same loss. A CASE is one of tiny, digits, mnist, cifar10, curve, hessian, hvp,
    hvp-mnist, product, chain. The peers come with pip install "tidu[bench]".

    \b
    Examples:
      tidu bench train tiny --quick
      tidu bench train mnist cifar10 --peers tidu,jax-scan,torch --json found.json
    """
    from tidu.app.benchmarking import run_bench_train

    run_bench_train(cases, peers, repeat, quick, json_file, threads, cifar10, lang)


bench.add_command(bench_knn)


def main() -> None:
    """Run the command line; this is what the script `tidu` calls."""
    cli.main(prog_name="tidu")


def _in_language(group: click.Group, lang: Language) -> dict[str, object]:
    """Return the default of `lang` for every command of a group, groups inside it included."""
    return {
        name: _in_language(command, lang) if isinstance(command, click.Group) else {"lang": lang}
        for name, command in group.commands.items()
    }
