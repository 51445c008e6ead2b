"""How is a compiled graph called?

A `NativeFunction` owns machine code and arena; a call hands it addresses and returns new arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tidu.compile.keeping import compiled, text_of
from tidu.compile.lower import Settings
from tidu.compile.plan import Plan
from tidu.core.graph import Graph
from tidu.core.spec import Spec
from tidu.errors import DtypeError, ShapeError
from tidu.native.cache import default_cache
from tidu.native.ledger import Ledger
from tidu.native.locks import Lock
from tidu.native.machine import MachineCode, NativeCall, Processor, compile_text
from tidu.native.module import ENTRY, HEAD_BYTES
from tidu.native.threads import team

__all__ = ["IndexOutOfRange", "NativeFunction", "native_function"]


class IndexOutOfRange(Exception):
    """Native code met an index that is out of range; the interpreter says which."""


class NativeFunction:
    """A plan as machine code.

    Parameters
    ----------
    plan : Plan
        What to compile.
    ledger : Ledger, optional
        Where the arena is taken from, for as long as this object lives.
    strides : mapping of int to int, optional
        If given, the code runs many rounds; these slots move on by so many bytes in every round.
    processor : Processor, optional
        By default the host.
    code : MachineCode, optional
        What the plan has been compiled to, if it has.

    Raises
    ------
    BudgetError
        If arena and results do not fit into the ledger's limit; nothing is compiled then.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger | None = None,
        *,
        strides: Mapping[int, int] | None = None,
        processor: Processor | None = None,
        code: MachineCode | None = None,
    ) -> None:
        self.plan = plan
        self._ledger = ledger or Ledger()
        self._arena = self._ledger.allocate(plan.arena_bytes, f"the arena of {plan.name}")
        self._arena[:HEAD_BYTES] = 0
        self._flag = self._arena[:8].view(np.int64)
        self._repeated = strides is not None
        # Refused before anything is compiled, if the results will not fit.
        with self._ledger.hold(plan.output_bytes, f"the results of {plan.name}"):
            pass
        if code is None:
            text, functions = text_of(plan, strides)
            code = compile_text(text, functions, vectorize=False, processor=processor, cache=default_cache())
        self.from_cache = code.from_cache
        self._call: NativeCall = code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self._team = team(plan.n_threads)
        # The arena is one: a second thread waits for the first.
        self._lock = Lock()

    @classmethod
    def of(
        cls,
        graph: Graph,
        settings: Settings,
        ledger: Ledger | None = None,
        *,
        strides: Mapping[int, int] | None = None,
    ) -> NativeFunction:
        """Compile a graph, or find it compiled.

        Raises
        ------
        UnsupportedError
            If a node has no native code; `supports` tells before.
        """
        found = compiled(graph, settings, strides)
        return cls(found.plan, ledger, strides=strides, code=found.code)

    @property
    def entry(self) -> NativeCall:
        """The native function itself, of the table of slots, the thread's number, and their count."""
        return self._call

    def __call__(self, inputs: Sequence[object]) -> list[NDArray[np.generic]]:
        """Run the whole graph in one native call.

        Parameters
        ----------
        inputs : sequence of array_like
            One for each of the graph's inputs; those that are not contiguous and aligned are copied first.

        Returns
        -------
        list of ndarray
            New arrays, one for each of the graph's outputs.

        Raises
        ------
        ShapeError, DtypeError
            If an input is not what the graph was traced for.
        IndexOutOfRange
            If an index is.
        """
        plan = self.plan
        if len(inputs) != len(plan.inputs):
            raise ShapeError(
                f"{plan.name} takes {len(plan.inputs)} inputs, got {len(inputs)}",
                expected=len(plan.inputs),
                got=len(inputs),
            )
        given = [_fitting(x, name, spec) for x, (name, spec) in zip(inputs, plan.inputs, strict=True)]
        with self._ledger.hold(plan.output_bytes, f"the results of {plan.name}"):
            outputs: list[NDArray[np.generic]] = [np.empty(spec.shape, spec.dtype) for spec in plan.outputs]
            self.run_on([*given, *outputs])
        return outputs

    def run_on(self, slots: Sequence[NDArray[np.generic]], rounds: int | None = None) -> None:
        """Run on memory that the caller provides: the inputs, then the outputs.

        Nothing is checked: shapes, dtypes and alignment must be those of the plan.

        Parameters
        ----------
        slots : sequence of ndarray
        rounds : int, optional
            How many, of a function that runs many.

        Raises
        ------
        IndexOutOfRange
            If an index is.
        """
        addresses = [x.__array_interface__["data"][0] for x in (*slots, self._arena)]
        self.run_at(addresses, rounds)

    def run_at(self, addresses: Sequence[int], rounds: int | None = None) -> None:
        """Run on memory at these addresses: the inputs, the outputs, and the arena."""
        entries = [*addresses, rounds or 0] if self._repeated else list(addresses)
        table = (ctypes.c_int64 * len(entries))(*entries)
        with self._lock:
            self._team.run(self._call, ctypes.addressof(table))
            if self._flag[0]:
                self._flag[0] = 0
                raise IndexOutOfRange


def native_function(graph: Graph, ledger: Ledger | None = None, settings: Settings | None = None) -> NativeFunction:
    """Compile a whole graph to one native function.

    Parameters
    ----------
    graph : Graph
        Of an abstract trace: ``trace(f, arguments, eager=False).graph``.
    ledger : Ledger, optional
        Where its memory is taken from.
    settings : Settings, optional
        As for `lower`.

    Raises
    ------
    UnsupportedError
        If a node has no native code; `supports` tells before.
    BudgetError
        If the memory does not suffice.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.trace.function import trace
    >>> traced = trace(lambda x, y: (x + y) * y, (np.ones(3), np.arange(3.0)), eager=False)
    >>> native_function(traced.graph)([np.ones(3), np.arange(3.0)])
    [array([0., 2., 6.])]
    """
    return NativeFunction.of(graph, settings or Settings(), ledger)


def _fitting(value: object, name: str, spec: Spec) -> NDArray[np.generic]:
    array = np.asarray(value)
    if array.shape != spec.shape:
        raise ShapeError(
            f"{name} was traced with shape {list(spec.shape)}, got {list(array.shape)}; compile for the new shape",
            where=name,
            expected=spec.shape,
            got=array.shape,
        )
    if array.dtype != spec.dtype:
        raise DtypeError(
            f"{name} was traced as {spec.dtype}, got {array.dtype}; convert it with astype",
            where=name,
            expected=spec.dtype,
            got=array.dtype,
        )
    return array if array.flags.c_contiguous and array.flags.aligned else np.require(array, requirements=["C", "A"])
