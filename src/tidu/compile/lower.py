"""How does a graph become a plan: every pass in its order.

Simplified, fused into kernels, kernels merged, results put in the places of inputs where that is wanted, put
in order between barriers, and given memory.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.compile.fuse import fuse
from tidu.compile.kernels import Kernel, reads
from tidu.compile.merge import merge
from tidu.compile.plan import Plan, make_plan, unrolled_plan
from tidu.compile.schedule import in_place
from tidu.compile.simplify import simplify
from tidu.compile.support import supports
from tidu.compile.unrolled import estimate, write_unrolled
from tidu.compile.views import Buffer, View
from tidu.core.emit import Template
from tidu.core.graph import Graph, Input, Node
from tidu.errors import UnsupportedError
from tidu.native.machine import Processor, host, n_vector_registers, vector_bytes
from tidu.native.text import FunctionText
from tidu.native.tiling import Target

_UNROLLED = 6000
"""Vector instructions; larger programs run as fast in loops and compile faster."""

__all__ = ["Settings", "lower", "target_of"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a graph is lowered.

    Parameters
    ----------
    n_threads : int
        How many threads share the work.
    aliases : mapping of int to int
        Numbers of outputs, and of the inputs whose memory they take.
    captures : sequence of ndarray
        Values of the last inputs, as far as they are known when the code is made.
    frozen : bool
        Whether these will never change: then rising rows of integers among them need no memory.
    trusted : set of int
        Inputs, by number, that are indices known to be within range.
    processor : Processor, optional
        By default the host.
    guard_bytes : int
        If above zero, so many bytes around every buffer of the arena belong to none (for tests).
    simplified : bool
        Whether the graph has been simplified already.
    bfloat16 : bool
        Whether products of float32 round their operands to bfloat16; sums stay float32.
    unrolled : int
        Vector instructions up to which a graph becomes code without loops; -1 for never.
    """

    n_threads: int = 1
    aliases: Mapping[int, int] = field(default_factory=dict)
    captures: Sequence[NDArray[np.generic]] = ()
    frozen: bool = False
    trusted: frozenset[int] = frozenset()
    processor: Processor | None = None
    guard_bytes: int = 0
    simplified: bool = False
    bfloat16: bool = False
    unrolled: int = _UNROLLED

    def as_simplified(self) -> Settings:
        """Return the same for a graph that has been simplified."""
        return replace(self, simplified=True)


def lower(graph: Graph, settings: Settings | None = None) -> Plan:
    """Make kernels of a graph's nodes, order them and place their buffers.

    Parameters
    ----------
    graph : Graph
        With static shapes, as an abstract trace gives it.
    settings : Settings, optional

    Raises
    ------
    UnsupportedError
        If a node has no native code; see `supports`.
    """
    settings = settings or Settings()
    processor = settings.processor or host()
    if settings.bfloat16 and not processor.has("avx512bf16"):
        raise UnsupportedError(
            f"this processor ({processor.name}) has no products of bfloat16; leave bfloat16 out",
            function=graph.name,
            reason="no products of bfloat16",
        )
    whole = graph if settings.simplified else simplify(graph, settings.captures)
    reason = supports(whole)
    if reason is not None:
        raise UnsupportedError(f"{graph.name} has no native code: {reason}", function=graph.name, reason=reason)
    unrolled = _unrolled(whole, settings)
    if unrolled is not None:
        return unrolled
    inputs = whole.inputs
    known: dict[Node, NDArray[np.generic]] = {}
    if settings.frozen and settings.captures:
        known = dict(zip(inputs[-len(settings.captures) :], settings.captures, strict=True))
    fused = fuse(whole, known=known, trusted=frozenset(inputs[i] for i in settings.trusted))
    kernels = merge(fused.kernels, fused.outputs)
    places = {
        output: View.whole(_given(inputs[i], i, kernels), inputs[i].spec.dtype.name, inputs[i].spec.shape)
        for output, i in settings.aliases.items()
    }
    intervals, outputs = in_place(kernels, fused.outputs, places, settings.n_threads)
    return make_plan(
        graph.name,
        [(cast("Input", x.op).name, x.spec) for x in inputs],
        list(zip((node.spec for node in graph.outputs), outputs, strict=True)),
        intervals,
        settings.n_threads,
        target_of(processor),
        settings.guard_bytes,
        bfloat16=settings.bfloat16,
    )


def _unrolled(graph: Graph, settings: Settings) -> Plan | None:
    """Return a small graph as one kernel with every value in registers, or None if it is not small."""
    first = len(graph.inputs) - len(settings.captures)
    constants = {first + i: value for i, value in enumerate(settings.captures)} if settings.frozen else {}
    # Whatever number of threads is asked for: the bits must not depend on it.
    work = None if settings.guard_bytes or settings.bfloat16 else estimate(graph, constants=constants)
    if work is None or work > settings.unrolled:
        return None
    known = {graph.inputs[i] for i in (*settings.trusted, *constants)}
    if any(_may_report(node, known) for node in graph.nodes):
        return None
    n_inputs = len(graph.inputs)
    slots = [*range(n_inputs), *(settings.aliases.get(i, n_inputs + i) for i in range(len(graph.outputs)))]
    target = target_of(settings.processor or host())
    text = FunctionText([*["ptr"] * (len(slots) + 2), "i64"], target.features)
    try:
        places = [f"%p{i}" for i in range(len(slots))]
        write_unrolled(text, graph, places, constants=constants, trusted=settings.trusted)
    except UnsupportedError:
        return None
    return unrolled_plan(graph, text.finish(), slots)


def _may_report(node: Node, known: Container[Node]) -> bool:
    """Tell whether a node takes indices that may be out of range; code without loops has no way to say so."""
    if node.primitive is None or node.primitive.emit not in (Template("gather"), Template("scatter_add")):
        return False
    return any(x not in known for x in node.operands[1:])


def target_of(processor: Processor) -> Target:
    """Return what the code generator must know of a processor."""
    fused = processor.has("fma") or processor.architecture not in ("x86_64", "i686")
    return Target(vector_bytes(processor), n_vector_registers(processor), fused, processor.enabled)


def _given(node: Node, number: int, kernels: Sequence[Kernel]) -> Buffer:
    """Return the buffer of an input, the very one that kernels read where they do."""
    for kernel in kernels:
        for view in reads(kernel):
            if view.buffer.given == number:
                return view.buffer
    return Buffer(node.spec.nbytes, number, node)
