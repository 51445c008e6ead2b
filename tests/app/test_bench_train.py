"""`tidu bench train` measures what is there, compares losses and says what is missing; nothing is timed here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.app.conftest import Run

from tidu.app.bench.train.arrays import Weights, make_arrays, reached_loss
from tidu.app.bench.train.by_numpy import NumpyTrainer
from tidu.app.bench.train.by_tidu import LibraryLossTrainer, TiduTrainer
from tidu.app.bench.train.cases import CASES, Case
from tidu.app.bench.train.peers import PEERS
from tidu.app.bench.train.scalar_calls import SCALAR_CALLS
from tidu.app.bench.train.turns import AGREEMENT, Findings
from tidu.app.bench.train.worker import PEAK, Request, Result, measure
from tidu.app.bench.turns import Row
from tidu.app.cli import cli

TRAINING = [name for name, case in CASES.items() if case.job == "training"]


def small(name: str) -> Case:
    """A training case with fewer rows and narrower layers, so that a test is quick."""
    case = CASES[name]
    sizes = (min(case.sizes[0], 64), *(min(width, 32) for width in case.sizes[1:]))
    n_rows = case.n_rows if case.whole_batch else 4 * case.batch
    return replace(case, sizes=sizes, n_rows=n_rows)


def test_the_tiny_case_is_measured_and_written_down(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    result = run("bench", "train", "tiny", "--peers", "tidu,numpy", "--repeat", 1, "--quick", "--json", out)
    assert result.exit_code == 0, result.output
    assert "3-4-4-1" in result.output
    assert "DIFFERS" not in result.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [(m["case"], m["peer"]) for m in found["measurements"]] == [("tiny", "tidu"), ("tiny", "numpy")]
    for measurement in found["measurements"]:
        assert measurement["failure"] == []
        assert measurement["results"][0]["per_s"] > 0
        assert measurement["difference"] <= AGREEMENT


def test_the_tables_speak_chinese(run: Run) -> None:
    arguments = ("bench", "train", "product", "--peers", "python", "--repeat", 1, "--quick")
    assert "调用/秒" in run(*arguments, "--lang", "zh").output
    assert "调用/秒" in run("--lang", "zh", *arguments).output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("huge",), "huge"),
        (("tiny", "--peers", "tidu,abacus"), "abacus"),
        (("tiny", "--repeat", "0"), "--repeat"),
        (("tiny", "--threads", "none"), "--threads"),
        (("tiny", "--json", "found.txt"), "found.txt"),
        (("cifar10", "--cifar10", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run: Run, arguments: tuple[str, ...], named: str) -> None:
    result = run("bench", "train", *arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr


def test_a_peer_that_is_not_installed_is_named_and_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PEERS["autograd"], module="tidu_absent_peer")
    monkeypatch.setattr("tidu.app.bench.train.turns.PEERS", {**PEERS, "autograd": absent})
    result = run("bench", "train", "product", "--peers", "python,autograd", "--repeat", 1, "--quick")
    assert result.exit_code == 0, result.output
    assert "tidu_absent_peer" in result.output


def test_a_peer_that_fails_is_reported_with_its_reason(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidu.app.bench.train.turns._WORKER", "tidu.app.bench.absent_worker")
    result = run("bench", "train", "tiny", "--peers", "numpy", "--repeat", 1, "--quick")
    assert result.exit_code == 0, result.output
    assert "NumPy by hand failed: " in result.output
    assert "absent_worker" in result.output


def test_the_help_names_every_case(run: Run) -> None:
    words = run("bench", "train", "--help").output.replace(",", " ").replace(".", " ").split()
    assert set(CASES) <= set(words)
    assert "bench" in cli.commands


@pytest.mark.parametrize("name", TRAINING)
@pytest.mark.parametrize("peer", [TiduTrainer, LibraryLossTrainer])
def test_tidu_and_numpy_by_hand_reach_the_same_loss(name: str, peer: type[TiduTrainer]) -> None:
    case = small(name)
    arrays = make_arrays(case)
    rows = arrays.steps(6)
    reached = [reached_loss(case, arrays, t(case, arrays, None).train(rows)) for t in (peer, NumpyTrainer)]
    assert reached[0] == pytest.approx(reached[1], rel=1e-5)
    assert reached[0] != pytest.approx(reached_loss(case, arrays, arrays.weights), rel=1e-5)


def test_other_rows_are_caught_by_the_comparison_of_losses() -> None:
    class Mistaken(NumpyTrainer):
        def train(self, rows: np.ndarray) -> Weights:
            return super().train(rows[::-1] // 2)

    case = small("digits")
    arrays = make_arrays(case)
    rows = arrays.steps(50)
    reached = [reached_loss(case, arrays, t(case, arrays, None).train(rows)) for t in (NumpyTrainer, Mistaken)]
    findings = Findings()
    for peer, loss in zip(("tidu", "numpy"), reached, strict=True):
        findings.rows["digits", peer] = Row([Result(0.0, per_s=1.0, check=loss)])
    difference = findings.difference("digits", "numpy")
    assert difference is not None
    assert difference > AGREEMENT


@pytest.mark.parametrize("job", ["product", "chain"])
def test_python_by_hand_and_tidu_have_the_same_gradients(job: str) -> None:
    case = replace(CASES[job], sizes=(20,))
    (ours, gradients), (value, expected) = (SCALAR_CALLS[peer](case)() for peer in ("tidu", "python"))
    assert ours == pytest.approx(value)
    assert gradients == pytest.approx(expected)


@pytest.mark.parametrize("case", ["hessian", "hvp"])
def test_second_derivatives_are_measured(case: str) -> None:
    found = measure(Request("tidu", case, budget_s=0.01))
    assert found.per_s is not None
    assert found.check is not None


def test_flops_of_a_step_leave_out_the_gradient_of_the_data() -> None:
    case = Case("two layers", "training", (5, 3, 2), batch=7)
    assert case.step_flops == 2 * 7 * (2 * 5 * 3 + 3 * 3 * 2)


def test_the_peak_is_found() -> None:
    found = measure(Request(PEAK, "mnist", budget_s=0.01)).per_s
    assert found is not None
    assert found > 0
