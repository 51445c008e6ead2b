"""A compiled graph is found again by its structure, and by nothing that does not matter."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.compile.comparing import graph_of

from tidu.compile import NativeFunction, Settings, keeping
from tidu.core.bind import apply
from tidu.core.primitive import find


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDU_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(keeping, "_kept", type(keeping._kept)())
    return tmp_path / "cache"


X = np.linspace(0.0, 1.0, 5)
GENERAL = Settings(unrolled=-1)


def test_the_same_structure_is_compiled_once_whatever_its_names_are() -> None:
    def one(x: np.ndarray) -> np.ndarray:
        hidden = x * 2.0
        return np.exp(hidden)

    def other(y: np.ndarray) -> np.ndarray:
        return np.exp(y * 2.0)

    assert not keeping.compiled(graph_of(one, X), GENERAL).from_cache
    assert keeping.compiled(graph_of(other, X), GENERAL).from_cache


@pytest.mark.parametrize(
    ("function", "x", "settings"),
    [
        (lambda x: np.exp(x * 3.0), X, GENERAL),
        (lambda x: np.exp(x + 2.0), X, GENERAL),
        (lambda x: np.exp(x * 2.0), X[:4], GENERAL),
        (lambda x: np.exp(x * 2.0), X.astype(np.float32), GENERAL),
        (lambda x: np.exp(x * 2.0), X, replace(GENERAL, n_threads=2)),
        (lambda x: np.exp(x * 2.0), X, replace(GENERAL, aliases={0: 0})),
    ],
)
def test_what_the_code_depends_on_tells_graphs_apart(function: object, x: np.ndarray, settings: Settings) -> None:
    keeping.compiled(graph_of(lambda x: np.exp(x * 2.0), X), GENERAL)
    assert not keeping.compiled(graph_of(function, x), settings).from_cache  # type: ignore[arg-type]


def test_zero_and_minus_zero_are_told_apart() -> None:
    for zero in (0.0, -0.0):
        graph = graph_of(lambda x, zero=zero: np.copysign(x, zero), X)
        (found,) = NativeFunction.of(graph, GENERAL)([X])
        np.testing.assert_array_equal(np.signbit(found), np.signbit(zero))


def test_a_record_with_other_code_is_not_taken_for_its_namesake() -> None:
    def graph(primitive: object) -> object:
        return graph_of(lambda x: apply(primitive, x), X)  # type: ignore[arg-type]

    exp = find("exp")
    (right,) = NativeFunction.of(graph(exp), GENERAL)([X])  # type: ignore[arg-type]
    other = replace(exp, emit=lambda b, x: b.mul(x, b.constant(2.0)))
    (doubled,) = NativeFunction.of(graph(other), GENERAL)([X])  # type: ignore[arg-type]
    np.testing.assert_allclose(right, np.exp(X), rtol=1e-15)
    np.testing.assert_array_equal(doubled, 2.0 * X)


def test_known_indices_belong_to_the_structure() -> None:
    x, rows = np.arange(12.0).reshape(4, 3), np.array([0, 2])
    graph = graph_of(lambda x, rows: x[rows], x, rows)
    for chosen in (rows, np.array([1, 3]), np.array([3, 1])):
        settings = Settings(captures=(chosen,), frozen=True)
        (found,) = NativeFunction.of(graph, settings)([x, chosen])
        np.testing.assert_array_equal(found, x[chosen])


_SCRIPT = """
import numpy as np
from tidu.trace.function import trace
from tidu.compile import NativeFunction, Settings, keeping
import tidu.native.machine
graph = trace(lambda x: np.tanh(x) @ x.T, (np.ones((7, 5)),), eager=False).graph
made = keeping.compiled(graph, Settings(n_threads=2))
x = np.linspace(0, 1, 35).reshape(7, 5)
np.testing.assert_allclose(NativeFunction(made.plan, code=made.code)([x])[0], np.tanh(x) @ x.T, rtol=1e-13)
print(made.from_cache)
"""


def in_a_process() -> str:
    return subprocess.run([sys.executable, "-c", _SCRIPT], check=True, capture_output=True, text=True).stdout.strip()


def test_another_process_finds_it_on_disk_and_a_damaged_file_is_made_anew(own_cache: Path) -> None:
    assert [in_a_process(), in_a_process()] == ["False", "True"]
    for file in [x for x in own_cache.rglob("*") if x.is_file()]:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    assert [in_a_process(), in_a_process()] == ["False", "True"]
