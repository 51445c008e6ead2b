"""Native steps do what the interpreter's do, whatever way they are taken."""

from __future__ import annotations

import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.data import ArraySource
from tidu.errors import ConvergenceError, TiduWarning, UnsupportedError
from tidu.learn import native_steps
from tidu.native.machine import host
from tidu.ops.indexing import IndexRangeError

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 24)).astype(np.float32)
LABELS = rng.integers(0, 4, 200)
WIDE = nn.init_mlp([24, 128, 96, 4], dtype=np.float32)


def loss(params: object, batch: tuple[np.ndarray, np.ndarray]) -> object:
    return nn.softmax_cross_entropy(nn.mlp(params, batch[0]), batch[1])


def run(
    function: object = loss, params: object = WIDE, data: object = (X, LABELS), **keywords: object
) -> tidu.learn.FitResult:
    settings = {"epochs": 3, "batch_size": 48, "seed": 1, "progress": False} | keywords
    return tidu.fit(function, params, data, **settings)  # type: ignore[arg-type]


def bits(result: tidu.learn.FitResult) -> list[bytes]:
    return [layer[name].tobytes() for layer in result.last_params for name in ("W", "b")]  # type: ignore[attr-defined]


def test_any_number_of_threads_gives_the_same_bits() -> None:
    assert bits(run(threads=1)) == bits(run(threads=2)) == bits(run(threads=3)) == bits(run(threads=4))


def test_threads_that_do_not_meet_are_done_without_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bits(run(threads=2))
    answers = iter([0.1, 9.0, 0.1, 9.0, *[9.0] * 50])
    monkeypatch.setattr(native_steps, "meeting_us", lambda count: next(answers))
    assert bits(run(threads=2, callbacks=[lambda record, params: None])) == expected


def test_rows_brought_together_first_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bits(run())
    assert bits(run(data=(np.asfortranarray(X), LABELS))) == expected
    monkeypatch.setattr(native_steps, "_STAGE_BYTES", 2 * 48 * (24 * 4 + 8))
    assert bits(run(data=(ArraySource(X), ArraySource(LABELS)))) == expected


def test_epochs_taken_together_are_the_epochs_one_by_one() -> None:
    together, apart = run(epochs=20), run(epochs=20, callbacks=[lambda record, params: None])
    assert bits(together) == bits(apart)
    assert [x.loss for x in together.history] == [x.loss for x in apart.history]


def test_a_run_that_diverges_among_epochs_taken_together_ends_where_it_would_have() -> None:
    def squared(params: dict[str, np.ndarray], batch: tuple[np.ndarray]) -> object:
        return np.mean((batch[0] @ params["w"]) ** 2)

    found = []
    for callbacks in ([], [lambda record, params: None]):
        with pytest.raises(ConvergenceError) as caught:
            run(
                squared,
                {"w": np.ones(24)},
                (X.astype(float),),
                epochs=300,
                optimizer=tidu.SGD(3.0),
                callbacks=callbacks,
            )
        result = caught.value.facts["result"]
        found.append((caught.value.facts["step"], len(result.history), result.params["w"].tobytes()))  # type: ignore[attr-defined]
    assert found[0] == found[1]
    assert found[0][1] > 1


@pytest.mark.parametrize("width", [3, 64])
@pytest.mark.parametrize("source", [np.asarray, ArraySource])
def test_a_label_out_of_range_is_named_as_the_interpreter_does(width: int, source: type) -> None:
    labels = LABELS.copy()
    labels[150] = 9
    with pytest.raises(IndexRangeError, match="index 9 is out of bounds"):
        run(params=nn.init_mlp([24, width, 4], dtype=np.float32), data=(source(X), labels))


def test_a_loss_without_native_code_warns_and_gives_the_same() -> None:
    def sorted_loss(params: object, batch: tuple[np.ndarray, np.ndarray]) -> object:
        return loss(params, batch) + 0.0 * np.sum(np.sort(batch[0], axis=1))

    with pytest.warns(TiduWarning, match="node by node with NumPy"):
        interpreted = run(sorted_loss)
    native = run()
    for a, b in zip(interpreted.last_params, native.last_params, strict=True):  # type: ignore[call-overload]
        np.testing.assert_allclose(a["W"], b["W"], rtol=0, atol=2e-5)


def test_bfloat16_rounds_operands_where_the_processor_has_it_and_is_refused_elsewhere() -> None:
    if not host().has("avx512bf16"):
        with pytest.raises(UnsupportedError, match="bfloat16"):
            run(bfloat16=True)
        return
    wide = nn.init_mlp([24, 128, 128, 4], dtype=np.float32)
    exact, rounded = run(params=wide, epochs=1), run(params=wide, epochs=1, bfloat16=True)
    assert bits(exact) != bits(rounded)
    np.testing.assert_allclose(exact.history[0].loss, rounded.history[0].loss, rtol=2e-2)
    assert bits(rounded) == bits(run(params=wide, epochs=1, bfloat16=True, threads=2))


def test_random_numbers_of_a_step_are_those_of_the_interpreter() -> None:
    seen = []

    def dropped(params: object, batch: tuple[np.ndarray, np.ndarray], key: object) -> object:
        kept = tidu.random.uniform(key, batch[0].shape, dtype=np.float32) < 0.8
        return loss(params, (np.where(kept, batch[0], np.float32(0.0)), batch[1]))

    for check in (False, True):  # looking for what is not finite needs the interpreter
        with tidu.config.override(check_finite=check):
            seen.append(run(dropped, epochs=2).last_params)
    for a, b in zip(*seen, strict=True):
        np.testing.assert_allclose(a["W"], b["W"], rtol=0, atol=2e-5)
