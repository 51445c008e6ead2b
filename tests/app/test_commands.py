"""`tidu explain`, `tidu knn` and `tidu --help` do what they say."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.app.conftest import Run
from tests.app.pages import Page

from tidu import __version__
from tidu.assessment.intervals import bootstrap_r2, r2, wilson
from tidu.neighbors import kneighbors


def test_the_lectures_example_is_explained(run: Run, tmp_path: Path) -> None:
    svg, html = tmp_path / "e.svg", tmp_path / "e.html"
    result = run("explain", "(x+y)*z", "x=-2", "y=5", "z=-4", "--svg", svg, "--html", html)
    assert result.exit_code == 0, result.output
    for line in ("-12", "df/dx = -4", "df/dy = -4", "df/dz = 3"):
        assert line in result.output
    assert ElementTree.fromstring(svg.read_text(encoding="utf-8")).tag.endswith("svg")
    page = Page(html.read_text(encoding="utf-8"))
    assert page.problems == []
    assert page.loads == []


def test_an_expression_may_begin_with_a_minus_and_use_any_letter(run: Run) -> None:
    result = run("explain", "-f*vary", "f=3", "vary=2")
    assert result.exit_code == 0, result.output
    assert "-6" in result.output


def test_an_explanation_speaks_chinese(run: Run) -> None:
    assert "梯度" in run("explain", "x*x", "x=3", "--lang", "zh").output


def test_the_language_may_stand_before_the_command_whose_own_wins(run: Run) -> None:
    assert "梯度" in run("--lang", "zh", "explain", "x*x", "x=3").output
    assert "Gradient" in run("--lang", "zh", "explain", "x*x", "x=3", "--lang", "en").output
    assert "Gradient" in run("--lang", "en", "explain", "x*x", "x=3").output


@pytest.mark.parametrize("limit", [(), ("--memory-limit", "1MB")])
def test_knn_writes_what_the_library_finds(run: Run, tmp_path: Path, limit: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    data, queries = rng.normal(size=(300, 4)), rng.normal(size=(50, 4))
    np.save(tmp_path / "data.npy", data)
    np.save(tmp_path / "queries.npy", queries)
    out = tmp_path / "found.npz"
    result = run("knn", tmp_path / "data.npy", tmp_path / "queries.npy", "-k", 3, "--output", out, *limit)
    assert result.exit_code == 0, result.output
    assert "50 queries in 300 rows" in result.output
    distances, indices = kneighbors(queries, data, 3)
    with np.load(out) as found:
        assert np.array_equal(found["indices"], indices)
        assert np.array_equal(found["distances"], distances)


def test_knn_prints_a_table_without_an_output(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0.0], [2.0], [5.0]]))
    result = run("knn", tmp_path / "a.npy", tmp_path / "a.npy", "-k", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "index0,index1,distance0,distance1",
        "0,1,0.0,2.0",
        "1,0,0.0,2.0",
        "2,1,0.0,3.0",
    ]


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").output == f"tidu {__version__}\n"


@pytest.mark.parametrize("command", ["demo", "fit", "predict", "explain", "approximate", "knn"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"  tidu {command}" in result.output
    assert command in run().output


def test_wilsons_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.97):
        covered = [low <= share <= high for low, high in (wilson(h, 200) for h in rng.binomial(200, share, 2000))]
        assert 0.92 < np.mean(covered) < 0.98


def test_the_bootstrap_is_seeded_and_holds_the_score() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=80)
    predicted = true + 0.5 * rng.normal(size=80)
    low, high = bootstrap_r2(true, predicted, seed=1)
    assert low < r2(true, predicted) < high
    assert (low, high) == bootstrap_r2(true, predicted, seed=1)
    assert np.isnan(bootstrap_r2(np.ones(5), np.ones(5), 0)).all()
