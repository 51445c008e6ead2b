"""How are all tiles of a matrix product written, one after the other?

Panels of columns are the outer loop, tiles of rows the inner one: a panel of B then stays in the caches
while all rows pass. Only where the result is large and B is small it is the other way round: the rows of the
result, and of what the epilogue reads, are then walked along. This file knows nothing of where operands
come from and what becomes of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tidu.core.emit import Scalar
from tidu.native.packing import Layout, Part, write_packing, write_rows
from tidu.native.sums import Source, Tile
from tidu.native.text import FunctionText
from tidu.native.tiling import Panel, Target, row_pitch
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["Finish", "Prefetch", "Product", "panel_bytes", "write_panels"]

Finish = Callable[[Vectors, str, str, Scalar], None]
"""``finish(vectors, row, column, total)`` writes what becomes of finished sums."""
Prefetch = Callable[[str, str], None]
"""``prefetch(row, column)`` is called for every vector of a tile before its loop over the depth."""


_NEAR_BYTES = 1 << 19
"""What stays in the second cache while a result passes."""
_FAR_BYTES = 1 << 20
"""A result that does not."""


@dataclass(frozen=True, slots=True)
class Product:
    """What all tiles of a product have in common.

    Parameters
    ----------
    text, dtype, depth, a, b, place_a, place_b, first_row, finish, target, scratch, prefetch
        As for `tidu.native.product.write_product`.
    inline : bool
        Whether the epilogue is written out for every vector of a tile.
    origin : str
        Which row `place_a` belongs to.
    pairs : bool
        Whether the operands are pairs of bfloat16 (see `tidu.native.pairs`).
    """

    text: FunctionText
    dtype: str
    depth: int
    a: Layout
    b: Layout
    place_a: str
    place_b: str
    first_row: str
    finish: Finish
    target: Target
    scratch: str | None
    inline: bool
    prefetch: Prefetch | None
    origin: str = "0"
    pairs: bool = False

    @property
    def element(self) -> str:
        """LLVM's type of an element."""
        return MEMORY_TYPES[self.dtype]

    @property
    def operands(self) -> str:
        """Dtype of what A and B are made of; words are as long as float32, so places are counted alike."""
        return "int32" if self.pairs else self.dtype

    def vectors(self, lanes: int) -> Vectors:
        """Return a builder for sums."""
        return Vectors(self.text, self.dtype, lanes)

    def offset(self, place: str, count: int | str) -> str:
        """Return the place `count` elements further on."""
        return self.text.offset(self.element, place, count)


def write_panels(product: Product, kinds: Sequence[Panel], count: str) -> None:
    """Write the tiles of `count` rows in panels of these kinds."""
    text = product.text
    product = _spread_rows(product, kinds, count)
    if len(kinds) == 1 and _walks_rows(product, kinds[0]):
        _write_rows_first(product, kinds[0], count)
        return
    for panel in kinds:
        tall = _n_tall(text, panel, count)
        if panel.count == 1:
            _write_panel(product, panel, str(panel.first_column), tall)
            continue
        with text.loop(panel.count) as loop:
            column = text.value(f"mul nuw nsw i64 {loop.index}, {panel.columns}")
            _write_panel(product, panel, column, tall)


def _n_tall(text: FunctionText, panel: Panel, count: str) -> str:
    """Return how many tiles have the full height; they come first, the others have one row less."""
    fewest = panel.n_tiles * (panel.height - 1)
    return str(int(count) - fewest) if count.isdecimal() else text.value(f"sub i64 {count}, {fewest}")


def _walks_rows(product: Product, panel: Panel) -> bool:
    """Tell whether a large result is better written row by row.

    A panel of it touches two cache lines in each page; all of B passes for every tile, so it must stay near.
    """
    size = np.dtype(product.dtype).itemsize
    n_columns = panel.count * panel.columns
    result = panel.n_tiles * panel.height * n_columns * size
    return (
        not panel.packed
        and panel.count > 1
        and panel.n_tiles > 1
        and product.depth * n_columns * size <= _NEAR_BYTES
        and result >= _FAR_BYTES
    )


def _write_rows_first(product: Product, panel: Panel, count: str) -> None:
    """Write the tiles of all columns of some rows, then those of the next rows."""
    text = product.text
    tall = _n_tall(text, panel, count)
    with text.loop(panel.n_tiles, [("i64", product.first_row)]) as tiles:
        is_tall = None if tall == str(panel.n_tiles) else f"icmp ult i64 {tiles.index}, {tall}"
        with text.loop(panel.count) as loop:
            column = text.value(f"mul nuw nsw i64 {loop.index}, {panel.columns}")
            source = _source(product, panel, column)
            following = _write_tile(product, panel, source, tiles.carried[0], column, is_tall)
        tiles.hand_on(following)


def _spread_rows(product: Product, kinds: Sequence[Panel], count: str) -> Product:
    """Copy the rows of A where they would collide in the cache, and return the product of the copy."""
    pitch = row_pitch(product.dtype, product.depth, product.a, kinds[0])
    if product.scratch is None or not pitch:
        return product
    text, size = product.text, np.dtype(product.dtype).itemsize
    to = product.offset(product.scratch, panel_bytes(kinds, product.depth, size) // size)
    source = product.offset(product.place_a, text.value(f"mul i64 {product.first_row}, {product.a.row}"))
    lanes = product.target.vector_bytes // size
    write_rows(text, product.dtype, lanes, source, product.a.row, to, pitch, count, product.depth)
    return replace(product, a=Layout(pitch, 1), place_a=to, origin=product.first_row)


def _write_panel(product: Product, panel: Panel, column: str, tall: str) -> None:
    """Write all tiles of a panel, of which the first `tall` have the full height."""
    text = product.text
    source = _source(product, panel, column)
    if panel.n_tiles == 1:
        _write_tile(
            product, panel, source, product.first_row, column, None if tall == "1" else f"icmp ne i64 {tall}, 0"
        )
        return
    with text.loop(panel.n_tiles, [("i64", product.first_row)]) as loop:
        is_tall = None if tall == str(panel.n_tiles) else f"icmp ult i64 {loop.index}, {tall}"
        loop.hand_on(_write_tile(product, panel, source, loop.carried[0], column, is_tall))


def _source(product: Product, panel: Panel, column: str) -> Source:
    """Find a panel of B, or copy it and find the copy."""
    text, b = product.text, product.b
    begins = tuple(b.place(0, part.column) for part in panel.parts)
    if column.isdecimal():
        first = int(column)
        place = product.offset(product.place_b, b.place(0, first))
        begins = tuple(b.place(0, first + part.column) - b.place(0, first) for part in panel.parts)
    elif not b.panel:
        place = product.offset(product.place_b, text.value(f"mul i64 {column}, {b.column}"))
    else:
        # One of the two widths divides the other, so the parts of all panels lie alike.
        index = text.value(f"udiv i64 {column}, {b.panel}")
        inside = text.value(f"urem i64 {column}, {b.panel}")
        begin = text.value(f"mul i64 {index}, {b.panel_stride}")
        place = product.offset(product.place_b, text.value(f"add i64 {begin}, {inside}"))
    if not panel.packed:
        readable = tuple(part.lanes if b.panel else part.columns for part in panel.parts)
        return Source(place, begins, readable, b.row, b.column)
    assert product.scratch is not None
    if product.depth:
        places = [product.offset(place, begin) for begin in begins]
        write_packing(text, product.operands, b, product.depth, panel.parts, places, product.scratch)
    packed = tuple(sum(part.lanes for part in panel.parts[:i]) for i in range(len(panel.parts)))
    return Source(product.scratch, packed, tuple(part.lanes for part in panel.parts), panel.width, 1)


def _write_tile(product: Product, panel: Panel, source: Source, row: str, column: str, is_tall: str | None) -> str:
    """Write a tile and return the row after it; without a condition it is of the full height."""
    text, height = product.text, panel.height
    inline = product.inline or height == 1
    if is_tall is None:
        _write_sums(product, panel, source, row, column, height, inline)
        rows = str(height)
    else:
        tall, short, done = (text.label(kind) for kind in ("tall", "short", "done"))
        condition = text.value(is_tall)
        rows = text.value(f"select i1 {condition}, i64 {height}, i64 {height - 1}")
        text.do(f"br i1 {condition}, label %{tall}, label %{short}")
        for label, some in ((tall, height), (short, height - 1)):
            text.begin(label)
            if some:
                _write_sums(product, panel, source, row, column, some, inline)
            text.do(f"br label %{done}")
        text.begin(done)
    if not inline:
        _write_finish(product, panel, row, column, rows)
    return _sum(text, row, rows)


def _write_sums(
    product: Product, panel: Panel, source: Source, row: str, column: str, height: int, inline: bool
) -> None:
    """Compute the sums of a tile of `height` rows; finish them, or leave them in scratch memory."""
    text = product.text
    if product.prefetch is not None:
        for i in range(height):
            for part in panel.parts:
                product.prefetch(_sum(text, row, str(i)), _sum(text, column, str(part.column)))
    begin = row if product.origin == "0" else text.value(f"sub i64 {row}, {product.origin}")
    begin = begin if product.a.row == 1 else text.value(f"mul i64 {begin}, {product.a.row}")
    place = product.offset(product.place_a, begin)
    lanes = panel.parts[0].lanes
    tile = Tile(text, product.dtype, height, lanes, product.a, source, product.target.fused, product.pairs)
    sums = tile.write_sums(place, product.depth)
    for i in range(height):
        for part, total in zip(panel.parts, sums[i * len(panel.parts) :], strict=False):
            if inline:
                value = _narrowed(product, part, total)
                finish_row, finish_column = _sum(text, row, str(i)), _sum(text, column, str(part.column))
                product.finish(product.vectors(part.columns), finish_row, finish_column, value)
            else:
                place = product.offset(_tile_place(product, panel), i * panel.width + _begin(panel, part))
                product.vectors(part.lanes).store(total, place)


def _write_finish(product: Product, panel: Panel, row: str, column: str, rows: str) -> None:
    """Finish the sums that were left in scratch memory."""
    text = product.text
    with text.loop(rows, [("ptr", _tile_place(product, panel))]) as loop:
        one = _sum(text, row, loop.index)
        for part in panel.parts:
            vectors = product.vectors(part.columns)
            total = vectors.load(product.offset(loop.carried[0], _begin(panel, part)))
            product.finish(vectors, one, _sum(text, column, str(part.column)), total)
        loop.hand_on(product.offset(loop.carried[0], panel.width))


def _narrowed(product: Product, part: Part, total: Scalar) -> Scalar:
    """Return the lanes of a part that are columns."""
    wide = product.vectors(part.lanes)
    if part.columns == part.lanes:
        return total
    if part.columns == 1:
        return wide.extract(total, 0)
    return wide.shuffle(total, Scalar("poison"), list(range(part.columns)))


def _tile_place(product: Product, panel: Panel) -> str:
    """Return where the sums of a tile are left in scratch memory: after the panel of B."""
    assert product.scratch is not None
    size = np.dtype(product.dtype).itemsize
    return product.offset(product.scratch, _packed_bytes(panel, product.depth, size) // size)


def _begin(panel: Panel, part: Part) -> int:
    return sum(other.lanes for other in panel.parts[: panel.parts.index(part)])


def _sum(text: FunctionText, a: str, b: str) -> str:
    """Return the sum of two values or numbers."""
    if a.isdecimal() and b.isdecimal():
        return str(int(a) + int(b))
    if "0" in (a, b):
        return b if a == "0" else a
    return text.value(f"add i64 {a}, {b}")


def panel_bytes(kinds: Sequence[Panel], depth: int, size: int) -> int:
    """Return how much scratch memory panels of B and sums of tiles take, a multiple of 64."""
    return max(_aligned(_packed_bytes(x, depth, size) + x.height * x.width * size) for x in kinds)


def _packed_bytes(panel: Panel, depth: int, size: int) -> int:
    """Return how much of the scratch memory a copied panel of B takes, a multiple of 64."""
    return _aligned(depth * panel.width * size) if panel.packed else 0


def _aligned(n_bytes: int) -> int:
    return -(-n_bytes // 64) * 64
