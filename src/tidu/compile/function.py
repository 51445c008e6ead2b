"""How is a compiled graph called?

A `NativeFunction` owns machine code and arena; a call hands it addresses and returns new arrays.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidu.compile.lower import lower
from tidu.compile.plan import Plan
from tidu.core.graph import Graph
from tidu.core.spec import Spec
from tidu.errors import DtypeError, ShapeError
from tidu.native.ledger import Ledger
from tidu.native.machine import compile_text
from tidu.native.module import ENTRY, module_text

__all__ = ["NativeFunction", "native_function"]

_WORTH_VECTORIZING = 4096
"""Elements: a step on arrays of 20 by 16 ran as fast without."""


class NativeFunction:
    """A plan as machine code.

    Parameters
    ----------
    plan : Plan
        What to compile.
    ledger : Ledger, optional
        Where the arena is taken from, for as long as this object lives.
    vectorize : bool, optional
        Whether time is spent on vectorizing the loops. By default it is for arrays that are large enough to
        gain from it; compiling a step on small ones then takes a quarter of the time.

    Raises
    ------
    BudgetError
        If arena and results do not fit into the ledger's limit; nothing is compiled then.
    """

    def __init__(self, plan: Plan, ledger: Ledger | None = None, *, vectorize: bool | None = None) -> None:
        self.plan = plan
        self._ledger = ledger or Ledger()
        self._arena = self._ledger.allocate(plan.arena_bytes, f"the arena of {plan.name}")
        with self._ledger.hold(plan.output_bytes, f"the results of {plan.name}"):
            text, functions = module_text(plan.invocations, plan.n_slots)
        if vectorize is None:
            vectorize = plan.widest >= _WORTH_VECTORIZING
        self._run = compile_text(text, functions, vectorize=vectorize).function(ENTRY, ctypes.c_void_p)
        # The arena is one: a second thread waits for the first.
        self._lock = threading.Lock()

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
            self.run_on([*given, *outputs, self._arena])
        return outputs

    def run_on(self, slots: Sequence[NDArray[np.generic]]) -> None:
        """Run on memory that the caller provides: the inputs, then the outputs, then the arena.

        Nothing is checked: shapes, dtypes and alignment must be those of the plan.
        """
        table = (ctypes.c_void_p * self.plan.n_slots)(*(x.__array_interface__["data"][0] for x in slots))
        with self._lock:
            self._run(ctypes.addressof(table))


def native_function(graph: Graph, ledger: Ledger | None = None, *, vectorize: bool | None = None) -> NativeFunction:
    """Compile a whole graph to one native function.

    Parameters
    ----------
    graph : Graph
        Of an abstract trace: ``trace(f, arguments, eager=False).graph``.
    ledger : Ledger, optional
        Where its memory is taken from.
    vectorize : bool, optional
        As for `NativeFunction`.

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
    return NativeFunction(lower(graph), ledger, vectorize=vectorize)


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
