"""The inline functions are within 2 units in the last place of mathematics, and C's at the edges."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Set
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from tidu.core.emit import Scalar
from tidu.native.machine import compile_text, host, narrowed
from tidu.native.mathematics import FUNCTIONS, exponentials, trigonometry
from tidu.native.text import FunctionText
from tidu.native.vectors import Vectors

Array = NDArray[np.floating]
DTYPES = ("float32", "float64")
WIDE = {"float32": np.float64, "float64": np.longdouble}
LANES = {"float32": 16, "float64": 8}
# Where C's long double is double (Windows, macOS), the oracle errs by a unit itself.
BOUND = {"float32": 2.0, "float64": 2.0 if np.finfo(np.longdouble).nmant > 52 else 3.0}
EDGES = [
    *(sign * x for x in (0.0, 5e-324, 1e-310, 2.3e-308, 1e-45, 1e-40, 1.2e-38, 1e-20, 1e-8) for sign in (1, -1)),
    *(sign * x for x in (0.5, 1.0, 1.5, 2.0, 88.72, 88.73, 103.9, 104.1, 1e3, 1e6) for sign in (1, -1)),
    *(sign * x for x in (708.4, 709.78, 709.79, 745.1, 745.2, 1e10, 1e30, 3.4e38, 1.79e308) for sign in (1, -1)),
    *(np.inf, -np.inf, np.nan, -np.nan, 127.99, 128.0, -149.0, -150.1, 1023.99, 1024.0, -1074.0, -1075.1),
]


def compiled(
    function: Callable[..., Scalar], dtype: str, lanes: int, n_operands: int = 1, features: Set[str] = frozenset()
) -> Callable[..., Array]:
    """Return the function as native code over arrays whose length is a multiple of the lanes."""
    text = FunctionText(["ptr"] * (n_operands + 1) + ["i64"], features)
    v = Vectors(text, dtype, lanes)
    with text.loop(f"%p{n_operands + 1}") as loop:
        first = text.value(f"mul i64 {loop.index}, {lanes}")
        *sources, target = (text.offset(v.element, f"%p{i}", first) for i in range(n_operands + 1))
        v.store(function(v, *map(v.load, sources)), target)
    kernel = text.finish()
    code = compile_text("\n".join([*kernel.declarations, kernel.define("f")]), kernel.functions, vectorize=False)
    call = code.function("f", *[ctypes.c_void_p] * (n_operands + 1), ctypes.c_int64)

    def run(*operands: Array) -> Array:
        out = np.empty_like(operands[0])
        assert out.dtype == dtype
        assert out.size % lanes == 0
        call(*(x.ctypes.data for x in (*operands, out)), out.size // lanes)
        return out

    return run


@cache
def native(name: str, dtype: str, lanes: int, own: bool = False) -> Callable[..., Array]:
    """Return a function's code, `own` if it may use all that this processor can do."""
    return compiled(FUNCTIONS[name], dtype, lanes, features=host().enabled if own else frozenset())


def exact_logistic(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, small, 1) / (1 + small), x.dtype)


def exact_erf(x: Array) -> Array:
    """Sum the series with positive terms only (DLMF 7.6.2)."""
    y = np.minimum(np.abs(x), 7)
    term = total = 2 / np.sqrt(np.arccos(x.dtype.type(-1))) * y
    for n in range(1, 250):
        term = term * (2 * y * y / (2 * n + 1))
        total = total + term
    return np.asarray(np.copysign(np.exp(-y * y) * total, x), x.dtype)


ORACLES: dict[str, Callable[[Array], Array]] = {
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "cos": np.cos,
    "cosh": np.cosh,
    "erf": exact_erf,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "sinh": np.sinh,
    "tan": np.tan,
    "tanh": np.tanh,
    "tidu_logistic": exact_logistic,
}
NAMES = sorted({*FUNCTIONS} - {"pow"})


def ulps(found: Array, exact: Array) -> NDArray[np.float64]:
    """Return the distance from the exact value in units of the last place; infinite where the kind is wrong."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(found.dtype)
        distance = np.abs((found - exact) / np.spacing(np.abs(rounded))).astype(np.float64)
    alike = (found == rounded) & ((found != 0) | (np.signbit(found) == np.signbit(rounded)))
    alike |= np.isnan(found) & np.isnan(rounded)
    comparable = np.isfinite(found) & np.isfinite(rounded) & ((found != 0) | (rounded != 0))
    return np.where(comparable, distance, np.where(alike, 0.0, np.inf))


def samples(dtype: str, n: int) -> Array:
    """Return numbers of every magnitude, and more where functions bend; the edges come first."""
    rng = np.random.default_rng(n)
    patterns = np.linspace(0, 2**32 - 1, n).astype(np.uint32)
    if dtype == "float64":
        patterns = (patterns.astype(np.uint64) << np.uint64(32)) + rng.integers(2**32, size=n, dtype=np.uint64)
    ranges = [rng.uniform(-high, high, n // 4) for high in (1.0, 5.0, 100.0, 750.0)]
    powers = np.ldexp(rng.uniform(-1.0, 1.0, n), rng.integers(-60, 30, n))
    with np.errstate(all="ignore"):
        drawn = np.concatenate([EDGES, *ranges, powers, 1.0 + rng.uniform(-0.5, 1.0, n // 4)]).astype(dtype)
    x = np.concatenate([drawn, patterns.view(dtype)])
    return np.concatenate([x, np.ones(-len(x) % 48, dtype)])


def worst(name: str, dtype: str, n: int, run: Callable[[Array], Array] | None = None) -> float:
    x = samples(dtype, n)
    with np.errstate(all="ignore"):
        exact = ORACLES[name](x.astype(WIDE[dtype]))
    return float(ulps((run or native(name, dtype, LANES[dtype]))(x), exact).max())


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_results_are_within_two_units_in_the_last_place(name: str, dtype: str, own: bool) -> None:
    assert worst(name, dtype, 1 << 14, native(name, dtype, LANES[dtype], own)) <= BOUND[dtype]


@pytest.mark.long
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_results_are_within_two_units_in_the_last_place_at_many_points(name: str, dtype: str, own: bool) -> None:
    run = native(name, dtype, LANES[dtype], own)
    assert worst(name, dtype, 1 << (22 if dtype == "float32" else 19), run) <= BOUND[dtype]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_saturates_stays_within_its_bounds(dtype: str, own: bool) -> None:
    x = np.linspace(-40.0, 40.0, 48 << 10).astype(dtype)
    slopes, shares = (native(name, dtype, LANES[dtype], own)(x) for name in ("tanh", "tidu_logistic"))
    assert (slopes.min(), slopes.max(), shares.max()) == (-1.0, 1.0, 1.0)
    assert shares.min() > 0.0


def test_only_processors_that_have_them_are_given_scalings_and_guesses() -> None:
    def written(features: Set[str]) -> str:
        text = FunctionText([], features)
        for name in ("exp", "tanh"):
            Vectors(text, "float32", 16).call(name, Scalar("zeroinitializer"))
        return text.finish().body

    assert "x86" not in written(frozenset())
    assert "x86" not in written(narrowed(32).enabled)
    assert all(word in written({"avx512f", "avx512vl"}) for word in ("scalef.ps.512", "rcp14.ps.512"))


def test_a_function_that_c_lacks_is_never_asked_of_c() -> None:
    with pytest.raises(AssertionError, match="tidu_nothing"):
        Vectors(FunctionText([]), "float32").call("tidu_nothing", Scalar("0.0"))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_next_to_multiples_of_a_quarter_turn_keep_their_digits(name: str, dtype: str) -> None:
    turns = np.random.default_rng(0).integers(1, int(0.63 * trigonometry._OF[dtype].limit), 2**12)
    x = (turns * (np.arccos(np.longdouble(-1)) / 2)).astype(dtype)
    x = np.concatenate([x, np.nextafter(x, x.dtype.type(0)), np.nextafter(x, x.dtype.type(np.inf))])
    exact = ORACLES[name](x.astype(WIDE[dtype]))
    assert ulps(native(name, dtype, LANES[dtype])(x), exact).max() <= BOUND[dtype]


def test_erf_of_the_oracle_is_that_of_scipy() -> None:
    x = np.linspace(-7.0, 7.0, 1001)
    np.testing.assert_allclose(exact_erf(x), special.erf(x), rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_are_those_of_c(dtype: str) -> None:
    edges = [*(s * x for x in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 16777217.0, 1e-45, 3e38, np.inf) for s in (1, -1)), np.nan]
    rng = np.random.default_rng(0)
    x, y = (grid.ravel() for grid in np.meshgrid(edges, edges))
    x = np.concatenate([x, rng.uniform(0, 10, 2**12), rng.uniform(-10, 10, 2**12), np.ones(-len(x) % 16)]).astype(dtype)
    y = np.concatenate([y, rng.uniform(-40, 40, 2**12), rng.integers(-40, 40, 2**12), np.ones(-len(y) % 16)])
    y = y.astype(dtype)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(WIDE[dtype]), y)
    assert ulps(compiled(FUNCTIONS["pow"], dtype, 16, 2)(x, y), exact).max() <= BOUND[dtype]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_an_element_gives_the_same_bits_in_any_lane_and_number_of_lanes(name: str, dtype: str, own: bool) -> None:
    x = samples(dtype, 48)
    expected = native(name, dtype, 1, own)(x)
    for lanes in (LANES[dtype], 3, 24):
        np.testing.assert_array_equal(native(name, dtype, lanes, own)(x), expected)
        np.testing.assert_array_equal(native(name, dtype, lanes, own)(np.roll(x, 1)), np.roll(expected, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_wrong_coefficient_is_caught(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    right = exponentials._OF[dtype]
    eps = 32 * float(np.finfo(dtype).eps)
    wrong = replace(right, growth=(right.growth[0], right.growth[1] + eps, *right.growth[2:]))
    monkeypatch.setitem(exponentials._OF, dtype, wrong)
    assert worst("exp", dtype, 1 << 14, compiled(FUNCTIONS["exp"], dtype, LANES[dtype])) > BOUND[dtype]


def test_a_reduction_used_too_far_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trigonometry._OF, "float32", replace(trigonometry._OF["float32"], limit=2.0**40))
    assert worst("sin", "float32", 1 << 14, compiled(FUNCTIONS["sin"], "float32", 16)) > BOUND["float32"]


def test_a_wrong_sign_of_zero_or_a_swallowed_nan_is_caught() -> None:
    found = np.array([0.0, 1.0, np.inf, np.nan, 3.0], np.float32)
    exact = np.array([-0.0, np.nan, 1e39, 1.0, np.inf])
    np.testing.assert_array_equal(ulps(found, exact), [np.inf, np.inf, 0.0, np.inf, np.inf])
