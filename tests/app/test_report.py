"""The report is one page that parses, loads nothing, and speaks one language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.app.conftest import Run
from tests.app.pages import Page

# Names of methods, units and programs stand as they are in any language.
_NAMES = {
    *("adam", "l-bfgs", "softmax", "wilson", "bootstrap", "k-nn", "cpu", "python", "linux", "tidu", "numpy", "scipy"),
    *(
        "scikit-learn",
        "alpha",
        "mb",
        "float64",
        "float32",
        "uint8",
        "seed",
        "out",
        "lang",
        "ctrl-c",
        "k",
        "x",
        "s",
        "l2",
    ),
}


def english(text: str) -> list[str]:
    """Return runs of three or more English words in a row: sentences, not names."""
    found = re.findall(r"[A-Za-z][A-Za-z-]*(?:[ ,]+[A-Za-z][A-Za-z-]*){2,}", text)
    return [run for run in found if not {word.lower() for word in re.split(r"[ ,]+", run)} <= _NAMES]


@pytest.mark.parametrize("folder", ["fitted", "fitted_numbers"])
def test_a_report_parses_and_references_nothing_outside(folder: str, request: pytest.FixtureRequest) -> None:
    html = (request.getfixturevalue(folder) / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert page.problems == []
    assert page.tags.count("svg") >= 6
    assert [load for load in page.loads if not load.startswith("data:image/png;base64,")] == []
    assert not re.search(r"url\(|@import|<script", html)
    # The names of XML's own vocabularies are never fetched.
    assert set(re.findall(r"https?://[^\"' <]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page.policy


def test_the_checker_of_references_sees_a_planted_one() -> None:
    page = Page('<p><img src="https://example.org/a.png"><b></p>')
    assert page.loads == ["https://example.org/a.png"]
    assert page.problems != []


def test_names_from_the_data_cannot_break_the_page(run: Run, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    rows = "\n".join(f"{i},{bad if i % 2 else 'b&c'}" for i in range(40))
    (tmp_path / "a.csv").write_text(f"x,<b>\n{rows}\n")
    out = tmp_path / "out"
    result = run("fit", tmp_path / "a.csv", "--target", "<b>", "--out", out, "--epochs", 2, "--hidden", "2")
    assert result.exit_code == 0, result.output
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert page.problems == []
    assert "script" not in page.tags
    assert "b" not in page.tags


def test_chinese_output_has_no_english_sentences(run: Run, tmp_path: Path, classes_csv: Path) -> None:
    out = tmp_path / "out"
    result = run("fit", classes_csv, "--target", "kind", "--out", out, "--epochs", 2, "--hidden", "4", "--lang", "zh")
    assert result.exit_code == 0, result.output
    assert [line for line in result.output.splitlines() if english(line)] == []
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert [words for words in page.words if english(words) and not words.startswith("tidu fit")] == []
    assert "数据" in "".join(page.words)


def test_the_checker_of_language_sees_a_planted_sentence() -> None:
    assert english("数据 The data have 3 rows") == ["The data have"]
    assert english("优化器 Adam, softmax, L-BFGS") == []
