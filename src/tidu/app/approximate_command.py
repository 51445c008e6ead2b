"""What do the options of ``tidu approximate`` mean?

They are read here; the work is done by `approximating`, imported when the command is called.
"""

from __future__ import annotations

from pathlib import Path

import click

from tidu.app import options
from tidu.words import Language

__all__ = ["approximate"]

_FILE = click.Path(path_type=Path)
_NUMBERS = options.WholeNumbers("numbers", "whole numbers such as 4,8,16")


class _Domain(click.ParamType[tuple[tuple[float, float], ...]]):
    """Ends of the variables, such as -1,1 or -1,1,0,2."""

    name = "ends"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, float], ...]:
        if isinstance(value, tuple):
            return value
        try:
            ends = [float(part) for part in str(value).split(",")]
        except ValueError:
            ends = []
        if not ends or len(ends) % 2:
            self.fail(f"expected low and high ends such as -1,1, a pair for each variable; got {value!r}", param, ctx)
        return tuple(zip(ends[::2], ends[1::2], strict=True))


class _Names(click.ParamType[tuple[str, ...]]):
    """Names, such as relu,tanh."""

    name = "names"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class _OfExpression(click.Command):
    """A command whose argument may begin with a minus: what is none of its options is the argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such an argument where it cannot be taken for options, and read them all."""
        known = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        valued = {name for one in known if not one.is_flag for name in one.opts}
        names = {name for one in known for name in one.opts}
        options: list[str] = []
        expressions: list[str] = []
        for before, word in zip(["", *args], args, strict=False):
            is_negative = word.startswith("-") and not word.startswith("--") and word not in {"-", *names}
            (expressions if is_negative and before not in valued else options).append(word)
        if expressions and "--" not in args:
            args = [*options, "--", *expressions]
        return super().parse_args(ctx, args)


@click.command(cls=_OfExpression)
@click.argument("target")
@click.option("--y", "y_file", help="Take TARGET for a data file, and this for its column or other file of values.")
@click.option(
    "--domain", type=_Domain(), help="Ends of each variable, as they appear; default: -1,1, of data their own."
)
@click.option("--widths", type=_NUMBERS, default="4,8,16,32,64", show_default=True, help="Hidden units.")
@click.option("--depths", type=_NUMBERS, default="1,2,3", show_default=True, help="Hidden layers.")
@click.option("--activations", type=_Names(), default="relu", show_default=True, help="Of trained networks.")
@click.option(
    "--optimizers",
    type=_Names(),
    default="lbfgs,plain-adam",
    show_default=True,
    help="How networks are trained: lbfgs, adam, plain-adam (random start).",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Starts of training.")
@click.option(
    "--dimensions",
    type=_NUMBERS,
    default="1,2,5,10",
    show_default=True,
    help="In how many variables a target of one variable is tried too.",
)
@click.option(
    "--samples", type=click.IntRange(16, 10_000_000), default=1024, show_default=True, help="Values to learn from."
)
@click.option("--epochs", type=click.IntRange(1, 1_000_000), help="Most iterations or passes of training.")
@click.option(
    "--noise-floor", type=click.FloatRange(0), help="RMS error that noise forbids to go below, as a line in pictures."
)
@click.option("--html", type=_FILE, help="Write pictures and numbers into one page.")
@click.option("--out", type=_FILE, help="Folder for the page, the pictures and the widest networks.")
@options.language
def approximate(
    target: str,
    y_file: str | None,
    domain: tuple[tuple[float, float], ...] | None,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    activations: tuple[str, ...],
    optimizers: tuple[str, ...],
    seeds: int,
    dimensions: tuple[int, ...],
    samples: int,
    epochs: int | None,
    noise_floor: float | None,
    html: Path | None,
    out: Path | None,
    lang: Language,
) -> None:
    """Show how well networks, built and trained, stand for TARGET, and how the error falls with their size.

    TARGET is an expression in one or more variables: parsed, never run as Python.

    \b
    Examples:
      tidu approximate "sin(3*x)"
      tidu approximate "exp(-x)*sin(9*x)" --domain 0,2 --widths 8,16,32,64,128 --html found.html --lang zh
      tidu approximate "sin(3*x)*cos(2*y)" --domain -1,1,0,2 --out found
      tidu approximate houses.csv --y price --widths 2,4,8
    """
    from tidu.app.approximating import ApproximateSettings, run_approximate

    run_approximate(
        ApproximateSettings(
            target=target,
            y_file=y_file,
            domain=domain,
            widths=widths,
            depths=depths,
            activations=activations,
            optimizers=optimizers,
            seeds=seeds,
            dimensions=dimensions,
            samples=samples,
            epochs=epochs,
            noise_floor=noise_floor,
            html=html,
            out=out,
            lang=lang,
        )
    )
