"""``tidu approximate``: from a typed target to a table, pictures, a page and network files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from tidu.app.command_line import command_line
from tidu.app.progress import bar
from tidu.app.tables import print_table
from tidu.app.writing import made_folder, require_suffix
from tidu.approximation import Approximation
from tidu.approximation import approximate as approximate_target
from tidu.approximation.domains import DomainLike
from tidu.approximation.targets import Target, as_target, data_target
from tidu.approximation.text import gap, tables
from tidu.approximation.wording import described
from tidu.data import open_dataset
from tidu.errors import DataError
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["ApproximateSettings", "run_approximate"]


@dataclass(frozen=True, slots=True)
class ApproximateSettings:
    """What the user asked for; see ``tidu approximate --help``."""

    target: str
    y_file: str | None
    domain: tuple[tuple[float, float], ...] | None
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    activations: tuple[str, ...]
    optimizers: tuple[str, ...]
    seeds: int
    dimensions: tuple[int, ...]
    samples: int
    epochs: int | None
    noise_floor: float | None
    html: Path | None
    out: Path | None
    lang: Language

    @property
    def command(self) -> str:
        """The command line that does the same again, options of files left out."""
        ends = None if self.domain is None else tuple(_shortest(end) for pair in self.domain for end in pair)
        return command_line(
            "approximate",
            self.target,
            domain=ends,
            widths=self.widths,
            depths=self.depths,
            activations=self.activations,
            optimizers=self.optimizers,
            seeds=self.seeds,
            dimensions=self.dimensions,
            samples=self.samples,
            epochs=self.epochs,
            noise_floor=self.noise_floor,
            lang=self.lang,
            **{"--y": self.y_file},
        )


def _shortest(number: float) -> str:
    return repr(number).removesuffix(".0")


def run_approximate(settings: ApproximateSettings) -> None:
    """Find networks, print their errors, and write what was asked for."""
    if settings.html is not None:
        require_suffix(settings.html, (".html",))
    target = _target(settings)
    if settings.out is None:
        return _show(_found(target, settings), settings)
    with made_folder(settings.out):
        found = _found(target, settings)
        _show(found, settings)
        _save(found, settings.out, settings)
    return None


def _target(settings: ApproximateSettings) -> Target:
    if settings.y_file is None:
        return as_target(settings.target, _ends(settings))
    rows = open_dataset(settings.target, target=settings.y_file)
    if rows.y is None or rows.class_names is not None:
        raise DataError(f"{settings.y_file!r} of {settings.target} must hold numbers", got=settings.y_file)
    return data_target(
        rows.X.read(0, rows.n_samples),
        rows.y.read(0, rows.n_samples),
        _ends(settings),
        names=rows.feature_names,
        name=rows.target_name or "",
    )


def _ends(settings: ApproximateSettings) -> DomainLike | None:
    return settings.domain[0] if settings.domain is not None and len(settings.domain) == 1 else settings.domain


def _found(target: Target, settings: ApproximateSettings) -> Approximation:
    began_s = time.perf_counter()
    with bar(say("approximate.working", settings.lang), 1000, settings.lang) as advance:
        shown = 0

        def progress(done: int, total: int) -> None:
            nonlocal shown
            place = 1000 * done // total
            advance(place - shown, f"{done}/{total}")
            shown = place

        found = approximate_target(
            target,
            widths=settings.widths,
            depths=settings.depths,
            activations=settings.activations,
            optimizers=settings.optimizers,
            seeds=settings.seeds,
            dimensions=settings.dimensions,
            n_samples=settings.samples,
            epochs=settings.epochs,
            noise_floor=settings.noise_floor,
            progress=progress,
        )
    elapsed_s = time.perf_counter() - began_s
    click.echo(described(found.target, settings.lang))
    click.echo(say("approximate.measured", settings.lang, n=len(found.measurements), elapsed=elapsed_s))
    return found


def _show(found: Approximation, settings: ApproximateSettings) -> None:
    """Print the tables, and write the page if it is wanted."""
    for one in tables(found, settings.lang):
        click.echo(one.title)  # as a title of the table it would be broken to the table's width
        table = Table()
        for number, head in enumerate(one.heads):
            table.add_column(head, justify="right" if number else "left", no_wrap=True)
        for row in one.rows:
            table.add_row(*row)
        print_table(table)
    sentence = gap(found, settings.lang)
    if sentence:
        click.echo(sentence)
    if settings.html is not None:
        _write(settings.html, found.to_html(settings.lang, settings.command), settings.lang)


def _save(found: Approximation, folder: Path, settings: ApproximateSettings) -> None:
    """Write the page, every picture, and of each method the widest network (of trained ones the best of them)."""
    lang = settings.lang
    _write(folder / "approximation.html", found.to_html(lang, settings.command), lang)
    for picture in found.pictures:
        _write(folder / f"{picture}.svg", found.to_svg(picture, lang), lang)
    errors = found.errors[found.errors["study"] == "width"]
    for method in dict.fromkeys(errors["method"].tolist()):
        rows = errors[(errors["method"] == method) & (errors["n_units"] > 0)]
        if not len(rows):
            continue  # a grid is no network
        best = rows[np.lexsort((rows["rms"], -rows["n_units"]))[0]]
        seed = None if best["seed"] < 0 else int(best["seed"])
        path = folder / f"{method.replace('/', '-')}.tidu.safetensors"
        network = found.networks[method, int(best["n_units"]), seed]
        network.save(
            path,
            found.target.names,
            {"target": found.target.name, "method": method, "seed": seed},
            target_name=found.target.name if found.target.data is not None else "y",
            domain=found.target.domain,
        )
        click.echo(say("fit.saved", lang, path=path))


def _write(path: Path, text: str, lang: Language) -> None:
    atomic_write_text(path, text)
    click.echo(say("fit.wrote", lang, path=path))
