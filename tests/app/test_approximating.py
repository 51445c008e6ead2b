"""`tidu approximate` prints a table, writes what was asked for, and leaves nothing behind on bad input."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.app.conftest import Run
from tests.app.pages import Page

from tidu.persistence.feed_forward import FeedForward

QUICK = ("--widths", "2,4,8", "--depths", "1", "--seeds", 1, "--samples", 128, "--epochs", 10, "--dimensions", "1")


def test_the_tables_are_printed(run: Run) -> None:
    result = run("approximate", "sin(3*x)", "--domain", "-1,1", *QUICK)
    assert result.exit_code == 0, result.output
    for words in (
        "sin(3*x), x ∈ [-1, 1]",
        "n = 8",
        "polygon, equal knots",
        "relu trained, L-BFGS",
        "n^-",
        "with 8 units",
    ):
        assert words in result.stdout.replace("With", "with")


def test_it_speaks_chinese(run: Run) -> None:
    result = run("approximate", "sin(3*x)", "--lang", "zh", *QUICK)
    assert result.exit_code == 0, result.output
    assert "隐藏单元数" in result.stdout


def test_the_page_is_one_file_with_the_command_that_makes_it_again(run: Run, tmp_path: Path) -> None:
    html = tmp_path / "found.html"
    result = run("approximate", "x*y", "--domain", "-1,1,0,2", "--html", html, *QUICK)
    assert result.exit_code == 0, result.output
    page = Page(html.read_text(encoding="utf-8"))
    assert (page.problems, [link for link in page.loads if not link.startswith("data:")]) == ([], [])
    assert "tidu approximate 'x*y' --domain=-1,1,0,2 --widths 2,4,8" in "".join(page.words)


def test_a_folder_has_page_pictures_and_networks_that_predict_reads(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "found"
    result = run("approximate", "sin(3*t)", "--out", out, *QUICK)
    assert result.exit_code == 0, result.output
    names = {path.name for path in out.iterdir()}
    assert {"approximation.html", "rms.svg", "polygon.tidu.safetensors", "relu-lbfgs.tidu.safetensors"} <= names
    for path in out.glob("*.svg"):
        assert ElementTree.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
    assert FeedForward.load(out / "polygon.tidu.safetensors").layer_sizes == (1, 8, 1)
    np.save(tmp_path / "new.npy", np.array([[-1.0], [0.0], [1.0]]))
    predicted = run("predict", out / "polygon.tidu.safetensors", tmp_path / "new.npy")
    assert predicted.exit_code == 0, predicted.output
    values = [float(line) for line in predicted.stdout.splitlines()[1:]]
    assert values == pytest.approx([np.sin(-3), 0.0, np.sin(3)], abs=1e-6)


def test_data_of_a_file_are_a_target(run: Run, numbers_csv: Path) -> None:
    result = run("approximate", numbers_csv, "--y", "price", "--widths", "2,4", *QUICK[2:])
    assert result.exit_code == 0, result.output
    assert "150 rows of data" in result.stdout


def test_a_noise_floor_is_accepted(run: Run, tmp_path: Path) -> None:
    html = tmp_path / "found.html"
    assert run("approximate", "x", "--noise-floor", 0.01, "--html", html, *QUICK).exit_code == 0
    assert "noise floor 0.01" in html.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sin(3*",), "column"),
        (("__import__('os')",), "column 1"),
        (("1/x",), "give a domain"),
        (("x", "--domain", "1"), "low and high ends"),
        (("x", "--domain", "1,0"), "low below high"),
        (("x*y", "--domain", "0,1,0,1,0,1"), "3 pairs"),
        (("x", "--widths", "0"), "widths"),
        (("x", "--activations", "bent"), "bent"),
        (("x", "--optimizers", "sgd"), "plain-adam"),
        (("x", "--html", "found.txt"), ".html"),
        (("missing.csv", "--y", "price"), "missing.csv"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_left(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("approximate", *arguments, "--out", "found")
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
