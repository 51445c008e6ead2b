"""`tidu approximate` prints a table, writes what was asked for, and leaves nothing behind on bad input."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.app.conftest import Run
from tests.app.pages import Page

from tidu.approximation import relu_interpolant
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
        (("x", "--widths", "0"), "widths must be whole numbers from 1"),
        (("x", "--depths", ""), "'--depths': expected whole numbers such as 4,8,16"),
        (("x", "--dimensions", "0"), "dimensions must be whole numbers from 1"),
        (("x", "--widht", "4"), "'--widths'"),
        (("max(x)",), "function of each point alone"),
        (("1e-200*x",), "another unit"),
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


def test_networks_of_a_data_file_predict_that_file(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    result = run("approximate", numbers_csv, "--y", "price", "--out", out, "--widths", "2,4", *QUICK[2:])
    assert result.exit_code == 0, result.output
    assert "size ∈" in result.stdout
    network = FeedForward.load(out / "relu-lbfgs.tidu.safetensors")
    assert (network.feature_names[0], network.target_name) == ("size", "price")
    predicted = run("predict", out / "relu-lbfgs.tidu.safetensors", numbers_csv)
    assert predicted.exit_code == 0, predicted.output
    assert len(predicted.stdout.splitlines()) == 151
    assert "on 150 rows" in predicted.stderr


def test_an_expression_may_begin_with_a_minus_and_ends_have_all_their_digits(run: Run, tmp_path: Path) -> None:
    html = tmp_path / "found.html"
    result = run("approximate", "-x*x", "--domain", "0,3.141592653589793", "--html", html, *QUICK)
    assert result.exit_code == 0, result.output
    (command,) = re.findall("<pre>(.*)</pre>", html.read_text(encoding="utf-8"))
    words = shlex.split(unescape(command))
    assert words[-2:] == ["--", "-x*x"]
    assert words[words.index("--domain") + 1] == "0,3.141592653589793"
    again = run(*words[1:])
    assert again.stdout.splitlines()[2:] == result.stdout.splitlines()[2:-1]


@pytest.mark.parametrize("expression", ["-x*y", "-y*x", "-sin(y)", "-cosh(h)"])
def test_no_letter_of_an_expression_is_taken_for_an_option(run: Run, expression: str) -> None:
    result = run("approximate", expression, "--domain", "-1,2", "--optimizers", "", "--widths", "8,16,32")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{expression}, ")


def test_a_network_of_one_variable_predicts_a_table_of_that_one_column(run: Run, tmp_path: Path) -> None:
    relu_interpolant(np.cos, (0.0, 1.0), 64).save(tmp_path / "cosine.tidu.safetensors", ["t"])
    (tmp_path / "new.csv").write_text("t\n0\n0.5\n")
    predicted = run("predict", tmp_path / "cosine.tidu.safetensors", tmp_path / "new.csv")
    assert predicted.exit_code == 0, predicted.output
    assert [float(line) for line in predicted.stdout.splitlines()[1:]] == pytest.approx(np.cos([0.0, 0.5]), abs=1e-4)
