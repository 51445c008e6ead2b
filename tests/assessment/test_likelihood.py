"""The likelihood of the noise, against SciPy's normal distribution and against leaving rows out."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import multivariate_normal

from tidu.assessment.cells import cells_of, spread
from tidu.assessment.kernels import KERNELS, View, are_correlated, look_at, principal_axes, views_of
from tidu.assessment.likelihood import _RATIOS, _log_likelihood, _predictions, _spectrum, _Sums, noise_likelihood


def problem(n, d, noise, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.5, 1.5, (n, d))
    f = np.sin(2.0 * X @ np.ones(d) / np.sqrt(d))
    return X, (f / f.std() + np.sqrt(noise) * rng.normal(size=n))[:, None]


def estimate(X, y, **options):
    cells = spread(cells_of(X, np.arange(X.shape[1])))
    return noise_likelihood(X, y[np.concatenate(cells)], cells, views_of(X.shape[1], ()), **options)


@pytest.mark.parametrize("name", KERNELS)
def test_the_likelihood_is_that_of_the_normal_distribution(name):
    X, y = problem(40, 2, 0.1)
    y = y / y.std()
    cells = [np.arange(20), np.arange(20, 40)]
    look = look_at(X, cells, View((1.0, 1.0)))
    targets = [y[rows] - y[rows].mean() for rows in cells]
    sums = _Sums.of((_spectrum((look, name, 2.0), i) for i in range(2)), targets)
    for share in (0.01, 0.3):
        found = _log_likelihood(sums, share)
        for i in range(300, len(_RATIOS), 37):  # smaller ones leave covariances singular to rounding
            direct = 0.0
            for rows, centered in zip(cells, targets, strict=True):
                K = KERNELS[name](squareform(pdist(X[rows])) / (2.0 * look.unit))
                covariance = share / _RATIOS[i] * (K + _RATIOS[i] * np.eye(20))
                direct += multivariate_normal.logpdf(centered[:, 0], cov=covariance) + 10 * np.log(2 * np.pi)
            assert found[i] == pytest.approx(direct, rel=1e-4, abs=0.05)


def test_the_profile_has_no_ripples():
    X, y = problem(1000, 2, 0.001, seed=1)
    heights = estimate(X, y).profile.heights
    top = int(np.argmax(heights))
    assert (np.maximum.accumulate(heights[:top]) - heights[:top]).max(initial=0.0) < 1.0
    assert (np.maximum.accumulate(heights[top:][::-1]) - heights[top:][::-1]).max() < 1.0


def test_predictions_are_those_of_fitting_without_the_row():
    X, y = problem(30, 2, 0.2)
    look = look_at(X, [np.arange(30)], View((1.0, 1.0)))
    centered = y[:, 0] - y.mean()
    predicted, left, _, _ = _predictions((look, "Matern 3/2", 1.0), [centered[:, None]], 0.2, 0)
    K = KERNELS["Matern 3/2"](squareform(pdist(X)) / look.unit)
    close = []
    for ratio in _RATIOS:
        one = []
        for i in range(30):
            rest = np.arange(30) != i
            weights = np.linalg.solve(K[np.ix_(rest, rest)] + ratio * np.eye(29), centered[rest])
            one.append(K[i, rest] @ weights)
        close.append(np.abs(np.array(one) - predicted[:, 0]).max())
    assert min(close) < 1e-8
    assert left == pytest.approx(np.mean((centered - predicted[:, 0]) ** 2))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("d", [1, 3])
def test_planted_noise_lies_in_the_interval(noise, d):
    X, y = problem(800, d, noise, seed=4)
    low, high = (end * y.var() for end in estimate(X, y).interval)
    assert low <= noise <= high
    assert high - low < 0.25


def test_of_pure_noise_in_many_dimensions_it_says_that_it_is_blind():
    rng = np.random.default_rng(0)
    found = estimate(rng.normal(size=(400, 30)), rng.normal(size=(400, 1)))
    low, high = found.interval
    assert high - low > 0.6


def test_it_decides_for_the_features_that_matter():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 6))
    y = np.sin(3 * X[:, :1])
    cells = spread(cells_of(X, np.array([0])))
    found = noise_likelihood(X, y[np.concatenate(cells)], cells, views_of(6, [0]))
    assert found.model.view.columns == (0,)


def test_effects_that_add_up_are_seen_in_many_dimensions():
    rng = np.random.default_rng(2)
    X = rng.integers(0, 4, (800, 12)).astype(float)
    effects = rng.normal(size=(12, 4))
    f = sum(effects[j][X[:, j].astype(int)] for j in range(12))
    found = estimate((X - 1.5) / 1.1, f[:, None] / f.std())
    assert found.model.view.additive
    assert found.interval[1] < 0.01


def test_what_correlated_features_do_not_share_is_seen():
    rng = np.random.default_rng(5)
    common, own = rng.normal(size=(2, 1200))
    others = rng.normal(size=(1200, 3))
    X = np.column_stack([common, common + 0.2 * own, others])
    X = X / X.std(axis=0)
    f = np.sin(2.0 * own)
    y = (f / f.std() + np.sqrt(0.3) * rng.normal(size=1200))[:, None]
    assert are_correlated(X)
    assert not are_correlated(others)
    cells = spread(cells_of(X, np.arange(5)))
    seen = y[np.concatenate(cells)]
    found = noise_likelihood(X, seen, cells, views_of(5, (), are_correlated(X)))
    low, high = (end * y.var() for end in found.interval)
    assert found.model.view.turned
    assert low < 0.3 < high < noise_likelihood(X, seen, cells, views_of(5, ())).interval[1] * y.var()


def test_along_principal_axes_every_variance_is_one_and_flat_axes_are_left_out():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(500, 2))
    axes = principal_axes(np.column_stack([x, x[:, 0] + 1e-6 * x[:, 1]]))
    turned = np.column_stack([x, x[:, 0]]) @ axes
    assert axes.shape == (3, 2)
    assert np.cov(turned.T) == pytest.approx(np.eye(2), abs=1e-3)


def test_an_additive_kernel_is_the_mean_of_one_for_each_feature():
    X = np.random.default_rng(3).normal(size=(20, 3))
    look = look_at(X, [np.arange(20)], View((1.0, 1.0, 1.0), additive=True))
    each = [KERNELS["exponential"](squareform(pdist(X[:, [j]])) / (2.0 * look.unit)) for j in range(3)]
    assert look.kernel(0, "exponential", 2.0) == pytest.approx(np.mean(each, axis=0))


def test_the_bits_do_not_depend_on_the_number_of_threads():
    X, y = problem(300, 2, 0.2)
    one, two = (estimate(X, y, threads=n) for n in (1, 2))
    assert one.interval == two.interval
    assert np.array_equal(one.predicted, two.predicted)
    assert np.array_equal(one.profile.heights, two.profile.heights)


def test_the_scale_of_the_target_changes_nothing_but_the_scale():
    X, y = problem(300, 2, 0.2)
    small, large = estimate(X, y), estimate(X, 1000.0 * y + 7.0)
    assert small.interval == pytest.approx(large.interval)
    assert large.predicted == pytest.approx(1000.0 * small.predicted + 7.0, rel=1e-6, abs=1e-3)


def test_two_classes_are_one_output_told_twice():
    X, y = problem(400, 2, 0.3)
    one = (y > 0).astype(float)
    once, twice = estimate(X, one), estimate(X, np.hstack([one, 1.0 - one]))
    assert once.interval == pytest.approx(twice.interval)
    assert np.allclose(once.profile.heights, twice.profile.heights, rtol=1e-9, atol=1e-6)


def test_constant_outputs_are_predicted_as_they_are():
    X, y = problem(200, 2, 0.2)
    found = estimate(X, np.hstack([y, np.full_like(y, 3.0)]))
    assert (found.predicted[:, 1] == 3.0).all()


def test_cells_hold_every_row_once():
    X = np.random.default_rng(0).normal(size=(3333, 3))
    cells = cells_of(X, np.array([0, 2]))
    assert sorted(np.concatenate(cells)) == list(range(3333))
    assert max(map(len, cells)) < 300


def test_rows_all_alike_are_no_trouble():
    rng = np.random.default_rng(0)
    found = estimate(np.zeros((300, 2)), rng.normal(size=(300, 1)))
    assert found.interval[0] <= 1.0 <= found.interval[1]
