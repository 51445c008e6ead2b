"""Runs native code with every buffer at the edge of memory that nobody may touch.

One access out of bounds, reading or writing, ends the process. So this runs in a process of its own:
``python -m tests.compile.guarded``. Everything runs twice, with buffers before a forbidden page and behind one.
Names are printed before they run, so the last one is to blame. With the argument ``read`` or ``write`` a mistake
is made on purpose.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from tests.compile.comparing import PROCESSORS, assert_same, graph_of, interpreted
from tests.compile.examples import DTYPES, NATIVE, cases_of, together
from tests.compile.programs import STEPS, Program
from tests.compile.training_steps import NETWORKS, plan_of, training_step

from tidu.compile import Plan, Settings
from tidu.compile.lower import lower
from tidu.core.graph import Graph
from tidu.core.spec import Spec
from tidu.native.machine import Processor, compile_text
from tidu.native.module import ENTRY, HEAD_BYTES, Body, Invocation, module_text
from tidu.native.threads import team
from tidu.ops.indexing import gather, scatter_add

PAGE = mmap.PAGESIZE
CANARY = 0xA5


class Edge:
    """Memory between two pages that nobody may touch."""

    def __init__(self, n_bytes: int, at_end: bool) -> None:
        inside = max(PAGE, -(-n_bytes // PAGE) * PAGE)
        self._map = mmap.mmap(-1, inside + 2 * PAGE)
        self.bytes = np.frombuffer(self._map, np.uint8)
        address = self.bytes.ctypes.data
        self.bytes[PAGE : PAGE + inside] = CANARY
        libc = ctypes.CDLL(None, use_errno=True)
        for page in (address, address + PAGE + inside):
            if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        first = PAGE + (inside - n_bytes if at_end else 0)
        self._rest = (slice(PAGE, first), slice(first + n_bytes, PAGE + inside))
        self.own = self.bytes[first : first + n_bytes]

    @property
    def intact(self) -> bool:
        """Whether nobody has written beside it, where no page ends."""
        return all((self.bytes[part] == CANARY).all() for part in self._rest)

    def holding(self, x: np.ndarray) -> np.ndarray:
        """Return a copy of an array in this memory."""
        self.own[:] = np.frombuffer(x.tobytes(), np.uint8)
        return self.own.view(x.dtype).reshape(x.shape)


def apart(plan: Plan) -> tuple[list[list[Invocation]], int]:
    """Return the kernels with a slot for each buffer of the arena, and the number of slots before the arena's."""
    arena = plan.n_slots - 1
    slot_of = {offset: arena + i for i, (offset, _) in enumerate(plan.buffers)}

    def moved(place: tuple[int, int]) -> tuple[int, int]:
        slot, distance = place
        return (slot_of[distance], 0) if slot == arena else place

    intervals = [[replace(x, places=tuple(map(moved, x.places))) for x in interval] for interval in plan.intervals]
    return intervals, arena + len(plan.buffers)


class AtEdges:
    """A plan, made with guards, whose buffers all lie at the edge.

    Parameters
    ----------
    plan : Plan
    strides : mapping of int to int, optional
        As for a `NativeFunction` that runs several rounds.
    processor : Processor, optional
    """

    def __init__(
        self, plan: Plan, strides: Mapping[int, int] | None = None, processor: Processor | None = None
    ) -> None:
        self.plan = plan
        intervals, arena = apart(plan)
        body = Body(intervals, arena + 1, plan.scratch_bytes, plan.arena_bytes, strides=strides)
        text, functions = module_text(body, plan.n_threads, repeated=strides is not None)
        self._code = compile_text(text, functions, vectorize=False, processor=processor)
        self._call = self._code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)

    def run(self, inputs: Sequence[np.ndarray], at_end: bool, rounds: int = 1) -> tuple[list[np.ndarray], bool]:
        """Return the outputs of every round, and whether an index was bad."""
        plan = self.plan
        edges = [Edge(x.nbytes, at_end) for x in inputs]
        slots = [edge.holding(x) for edge, x in zip(edges, inputs, strict=True)]
        for spec in plan.outputs:
            edges.append(Edge(spec.nbytes * rounds, at_end))
            slots.append(edges[-1].own.view(spec.dtype).reshape((rounds, *spec.shape) if rounds > 1 else spec.shape))
        for n_bytes in (*(n for _, n in plan.buffers), plan.arena_bytes):
            edges.append(Edge(n_bytes, at_end))
            slots.append(edges[-1].own)
        slots[-1][:HEAD_BYTES] = 0
        table = np.array([*(x.ctypes.data for x in slots), rounds])
        team(plan.n_threads).run(self._call, table.ctypes.data)
        assert all(edge.intact for edge in edges), "written beside a buffer"
        for slot, x in enumerate(inputs):
            assert slot in plan.placed or slots[slot].tobytes() == x.tobytes(), "an input was written"
        return [slots[slot].copy() for slot in plan.placed], bool(slots[-1][0])


def random_program(seed: int) -> Program:
    rng = np.random.default_rng(seed)
    steps = tuple((int(rng.integers(len(STEPS))), *map(int, rng.integers(0, 4, 2))) for _ in range(8))
    shape = tuple(int(n) for n in rng.choice([1, 2, 3, 5, 7, 16, 17, 31, 33], size=rng.integers(1, 4)))
    return Program(steps, (shape, shape), DTYPES[seed % 2], seed % 3 == 0, seed)


def far_indices() -> None:
    """Read and write at indices that are far out of range."""
    x, k = np.arange(12.0).reshape(4, 3), np.array([0, 4, -5, 2**63 - 1, -(2**63), 3])

    def both_ways(x: np.ndarray, k: np.ndarray) -> object:
        return gather(x, k), gather(x, k, k), scatter_add(x[:, 0], k[:4], shape=(4,))

    for n_threads in (1, 2):
        code = AtEdges(lower(graph_of(both_ways, x, k), Settings(n_threads=n_threads, guard_bytes=64)))
        for at_end in (True, False):
            (picked, _, _), bad = code.run([x, k], at_end)
            assert bad
            np.testing.assert_array_equal(picked, x[[0, 0, 0, 0, 0, 3]])


def compare(graph: Graph, inputs: Sequence[np.ndarray], **how: object) -> None:
    """Run a graph at both edges, and compare with the interpreter."""
    code = AtEdges(lower(graph, Settings(guard_bytes=64, **how)), processor=how.get("processor"))
    expected = interpreted(graph, inputs)
    for at_end in (True, False):
        for got, want in zip(code.run(inputs, at_end)[0], expected, strict=True):
            assert_same(got, want, 64, scale=1.0, signed_zeros=False)


def everything() -> Iterator[str]:
    """Run all there is, yielding its name first."""
    yield "indices out of range"
    far_indices()
    for dtype in DTYPES:
        for primitive in NATIVE:
            yield f"{primitive.name} {dtype}"
            compare(*together(cases_of(primitive, dtype)))
    processors = [how() for how in PROCESSORS.values()]
    for seed in range(48):
        program = random_program(seed)
        yield str(program)
        compare(*program.traced(), n_threads=1 + seed % 3, processor=processors[seed % 4])
    for name in NETWORKS:
        yield name
        step = training_step(name, 2)
        code = AtEdges(plan_of(step, 2, guard_bytes=64), step.strides)
        expected = step.interpreted()
        for at_end in (True, False):
            found, _ = code.run(step.slots()[: len(step.graph.inputs)], at_end, 2)
            for got, want in zip(found, expected, strict=True):
                np.testing.assert_allclose(got, want, atol=5e-3)


def planted(what: str) -> Iterator[str]:
    """Make one of two mistakes at the end of a buffer."""
    yield what
    x = np.arange(9.0)
    plan = lower(graph_of(lambda x: x * 2.0, x), Settings(guard_bytes=64))
    if what == "read":
        AtEdges(plan).run([x[:8]], True)
    else:
        AtEdges(replace(plan, outputs=(Spec((8,), x.dtype),))).run([x], True)


if __name__ == "__main__":
    for name in planted(sys.argv[1]) if sys.argv[1:] else everything():
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
    sys.stdout.write("everything ran\n")
