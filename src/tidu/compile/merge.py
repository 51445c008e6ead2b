"""Which kernels can run as one?

A nest joins an earlier kernel over the same space where it reads of that kernel's results only the very
element that is being computed; then that element is handed on in a register. What nobody reads any more is
not stored. This file knows no graph and writes no code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from tidu.compile import terms
from tidu.compile.kernels import Kernel, Nest, Product, Store, reads, written
from tidu.compile.terms import Apply, Term, views_of
from tidu.compile.views import Buffer, View
from tidu.core.spec import Shape

__all__ = ["merge", "same_place"]

_LARGEST_BODY = 48
"""Operations at one point of a joined kernel: more would not fit the registers."""

_REACH = 64
"""So many kernels back is looked: all of them would be quadratic, and what is far back has left the caches."""


def merge(kernels: Sequence[Kernel], outputs: Sequence[View]) -> list[Kernel]:
    """Join kernels, and drop stores and kernels that nobody needs."""
    joined: list[Kernel] = []
    for kernel in kernels:
        if not _is_empty(kernel) and not (isinstance(kernel, Nest) and _join_one_of(joined, kernel)):
            joined.append(kernel)
    return _without_dead_stores(joined, {view.buffer for view in outputs})


def same_place(a: View, b: View) -> bool:
    """Tell whether two views of one space are the same memory, element by element."""
    return (
        a.buffer is b.buffer
        and a.offset == b.offset
        and a.dtype == b.dtype
        and all(n == 1 or s == t for n, s, t in zip(a.shape, a.strides, b.strides, strict=True))
    )


def _is_empty(kernel: Kernel) -> bool:
    kept = kernel.shape[: kernel.n_kept] if isinstance(kernel, Nest) else kernel.shape
    return 0 in kept or (isinstance(kernel, Nest) and 0 in kernel.shape and not kernel.totals)


def _join_one_of(joined: list[Kernel], nest: Nest) -> bool:
    """Join `nest` to the latest kernel that it can run with.

    Either the nest runs as early as that kernel does, or the kernel as late as the nest: whatever stands
    between must not need the one that moves, nor be needed by it.
    """
    needed, made = {view.buffer for view in reads(nest)}, written(nest)
    nest_is_free = True
    for position in range(len(joined) - 1, max(-1, len(joined) - 1 - _REACH), -1):
        kernel = joined[position]
        if not (isinstance(kernel, Product) and nest.totals) and 0 not in nest.shape:
            fitted = _reshaped(nest, kernel.shape)
            can_wait = not nest_is_free and _can_wait(joined, position)
            if fitted is not None and (nest_is_free or can_wait) and _join(kernel, fitted):
                if can_wait:
                    joined.append(joined.pop(position))
                return True
        if written(kernel) & (needed | made) or {view.buffer for view in reads(kernel)} & made:
            nest_is_free = False
    return False


def _can_wait(joined: Sequence[Kernel], position: int) -> bool:
    """Tell whether a kernel may run after all that follow it."""
    kernel = joined[position]
    made, needed = written(kernel), {view.buffer for view in reads(kernel)}
    for later in joined[position + 1 :]:
        if {view.buffer for view in reads(later)} & made or written(later) & (made | needed):
            return False
    return True


def _reshaped(nest: Nest, shape: Shape) -> Nest | None:
    """Return the nest over another space of as many points, or None."""
    if nest.shape == shape:
        return nest
    if nest.totals or math.prod(nest.shape) != math.prod(shape):
        return None
    moved = terms.reshape_all([*(x.term for x in nest.stores), *(x.target for x in nest.stores)], shape)
    if moved is None:
        return None
    n = len(nest.stores)
    return Nest(shape, len(shape), [Store(t, cast("View", to)) for t, to in zip(moved[:n], moved[n:], strict=True)])


def _join(kernel: Kernel, nest: Nest) -> bool:
    """Let `kernel` do the work of `nest` too, if every element needs only what is at hand there."""
    if not isinstance(kernel, (Nest, Product)):
        return False
    if isinstance(kernel, Nest) and not _same_folding(kernel, nest):
        return False
    size = sum(isinstance(x, Apply) for x in terms.ordered([*kernel.terms, *nest.terms]))
    if size > _LARGEST_BODY:
        return False
    mine = written(kernel)
    if mine & written(nest):
        return False
    known: dict[View, Term] = {}
    for view in views_of(nest.terms):
        if view.buffer not in mine:
            continue
        held = next((x for x in kernel.stores if same_place(x.target, view)), None)
        if held is None or view.buffer in _picked_from(nest):
            return False
        known[view] = held.term
    handed = terms.substitute(nest.terms, known)
    n = len(nest.stores)
    kernel.stores += [replace(x, term=term) for x, term in zip(nest.stores, handed[:n], strict=True)]
    if isinstance(kernel, Nest):
        kernel.n_kept = min(kernel.n_kept, nest.n_kept)
        kernel.totals += [replace(x, term=term) for x, term in zip(nest.totals, handed[n:], strict=True)]
    return True


def _same_folding(kernel: Nest, nest: Nest) -> bool:
    """Tell whether both fold the same axes, or only one folds at all, and not what others would share."""
    if kernel.totals and nest.totals:
        return kernel.n_kept == nest.n_kept
    if not kernel.totals and not nest.totals:
        return True
    folding = kernel if kernel.totals else nest
    return folding.n_kept > 0 or math.prod(kernel.shape) < _SHARED_ELEMENTS


_SHARED_ELEMENTS = 4096
"""From here on a nest is not joined to a full reduction, which one thread runs alone."""


def _picked_from(nest: Nest) -> set[Buffer]:
    return {x.view.buffer for x in terms.leaves(nest.terms) if isinstance(x, terms.Pick)}


def _without_dead_stores(kernels: Sequence[Kernel], outputs: set[Buffer]) -> list[Kernel]:
    needed = set(outputs)
    alive: list[Kernel] = []
    for kernel in reversed(kernels):
        if not isinstance(kernel, (Nest, Product)):
            if written(kernel) & needed:
                alive.append(kernel)
                needed |= {view.buffer for view in reads(kernel)}
            continue
        kernel.stores = [x for x in kernel.stores if x.target.buffer in needed]
        if isinstance(kernel, Nest):
            kernel.totals = [x for x in kernel.totals if x.target.buffer in needed]
            if not kernel.totals:
                kernel.n_kept = len(kernel.shape)
        if kernel.targets:
            alive.append(kernel)
            needed |= {view.buffer for view in reads(kernel)}
    return alive[::-1]
