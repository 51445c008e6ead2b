"""A saved model predicts what the fitted one did, and refuses what does not fit."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.app.conftest import Run

from tidu.app.problem import open_problem
from tidu.app.settings import FitSettings
from tidu.app.training import open_features, train
from tidu.data import open_dataset
from tidu.data.scaling import scaled_matrix
from tidu.estimators.mlp_objective import Objective
from tidu.estimators.mlp_parameters import network_of
from tidu.persistence import load_model
from tidu.persistence.feed_forward import FeedForward


@pytest.mark.parametrize(("name", "target"), [("classes_csv", "kind"), ("numbers_csv", "price")])
@pytest.mark.parametrize("model", ["linear", "network"])
def test_a_loaded_model_predicts_what_the_estimators_objective_does(
    name: str, target: str, model: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = FitSettings(str(request.getfixturevalue(name)), "", target=target, hidden=(5, 4), epochs=3)
    problem = open_problem(settings)
    fitted = train(model, problem, open_features(problem, None), settings).network
    fitted.save(tmp_path / "m.safetensors")
    loaded = FeedForward.load(tmp_path / "m.safetensors")
    hidden = network_of(() if model == "linear" else (5, 4), "relu", 0.0)
    objective = Objective(hidden, fitted.loss, 0.0)
    params = {"coefs": list(fitted.weights), "intercepts": list(fitted.biases)}
    expected = objective.outputs(params, scaled_matrix(problem.test.X, problem.scaling))
    if fitted.task == "regression":
        expected = expected[:, 0].astype(np.float64) * problem.scale + problem.shift
    assert np.allclose(loaded.outputs(problem.test.X), expected, rtol=1e-6, atol=1e-6)


def test_predictions_come_as_csv_with_the_score_aside(run: Run, fitted: Path, classes_csv: Path) -> None:
    result = run("predict", fitted / "linear.tidu.safetensors", classes_csv, "--probabilities")
    assert result.exit_code == 0, result.output
    rows = list(csv.reader(result.stdout.splitlines()))
    assert rows[0] == ["kind", "p(iris)", "p(rose)", "p(tulip)"]
    assert len(rows) == 121
    assert all(abs(sum(map(float, row[1:])) - 1) < 1e-5 for row in rows[1:])
    true = [line.split(",")[1] for line in classes_csv.read_text().splitlines()[1:]]
    share = np.mean([row[0] == name for row, name in zip(rows[1:], true, strict=True)])
    assert f"{100 * share:.1f} %" in result.stderr


def test_predictions_are_written_whole(run: Run, fitted_numbers: Path, numbers_csv: Path, tmp_path: Path) -> None:
    model = fitted_numbers / "network.tidu.safetensors"
    for name in ("p.csv", "p.npy"):
        result = run("predict", model, numbers_csv, "--output", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert "R²" in result.output
    array = np.load(tmp_path / "p.npy")
    table = [float(row[0]) for row in list(csv.reader((tmp_path / "p.csv").read_text().splitlines()))[1:]]
    assert array.tolist() == table
    assert array == pytest.approx(FeedForward.load(model).outputs(open_dataset(numbers_csv, target="price").X))


def test_columns_are_found_by_name_in_any_order(run: Run, fitted: Path, classes_csv: Path, tmp_path: Path) -> None:
    rows = [line.split(",") for line in classes_csv.read_text().splitlines()]
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(f"{b},other,{a}" if i else f"{b},extra,{a}" for i, (a, _, b) in enumerate(rows)))
    model = fitted / "network.tidu.safetensors"
    expected = run("predict", model, classes_csv).stdout
    result = run("predict", model, turned)
    assert result.exit_code == 0, result.output
    assert result.stdout == expected
    assert result.stderr == ""


def test_a_missing_column_is_refused_by_name(run: Run, fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("width,depth\n1,1\n2,1\n")
    result = run("predict", fitted / "linear.tidu.safetensors", tmp_path / "a.csv")
    assert result.exit_code == 2
    assert "'height'" in result.stderr


def test_a_value_that_was_never_seen_is_refused(run: Run, fitted_numbers: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("size,town\n1,Bern\n2,Basel\n")
    result = run("predict", fitted_numbers / "linear.tidu.safetensors", tmp_path / "a.csv")
    assert result.exit_code == 2
    assert "Basel" in result.stderr


def test_the_header_describes_the_model(fitted: Path, classes_csv: Path) -> None:
    facts = load_model(fitted / "network.tidu.safetensors").facts
    assert facts["layer_sizes"] == [2, 8, 3]
    assert facts["activations"] == ["relu", "softmax"]
    assert facts["target"] == "kind"
    assert str(classes_csv) in str(facts["training"])
    assert "(x - scaling.shift) / scaling.scale" in str(facts["about"])
