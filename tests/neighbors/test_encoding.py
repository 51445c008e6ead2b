"""Whatever rows become integers by whatever encoding, what the integers may be wrong by is really told."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.kernels.driving import element_dtype
from tests.neighbors.problems import RECIPES, rows_of

from tidu.native.ledger import Ledger
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.arithmetic import choose_arithmetic
from tidu.neighbors.encoder import Encoded, Encoder, set_apart
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.kernels.rules import PASSES
from tidu.neighbors.metrics import resolve_metric
from tidu.neighbors.suiting import choose_encoding, word_encoding

DTYPES = list(MEMORY_TYPES)
METRICS = {"squares": "l2", "absolute": "l1", "largest": "chebyshev", "products": "inner_product"}
COMPARED = {"squares": ("dot8", "dot16"), "absolute": ("sum8",), "largest": ("max8",), "products": ("dot16",)}


def encode(
    encoding: Encoding, raw: np.ndarray, *, queries: bool, factors: np.ndarray | None = None
) -> tuple[Encoded, np.ndarray]:
    """Return rows as an encoder leaves them, and the integers that they became, read from their panels."""
    encoder = Encoder(
        encoding, raw.dtype, raw.shape[1], len(raw), queries=queries, has_factors=factors is not None,
        ledger=Ledger(), n_threads=1,
    )  # fmt: skip
    assert encoder.encode(raw, factors) == -1
    found, compared = encoder.encoded(len(raw)), encoding.compared
    dtype = element_dtype(compared, queries=queries)
    by_unit = found.packed.view(dtype).reshape(found.n_panels, found.n_units, encoder.panel_rows, compared.unit)
    whole = by_unit.transpose(0, 2, 1, 3).reshape(-1, found.n_units * compared.unit)
    integers = whole[: len(raw), : raw.shape[1]].astype(np.int64) - (128 if dtype.kind == "u" else 0)
    return replace(found, errors=found.errors.copy(), sizes=found.sizes.copy(), terms=found.terms.copy()), integers


def exactly(raw: np.ndarray, factors: np.ndarray | None, centers: np.ndarray | None) -> list[list[Fraction]]:
    """Return shifted rows as exact numbers."""
    less = [Fraction(0)] * raw.shape[1] if centers is None else list(map(Fraction, centers.tolist()))
    times = [Fraction(1)] * len(raw) if factors is None else list(map(Fraction, factors.tolist()))
    return [
        [factor * Fraction(x) - c for x, c in zip(row, less, strict=True)]
        for row, factor in zip(raw.tolist(), times, strict=True)
    ]


def is_below(square: Fraction, other_square: Fraction, error: Fraction) -> bool:
    """Tell whether the root of one number is at most that of another, and an error."""
    more = square - other_square - error**2
    return more <= 0 or more**2 <= 4 * error**2 * other_square


def check_distances(
    encoding: Encoding, sides: list[np.ndarray], factors: list[np.ndarray | None], share: float
) -> None:
    """Check the triangle: the true distance is at least that of the integers, less what both sides may be wrong by."""
    (asked, p), (offered, q) = (
        encode(encoding, raw, queries=i == 0, factors=f) for i, (raw, f) in enumerate(zip(sides, factors, strict=True))
    )
    xs, ys = (exactly(raw, f, encoding.centers) for raw, f in zip(sides, factors, strict=True))
    scale = Fraction(encoding.row_scale)
    for i, x in enumerate(xs):
        for j, y in enumerate(ys):
            errors = float(asked.errors[i]) * share, float(offered.errors[j]) * share
            if not all(error < np.inf for error in errors):
                continue  # no bound at all: such pairs always pass
            error = sum(map(Fraction, errors))
            apart = [abs(a - b) for a, b in zip(x, y, strict=True)]
            steps = [abs(int(a) - int(b)) for a, b in zip(p[i], q[j], strict=True)]
            if encoding.error == "squares":
                assert is_below(scale**2 * sum(n * n for n in steps), sum(d * d for d in apart), error)
            else:
                join = sum if encoding.error == "absolute" else max
                assert scale * join(steps) - error <= join(apart)


def check_products(encoding: Encoding, sides: list[np.ndarray], share: float) -> None:
    """Check that products of the integers are off by no more than errors and sizes say."""
    (asked, p), (offered, q) = (encode(encoding, raw, queries=i == 0) for i, raw in enumerate(sides))
    xs, ys = (exactly(raw, None, None) for raw in sides)
    scale = Fraction(encoding.query_scale) * Fraction(encoding.row_scale)
    for side, rows in ((asked, xs), (offered, ys)):
        for size, row in zip(side.sizes.tolist(), rows, strict=True):
            assert not size < np.inf or sum(v * v for v in row) <= Fraction(size) ** 2
    for i, x in enumerate(xs):
        for j, y in enumerate(ys):
            slack = float(asked.sizes[i]) * float(offered.errors[j]) + float(asked.errors[i]) * float(offered.sizes[j])
            if not slack * share < np.inf:
                continue
            true = sum(a * b for a, b in zip(x, y, strict=True))
            meant = scale * sum(int(a) * int(b) for a, b in zip(p[i], q[j], strict=True))
            assert abs(true - meant) <= Fraction(slack * share)


def encoding_of(kind: str, name: str, sample: np.ndarray, largest: int, scale: float | None) -> Encoding:
    """Return an encoding for rows like a sample, or of any scale."""
    conversion = largest * 2.0**-53 if largest > 1 << 53 else 0.0
    with np.errstate(all="ignore"):
        words = word_encoding(np.nan_to_num(sample))
        spread = float(np.nan_to_num(np.abs(sample).max()))
    usual = words.row_scale if name == "dot16" else (spread / 100 or 1.0)
    scale = scale or usual
    if kind == "products":
        return Encoding("dot16", -1, "linear", "squares", scale, 2 * scale, None, 1e-13, 0.0, conversion)
    if kind == "squares":
        return replace(words, comparison=name, query_scale=scale, row_scale=scale, conversion=conversion)
    return Encoding(name, 1, "linear", kind, scale, scale, words.centers, 1e-13, 0.0, conversion)


@st.composite
def cases(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(METRICS)) -> tuple[Encoding, list[np.ndarray]]:
    """Draw rows of both sides, and an encoding made for them, for unrelated rows, or for none."""
    kind, dtype = draw(st.sampled_from(kinds)), draw(st.sampled_from(DTYPES))
    names = [name for name in RECIPES if name != "overflowing" or kind != "products"]
    recipes = [draw(st.sampled_from(names)) for _ in range(3)]
    width, seed = draw(st.integers(1, 11)), draw(st.integers(0, 2**32 - 1))
    power = draw(st.sampled_from([0, 0, 0, -30, -160, -300, 30, 150]))
    sides = []
    for i, n in enumerate((3, 5, 9)):
        with np.errstate(all="ignore"):
            raw = rows_of(recipes[i], seed + i, (n, width), dtype)
            if dtype == "float64" or (dtype == "float32" and abs(power) == 30):
                scaled = (raw * 10.0**power).astype(dtype)
                raw = scaled if np.isfinite(scaled).all() else raw
        sides.append(raw)
    name, scale = draw(st.sampled_from(COMPARED[kind])), draw(st.sampled_from([None, None, 1.0, 1e-3, 1e5]))
    largest = (
        max(abs(int(v)) for side in sides[:2] for v in (side.min(), side.max())) if sides[0].dtype.kind in "iu" else 0
    )
    sample = np.asarray(draw(st.sampled_from(sides[1:])), np.float64)
    return encoding_of(kind, name, sample, largest, scale), sides[:2]


def check(encoding: Encoding, sides: list[np.ndarray], factors: list[np.ndarray | None], share: float = 1.0) -> None:
    if encoding.factor == -1:
        check_products(encoding, sides, share)
    else:
        check_distances(encoding, sides, factors, share)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_errors_bound_what_integers_leave_out(case) -> None:
    check(*case, [None, None])


@pytest.mark.long
@settings(max_examples=8000, deadline=None)
@given(cases())
def test_errors_bound_what_integers_leave_out_for_many_more(case) -> None:
    check(*case, [None, None])


@settings(max_examples=60, deadline=None)
@given(cases(("squares",)), st.integers(0, 2**32 - 1))
def test_errors_bound_what_is_left_out_of_rows_with_factors(case, seed) -> None:
    encoding, sides = case
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        tops = [np.abs(raw.astype(np.float64)).max(axis=1) for raw in sides]
        factors = [np.where(top > 1e-150, rng.uniform(0.5, 1.0, len(top)) / top, 0.0) for top in tops]
    words = encoding_of("squares", encoding.comparison, rng.normal(size=(9, sides[0].shape[1])), 0, None)
    check(words, sides, factors)


@pytest.mark.parametrize("kind", METRICS)
def test_what_is_chosen_for_rows_is_right_for_any_others(kind: str) -> None:
    rng = np.random.default_rng(1)
    for dtype in ("float32", "float64", "int16", "int64"):
        for recipe in ("any", "far", "outlier", "extreme", "few", "equal"):
            sides = [rows_of(recipe, int(rng.integers(99)), (n, 7), dtype) for n in (3, 4)]
            other = rows_of("any", 3, (8, 7), dtype)
            values = (int(min(x.min() for x in sides)), int(max(x.max() for x in sides))) if dtype[0] == "i" else None
            arithmetic = choose_arithmetic(resolve_metric(METRICS[kind]), (sides[0].dtype,) * 2, 7, values)
            for sample in (sides[1], other):
                chosen = choose_encoding(arithmetic, *[x.astype(np.float64) for x in (sample, sides[0])], 0.1)
                check(chosen, sides, [None, None])


@pytest.mark.parametrize("kind", METRICS)
def test_planted_errors_that_are_too_small_are_caught(kind: str) -> None:
    rng = np.random.default_rng(2)
    sides = [rng.normal(size=(n, 1)) for n in (30, 40)]
    for name in COMPARED[kind]:
        encoding = encoding_of(kind, name, sides[1], 0, None)
        check(encoding, sides, [None, None])
        with pytest.raises(AssertionError):
            check(encoding, sides, [None, None], 0.7)


def test_rows_that_reach_far_beyond_are_set_apart_and_bound_nothing() -> None:
    rng = np.random.default_rng(3)
    for kind in METRICS:
        rows = rng.normal(size=(4000, 5))
        encoding = encoding_of(kind, COMPARED[kind][-1], rows, 0, None)
        rows[17] *= 1e9
        rows[18] = 1e300
        found, _ = encode(encoding, rows, queries=False)
        error, size = set_apart(found, encoding)
        apart = found.terms[: len(rows)] == PASSES[encoding.factor]
        assert apart[[17, 18]].all()
        assert apart.sum() <= 0.002 * len(rows)
        assert (found.errors[~apart] <= error).all()
        assert (found.sizes[~apart] <= size).all()
        assert error < np.median(found.errors) * 10


def test_the_first_row_that_is_not_finite_is_named() -> None:
    encoding = encoding_of("squares", "dot16", np.ones((2, 3)), 0, None)
    rows = np.zeros((9, 3), np.float32)
    rows[[5, 7], 1] = np.nan, np.inf
    for n_threads in (1, 2, 3):
        encoder = Encoder(
            encoding, rows.dtype, 3, 9, queries=False, has_factors=False, ledger=Ledger(), n_threads=n_threads
        )
        assert encoder.encode(rows) == 5
