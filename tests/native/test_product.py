"""Matrix products equal NumPy's for any layout, with the same bits however rows are shared out."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.core.emit import Scalar
from tidu.native import packing
from tidu.native.machine import NativeCall, compile_text, host
from tidu.native.product import Layout, Target, scratch_bytes, write_product
from tidu.native.text import FunctionText
from tidu.native.tiling import panels
from tidu.native.vectors import MEMORY_TYPES, Vectors

TARGETS = (Target(64, 32), Target(32, 16), Target(16, 32), Target(16, 16, fused=False))
SETTINGS = settings(max_examples=40, deadline=None)
GUARD = 256


@dataclass(frozen=True)
class Case:
    """A product to compute: of `n_rows` rows of A, starting with the first, where A may have more."""

    dtype: str
    n_rows: int
    n_columns: int
    depth: int
    a: Layout
    b: Layout
    target: Target
    scratch: bool = True
    inline_finish: bool | None = None
    fixed_count: bool = False
    bfloat16: bool = False

    @property
    def scratch_bytes(self) -> int:
        sizes = {"n_rows": self.n_rows, "n_columns": self.n_columns, "depth": self.depth}
        return scratch_bytes(self.dtype, **sizes, a=self.a, b=self.b, target=self.target, bfloat16=self.bfloat16)

    def kernel(self) -> NativeCall:
        """Compile ``f(A, B, C, scratch, first_row, count)``, C row-major without gaps."""
        text = FunctionText([*["ptr"] * 4, "i64", "i64"])

        def finish(vectors: Vectors, row: str, column: str, total: Scalar) -> None:
            begin = text.value(f"mul i64 {row}, {self.n_columns}")
            begin = text.value(f"add i64 {begin}, {column}")
            vectors.store(total, text.offset(MEMORY_TYPES[self.dtype], "%p2", begin))

        write_product(
            text,
            self.dtype,
            n_rows=self.n_rows,
            n_columns=self.n_columns,
            depth=self.depth,
            a=self.a,
            b=self.b,
            place_a="%p0",
            place_b="%p1",
            first_row="%p4",
            count=str(self.n_rows) if self.fixed_count else "%p5",
            finish=finish,
            target=self.target,
            scratch="%p3" if self.scratch else None,
            inline_finish=self.inline_finish,
            bfloat16=self.bfloat16,
        )
        kernel = text.finish()
        module = "\n".join([*kernel.declarations, kernel.define("f")])
        code = compile_text(module, kernel.functions, vectorize=False)
        return code.function("f", *[ctypes.c_void_p] * 4, ctypes.c_int64, ctypes.c_int64)

    def run(self, a: np.ndarray, b: np.ndarray, pieces: list[tuple[int, int]], n_all: int) -> np.ndarray:
        """Compute the pieces (first row, count) of `n_all` rows; what is not computed stays NaN."""
        kernel = self.kernel()
        memory, c = guarded(n_all * self.n_columns, self.dtype)
        scratch_memory, scratch = guarded(self.scratch_bytes, "uint8")
        for first, count in pieces:
            kernel(a.ctypes.data, b.ctypes.data, c.ctypes.data, scratch.ctypes.data, first, count)
        for one in (memory, scratch_memory):
            assert (one[:GUARD] == 0xFF).all()
            assert (one[-GUARD:] == 0xFF).all()
        return c.reshape(n_all, self.n_columns)


def guarded(size: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return memory full of a pattern that is NaN in any floating dtype, and an array amid it."""
    memory = np.full(size * np.dtype(dtype).itemsize + 2 * GUARD, 0xFF, np.uint8)
    return memory, memory[GUARD:-GUARD].view(dtype)


def laid_out(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Return memory that holds a matrix in a layout, and NaN wherever no element is."""
    rows, columns = values.shape
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    width = -(-columns // layout.panel) * layout.panel if layout.panel else columns
    size = layout.place(rows - 1, width - 1) + 1 if rows and columns else 1
    memory = np.full(size, np.nan, values.dtype)
    if layout.panel:
        place = (j // layout.panel) * layout.panel_stride + i * layout.row + j % layout.panel
    else:
        place = i * layout.row + j * layout.column
    memory[place] = values
    return memory


@st.composite
def layouts(draw: st.DrawFn, rows: int, columns: int) -> Layout:
    kind = draw(st.sampled_from(["plain", "transposed", "apart", "panel"]))
    gap = draw(st.sampled_from([0, 0, 1, 3, 200]))
    if kind == "plain":
        # Rows 4 KB apart collide in the cache and are copied.
        return Layout(draw(st.sampled_from([columns + gap, 1024])), 1)
    if kind == "transposed":
        return Layout(1, rows + gap)
    if kind == "apart":
        return Layout(2 * columns + gap, 2) if draw(st.booleans()) else Layout(3, 3 * rows + gap)
    panel = draw(st.sampled_from([1, 4, 8, 16, 32, 48, 64, 10]))
    return Layout(panel + gap, 1, panel, rows * (panel + gap))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n_rows = draw(st.one_of(st.integers(1, 6), st.integers(7, 60)))
    n_columns = draw(st.one_of(st.integers(1, 4), st.integers(5, 20), st.sampled_from([31, 32, 33, 48, 64, 80, 100])))
    depth = draw(st.one_of(st.integers(0, 9), st.sampled_from([16, 31, 40, 65])))
    return Case(
        draw(st.sampled_from(["float32", "float64"])),
        n_rows,
        n_columns,
        depth,
        draw(layouts(n_rows, depth)),
        draw(layouts(depth, n_columns)),
        draw(st.sampled_from(TARGETS)),
        draw(st.booleans()),
        draw(st.sampled_from([None, True, False])),
        draw(st.booleans()),
    )


def operands(case: Case, seed: int, n_all: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = (n_all, case.depth), (case.depth, case.n_columns)
    return tuple(
        (rng.standard_normal(shape) * 10.0 ** rng.integers(-2, 3, shape)).astype(case.dtype) for shape in shapes
    )


def check(case: Case, seed: int) -> None:
    a, b = operands(case, seed, case.n_rows)
    found = case.run(laid_out(a, case.a), laid_out(b, case.b), [(0, case.n_rows)], case.n_rows)
    wide = np.float64 if case.dtype == "float32" else np.longdouble
    bound = case.depth * np.finfo(case.dtype).eps * (np.abs(a).astype(wide) @ np.abs(b).astype(wide))
    assert (np.abs(found - a.astype(wide) @ b.astype(wide)) <= bound).all()


@SETTINGS
@given(cases(), st.integers(0, 2**32 - 1))
def test_a_product_is_numpys_within_the_bound_of_a_running_sum(case: Case, seed: int) -> None:
    check(case, seed)


@SETTINGS
@given(cases(), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_bits_do_not_depend_on_how_rows_are_shared_out(case: Case, n_pieces: int, seed: int) -> None:
    n_all = n_pieces * case.n_rows - seed % n_pieces
    case = replace(case, fixed_count=False)
    short = n_pieces * case.n_rows - n_all
    counts = [case.n_rows - (i < short) for i in range(n_pieces)]
    a, b = operands(case, seed, n_all)
    # Strides of a transposed or panelled A were drawn for fewer rows.
    layout_a = Layout(1, n_all + 2) if case.a.row == 1 else Layout(case.depth + 1, 1)
    case = replace(case, a=layout_a)
    memory_a, memory_b = laid_out(a, layout_a), laid_out(b, case.b)
    pieces = [(sum(counts[:i]), count) for i, count in enumerate(counts)]
    shared = case.run(memory_a, memory_b, pieces, n_all)
    target = TARGETS[seed % 3] if case.target.fused else case.target
    one = replace(case, n_rows=n_all, target=target, scratch=not case.scratch, inline_finish=None)
    assert shared.tobytes() == one.run(memory_a, memory_b, [(0, n_all)], n_all).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", ["%p5", "0"])
def test_no_rows_write_nothing(dtype: str, count: str) -> None:
    case = Case(dtype, 5, 40, 7, Layout(7, 1), Layout(40, 1), TARGETS[0])
    if count == "0":
        text = FunctionText([])
        sizes = {"n_rows": 0, "n_columns": 40, "depth": 7, "a": case.a, "b": case.b, "target": case.target}
        write_product(
            text, dtype, **sizes, place_a="null", place_b="null", first_row="0", count="0", finish=lambda *_: None
        )
        assert text.finish().body == "start:\n  ret void\n"
    assert np.isnan(case.run(*operands(case, 1, 5), [(3, 0)], 5)).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("n_rows", [1, 2, 14, 15, 29])
@pytest.mark.parametrize("n_columns", [1, 3, 37])
def test_one_row_less_leaves_the_last_row_alone(n_rows: int, n_columns: int, target: Target) -> None:
    case = Case("float32", n_rows, n_columns, 40, Layout(40, 1), Layout(n_columns, 1), target)
    a, b = operands(case, 2, n_rows)
    found = case.run(a, b, [(0, n_rows - 1)], n_rows)
    assert np.isnan(found[n_rows - 1]).all()
    np.testing.assert_allclose(found[: n_rows - 1], a[: n_rows - 1].astype(float) @ b.astype(float), rtol=1e-3, atol=1)


def test_a_sum_of_nothing_is_zero() -> None:
    case = Case("float64", 3, 20, 0, Layout(1, 1), Layout(20, 1), TARGETS[0])
    assert (case.run(np.zeros(1), np.zeros(1), [(0, 3)], 3) == 0).all()


def test_the_prefetch_is_told_every_vector_of_a_tile() -> None:
    told = []
    text = FunctionText(["ptr"] * 2)
    write_product(
        text,
        "float32",
        n_rows=2,
        n_columns=24,
        depth=3,
        a=Layout(3, 1),
        b=Layout(24, 1),
        place_a="%p0",
        place_b="%p1",
        first_row="0",
        count="2",
        finish=lambda *_: None,
        target=TARGETS[0],
        prefetch=lambda row, column: told.append((row, column)),
    )
    assert told == [("0", "0"), ("0", "16"), ("1", "0"), ("1", "16")]


@st.composite
def bfloat16_cases(draw: st.DrawFn) -> Case:
    case = draw(cases())
    a = draw(layouts(case.n_rows, case.depth).filter(lambda layout: not layout.panel))
    target = draw(st.sampled_from(TARGETS[:3]))
    return replace(case, dtype="float32", a=a, target=target, scratch=True, bfloat16=True)


def rounded(x: np.ndarray) -> np.ndarray:
    """Round float32 to bfloat16, ties to even."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


needs_bfloat16 = pytest.mark.skipif(
    "+avx512bf16" not in host().features.split(","), reason="this processor does not multiply bfloat16"
)


@needs_bfloat16
@SETTINGS
@given(bfloat16_cases(), st.integers(0, 2**32 - 1))
def test_a_bfloat16_product_is_numpys_of_rounded_operands(case: Case, seed: int) -> None:
    a, b = operands(case, seed, case.n_rows)
    found = case.run(laid_out(a, case.a), laid_out(b, case.b), [(0, case.n_rows)], case.n_rows)
    x, y = rounded(a).astype(np.float64), rounded(b).astype(np.float64)
    assert (np.abs(found - x @ y) <= (case.depth + 1) * np.finfo(np.float32).eps * (np.abs(x) @ np.abs(y))).all()


@needs_bfloat16
@pytest.mark.parametrize("a", [Layout(37, 1), Layout(1, 61), Layout(3, 200)])
@pytest.mark.parametrize("b", [Layout(70, 1), Layout(1, 40), Layout(16, 1, 16, 16 * 37), Layout(3, 300)])
def test_bits_of_a_bfloat16_product_do_not_depend_on_how_rows_are_shared_out(a: Layout, b: Layout) -> None:
    case = Case("float32", 31, 70, 37, a, b, TARGETS[0], bfloat16=True)
    x, y = operands(case, 4, 61)
    places = laid_out(x, a), laid_out(y, b)
    whole = replace(case, n_rows=61, target=TARGETS[1]).run(*places, [(0, 61)], 61)
    assert case.run(*places, [(0, 31), (31, 30)], 61).tobytes() == whole.tobytes()


@given(
    st.integers(1, 200),
    st.integers(1, 300),
    st.sampled_from([0, 1, 10, 16, 32, 48]),
    st.sampled_from(TARGETS),
    st.sampled_from(["float32", "float64"]),
)
def test_tiles_cover_everything_once_and_fit_the_registers(
    n_rows: int, n_columns: int, panel: int, target: Target, dtype: str
) -> None:
    layout = Layout(panel or n_columns, 1, panel, 100 * panel)
    column = 0
    for kind in panels(dtype, n_rows, n_columns, layout, target, can_pack=True):
        assert kind.first_column == column
        column += kind.count * kind.columns
        assert len(kind.parts) * (kind.height + 1) < target.n_registers
        assert all(
            1 <= part.columns <= part.lanes <= target.vector_bytes // np.dtype(dtype).itemsize for part in kind.parts
        )
        # Both counts of rows can be made of full tiles and tiles with one row less.
        fewest = kind.n_tiles * (kind.height - 1)
        assert fewest < n_rows <= fewest + kind.n_tiles
    assert column == n_columns


BEYOND = """
import ctypes, mmap, sys
import numpy as np
from tests.native.test_product import TARGETS, Case, Layout, laid_out, operands

libc = ctypes.CDLL(None, use_errno=True)
held = []

def at_the_end(x):
    "Copy an array to the end of a page whose neighbor must not be touched."
    size = -(-x.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    held.append(memory)
    whole = np.frombuffer(memory, np.uint8)
    assert libc.mprotect(ctypes.c_void_p(whole.ctypes.data + size), mmap.PAGESIZE, 0) == 0
    place = whole[size - x.nbytes : size].view(x.dtype)
    place[...] = x
    return place

beyond = int(sys.argv[1])
for target, dtype in ((TARGETS[0], "float32"), (TARGETS[1], "float64"), (TARGETS[2], "float32")):
    for m, n, k in ((17, 33, 6), (30, 69, 19), (1, 1, 3)):
        for a in (Layout(k, 1), Layout(1, m), Layout(1024, 1)):
            for b in (Layout(n, 1), Layout(1, k), Layout(16, 1, 16, 16 * k)):
                for scratch in (True, False):
                    case = Case(dtype, m, n, k + beyond, a, b, target, scratch)
                    x, y = operands(Case(dtype, m, n, k, a, b, target), 3, m)
                    places = [at_the_end(laid_out(x, a)), at_the_end(laid_out(y, b))]
                    case.run(*places, [(0, m)], m)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pages are protected through Linux's mprotect")
@pytest.mark.parametrize("beyond", [0, 1])
def test_nothing_beyond_the_operands_is_read(beyond: int) -> None:
    """A kernel that is told one step of depth too many is the planted bug."""
    ended = subprocess.run([sys.executable, "-c", BEYOND, str(beyond)], capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) == (beyond == 0), ended.stderr


def test_a_planted_wrong_transposition_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case("float32", 20, 40, 16, Layout(16, 1), Layout(1, 16), TARGETS[0])
    check(case, 1)
    monkeypatch.setattr(packing, "_transposed", lambda vectors, blocks: list(blocks))
    with pytest.raises(AssertionError):
        check(case, 1)
