"""Runs of the command line, and small data to give it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tidu.app.cli import cli

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs `tidu` with arguments."""

    def run_tidu(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments])

    return run_tidu


def flowers(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Return two features and one of three classes that they decide, all but for noise."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    centers = np.array([[0.0, 0.0], [40.0, 1.0], [0.0, 9.0]])
    return centers[y] + rng.normal(size=(n, 2)) * [4.0, 1.0], y


@pytest.fixture(scope="session")
def classes_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a text target in its middle column."""
    X, y = flowers()
    names = np.array(["iris", "rose", "tulip"])[y]
    lines = [f"{a:.4f},{name},{b:.4f}" for (a, b), name in zip(X, names, strict=True)]
    path = tmp_path_factory.mktemp("classes") / "flowers.csv"
    path.write_text("width,kind,height\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def numbers_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose target is a number far from 0, with a text column among the features."""
    rng = np.random.default_rng(1)
    size, town = rng.uniform(20, 200, 150), rng.integers(0, 2, 150)
    price = 50_000 + 2_000 * size + 30_000 * town + rng.normal(size=150) * 5_000
    lines = [f"{s:.3f},{['Bern', 'Genf'][t]},{p:.2f}" for s, t, p in zip(size, town, price, strict=True)]
    path = tmp_path_factory.mktemp("numbers") / "houses.csv"
    path.write_text("size,town,price\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of CIFAR-10: six batches of 80 pictures, dark cats and light dogs."""
    folder = tmp_path_factory.mktemp("cifar")
    rng = np.random.default_rng(2)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    for name in names:
        labels = (np.arange(80) % 2).tolist()
        pixels = rng.integers(0, 120, (80, 3072)) + 100 * np.array(labels)[:, None]
        batch = {"data": pixels.astype(np.uint8), "labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["cat", "dog"]}, protocol=2))
    return folder


@pytest.fixture(scope="session")
def fitted(run: Run, classes_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models fitted on `classes_csv`."""
    out = tmp_path_factory.mktemp("fitted")
    result = run("fit", classes_csv, "--target", "kind", "--out", out, "--epochs", 20, "--hidden", "8")
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="session")
def fitted_numbers(run: Run, numbers_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models fitted on `numbers_csv`."""
    out = tmp_path_factory.mktemp("fitted_numbers")
    result = run("fit", numbers_csv, "--target", "price", "--out", out, "--epochs", 40, "--hidden", "8")
    assert result.exit_code == 0, result.output
    return out
