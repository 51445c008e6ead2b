"""How do kernels become one native function?

The function takes one pointer: a table with the address of every slot (an input, an output, the arena).
It calls the kernels one after the other, each with places inside the slots, and returns; Python is not
involved between two kernels. Equal kernels stand in the module once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidu.native.text import FunctionText, Kernel

__all__ = ["ENTRY", "Invocation", "module_text"]

ENTRY = "tidu_run"
"""Name of the one function that is called from outside."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A kernel and the places that it works on.

    Parameters
    ----------
    kernel : Kernel
        With pointers as its only parameters.
    places : tuple of (int, int)
        For each parameter a slot of the table and a distance in bytes from its beginning.
    """

    kernel: Kernel
    places: tuple[tuple[int, int], ...]


def module_text(invocations: Sequence[Invocation], n_slots: int) -> tuple[str, tuple[str, ...]]:
    """Return a module with the function `ENTRY`, and the outside functions that it calls."""
    names: dict[Kernel, str] = {}
    entry = FunctionText(["ptr noalias readonly"])
    slots = [entry.value(f"load ptr, ptr {_beyond(entry, '%p0', 8 * slot)}") for slot in range(n_slots)]
    for invocation in invocations:
        name = names.setdefault(invocation.kernel, f"kernel{len(names)}")
        places = [_beyond(entry, slots[slot], distance) for slot, distance in invocation.places]
        entry.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)})")
    declarations = dict.fromkeys(line for kernel in names for line in kernel.declarations)
    functions = dict.fromkeys(name for kernel in names for name in kernel.functions)
    # Inlined they would lose what is known of their pointers, and compile time would not be linear.
    definitions = [kernel.define(name, "internal", "noinline") for kernel, name in names.items()]
    return "\n".join([*declarations, *definitions, entry.finish().define(ENTRY)]), tuple(functions)


def _beyond(text: FunctionText, place: str, distance: int) -> str:
    return text.value(f"getelementptr inbounds i8, ptr {place}, i64 {distance}") if distance else place
