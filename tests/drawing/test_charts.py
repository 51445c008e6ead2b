"""Charts parse whatever the data are, leave gaps where there is nothing, and stay inside their frame."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidu.drawing import bar_chart, format_number, image_grid, line_chart, matrix_chart, scatter_chart
from tidu.drawing.scales import Scale, linear_scale, log_scale
from tidu.errors import DtypeError, ParameterError, ShapeError

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1e308, -1e308, 1e-300, 1.0, 1.0 + 1e-15])
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8)


def parsed(svg: str) -> ElementTree.Element:
    assert "nan" not in re.sub(r"<(title|text)[^>]*>[^<]*", "", svg).replace("mono", "")
    return ElementTree.fromstring(svg)


def series_paths(root: ElementTree.Element) -> list[str]:
    in_legend = {id(item) for legend in root.iter(f"{SVG}g") if legend.get("class") == "legend" for item in legend}
    paths = (item for item in root.iter(f"{SVG}path") if id(item) not in in_legend)
    return [item.get("d", "") for item in paths if item.get("class") == "series"]


# -------------------------------------------------------------------------------------- scales


@settings(max_examples=300, deadline=None)
@given(values=st.lists(NUMBERS, max_size=6), zero=st.booleans())
def test_linear_ticks_rise_and_cover_the_finite_data(values: list[float], zero: bool) -> None:
    scale = linear_scale(values, include_zero=zero)
    assert 2 <= len(scale.ticks) <= 14
    assert list(scale.ticks) == sorted(set(scale.ticks))
    for value in values:
        place = scale.position(value)
        assert (place is None) == (not math.isfinite(value))
        assert place is None or -1e-6 <= place <= 1 + 1e-6


@settings(max_examples=300, deadline=None)
@given(values=st.lists(NUMBERS, max_size=6))
def test_logarithmic_ticks_rise_and_have_a_place_for_what_is_positive(values: list[float]) -> None:
    scale = log_scale(values)
    assert 2 <= len(scale.ticks) <= 12
    assert list(scale.ticks) == sorted(set(scale.ticks))
    for value in values:
        assert (scale.position(value) is None) == (not (math.isfinite(value) and value > 0))
        if 1e-300 < value < 1e300:
            assert -1e-6 <= (scale.position(value) or 0.0) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1], ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ([0, 100], ("0", "20", "40", "60", "80", "100")),
        ([-3, 4], ("-4", "-2", "0", "2", "4")),
        ([0, 2.4e6], ("0", "5e5", "1e6", "1.5e6", "2e6", "2.5e6")),
        ([], ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
    ],
)
def test_ticks_are_one_two_or_five_times_a_power_of_ten(values: list[float], labels: tuple[str, ...]) -> None:
    assert linear_scale(values).labels == labels


@settings(max_examples=200, deadline=None)
@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6))
def test_tick_labels_tell_ticks_apart(low: float, span: float) -> None:
    scale = linear_scale([low, low + span])
    assert len(set(scale.labels)) == len(scale.labels)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-2.0, "-2"),
        (0.30000000000000004, "0.3"),
        (1e-12, "1e-12"),
        (123456.0, "1.235e5"),
        (99999.0, "99999"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
        (1e300, "1e300"),
    ],
)
def test_numbers_are_written_compactly(value: float, written: str) -> None:
    assert format_number(value) == written


# -------------------------------------------------------------------------------------- lines and points


@settings(max_examples=80, deadline=None)
@given(lines=st.dictionaries(st.text(max_size=6), POINTS, max_size=3), log=st.booleans(), line=NUMBERS)
def test_any_series_gives_well_formed_xml(lines: dict[str, list[tuple[float, float]]], log: bool, line: float) -> None:
    parsed(line_chart(lines, "x", "y", "t", log_y=log, reference_lines=[("r", line)]))


@settings(max_examples=80, deadline=None)
@given(points=POINTS, diagonal=st.booleans())
def test_any_points_give_well_formed_xml(points: list[tuple[float, float]], diagonal: bool) -> None:
    parsed(scatter_chart(points, "x", "y", "t", diagonal))


@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_leaves_a_gap(hole: float) -> None:
    points = [(0, 1.0), (1, 2.0), (2, hole), (3, 2.0), (4, 3.0)]
    (path,) = series_paths(parsed(line_chart({"a": points}, "x", "y", "t")))
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_a_value_that_is_not_positive_leaves_a_gap_on_a_logarithmic_axis() -> None:
    (path,) = series_paths(parsed(line_chart({"a": [(0, 1), (1, 0), (2, 10)]}, "x", "y", "t", log_y=True)))
    assert path.count("M") == 2


NUMBER_TRIPLES = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=5)


@settings(max_examples=80, deadline=None)
@example(points=[(1e-300, 0.0), (5e-324, 0.0)], band=[], log=(True, False), dashed=False)
@given(points=POINTS, band=NUMBER_TRIPLES, log=st.tuples(st.booleans(), st.booleans()), dashed=st.booleans())
def test_any_band_gives_well_formed_xml_on_any_axes(
    points: list[tuple[float, float]],
    band: list[tuple[float, float, float]],
    log: tuple[bool, bool],
    dashed: bool,
) -> None:
    chosen = ["a"] if dashed else []
    parsed(line_chart({"a": points}, "x", "y", "t", log_x=log[0], log_y=log[1], bands={"a": band}, dashed=chosen))


def test_equal_ratios_are_equal_distances_on_a_logarithmic_x_axis_whose_ticks_are_the_data() -> None:
    root = parsed(line_chart({"a": [(4, 1), (8, 2), (16, 3), (64, 4)]}, "x", "y", "t", log_x=True))
    across = [float(mark.get("cx", "")) for mark in root.iter(f"{SVG}circle")]
    np.testing.assert_allclose(np.diff(across) / np.diff(across)[0], [1, 1, 2], rtol=1e-3)
    labels = [t.text for t in root.iter(f"{SVG}text") if t.get("class") == "middle small muted"]
    assert labels == ["4", "8", "16", "64"]


def test_what_is_not_positive_has_no_place_on_a_logarithmic_x_axis() -> None:
    root = parsed(line_chart({"a": [(0, 1), (1, 2), (10, 3)]}, "x", "y", "t", log_x=True))
    assert len(list(root.iter(f"{SVG}circle"))) == 2


def test_a_band_goes_along_its_upper_ends_and_back_along_its_lower_ones() -> None:
    band = [(0, 1.0, 3.0), (1, 2.0, 4.0), (2, math.nan, 5.0), (3, 0.0, 1.0)]
    root = parsed(line_chart({"a": [(0, 2.0), (3, 0.5)]}, "x", "y", "t", bands={"a": band}))
    (path,) = [item.get("d", "") for item in root.iter(f"{SVG}path") if item.get("class") == "band"]
    first, second = path.split("Z")[:2]
    assert [corner.split()[0] for corner in first[1:].split("L")][:2] == [
        corner.split()[0] for corner in first[1:].split("L")
    ][:-3:-1]
    assert first.count("L") == 3
    assert second.count("L") == 1


def test_a_dashed_line_has_no_points_and_is_dashed_in_the_legend_too() -> None:
    lines = {"measured": [(1, 1.0), (2, 2.0)], "law": [(1, 1.0), (2, 3.0)]}
    root = parsed(line_chart(lines, "x", "y", "t", dashed=["law"]))
    assert len(list(root.iter(f"{SVG}circle"))) == 2
    assert sum(item.get("stroke-dasharray") is not None for item in root.iter(f"{SVG}path")) == 2


@pytest.mark.parametrize("given_", [{"bands": {"b": []}}, {"dashed": ["b"]}, {"dots": ["b"]}])
def test_a_band_or_dash_of_no_line_is_refused(given_: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        line_chart({"a": [(0, 1)]}, "x", "y", "t", **given_)
    assert caught.value.name == "b"  # type: ignore[attr-defined]


def test_the_legend_shows_each_series_by_the_mark_that_draws_it() -> None:
    lines = {"plain": [(0, 1.0), (1, 2.0)], "law": [(0, 1.0), (1, 3.0)], "data": [(0, 2.0)], "edge": [(0, math.nan)]}
    svg = line_chart(
        lines, "x", "y", "t", dashed=["law"], dots=["data"], bands={"edge": [(0, 1.0, 2.0), (1, 1.0, 2.0)]}
    )
    (legend,) = [item for item in parsed(svg).iter(f"{SVG}g") if item.get("class") == "legend"]
    marks = list(legend.iter(f"{SVG}path"))
    assert [mark.get("class") for mark in marks] == ["series", "series", "series", "band"]
    assert [mark.get("stroke-dasharray") is not None for mark in marks] == [False, True, False, False]
    assert marks[2].get("style") == "stroke-width:6"


def test_dots_are_not_joined() -> None:
    root = parsed(
        line_chart({"data": [(2, 1.0), (0, 3.0), (1, 2.0)], "fit": [(0, 3.0), (2, 1.0)]}, "x", "y", "t", dots=["data"])
    )
    dots, line = series_paths(root)
    assert (dots.count("M"), dots.count("L")) == (3, 0)
    assert (line.count("M"), line.count("L")) == (1, 1)


def test_a_long_series_is_thinned_and_keeps_its_peak() -> None:
    points = [(float(n), 0.0) for n in range(100_000)]
    points[50_001] = (50_001.0, 7.0)
    svg = line_chart({"a": points}, "x", "y", "t")
    assert len(svg) < 100_000
    (path,) = series_paths(parsed(svg))
    heights = [float(pair.split()[1]) for pair in path[1:].split("L")]
    assert min(heights) < max(heights) - 100


def test_the_legend_stands_above_the_data() -> None:
    root = parsed(line_chart({f"line {n}": [(0, n), (1, n)] for n in range(9)}, "x", "y", "t"))
    legend = [float(t.get("y", "")) for t in root.iter(f"{SVG}text") if (t.findtext(f"{SVG}title") or "")[:4] == "line"]
    marks = [float(c.get("cy", "")) for c in root.iter(f"{SVG}circle")]
    assert len(legend) == 9
    assert max(legend) < min(marks) - 3


def test_marks_stay_inside_the_picture() -> None:
    root = parsed(line_chart({"a": [(-5, -1e9), (1e7, 3e9)]}, "x", "y", "t"))
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for mark in root.iter(f"{SVG}circle"):
        assert 0 < float(mark.get("cx", "")) < width
        assert 0 < float(mark.get("cy", "")) < height


def test_a_million_points_that_fall_together_are_one_dot() -> None:
    svg = scatter_chart([(1.0, 2.0)] * 1000 + [(2.0, 1.0)], "x", "y", "t")
    (path,) = series_paths(parsed(svg))
    assert path.count("M") == 2


def test_a_diagonal_gives_both_axes_one_range() -> None:
    root = parsed(scatter_chart([(0, 10), (3, 90)], "x", "y", "t"))
    labels = [t.text for t in root.iter(f"{SVG}text") if t.get("class", "").endswith("small muted")]
    assert labels.count("100") == 2


# -------------------------------------------------------------------------------------- bars


@settings(max_examples=60, deadline=None)
@given(values=st.dictionaries(st.text(max_size=30), NUMBERS, max_size=5), ends=st.tuples(NUMBERS, NUMBERS))
def test_any_bars_give_well_formed_xml(values: dict[str, float], ends: tuple[float, float]) -> None:
    parsed(bar_chart(values, "x", "t", dict.fromkeys(values, ends)))


def test_bars_begin_at_zero_and_are_as_long_as_their_values() -> None:
    root = parsed(bar_chart({"a": 1.0, "b": -2.0, "c": 4.0}, "x", "t"))
    bars = [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") is None]
    lengths = [float(rect.get("width", "")) for rect in bars]
    np.testing.assert_allclose(np.array(lengths) / lengths[0], [1, 2, 4], rtol=1e-3)
    a, b, _ = (float(rect.get("x", "")) for rect in bars)
    assert b + lengths[1] == pytest.approx(a, abs=0.02)


def test_an_interval_of_no_bar_is_refused() -> None:
    with pytest.raises(ParameterError) as caught:
        bar_chart({"a": 1.0}, "x", "t", {"b": (0, 1)})
    assert caught.value.name == "b"  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------------- grids


def test_a_matrix_shows_every_count_where_it_belongs() -> None:
    root = parsed(matrix_chart([[5, 1], [0, 7]], ["cat", "dog"], ["cat", "dog"], "t", "true", "predicted"))
    cells = [g for g in root.iter(f"{SVG}g") if g.get("class") == "cell"]
    assert [g.findtext(f"{SVG}text") for g in cells] == ["5", "1", "0", "7"]
    assert [(g.findtext(f"{SVG}title") or "").split(":")[0] for g in cells] == [
        "cat → cat",
        "cat → dog",
        "dog → cat",
        "dog → dog",
    ]


@pytest.mark.parametrize("count", [0, 1, 3, 60])
def test_a_matrix_of_any_size_and_of_zeros_is_drawn(count: int) -> None:
    names = [f"class <{number}> & a long name" for number in range(count)]
    parsed(matrix_chart(np.zeros((count, count)), names, names, "t", "r", "c"))


def test_counts_that_are_no_counts_are_refused() -> None:
    with pytest.raises(ParameterError):
        matrix_chart([[-1]], ["a"], ["a"], "t")
    with pytest.raises(ParameterError):
        matrix_chart([[math.nan]], ["a"], ["a"], "t")
    with pytest.raises(ShapeError) as caught:
        matrix_chart([[1, 2]], ["a"], ["a"], "t")
    assert caught.value.got == (1, 2)  # type: ignore[attr-defined]


def test_images_of_all_kinds_are_drawn_with_their_captions() -> None:
    images = [np.zeros((8, 8), np.uint8), np.zeros((4, 6, 3), np.uint8)]
    root = parsed(image_grid(images, ["a\nb", "<&>"], "t"))
    assert len(list(root.iter(f"{SVG}image"))) == 2
    assert [t.text for t in root.iter(f"{SVG}text") if "small" in t.get("class", "")] == ["a", "b", "<&>"]


def test_no_images_are_an_empty_sheet() -> None:
    parsed(image_grid([], []))


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        image_grid([np.zeros((2, 2), np.uint8)], [])
    with pytest.raises(ShapeError):
        image_grid([np.zeros((2, 2, 2), np.uint8)], ["a"])
    with pytest.raises(DtypeError):
        image_grid([np.zeros((2, 2))], ["a"])  # type: ignore[list-item]


def test_a_scale_has_no_place_for_what_is_not_finite() -> None:
    assert Scale(0.0, 1.0, (), ()).position(math.nan) is None
