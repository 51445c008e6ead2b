"""`jit`: trace a function once for the shapes and dtypes of its arguments, then run its graph.

The graph is run by the interpreter. Nested, it is inlined: what it does is recorded by the outer
function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import cast

import numpy as np

from tidu.core.bind import Traced, innermost, spec_of
from tidu.core.spec import Spec
from tidu.errors import ParameterError
from tidu.interpret.program import Program
from tidu.trace.function import TracedFunction, argument_names, as_leaf, trace
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["Jitted", "jit"]


@dataclass(frozen=True, slots=True)
class _Specialized:
    """One traced form of the function, for arguments of certain specs."""

    traced: TracedFunction
    program: Program

    def run(self, leaves: Sequence[object]) -> object:
        outputs = self.program([*leaves, *self.traced.captures])
        nodes = self.traced.graph.outputs
        plain = [_as_spec(x, node.spec) for x, node in zip(outputs, nodes, strict=True)]
        return self.traced.result(plain)


def _exact(static: object) -> object:
    """Return what tells a static argument from others: 1, 1.0 and True are equal to Python, not to NumPy."""
    if isinstance(static, tuple):
        return type(static), tuple(_exact(x) for x in static)
    return type(static), repr(static) if isinstance(static, float) else static


def _as_spec(value: object, spec: Spec) -> object:
    """Return a Python number where plain Python would have given one."""
    if isinstance(value, Traced) or not spec.weak:
        return value
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


class Jitted:
    """A function that is traced once for each combination of shapes and dtypes.

    Made by `jit`.
    """

    def __init__(
        self, function: Callable[..., object], static_argnums: tuple[int, ...], static_argnames: tuple[str, ...] = ()
    ) -> None:
        self.function = function
        self.static_argnums = static_argnums
        self.static_argnames = static_argnames
        self._cache: dict[object, _Specialized] = {}
        update_wrapper(self, function)

    def __call__(self, *arguments: object, **keywords: object) -> object:
        """Run the function, traced on the first call for these specs."""
        fixed = {name: keywords.pop(name) for name in self.static_argnames if name in keywords}
        for n in self.static_argnums:
            if not -len(arguments) <= n < len(arguments):
                raise ParameterError(f"static_argnums has {n}, but {len(arguments)} argument(s) were given", got=n)
        static = {n % len(arguments) for n in self.static_argnums}
        dynamic = [x for i, x in enumerate(arguments) if i not in static]
        leaves, structure = flatten((tuple(dynamic), keywords))
        names = argument_names(self.function, len(arguments))
        _check(leaves, structure, names, static)
        constants = (*((i, arguments[i]) for i in sorted(static)), *sorted(fixed.items()))
        key = (structure, tuple(spec_of(leaf) for leaf in leaves), tuple((i, _exact(x)) for i, x in constants))
        try:
            found = self._cache.get(key)
        except TypeError:
            types = ", ".join(f"{name}: {type(x).__name__}" for name, x in constants)
            raise ParameterError(f"static arguments must be hashable, got {types}", got=constants) from None
        if found is None:
            found = self._specialize(leaves, structure, static, arguments, fixed)
            # A function that looks at an outer trace's values belongs to that trace alone.
            if innermost(found.traced.captures) is None:
                self._cache[key] = found
        return found.run(leaves)

    def _specialize(
        self,
        leaves: Sequence[object],
        structure: Structure,
        static: set[int],
        arguments: Sequence[object],
        fixed: Mapping[str, object],
    ) -> _Specialized:
        names = [n for i, n in enumerate(argument_names(self.function, len(arguments))) if i not in static]

        def rebuilt(*dynamic: object) -> object:
            *positional, keywords = dynamic
            given = iter(positional)
            full = [arguments[i] if i in static else next(given) for i in range(len(arguments))]
            return self.function(*full, **keywords, **fixed)  # type: ignore[arg-type]

        rebuilt.__name__ = getattr(self.function, "__name__", "f")
        specs = cast("tuple[tuple[object, ...], object]", unflatten(structure, [spec_of(leaf) for leaf in leaves]))
        positional, keywords = specs
        traced = trace(rebuilt, [*positional, keywords], eager=False, names=[*names, ""])
        return _Specialized(traced, Program(traced.graph))


def _check(leaves: Sequence[object], structure: Structure, names: Sequence[str], static: set[int]) -> None:
    """Refuse what is not an array, naming the argument."""
    if all(isinstance(leaf, (Traced, np.ndarray, float)) for leaf in leaves) and not any(
        isinstance(leaf, np.ndarray) and leaf.dtype.kind not in "biufc" for leaf in leaves
    ):
        return
    dynamic = [n for i, n in enumerate(names) if i not in static]
    positional, keywords = structure.children
    paths = [p for n, child in zip(dynamic, positional.children, strict=True) for p in leaf_paths(child, n)]
    for leaf, path in zip(leaves, [*paths, *leaf_paths(keywords)], strict=True):
        as_leaf(leaf, path)


def jit(
    fun: Callable[..., object], static_argnums: int | Sequence[int] = (), static_argnames: str | Sequence[str] = ()
) -> Jitted:
    """Make a function that is traced once and then run from its graph.

    Parameters
    ----------
    fun : callable
        Plain NumPy code; pure: what it prints or stores happens only while it is traced.
    static_argnums : int or sequence of int
        Positional arguments that are not traced; they must be hashable, and a new value traces anew.
    static_argnames : str or sequence of str
        The same for arguments given by name.

    Returns
    -------
    callable
        Takes and returns what `fun` does. Shapes and dtypes must be enough to trace it: a branch on a
        traced value is an error that says what to write instead.

    Notes
    -----
    Arrays that `fun` takes from its surroundings are captured when it is traced; a later change of the
    variable is not seen, a change of the array's elements is.

    Examples
    --------
    >>> jit(lambda x: x * 2.0 + 1.0)(3.0)
    7.0
    """
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    return Jitted(fun, static, names)
