"""Which pictures show whether there is a function, how much is noise, and where the method is blind?

Every function returns an SVG text. This file knows nothing of the page around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tidu.assessment.gamma import GammaTest
from tidu.assessment.intervals import wilson
from tidu.assessment.wording import classifies, feature_name
from tidu.drawing import bar_chart, line_chart
from tidu.errors import ParameterError
from tidu.words import say

if TYPE_CHECKING:
    from tidu.assessment.result import Assessment

__all__ = ["draw", "drawn"]

Line: TypeAlias = list[tuple[float, float]]
Band: TypeAlias = list[tuple[float, float, float]]

_SIZE = (448.0, 380.0)
# The squares of differences have a long tail, which would squeeze all else against the axis.
_DRAWN_SHARE = 0.95
_GROUPS, _GROUP_PAIRS = 10, 50
_DEEPEST = -12.0
_BARS = 20


def drawn(found: Assessment) -> tuple[str, ...]:
    """Return the names of the pictures that there is something to draw for."""
    there = {
        "neighbors": len(found.pairs) > 0,
        "learning": len(found.learning) > 1,
        "likelihood": True,
        "alone": found.n_features > 1,
    }
    return tuple(name for name in _DRAWERS if there[name])


def draw(found: Assessment, picture: str, lang: str, titled: bool = True) -> str:
    """Return one picture, with its name as a heading or without.

    Raises
    ------
    ParameterError
        If there is no such picture of these data.
    """
    if picture not in drawn(found):
        raise ParameterError(
            f"there is no picture {picture!r} of these data; there are {', '.join(drawn(found))}", got=picture
        )
    return _DRAWERS[picture](found, lang, say(f"assess.picture_{picture}", lang) if titled else "")


def _neighbors(found: Assessment, lang: str, title: str) -> str:
    if found.gamma is None:
        return _different(found, lang, title)
    return _differences(found, found.gamma, lang, title)


def _differences(found: Assessment, gamma: GammaTest, lang: str, title: str) -> str:
    """Draw squared differences of targets against squared distances, and the line through their means."""
    across, up = np.quantile(found.pairs, _DRAWN_SHARE, axis=0)
    inside = found.pairs[(found.pairs[:, 0] <= across) & (found.pairs[:, 1] <= up)]
    farthest = max(gamma.squared_distances)
    names = [say(f"assess.{key}", lang) for key in ("pairs", "means", "regression_line")]
    lines: dict[str, Line] = {
        names[0]: [(float(x), float(y)) for x, y in inside],
        names[1]: list(zip(gamma.squared_distances, gamma.half_squared_differences, strict=True)),
        names[2]: [(0.0, gamma.gamma), (farthest, gamma.gamma + gamma.slope * farthest)],
    }
    return line_chart(
        lines,
        say("assess.squared_distance", lang),
        say("assess.half_squared_difference", lang),
        title,
        size=_SIZE,
        dashed=[names[2]],
        dots=[names[0]],
    )


def _different(found: Assessment, lang: str, title: str) -> str:
    """Draw how often neighbors are of different classes, by their distance."""
    order = np.argsort(found.pairs[:, 0], kind="stable")
    line: Line = []
    band: Band = []
    for rows in np.array_split(order, min(max(len(order) // _GROUP_PAIRS, 3), _GROUPS)):
        distance = float(np.sqrt(np.median(found.pairs[rows, 0])))
        different = int((found.pairs[rows, 1] > 0).sum())
        line.append((distance, different / len(rows)))
        band.append((distance, *wilson(different, len(rows))))
    name = say("assess.different_classes", lang)
    return line_chart({name: line}, say("assess.distance", lang), name, title, size=_SIZE, bands={name: band})


def _learning(found: Assessment, lang: str, title: str) -> str:
    last = "nearest_error" if classifies(found) else "gamma"
    floor = say("assess.floor", lang)
    rows = [float(one.n_rows) for one in found.learning]
    lines: dict[str, Line] = {
        say("assess.neighbors_error", lang): [(one.n_rows, one.error) for one in found.learning],
        say(f"assess.{last}", lang): [(one.n_rows, one.gamma) for one in found.learning],
        floor: [(n, found.floor.value) for n in (rows[0], rows[-1])],
    }
    band = [(n, found.floor.low, found.floor.high) for n in (rows[0], rows[-1])]
    return line_chart(
        lines,
        say("assess.rows", lang),
        say("assess.error_rate" if classifies(found) else "assess.squared_error", lang),
        title,
        size=_SIZE,
        log_x=True,
        bands={floor: band},
        dashed=[floor],
    )


def _likelihood(found: Assessment, lang: str, title: str) -> str:
    """Draw how well each amount of noise explains the rows; what explains them far worse than the best is cut off."""
    profile = found.likelihood.profile
    lowest = float(profile.shares[0])
    low, high = (max(end, lowest) for end in found.likelihood.interval)
    name, box = say("assess.profile", lang), say("fit.interval", lang)
    near = np.flatnonzero(profile.heights >= _DEEPEST)
    first, last = max(int(near[0]) - 1, 0), min(int(near[-1]) + 1, len(profile.heights) - 1)
    heights = np.full(len(profile.heights), np.nan)
    heights[first : last + 1] = np.maximum(profile.heights[first : last + 1], _DEEPEST)
    # From no noise to nothing but noise, so that pictures of different data can be compared.
    seen = profile.shares <= max(1.01, high, float(profile.shares[last]))
    lines: dict[str, Line] = {
        name: list(zip(profile.shares[seen].tolist(), heights[seen].tolist(), strict=True)),
        box: [(low, float("nan")), (high, float("nan"))],
    }
    return line_chart(
        lines,
        say("assess.noise_axis", lang),
        name,
        title,
        size=_SIZE,
        log_x=True,
        bands={box: [(low, _DEEPEST, 0.0), (high, _DEEPEST, 0.0)]},
    )


def _alone(found: Assessment, lang: str, title: str) -> str:
    xi = found.dependence.xi
    bars = {feature_name(j, found, lang): float(xi[j]) for j in np.argsort(-xi, kind="stable")[:_BARS].tolist()}
    return bar_chart(bars, say("assess.xi", lang), title, width=_SIZE[0])


_DRAWERS: Mapping[str, Callable[[Assessment, str, str], str]] = {
    "neighbors": _neighbors,
    "learning": _learning,
    "likelihood": _likelihood,
    "alone": _alone,
}
