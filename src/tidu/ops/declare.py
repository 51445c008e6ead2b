"""How a primitive is declared: a decorator takes its whole record, the function's body is empty.

The decorated function is the public face: its name, signature and docstring. `docs/add-a-primitive.md`
walks through an example.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.emit import EmitScalar, Fold
from tidu.core.kinds import Elementwise, Reduction, Structured, normalize_axes
from tidu.core.primitive import (
    Formula,
    InterpretedOnly,
    Interval,
    Kink,
    Laws,
    NoGradient,
    Primitive,
    PullbackRule,
    register,
)
from tidu.core.structural import choose, convert
from tidu.core.table import implements, implements_named
from tidu.core.value import Value
from tidu.errors import InPlaceError, UnsupportedError
from tidu.words import Words

__all__ = ["ELEMENTWISE_EDGES", "NO_LAWS", "elementwise", "reduction", "structured"]

P = ParamSpec("P")
Evaluate: TypeAlias = Callable[..., NDArray[np.generic]]
Rules: TypeAlias = Sequence[PullbackRule | NoGradient]

NO_LAWS = Laws()
ELEMENTWISE_EDGES: tuple[tuple[float, ...], ...] = ((0.0,), (-0.0,), (np.inf,), (-np.inf,), (np.nan,))
"""What every function of one number is tried at."""


def elementwise(
    *,
    numpy: Sequence[Callable[..., object]],
    evaluate: Evaluate,
    pullback: Rules,
    emit: EmitScalar | InterpretedOnly,
    samples: Sequence[Interval],
    edges: Sequence[tuple[float, ...]],
    kinks: Sequence[Kink],
    laws: Laws,
    formula: Formula,
    words: Words,
    source: str,
    flops: int = 1,
    scipy: Sequence[str] = (),
) -> Callable[[Callable[P, object]], Callable[P, Value]]:
    """Declare a primitive that works element by element; every field is that of `Primitive`.

    `scipy` names the functions of `scipy.special` that mean it; they are looked up when the user has them.
    """

    def declare(face: Callable[P, object]) -> Callable[P, Value]:
        primitive = register(
            Primitive(
                name=face.__name__.rstrip("_"),
                kind=Elementwise(flops),
                numpy=tuple(numpy),
                evaluate=evaluate,
                pullback=tuple(pullback),
                emit=emit,
                samples=tuple(samples),
                edges=tuple(edges),
                kinks=tuple(kinks),
                laws=laws,
                formula=formula,
                words=words,
                source=source,
                doc=inspect.getdoc(face) or "",
            )
        )
        arity = len(inspect.signature(face).parameters)

        @implements_named("scipy.special", *scipy)
        @implements(*numpy)
        @wraps(face)
        def function(*operands: object, dtype: object = None) -> Value:
            if len(operands) != arity:
                raise TypeError(f"{primitive.name} takes {arity} argument(s), got {len(operands)}")
            if dtype is not None:
                operands = tuple(convert(x, np.dtype(dtype)) for x in operands)  # type: ignore[call-overload]
            return apply(primitive, *operands)

        return cast("Callable[P, Value]", function)

    return declare


def reduction(
    *,
    numpy: Sequence[Callable[..., object]],
    evaluate: Evaluate,
    pullback: Rules,
    emit: Fold | InterpretedOnly,
    samples: Sequence[Interval],
    kinks: Sequence[Kink],
    laws: Laws,
    formula: Formula,
    words: Words,
    source: str,
    of_empty: bool,
) -> Callable[[Callable[P, object]], Callable[P, Value]]:
    """Declare a primitive that reduces along axes; every field is that of `Primitive`.

    The public function takes ``axis`` (None, an int or a tuple) and ``keepdims``, and NumPy's ``dtype``;
    also ``where`` if `laws` have a finite identity (what is left out counts as that). A kink's ``at`` and
    ``partials`` list the elements of a vector.
    """

    def declare(face: Callable[P, object]) -> Callable[P, Value]:
        name = face.__name__.rstrip("_")
        primitive = register(
            Primitive(
                name=name,
                kind=Reduction(of_empty),
                numpy=tuple(numpy),
                evaluate=evaluate,
                pullback=tuple(pullback),
                emit=emit,
                samples=tuple(samples),
                edges=(),
                kinks=tuple(kinks),
                laws=laws,
                formula=formula,
                words=words,
                source=source,
                doc=inspect.getdoc(face) or "",
            )
        )

        @implements(*numpy)
        @wraps(face)
        def function(
            x: object,
            axis: int | Sequence[int] | None = None,
            dtype: object = None,
            out: object = None,
            keepdims: object = False,
            **others: object,
        ) -> Value:
            given = {key: value for key, value in others.items() if not _is_absent(key, value)}
            if out is not None:
                raise InPlaceError(f"{name}(..., out=) writes into an array; write y = np.{name}(...)", function=name)
            if "where" in given and laws.identity is not None and np.isfinite(laws.identity):
                x = choose(given.pop("where"), x, laws.identity)
            if given:
                raise UnsupportedError(
                    f"np.{name} with {', '.join(given)} is not supported on a traced value; use np.where first",
                    function=name,
                )
            if dtype is not None:
                x = convert(x, np.dtype(dtype))  # type: ignore[call-overload]
            if not shape_of(x) and (axis == 0 or axis == -1):
                axis = None  # NumPy lets a scalar pass for a vector here
            axes = normalize_axes(axis, len(shape_of(x)), name)
            return apply(primitive, x, axis=axes, keepdims=keepdims is True)

        return cast("Callable[P, Value]", function)

    return declare


def _is_absent(key: str, value: object) -> bool:
    """Tell whether NumPy's wrapper passed its own 'not given' on."""
    return value is None or value is getattr(np, "_NoValue", None) or (key == "where" and value is True)


def structured(
    *,
    kind: Structured,
    numpy: Sequence[Callable[..., object]],
    evaluate: Evaluate,
    pullback: Rules,
    emit: Fold | InterpretedOnly | EmitScalar | object,
    samples: Sequence[Interval],
    laws: Laws,
    formula: Formula,
    words: Words,
    source: str,
) -> Callable[[Callable[..., object]], Primitive]:
    """Declare a primitive whose shape arithmetic is its own; every field is that of `Primitive`.

    Returns the record itself: the public function, which puts NumPy's arguments into the record's
    normal form, is written out beside it, under ``@implements(np....)``.
    """

    def declare(face: Callable[..., object]) -> Primitive:
        return register(
            Primitive(
                name=face.__name__.rstrip("_").removesuffix("_primitive"),
                kind=kind,
                numpy=tuple(numpy),
                evaluate=evaluate,
                pullback=tuple(pullback),
                emit=cast("EmitScalar", emit),
                samples=tuple(samples),
                edges=(),
                kinks=(),
                laws=laws,
                formula=formula,
                words=words,
                source=source,
                doc=inspect.getdoc(face) or "",
            )
        )

    return declare
