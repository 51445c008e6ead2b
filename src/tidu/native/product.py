"""How is a matrix product written so that it runs at the speed of the arithmetic units?

The sums of a tile of rows and columns stay in registers while a loop over the depth multiplies one
element of A with a few vectors of B in every step; the epilogue gets the finished sums. This file knows
nothing of what becomes of them, of threads, and of where the operands come from.

Notes
-----
Every element adds its products in the order of the depth, each by one fused multiply-add, starting from 0.
So its bits do not depend on tiles, on vector widths, or on which rows are computed together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tidu.core.emit import Scalar
from tidu.native.packing import Layout
from tidu.native.pairs import n_pairs, paired_a, paired_b, write_pairs_of_a, write_pairs_of_b
from tidu.native.text import FunctionText
from tidu.native.tiles import Finish, Prefetch, Product, panel_bytes, write_panels
from tidu.native.tiling import Panel, Target, panels, row_pitch
from tidu.native.vectors import Vectors

__all__ = ["Layout", "Target", "scratch_bytes", "write_product"]

_NARROW = 4
_MANY_ROWS = 8
"""Products of fewer columns than `_NARROW` and at least so many rows are computed with lanes along the rows."""
_SHALLOW = 64
"""Up to this depth the way of the sums through memory costs 3 to 10 % of the product."""


def write_product(
    text: FunctionText,
    dtype: str,
    *,
    n_rows: int,
    n_columns: int,
    depth: int,
    a: Layout,
    b: Layout,
    place_a: str,
    place_b: str,
    first_row: str,
    count: str,
    finish: Finish,
    target: Target,
    scratch: str | None = None,
    prefetch: Prefetch | None = None,
    inline_finish: bool | None = None,
    bfloat16: bool = False,
) -> None:
    """Write C = A B for some rows of A, m x k, and all columns of B, k x n.

    Parameters
    ----------
    text : FunctionText
        Where to write.
    dtype : {"float32", "float64"}
        Of both operands and of the sums.
    n_rows, n_columns, depth : int
        The most rows that are computed in one go, n, and k.
    a, b : Layout
        How the operands lie in memory.
    place_a, place_b : str
        Of their first elements.
    first_row, count : str
        Values of type ``i64``: rows ``first_row`` to ``first_row + count - 1`` are computed, and `count` is
        `n_rows`, ``n_rows - 1`` or 0.
    finish : callable
        ``finish(vectors, row, column, total)`` writes what becomes of ``vectors.lanes`` finished elements of a
        row from a column on. Columns are multiples of the lanes of a full vector; `row` and `column` are
        values or numbers.
    target : Target
        What the code is made for.
    scratch : str, optional
        Memory for this call alone, `scratch_bytes` of it, best aligned to 64 bytes. Without it B is read where
        it lies, however far its elements are apart, and the epilogue is written out for every row of a tile.
    prefetch : callable, optional
        ``prefetch(row, column)`` is called for every vector of a tile before its loop over the depth; not for
        less than 4 columns.
    inline_finish : bool, optional
        Whether the epilogue is written out for every vector of a tile, which is faster if it is short and the
        depth is small, or once, in a loop that reads the sums from scratch memory. By default the depth
        decides.
    bfloat16 : bool, optional
        Whether float32 operands are rounded to bfloat16 and multiplied two pairs at a time, twice as fast; the
        sums are float32. Only where the processor has ``avx512_bf16``, with scratch memory, and if A does not
        lie in panels.
    """
    if inline_finish is None:
        inline_finish = depth <= _SHALLOW
    product = Product(
        text,
        dtype,
        depth,
        a,
        b,
        place_a,
        place_b,
        first_row,
        finish,
        target,
        scratch,
        inline_finish or scratch is None,
        prefetch,
    )
    assert not bfloat16 or (dtype == "float32" and scratch is not None and not a.panel)
    if 0 in (n_rows, n_columns) or count == "0":
        return
    assert not count.isdecimal() or n_rows - int(count) in (0, 1), f"{count} rows, expected {n_rows} or one less"
    if count.isdecimal():
        _write_all(product, n_rows, n_columns, count, bfloat16)
        return
    with text.when(text.value(f"icmp ne i64 {count}, 0")):
        _write_all(product, n_rows, n_columns, count, bfloat16)


def scratch_bytes(
    dtype: str,
    *,
    n_rows: int,
    n_columns: int,
    depth: int,
    a: Layout,
    b: Layout,
    target: Target,
    bfloat16: bool = False,
) -> int:
    """Return how much scratch memory a product needs, in bytes."""
    if 0 in (n_rows, n_columns):
        return 0
    size = np.dtype(dtype).itemsize
    if _is_narrow(n_rows, n_columns, a, b, bfloat16):
        swapped_a, swapped_b = Layout(b.column, b.row), Layout(a.column, a.row)
        needed = [
            scratch_bytes(dtype, n_rows=n_columns, n_columns=rows, depth=depth, a=swapped_a, b=swapped_b, target=target)
            for rows in (n_rows, n_rows - 1, 1)
        ]
        return n_rows * n_columns * size + max(needed)
    copies = 0
    if bfloat16:
        a, words_a = paired_a(a, n_rows, depth)
        b, words_b = paired_b(b, n_columns, depth)
        depth, copies = n_pairs(depth), size * (words_a + words_b)
    kinds = _kinds(dtype, n_rows, n_columns, b, target, bfloat16)
    return panel_bytes(kinds, depth, size) + n_rows * row_pitch(dtype, depth, a, kinds[0]) * size + copies


def _kinds(
    dtype: str, n_rows: int, n_columns: int, b: Layout, target: Target, pairs: bool, can_pack: bool = True
) -> list[Panel]:
    least_lanes = 4 if pairs else 1
    return list(panels(dtype, n_rows, n_columns, b, target, can_pack=can_pack, least_lanes=least_lanes))


def _is_narrow(n_rows: int, n_columns: int, a: Layout, b: Layout, bfloat16: bool) -> bool:
    return n_columns < _NARROW and n_rows >= _MANY_ROWS and not (a.panel or b.panel or bfloat16)


def _write_all(product: Product, n_rows: int, n_columns: int, count: str, bfloat16: bool) -> None:
    if product.scratch is not None and _is_narrow(n_rows, n_columns, product.a, product.b, bfloat16):
        _write_narrow(product, n_rows, n_columns, count)
        return
    if bfloat16:
        product = _paired(product, n_rows, n_columns, count)
    can_pack = product.scratch is not None
    kinds = _kinds(product.dtype, n_rows, n_columns, product.b, product.target, product.pairs, can_pack)
    write_panels(product, kinds, count)


def _write_narrow(product: Product, n_rows: int, n_columns: int, count: str) -> None:
    """Write a product with few columns as its transpose, then finish the sums row by row."""
    text, a, b, sums = product.text, product.a, product.b, product.scratch
    assert sums is not None
    place_a = product.offset(product.place_a, text.value(f"mul i64 {product.first_row}, {a.row}"))

    def write(first: int, rows: int) -> None:
        """Write the transpose of so many rows: what was B has the rows now, and A the columns."""

        def keep(vectors: Vectors, column: str, row: str, total: Scalar) -> None:
            begin = text.value(f"add i64 {text.value(f'mul i64 {column}, {n_rows}')}, {row}")
            vectors.store(total, product.offset(product.offset(sums, first), begin))

        write_product(
            text,
            product.dtype,
            n_rows=n_columns,
            n_columns=rows,
            depth=product.depth,
            a=Layout(b.column, b.row),
            b=Layout(a.column, a.row),
            place_a=product.place_b,
            place_b=product.offset(place_a, first * a.row),
            first_row="0",
            count=str(n_columns),
            finish=keep,
            target=product.target,
            scratch=product.offset(sums, n_rows * n_columns),
            inline_finish=True,
        )

    if count.isdecimal():
        write(0, int(count))
    else:
        write(0, n_rows - 1)
        with text.when(text.value(f"icmp eq i64 {count}, {n_rows}")):
            write(n_rows - 1, 1)
    with text.loop(count) as loop:
        vectors = product.vectors(n_columns)
        total = vectors.load_apart(product.offset(sums, loop.index), n_rows)
        row = text.value(f"add i64 {product.first_row}, {loop.index}")
        product.finish(vectors, row, "0", total)


def _paired(product: Product, n_rows: int, n_columns: int, count: str) -> Product:
    """Copy both operands to pairs of bfloat16, and return the product of these."""
    assert product.scratch is not None
    text, a, b, depth = product.text, product.a, product.b, product.depth
    lanes = product.target.vector_bytes // np.dtype(product.dtype).itemsize
    layout_a, words_a = paired_a(a, n_rows, depth)
    layout_b, words_b = paired_b(b, n_columns, depth)
    place_a, place_b = product.scratch, product.offset(product.scratch, words_a)
    first = product.offset(product.place_a, text.value(f"mul i64 {product.first_row}, {a.row}"))
    write_pairs_of_a(text, lanes, a, n_rows, depth, first, place_a, count)
    write_pairs_of_b(text, lanes, b, n_columns, depth, product.place_b, place_b)
    return replace(
        product,
        a=layout_a,
        b=layout_b,
        place_a=place_a,
        place_b=place_b,
        depth=n_pairs(depth),
        origin=product.first_row,
        scratch=product.offset(place_b, words_b),
        pairs=True,
    )
