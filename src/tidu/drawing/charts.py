"""How do series, points and bars look.

Values without a place on the axis (NaN, infinities, nothing positive on a logarithmic one) leave a
gap and never stretch the axis. Gets finished words; knows nothing of what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from tidu.drawing.axes import DASH, DOT, PADDING, Frame, Symbol, chart, color, frame_for
from tidu.drawing.scales import Scale, format_number, linear_scale, log_scale
from tidu.drawing.svg import Element, element, group, shorten, text, text_width
from tidu.errors import ParameterError

__all__ = ["bar_chart", "line_chart", "scatter_chart"]

Points: TypeAlias = Sequence[tuple[float, float]]
Band: TypeAlias = Sequence[tuple[float, float, float]]

_MARKED = 40  # series of at most so many points show each of them
_TICKED = 12  # so few places of points are the ticks of a logarithmic axis
_BAR_ROW = 30.0
_BAR_LABEL = 190.0


def line_chart(
    series: Mapping[str, Points],
    x_label: str,
    y_label: str,
    title: str,
    log_y: bool = False,
    reference_lines: Sequence[tuple[str, float]] = (),
    size: tuple[float, float] = (680.0, 400.0),
    *,
    log_x: bool = False,
    bands: Mapping[str, Band] | None = None,
    dashed: Collection[str] = (),
    dots: Collection[str] = (),
) -> str:
    """Return lines over a common axis, as a standalone SVG document.

    Parameters
    ----------
    series : mapping of str to sequence of (x, y)
        Each line by its name. A point that is not finite leaves a gap.
    x_label, y_label, title : str
        Words around it.
    log_y : bool
        Whether the upward axis is logarithmic; values that are not positive leave a gap then.
    reference_lines : sequence of (str, float)
        Dashed horizontal lines with a name, as of a target.
    size : (float, float)
        Width and height in pixels.
    log_x : bool
        Whether the axis to the right is logarithmic. Its ticks are the places of the points themselves, as long as
        there are few: widths of 4, 8, 16, say.
    bands : mapping of str to sequence of (x, low, high), optional
        A shaded band around the line of that name, as from the least to the greatest of several runs. A place that is
        not finite ends it; where its low end has no place on a logarithmic axis, it reaches down to the frame.
    dashed : collection of str
        Names of lines that are dashed and without points, as of a law beside what was measured.
    dots : collection of str
        Names of lines of which only the points are drawn, as of noisy data.

    Raises
    ------
    ParameterError
        If a band, a dashed line or dots have the name of no line.

    Examples
    --------
    >>> svg = line_chart({"loss": [(0, 1.0), (1, float("nan")), (2, 0.5)]}, "epoch", "loss", "Training")
    >>> svg.count("<circle")
    2
    """
    bands = bands or {}
    for name in [*bands, *dashed, *dots]:
        if name not in series:
            raise ParameterError(
                f"a band, dashes or dots are meant for {name!r}, which is not among the lines", name=name
            )
    points = [point for line in series.values() for point in line]
    ends = [end for band in bands.values() for _, low, high in band for end in (low, high)]
    heights = [y for _, y in points] + ends + [y for _, y in reference_lines]
    places = [x for x, _ in points]
    x = _tight(log_scale(places) if log_x else linear_scale(places), places)
    y = log_scale(heights) if log_y else linear_scale(heights)
    names = list(series) if len(series) > 1 else []
    frame = frame_for(*size, x, y, title, names)
    numbers = {name: number for number, name in enumerate(series)}
    marks = [_band(frame, numbers[name], band) for name, band in bands.items()]
    marks += [
        _dots(frame, line, numbers[name]) if name in dots else _line(frame, numbers[name], name, line, name in dashed)
        for name, line in series.items()
    ]
    marks += [_reference(frame, name, value) for name, value in reference_lines]
    if not any(frame.point(*point) for point in points):
        marks.append(_nothing(frame))
    symbols: dict[str, Symbol] = {
        name: "dashes" if name in dashed else "dots" if name in dots else "line" for name in series
    }
    empty = [name for name in bands if not any(frame.point(*point) for point in series[name])]
    symbols |= dict.fromkeys(empty, "band")
    return chart(frame, size, marks, (x_label, y_label), title, names, f"{y_label} / {x_label}", symbols)


def scatter_chart(
    points: Points,
    x_label: str,
    y_label: str,
    title: str,
    diagonal: bool = True,
    size: tuple[float, float] = (460.0, 480.0),
) -> str:
    """Return points, as of predicted against true values, as a standalone SVG document.

    Parameters
    ----------
    points : sequence of (x, y)
        The points; those that are not finite are left out.
    x_label, y_label, title : str
        Words around it.
    diagonal : bool
        Whether both axes share one range and the line y = x is drawn.
    size : (float, float)
        Width and height in pixels.

    Examples
    --------
    >>> "<path" in scatter_chart([(1.0, 1.1), (2.0, 1.9)], "true", "predicted", "Test data")
    True
    """
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    across, up = [x for x, _ in finite], [y for _, y in finite]
    x_scale = linear_scale(across + up if diagonal else across)
    y_scale = x_scale if diagonal else linear_scale(up)
    frame = frame_for(*size, x_scale, y_scale, title, [])
    marks: list[Element] = []
    if diagonal:
        marks.append(_segment(frame, (x_scale.low, x_scale.low), (x_scale.high, x_scale.high)))
    marks.append(_dots(frame, finite, 0) if finite else _nothing(frame))
    return chart(frame, size, marks, (x_label, y_label), title, description=f"{len(finite)} points")


def bar_chart(
    values: Mapping[str, float],
    x_label: str,
    title: str,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    width: float = 640.0,
) -> str:
    """Return horizontal bars from 0, as a standalone SVG document.

    Parameters
    ----------
    values : mapping of str to float
        The length of each bar by its name; one that is not finite has no bar but its value in words.
    x_label, title : str
        Words around it.
    intervals : mapping of str to (low, high), optional
        Error bars, in the units of the values, for some or all names.
    width : float
        Width in pixels; the height follows from the number of bars.

    Raises
    ------
    ParameterError
        If an interval has the name of no bar.

    Examples
    --------
    >>> svg = bar_chart({"MLP": 0.97, "k-NN": 0.98}, "accuracy", "Scores", {"MLP": (0.95, 0.98)})
    >>> svg.count('class="error"')
    1
    """
    intervals = intervals or {}
    for name in intervals:
        if name not in values:
            raise ParameterError(f"an interval is given for {name!r}, which is not among the bars", name=name)
    ends = [end for interval in intervals.values() for end in interval]
    scale = linear_scale([*values.values(), *ends], include_zero=True)
    rows = max(len(values), 1)
    labels = max((min(text_width(name), _BAR_LABEL) for name in values), default=0.0)
    top = PADDING + (38.0 if title else 4.0)
    left = PADDING + labels + 12.0
    numbers = max((text_width(format_number(value), 12.0) for value in values.values()), default=0.0)
    height = top + rows * _BAR_ROW + PADDING + 46.0
    blank = Scale(0.0, 1.0, (), ())
    frame = Frame(left, top, max(width - left - numbers - 14.0 - PADDING, 80.0), rows * _BAR_ROW, scale, blank)
    marks = [_bar(frame, row, name, value, intervals.get(name)) for row, (name, value) in enumerate(values.items())]
    if not values:
        marks.append(_nothing(frame))
    return chart(frame, (width, height), marks, (x_label, ""), title, description=f"{len(values)} bars")


def _tight(scale: Scale, values: Sequence[float]) -> Scale:
    """Return the scale cut to the data's own ends: a line may start at the frame's edge."""
    finite = [value for value in values if scale.position(value) is not None]
    if not finite:
        return scale
    low, high = max(min(finite), scale.low), min(max(finite), scale.high)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        return scale
    slack = 1e-9 * (high - low)
    inside = [
        (tick, label)
        for tick, label in zip(scale.ticks, scale.labels, strict=True)
        if low - slack <= tick <= high + slack
    ]
    own = sorted({min(max(value, low), high) for value in finite})
    if scale.logarithmic and len(own) <= _TICKED:
        inside = [(tick, format_number(tick)) for tick in own]
    ticks, labels = tuple(tick for tick, _ in inside), tuple(label for _, label in inside)
    return Scale(low, high, ticks, labels, scale.logarithmic)


def _band(frame: Frame, number: int, band: Band) -> Element:
    shapes: list[str] = []
    floor = frame.y.low
    for drawn, run in groupby(band, key=lambda one: all(math.isfinite(value) for value in one)):
        if not drawn:
            continue
        above: list[tuple[float, float]] = []
        below: list[tuple[float, float]] = []
        for x, low, high in run:
            top = frame.point(x, high)
            if top is not None:
                above.append(top)
                below.append(frame.point(x, low) or frame.point(x, floor) or top)
        shapes.append("L".join(f"{x:.1f} {y:.1f}" for x, y in above + below[::-1]))
    d = "".join(f"M{shape}Z" for shape in shapes if shape)
    return element("path", class_="band", fill=color(number), d=d) if d else group()


def _line(frame: Frame, number: int, name: str, points: Points, dashed: bool) -> Element:
    places = [frame.point(*point) for point in points]
    commands: list[str] = []
    lonely: list[tuple[float, float]] = []
    for drawn, run in groupby(places, key=lambda place: place is not None):
        if drawn:
            visible = _thinned([place for place in run if place is not None])
            commands.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in visible))
            if len(visible) == 1:
                lonely += visible
    parts = [element("title", name)]
    if commands:
        dash = DASH if dashed else None
        path = element("path", class_="series", stroke=color(number), stroke_dasharray=dash, d="".join(commands))
        parts.append(path)
    if dashed:
        return group(*parts)
    if len(points) <= _MARKED:
        for place, (x, y) in zip(places, points, strict=True):
            if place is not None:
                tip = element("title", f"{name}: {format_number(x)}, {format_number(y)}")
                parts.append(element("circle", tip, cx=place[0], cy=place[1], r=3, fill=color(number)))
    else:
        parts += [element("circle", cx=x, cy=y, r=2.5, fill=color(number)) for x, y in lonely]
    return group(*parts)


def _dots(frame: Frame, points: Points, number: int) -> Element:
    # points that fall on one another are written once: the file stays small however many there are
    places = {(round(x, 1), round(y, 1)) for x, y in filter(None, (frame.point(*point) for point in points))}
    d = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in sorted(places))
    if not d:
        return group()
    opacity = 0.75 if len(places) < 300 else 0.45
    return element("path", class_="series", d=d, stroke=color(number), style=DOT, stroke_opacity=opacity)


def _thinned(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep the first, lowest, highest and last point of each column of pixels: it looks the same."""
    kept: list[tuple[float, float]] = []
    for _, run in groupby(places, key=lambda place: round(place[0])):
        column = list(run)
        if len(column) > 4:
            rows = [y for _, y in column]
            chosen = sorted({0, rows.index(min(rows)), rows.index(max(rows)), len(rows) - 1})
            column = [column[index] for index in chosen]
        kept += column
    return kept


def _reference(frame: Frame, name: str, value: float) -> Element:
    up = frame.y.position(value)
    if up is None:
        return group()
    y = frame.top + (1 - up) * frame.height
    right = frame.left + frame.width
    line = element("path", class_="reference", d=f"M{frame.left:.1f} {y:.1f}H{right:.1f}")
    label = shorten(f"{name} {format_number(value)}", frame.width - 8, 11.0)
    # below the line where above it would leave the frame
    baseline = y - 5 if y - 16 > frame.top else y + 14
    return group(line, text(label, right - 4, baseline, "end small muted onlines", tooltip=name))


def _segment(frame: Frame, start: tuple[float, float], end: tuple[float, float]) -> Element:
    first, last = frame.point(*start), frame.point(*end)
    assert first is not None, "the low end of a linear scale has a place"
    assert last is not None, "the high end of a linear scale has a place"
    d = f"M{first[0]:.1f} {first[1]:.1f}L{last[0]:.1f} {last[1]:.1f}"
    return element("path", class_="reference", d=d)


def _bar(frame: Frame, row: int, name: str, value: float, interval: tuple[float, float] | None) -> Element:
    middle = frame.top + (row + 0.5) * _BAR_ROW
    label = shorten(name, _BAR_LABEL)
    written = format_number(value)
    ends = [end for end in interval or () if math.isfinite(end)]
    tip = name + ": " + written + (f" [{', '.join(format_number(end) for end in ends)}]" if ends else "")
    parts = [element("title", tip), text(label, frame.left - 10, middle + 4, "end")]
    zero = frame.left + (frame.x.position(0.0) or 0.0) * frame.width
    reach = [zero]
    across = frame.x.position(value)
    if across is not None:
        end = frame.left + across * frame.width
        reach.append(end)
        x, length = min(zero, end), abs(end - zero)
        parts.append(element("rect", x=x, y=middle - 9, width=length, height=18, rx=2, fill=color(0), opacity=0.85))
    if len(ends) == 2:
        low, high = (frame.left + (frame.x.position(end) or 0.0) * frame.width for end in ends)
        reach += [low, high]
        d = f"M{low:.1f} {middle - 5:.1f}v10M{low:.1f} {middle:.1f}H{high:.1f}M{high:.1f} {middle - 5:.1f}v10"
        parts.append(element("path", class_="error", d=d))
    parts.append(text(written, max(reach) + 8, middle + 4, font_size="12px"))
    return group(*parts)


def _nothing(frame: Frame) -> Element:
    x, y = frame.left + frame.width / 2, frame.top + frame.height / 2
    return text("∅", x, y + 8, "middle muted", font_size="26px")
