"""Rows become the integers that NumPy makes of them, and what is lost is told."""

from __future__ import annotations

import numpy as np
import pytest
from tests.neighbors.kernels.driving import PROCESSORS, element_dtype, native, pack, panels
from tests.neighbors.problems import rows_of

from tidu.native.machine import Processor, host
from tidu.native.vectors import MEMORY_TYPES
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.packing import Pack, compiled_pack, pack_text

BYTES = ("uint8", "int8", "bool")
DTYPES = [name for name in MEMORY_TYPES if np.dtype(name).kind in "biuf"]
MOST_SQUARES = 1 << 28
PACKS = [("dot8", "squares"), ("dot16", "squares"), ("sum8", "absolute"), ("max8", "largest")]
WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 131)


def panel_rows(made: Pack, processor: Processor) -> int:
    shape = shape_for(COMPARISONS[made.comparison], processor)
    return shape.n_queries if made.queries else shape.n_rows


def expected_bytes(made: Pack, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return integers as they are stored, and the statistics, of bytes that are taken as they are."""
    meant = raw.astype(np.int64) - (0 if raw.dtype == np.int8 else 128)
    statistics = np.column_stack([(meant**2).sum(1), meant.sum(1), *np.zeros((2, len(raw)))]).astype(np.float64)
    return stored(made, meant), statistics


def stored(made: Pack, meant: np.ndarray) -> np.ndarray:
    dtype = element_dtype(COMPARISONS[made.comparison], queries=made.queries)
    return (meant + (128 if dtype.kind == "u" else 0)).astype(dtype)


def check_scaled(
    call, made: Pack, processor: Processor, raw: np.ndarray, scale: float, rng: np.random.Generator, n_threads: int = 1
) -> None:
    """Compare with NumPy: integers and their sums to the last bit, errors but for the order of addition."""
    comparison = COMPARISONS[made.comparison]
    centers = rng.normal(size=raw.shape[1]) * scale * 20 if made.has_centers else None
    factors = rng.uniform(0.5, 2.0, len(raw)) if made.has_factors else None
    packed, statistics = pack(
        call, made, processor, raw, centers=centers, factors=factors, scale=scale, n_threads=n_threads
    )
    with np.errstate(all="ignore"):
        z = raw.astype(np.float64)
        z = z if factors is None else z * factors[:, None]
        z = z if centers is None else z - centers
        q = np.clip(np.rint(z * (1.0 / scale)), comparison.least, comparison.most)
        e = z - q * scale
        squares, total = (q * q).sum(1), q.sum(1)
        terms = e * e if made.error == "squares" else np.abs(e)
        error = terms.max(axis=1) if made.error == "largest" else terms.sum(axis=1)
        rows = np.isfinite(raw.astype(np.float64)).all(axis=1)
    np.testing.assert_array_equal(statistics[rows, 0], squares[rows])
    np.testing.assert_array_equal(statistics[rows, 1], total[rows])
    np.testing.assert_allclose(statistics[rows, 2], error[rows], rtol=1e-12, atol=0)
    np.testing.assert_array_equal(np.isnan(statistics[:, 3]), ~rows)
    with np.errstate(invalid="ignore"):
        fits = squares <= (made.most_squares or np.inf)
    q = np.where((fits & rows)[:, None], q, 0.0).astype(np.int64)
    np.testing.assert_array_equal(unpacked(made, processor, packed, raw.shape)[rows], q[rows])
    if rows.all():
        np.testing.assert_array_equal(packed, panels(stored(made, q), panel_rows(made, processor), comparison))


def unpacked(made: Pack, processor: Processor, packed: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the integers that panels stand for."""
    comparison, n = COMPARISONS[made.comparison], panel_rows(made, processor)
    dtype = element_dtype(comparison, queries=made.queries)
    by_unit = packed.view(dtype).reshape(-1, comparison.n_units(shape[1]), n, comparison.unit)
    whole = by_unit.transpose(0, 2, 1, 3).reshape(-1, comparison.n_units(shape[1]) * comparison.unit)
    return whole[: shape[0], : shape[1]].astype(np.int64) - (128 if dtype.kind == "u" else 0)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize("queries", [False, True])
@pytest.mark.parametrize("name", ["dot8", "sum8", "max8"])
def test_bytes_are_taken_as_they_are(name: str, queries: bool, how: str) -> None:
    rng, processor = np.random.default_rng(1), PROCESSORS[how]()
    for dtype in BYTES:
        made = Pack(name, queries, dtype, "none")
        call, n = compiled_pack(made, processor), panel_rows(made, processor)
        for width in (*WIDTHS, 8192):
            raw = rows_of("extreme" if width % 2 else "any", width, (1 + int(rng.integers(2 * n)), width), dtype)
            packed, statistics = pack(call, made, processor, raw, n_threads=1 + width % 3)
            integers, expected = expected_bytes(made, raw)
            np.testing.assert_array_equal(packed, panels(integers, n, COMPARISONS[name]))
            np.testing.assert_array_equal(statistics, expected)


FEW = ("float32", "uint64")
"""Dtypes whose conversions are unlike one another, for processors other than the host."""


@pytest.mark.parametrize(
    ("dtype", "how"),
    [
        pytest.param(dtype, how, marks=[] if how == "host" or dtype in FEW else pytest.mark.long)
        for dtype in DTYPES
        for how in PROCESSORS
    ],
)
@pytest.mark.parametrize(("name", "error"), PACKS)
def test_scaled_rows_are_the_integers_of_numpy(name: str, error: str, dtype: str, how: str) -> None:
    rng, processor = np.random.default_rng(2), PROCESSORS[how]()
    queries, most = len(dtype) % 2 == 0, MOST_SQUARES if name == "dot16" else 0
    made = Pack(name, queries, dtype, error, True, error == "squares", most)
    call = compiled_pack(made, processor)
    for i, width in enumerate(WIDTHS[:: 1 if how == "host" else 3]):
        for recipe in ("any", "extreme", "outlier"):
            raw = rows_of(recipe, i, (1 + 5 * i, width), dtype)
            spread = float(np.abs(raw.astype(np.float64)).max())
            scale = max(spread if recipe == "any" else 1.0, 1.0) / (8192 if name == "dot16" else 100)
            check_scaled(call, made, processor, raw, scale, rng, 1 + i % 3)


@pytest.mark.parametrize("how", PROCESSORS)
@pytest.mark.parametrize(("name", "error"), PACKS)
def test_what_is_not_finite_is_told_for_its_row_alone(name: str, error: str, how: str) -> None:
    rng, processor = np.random.default_rng(3), PROCESSORS[how]()
    for dtype in ("float32", "float64"):
        made = Pack(name, False, dtype, error, True, False, MOST_SQUARES if name == "dot16" else 0)
        for width in (1, 8, 19):
            raw = rng.normal(size=(40, width)).astype(dtype)
            for row, value in ((3, np.nan), (17, np.inf), (18, -np.inf), (39, -np.nan)):
                raw[row, rng.integers(width)] = value
            check_scaled(compiled_pack(made, processor), made, processor, raw, 0.01, rng)


@pytest.mark.parametrize("how", PROCESSORS)
def test_a_row_of_too_many_squares_becomes_zeros(how: str) -> None:
    processor, rng = PROCESSORS[how](), np.random.default_rng(4)
    made = Pack("dot16", False, "float64", "squares", False, False, MOST_SQUARES)
    raw = np.zeros((5, 3))
    raw[:, 0] = [1 << 14, (1 << 14) + 1, 1 << 13, 1e300, 1 << 14]
    raw[4, 1] = 1.0
    call = compiled_pack(made, processor)
    check_scaled(call, made, processor, raw, 1.0, rng)
    packed, statistics = pack(call, made, processor, raw)
    assert unpacked(made, processor, packed, raw.shape)[:, 0].tolist() == [1 << 14, 1 << 14, 1 << 13, 1 << 14, 0]
    assert statistics[4, 0] == MOST_SQUARES + 1


def test_scales_so_small_that_their_inverse_is_none_leave_integers_in_range() -> None:
    made = Pack("dot8", False, "float64", "squares", False, False)
    raw = np.array([[0.0, 5e-324, -5e-324, 1.0]])
    packed, statistics = pack(compiled_pack(made), made, host(), raw, scale=5e-324)
    q = unpacked(made, host(), packed, raw.shape)
    assert np.abs(q).max() <= 128
    assert statistics[0, 2] == 1.0


@pytest.mark.parametrize(
    ("old", "new"),
    [("fcmp uno", "fcmp ord"), ("llvm.rint", "llvm.floor"), ("fptosi", "fptoui"), ("xor <", "or <")],
)
def test_planted_mistakes_are_caught(old: str, new: str) -> None:
    made = Pack("dot8", False, "float64", "squares", True, False)
    rng, raw = np.random.default_rng(5), np.random.default_rng(6).normal(size=(40, 19))
    raw[3, 2] = np.nan
    text = pack_text(made, host())
    check_scaled(native(text, "tidu_pack", host()), made, host(), raw, 0.02, rng)
    assert old in text
    wrong = native(text.replace(old, new), "tidu_pack", host())
    with pytest.raises(AssertionError):
        check_scaled(wrong, made, host(), raw, 0.02, rng)
