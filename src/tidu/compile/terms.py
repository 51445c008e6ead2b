"""What is computed at one point of a loop nest: an expression over things that lie in memory.

A `Term` is a value that need not be stored. Movement of a term is movement of its leaves, so a transposed or
broadcast expression costs nothing; only reshaping may fail. Terms are immutable and shared by identity:
what is the same object is computed once. This file knows no graph and writes no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tidu.compile.views import (
    Ramp,
    Strided,
    Uniform,
    View,
    broadcast_strided,
    reshape_strided,
    transpose_strided,
    window_strided,
)
from tidu.core.emit import EmitScalar
from tidu.core.spec import Shape

__all__ = [
    "Apply",
    "Index",
    "Leaf",
    "Pick",
    "Term",
    "broadcast_to",
    "leaves",
    "ordered",
    "parts",
    "reshape",
    "reshape_all",
    "substitute",
    "transpose",
    "views_of",
    "window",
]


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """Elements of memory at positions that are known only when the code runs.

    Parameters
    ----------
    view : View
        The result's shape; what stands at index zero of every picked axis.
    indices : tuple of Term
        Positions of the result's shape, one for each picked axis, known to be within it.
    steps : tuple of int
        Of each picked axis the elements of memory from one position to the next.
    """

    view: View
    indices: tuple[Term, ...]
    steps: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """The result's shape."""
        return self.view.shape

    @property
    def dtype(self) -> str:
        """The elements' dtype."""
        return self.view.dtype


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """A position from 0 to below `length`, from an integer that the user gave.

    A negative one counts from the end. One out of range is reported, and 0 is read in its stead.

    Parameters
    ----------
    term : Term
        The integers.
    length : int
        Of the axis.
    trusted : bool
        Whether they are known to be within range, so that nothing is checked.
    """

    term: Term
    length: int
    trusted: bool

    @property
    def shape(self) -> Shape:
        """That of the integers."""
        return self.term.shape

    @property
    def dtype(self) -> str:
        """Wide enough for any position."""
        return "int64"


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An elementwise operation.

    Parameters
    ----------
    emit : callable
        The record's scalar code.
    operands : tuple of Term
        All of the shape `shape`.
    dtype : str
        Of the result.
    computing : str
        The dtype that it is computed in.
    shape : tuple of int
    flops : int
        Of one element.
    what : str
        The operation's name, for the printed plan.
    """

    emit: EmitScalar
    operands: tuple[Term, ...]
    dtype: str
    computing: str
    shape: Shape
    flops: int
    what: str


Leaf: TypeAlias = View | Ramp | Uniform
Term: TypeAlias = Leaf | Pick | Index | Apply


def parts(term: Term) -> tuple[Term, ...]:
    """Return the terms that `term` is made of."""
    if isinstance(term, Apply):
        return term.operands
    if isinstance(term, Index):
        return (term.term,)
    return term.indices if isinstance(term, Pick) else ()


def ordered(terms: Iterable[Term]) -> Iterator[Term]:
    """Yield all terms below `terms`, each once, operands before users."""
    done: set[int] = set()
    stack = list(terms)[::-1]
    while stack:
        term = stack[-1]
        if id(term) in done:
            stack.pop()
            continue
        missing = [x for x in parts(term) if id(x) not in done]
        if missing:
            stack.extend(missing[::-1])
        else:
            done.add(id(stack.pop()))
            yield term


def leaves(terms: Iterable[Term]) -> Iterator[Leaf | Pick]:
    """Yield what is read: everything that is not computed."""
    return (term for term in ordered(terms) if not isinstance(term, (Apply, Index)))


def views_of(terms: Iterable[Term]) -> Iterator[View]:
    """Yield every view that is read, those that are picked from too."""
    for leaf in leaves(terms):
        if isinstance(leaf, View):
            yield leaf
        elif isinstance(leaf, Pick):
            yield leaf.view


def rebuilt(
    given: Sequence[Term], function: Callable[[Leaf | Pick, tuple[Term, ...]], Term | None]
) -> list[Term] | None:
    """Return terms with their leaves replaced, shared as before; None as soon as one cannot be.

    `function(leaf, indices)` is handed, of a `Pick`, its indices rebuilt already.
    """
    made: dict[int, Term] = {}
    for one in ordered(given):
        inside = tuple(made[id(x)] for x in parts(one))
        same = all(a is b for a, b in zip(inside, parts(one), strict=True))
        match one:
            case Apply():
                made[id(one)] = one if same else replace(one, operands=inside, shape=inside[0].shape)
            case Index():
                made[id(one)] = one if same else replace(one, term=inside[0])
            case _:
                found = function(one, inside)
                if found is None:
                    return None
                made[id(one)] = found
    return [made[id(x)] for x in given]


def _moved(given: Sequence[Term], strided: Callable[[Strided], Strided | None], shape: Shape) -> list[Term] | None:
    def move(leaf: Leaf | Pick, indices: tuple[Term, ...]) -> Term | None:
        if isinstance(leaf, Uniform):
            return replace(leaf, shape=shape)
        if isinstance(leaf, Pick):
            view = strided(leaf.view)
            return replace(leaf, view=view, indices=indices) if isinstance(view, View) else None
        return strided(leaf)

    return rebuilt(given, move)


def broadcast_to(x: Term, shape: Shape) -> Term:
    """Return `x` repeated to `shape` by NumPy's rules."""
    if x.shape == shape:
        return x
    return _certain(_moved([x], lambda leaf: broadcast_strided(leaf, shape), shape))


def transpose(x: Term, axes: Sequence[int]) -> Term:
    """Return `x` with its axes permuted."""
    return _certain(_moved([x], lambda leaf: transpose_strided(leaf, axes), tuple(x.shape[a] for a in axes)))


def window(x: Term, start: Sequence[int], size: Shape, step: Sequence[int]) -> Term:
    """Return `size` elements of each axis, from `start`, every `step`-th one."""
    return _certain(_moved([x], lambda leaf: window_strided(leaf, start, size, step), size))


def reshape(x: Term, shape: Shape) -> Term | None:
    """Return `x` in another shape, or None where strides cannot say it."""
    found = reshape_all([x], shape)
    return None if found is None else found[0]


def reshape_all(given: Sequence[Term], shape: Shape) -> list[Term] | None:
    """Return terms of one space over another one, shared as before, or None where strides cannot say it."""
    if all(x.shape == shape for x in given):
        return list(given)
    return _moved(given, lambda leaf: reshape_strided(leaf, shape), shape)


def substitute(given: Sequence[Term], known: Mapping[View, Term]) -> list[Term]:
    """Replace views by the terms that they hold."""

    def known_or_same(leaf: Leaf | Pick, indices: tuple[Term, ...]) -> Term:
        if isinstance(leaf, Pick):
            return replace(leaf, indices=indices)
        return known.get(leaf, leaf) if isinstance(leaf, View) else leaf

    found = rebuilt(given, known_or_same)
    assert found is not None, "every leaf has been replaced"
    return found


def _certain(moved: list[Term] | None) -> Term:
    assert moved is not None, "only reshaping can fail"
    return moved[0]
