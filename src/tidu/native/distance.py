"""What does native code for exact nearest neighbors look like?

One tile: a block of queries against a block of data rows, squared Euclidean distances, and the running k
nearest of every query kept up to date at once; no distance is ever stored. The search calls it block by
block. This file knows nothing of budgets, files and votes.

Notes
-----
Integers are accumulated exactly. Floats are widened to float64 and summed in the reference order: the
second half of the terms is added onto the first until one is left. Elementwise additions only, products
and sums rounded apart: the same bits on every machine, and of d terms an error of at most
ceil(log2(d)) + 3 roundings.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.native.ledger import Ledger
from tidu.native.machine import compile_text
from tidu.native.text import FunctionText, Kernel

__all__ = ["DistanceTile", "tile_kernel"]

_ELEMENTS = {"uint8": "i8", "float32": "float", "float64": "double"}
_INT32_FEATURES = (2**31 - 1) // 255**2
"""Up to here the largest distance of bytes fits into 32 bits."""
_ENTRY = "tidu_tile"
_UNFILLED = np.iinfo(np.int64).max
"""An index past every row: an unfilled place comes after any found one, even at an infinite key."""


class DistanceTile:
    """Squared Euclidean distances of blocks, with the k nearest kept across blocks.

    Parameters
    ----------
    dtype : str
        Of queries and data: ``uint8``, ``float32`` or ``float64``.
    n_features : int
        Length of a row, at least 1.
    n_neighbors : int
        How many are kept for each query, at least 1.
    ledger : Ledger, optional
        Where scratch memory is taken from, 4 bytes a feature for each running call.

    Notes
    -----
    Work: 3 n_features operations a pair, and one branch. Calls on disjoint queries may run at once.

    Examples
    --------
    >>> tile = DistanceTile("uint8", n_features=2, n_neighbors=2)
    >>> keys, indices = tile.start(1)
    >>> tile.update(np.array([[1, 1]], np.uint8), np.array([[9, 1], [1, 1], [0, 0]], np.uint8), 0, keys, indices)
    >>> keys.tolist(), indices.tolist()
    ([[0, 2]], [[1, 2]])
    """

    def __init__(self, dtype: str, n_features: int, n_neighbors: int, ledger: Ledger | None = None) -> None:
        if dtype not in _ELEMENTS:
            raise DtypeError(f"a distance tile is of {', '.join(_ELEMENTS)}; got {dtype}", got=dtype)
        for name, number in (("n_features", n_features), ("n_neighbors", n_neighbors)):
            if number < 1:
                raise ParameterError(f"{name} must be at least 1, got {number}", parameter=name, got=number)
        self.dtype = np.dtype(dtype)
        self.n_features = n_features
        self.n_neighbors = n_neighbors
        self.key_dtype: np.dtype[np.generic] = np.dtype(np.int64 if dtype == "uint8" else np.float64)
        self._ledger = ledger or Ledger()
        code = compile_text(tile_kernel(dtype, n_features, n_neighbors).define(_ENTRY))
        self._run = code.function(_ENTRY, *[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 3)

    def start(self, n_queries: int) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
        """Return keys and indices with nothing found yet.

        Returns
        -------
        keys : ndarray of shape (n_queries, n_neighbors), int64 or float64
            Squared distances, ascending; the largest value of the dtype where nothing is found.
        indices : ndarray of shape (n_queries, n_neighbors), int64
            Rows of the data.
        """
        shape = (n_queries, self.n_neighbors)
        worst = np.iinfo(np.int64).max if self.key_dtype.kind == "i" else np.inf
        return np.full(shape, worst, self.key_dtype), np.full(shape, _UNFILLED, np.int64)

    def update(
        self,
        queries: NDArray[np.generic],
        data: NDArray[np.generic],
        first_row: int,
        keys: NDArray[np.generic],
        indices: NDArray[np.int64],
    ) -> None:
        """Offer every row of a block to every query; `keys` and `indices` are changed in place.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_features)
        data : ndarray of shape (n_rows, n_features)
        first_row : int
            Index of the block's first row. The order in which blocks come does not matter: equal
            distances are ordered by index.
        keys, indices : ndarray of shape (n_queries, n_neighbors)
            As `start` and earlier calls made them.

        Raises
        ------
        ShapeError, DtypeError, ParameterError
            If an array has not the shape, the dtype or the row-major layout that the code was made for.

        Notes
        -----
        A NaN distance is never taken.
        """
        found = (len(queries), self.n_neighbors)
        for name, array, shape, dtype in (
            ("queries", queries, (len(queries), self.n_features), self.dtype),
            ("data", data, (len(data), self.n_features), self.dtype),
            ("keys", keys, found, self.key_dtype),
            ("indices", indices, found, np.dtype(np.int64)),
        ):
            _require(name, array, shape, dtype)
        if not len(queries) or not len(data):
            return
        scratch = self._ledger.allocate(_scratch_bytes(self.n_features), "scratch of a distance tile")
        places = [x.ctypes.data for x in (queries, data, keys, indices, scratch)]
        self._run(*places, len(queries), len(data), first_row)


def tile_kernel(dtype: str, n_features: int, n_neighbors: int) -> Kernel:
    """Return the code of a tile.

    Its parameters are queries, data, keys, indices, scratch, and the numbers of queries and rows (each at
    least one) and of the first row.
    """
    text = FunctionText([*["ptr noalias"] * 5, *["i64"] * 3])
    element = _ELEMENTS[dtype]
    key_type = "i64" if dtype == "uint8" else "double"
    with text.loop("%p5") as queries:
        query = _at(text, element, "%p0", text.value(f"mul nsw i64 {queries.index}, {n_features}"))
        held = text.value(f"mul nsw i64 {queries.index}, {n_neighbors}")
        keys, indices = _at(text, key_type, "%p2", held), _at(text, "i64", "%p3", held)
        with text.loop("%p6") as rows:
            row = _at(text, element, "%p1", text.value(f"mul nsw i64 {rows.index}, {n_features}"))
            if dtype == "uint8":
                key = _integer_key(text, query, row, n_features)
            else:
                key = _float_key(text, element, query, row, n_features)
            index = text.value(f"add nsw i64 %p7, {rows.index}")
            _offer(text, key_type, keys, indices, n_neighbors, key, index)
    return text.finish()


def _integer_key(text: FunctionText, query: str, row: str, n_features: int) -> str:
    """Add up squared differences of bytes; integer sums are exact, so LLVM may take them in any order."""
    wide = "i32" if n_features <= _INT32_FEATURES else "i64"
    with text.loop(n_features, [(wide, "0")]) as loop:
        loaded = [text.value(f"load i8, ptr {_at(text, 'i8', place, loop.index)}") for place in (query, row)]
        a, b = (text.value(f"zext i8 {x} to {wide}") for x in loaded)
        difference = text.value(f"sub nsw {wide} {a}, {b}")
        square = text.value(f"mul nsw {wide} {difference}, {difference}")
        loop.hand_on(text.value(f"add nsw {wide} {loop.carried[0]}, {square}"))
    total = loop.following[0]
    return text.value(f"zext i32 {total} to i64") if wide == "i32" else total


def _float_key(text: FunctionText, element: str, query: str, row: str, n_features: int) -> str:
    """Add up squared differences in the reference order; the first round of it needs no stored terms."""

    def term(j: str) -> str:
        a, b = (text.value(f"load {element}, ptr {_at(text, element, place, j)}") for place in (query, row))
        if element == "float":
            a, b = (text.value(f"fpext float {x} to double") for x in (a, b))
        difference = text.value(f"fsub double {a}, {b}")
        return text.value(f"fmul double {difference}, {difference}")

    def partial(j: str) -> str:
        return text.value(f"load double, ptr {_at(text, 'double', '%p4', j)}")

    def fold_once(width: int, read: Callable[[str], str]) -> int:
        half = (width + 1) // 2
        with text.loop(width - half) as loop:
            above = text.value(f"add nuw nsw i64 {loop.index}, {half}")
            total = text.value(f"fadd double {read(loop.index)}, {read(above)}")
            text.do(f"store double {total}, ptr {_at(text, 'double', '%p4', loop.index)}")
        return half

    if n_features == 1:
        return term("0")
    width = fold_once(n_features, term)
    if n_features % 2:
        text.do(f"store double {term(str(width - 1))}, ptr {_at(text, 'double', '%p4', str(width - 1))}")
    while width > 1:
        width = fold_once(width, partial)
    return partial("0")


def _offer(text: FunctionText, key_type: str, keys: str, indices: str, k: int, key: str, index: str) -> None:
    """Insert (key, index) into the sorted list of one query, if it comes before the last entry.

    One branch for almost every pair; what passes it moves the later entries one place on.
    """

    def before(position: str) -> tuple[str, str, str]:
        """Load an entry, and tell whether the candidate comes before it."""
        held_key = text.value(f"load {key_type}, ptr {_at(text, key_type, keys, position)}")
        held_index = text.value(f"load i64, ptr {_at(text, 'i64', indices, position)}")
        less, equal = ("icmp slt", "icmp eq") if key_type == "i64" else ("fcmp olt", "fcmp oeq")
        nearer = text.value(f"{less} {key_type} {key}, {held_key}")
        tie = text.value(f"{equal} {key_type} {key}, {held_key}")
        earlier = text.value(f"icmp slt i64 {index}, {held_index}")
        return held_key, held_index, text.value(f"or i1 {nearer}, {text.value(f'and i1 {tie}, {earlier}')}")

    def put(position: str, new_key: str, new_index: str) -> None:
        text.do(f"store {key_type} {new_key}, ptr {_at(text, key_type, keys, position)}")
        text.do(f"store i64 {new_index}, ptr {_at(text, 'i64', indices, position)}")

    insert, walk, look, move, place, done = map(text.label, ("insert", "walk", "look", "move", "place", "done"))
    text.do(f"br i1 {before(str(k - 1))[2]}, label %{insert}, label %{done}")
    text.begin(insert)
    text.do(f"br label %{walk}")
    text.begin(walk)
    position, lower = text.label("%position"), text.label("%lower")
    text.do(f"{position} = phi i64 [{k - 1}, %{insert}], [{lower}, %{move}]")
    front = text.value(f"icmp eq i64 {position}, 0")
    text.do(f"br i1 {front}, label %{place}, label %{look}")
    text.begin(look)
    text.do(f"{lower} = sub nuw nsw i64 {position}, 1")
    held_key, held_index, comes_before = before(lower)
    text.do(f"br i1 {comes_before}, label %{move}, label %{place}")
    text.begin(move)
    put(position, held_key, held_index)
    text.do(f"br label %{walk}")
    text.begin(place)
    put(position, key, index)
    text.do(f"br label %{done}")
    text.begin(done)


def _at(text: FunctionText, kind: str, place: str, index: str) -> str:
    return text.value(f"getelementptr inbounds {kind}, ptr {place}, i64 {index}")


def _scratch_bytes(n_features: int) -> int:
    return 8 * ((n_features + 1) // 2)


def _require(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if array.shape != shape:
        raise ShapeError(
            f"{name}: expected shape {list(shape)}, got {list(array.shape)}",
            where=name,
            expected=shape,
            got=array.shape,
        )
    if array.dtype != dtype:
        raise DtypeError(f"{name}: expected {dtype}, got {array.dtype}", where=name, expected=dtype, got=array.dtype)
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ParameterError(f"{name} must be row-major and aligned; use np.ascontiguousarray", where=name)
