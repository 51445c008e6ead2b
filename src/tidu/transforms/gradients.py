"""Reverse-mode derivatives of Python functions: grad, value_and_grad, vjp.

The function is traced with its values known, so Python's control flow follows them; its graph is
differentiated; and the new graph is run from the values that are known. Under an outer transformation
those values are traced themselves, so derivatives nest to any order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Literal, TypeAlias, cast, overload

import numpy as np

from tidu.core.bind import Traced, spec_of
from tidu.core.graph import Node
from tidu.core.spec import Spec, is_differentiable
from tidu.differentiate import Pullback, pull_back
from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.interpret import interpret
from tidu.trace.function import TracedFunction, argument_names, trace
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = [
    "ArgumentNumbers",
    "Linearized",
    "argument_numbers",
    "as_number",
    "grad",
    "like",
    "linearize",
    "mark",
    "result_structure",
    "value_and_grad",
    "vjp",
]

ArgumentNumbers = int | Sequence[int]


@dataclass(frozen=True, slots=True)
class Linearized:
    """A function traced at a point, ready to pull cotangents back.

    Parameters
    ----------
    traced : TracedFunction
        The forward graph with its values.
    leaves : list
        Leaves of the differentiated arguments; the others are known to the function only.
    back : Pullback
        The derivative.
    """

    traced: TracedFunction
    leaves: list[object]
    back: Pullback

    @property
    def outputs(self) -> list[object]:
        """Values of the function's results."""
        return interpret(self.traced.graph, [*self.leaves, *self.traced.captures], self.traced.values)

    def pull(self, cts: Sequence[object]) -> list[object]:
        """Return a cotangent for each differentiated leaf, given one for each result."""
        inputs = [*self.leaves, *self.traced.captures, *cts, *self.back.captures]
        with np.errstate(all="ignore"):  # a derivative is infinite or NaN at some points, which is its value there
            found = interpret(self.back.graph, inputs, self.traced.values)
        return [like(leaf, ct) for leaf, ct in zip(self.leaves, found, strict=True)]


def like(leaf: object, ct: object) -> object:
    """Return the derivative for `leaf` in a fitting form: a Python number for a Python number where it is a scalar,
    and an array with memory of its own, no view of a broadcast."""
    if isinstance(ct, Traced):
        plain = spec_of(leaf).weak and not ct.node.spec.shape
        return as_number(ct) if plain else ct
    array = np.asarray(ct)
    if not array.shape and not isinstance(leaf, np.ndarray):
        return array[()] if isinstance(leaf, (np.generic, Traced)) else array.item()
    return array if array.flags.writeable else np.array(array)


def as_number(x: object) -> object:
    """Return a scalar as a Python float; a traced one as one that gives way to any dtype, as a Python float does."""
    if not isinstance(x, Traced):
        return float(x)  # type: ignore[arg-type]
    node, value = x.node, x.value
    if node.spec.weak:
        return x
    plain = Node(node.op, node.operands, Spec((), node.spec.dtype, weak=True), node.source)
    return x.recorder.wrap(plain, value.item() if isinstance(value, np.generic) else value)


def linearize(
    function: Callable[..., object],
    arguments: Sequence[object],
    differentiated: Sequence[bool],
    what: str,
    keywords: Mapping[str, object] | None = None,
) -> tuple[Linearized, list[Structure]]:
    """Trace `function` at `arguments` and differentiate it with respect to the marked ones.

    Returns
    -------
    Linearized
    list of Structure
        Containers of the marked arguments.

    Raises
    ------
    DtypeError
        If a marked argument has a leaf that is not a real floating-point value.
    """
    leaves: list[object] = []
    structures = []
    for name, argument, flag in zip(argument_names(function, len(arguments)), arguments, differentiated, strict=True):
        if not flag:
            continue
        more, structure = flatten(argument)
        for leaf, path in zip(more, leaf_paths(structure, name), strict=True):
            _require_real(leaf, path, what)
        structures.append(structure)
        leaves += more
    traced = trace(function, arguments, eager=True, keywords=keywords, only=differentiated)
    back = pull_back(traced.graph, [*[True] * len(leaves), *[False] * len(traced.captures)])
    return Linearized(traced, leaves, back), structures


def _require_real(leaf: object, path: str, what: str) -> None:
    try:
        dtype = spec_of(leaf).dtype
    except DtypeError as error:
        raise DtypeError(f"{what}: argument {path}: {error}", where=path) from None
    if not is_differentiable(dtype):
        instead = "only real floating-point values are differentiated"
        if dtype.kind in "iu":
            instead = (
                f"pass {path}.astype(float)" if isinstance(leaf, (np.ndarray, Traced)) else "pass 2.0 instead of 2"
            )
        raise DtypeError(
            f"{what}: argument {path} has dtype {dtype}, which has no derivative; {instead}", where=path, got=dtype
        )


def value_and_grad(
    fun: Callable[..., object], argnums: ArgumentNumbers = 0, has_aux: bool = False
) -> Callable[..., tuple[object, object]]:
    """Make a function that returns the value of `fun` and its gradient.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with a scalar real result (or a pair of it and anything, with `has_aux`).
    argnums : int or sequence of int
        Which positional arguments to differentiate; each may be nested containers of arrays.
    has_aux : bool
        Whether `fun` returns ``(value, aux)``.

    Returns
    -------
    callable
        ``(value, gradient)``; with `has_aux`, ``((value, aux), gradient)``. For one number in `argnums`
        the gradient is nested as that argument, for a sequence it is a tuple.

    Raises
    ------
    DtypeError
        If an argument is not real floating point.
    ShapeError
        If the value is not a scalar.

    Examples
    --------
    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    numbers, single = argument_numbers(fun, argnums)

    @wraps(fun)
    def differentiated(*arguments: object, **keywords: object) -> tuple[object, object]:
        marked = mark(numbers, len(arguments))
        at, structures = linearize(fun, arguments, marked, "grad", keywords)
        outputs = at.outputs
        spec = at.traced.graph.outputs[0].spec if outputs else Spec((0,), np.dtype(float))
        _require_scalar(spec, at.traced, has_aux)
        one = np.ones((), spec.dtype)[()]
        found = iter(at.pull([one, *[_zeros(node.spec) for node in at.traced.graph.outputs[1:]]]))
        by_number = dict(zip(sorted({n % len(arguments) for n in numbers}), structures, strict=True))
        gradients = {n: unflatten(s, [next(found) for _ in range(s.n_leaves)]) for n, s in by_number.items()}
        wanted = [gradients[n % len(arguments)] for n in numbers]
        return at.traced.result(_plain(outputs, spec)), wanted[0] if single else tuple(wanted)

    return differentiated


def argument_numbers(fun: object, argnums: ArgumentNumbers) -> tuple[list[int], bool]:
    """Return `argnums` as a list, and whether it was one number.

    Raises
    ------
    ParameterError
        If `fun` cannot be called, or `argnums` is not made of integers.
    """
    if not callable(fun):
        raise ParameterError(f"expected a function to differentiate, got {type(fun).__name__}", got=fun)
    single = isinstance(argnums, (int, np.integer))
    numbers = [argnums] if single else argnums
    if not isinstance(numbers, (list, tuple)) or not all(isinstance(n, (int, np.integer)) for n in numbers):
        raise ParameterError(f"argnums must be an int or a sequence of ints, got {argnums!r}", got=argnums)
    return [int(n) for n in cast("Sequence[int]", numbers)], single


def mark(numbers: Sequence[int], count: int) -> list[bool]:
    """Return for each of `count` arguments whether `numbers` names it.

    Raises
    ------
    ParameterError
        If there is no such argument.
    """
    for n in numbers:
        if not -count <= n < count:
            raise ParameterError(f"argnums has {n}, but the function was called with {count} argument(s)", got=n)
    return [i in {n % count for n in numbers} for i in range(count)]


def _require_scalar(spec: Spec, traced: TracedFunction, has_aux: bool) -> None:
    name = traced.graph.name
    if result_structure(traced, has_aux, "grad").kind is not None:
        raise ShapeError(
            f"grad: {name} must return one scalar, got {traced.structure}; pick one entry, or use has_aux=True or "
            "jacobian",
            got=traced.structure,
        )
    if spec.shape != ():
        raise ShapeError(
            f"grad: {name} must return a scalar, got shape {list(spec.shape)}; sum or average it, or use jacobian",
            got=spec.shape,
        )
    if not is_differentiable(spec.dtype):
        raise DtypeError(f"grad: {name} must return a real floating-point number, got {spec.dtype}", got=spec.dtype)


def _zeros(spec: Spec) -> object:
    return np.zeros(spec.shape, spec.dtype)


def _plain(outputs: Sequence[object], spec: Spec) -> list[object]:
    """Return Python floats where only Python floats went in."""
    first = as_number(outputs[0]) if spec.weak else outputs[0]
    return [first, *outputs[1:]]


def grad(fun: Callable[..., object], argnums: ArgumentNumbers = 0, has_aux: bool = False) -> Callable[..., object]:
    """Make a function that returns the gradient of `fun`.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with a scalar real result.
    argnums : int or sequence of int
        Which positional arguments to differentiate; each may be nested containers of arrays.
    has_aux : bool
        Whether `fun` returns ``(value, aux)``; then the result is ``(gradient, aux)``.

    Returns
    -------
    callable
        The gradient, nested as the argument; a tuple if `argnums` is a sequence. A Python float in gives
        a Python float out; an argument that the result does not depend on gives zeros.

    Raises
    ------
    DtypeError
        If an argument is not real floating point.
    ShapeError
        If the value is not a scalar.

    Notes
    -----
    One forward run with its values kept, then one backward: at most about four times the work of `fun`.

    Examples
    --------
    >>> grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2))(-2.0, 5.0, -4.0)
    (-4.0, -4.0, 3.0)
    """
    both = value_and_grad(fun, argnums, has_aux)

    @wraps(fun)
    def gradient(*arguments: object, **keywords: object) -> object:
        value, found = both(*arguments, **keywords)
        return (found, value[1]) if has_aux else found  # type: ignore[index]

    return gradient


def result_structure(traced: TracedFunction, has_aux: bool, what: str) -> Structure:
    """Return how the differentiated result is nested: the whole one, or the first of ``(result, aux)``.

    Raises
    ------
    ShapeError
        If with `has_aux` the function does not return a pair.
    """
    structure = traced.structure
    if not has_aux:
        return structure
    if structure.kind is not tuple or len(structure.children) != 2:
        raise ShapeError(
            f"{what} with has_aux: {traced.graph.name} must return (result, aux), got {structure}", got=structure
        )
    return structure.children[0]


_Pull: TypeAlias = Callable[[object], tuple[object, ...]]


@overload
def vjp(fun: Callable[..., object], *primals: object, has_aux: Literal[False] = False) -> tuple[object, _Pull]: ...
@overload
def vjp(fun: Callable[..., object], *primals: object, has_aux: Literal[True]) -> tuple[object, _Pull, object]: ...
def vjp(
    fun: Callable[..., object], *primals: object, has_aux: bool = False
) -> tuple[object, _Pull] | tuple[object, _Pull, object]:
    """Run `fun` and return its result with the function that pulls cotangents back.

    Parameters
    ----------
    fun : callable
        Plain NumPy code; any nesting of real floating-point results.
    *primals
        The arguments; all are differentiated.
    has_aux : bool
        Whether `fun` returns ``(result, aux)``; then aux is returned too, last.

    Returns
    -------
    result
        ``fun(*primals)``.
    callable
        ``pull(ct)`` -> a tuple with a cotangent for each argument; `ct` is nested as the result.
    aux
        With `has_aux` only.

    Examples
    --------
    >>> y, pull = vjp(lambda x: x * x, 3.0)
    >>> y, pull(1.0)
    (9.0, (6.0,))
    """
    at, structures = linearize(fun, primals, [True] * len(primals), "vjp")
    outputs = at.outputs
    specs = [node.spec for node in at.traced.graph.outputs]
    expected = result_structure(at.traced, has_aux, "vjp")
    n_results = expected.n_leaves
    zeros = [_zeros(spec) for spec in specs[n_results:]]

    def pull(ct: object) -> tuple[object, ...]:
        leaves, structure = flatten(ct)
        if structure != expected:
            raise ShapeError(f"the cotangent must be nested as the result {expected}, got {structure}", got=structure)
        for leaf, spec in zip(leaves, specs[:n_results], strict=True):
            if spec_of(leaf).shape != spec.shape:
                raise ShapeError(
                    f"the cotangent has shape {list(spec_of(leaf).shape)}, the result {list(spec.shape)}",
                    expected=spec.shape,
                    got=spec_of(leaf).shape,
                )
        found = iter(at.pull([*leaves, *zeros]))
        return tuple(unflatten(s, [next(found) for _ in range(s.n_leaves)]) for s in structures)

    result = at.traced.result([as_number(x) if s.weak else x for x, s in zip(outputs, specs, strict=True)])
    return (result[0], pull, result[1]) if has_aux else (result, pull)  # type: ignore[index]
