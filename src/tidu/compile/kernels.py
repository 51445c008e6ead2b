"""What are the pieces of a compiled program: loop nests, matrix products, scattered sums.

A kernel is data: what it computes at each point of its space, and what it writes where. Passes rearrange
kernels; `tidu.compile.write` makes code of them. This file knows no graph and no machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from tidu.compile.terms import Apply, Term, ordered, views_of
from tidu.compile.views import Buffer, View
from tidu.core.emit import Fold
from tidu.core.spec import Shape

__all__ = ["Kernel", "Nest", "Product", "Scatter", "Store", "Total", "reads", "written"]


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """A term and the memory that it is written to, both of the kernel's whole space."""

    term: Term
    target: View


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """A term folded along the reduced axes of its nest, which stand last.

    Parameters
    ----------
    rule : Fold
        Where it starts and how one more element joins.
    term : Term
        Of the nest's whole space.
    computing : str
        The dtype that it is computed in.
    target : View
        Of the kept axes.
    """

    rule: Fold
    term: Term
    computing: str
    target: View


@dataclass(slots=True, eq=False)
class Nest:
    """Loops over a space: terms stored at every point, and terms folded along its last axes.

    Parameters
    ----------
    shape : tuple of int
        The space: kept axes, then reduced ones.
    n_kept : int
        How many axes are kept.
    stores : list of Store
    totals : list of Total
    """

    shape: Shape
    n_kept: int
    stores: list[Store] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)

    @property
    def terms(self) -> list[Term]:
        """What is computed at each point."""
        return [*(x.term for x in self.stores), *(x.term for x in self.totals)]

    @property
    def targets(self) -> list[View]:
        """What is written."""
        return [*(x.target for x in self.stores), *(x.target for x in self.totals)]

    @property
    def rows(self) -> int:
        """Length of the first kept axis, along which threads share the work; 1 if there is none."""
        return self.shape[0] if self.n_kept else 1

    @property
    def flops(self) -> int:
        """Operations of a run."""
        each = sum(x.flops for x in ordered(self.terms) if isinstance(x, Apply)) + len(self.totals)
        return each * math.prod(self.shape)


@dataclass(slots=True, eq=False)
class Product:
    """Matrix products, stacked, with what is done to each element of the result.

    Parameters
    ----------
    a, b : View
        Of shapes (stack, m, k) and (stack, k, n).
    result : View
        Of shape (stack, m, n): in `stores` it stands for the finished element. It is memory only if it is
        stored itself.
    stores : list of Store
    """

    a: View
    b: View
    result: View
    stores: list[Store]

    @property
    def shape(self) -> Shape:
        """The space of the result."""
        return self.result.shape

    @property
    def terms(self) -> list[Term]:
        """What is computed at each point."""
        return [x.term for x in self.stores]

    @property
    def targets(self) -> list[View]:
        """What is written."""
        return [x.target for x in self.stores]

    @property
    def rows(self) -> int:
        """Length of the first axis: that of the stack, or rows."""
        return self.shape[0]

    @property
    def flops(self) -> int:
        """Operations of a run."""
        each = sum(x.flops for x in ordered(self.terms) if isinstance(x, Apply))
        return (2 * self.a.shape[-1] + each) * math.prod(self.shape)


@dataclass(slots=True, eq=False)
class Scatter:
    """Elements added to memory at positions known only when the code runs, in row-major order of the elements.

    Parameters
    ----------
    term : Term
        What is added; its shape is the space.
    target : View
        Of that shape: memory at index zero of every picked axis. The whole buffer is set to zero first.
    indices : tuple of Term
        Positions, of that shape.
    steps : tuple of int
        As in `Pick`.
    """

    term: Term
    target: View
    indices: tuple[Term, ...]
    steps: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """The space."""
        return self.term.shape

    @property
    def terms(self) -> list[Term]:
        """What is computed at each point."""
        return [self.term, *self.indices]

    @property
    def targets(self) -> list[View]:
        """What is written."""
        return [self.target]

    @property
    def rows(self) -> int:
        """One: the order of additions to one place is that of the elements."""
        return 1

    @property
    def flops(self) -> int:
        """Operations of a run."""
        return math.prod(self.shape)


Kernel: TypeAlias = Nest | Product | Scatter


def reads(kernel: Kernel) -> Iterator[View]:
    """Yield every view that a kernel reads from memory."""
    if isinstance(kernel, Product):
        yield kernel.a
        yield kernel.b
        yield from (view for view in views_of(kernel.terms) if view.buffer is not kernel.result.buffer)
    else:
        yield from views_of(kernel.terms)


def written(kernel: Kernel) -> set[Buffer]:
    """Return the buffers that a kernel writes."""
    return {view.buffer for view in kernel.targets}
