"""How is a compiled graph found again, in this process and in the next one?

By its structure: operations, parameters, shapes and dtypes, whatever the values and the user's names are. What is
found needs neither passes nor LLVM's compiler. This file knows nothing of what runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.compile.lower import Settings, lower
from tidu.compile.plan import Plan
from tidu.compile.simplify import simplify
from tidu.core.emit import Fold
from tidu.core.graph import Graph, Input, Literal, Operation
from tidu.core.primitive import Primitive
from tidu.native.cache import cache_key, default_cache
from tidu.native.locks import Lock
from tidu.native.machine import MachineCode, Processor, host, link, made_by, object_code
from tidu.native.module import Body, module_text

__all__ = ["Compiled", "compiled", "text_of"]

_KEPT = 256
"""Compiled graphs that a process holds on to."""
_LENGTH = 8
"""Bytes of the number that says how long the description before the object code is."""
_kept: OrderedDict[str, Compiled] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A graph as machine code.

    Parameters
    ----------
    plan : Plan
        Without kernels where it was found on disk.
    code : MachineCode
    from_cache : bool
        Whether this process or another one had compiled it before.
    """

    plan: Plan
    code: MachineCode
    from_cache: bool


def compiled(graph: Graph, settings: Settings, strides: Mapping[int, int] | None = None) -> Compiled:
    """Compile a graph, or find it compiled.

    Parameters
    ----------
    graph : Graph
    settings : Settings
    strides : mapping of int to int, optional
        If given, the code runs many rounds; these slots move on by so many bytes in every round.

    Raises
    ------
    UnsupportedError
        If a node has no native code.
    """
    whole = graph if settings.simplified else simplify(graph, settings.captures)
    processor = settings.processor or host()
    key = cache_key(_parts(whole, settings, strides, processor))
    with _lock:
        found = _kept.get(key)
        if found is not None:
            _kept.move_to_end(key)
            return Compiled(found.plan, found.code, True)
    made = _from_disk(key, whole, processor) or _made(key, whole, settings, strides, processor)
    with _lock:
        _kept[key] = made
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return made


def text_of(plan: Plan, strides: Mapping[int, int] | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the module of a plan with kernels, and the outside functions that it calls."""
    body = Body(plan.intervals, plan.n_slots, plan.scratch_bytes, plan.arena_bytes, strides=strides)
    return module_text(body, plan.n_threads, repeated=strides is not None)


def _made(
    key: str, graph: Graph, settings: Settings, strides: Mapping[int, int] | None, processor: Processor
) -> Compiled:
    plan = lower(graph, settings.as_simplified())
    text, functions = text_of(plan, strides)
    code = object_code(text, 0, processor)
    cache = default_cache()
    if cache is not None:
        described = {
            "placed": plan.placed,
            "arena_bytes": plan.arena_bytes,
            "scratch_bytes": plan.scratch_bytes,
            "buffers": plan.buffers,
            "n_threads": plan.n_threads,
            "functions": functions,
        }
        head = json.dumps(described).encode()
        cache.store(key, len(head).to_bytes(_LENGTH, "little") + head + code)
    return Compiled(plan, link(code, functions, processor), False)


def _from_disk(key: str, graph: Graph, processor: Processor) -> Compiled | None:
    cache = default_cache()
    found = None if cache is None else cache.load(key)
    if found is None:
        return None
    length = int.from_bytes(found[:_LENGTH], "little")
    head = json.loads(found[_LENGTH : _LENGTH + length])
    functions = tuple(head.pop("functions"))
    plan = Plan(
        name=graph.name,
        inputs=tuple((x.name, x.spec) for x in graph.inputs),
        outputs=tuple(x.spec for x in graph.outputs),
        placed=tuple(head["placed"]),
        intervals=(),
        kernels=(),
        arena_bytes=head["arena_bytes"],
        scratch_bytes=head["scratch_bytes"],
        buffers=tuple((offset, size) for offset, size in head["buffers"]),
        n_threads=head["n_threads"],
    )
    return Compiled(plan, link(found[_LENGTH + length :], functions, processor, from_cache=True), True)


def _parts(graph: Graph, settings: Settings, strides: Mapping[int, int] | None, processor: Processor) -> Iterator[str]:
    """Yield all that the code depends on."""
    yield from ("graph", sys.version, *made_by(), _own_sources(), processor.triple, processor.name, processor.features)
    yield repr((settings.n_threads, sorted(settings.aliases.items()), sorted(settings.trusted), settings.frozen))
    yield repr((settings.guard_bytes, settings.unrolled, settings.bfloat16, strides and sorted(strides.items())))
    for captured in settings.captures if settings.frozen else ():
        array: NDArray[np.generic] = np.asarray(captured)
        # Only integers are looked at when code is made: rows of numbers, and known indices.
        looked_at = hashlib.sha256(array.tobytes()).hexdigest() if array.dtype.kind in "iu" else ""
        yield f"{array.dtype}{array.shape}{looked_at}"
    numbers = {node: i for i, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        match node.op:
            case Input():
                yield f"input {node.spec}"
            case Literal(value=value):
                yield f"{value!r} {node.spec}"
            case Operation(primitive=primitive, params=params):
                operands = [numbers[x] for x in node.operands]
                given = sorted(params.items()) if params else ""
                yield f"{primitive.name} {_code_of(primitive)} {operands} {given} {node.spec}"
            case other:
                raise AssertionError(f"a simplified graph has no {other}")
    yield repr([numbers[x] for x in (*graph.inputs, *graph.outputs)])


@lru_cache(maxsize=1024)
def _code_of(primitive: Primitive) -> str:
    """Tell one record's native code from another's of the same name."""
    emit = primitive.emit
    if isinstance(emit, Fold):
        return f"{emit.start} {_function_text(emit.combine)}"
    return _function_text(emit) if callable(emit) else repr(emit)


def _function_text(function: Callable[..., object]) -> str:
    code = function.__code__
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    held = [_function_text(x) if hasattr(x, "__code__") else repr(x) for x in cells]
    constants = [x.co_code.hex() if hasattr(x, "co_code") else repr(x) for x in code.co_consts]
    given = (getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None))
    return f"{code.co_code.hex()} {constants} {code.co_names} {held} {given}"


@lru_cache(maxsize=1)
def _own_sources() -> str:
    """Tell one state of this package's own code from another: of an editable install they share a version."""
    package = Path(__file__).parents[1]
    found = []
    for folder in ("core", "ops", "native", "compile"):
        for directory, _, names in os.walk(package / folder):
            for name in sorted(names):
                if name.endswith(".py"):
                    state = os.stat(os.path.join(directory, name))
                    found.append(f"{folder}/{name} {state.st_size} {state.st_mtime_ns}")
    return "\n".join(sorted(found))
