"""How does native code take many steps of training in one call?

Rows are gathered, the loss is differentiated, and new parameters take the place of the old ones, without
returning to Python. This file knows nothing of epochs, schedules and validation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.compile.function import IndexOutOfRange, NativeFunction
from tidu.compile.keeping import compiled
from tidu.compile.lower import Settings
from tidu.compile.plan import Plan
from tidu.compile.simplify import simplify
from tidu.compile.threads import threads_for
from tidu.core.spec import Spec
from tidu.interpret import interpret
from tidu.learn.batches import Rows, TrainingData
from tidu.learn.optimizers import Tree
from tidu.learn.step import Step
from tidu.learn.taking import Taken
from tidu.native.ledger import Ledger
from tidu.native.machine import MachineCode
from tidu.native.threads import meeting_us
from tidu.ops.indexing import IndexRangeError, gather
from tidu.trace.function import TracedFunction, trace
from tidu.trace.tree import flatten, unflatten

__all__ = ["NativeSteps"]

_SLOW_MEETING_US = 2.0
"""Threads that take longer to meet share their processors with other programs."""
_STAGE_BYTES = 1 << 24
"""Rows that cannot be gathered where they lie are brought together first, at most so many bytes at a time."""
_STAGE_SHARE = 8
"""At most one part in so many of a memory limit, or one batch."""


@dataclass(frozen=True, slots=True, eq=False)
class _Planned:
    """What will run for batches of one length, over data or a stage of so many rows."""

    plan: Plan
    code: MachineCode
    strides: Mapping[int, int]
    captures: tuple[NDArray[np.generic], ...]
    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class _Code:
    """Native code for batches of one length."""

    function: NativeFunction
    captures: tuple[NDArray[np.generic], ...]
    n_rows: int
    staged: bool


class NativeSteps:
    """Steps that native code takes, many in one call.

    Parameters
    ----------
    step : Step
    params, state : nested arrays
        Copied; the copies are changed in place.
    data : TrainingData
    key : ndarray of shape (2,), uint64
    n_threads : int, optional
    limit : int, optional
        Bytes that the run may take.
    bfloat16 : bool
        Whether products round their operands to bfloat16.
    """

    def __init__(
        self,
        step: Step,
        params: Tree,
        state: Tree,
        data: TrainingData,
        key: NDArray[np.uint64],
        n_threads: int | None,
        limit: int | None = None,
        *,
        bfloat16: bool = False,
    ) -> None:
        self._bfloat16 = bfloat16
        self._stage_bytes = _STAGE_BYTES if limit is None else min(_STAGE_BYTES, limit // _STAGE_SHARE)
        self._step = step
        self._data = data
        self._key = np.ascontiguousarray(key)
        self._n_threads = n_threads
        self._ledger = Ledger()
        leaves, self._structure = flatten((params, state))
        self._leaves = [_own(leaf, self._ledger) for leaf in leaves]
        self._plans: dict[tuple[int, bool], _Planned] = {}
        self._codes: dict[tuple[int, bool], _Code] = {}
        self._alone = False
        self._stage: list[NDArray[np.generic]] | None = None

    def plan(self, length: int) -> Plan:
        """Return what will run for batches of this length, and on how much memory.

        Raises
        ------
        UnsupportedError
            If a node has no native code.
        """
        return self._planned(length, False).plan

    @property
    def staged_bytes(self) -> int:
        """Bytes of rows that are brought together before native code reads them."""
        if not self._is_staged:
            return 0
        longest = max((length for length, _ in self._plans), default=1)
        return self._stage_rows(longest) * self._row_bytes + self._data.batch_bytes(longest)

    def take(self, rows: Rows, length: int, rates: NDArray[np.float64], done: int) -> Taken:
        """Take the steps."""
        code = self._code(length)
        if not code.staged:
            chosen = rows if self._data.rows is None else self._data.rows[rows]
            return self._run(code, self._columns(), chosen, length, rates, done)
        each, parts = code.n_rows // length, []
        for first in range(0, len(rates), each):
            some = rates[first : first + each]
            stage = self._fill(code, rows[first * length : (first + len(some)) * length], length)
            parts.append(self._run(code, stage, np.arange(len(some) * length), length, some, done + first))
            if parts[-1].interrupted:
                break
        losses, squares = np.concatenate([x.losses for x in parts]), np.concatenate([x.squares for x in parts])
        return Taken(losses, squares, parts[-1].interrupted)

    def now(self) -> tuple[Tree, Tree]:
        """Return parameters and state; the arrays are those that later steps change."""
        return cast("tuple[Tree, Tree]", unflatten(self._structure, self._leaves))

    def put_back(self, params: Tree, state: Tree) -> None:
        """Go on from other parameters and state."""
        for own, leaf in zip(self._leaves, flatten((params, state))[0], strict=True):
            own[...] = np.asarray(leaf)

    # Code.

    def _code(self, length: int) -> _Code:
        """Return the code for a batch length: for as many threads as are planned, or for one if they do not meet.

        Results do not depend on it, so it may change from call to call.
        """
        planned = self._planned(length, False)
        if planned.plan.n_threads > 1:
            self._alone = meeting_us(planned.plan.n_threads) > _SLOW_MEETING_US
        key = length, self._alone and planned.plan.n_threads > 1
        found = self._codes.get(key)
        if found is None:
            # The other way's memory is given back first: the plan counts one.
            self._codes.pop((length, not key[1]), None)
            planned = self._planned(*key)
            function = NativeFunction(planned.plan, self._ledger, strides=planned.strides, code=planned.code)
            found = self._codes[key] = _Code(function, planned.captures, planned.n_rows, self._is_staged)
        return found

    def _planned(self, length: int, alone: bool) -> _Planned:
        found = self._plans.get((length, alone))
        if found is None:
            n_rows = self._stage_rows(length) if self._is_staged else self._n_data_rows
            traced = self._traced(length, n_rows)
            graph = simplify(traced.graph, traced.captures)
            captures = tuple(np.ascontiguousarray(x) for x in traced.captures)
            n_threads = 1 if alone else self._n_threads or threads_for(graph, repeated=True)
            settings = Settings(
                n_threads=n_threads,
                aliases={i: i for i in range(len(self._leaves))},
                captures=captures,
                frozen=True,
                trusted=frozenset([len(self._leaves) + len(self._data.columns)]),
                simplified=True,
                bfloat16=self._bfloat16,
            )
            n, n_columns = len(self._leaves), len(self._data.columns)
            strides = {n + n_columns: 8 * length, n + n_columns + 1: 8, n + n_columns + 2: 8}
            strides |= {len(graph.inputs) + i: x.spec.nbytes for i, x in enumerate(graph.outputs) if i >= n}
            ready = compiled(graph, settings, strides)
            found = self._plans[length, alone] = _Planned(ready.plan, ready.code, strides, captures, n_rows)
        return found

    def _traced(self, length: int, n_rows: int) -> TracedFunction:
        step, structure = self._step, self._data.structure

        def by_rows(
            leaves: list[object], columns: list[object], rows: object, rate: object, number: object, key: object
        ) -> object:
            params, state = cast("tuple[Tree, Tree]", unflatten(self._structure, leaves))
            batch = unflatten(structure, [gather(column, rows) for column in columns])
            params, state, loss, squares = step(params, state, batch, rate, number, key)
            return [*flatten((params, state))[0], loss, *squares]

        by_rows.__name__ = "step"
        specs = [Spec((n_rows, *c.shape[1:]), c.dtype.newbyteorder("=")) for c in self._data.columns]
        own = [Spec.of(leaf) for leaf in self._leaves]
        arguments = [own, specs, Spec((length,), np.dtype(np.int64)), Spec.of(1.0), Spec.of(1.0), self._key]
        return trace(by_rows, arguments, eager=False, names=["", "", "rows", "learning_rate", "step", "key"])

    def _run(
        self,
        code: _Code,
        columns: Sequence[NDArray[np.generic]],
        rows: NDArray[np.integer],
        length: int,
        rates: NDArray[np.float64],
        done: int,
    ) -> Taken:
        plan, n, count = code.function.plan, len(self._leaves), len(rates)
        reported = [np.full(count, np.nan, spec.dtype) for spec in plan.outputs[n:]]
        slots = [
            *self._leaves,
            *columns,
            np.ascontiguousarray(rows, np.int64),
            np.ascontiguousarray(rates, np.float64),
            np.arange(done + 1, done + count + 1, dtype=np.float64),
            self._key,
            *code.captures,
            *self._leaves,
            *reported,
        ]
        interrupted = False
        try:
            code.function.run_on(slots, count)
        except KeyboardInterrupt:
            # Native code ends before it is heard; if it had not begun, nothing has been reported.
            if np.isnan(reported[0][0]):
                raise
            interrupted = True
        except IndexOutOfRange:
            self._find_index(rows, length, rates, done)
        loss, *squares = (np.asarray(x, np.float64) for x in reported)
        return Taken(loss, np.stack(squares, axis=1) if squares else np.empty((count, 0)), interrupted)

    def _find_index(self, rows: NDArray[np.integer], length: int, rates: NDArray[np.float64], done: int) -> None:
        """Let the interpreter raise the error of an index that is out of range: it knows which, and whose line.

        Raises
        ------
        IndexRangeError
            Without the index itself, if it depends on parameters that native code has changed since.
        """
        n_rows = len(self._stage[0]) if self._stage is not None else self._n_data_rows
        traced = self._traced(length, n_rows)
        for i, rate in enumerate(rates.tolist()):
            some = np.asarray(rows[i * length : (i + 1) * length], np.int64)
            columns = self._columns() if self._stage is None else self._stage
            interpret(
                traced.graph, [*self._leaves, *columns, some, rate, float(done + i + 1), self._key, *traced.captures]
            )
        raise IndexRangeError(
            f"an index left its axis in steps {done + 1} to {done + len(rates)}; to see which, run them with "
            "tidu.config.check_finite = True",
            first_step=done + 1,
            last_step=done + len(rates),
        )

    # Rows.

    @property
    def _n_data_rows(self) -> int:
        return int(self._data.columns[0].shape[0])

    @property
    def _is_staged(self) -> bool:
        """Whether rows are brought together first: those on disk, and those that do not lie end to end."""
        return not all(isinstance(c, np.ndarray) and c.flags.c_contiguous for c in self._data.columns)

    def _columns(self) -> list[NDArray[np.generic]]:
        return [cast("NDArray[np.generic]", c) for c in self._data.columns]

    def _stage_rows(self, length: int) -> int:
        return length * max(1, self._stage_bytes // max(1, self._row_bytes * length))

    @property
    def _row_bytes(self) -> int:
        return sum(math.prod(c.shape[1:]) * c.dtype.itemsize for c in self._data.columns)

    def _fill(self, code: _Code, rows: Rows, length: int) -> list[NDArray[np.generic]]:
        """Bring rows together where native code reads them, batch by batch."""
        if self._stage is None or len(self._stage[0]) < code.n_rows:
            shapes = [((code.n_rows, *c.shape[1:]), c.dtype.newbyteorder("=")) for c in self._data.columns]
            self._stage = [
                self._ledger.allocate(math.prod(shape) * dtype.itemsize, "rows of the next steps")
                .view(dtype)
                .reshape(shape)
                for shape, dtype in shapes
            ]
        for first in range(0, len(rows), length):
            found = flatten(self._data.gather(rows[first : first + length]))[0]
            for to, column in zip(self._stage, found, strict=True):
                to[first : first + length] = np.asarray(column)
        return self._stage


def _own(leaf: object, ledger: Ledger) -> NDArray[np.generic]:
    """Return a contiguous copy of an array, in memory of the ledger's."""
    array = np.asarray(leaf)
    own = ledger.allocate(array.nbytes, "parameters and the optimizer's state").view(array.dtype).reshape(array.shape)
    own[...] = array
    return own
