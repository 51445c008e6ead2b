"""`tidu bench knn` measures who is there, judges every list and says what was reached; nothing is timed here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tidu.app.bench.knn.cases import CASES, Goal
from tidu.app.bench.knn.command import knn
from tidu.app.bench.knn.goals import Outcome, faster
from tidu.app.bench.knn.numbers import make_files
from tidu.app.bench.knn.peers import PEERS
from tidu.app.bench.knn.turns import Result as Measured
from tidu.app.bench.knn.worker import Request, measure
from tidu.app.bench.turns import Row
from tidu.app.one_line import OneLineGroup
from tidu.errors import DataError

Bench = Callable[..., Result]
EXACT_FOR_BYTES = {name for name in PEERS if name.startswith("tidu")} | {"usearch", "sklearn64"}
TINY = ("--scale", 0.002, "--rounds", 1)


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Return a function that runs `tidu bench knn` with arguments."""
    group = OneLineGroup(commands=[knn])
    return lambda *arguments: CliRunner().invoke(group, ["knn", *map(str, arguments)])


def measured(**figures: Any) -> Measured:
    """What a round found, of which a test names what it needs."""
    base = Measured(1.0, None, 10, 0, 1.0, None, None, "")
    return replace(base, **figures)


def test_every_peer_that_is_there_searches_and_integers_are_exact(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    result = bench("--cases", "cifar-uint8", *TINY, "--json", out)
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["made_up"] == ["cifar-uint8"]
    peers = {m["peer"]: m for m in found["measurements"]}
    assert set(peers) | set(found["lacking"]) == {name for name, peer in PEERS.items() if not peer.one_thread}
    for name, row in peers.items():
        assert row["failure"] == [], name
        assert row["results"][0]["n_searched"] == 20
        if name in EXACT_FOR_BYTES:
            assert row["results"][0]["wrong_lists"] == 0, name
    assert peers["tidu"]["results"][0]["cold_s"] > 0
    reached = {(goal["goal"]["peer"], goal["goal"]["figure"]): goal for goal in found["goals"]}
    assert reached["tidu", "wrong_lists"]["met"]


def test_threads_are_compared_with_one(bench: Bench) -> None:
    result = bench("--cases", "threads", "--peers", "tidu-brute,tidu-brute-one,numpy", *TINY)
    assert result.exit_code == 0, result.output
    assert "tidu, brute, 1 thread" in result.output
    assert "NumPy" not in result.output
    assert "not measured" not in result.output


def test_tables_speak_chinese(bench: Bench) -> None:
    result = bench("--cases", "cifar-uint8", "--peers", "numpy", *TINY, "--lang", "zh")
    assert result.exit_code == 0, result.output
    assert "召回率" in result.output
    assert "合成像素" in result.output
    assert "未测" in result.output


def test_a_slow_peer_with_fewer_queries_says_so(bench: Bench) -> None:
    result = bench("--cases", "normal-16", "--peers", "sklearn64", *TINY, "--slow-queries", 5)
    assert result.exit_code == 0, result.output
    assert "5 of 20 queries, seconds scaled" in result.output
    assert "0 of 5" in result.output


def test_numbers_and_right_answers_are_kept_where_told(bench: Bench, tmp_path: Path) -> None:
    work = tmp_path / "kept"
    arguments = ("--cases", "duplicates", "--peers", "numpy", *TINY, "--work", work)
    assert bench(*arguments).exit_code == 0
    written = {path: path.stat().st_mtime_ns for path in work.iterdir()}
    assert len(written) == 3
    assert bench(*arguments).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in work.iterdir()} == written


def test_a_peer_that_is_not_installed_is_named_and_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PEERS["faiss-knn"], imports=("tidu_absent_peer",))
    monkeypatch.setattr("tidu.app.bench.knn.turns.PEERS", {**PEERS, "faiss-knn": absent})
    result = bench("--cases", "duplicates", "--peers", "numpy,faiss-knn", *TINY)
    assert result.exit_code == 0, result.output
    assert "tidu_absent_peer" in result.output


def test_a_peer_that_fails_is_reported_with_its_reason(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidu.app.bench.knn.turns._WORKER", "tidu.app.bench.absent_worker")
    result = bench("--cases", "duplicates", "--peers", "numpy", *TINY)
    assert result.exit_code == 0, result.output
    assert "NumPy, mapped file failed: " in result.output
    assert "absent_worker" in result.output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--cases", "huge"), "huge"),
        (("--peers", "tidu,abacus"), "abacus"),
        (("--rounds", "0"), "--rounds"),
        (("--scale", "2"), "--scale"),
        (("--data", "nowhere"), "nowhere"),
        (("--json", "found.txt"), "found.txt"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(bench: Bench, arguments: tuple[str, ...], named: str) -> None:
    result = bench(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr


def test_the_help_names_every_case(bench: Bench) -> None:
    words = bench("--help").output.replace(",", " ").replace(".", " ").split()
    assert set(CASES) <= set(words)


@pytest.mark.parametrize("name", ["cifar-uint8", "normal-16", "duplicates"])
def test_numbers_depend_on_nothing_but_the_case(name: str, tmp_path: Path) -> None:
    case = CASES[name].scaled(0.002)
    folders = tmp_path / "a", tmp_path / "b"
    found = []
    for folder in folders:
        folder.mkdir()
        files = make_files(case, folder)
        found.append((np.load(files.queries), np.load(files.rows)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
    queries, rows = found[0]
    assert queries.shape == (case.n_queries, case.n_features)
    assert rows.dtype == case.dtype
    assert not (queries[0] == rows[0]).all()


def test_made_up_pixels_lie_near_few_directions(tmp_path: Path) -> None:
    rows = np.load(make_files(CASES["cifar-uint8"].scaled(0.02), tmp_path).rows).astype(np.float64)
    variances = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    assert variances[:64].sum() > 0.8 * variances.sum()


def test_near_duplicates_are_as_near_and_as_far_out_as_said(tmp_path: Path) -> None:
    files = make_files(CASES["duplicates"].scaled(0.1), tmp_path)
    queries, rows = np.load(files.queries).astype(np.float64), np.load(files.rows).astype(np.float64)
    squares = ((queries[:, None] - rows[None, :, :]) ** 2).sum(axis=2)
    assert 0.5 < np.median(squares.min(axis=1)) < 2
    assert 0.5e8 < np.median((rows**2).sum(axis=1)) < 2e8


def test_pictures_come_out_of_the_folder_of_batches(pictures: Path, tmp_path: Path) -> None:
    case = replace(CASES["cifar-float32"], n_queries=30, n_rows=300)
    files = make_files(case, tmp_path, pictures)
    assert not files.made_up
    rows = np.load(files.rows)
    assert rows.shape == (300, 3072)
    assert rows.dtype == np.float32
    assert rows.max() <= 255


def test_pictures_come_out_of_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("train_x", "test_x"):
        np.save(tmp_path / f"{name}.npy", rng.integers(0, 256, (50, 3072), np.uint8))
    work = tmp_path / "work"
    work.mkdir()
    files = make_files(replace(CASES["cifar-uint8"], n_queries=20, n_rows=50), work, tmp_path)
    np.testing.assert_array_equal(np.load(files.queries), np.load(tmp_path / "test_x.npy")[:20])


def test_too_few_pictures_are_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least"):
        make_files(CASES["cifar-uint8"], tmp_path, pictures)
    assert not list(tmp_path.glob("*.npy"))


@pytest.mark.parametrize("peer", ["tidu", "tidu-pruned", "tidu-brute", "tidu-arrays"])
@pytest.mark.parametrize("name", ["cifar-l1", "normal-16"])
def test_one_process_writes_what_it_found(peer: str, name: str, tmp_path: Path) -> None:
    case = CASES[name].scaled(0.01)
    files = make_files(case, tmp_path)
    found = tmp_path / "found.npy"
    answer = measure(Request(peer, str(files.queries), str(files.rows), str(found), case.metric, case.k))
    assert answer.n_searched == case.n_queries
    queries, rows = np.load(files.queries).astype(np.float64), np.load(files.rows).astype(np.float64)
    difference = queries[0] - rows
    keys = np.abs(difference).sum(axis=1) if case.metric == "l1" else (difference**2).sum(axis=1)
    np.testing.assert_array_equal(np.sort(np.load(found)[0]), np.sort(np.argsort(keys, kind="stable")[: case.k]))


def test_the_fastest_of_others_is_taken_in_each_round() -> None:
    ours = Row([measured(elapsed_s=1.0), measured(elapsed_s=2.0), measured(elapsed_s=1.0)])
    slow_first = Row([measured(elapsed_s=9.0), measured(elapsed_s=6.0), measured(elapsed_s=4.0)])
    fast_first = Row([measured(elapsed_s=2.0), measured(elapsed_s=8.0), measured(elapsed_s=7.0)])
    assert faster(ours, [slow_first, fast_first]) == 3.0
    assert faster(ours, []) is None


@pytest.mark.parametrize(
    ("goal", "reached", "met"),
    [
        (Goal("tidu", "ratio", 6), 5.9, False),
        (Goal("tidu", "ratio", 6), 6.0, True),
        (Goal("tidu", "recall", 1.0), 0.9999, False),
        (Goal("tidu", "wrong_lists", 0), 1, False),
        (Goal("tidu", "call_growth_bytes", 64e6), 63e6, True),
        (Goal("tidu", "ratio", 6), None, False),
    ],
)
def test_a_goal_is_met_from_its_own_side(goal: Goal, reached: float | None, met: bool) -> None:
    assert Outcome("cifar-uint8", goal, reached).met is met


def test_every_goal_names_peers_that_take_part() -> None:
    for case in CASES.values():
        for goal in case.goals:
            for peer in (goal.peer, *goal.against):
                assert PEERS[peer].does(case), (case.name, peer)
