"""Which pictures show how networks approximate, and where they cannot?

Every function returns an SVG text. This file knows nothing of the page around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.families import jump_height
from tidu.approximation.measuring import Measurement
from tidu.approximation.rates import Rate
from tidu.approximation.summary import ErrorName, Summary, error_rates, summarize
from tidu.approximation.wording import method_name
from tidu.drawing import image_grid, line_chart
from tidu.errors import ParameterError
from tidu.words import say

if TYPE_CHECKING:
    from tidu.approximation.result import Approximation

__all__ = ["draw", "drawn"]

Line: TypeAlias = list[tuple[float, float]]

_POINTS = 600
_PIXELS = 96
_BEYOND = 0.5  # of the domain's width, on both sides
_TALLEST = 3.0  # of the target's range within the domain: so far above and below it is drawn
_SHOWN = ("bumps", "polygon")


def drawn(found: Approximation) -> tuple[str, ...]:
    """Return the names of the pictures that there is something to draw for."""
    studies = {one.study for one in found.measurements}
    one_variable = found.target.n_features == 1
    there = {
        "target": found.target.n_features <= 2 and (one_variable or found.target.data is None) and "width" in studies,
        "rms": "width" in studies,
        "max": "width" in studies,
        "depth": "depth" in studies,
        "dimension": "dimension" in studies,
        "pieces": bool(found.foldings),
        "polynomial": "polynomial" in studies and found.parabola_rms != 0,  # or a polynomial can
        "jump": "jump" in studies,
        "outside": one_variable and "width" in studies and found.settings.failures,
    }
    return tuple(name for name in _DRAWERS if there[name])


def draw(found: Approximation, picture: str, lang: str, titled: bool = True) -> str:
    """Return one picture, with its name as a heading or without."""
    if picture not in drawn(found):
        raise ParameterError(
            f"there is no picture {picture!r} of this target; there are {', '.join(drawn(found))}", got=picture
        )
    return _DRAWERS[picture](found, lang, say(f"approximate.picture_{picture}", lang) if titled else "")


def _target(found: Approximation, lang: str, title: str) -> str:
    chosen = _middle(found)
    if found.target.n_features == 2:
        return _maps(found, chosen, lang, title)
    x = np.linspace(*found.target.domain[0], _POINTS)
    lines, dots = _of_target(found, x, lang)
    for one in chosen:
        lines[_with_units(one, lang)] = _line(x, one.approximant(x[:, None]))
    return line_chart(lines, found.target.names[0], _y_label(found), title, dots=dots)


def _maps(found: Approximation, chosen: Sequence[Measurement], lang: str, title: str) -> str:
    """Draw values over the plane as brightness, target and approximants alike."""
    axes = [np.linspace(low, high, _PIXELS) for low, high in found.target.domain]
    X = np.stack(np.meshgrid(axes[0], axes[1][::-1]), axis=-1).reshape(-1, 2)
    values = {say("approximate.target", lang): found.target(X)}
    values |= {_with_units(one, lang): one.approximant(X) for one in chosen}
    target = next(iter(values.values()))
    low, span = float(target.min()), float(np.ptp(target)) or 1.0
    images = [_shaded((one - low) / span) for one in values.values()]
    captions = [name.replace(", ", "\n").replace("，", "\n") for name in values]
    return image_grid(images, captions, title, columns=5, side=136.0)


def _shaded(level: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return colors from dark blue over green to light yellow, whose brightness rises evenly."""
    stops = np.array([[38, 36, 96], [38, 120, 142], [94, 201, 98], [253, 245, 190]], np.float64)
    place = np.clip(level, 0.0, 1.0) * (len(stops) - 1)
    colors = np.stack([np.interp(place, np.arange(len(stops)), channel) for channel in stops.T], axis=-1)
    return colors.round().astype(np.uint8).reshape(_PIXELS, _PIXELS, 3)


def _middle(found: Approximation) -> list[Measurement]:
    """Return one approximant of each method, of moderate width and, over the seeds, of middling error."""
    chosen = []
    for method, ones in summarize(found.measurements, "width").items():
        size = ones[len(ones) // 3].size
        if method == "curved":
            continue  # too close to the polygon to be told apart
        runs = [one for one in found.measurements if (one.study, one.method, one.size) == ("width", method, size)]
        chosen.append(sorted(runs, key=lambda one: one.rms)[len(runs) // 2])
    return chosen


def _rms(found: Approximation, lang: str, title: str) -> str:
    return _by_width(found, "rms", lang, title)


def _max(found: Approximation, lang: str, title: str) -> str:
    return _by_width(found, "max_error", lang, title)


def _by_width(found: Approximation, error: ErrorName, lang: str, title: str) -> str:
    summaries = summarize(found.measurements, "width", error)
    rates = error_rates(found.measurements, error)
    names = {method: method_name(method, lang) for method in summaries}
    names |= {method: names[method] + _power(rate, "n") for method, rate in rates.items()}
    lines, bands = _lines_and_bands({names[method]: ones for method, ones in summaries.items()})
    dashed = []
    if error == "rms":
        sizes = sorted({one.size for ones in summaries.values() for one in ones})
        top = max(ones[0].median for ones in summaries.values())
        barron = say("approximate.barron", lang)
        lines[barron] = _barron(sizes, top, found.noise_floor or 0.0)
        dashed.append(barron)
    floor = [(say("approximate.noise_floor", lang), found.noise_floor)] if found.noise_floor else []
    label = say("approximate.rms" if error == "rms" else "approximate.max_error", lang)
    return line_chart(
        lines,
        say("approximate.units", lang),
        label,
        title,
        log_y=True,
        reference_lines=floor,
        size=(720.0, 460.0),
        log_x=True,
        bands=bands,
        dashed=dashed,
    )


def _barron(sizes: Sequence[int], top: float, noise: float) -> Line:
    """Return the line that starts at `top` and falls as n^-1/2 to what noise leaves: their squares add up."""
    own = max(top**2 - noise**2, 0.0)
    return [(size, float(np.sqrt(min(noise, top) ** 2 + own * sizes[0] / size))) for size in sizes]


def _depth(found: Approximation, lang: str, title: str) -> str:
    summaries = {}
    for error in _ERRORS:
        rates = error_rates(found.measurements, error, "depth")
        for method, ones in summarize(found.measurements, "depth", error).items():
            summaries[_with_error(method, error, lang) + _power(rates[method], "L")] = ones
    lines, bands = _lines_and_bands(summaries)
    labels = say("approximate.depth", lang), say("approximate.error", lang)
    return line_chart(lines, *labels, title, log_y=True, log_x=True, bands=bands)


def _dimension(found: Approximation, lang: str, title: str) -> str:
    summaries = summarize(found.measurements, "dimension")
    lines, bands = _lines_and_bands({method_name(method, lang): ones for method, ones in summaries.items()})
    labels = say("approximate.dimension", lang), say("approximate.rms", lang)
    return line_chart(lines, *labels, title, log_y=True, log_x=True, bands=bands)


def _pieces(found: Approximation, lang: str, title: str) -> str:
    lines: dict[str, Line] = {
        say("approximate.tent", lang): [(one.depth, one.tent) for one in found.foldings],
        say("approximate.one_layer", lang): [(one.depth, one.one_layer) for one in found.foldings],
        say("approximate.random_weights", lang): [(one.depth, one.random) for one in found.foldings],
    }
    return line_chart(lines, say("approximate.depth", lang), say("approximate.pieces", lang), title, log_y=True)


def _polynomial(found: Approximation, lang: str, title: str) -> str:
    summaries = dict(summarize(found.measurements, "polynomial"))
    # Beside what cannot work stands what does, trained in the same way.
    summaries |= {
        method: ones for method, ones in summarize(found.measurements, "width").items() if method.endswith("/lbfgs")
    }
    lines, bands = _lines_and_bands({method_name(method, lang): ones for method, ones in summaries.items()})
    labels = say("approximate.units", lang), say("approximate.rms", lang)
    floor = [(say("approximate.parabola", lang), found.parabola_rms)] if found.parabola_rms > 0 else []
    return line_chart(lines, *labels, title, log_y=True, log_x=True, bands=bands, reference_lines=floor)


def _jump(found: Approximation, lang: str, title: str) -> str:
    lines = {
        say(f"approximate.{error}", lang): [(one.size, one.median) for one in ones]
        for error in _ERRORS
        for ones in summarize(found.measurements, "jump", error).values()
    }
    return line_chart(
        lines,
        say("approximate.units", lang),
        say("approximate.error", lang),
        title,
        log_y=True,
        reference_lines=[(say("approximate.half_jump", lang), jump_height(found.target) / 2)],
        log_x=True,
    )


def _outside(found: Approximation, lang: str, title: str) -> str:
    low, high = found.target.domain[0]
    reach = _BEYOND * (high - low)
    x = np.linspace(low - reach, high + reach, _POINTS)
    lines, dots = _of_target(found, x, lang)
    for one in _largest(found):
        lines[_with_units(one, lang)] = _line(x, one.approximant(x[:, None]))
    lines = _cut(lines, found.target.testing(_POINTS).y)
    heights = [y for line in lines.values() for _, y in line if np.isfinite(y)]
    edge = say("approximate.edge", lang)
    box = [(low, min(heights), max(heights)), (high, min(heights), max(heights))]
    lines[edge] = [(low, float("nan")), (high, float("nan"))]
    return line_chart(lines, found.target.names[0], _y_label(found), title, bands={edge: box}, dots=dots)


def _cut(lines: Mapping[str, Line], inside: NDArray[np.float64]) -> dict[str, Line]:
    """Leave out what lies far from the values inside the domain: beyond it a target may have a pole."""
    reach = _TALLEST * (float(np.ptp(inside)) or 1.0)
    low, high = float(inside.min()) - reach, float(inside.max()) + reach
    return {name: [(x, y if low <= y <= high else float("nan")) for x, y in line] for name, line in lines.items()}


def _of_target(found: Approximation, x: NDArray[np.float64], lang: str) -> tuple[dict[str, Line], list[str]]:
    """Return the line of the target, or the data, and the names of what is drawn as dots."""
    if found.target.data is None:
        return {say("approximate.target", lang): _line(x, found.target.values(x[:, None]))}, []
    name = say("approximate.data", lang)
    return {name: _line(found.target.data.X[:, 0], found.target.data.y)}, [name]


def _y_label(found: Approximation) -> str:
    return "y" if found.target.data is None else found.target.name


def _largest(found: Approximation) -> list[Measurement]:
    """Return the widest approximant of some methods: the constructions that are told apart, and one trained."""
    widths = [one for one in found.measurements if one.study == "width"]
    trained = [one.method for one in widths if "/" in one.method]
    chosen = []
    for method in [*_SHOWN, *trained[:1]]:
        runs = [one for one in widths if one.method == method]
        if runs:
            chosen.append(max(runs, key=lambda one: one.size))
    return chosen


def _power(rate: Rate | None, size: str) -> str:
    """Return how a line falls, where that is certain; empty else."""
    return f" ∝ {size}^{rate.exponent:.2f}" if rate is not None and rate.is_certain else ""


def _lines_and_bands(
    summaries: Mapping[str, Sequence[Summary]],
) -> tuple[dict[str, Line], dict[str, list[tuple[float, float, float]]]]:
    lines = {name: [(float(one.size), one.median) for one in ones] for name, ones in summaries.items()}
    bands = {
        name: [(float(one.size), one.low, one.high) for one in ones]
        for name, ones in summaries.items()
        if any(one.n_runs > 1 for one in ones)
    }
    return lines, bands


def _with_units(one: Measurement, lang: str) -> str:
    return say("approximate.with_units", lang, method=method_name(one.method, lang), n=one.size)


def _with_error(method: str, error: ErrorName, lang: str) -> str:
    word = say(f"approximate.{error}", lang)
    return say("approximate.with_error", lang, method=method_name(method, lang), error=word)


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> Line:
    return list(zip(x.tolist(), y.tolist(), strict=True))


_ERRORS: tuple[ErrorName, ...] = ("rms", "max_error")
_DRAWERS: Mapping[str, Callable[[Approximation, str, str], str]] = {
    "target": _target,
    "rms": _rms,
    "max": _max,
    "depth": _depth,
    "dimension": _dimension,
    "pieces": _pieces,
    "polynomial": _polynomial,
    "jump": _jump,
    "outside": _outside,
}
