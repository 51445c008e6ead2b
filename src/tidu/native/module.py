"""How do kernels become one native function?

The function takes a table with the address of every slot (an input, an output, the arena), the number of the
thread and how many there are. It calls the kernels one after the other, each with places inside the slots,
and waits at a barrier between intervals; Python is not involved. Equal kernels stand in the module once.

A module may also run its kernels many times: then some slots move on by a fixed number of bytes in every
round, such as the row numbers of a step of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidu.native.text import FunctionText, Kernel
from tidu.native.threads import barrier_functions, barrier_text

__all__ = ["ENTRY", "FLAG_BYTES", "HEAD_BYTES", "Body", "Invocation", "module_text"]

ENTRY = "tidu_run"
"""Name of the one function that is called from outside."""
FLAG_BYTES = 128
"""The arena begins with a flag that native code sets where an index is out of range, and a spare place."""
HEAD_BYTES = 256
"""After the flag stands the state of the barrier."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A kernel and the places that it works on.

    Parameters
    ----------
    kernel : Kernel
        Its parameters are the places, the report, scratch memory, and the thread's number.
    places : tuple of (int, int)
        For each of its buffers a slot of the table and a distance in bytes from its beginning.
    """

    kernel: Kernel
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What runs in one round.

    Parameters
    ----------
    intervals : sequence of sequence of Invocation
        Between two intervals threads wait for each other.
    n_slots : int
        Entries of the table that it uses; the last one is the arena.
    scratch_bytes, arena_bytes : int
        Of each thread, at the end of the arena; and of the arena.
    first_slot : int
        Where its slots begin in the table.
    strides : mapping of int to int
        Slots that move on, by so many bytes in every round.
    """

    intervals: Sequence[Sequence[Invocation]]
    n_slots: int
    scratch_bytes: int
    arena_bytes: int
    first_slot: int = 0
    strides: Mapping[int, int] | None = None


def module_text(body: Body, n_threads: int, *, repeated: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return a module with the function `ENTRY`, and the outside functions that it calls.

    Parameters
    ----------
    body : Body
    n_threads : int
        What it is made for; it must be called with so many.
    repeated : bool
        Whether the table's entry after the slots is the number of rounds.
    """
    names: dict[Kernel, str] = {}
    entry = FunctionText(["ptr noalias readonly", "i64", "i64"])
    slots = [
        entry.value(f"load ptr, ptr {_beyond(entry, '%p0', 8 * (body.first_slot + slot))}")
        for slot in range(body.n_slots)
    ]
    arena = slots[-1]
    barrier = _beyond(entry, arena, FLAG_BYTES)
    share = entry.value(f"mul nuw nsw i64 %p1, {body.scratch_bytes}")
    end = _beyond(entry, arena, body.arena_bytes - n_threads * body.scratch_bytes)
    scratch = entry.value(f"getelementptr inbounds i8, ptr {end}, i64 {share}")

    def run_round(places: Sequence[str]) -> None:
        for number, interval in enumerate(body.intervals):
            if number and n_threads > 1:
                entry.do(f"call void @tidu_barrier(ptr {barrier}, i64 {n_threads})")
            for invocation in interval:
                name = names.setdefault(invocation.kernel, f"kernel{len(names)}")
                given = [_beyond(entry, places[slot], distance) for slot, distance in invocation.places]
                pointers = ", ".join(f"ptr {place}" for place in (*given, arena, scratch))
                entry.do(f"call void @{name}({pointers}, i64 %p1)")

    if repeated:
        rounds = entry.value(f"load i64, ptr {_beyond(entry, '%p0', 8 * (body.first_slot + body.n_slots))}")
        with entry.loop(rounds) as loop:
            moved = list(slots)
            for slot, stride in (body.strides or {}).items():
                distance = entry.value(f"mul nuw nsw i64 {loop.index}, {stride}")
                moved[slot] = entry.value(f"getelementptr inbounds i8, ptr {slots[slot]}, i64 {distance}")
            run_round(moved)
            if n_threads > 1:
                entry.do(f"call void @tidu_barrier(ptr {barrier}, i64 {n_threads})")
    else:
        run_round(slots)
    declarations = dict.fromkeys(line for kernel in names for line in kernel.declarations)
    functions = dict.fromkeys(name for kernel in names for name in kernel.functions)
    definitions = [kernel.define(name, "internal", "noinline") for kernel, name in names.items()]
    if n_threads > 1:
        definitions.append(barrier_text())
        functions |= dict.fromkeys(barrier_functions())
    return "\n".join([*declarations, *definitions, entry.finish().define(ENTRY)]), tuple(functions)


def _beyond(text: FunctionText, place: str, distance: int) -> str:
    return text.offset("i8", place, distance)
