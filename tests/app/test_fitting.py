"""The main job runs from data to models, table and report, on every kind of data."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tests.app.conftest import Run, flowers
from tests.app.pages import Page

from tidu.app.one_line import EXIT_INTERRUPTED
from tidu.app.problem import open_problem
from tidu.app.progress import EpochBar
from tidu.app.settings import FitSettings
from tidu.app.training import LINEAR_PENALTY, open_features, train
from tidu.data.scaling import scaled_matrix
from tidu.errors import BudgetError
from tidu.learn.history import EpochRecord
from tidu.persistence.feed_forward import FeedForward

MODELS = {"linear.tidu.safetensors", "network.tidu.safetensors", "report.html"}


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def scores(output: str) -> list[float]:
    return [float(found) for found in re.findall(r"│ *(-?[0-9.]+)(?: %)? │", output)][:3]


def test_the_demo_needs_nothing_and_leaves_report_and_models(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--quick", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    assert files(tmp_path / "demo") == MODELS
    assert "Report: " in result.output
    linear, network, knn = scores(result.output)
    assert linear > 93
    assert network > 60
    assert knn > 96


def test_a_text_target_is_classified(fitted: Path) -> None:
    assert files(fitted) == MODELS
    network = FeedForward.load(fitted / "network.tidu.safetensors")
    assert network.class_names == ("iris", "rose", "tulip")
    assert network.feature_names == ("width", "height")
    assert network.layer_sizes == (2, 8, 3)


def test_a_number_is_regressed_in_its_own_units(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    result = run("fit", numbers_csv, "--target", "price", "--out", tmp_path, "--models", "linear,knn")
    assert result.exit_code == 0, result.output
    linear, _ = scores(result.output)
    assert linear > 0.95
    assert "bootstrap" in result.output
    network = FeedForward.load(tmp_path / "linear.tidu.safetensors")
    assert network.feature_names == ("size", "town=Bern", "town=Genf")
    assert 100_000 < network.target_shift < 500_000


def test_a_few_whole_numbers_are_classes_unless_told_otherwise(run: Run, tmp_path: Path) -> None:
    X, y = flowers()
    np.savez(tmp_path / "data.npz", X=X, y=y)
    common = ("fit", tmp_path / "data.npz", "--models", "linear", "--out", tmp_path / "out")
    assert "taken for a class: it has 3 different values" in run(*common).output
    assert "taken for a number: as you asked" in run(*common, "--regress").output


def test_features_and_target_may_stand_in_two_files(run: Run, tmp_path: Path) -> None:
    X, y = flowers()
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    out = tmp_path / "out"
    result = run("fit", tmp_path / "X.npy", "--target", tmp_path / "y.npy", "--models", "knn", "--out", out)
    assert result.exit_code == 0, result.output
    assert scores(result.output)[0] > 90


def test_a_folder_of_pictures_is_judged_on_its_own_test_batch(run: Run, pictures: Path, tmp_path: Path) -> None:
    result = run("fit", pictures, "--out", tmp_path, "--hidden", "4", "--epochs", 3, "-k", 3)
    assert result.exit_code == 0, result.output
    assert "The data have their own 80 test rows" in result.output
    assert "3,072 x uint8" in result.output
    network = FeedForward.load(tmp_path / "network.tidu.safetensors")
    assert network.image_shape == (32, 32, 3)
    assert network.scaling.kind == "pixels"
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "image" in page.tags


def test_rows_are_read_by_batch_where_the_features_do_not_fit(run: Run, pictures: Path, tmp_path: Path) -> None:
    limit = ("--memory-limit", "6MB", "--models", "linear,network")
    result = run("fit", pictures, "--out", tmp_path, "--hidden", "2", "--epochs", 2, "--batch-size", 4, *limit)
    assert result.exit_code == 0, result.output
    assert "read batch by batch" in result.output
    assert "was not certified" in result.output


def test_the_linear_model_is_trained_by_batch_where_its_rows_at_once_do_not_fit(run: Run, tmp_path: Path) -> None:
    limit = ("--memory-limit", "900kB", "--models", "linear")
    result = run("fit", "digits", "--out", tmp_path, "--epochs", 30, *limit)
    assert result.exit_code == 0, result.output
    assert "Scaled features take" in result.output
    assert "batch by batch with Adam" in result.output
    accuracy = re.search(r"linear model *│ *([0-9.]+) %", result.output)
    assert accuracy is not None
    assert float(accuracy[1]) > 80
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Adam(0.001)" in html
    assert "<dt>why batch by batch</dt><dd>L-BFGS over all rows at once does not fit" in html
    result = run("--lang", "zh", "fit", "digits", "--out", tmp_path, "--epochs", 1, *limit)
    assert "线性模型改用 Adam 逐批训练" in result.output


def test_a_smaller_batch_is_advised_where_it_helps(classes_csv: Path) -> None:
    settings = FitSettings(str(classes_csv), "", target="kind", hidden=(200,), memory_limit=20_000)
    problem = open_problem(settings)
    features = open_features(problem, settings.memory_limit)
    assert features.held_bytes > 0
    small = replace(settings, hidden=(50,), memory_limit=20_000)
    with pytest.raises(BudgetError, match="or a smaller --batch-size") as caught:
        train("network", problem, features, small)
    assert caught.value.limit == 20_000
    assert caught.value.needed > 20_000
    with pytest.raises(BudgetError, match=r"give a larger one$"):
        train("network", problem, features, settings)


def test_models_of_an_earlier_run_do_not_stay_beside_the_new_report(
    run: Run, classes_csv: Path, tmp_path: Path
) -> None:
    common = ("fit", classes_csv, "--target", "kind", "--out", tmp_path, "--epochs", 2)
    (tmp_path / "mine.tidu.safetensors").write_bytes(b"another's")
    assert "Removed" not in run(*common, "--models", "linear,network").output
    result = run(*common, "--models", "linear,knn")
    assert files(tmp_path) == {"linear.tidu.safetensors", "report.html", "mine.tidu.safetensors"}
    assert f"Removed the model of an earlier run: {tmp_path / 'network.tidu.safetensors'}" in result.output
    assert "已删除先前运行留下的模型" in run(*common, "--models", "knn", "--lang", "zh").output
    assert files(tmp_path) == {"report.html", "mine.tidu.safetensors"}


def test_the_same_seed_gives_the_same_models(run: Run, classes_csv: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two", "three"):
        seed = 7 if name != "three" else 8
        out = tmp_path / name
        run("fit", classes_csv, "--target", "kind", "--out", out, "--epochs", 3, "--seed", seed, "--models", "network")
        found.append(FeedForward.load(out / "network.tidu.safetensors").weights[0])
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_the_linear_model_is_the_one_that_scikit_learn_finds(classes_csv: Path) -> None:
    settings = FitSettings(str(classes_csv), "", target="kind")
    problem = open_problem(settings)
    found = train("linear", problem, open_features(problem, None), settings)
    assert found.certificate is not None
    assert found.certificate.is_global_minimum
    X = scaled_matrix(problem.fitting.X, problem.scaling)
    theirs = LogisticRegression(C=1 / LINEAR_PENALTY, tol=1e-8, max_iter=1000).fit(X, problem.fitting.y)
    ours = found.network.outputs(problem.test.X)
    assert np.allclose(ours, theirs.predict_proba(scaled_matrix(problem.test.X, problem.scaling)), atol=2e-3)


def test_validation_rows_come_from_the_training_part_only(classes_csv: Path) -> None:
    problem = open_problem(FitSettings(str(classes_csv), "", target="kind", seed=3))
    sides = [set(part.rows.tolist()) for part in (problem.fitting, problem.validation, problem.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == problem.data.n_samples
    assert sides[0] | sides[1] == set(problem.train.rows.tolist())
    assert problem.scaling.shift == pytest.approx(
        problem.data.X.read(0, problem.data.n_samples)[problem.train.rows].mean(axis=0)
    )


def test_the_command_of_a_report_repeats_the_run(run: Run, fitted: Path, classes_csv: Path) -> None:
    html = (fitted / "report.html").read_text(encoding="utf-8")
    command = re.search(r"<pre>(tidu fit .*?)</pre>", html)
    assert command is not None
    words = command[1].split()[1:]
    assert words[:2] == ["fit", str(classes_csv)]
    before = FeedForward.load(fitted / "network.tidu.safetensors").weights[0]
    assert run(*words).exit_code == 0
    assert np.array_equal(before, FeedForward.load(fitted / "network.tidu.safetensors").weights[0])


def test_control_c_keeps_the_best_so_far_and_still_reports(
    run: Run, classes_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(bar: EpochBar, record: EpochRecord) -> None:
        if record.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(EpochBar, "epoch", stop)
    result = run("fit", classes_csv, "--target", "kind", "--out", tmp_path, "--models", "network,knn")
    assert result.exit_code == EXIT_INTERRUPTED
    assert "Stopped by Ctrl-C" in result.stderr
    assert files(tmp_path) == {"network.tidu.safetensors", "report.html"}


def test_a_run_that_fails_leaves_no_folder_behind(run: Run, numbers_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    result = run("fit", numbers_csv, "--target", "price", "--out", out, "--learning-rate", 1e30, "--models", "network")
    assert result.exit_code == 2
    assert not out.exists()
