"""What both benchmarks share: turns, processes of their own, memory that is looked at; nothing is timed here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tidu.app.bench.clock import forget_peak, peak_bytes, resident_bytes
from tidu.app.bench.present import missing
from tidu.app.bench.processes import MeasurementFailed, ask, clean_environment
from tidu.app.bench.turns import Row, take_turns


@dataclass(frozen=True)
class Speed:
    per_s: float | None


def test_a_ratio_is_taken_within_each_round() -> None:
    ours = Row([Speed(10.0), Speed(100.0), Speed(30.0)])
    theirs = Row([Speed(5.0), Speed(20.0), Speed(10.0)])
    assert ours.ratio(theirs, "per_s") == 3.0
    assert ours.ratio(Row(), "per_s") is None


def test_figures_that_are_not_there_are_left_out() -> None:
    assert Row([Speed(None), Speed(3.0), Speed(5.0)]).median("per_s") == 4.0
    assert Row([Speed(None)]).median("per_s") is None


def test_peers_take_turns_and_who_failed_has_no_further_one() -> None:
    heard: list[tuple[str, str]] = []

    def measure(case: str, peer: str, row: Row[Speed]) -> Speed:
        heard.append((case, peer))
        if peer == "bad":
            raise MeasurementFailed("it broke")
        return Speed(1.0)

    rows = take_turns(2, {"a": ["good", "bad"], "b": ["good"]}, measure, lambda what: None)
    assert heard == [("a", "good"), ("a", "bad"), ("b", "good"), ("a", "good"), ("b", "good")]
    assert rows["a", "bad"].failure == ["it broke"]
    assert len(rows["a", "good"].results) == 2


def test_a_process_that_fails_says_its_last_line() -> None:
    with pytest.raises(MeasurementFailed, match="Error"):
        ask("tidu.app.bench.knn.worker", {"peer": "abacus"}, clean_environment())


def test_a_process_that_is_late_is_a_failure() -> None:
    with pytest.raises(MeasurementFailed, match="no answer"):
        ask("tidu.app.bench.knn.worker", {}, clean_environment(), patience_s=0.001)


def test_no_openblas_variable_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert not [name for name in clean_environment() if name.startswith("OPENBLAS_")]
    assert clean_environment()["PATH"] == os.environ["PATH"]


def test_what_is_missing_is_named() -> None:
    assert missing("numpy") == ""
    assert missing("tidu_absent_peer") == "tidu_absent_peer"
    assert missing("numpy", ("tidu-absent-tool",)) == "tidu-absent-tool"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can forget a peak")
def test_a_forgotten_peak_is_counted_anew() -> None:
    held = np.ones(64_000_000, np.uint8)
    before = peak_bytes()
    del held
    assert forget_peak()
    after, now = peak_bytes(), resident_bytes()
    assert before is not None
    assert after is not None
    assert now is not None
    assert after < before
    assert after >= now - 1_000_000
