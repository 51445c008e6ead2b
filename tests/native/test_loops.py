"""Loop nests compute what NumPy computes, for any strides, and touch nothing else."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.core.emit import Fold
from tidu.native.loops import Access, Constant, collapse, elementwise, fold, matmul
from tidu.native.machine import compile_text
from tidu.native.scalars import Scalars, literal
from tidu.native.text import FunctionText, Kernel

DTYPES = ("float32", "float64")
SUM = Fold(0.0, lambda b, total, x: b.add(total, x))
SETTINGS = settings(max_examples=25, deadline=None)


def run(kernel: Kernel, arrays: Sequence[np.ndarray]) -> None:
    """Run a kernel; `arrays` are views, whose first elements are handed over."""
    text = "\n".join([*kernel.declarations, kernel.define("f")])
    call = compile_text(text, kernel.functions, vectorize=False).function("f", *[ctypes.c_void_p] * len(arrays))
    call(*(x.__array_interface__["data"][0] for x in arrays))


def access(x: np.ndarray) -> Access:
    return Access(x.dtype.name, tuple(s // x.itemsize for s in x.strides))


def guarded(shape: tuple[int, ...], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return memory full of a pattern that is NaN in any floating dtype, and an array amid it."""
    memory = np.full(math.prod(shape) * np.dtype(dtype).itemsize + 512, 0xFF, np.uint8)
    return memory, memory[256:-256].view(dtype).reshape(shape)


def untouched(memory: np.ndarray) -> bool:
    return bool((memory[:256] == 0xFF).all() and (memory[-256:] == 0xFF).all())


shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def strided(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Draw an array of a shape that is repeated, transposed, reversed or cut out of a larger one."""
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 2, -1, 0])) for _ in shape]
    parent = [shape[a] * max(abs(steps[a]), 1) if steps[a] else 1 for a in order]
    _, base = guarded(tuple(parent), dtype)
    seed = draw(st.integers(0, 2**32 - 1))
    base[...] = np.random.default_rng(seed).normal(size=base.shape)
    base = base[tuple(slice(None, None, steps[a] or 1) for a in order)]
    return np.broadcast_to(base.transpose(np.argsort(order) if order else ()), shape)


@SETTINGS
@given(st.data(), shapes, st.sampled_from(DTYPES))
def test_elementwise_loops_follow_any_strides(data: st.DataObject, shape: tuple[int, ...], dtype: str) -> None:
    x, y = data.draw(strided(shape, dtype)), data.draw(strided(shape, dtype))
    memory, out = guarded(shape, dtype)
    operands = (access(x), Constant(0.5), access(y))
    run(elementwise(lambda b, x, c, y: b.sub(b.mul(x, c), y), shape, operands, access(out), dtype), [x, y, out])
    np.testing.assert_array_equal(out, x * np.dtype(dtype).type(0.5) - y)
    assert untouched(memory)


@SETTINGS
@given(st.data(), shapes, st.sampled_from(DTYPES))
def test_folds_run_in_row_major_order(data: st.DataObject, shape: tuple[int, ...], dtype: str) -> None:
    x = data.draw(strided(shape, dtype))
    reduced = data.draw(st.sets(st.sampled_from(range(len(shape))))) if shape else set()
    kept = [a for a in range(len(shape)) if a not in reduced]
    moved = x.transpose([*kept, *sorted(reduced)])
    lengths = [tuple(moved.shape[: len(kept)]), tuple(moved.shape[len(kept) :])]
    memory, out = guarded(lengths[0], dtype)
    run(fold(SUM, *lengths, access(moved), access(out), dtype), [x, out])
    expected = np.zeros(lengths[0], dtype)
    for index in np.ndindex(*lengths[1]):
        expected += moved[(..., *index)]
    np.testing.assert_array_equal(out, expected)
    assert untouched(memory)


@SETTINGS
@given(
    st.data(),
    st.sampled_from(DTYPES),
    st.integers(0, 5),
    st.integers(0, 9),
    st.integers(0, 5),
    st.sampled_from([(), (2,)]),
)
def test_products_add_their_terms_in_order(
    data: st.DataObject, dtype: str, m: int, k: int, n: int, stack: tuple[int, ...]
) -> None:
    a, b = data.draw(strided((*stack, m, k), dtype)), data.draw(strided((*stack, k, n), dtype))
    memory, out = guarded((*stack, m, n), dtype)
    run(matmul(stack, m, k, n, access(a), access(b), access(out), dtype), [a, b, out])
    expected = np.zeros(out.shape, dtype)
    for p in range(k):
        expected += a[..., :, p, None] * b[..., p, None, :]
    np.testing.assert_array_equal(out, expected)
    assert untouched(memory)


@pytest.mark.parametrize("given", [*DTYPES, "bool"])
@pytest.mark.parametrize("wanted", [*DTYPES, "bool"])
def test_loads_and_stores_convert_as_numpy_does(given: str, wanted: str) -> None:
    with np.errstate(over="ignore"):
        x = np.array([0.0, -0.0, 1.0, 0.1, 1e-300, 1e300, np.inf, np.nan]).astype(given)
        expected = x.astype(wanted)
    dtype = "float64"
    out = np.zeros(x.shape, wanted)
    run(elementwise(lambda b, x: x, x.shape, (access(x),), access(out), dtype), [x, out])
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("value", [0.0, -0.0, 0.1, 1e300, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("dtype", DTYPES)
def test_constants_keep_their_bits(value: float, dtype: str) -> None:
    out = np.zeros(1, dtype)
    run(elementwise(lambda b, c: c, (1,), (Constant(value),), access(out), dtype), [out])
    with np.errstate(over="ignore"):
        assert out.tobytes() == np.array([value], dtype).tobytes()


def test_a_planted_walk_past_the_end_is_caught_by_the_guards() -> None:
    memory, out = guarded((4,), "float64")
    run(elementwise(lambda b, c: c, (5,), (Constant(1.0),), access(out), "float64"), [out])
    assert not untouched(memory)


def test_contiguous_arrays_are_walked_by_one_loop() -> None:
    assert collapse((2, 3, 4), [Access("float64", (12, 4, 1))])[0] == (24,)
    assert collapse((2, 3), [Access("float64", (1, 2))])[0] == (2, 3)


def test_conditions_follow_ieee_for_nan() -> None:
    x = np.array([1.0, np.nan])

    def all_of(b: Scalars, x: str) -> str:
        one, zero = b.constant(1.0), b.constant(0.0)
        false = [b.compare(r, x, one) for r in ("<", "<=", ">", ">=", "==")]
        some = false[0]
        for other in false[1:]:
            some = b.either(some, other)
        wanted = b.both(b.both(b.is_nan(x), b.compare("!=", x, one)), b.negate(some))
        return b.select(wanted, one, zero)

    out = np.zeros(2)
    run(elementwise(all_of, (2,), (access(x),), access(out), "float64"), [x, out])
    assert out.tolist() == [0.0, 1.0]


def test_a_loop_may_not_have_zero_rounds() -> None:
    with pytest.raises(AssertionError), FunctionText([]).loop(0):
        pass


def test_float32_literals_are_written_as_the_double_of_the_same_value() -> None:
    assert literal(1e300, "float32") == literal(math.inf, "float64")
    assert literal(-0.0, "float32") != literal(0.0, "float32")
