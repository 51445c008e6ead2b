"""The pictures and the page of an assessment parse, say what was found, and load nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.app.pages import Page
from tests.app.test_report import english
from tests.assessment.made import SHARES, classes, likelihood, numbers

from tidu.assessment.dependence import Dependence
from tidu.assessment.page import write_fragment, write_page
from tidu.assessment.pictures import draw, drawn
from tidu.assessment.result import Assessment, Floor
from tidu.errors import ParameterError
from tidu.words import LANGUAGES

SVG = "{http://www.w3.org/2000/svg}"
MADE = {"numbers": numbers, "classes": classes}


def tips(svg: str) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def ticks(svg: str) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", MADE)
def test_every_picture_is_svg(name: str, lang: str) -> None:
    found = MADE[name]()
    assert drawn(found) == ("neighbors", "learning", "likelihood", "alone")
    for picture in drawn(found):
        svg = draw(found, picture, lang)
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"
        assert "nan" not in svg


def test_a_picture_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ParameterError, match=r"'roc'.*neighbors, learning, likelihood"):
        draw(numbers(n_features=1), "roc", "en")
    assert "alone" not in drawn(numbers(n_features=1))
    assert "learning" not in drawn(numbers(learning=numbers().learning[-1:]))
    assert "neighbors" not in drawn(numbers(pairs=np.empty((0, 2))))


def test_the_neighbor_plot_has_the_points_of_the_regression_and_a_line_to_distance_zero() -> None:
    svg = draw(numbers(), "neighbors", "en")
    assert [tip.partition(": ")[2] for tip in tips(svg) if re.search(r": 0\.\d+, \d", tip)] == [
        "0.25, 3.25",
        "0.5, 4.25",
        "0.75, 5.25",
    ]
    dashed = next(item for item in ElementTree.fromstring(svg).iter(f"{SVG}path") if item.get("stroke-dasharray"))
    assert dashed.get("class") == "series"


def test_far_outliers_do_not_stretch_the_neighbor_plot() -> None:
    pairs = numbers().pairs.copy()
    pairs[:3] = 1e6
    assert "1e6" not in "".join(ticks(draw(numbers(pairs=pairs), "neighbors", "en")))


def test_of_classes_the_neighbor_plot_shows_how_often_they_differ() -> None:
    pairs = np.stack([np.linspace(0.0, 4.0, 400) ** 2, np.repeat([0.0, 0.5], 200)], axis=1)
    points = [
        tip.split(": ")[1].split(", ") for tip in tips(draw(classes(pairs=pairs), "neighbors", "en")) if ", " in tip
    ]
    assert [float(share) for _, share in points] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert float(points[0][0]) == pytest.approx(0.25, abs=0.01)


def test_the_floor_lies_in_the_learning_curve_with_its_interval() -> None:
    svg = draw(numbers(floor=Floor(7.0, 6.0, 80.0, 100.0)), "learning", "en")
    assert "80" in ticks(svg)
    root = ElementTree.fromstring(svg)
    assert sum(item.get("class") == "band" for item in root.iter(f"{SVG}path")) == 1
    assert any(item.get("stroke-dasharray") for item in root.iter(f"{SVG}path"))


def test_a_flat_likelihood_spans_the_whole_axis() -> None:
    def width(found: Assessment) -> float:
        svg = draw(found, "likelihood", "en")
        paths = [item.get("d", "") for item in ElementTree.fromstring(svg).iter(f"{SVG}path")]
        line = max((d for d in paths if d.startswith("M")), key=len)
        across = [float(x) for x in re.findall(r"[ML]([0-9.]+) ", line)]
        return max(across) - min(across)

    blind = numbers(likelihood=likelihood(np.zeros(len(SHARES))))
    assert width(blind) > 3 * width(numbers())


def test_at_most_twenty_features_are_drawn() -> None:
    names = tuple(f"f{i}" for i in range(30))
    dependence = Dependence(0.6, 0.005, 0.4, 0.005, None, np.linspace(0.1, 0.9, 30), (), ())
    svg = draw(numbers(n_features=30, feature_names=names, dependence=dependence), "alone", "en")
    assert [text for text in ticks(svg) if text.startswith("f")] == [f"f{i}" for i in range(29, 9, -1)]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", MADE)
def test_the_page_parses_loads_nothing_and_speaks_one_language(name: str, lang: str) -> None:
    found = MADE[name]()
    html = write_page(found, lang, "tidu assess houses.csv")
    page = Page(html)
    assert (page.problems, page.loads) == ([], [])
    assert page.tags.count("svg") == 4
    assert "default-src 'none'" in page.policy
    assert "script" not in page.tags
    words = "".join(page.words)
    for reason in found.explain("zh" if lang == "zh" else "en"):
        assert reason in words
    assert "12, 345" in words
    if lang == "zh":
        assert [one for one in page.words if english(one) and not one.startswith("tidu assess")] == []


def test_names_from_the_data_cannot_break_the_page() -> None:
    bad = "<script>alert(1)</script>"
    found = classes(name=bad, feature_names=(bad, "<b>"), class_names=(bad, "b", "c&d"))
    for html in (found.to_html(), write_fragment(found, "en")):
        page = Page(html)
        assert page.problems == []
        assert not {"script", "b"} & set(page.tags)


def test_a_notebook_shows_pictures_and_numbers() -> None:
    html = numbers()._repr_html_()
    page = Page(html)
    assert page.problems == []
    assert page.tags.count("svg") == 2
    assert "noisy function" in "".join(page.words)
