import numpy as np
import pytest

import tidu
from tidu.errors import ParameterError
from tidu.learn import Constant, Optimizer

PARAMS = {"W": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": np.array([0.25])}
rng = np.random.default_rng(0)
GRADIENTS = [{"W": rng.normal(size=(2, 2)), "b": rng.normal(size=1)} for _ in range(6)]
ALL = [
    tidu.SGD(0.1),
    tidu.SGD(0.1, momentum=0.9),
    tidu.SGD(0.1, momentum=0.9, nesterov=True),
    tidu.Adagrad(0.1),
    tidu.RMSprop(0.1),
    tidu.Adam(0.1),
    tidu.AdamW(0.1, weight_decay=0.05),
]


def run(optimizer, dtype=np.float64, update=None):
    params = {k: v.astype(dtype) for k, v in PARAMS.items()}
    state = optimizer.init(params)
    for t, g in enumerate(GRADIENTS, start=1):
        g = {k: v.astype(dtype) for k, v in g.items()}
        params, state = (update or optimizer.update)(g, state, params, 0.1, float(t))
    return params


def by_hand(rule):
    """Run a rule ``(p, g, memory, t) -> p`` written for one array, on each array."""
    found = {}
    for name, start in PARAMS.items():
        p, memory = start.copy(), {}
        for t, g in enumerate(GRADIENTS, start=1):
            p = rule(p, g[name], memory, t)
        found[name] = p
    return found


def sgd(p, g, memory, t):
    return p - 0.1 * g


def momentum(p, g, memory, t):
    memory["v"] = 0.9 * memory["v"] + g if memory else g.copy()  # PyTorch starts with the first gradient
    return p - 0.1 * memory["v"]


def nesterov(p, g, memory, t):
    memory["v"] = 0.9 * memory.get("v", 0.0) + g
    return p - 0.1 * (g + 0.9 * memory["v"])


def adagrad(p, g, memory, t):
    memory["s"] = memory.get("s", 0.0) + g**2
    return p - 0.1 * g / (np.sqrt(memory["s"]) + 1e-10)


def rmsprop(p, g, memory, t):
    memory["s"] = 0.99 * memory.get("s", 0.0) + 0.01 * g**2
    return p - 0.1 * g / (np.sqrt(memory["s"]) + 1e-8)


def adam(p, g, memory, t):
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
    memory["s"] = 0.999 * memory.get("s", 0.0) + 0.001 * g**2
    m, s = memory["m"] / (1 - 0.9**t), memory["s"] / (1 - 0.999**t)
    return p - 0.1 * m / (np.sqrt(s) + 1e-8)


def adamw(p, g, memory, t):
    return adam(p * (1 - 0.1 * 0.05), g, memory, t)  # PyTorch decays first


@pytest.mark.parametrize(
    ("optimizer", "rule"), list(zip(ALL, [sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw], strict=True))
)
def test_steps_are_those_of_the_formula(optimizer, rule):
    found, expected = run(optimizer), by_hand(rule)
    for name in PARAMS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-13)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_traced_update_gives_what_the_plain_one_gives(optimizer):
    found, expected = run(optimizer, update=tidu.jit(optimizer.update)), run(optimizer)
    for name in PARAMS:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-15)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_float32_stays_float32(optimizer):
    for update in (optimizer.update, tidu.jit(optimizer.update)):
        assert {v.dtype.name for v in run(optimizer, np.float32, update).values()} == {"float32"}


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_an_update_changes_nothing_that_it_is_given(optimizer):
    before = {k: v.copy() for k, v in PARAMS.items()}
    state = optimizer.init(PARAMS)
    optimizer.update(GRADIENTS[0], state, PARAMS, 0.1, 1.0)
    for name in PARAMS:
        np.testing.assert_array_equal(PARAMS[name], before[name])
    assert isinstance(optimizer, Optimizer)


@pytest.mark.parametrize("optimizer", [tidu.Adam(0.1), tidu.RMSprop(0.1, decay=0.0), tidu.Adagrad(0.1)])
def test_the_first_adaptive_step_is_the_learning_rate_long_whatever_the_scale(optimizer):
    for scale in (1e-3, 1.0, 1e6):
        params, _ = optimizer.update(
            [np.array([scale, -scale])], optimizer.init([np.zeros(2)]), [np.zeros(2)], 0.1, 1.0
        )
        np.testing.assert_allclose(params[0], [-0.1, 0.1], rtol=2e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tidu.SGD(-0.1),
        lambda: tidu.SGD(0.0),
        lambda: tidu.SGD("fast"),
        lambda: tidu.SGD(0.1, momentum=1.0),
        lambda: tidu.SGD(0.1, nesterov=True),
        lambda: tidu.Adam(b1=1.0),
        lambda: tidu.Adam(learning_rate=float("nan")),
        lambda: tidu.AdamW(weight_decay=-1.0),
        lambda: tidu.RMSprop(decay=1.5),
        lambda: tidu.LBFGS(memory=0),
    ],
)
def test_bad_settings_are_refused(make):
    with pytest.raises(ParameterError):
        make()


def test_a_schedule_is_a_learning_rate():
    assert tidu.SGD(Constant(0.1)).learning_rate == Constant(0.1)
