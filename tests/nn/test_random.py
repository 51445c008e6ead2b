import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidu
from tidu.errors import ParameterError, ShapeError
from tidu.nn import random

WORD = (1 << 64) - 1


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x64-10 as in Salmon et al. (2011), in Python's integers."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = (q >> 64) ^ b ^ k0, q & WORD, (p >> 64) ^ d ^ k1, p & WORD
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & WORD, (k1 + 0xBB67AE8584CAA73B) & WORD
    return [a, b, c, d]


def test_the_oracle_gives_the_published_known_answer():
    # Random123 1.14, kat_vectors: philox4x64, 10 rounds, counter and key of zeros.
    assert philox([0] * 4, [0] * 2) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]


@given(st.integers(0, (1 << 128) - 1), st.integers(0, 11))
def test_bits_are_philox_of_the_counter(seed, count):
    key = [seed & WORD, seed >> 64]
    expected = [word for block in (1, 2, 3) for word in philox([block, 0, 0, 0], key)][:count]
    assert random.bits(random.key(seed), count).tolist() == expected
    assert (
        random.bits(random.key(seed), count).tolist()
        == np.random.Philox(key=seed, counter=0).random_raw(count).tolist()
    )


@given(st.integers(0, WORD), st.integers(0, WORD - 1))
def test_a_folded_key_is_philox_at_a_place_of_its_own(seed, number):
    assert random.fold_in(random.key(seed), number).tolist() == philox([number + 1, 0, 0, 1], [seed, 0])[:2]


def test_bits_are_numpys_own_stream():
    raw = np.random.Philox(key=np.array([5, 9], np.uint64), counter=0).random_raw(12)
    assert (random.bits(np.array([5, 9], np.uint64), (3, 4)) == raw.reshape(3, 4)).all()


def test_keys_of_steps_and_splits_all_differ():
    key = random.key(0)
    keys = np.concatenate([random.fold_in(key, np.arange(1000)), random.split(key, 1000), key[None]])
    assert len(np.unique(keys, axis=0)) == 2001


def test_a_step_number_given_as_a_float_means_the_integer():
    assert (random.fold_in(random.key(1), 3.0) == random.fold_in(random.key(1), 3)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_numbers_fill_the_unit_interval_evenly(dtype):
    x = random.uniform(random.key(1), (20_000,), dtype=dtype)
    assert x.dtype == dtype
    assert x.min() >= 0.0
    assert x.max() < 1.0
    counts, _ = np.histogram(x, 20, (0.0, 1.0))
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-squared with 19 degrees of freedom, 0.1 %


def test_the_largest_bits_stay_below_one():
    from tidu.ops.random import unit_interval

    for dtype in ("float32", "float64"):
        assert unit_interval(np.uint64(WORD), dtype) == np.nextafter(np.dtype(dtype).type(1), np.dtype(dtype).type(0))


def test_normal_numbers_have_the_moments_of_the_normal_distribution():
    from scipy import stats

    x = random.normal(random.key(2), (20_001,))
    assert x.shape == (20_001,)
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert random.normal(random.key(2), (3, 5), dtype=np.float32).dtype == np.float32
    assert random.normal(random.key(2)).shape == random.uniform(random.key(2)).shape == ()


def test_bernoulli_is_true_with_its_probability():
    share = random.bernoulli(random.key(3), np.array([0.0, 0.2, 1.0]), (20_000, 3)).mean(axis=0)
    assert share[0] == 0.0
    assert share[2] == 1.0
    assert abs(share[1] - 0.2) < 0.012


def test_traced_numbers_are_the_same_as_plain_ones():
    def draw(key, number):
        return random.normal(random.fold_in(key, number), (5,), dtype=np.float32), random.split(key, 3)

    plain, traced = draw(random.key(4), 7), tidu.jit(draw)(random.key(4), 7)
    assert all((a == b).all() for a, b in zip(plain, traced, strict=True))


def test_a_batch_of_keys_gives_what_each_key_gives():
    keys = random.split(random.key(5), 3)
    together = tidu.vmap(lambda key, n: random.uniform(random.fold_in(key, n), (2, 2)))(keys, np.arange(3))
    for i, key in enumerate(keys):
        assert (together[i] == random.uniform(random.fold_in(key, i), (2, 2))).all()
    both = tidu.vmap(lambda key: random.fold_in(key, np.arange(4)))(keys)
    assert both.shape == (3, 4, 2)
    assert (both[1, 2] == random.fold_in(keys[1], 2)).all()


@pytest.mark.parametrize("seed", [-1, 1 << 128, 1.5, "a", True, None])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ParameterError) as caught:
        random.key(seed)
    assert caught.value.got == seed


def test_what_is_no_key_is_refused():
    with pytest.raises(ShapeError) as caught:
        tidu.jit(lambda key: random.bits(key, (2,)))(np.zeros(3, np.uint64))
    assert caught.value.got == (3,)
    with pytest.raises(ParameterError):
        random.uniform(random.key(0), (2,), dtype=np.int64)
