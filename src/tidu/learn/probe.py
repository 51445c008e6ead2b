"""Is the loss fit for training, and how much memory will its steps take? Asked of graphs, before any step runs.

This file knows nothing of the loop.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tidu.core.graph import Call, Graph, Node
from tidu.core.spec import Spec, is_differentiable
from tidu.errors import BudgetError, DtypeError, ShapeError, TiduWarning
from tidu.interpret import last_uses
from tidu.learn.batches import TrainingData
from tidu.learn.lbfgs import LBFGS
from tidu.learn.native_steps import NativeSteps
from tidu.learn.optimizers import Tree
from tidu.learn.order import Order
from tidu.learn.step import LossFunction, Step
from tidu.learn.taking import Steps
from tidu.learn.validation import DataValidation, Validation
from tidu.trace.function import trace
from tidu.trace.tree import flatten, leaf_paths, map_tree
from tidu.transforms.gradients import value_and_grad

__all__ = ["MemoryPlan", "check_loss", "checked_params", "peak_bytes", "plan_lbfgs", "plan_memory"]


def checked_params(params: Tree) -> Tree:
    """Return the parameters as arrays; Python numbers among them take the dtype of the arrays.

    Raises
    ------
    DtypeError
        If one is not of real floating-point numbers, or if there are none.
    """
    leaves, structure = flatten(params)
    if not leaves:
        raise DtypeError("params has no arrays; expected nested arrays of floating-point numbers", got=params)
    for leaf, path in zip(leaves, leaf_paths(structure, "params"), strict=True):
        dtype = np.asarray(leaf).dtype
        if not is_differentiable(dtype):
            raise DtypeError(
                f"{path} has dtype {dtype}, but only real floating-point numbers can be learned; make it float32 or "
                "float64, or keep it out of params",
                path=path,
                got=dtype,
            )
    strong = {leaf.dtype for leaf in leaves if isinstance(leaf, (np.ndarray, np.generic))}
    weak = np.result_type(*strong) if strong else np.dtype(np.float64)
    return map_tree(lambda leaf: np.asarray(leaf, weak if type(leaf) is float else None), params)


def check_loss(loss: LossFunction, params: Tree, batch: object, key: NDArray[np.uint64]) -> Graph:
    """Trace the loss for a batch of these specs, check its result and return its graph.

    Raises
    ------
    ShapeError
        If the result is not one number.
    DtypeError
        If it is not a real floating-point number.
    """
    traced = trace(loss.with_key, [params, batch, key], eager=False, names=["params", "batch", "key"])
    outputs = traced.graph.outputs
    if len(outputs) != 1 or outputs[0].spec.shape or traced.structure.kind is not None:
        found = ", ".join(str(node.spec) for node in outputs)
        raise ShapeError(
            f"loss must return one number, got {found or 'nothing'}; reduce it with np.mean(...) or np.sum(...)",
            expected=(),
            got=[node.spec.shape for node in outputs],
        )
    if not is_differentiable(outputs[0].spec.dtype):
        raise DtypeError(f"loss must return a real number, got {outputs[0].spec}", got=outputs[0].spec.dtype)
    _warn_of_widening(traced.graph, params)
    return traced.graph


def _warn_of_widening(graph: Graph, params: Tree) -> None:
    """Warn where small integers turn a float32 model into float64, as uint8 / 255.0 does in NumPy."""
    dtypes = {np.asarray(leaf).dtype.name for leaf in flatten(params)[0]}
    if "float64" in dtypes:
        return
    for node in graph.nodes:
        integers = [x.spec for x in node.operands if x.spec.dtype.kind in "iu" and x.spec.ndim]
        # Random bits are integers that become floats of the dtype that was asked for.
        converted = node.primitive is not None and node.primitive.kind.name in ("conversion", "random")
        if integers and node.spec.dtype == np.float64 and not converted:
            where = f" at {node.source} ({node.source.place.text})" if node.source else ""
            warnings.warn(
                f"the loss turns {integers[0]} into float64{where}, so all that follows is float64 although the "
                f"parameters are {', '.join(sorted(dtypes))}; cast first: x.astype(np.float32) / 255.0",
                TiduWarning,
                stacklevel=4,
            )
            return


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Most bytes that the arrays of a run take at once, part by part.

    Parameters
    ----------
    order : int
        Row numbers of an epoch, and ordering them.
    batch : int
        Rows gathered for a step.
    params : int
        The parameters in use, those at the start of the epoch, and the best ones where there is validation.
    optimizer : int
        Its state.
    step : int
        Activations, gradients, and the new parameters and state: the peak over the nodes of the step's graph,
        each counted as an array of its own, so it is an upper bound.
    """

    order: int
    batch: int
    params: int
    optimizer: int
    step: int

    @property
    def total(self) -> int:
        """The sum."""
        return self.order + self.batch + self.params + self.optimizer + self.step

    def require(self, limit: int) -> None:
        """Refuse a limit that is too small.

        Raises
        ------
        BudgetError
        """
        if self.total > limit:
            parts = ", ".join(f"{item.name} {getattr(self, item.name):,}" for item in fields(self))
            raise BudgetError(
                f"fit needs {self.total:,} bytes ({parts}), but memory_limit is {limit:,}; "
                "give a smaller batch_size or a larger limit",
                needed=self.total,
                limit=limit,
                plan=self,
            )


def plan_memory(
    steps: Steps,
    step: Step,
    params: Tree,
    state: Tree,
    key: NDArray[np.uint64],
    data: TrainingData,
    order: Order,
    validation: Validation | None,
) -> MemoryPlan:
    """Work out what a run will allocate; what a callable `validation` allocates is its own affair."""
    length = order.longest
    if isinstance(steps, NativeSteps):
        peak, batch, copies = steps.plan(length).peak_bytes, steps.staged_bytes, 1
    else:
        arguments = [params, state, data.specs(length), Spec.of(1.0), Spec.of(1.0), key]
        peak, batch = peak_bytes(trace(step, arguments, eager=False).graph), data.batch_bytes(length)
        copies = 0
    rows = 0 if data.rows is None else data.rows.nbytes
    if isinstance(validation, DataValidation):
        held, size = validation.data, min(validation.batch_size, len(validation.data))
        graph = trace(validation.evaluate, [params, held.specs(size)], eager=False).graph
        batch, peak = max(batch, held.batch_bytes(size)), max(peak, peak_bytes(graph))
        rows += 0 if held.rows is None else held.rows.nbytes
    kept = (2 if validation is None else 3) + copies
    return MemoryPlan(order.nbytes + rows, batch, kept * tree_bytes(params), (1 + copies) * tree_bytes(state), peak)


def plan_lbfgs(
    settings: LBFGS, loss: LossFunction, params: Tree, data: TrainingData, validation: Validation | None
) -> MemoryPlan:
    """Work out what a run of L-BFGS will allocate."""
    whole = data.specs(len(data))
    graph = trace(value_and_grad(loss.without_key), [params, whole], eager=False).graph
    kept = 2 if validation is None else 3
    return MemoryPlan(
        0, data.whole_bytes, kept * tree_bytes(params), settings.workspace_bytes(params), peak_bytes(graph)
    )


def tree_bytes(tree: Tree) -> int:
    """Return the bytes of all arrays of a tree."""
    return sum(np.asarray(leaf).nbytes for leaf in flatten(tree)[0])


def peak_bytes(graph: Graph) -> int:
    """Return the most bytes that values computed by the interpreter hold at once, the graph's inputs left out."""
    order = [node for node in graph.nodes if node.operands]
    freed = last_uses(order, (*graph.outputs, *graph.inputs))
    sizes: dict[Node, int] = {}
    live = peak = 0
    for position, node in enumerate(order):
        outputs = node.op.body.outputs if isinstance(node.op, Call) else (node,)
        sizes[node] = sum(output.spec.nbytes for output in outputs)
        live += sizes[node]
        peak = max(peak, live + (peak_bytes(node.op.body) if isinstance(node.op, Call) else 0))
        live -= sum(sizes.get(done, 0) for done in freed.get(position, ()))
    return peak
