"""From what is asked to what is found: which algorithm, in which memory, from which block on?

A `Job` is a search made ready: its plan can be shown before it runs. This file knows nothing of how pairs are
compared.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.data import is_forward_only
from tidu.errors import BudgetError, ParameterError
from tidu.native.ledger import Ledger
from tidu.native.threads import default_threads
from tidu.neighbors.checkpoint import Checkpoint, blocks_before
from tidu.neighbors.choosing import can_project, choose_directions
from tidu.neighbors.digest import digest_of
from tidu.neighbors.direct import DirectSearch
from tidu.neighbors.encoding import MOST_FEATURES
from tidu.neighbors.finder import Finder
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.index import index_directions
from tidu.neighbors.inputs import Input, Inputs, open_inputs
from tidu.neighbors.metrics import resolve_metric
from tidu.neighbors.plan import BLOCK_UNIT, SORTED_ENTRIES, MemoryPlan, Sizes, plan_search
from tidu.neighbors.pruned import PrunedSearch
from tidu.neighbors.reporting import Progress, progress_of
from tidu.neighbors.search import Search, blocks_of

__all__ = ["ALGORITHMS", "Job", "every_pair", "prepare", "query_blocks", "thread_count"]

ALGORITHMS = ("auto", "brute", "pruned", "kd_tree", "ball_tree")
"""scikit-learn's trees are accepted for "auto": they would find the same."""
_DIRECTIONS = 127
"""Of projections, where they are asked for."""

Step = Callable[[int], None]
Found = tuple[NDArray[np.float64], NDArray[np.int64]] | NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A search made ready.

    Attributes
    ----------
    inputs : Inputs
    plan : MemoryPlan
    index : path or None
    checkpoint_dir : path or None
    resume : bool
    """

    inputs: Inputs
    plan: MemoryPlan
    index: str | os.PathLike[str] | None = None
    checkpoint_dir: str | os.PathLike[str] | None = None
    resume: bool = False

    def run(self, progress: Progress = False) -> Found:
        """Search; return distances and indices, or indices alone, as the plan was made."""
        inputs, plan, arithmetic, k = self.inputs, self.plan, self.inputs.arithmetic, self.plan.sizes.k
        shape = (inputs.n_queries, k)
        indices = np.empty(shape, np.int64)
        distances = np.empty(shape, np.float64) if plan.sizes.with_distances else None
        if inputs.n_queries:
            checkpoint = self._checkpoint()
            with progress_of(inputs.n_pairs, progress) as step:
                finder = finder_of(inputs, plan, self.index)
                keys = np.empty((min(plan.query_rows, inputs.n_queries), k), arithmetic.key_dtype)
                bounds = np.empty(len(keys), arithmetic.key_dtype)
                for rows in query_blocks(inputs.n_queries, plan.query_rows):
                    n = rows.stop - rows.start
                    heaps = Heaps(keys[:n], indices[rows], bounds[:n], arithmetic.farthest)
                    self._fill(finder, rows, heaps, checkpoint, step)
                    if distances is not None:
                        distances[rows] = arithmetic.metric.distances(heaps.keys)
        if inputs.rows is not None:
            # piece by piece, so that no second array of all results is made
            for rows in query_blocks(inputs.n_queries, max(1, SORTED_ENTRIES // k)):
                indices[rows] = inputs.rows[indices[rows]]
        return indices if distances is None else (distances, indices)

    def _fill(self, finder: Finder, rows: slice, heaps: Heaps, checkpoint: Checkpoint | None, step: Step) -> None:
        """Find the neighbors of a block of queries, or take them from where they were kept."""
        n_rows, n = self.inputs.data.shape[0], rows.stop - rows.start
        if checkpoint is None:
            finder.find(rows, heaps, 0, lambda pairs, n_blocks: step(pairs))
            heaps.sort()
            return
        before = checkpoint.finished(rows, heaps.keys.shape, heaps.keys.dtype.type)
        if before is not None:
            np.copyto(heaps.keys, before[0])
            np.copyto(heaps.indices, before[1])
            step(n * n_rows)
            return
        # A search by projections keeps nothing of a block of queries before it is finished.
        first = 0 if self.plan.n_directions else checkpoint.restore(rows, heaps)
        done = blocks_of(self.inputs.data, self.plan.data_rows)[:first]
        step(n * sum(stop - start for start, stop in done))

        def after(pairs: int, n_blocks: int) -> None:
            checkpoint.after(rows, heaps, n_blocks)
            step(pairs)

        finder.find(rows, heaps, first, after)
        heaps.sort()
        checkpoint.finish(rows, heaps)

    def _checkpoint(self) -> Checkpoint | None:
        if self.checkpoint_dir is None:
            return None
        inputs, metric, rows = self.inputs, self.inputs.arithmetic.metric, max(1, self.plan.data_rows)
        description = {
            "metric": metric.kind,
            "p": metric.p,
            "k": self.plan.sizes.k,
            "each row left out of its own": inputs.is_own,
            "queries": digest_of(inputs.asked, rows),
            "data": digest_of(inputs.data, rows),
            "where": None if inputs.rows is None else zlib.crc32(inputs.rows.data),
            "in order": is_forward_only(inputs.data),
        }
        blocks = (self.plan.query_rows, self.plan.data_rows)
        return Checkpoint(self.checkpoint_dir, description, blocks, resume=self.resume)


def prepare(
    queries: Input | None,
    data: Input,
    k: int,
    metric: str = "l2",
    memory_limit: int | str | None = None,
    return_distance: bool = True,
    *,
    p: float = 2.0,
    algorithm: str = "auto",
    threads: int | None = None,
    where: ArrayLike | None = None,
    index: str | os.PathLike[str] | None = None,
    checkpoint_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Job:
    """Check what is asked, and plan the search; parameters and errors are those of `tidu.kneighbors`."""
    if algorithm not in ALGORITHMS:
        raise ParameterError(f"algorithm must be one of {', '.join(ALGORITHMS)}; got {algorithm!r}", got=algorithm)
    if resume and checkpoint_dir is None:
        raise ParameterError("resume=True needs the checkpoint_dir of the search that was interrupted")
    for name, path in (("index", index), ("checkpoint_dir", checkpoint_dir)):
        if not isinstance(path, str | os.PathLike | None):
            raise ParameterError(f"{name} must be a path; got {path!r}", got=path)
    n_threads = thread_count(threads)
    inputs = open_inputs(queries, data, resolve_metric(metric, p), where)
    available = max(0, inputs.data.shape[0] - inputs.is_own)
    if not hasattr(k, "__index__") or isinstance(k, bool) or not 1 <= k <= available:
        raise ParameterError(
            f"k must be an integer from 1 to the {available} rows available; got {k!r}",
            k=k,
            available=available,
        )
    blocks = blocks_before(checkpoint_dir) if resume and checkpoint_dir is not None else None
    sizes = inputs.sizes(int(k), return_distance, n_threads)
    plan = _plan(inputs, sizes, memory_limit, algorithm, index, blocks)
    return Job(inputs, plan, index, checkpoint_dir, resume)


def _plan(
    inputs: Inputs,
    sizes: Sizes,
    memory_limit: int | str | None,
    algorithm: str,
    index: str | os.PathLike[str] | None,
    blocks: tuple[int, int] | None,
) -> MemoryPlan:
    """Plan every algorithm that may be the best, and choose."""
    brute = plan_search(sizes, memory_limit, blocks)
    if algorithm == "brute" or not inputs.n_queries or not can_project(inputs.arithmetic) or not is_native(inputs):
        return brute
    if index is not None or algorithm == "pruned":
        kept = None if index is None else index_directions(index)
        n_directions = kept or min(_DIRECTIONS, inputs.arithmetic.n_features - 1)
    else:
        n_directions = choose_directions(inputs, brute, Ledger(memory_limit))
    aligned = blocks is None or blocks[1] % BLOCK_UNIT == 0 or blocks[1] >= sizes.n_rows
    if not 0 < n_directions < inputs.arithmetic.n_features or not aligned:
        return brute
    try:
        return plan_search(projected(sizes, n_directions), memory_limit, blocks)
    except BudgetError:
        return brute


def projected(sizes: Sizes, n_directions: int) -> Sizes:
    """Return the sizes of a search by projections."""
    return replace(sizes, n_directions=n_directions, comparison="dot16", reads_again=True)


def is_native(inputs: Inputs) -> bool:
    """Tell whether native code compares such rows."""
    return inputs.arithmetic.exact_key is not None and inputs.arithmetic.n_features <= MOST_FEATURES


def finder_of(inputs: Inputs, plan: MemoryPlan, index: str | os.PathLike[str] | None = None) -> Finder:
    """Return the way to search that a plan was made for."""
    if plan.n_directions:
        return PrunedSearch(inputs, plan, _ledger(plan), index)
    return every_pair(inputs, plan)


def every_pair(inputs: Inputs, plan: MemoryPlan) -> Search | DirectSearch:
    """Return the way to search that looks at every pair."""
    kind = Search if is_native(inputs) else DirectSearch
    return kind(inputs, plan, _ledger(plan))


def _ledger(plan: MemoryPlan) -> Ledger:
    """Return where blocks come from; results and what was there before are none, but count all the same."""
    elsewhere = plan.items["results"] + plan.items["fixed"]
    return Ledger(None if plan.limit_bytes is None else plan.limit_bytes - elsewhere)


def query_blocks(n_queries: int, per_block: int) -> list[slice]:
    """Return the queries of each block."""
    return [slice(start, min(start + per_block, n_queries)) for start in range(0, n_queries, per_block)]


def thread_count(threads: int | None) -> int:
    """Return how many threads are meant; by default ``TIDU_NUM_THREADS``, or all processors."""
    if threads is None:
        return default_threads()
    if isinstance(threads, bool) or not hasattr(threads, "__index__") or threads < 1:
        raise ParameterError(f"threads must be a positive integer or None; got {threads!r}", threads=threads)
    return int(threads)
