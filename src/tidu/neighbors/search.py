"""Which rows are the k nearest of each query, exactly, whatever the blocks?

Each tile of bounds names its candidates: every pair whose lower bound is not above what is already known
of the query's k-th key. Only those get exact keys and are merged, so the result is that of a full sort.
This file knows nothing of arithmetic and of how blocks are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource
from tidu.errors import DataError
from tidu.neighbors.metrics import Array
from tidu.neighbors.plan import CENTER_ROWS, MemoryPlan
from tidu.neighbors.running import Running
from tidu.neighbors.strategy import Strategy
from tidu.neighbors.tiles import Rows, Tiles, make_tiles

__all__ = ["Candidates", "Search", "Tile"]

# A row of the tile with more candidates than this many times k is worth a partition.
_CROWDED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs of a tile with their exact keys.

    Attributes
    ----------
    queries : ndarray, ascending
        Those queries of the block that have a pair here.
    rows, indices, keys : ndarray of shape (n_pairs,)
        Query within its block, row of the data, and key of each pair.
    """

    queries: Array
    rows: Array
    indices: Array
    keys: Array


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A block of queries against a block of data, with bounds of their keys.

    Attributes
    ----------
    queries, data : Rows
        The two blocks.
    offset : int
        Row of the data at which its block starts.
    bounds : ndarray of shape (n_queries, n_rows)
        Lower bounds; see `tidu.neighbors.tiles`.
    mask : ndarray of shape (n_queries, n_rows), bool
        Which pairs are candidates.
    informative : bool
        Whether the bounds say anything.
    own : tuple of ndarray, or None
        Places of the pairs of a row with itself, that are to be left out.
    """

    queries: Rows
    data: Rows
    offset: int
    bounds: Array
    mask: NDArray[np.bool_]
    informative: bool
    own: tuple[Array, Array] | None


class Search:
    """The tiles of one search, in the blocks of its plan.

    Parameters
    ----------
    queries : BlockSource or None
        None for the data themselves, each row being left out of its own neighbors.
    data : BlockSource
        The rows to be found.
    strategy : Strategy
        The arithmetic.
    plan : MemoryPlan
        The block sizes.
    step : callable
        Called with the number of pairs of each tile that is done.
    """

    def __init__(
        self,
        queries: BlockSource | None,
        data: BlockSource,
        strategy: Strategy,
        plan: MemoryPlan,
        step: Callable[[int], None],
    ) -> None:
        self.queries, self.data, self.strategy, self.plan, self._step = queries, data, strategy, plan, step
        n_rows, n_features = data.shape
        sample = data.read(0, min(CENTER_ROWS, plan.data_rows, n_rows))
        self._tiles: Tiles = make_tiles(strategy, sample, plan.strip_rows)
        width = 0 if strategy.route == "direct" else n_features
        self._query_buffer = np.empty((plan.query_rows, width), strategy.work)
        self._data_buffer = np.empty((plan.data_rows, width), strategy.work)
        entries = plan.query_rows * plan.data_rows
        self._bounds = np.empty(entries, strategy.tile_dtype)
        self._mask = np.empty(entries, np.bool_)
        self._products = np.empty(entries, strategy.work) if strategy.adds_products else None

    def query_blocks(self) -> Iterator[tuple[int, Rows]]:
        """Yield each block of queries with the row at which it starts."""
        source = self.data if self.queries is None else self.queries
        for start in range(0, source.shape[0], self.plan.query_rows):
            raw = source.read(start, min(start + self.plan.query_rows, source.shape[0]))
            if self.queries is not None:
                refuse_nonfinite(raw, source, start, "queries")
            block = self._tiles.prepare(raw, self._query_buffer, queries=True)
            yield start, block
            del raw, block

    def tiles(self, start: int, queries: Rows) -> Iterator[Tile]:
        """Yield the tiles of a block of queries; each is overwritten by the next."""
        n_queries, n_rows = len(queries.raw), self.data.shape[0]
        for offset in range(0, n_rows, self.plan.data_rows):
            raw = self.data.read(offset, min(offset + self.plan.data_rows, n_rows))
            if start == 0:
                refuse_nonfinite(raw, self.data, offset, "data")
            block = self._tiles.prepare(raw, self._data_buffer, queries=False)
            shape, entries = (n_queries, len(raw)), n_queries * len(raw)
            bounds = self._bounds[:entries].reshape(shape)
            products = None if self._products is None else self._products[:entries].reshape(shape)
            informative = self._tiles.fill(queries, block, bounds, products)
            own = None
            if self.queries is None:
                both = np.arange(max(start, offset), min(start + n_queries, offset + len(raw)))
                own = (both - start, both - offset)
                bounds[own] = np.inf if bounds.dtype.kind == "f" else np.iinfo(np.int64).max
            yield Tile(queries, block, offset, bounds, self._mask[:entries].reshape(shape), informative, own)
            self._step(entries)
            del raw, block, own

    def nearest(self, tile: Tile, running: Running) -> None:
        """Merge a tile into the k nearest so far."""
        # Rows come in ascending order: at an equal key a later one never displaces an earlier one.
        limits = self.thresholds(tile, just_below(running.worst()))
        self._mark(tile, limits)
        counts = np.count_nonzero(tile.mask, axis=1)
        if tile.informative and tile.bounds.shape[1] >= running.k:
            self._tighten(tile, limits, counts, running.k)
        for found in self.candidates(tile, counts, self.plan.merge_entries, running.k):
            running.merge(found.queries, found.rows, found.indices, found.keys)

    def thresholds(self, tile: Tile, keys: Array) -> Array:
        """Return what a lower bound may not exceed, if the key is to be within `keys`."""
        if self.strategy.route == "direct":
            if keys.dtype == tile.bounds.dtype:
                return keys.copy()
            # the key of a radius, for integer keys, which are below 2**62
            limits: Array = np.floor(np.clip(keys, -(2.0**62), 2.0**62)).astype(np.int64)
            return limits
        if not tile.informative:
            return np.full(len(keys), np.inf, tile.bounds.dtype)
        with np.errstate(over="ignore", under="ignore"):
            exact = keys.astype(np.float64) - tile.queries.low
            return next_up(exact.astype(tile.bounds.dtype))

    def within(self, tile: Tile, keys: Array) -> Iterator[Candidates]:
        """Yield the pairs of a tile that may be within a key of each query."""
        self._mark(tile, self.thresholds(tile, keys))
        counts = np.count_nonzero(tile.mask, axis=1)
        return self.candidates(tile, counts, self.plan.merge_entries, 0)

    def _mark(self, tile: Tile, limits: Array) -> None:
        np.less_equal(tile.bounds, limits[:, None], out=tile.mask)
        if tile.own is not None:
            tile.mask[tile.own] = False

    def _tighten(self, tile: Tile, limits: Array, counts: Array, k: int) -> None:
        """Lower the thresholds of crowded queries to the k-th smallest upper bound within the tile."""
        crowded = np.flatnonzero(counts > _CROWDED * k)
        approximate = not self.strategy.exact
        slack = tile.data.slack.astype(tile.bounds.dtype) if approximate else None
        for begin in range(0, len(crowded), self.plan.select_rows):
            rows = crowded[begin : begin + self.plan.select_rows]
            uppers = tile.bounds[rows]
            if slack is not None:
                np.add(uppers, slack, out=uppers)
            uppers.partition(k - 1, axis=1)
            tightest = uppers[:, k - 1]
            if approximate:
                tightest = next_up((tightest + tile.queries.slack[rows]).astype(tile.bounds.dtype))
            limits[rows] = np.minimum(limits[rows], tightest)
            for row in rows:
                np.less_equal(tile.bounds[row], limits[row], out=tile.mask[row])
        if tile.own is not None:
            tile.mask[tile.own] = False
        counts[crowded] = [np.count_nonzero(tile.mask[row]) for row in crowded]

    def candidates(self, tile: Tile, counts: Array, most: int, extra: int) -> Iterator[Candidates]:
        """Yield the marked pairs with their keys, in groups of at most `most` pairs.

        Each query of a group counts for `extra` pairs more, which the receiver adds of its own.
        """
        filled = np.flatnonzero(counts)
        costs = np.cumsum(counts[filled] + extra)
        begin = 0
        while begin < len(filled):
            before = int(costs[begin - 1]) if begin else 0
            end = int(np.searchsorted(costs, before + most, side="right"))
            if end > begin:
                queries = filled[begin:end]
                rows, columns = np.nonzero(tile.mask[queries[0] : queries[-1] + 1])
                yield self._with_keys(tile, queries, rows + queries[0], columns)
            else:
                end = begin + 1
                queries = filled[begin:end]
                columns = np.flatnonzero(tile.mask[queries[0]])
                for piece in range(0, len(columns), most - extra):
                    part = columns[piece : piece + most - extra]
                    yield self._with_keys(tile, queries, np.repeat(queries, len(part)), part)
            begin = end

    def _with_keys(self, tile: Tile, queries: Array, rows: Array, columns: Array) -> Candidates:
        if self.strategy.exact:
            keys = tile.bounds[rows, columns]
            if self.strategy.route == "integers":
                keys = (keys + tile.queries.low[rows]).astype(np.int64)
            return Candidates(queries, rows, columns + tile.offset, keys)
        keys = np.empty(len(rows), self.strategy.key_dtype)
        with np.errstate(over="ignore", under="ignore"):
            for begin in range(0, len(rows), self.plan.strip_rows):
                part = slice(begin, begin + self.plan.strip_rows)
                a, b = tile.queries.raw[rows[part]], tile.data.raw[columns[part]]
                keys[part] = self.strategy.metric.keys(a, b, self.strategy.key_dtype)
        return Candidates(queries, rows, columns + tile.offset, keys)


def next_up(values: Array) -> Array:
    """Return the next larger floats."""
    return np.nextafter(values, values.dtype.type(np.inf))  # type: ignore[no-any-return]


def just_below(keys: Array) -> Array:
    """Return the greatest keys smaller than these; infinity, which also means "none yet", stays."""
    if keys.dtype.kind == "i":
        return keys - 1
    return np.where(np.isinf(keys), keys, np.nextafter(keys, -np.inf))


def refuse_nonfinite(raw: Array, source: BlockSource, offset: int, role: str) -> None:
    """Raise if a row has a NaN or an infinity, naming it."""
    if raw.dtype.kind != "f":
        return
    finite = np.isfinite(raw).all(axis=1)
    if not finite.all():
        row = offset + int(np.argmin(finite))
        raise DataError(
            f"row {row} of the {role} ({source.name}) has a NaN or an infinity; "
            "distances need finite values: impute or drop the row",
            row=row,
            source=source.name,
        )
