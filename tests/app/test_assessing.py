"""`tidu assess` prints a verdict and writes a page; `tidu fit` shows how near its models come to the floor."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.app.conftest import Run, flowers
from tests.app.pages import Page
from tests.app.test_report import english
from tests.assessment.made import classes, numbers

from tidu.app.assessing import assess_training
from tidu.app.floor import best_score, loss_floor, ratio, ratio_notes
from tidu.app.measuring import Cost
from tidu.app.outcome import Outcome, Score
from tidu.app.problem import Problem, open_problem
from tidu.app.settings import FitSettings
from tidu.assessment.result import Floor


@pytest.fixture
def contradicting_csv(tmp_path: Path) -> Path:
    """A table of a clear function, in which three rows say something else than three others."""
    x = np.linspace(-1.0, 1.0, 120)
    y = 100.0 * x**2
    x[[20, 50, 80]], y[[20, 50, 80]] = x[[30, 60, 90]], -500.0
    lines = [f"{a:.6f},{b:.4f}" for a, b in zip(x, y, strict=True)]
    path = tmp_path / "odd.csv"
    path.write_text("x,y\n" + "\n".join(lines) + "\n")
    return path


def test_verdict_reasons_and_numbers_are_printed(run: Run, numbers_csv: Path) -> None:
    result = run("assess", numbers_csv, "--target", "price")
    assert result.exit_code == 0, result.output
    first, second, *rest = result.stdout.splitlines()
    assert re.match(r"(noisy )?function: the best R² that any model can reach is about 0\.99", first)
    assert (second, rest[0][:4]) == ("", "  - ")
    assert re.search(r"^rows +150$", result.stdout, re.MULTILINE)
    assert "size (" in result.stdout


def test_it_speaks_chinese(run: Run, classes_csv: Path) -> None:
    result = run("assess", classes_csv, "--target", "kind", "--lang", "zh")
    assert result.exit_code == 0, result.output
    assert "任何模型能达到的最高准确率" in result.stdout
    assert [line for line in result.output.splitlines() if english(line)] == []


def test_a_bundled_data_set_needs_no_target(run: Run) -> None:
    assert "classes" in run("assess", "iris").stdout


def test_the_page_has_the_command_that_makes_it_again(run: Run, classes_csv: Path, tmp_path: Path) -> None:
    html = tmp_path / "found.html"
    result = run("assess", classes_csv, "--target", "kind", "--html", html, "--seed", 3, "--threads", 1)
    assert result.exit_code == 0, result.output
    assert f"Wrote {html}" in result.stdout
    page = Page(html.read_text(encoding="utf-8"))
    assert (page.problems, page.loads) == ([], [])
    command = f"tidu assess {classes_csv} --target kind --seed 3 --threads 1 --lang en"
    assert command in page.words
    again = run(*command.split()[1:])
    assert again.stdout == result.stdout.replace(f"Wrote {html}\n", "")


def test_the_same_seed_gives_the_same_text(run: Run, numbers_csv: Path) -> None:
    common = ("assess", numbers_csv, "--target", "price")
    assert run(*common, "--threads", 1).stdout == run(*common, "--threads", 2).stdout


def test_held_out_rows_that_training_has_are_named(run: Run, tmp_path: Path) -> None:
    X, y = flowers(90)
    np.savez(tmp_path / "train.npz", X=X, y=y)
    np.savez(tmp_path / "test.npz", X=np.concatenate([X[40:42], X[:20] + 0.37]), y=np.concatenate([y[40:42], y[:20]]))
    result = run("assess", tmp_path / "train.npz", "--test", tmp_path / "test.npz")
    assert result.exit_code == 0, result.output
    assert "2 of 22 held-out rows lie at or next to a training row, 2 of them exactly" in result.stdout
    assert re.search(r"^ +1 +41$", result.stdout, re.MULTILINE)


def test_held_out_rows_need_no_target(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    lines = numbers_csv.read_text().splitlines()
    (tmp_path / "with.csv").write_text("\n".join(lines[:31]) + "\n")
    (tmp_path / "without.csv").write_text("".join(line.rsplit(",", 1)[0] + "\n" for line in lines[:31]))
    for name in ("with.csv", "without.csv"):
        result = run("assess", numbers_csv, "--target", "price", "--test", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert "30 of 30 held-out rows" in result.stdout


def test_contradicting_rows_are_printed_with_their_numbers(run: Run, contradicting_csv: Path) -> None:
    result = run("assess", contradicting_csv, "--target", "y")
    assert result.exit_code == 0, result.output
    assert "6 of 120 rows (5 %) contradict each other" in result.stdout
    for rows in ("20, 30", "50, 60", "80, 90"):
        assert re.search(rf"^{rows} +-500, ", result.stdout, re.MULTILINE)


BAD = {
    "no such file": ("missing.csv --target y", "missing.csv"),
    "no target": ("odd.csv", "--target"),
    "unknown column": ("odd.csv --target z", "'z'"),
    "too few rows": ("few.csv --target y", "at least 20"),
    "one target": ("same.csv --target y", "same value"),
    "a NaN": ("nan.csv --target y", "line 4"),
    "classes and numbers": ("odd.csv --target y --classify --regress", "exclude each other"),
    "classes asked of many numbers": ("odd.csv --target y --classify", "--classify"),
    "another kind of page": ("odd.csv --target y --html page.pdf", ".html"),
    "page in no folder": ("odd.csv --target y --html no/page.html", "does not exist"),
    "limit too small": ("odd.csv --target y --memory-limit 1MB", "memory_limit"),
    "test without the features": ("odd.csv --target y --test wide.npy", "no feature 'x'"),
    "bad seed": ("odd.csv --target y --seed -1", "--seed"),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_and_nothing_is_left(
    run: Run, contradicting_csv: Path, arguments: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = contradicting_csv.parent
    monkeypatch.chdir(folder)
    (folder / "few.csv").write_text("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(12)))
    (folder / "same.csv").write_text("x,y\n" + "".join(f"{i},3\n" for i in range(30)))
    (folder / "nan.csv").write_text("x,y\n" + "".join(f"{'nan' if i == 2 else i},{i}.5\n" for i in range(30)))
    np.save(folder / "wide.npy", np.zeros((30, 3)))
    before = sorted(folder.rglob("*"))
    result = run("assess", *arguments.split())
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("tidu: error: ")
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert sorted(folder.rglob("*")) == before


# ------------------------------------------------------------------------------------ in `tidu fit`


def test_fit_tells_the_verdict_before_it_fits_and_the_ratio_after(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    common = ("fit", numbers_csv, "--target", "price", "--models", "linear,knn", "--out", tmp_path / "out")
    result = run(*common)
    assert result.exit_code == 0, result.output
    assert result.stdout.index("function: the best R²") < result.stdout.index("Fitted the linear model")
    assert "error / floor" in result.stdout
    assert len(re.findall(r"│ +(?:≥ )?[0-9.,]+ × │", result.stdout)) == 2
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    words = "".join(page.words)
    assert page.problems == []
    assert "Is there a function, and how well can any model do?" in words
    assert words.count("noise floor") >= 1
    assert "best of any model" in words


def test_without_an_assessment_nothing_is_said_of_a_floor(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    common = ("fit", numbers_csv, "--target", "price", "--models", "linear", "--out", tmp_path / "out")
    result = run(*common, "--no-assess")
    assert result.exit_code == 0, result.output
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "--no-assess" in html
    for text in (result.stdout, html):
        assert "floor" not in text
        assert "any model can reach" not in text


def test_of_classes_the_best_accuracy_stands_beside_the_validation_scores(fitted: Path) -> None:
    words = "".join(Page((fitted / "report.html").read_text(encoding="utf-8")).words)
    assert "best of any model" in words
    assert "the noise floor" not in words
    assert "error rate on the held-out rows over the least error" in words


def test_a_limit_too_small_for_the_assessment_does_not_stop_the_fit(
    run: Run, classes_csv: Path, tmp_path: Path
) -> None:
    common = ("fit", classes_csv, "--target", "kind", "--models", "knn", "--memory-limit", "2MB", "--out", tmp_path)
    result = run(*common)
    assert result.exit_code == 0, result.output
    assert "--memory-limit is too small for that" in result.stdout
    assert "error / floor" not in result.stdout
    assert "--memory-limit 太小" in run(*common, "--lang", "zh").stdout


def test_too_few_rows_for_an_assessment_do_not_stop_the_fit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(18)))
    result = run("fit", tmp_path / "few.csv", "--target", "y", "--models", "linear", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "20 training rows at least" in result.stdout


def test_row_numbers_in_the_report_are_those_of_the_data(contradicting_csv: Path) -> None:
    settings = FitSettings(str(contradicting_csv), "", target="y", test_fraction=0.1)
    problem = open_problem(settings)
    found = assess_training(problem, settings)
    assert found is not None
    train, test = set(problem.train.rows.tolist()), set(problem.test.rows.tolist())
    pairs = [(20, 30), (50, 60), (80, 90)]
    together = {pair for pair in pairs if set(pair) <= train}
    assert together
    assert {one.rows for one in found.contradictions.worst} == together
    assert found.leakage is not None
    divided = {tuple(sorted(pair)) for pair in found.leakage.pairs if pair[0] in test and pair[1] in train}
    assert divided >= {pair for pair in pairs if len(set(pair) & test) == 1}
    assert len(divided) == len(found.leakage.pairs)


def test_of_many_rows_a_part_is_assessed(
    classes_csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tidu.app.assessing._MOST_ROWS", 40)
    settings = FitSettings(str(classes_csv), "", target="kind")
    found = assess_training(open_problem(settings), settings)
    assert found is not None
    assert found.n_samples == 40
    assert re.search(r"any model can reach.*\n.*40 of the \d+ training rows", capsys.readouterr().out)


@pytest.fixture
def problem(numbers_csv: Path) -> Problem:
    return open_problem(FitSettings(str(numbers_csv), "", target="price"))


def outcome(outputs: np.ndarray) -> Outcome:
    return Outcome("linear", outputs, Score(0.0, 0.0, 0.0), Cost(), Cost(), {})


def test_the_ratio_is_the_error_over_the_noise(problem: Problem) -> None:
    missed = outcome(problem.test.y.astype(np.float64) + 2.0)
    assert ratio(missed, problem, numbers()) == "2.00 ×"
    assert len(ratio_notes(numbers(), "en")) == 1


def test_where_the_floor_may_be_zero_the_ratio_is_a_lower_bound(problem: Problem) -> None:
    missed = outcome(problem.test.y.astype(np.float64) + 2.0)
    found = numbers(floor=Floor(0.5, 0.0, 0.8, 10.0))
    assert ratio(missed, problem, found) == "≥ 5.00 ×"
    assert "upper end of its interval, 0.8" in ratio_notes(found, "en")[1]
    assert ratio(missed, problem, numbers(floor=Floor(0.0, 0.0, 0.0, 10.0))) == "–"


def test_of_classes_the_ratio_is_that_of_error_rates(classes_csv: Path) -> None:
    problem = open_problem(FitSettings(str(classes_csv), "", target="kind"))
    outputs = np.eye(3)[problem.test.y.astype(np.intp)]
    outputs[:3] = np.roll(outputs[:3], 1, axis=1)
    n = problem.test.n_samples
    found = replace(classes(), floor=Floor(1.5 / n, 0.01, 0.1, 0.5))
    assert ratio(outcome(outputs), problem, found) == "2.00 ×"


def test_the_floor_of_the_loss_is_in_the_units_of_the_loss(problem: Problem) -> None:
    floor = loss_floor(numbers(floor=Floor(problem.scale**2, 0.0, 2 * problem.scale**2, 1.0)), problem)
    assert floor is not None
    assert (floor.value, floor.low, floor.high) == pytest.approx((0.5, 0.0, 1.0))
    assert loss_floor(None, problem) is None
    assert best_score(None, problem) is None
