import signal
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import tidu
from tidu import nn
from tidu.errors import ConvergenceError
from tidu.learn import FitResult
from tidu.learn.order import as_order
from tidu.native.threads import Team
from tidu.nn import random
from tidu.nn.random import key, split

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
TRUE = np.array([1.0, -2.0, 0.5])
Y = X @ TRUE + 0.7 + 0.1 * rng.normal(size=90)
START = {"W": np.zeros(3), "b": np.zeros(())}


def loss(params, batch):
    X, y = batch
    return np.mean((X @ params["W"] + params["b"] - y) ** 2)


def quiet(*arguments, **keywords) -> FitResult:
    return tidu.fit(*arguments, progress=False, **keywords)


def least_squares(X, y):
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]


@pytest.mark.parametrize(
    "optimizer",
    [
        tidu.SGD(0.2),
        tidu.SGD(0.05, momentum=0.8, nesterov=True),
        tidu.Adagrad(0.5),
        tidu.Adam(0.1),
        tidu.LBFGS(tolerance=1e-9, relative_decrease=1e-16),
    ],
    ids=lambda o: type(o).__name__,
)
def test_least_squares_are_found(optimizer):
    batches = {} if isinstance(optimizer, tidu.LBFGS) else {"batch_size": 90}
    found = quiet(loss, START, (X, Y), optimizer=optimizer, epochs=400, **batches)
    np.testing.assert_allclose([*found.params["W"], found.params["b"]], least_squares(X, Y), atol=2e-4)


@pytest.mark.parametrize("optimizer", [tidu.LBFGS(), tidu.Adam(1e-2)], ids=lambda o: type(o).__name__)
def test_one_thread_is_one_thread_for_evaluations_too(optimizer, monkeypatch):
    seen, run = set(), Team.run
    monkeypatch.setattr(Team, "run", lambda self, *call: (seen.add(self.count), run(self, *call)))
    monkeypatch.setenv("TIDU_NUM_THREADS", "3")
    wide = np.ones((6000, 40)) * np.linspace(0.0, 1.0, 6000)[:, None]
    data, start = (wide, wide.sum(axis=1)), {"W": np.zeros(40), "b": np.zeros(())}
    batches = {} if isinstance(optimizer, tidu.LBFGS) else {"batch_size": 1000}
    for threads, expected in ((1, {1}), (None, {1, 3})):
        seen.clear()
        quiet(loss, start, data, optimizer=optimizer, epochs=2, validation=data, threads=threads, **batches)
        assert seen <= expected
    assert 3 in seen  # so much work is shared if it may be


def gradient(params, X, y):
    d = 2 * (X @ params["W"] + params["b"] - y) / len(y)
    return {"W": X.T @ d, "b": d.sum()}


@pytest.mark.parametrize("ragged", [False, True])
def test_row_numbers_replay_a_run_exactly(ragged):
    numbers = [rng.permutation(90)[: 17 if ragged and i % 3 == 2 else 32] for i in range(7)]
    given = numbers if ragged else np.array([row[:32] for row in numbers])
    found = quiet(loss, START, (X, Y), optimizer=tidu.SGD(0.1, momentum=0.5), shuffle=given)
    params, v = dict(START), {"W": 0.0, "b": 0.0}
    for row in given:
        g = gradient(params, X[row], Y[row])
        v = {k: 0.5 * v[k] + g[k] for k in v}
        params = {k: params[k] - 0.1 * v[k] for k in params}
    assert (found.n_steps, len(found.history)) == (7, 3)
    for name in params:
        np.testing.assert_allclose(found.params[name], params[name], rtol=1e-13)


def test_without_shuffling_rows_come_from_top_to_bottom_and_the_last_smaller_batch_is_kept():
    found = quiet(loss, START, (X, Y), optimizer=tidu.SGD(0.1), shuffle=False, epochs=2, batch_size=40)
    rows = [np.arange(0, 40), np.arange(40, 80), np.arange(80, 90)] * 2
    again = quiet(loss, START, (X, Y), optimizer=tidu.SGD(0.1), shuffle=rows)
    np.testing.assert_array_equal(found.params["W"], again.params["W"])
    assert found.n_steps == 6


def test_shuffled_epochs_meet_every_row_once_and_differ():
    seen = []

    def spy(params, batch):
        return np.sum(params * batch)

    def note(record, params):
        seen.append(record.loss)

    data = 2.0 ** np.arange(10)
    found = quiet(spy, np.array(0.0), data, optimizer=tidu.SGD(1.0), epochs=3, batch_size=4, callbacks=[note])
    np.testing.assert_allclose(found.params, -3 * data.sum())
    assert len(set(seen)) == 3  # the loss before each step tells the order


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    def run(seed):
        return quiet(noisy, START, (X, Y), epochs=3, batch_size=20, seed=seed, validation=0.2, patience=5)

    a, b, c = run(3), run(3), run(4)
    assert a.params["W"].tobytes() == b.params["W"].tobytes()
    assert [r.loss for r in a.history] == [r.loss for r in b.history]
    assert a.params["W"].tobytes() != c.params["W"].tobytes()


def noisy(params, batch, key=None):
    X, y = batch
    if key is not None:
        X = nn.dropout(key, X, 0.5)
    return np.mean((X @ params["W"] + params["b"] - y) ** 2)


def test_the_key_of_step_t_is_folded_from_the_seed():
    def draw(params, batch, noise):
        return np.sum(params * random.uniform(noise, (2,)))

    found = quiet(draw, np.zeros(2), np.zeros(3), optimizer=tidu.SGD(1.0), epochs=2, batch_size=2, seed=9)
    expected = sum(random.uniform(random.fold_in(random.key(9), t), (2,)) for t in (1, 2, 3, 4))
    np.testing.assert_allclose(found.params, -expected, rtol=1e-15)


def test_going_on_is_the_same_as_never_having_stopped():
    settings = {"optimizer": tidu.Adam(0.05), "batch_size": 32, "seed": 5}
    whole = quiet(noisy, START, (X, Y), epochs=5, **settings)
    first = quiet(noisy, START, (X, Y), epochs=2, **settings)
    rest = quiet(noisy, first.last_params, (X, Y), epochs=3, continue_from=first, **settings)
    assert rest.params["W"].tobytes() == whole.params["W"].tobytes()
    assert (rest.n_steps, rest.n_epochs, rest.history[0].epoch) == (whole.n_steps, 5, 3)


def test_early_stopping_restores_the_best():
    scores = iter([1.0, 3.0, 2.0, 2.5, 2.9, 9.0])
    kept = {}

    def keep(record, params):
        kept[record.epoch] = params["W"].copy()

    found = quiet(loss, START, (X, Y), validation=lambda params: next(scores), patience=3, epochs=50, callbacks=[keep])
    assert (found.stopped, found.best_epoch, len(found.history)) == ("early", 2, 5)
    np.testing.assert_array_equal(found.params["W"], kept[2])
    np.testing.assert_array_equal(found.last_params["W"], kept[5])


def test_an_improvement_must_be_worth_the_wait():
    scores = iter([1.0, 1.05, 1.09, 1.1, 2.0])
    found = quiet(loss, START, (X, Y), validation=lambda params: next(scores), patience=2, min_delta=0.2, epochs=5)
    assert (found.stopped, len(found.history)) == ("early", 3)
    assert found.best_epoch == 3  # small gains do not prolong the run, but they are kept


def test_without_validation_patience_watches_the_loss_and_the_last_parameters_are_returned():
    found = quiet(loss, START, (X, Y), optimizer=tidu.SGD(0.1), patience=2, min_delta=1e-3, epochs=500)
    assert found.stopped == "early"
    assert found.best_epoch is None
    assert len(found.history) < 500
    np.testing.assert_array_equal(found.params["W"], found.last_params["W"])


def test_an_interrupt_keeps_the_best_so_far():
    scores = iter([1.0, 5.0, 2.0])
    kept = []

    def interrupt(record, params):
        kept.append(params)
        if record.epoch == 3:
            raise KeyboardInterrupt

    found = quiet(loss, START, (X, Y), validation=lambda p: next(scores), epochs=50, callbacks=[interrupt])
    assert (found.stopped, found.best_epoch, len(found.history)) == ("interrupted", 2, 3)
    np.testing.assert_array_equal(found.params["W"], kept[1]["W"])


def test_an_interrupt_in_the_middle_of_an_epoch_keeps_whole_steps():
    class Reporter:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def start(self, n_steps):
            assert n_steps == 15

        def step(self, done, loss):
            if done > 3:
                raise KeyboardInterrupt

        def epoch(self, record):
            pass

    settings = {"optimizer": tidu.Adam(0.1), "batch_size": 30, "epochs": 5}
    # A callback wants the parameters of every epoch, so native code returns at its end at the latest.
    found = tidu.fit(loss, START, (X, Y), progress=Reporter(), callbacks=[lambda record, params: None], **settings)
    assert (found.stopped, len(found.history)) == ("interrupted", 1)
    assert 3 < found.n_steps <= 6
    rows = np.concatenate(
        [as_order(True, n_rows=len(X), batch_size=30, epochs=2, key=np.asarray(split(key(0)))[0]).epochs(0, 2)[0]]
    )
    same = quiet(loss, START, (X, Y), optimizer=tidu.Adam(0.1), shuffle=list(rows.reshape(-1, 30)[: found.n_steps]))
    np.testing.assert_array_equal(found.params["W"], same.last_params["W"])


def test_a_callback_may_end_the_run():
    found = quiet(loss, START, (X, Y), callbacks=[lambda record, params: record.epoch == 2])
    assert (found.stopped, len(found.history)) == ("early", 2)


@pytest.mark.parametrize("optimizer", [tidu.SGD(1e3), tidu.SGD(1e200)])
def test_a_diverging_run_is_an_error_that_holds_the_last_finite_parameters(optimizer):
    with pytest.raises(ConvergenceError) as caught:
        quiet(loss, START, (X, Y), optimizer=optimizer, epochs=200)
    result = caught.value.result
    assert result.stopped == "diverged"
    assert np.isfinite(result.params["W"]).all()
    assert len(result.history) == result.n_epochs == caught.value.epoch - 1


def test_a_diverging_run_with_validation_hands_out_the_best():
    with pytest.raises(ConvergenceError) as caught:
        quiet(
            loss, START, (X, Y), optimizer=tidu.SGD(0.6, momentum=0.99), epochs=100_000, validation=(X, Y), batch_size=9
        )
    result = caught.value.result
    best = min(result.history, key=lambda record: record.validation_loss)
    assert result.best_epoch == best.epoch
    np.testing.assert_allclose(loss(result.params, (X, Y)), best.validation_loss, rtol=1e-12)


def test_validation_may_be_rows_or_a_fraction_or_a_score():
    rows = quiet(loss, START, (X, Y), validation=(X[:10], Y[:10]), epochs=2)
    np.testing.assert_allclose(rows.history[-1].validation_loss, loss(rows.last_params, (X[:10], Y[:10])), rtol=1e-12)
    held = quiet(loss, START, (X, Y), validation=0.3, epochs=2, batch_size=63)
    assert held.n_steps == 2
    assert held.history[0].validation_loss > 0
    score = quiet(loss, START, (X, Y), validation=lambda params: -loss(params, (X, Y)), epochs=2)
    np.testing.assert_allclose(score.history[-1].score, -loss(score.last_params, (X, Y)))
    assert score.history[-1].validation_loss is None


def test_held_out_rows_are_not_trained_on():
    data = 2.0 ** np.arange(20)
    found = quiet(
        lambda p, batch: np.sum(p * batch), np.array(0.0), data, optimizer=tidu.SGD(1.0), epochs=1, validation=0.25
    )
    used = int(-found.last_params)
    assert used.bit_count() == 15


def test_metrics_and_losses_of_validation_are_means_over_all_its_rows():
    def absolute(params, batch):
        X, y = batch
        return np.mean(np.abs(X @ params["W"] + params["b"] - y))

    found = quiet(
        noisy, START, (X, Y), validation=(X, Y), eval_loss=absolute, metrics={"squared": loss}, epochs=1, batch_size=40
    )
    record = found.history[0]
    np.testing.assert_allclose(record.validation_loss, absolute(found.params, (X, Y)), rtol=1e-12)
    np.testing.assert_allclose(record.metrics["squared"], loss(found.params, (X, Y)), rtol=1e-12)


def test_gradient_norms_are_told_for_each_array():
    assert not quiet(loss, START, (X, Y), epochs=1, batch_size=90).history[0].gradient_norms
    found = quiet(loss, START, (X, Y), epochs=1, batch_size=90, gradient_norms=True)
    g = gradient(START, X, Y)
    norms = found.history[0].gradient_norms
    np.testing.assert_allclose(norms["params['W']"], np.linalg.norm(g["W"]), rtol=1e-12)
    np.testing.assert_allclose(norms["params['b']"], abs(g["b"]), rtol=1e-12)


def test_clipping_scales_the_whole_gradient_to_the_limit():
    g = gradient(START, X, Y)
    norm = np.sqrt((g["W"] ** 2).sum() + g["b"] ** 2)
    for limit in (norm / 4, norm * 4):
        found = quiet(loss, START, (X, Y), optimizer=tidu.SGD(1.0), epochs=1, batch_size=90, clip_norm=limit)
        scale = min(1.0, limit / norm)
        np.testing.assert_allclose(found.params["W"], -scale * g["W"], rtol=1e-12)
        np.testing.assert_allclose(found.params["b"], -scale * g["b"], rtol=1e-12)


@dataclass(frozen=True)
class Line:
    slope: np.ndarray
    offset: float


def test_parameters_and_data_may_be_nested_in_any_way_and_are_not_changed():
    start = Line(np.zeros(3, np.float32), 0.0)
    data = {"inputs": [X.astype(np.float32)], "targets": Y.astype(np.float32)}

    def nested(line, batch):
        return np.mean((batch["inputs"][0] @ line.slope + line.offset - batch["targets"]) ** 2)

    found = quiet(nested, start, data, optimizer=tidu.Adam(0.05), epochs=2)
    assert isinstance(found.params, Line)
    assert found.params.slope.dtype == np.float32
    assert found.params.offset.dtype == np.float32  # a Python number follows the arrays
    assert not start.slope.any()


def test_float32_parameters_stay_float32_with_every_optimizer():
    params = {k: v.astype(np.float32) for k, v in START.items()}
    data = (X.astype(np.float32), Y.astype(np.float32))
    for optimizer in (tidu.SGD(0.1, 0.9), tidu.Adagrad(), tidu.RMSprop(), tidu.AdamW(), tidu.LBFGS()):
        found = quiet(loss, params, data, optimizer=optimizer, epochs=2)
        assert {v.dtype.name for v in found.params.values()} == {"float32"}


def test_a_network_learns_the_digits():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    mixed = np.random.default_rng(0).permutation(len(pixels))
    pixels, labels = (pixels[mixed] / 16.0).astype(np.float32), labels[mixed]

    def cross_entropy(params, batch, key=None):
        X, y = batch
        return nn.softmax_cross_entropy(nn.mlp(params, X, dropout_rate=0.1, key=key), y)

    params = nn.init_mlp([64, 64, 10], seed=0, dtype=np.float32)
    found = quiet(
        cross_entropy, params, (pixels[:1400], labels[:1400]), optimizer=tidu.Adam(3e-3), epochs=8, batch_size=64
    )
    predicted = np.argmax(nn.mlp(found.params, pixels[1400:]), axis=1)
    assert (predicted == labels[1400:]).mean() > 0.95


def test_a_linear_model_reaches_scikit_learns_minimum_with_lbfgs():
    from sklearn.linear_model import LogisticRegression

    labels = rng.integers(0, 3, 90)
    model = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(X, labels)

    def objective(params, batch):
        X, y = batch
        data_term = nn.softmax_cross_entropy(nn.dense(params, X), y) * 90
        return data_term + nn.l2([params["W"]])

    found = quiet(
        objective,
        nn.init_dense(0, 3, 3),
        (X, labels),
        optimizer=tidu.LBFGS(tolerance=1e-8, relative_decrease=1e-15),
    )
    assert found.stopped == "early"
    np.testing.assert_allclose(found.params["W"].T, model.coef_, atol=1e-5)


def test_lbfgs_stops_at_the_number_of_iterations_and_restores_the_best():
    found = quiet(loss, START, (X, Y), optimizer=tidu.LBFGS(relative_decrease=0.0, tolerance=0.0), epochs=2)
    assert (found.stopped, found.n_steps, len(found.history)) == ("epochs", 2, 2)
    scores = iter([2.0, 1.0, 1.0, 1.0])
    early = quiet(
        loss, START, (X, Y), optimizer=tidu.LBFGS(relative_decrease=0.0), validation=lambda p: next(scores), patience=1
    )
    assert (early.stopped, early.best_epoch) == ("early", 1)


def test_row_numbers_go_with_validation_rows():
    rows = np.arange(90).reshape(3, 30)
    found = quiet(loss, START, (X, Y), shuffle=rows, validation=(X, Y))
    assert (found.n_steps, len(found.history)) == (3, 1)


def test_data_of_foreign_byte_order_train_as_native_ones():
    a, b = (quiet(loss, START, (x, Y), epochs=2) for x in (X, X.astype(">f8")))
    assert a.params["W"].tobytes() == b.params["W"].tobytes()


class Callable:
    def __call__(self, params, batch):
        return loss(params, batch)


@pytest.mark.parametrize(
    "form",
    [tidu.jit(loss), partial(lambda scale, p, b: scale * loss(p, b), 1.0), Callable(), lambda *args: loss(*args)],
)
def test_a_loss_may_be_any_callable(form):
    expected = quiet(loss, START, (X, Y), epochs=2)
    np.testing.assert_allclose(quiet(form, START, (X, Y), epochs=2).params["W"], expected.params["W"], rtol=1e-12)


def test_control_c_itself_ends_the_run_in_order():
    def press(record, params):
        if record.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    found = quiet(loss, START, (X, Y), epochs=50, callbacks=[press])
    assert (found.stopped, len(found.history)) == ("interrupted", 2)


def test_a_gradient_that_breaks_the_parameters_is_found_at_the_end_of_the_epoch():
    def cusp(params, batch):  # finite at zero, where its slope is not
        return np.sum(np.sqrt(params)) + 0.0 * np.sum(batch)

    with pytest.raises(ConvergenceError) as caught:
        quiet(cusp, np.zeros(2), np.zeros(3), optimizer=tidu.SGD(0.1), epochs=3)
    np.testing.assert_array_equal(caught.value.result.params, np.zeros(2))


def test_lbfgs_stops_at_its_limit_of_evaluations():
    calls = []

    def loss(params, batch):
        calls.append(1)
        return np.sum((params["x"] ** 2 - batch[0]) ** 2)

    result = tidu.fit(
        loss, {"x": np.full(3, 5.0)}, (np.arange(1.0, 4.0)[:, None],),
        optimizer=tidu.LBFGS(max_evaluations=3), epochs=100, progress=False,
    )  # fmt: skip
    assert result.stopped == "epochs"
    assert result.n_epochs <= 3
