"""The record of a primitive: everything the program knows of one operation, in one place.

Every field is required, so a forgotten rule is an error at import. What operations have in common
stands in their kind (`tidu.core.kinds`). This file evaluates nothing and names no operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tidu.core.filling import fill
from tidu.core.spec import Shape, Spec
from tidu.errors import GraphError
from tidu.words import Words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tidu.core.emit import Emit

__all__ = [
    "Cost",
    "Example",
    "Formula",
    "InterpretedOnly",
    "Interval",
    "Kind",
    "Kink",
    "Laws",
    "NoGradient",
    "Param",
    "Params",
    "Primitive",
    "PullbackRule",
    "find",
    "register",
    "registered",
]

Param: TypeAlias = "bool | int | float | str | tuple[Param, ...] | None"
"""A static parameter: whatever prints as a Python literal."""
Params: TypeAlias = Mapping[str, Param]

PullbackRule: TypeAlias = Callable[..., object]
"""``rule(ct, out, *operands, **params)`` -> cotangent of one operand, written in traced operations.

The rule may leave the cotangent broadcast, and in the result's dtype: summing it back to the
operand's shape and casting it is done in one place, by `differentiate`.
"""


@dataclass(frozen=True, slots=True)
class NoGradient:
    """Stands where a pullback rule would, for an operand whose derivative is zero or has no meaning."""

    reason: str


@dataclass(frozen=True, slots=True)
class InterpretedOnly:
    """Stands where native code would, for a primitive that only the interpreter runs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Where an operand's sample values are drawn from: there the operation is smooth."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Kink:
    """The convention at a point where the derivative does not exist, or exists one-sidedly only.

    Parameters
    ----------
    at : tuple of float
        The operands.
    partials : tuple of float
        The derivative with respect to each operand that tidu returns there.
    because : Words
        Why this one, in each language.
    """

    at: tuple[float, ...]
    partials: tuple[float, ...]
    because: Words


@dataclass(frozen=True, slots=True)
class Laws:
    """Algebraic facts that the simplifier reads and the suite checks numerically."""

    commutative: bool = False
    associative: bool = False
    identity: float | None = None
    absorbing: float | None = None
    idempotent: bool = False
    involution: bool = False
    odd: bool = False
    even: bool = False
    increasing: bool = False
    inverse: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """How the operation is written, in LaTeX and in plain text.

    ``{0}``, ``{1}`` stand for the operands and ``{out}`` for the result. `partials` has the local
    derivative for each operand in plain text, as a learner would write it; it is empty for an
    operation that has none to write in one line.
    """

    latex: str
    text: str
    partials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """Shapes of operands and parameters with which the suite tries a primitive.

    `integers` gives, for an operand that holds indices, the bound below which they are drawn.
    """

    shapes: tuple[Shape, ...]
    params: Mapping[str, Param] = field(default_factory=dict)
    integers: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cost:
    """Work of one application: floating-point operations, and bytes read and written once each."""

    flops: int
    bytes: int


class Kind(Protocol):
    """What operations of one kind have in common."""

    @property
    def name(self) -> str:
        """The kind's name: elementwise, reduction, movement, contraction, indexing ..."""
        ...

    def spec(self, primitive: Primitive, operands: tuple[Spec, ...], params: Params) -> Spec:
        """Return the result's spec, or raise ShapeError or DtypeError."""
        ...

    def batch(
        self, primitive: Primitive, operands: Sequence[object], batched: Sequence[bool], params: Params
    ) -> object:
        """Apply to operands of which some have a batch axis in front; the result has it in front."""
        ...

    def cost(self, primitive: Primitive, operands: tuple[Spec, ...], out: Spec, params: Params) -> Cost:
        """Return the work of one application."""
        ...

    def examples(self, primitive: Primitive) -> Sequence[Example]:
        """Return shapes and parameters for the suite, edge shapes among them."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Primitive:
    """Everything that the program knows of one operation.

    Parameters
    ----------
    name : str
        Unique; the name in printed graphs.
    kind : Kind
        What it shares with its like.
    numpy : tuple of callable
        The NumPy or SciPy functions that, called on a traced value with these same operands, mean
        this primitive.
    evaluate : callable
        ``evaluate(*arrays, **params)``: the meaning, in NumPy; the oracle of every test.
    pullback : tuple
        One `PullbackRule` or `NoGradient` for each operand; the last one also serves the further
        operands of a primitive that takes any number of them.
    emit : Emit or InterpretedOnly
        Native code of one scalar result.
    samples : tuple of Interval
        For each operand where the operation is smooth.
    edges : tuple of tuple of float
        Operands whose value (not derivative) is compared between interpreter and native code.
    kinks : tuple of Kink
        The written convention where the derivative does not exist.
    laws : Laws
        Algebraic facts.
    formula : Formula
        How it is written.
    words : Words
        What it does, for a learner, in each language.
    source : str
        Where the formula and the behaviour at the edges come from.
    doc : str
        The public function's docstring.
    """

    name: str
    kind: Kind
    numpy: tuple[Callable[..., object], ...]
    evaluate: Callable[..., NDArray[np.generic]]
    pullback: tuple[PullbackRule | NoGradient, ...]
    emit: Emit | InterpretedOnly
    samples: tuple[Interval, ...]
    edges: tuple[tuple[float, ...], ...]
    kinks: tuple[Kink, ...]
    laws: Laws
    formula: Formula
    words: Words
    source: str
    doc: str

    def rule(self, position: int) -> PullbackRule | NoGradient:
        """Return the pullback rule of the operand at `position`."""
        return self.pullback[min(position, len(self.pullback) - 1)]

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


_registry: dict[str, Primitive] = {}


def register(primitive: Primitive) -> Primitive:
    """Add `primitive` to the registry.

    Raises
    ------
    GraphError
        If the name is taken.
    """
    if primitive.name in _registry:
        raise GraphError(f"two primitives are named {primitive.name!r}", name=primitive.name)
    _registry[primitive.name] = primitive
    return primitive


def find(name: str) -> Primitive:
    """Return the primitive called `name`.

    Raises
    ------
    GraphError
        If there is none.
    """
    if name not in _registry:
        fill()
    try:
        return _registry[name]
    except KeyError:
        raise GraphError(f"there is no primitive named {name!r}", name=name) from None


def registered() -> Iterator[Primitive]:
    """Iterate over all primitives, in the order of their registration."""
    fill()
    return iter(tuple(_registry.values()))
