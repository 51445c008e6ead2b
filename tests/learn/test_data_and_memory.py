import io
import tracemalloc

import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.data import ArraySource, as_source
from tidu.errors import BudgetError, DataError
from tidu.learn.probe import peak_bytes
from tidu.learn.progress import BarReporter
from tidu.trace.function import trace

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 8)).astype(np.float32)
Y = rng.integers(0, 3, 300)


def loss(params, batch):
    X, y = batch
    return nn.softmax_cross_entropy(nn.mlp(params, X), y)


def quiet(data=(X, Y), **keywords):
    return tidu.fit(loss, nn.init_mlp([8, 16, 3], dtype=np.float32), data, progress=False, **keywords)


@pytest.mark.parametrize("nesting", [tuple, list])
def test_block_sources_train_as_arrays_do(nesting):
    settings = {"epochs": 2, "batch_size": 32, "validation": 0.2}
    a = quiet((X, Y), **settings)
    b = quiet(nesting([as_source(X), ArraySource(Y)]), **settings)
    assert a.params[0]["W"].tobytes() == b.params[0]["W"].tobytes()


def test_rows_are_read_from_disk_batch_by_batch(tmp_path):
    np.save(tmp_path / "X.npy", X)
    a, b = quiet((X, Y), epochs=1), quiet((as_source(tmp_path / "X.npy"), Y), epochs=1)
    assert a.params[0]["W"].tobytes() == b.params[0]["W"].tobytes()


def test_a_hole_in_a_source_is_found_when_it_is_read():
    broken = X.copy()
    broken[17, 2] = np.nan
    with pytest.raises(DataError) as caught:
        quiet((as_source(broken), Y), epochs=1)
    assert caught.value.path == "data[0]"


def test_a_limit_that_is_too_small_is_refused_with_the_numbers():
    with pytest.raises(BudgetError) as caught:
        quiet(epochs=1, batch_size=100, memory_limit=20_000)
    needed = caught.value.needed
    assert caught.value.limit == 20_000
    assert f"{needed:,}" in str(caught.value)
    plan = caught.value.plan
    assert needed == plan.order + plan.batch + plan.params + plan.optimizer + plan.step
    quiet(epochs=1, batch_size=100, memory_limit=needed)
    with pytest.raises(BudgetError):
        quiet(epochs=1, batch_size=100, memory_limit=needed - 1)
    quiet(epochs=1, batch_size=10, memory_limit=needed // 2)


def test_lbfgs_and_validation_count_too():
    def needed(**keywords):
        with pytest.raises(BudgetError) as caught:
            quiet(memory_limit=1, **keywords)
        return caught.value.needed

    assert needed(batch_size=10, validation=(X, Y)) > needed(batch_size=10)
    assert needed(optimizer=tidu.LBFGS()) > needed(optimizer=tidu.LBFGS(memory=2)) > 300 * 8 * 4


def test_the_planned_peak_of_a_graph_covers_what_numpy_allocates():
    big = rng.normal(size=(20_000, 8))
    function = tidu.value_and_grad(lambda p, x: np.mean(np.tanh(x @ p) ** 2))
    params = rng.normal(size=(8, 16))
    planned = peak_bytes(trace(function, [params, big], eager=False).graph)
    compiled = tidu.jit(function)
    compiled(params, big)
    tracemalloc.start()
    compiled(params, big)
    _, measured = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert measured <= planned + 100_000
    assert planned < 3 * measured


def test_a_run_stays_within_its_plan():
    big, labels = rng.normal(size=(30_000, 8)).astype(np.float32), rng.integers(0, 3, 30_000)
    settings = {"epochs": 1, "batch_size": 6000, "validation": 0.1}
    with pytest.raises(BudgetError) as caught:
        quiet((big, labels), memory_limit=1, **settings)
    quiet((big, labels), **settings)
    tracemalloc.start()
    quiet((big, labels), memory_limit=caught.value.needed, **settings)
    _, measured = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Beside arrays: graphs, and while it is compiled the text of the code. The promise is 16 MB in all.
    assert measured <= caught.value.needed + 8_000_000


def test_the_bar_shows_loss_score_speed_and_time_left(monkeypatch):
    import rich.console

    shown = io.StringIO()
    original = rich.console.Console
    monkeypatch.setattr(
        rich.console, "Console", lambda **keywords: original(file=shown, force_terminal=True, width=120)
    )
    monkeypatch.setattr("tidu.learn.progress._REDRAW_S", 0.0)
    tidu.fit(loss, nn.init_mlp([8, 3]), (X, Y), epochs=2, validation=lambda params: 0.75, progress=BarReporter())
    text = shown.getvalue()
    for expected in ("epoch 2", "loss ", "score 0.75", "steps/s"):
        assert expected in text


def test_the_bar_is_silent_where_there_is_no_terminal(capfd):
    tidu.fit(loss, nn.init_mlp([8, 3]), (X, Y), epochs=1)
    out, err = capfd.readouterr()
    assert out == err.strip() == ""
