"""`jit`: trace a function once for the shapes and dtypes of its arguments, then run its graph as native code.

Nested, it is inlined: what it does is recorded by the outer function. A function that has been called with
arguments of the same form before is called the quick way, without a look at the arguments in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import cast

import numpy as np

from tidu import config
from tidu.compile.calling import MISS, Call, describe
from tidu.compile.program import CompiledProgram
from tidu.core.bind import Traced, innermost, spec_of
from tidu.errors import ParameterError
from tidu.interpret.program import Program
from tidu.native.locks import Lock
from tidu.trace.function import TracedFunction, argument_names, as_leaf, trace
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["Jitted", "Specialized", "jit"]

_QUICK_FORMS = 4
"""So many forms of arguments are tried in turn before the shapes and dtypes are looked up."""


class Specialized:
    """One traced form of the function, for arguments of certain specs.

    Parameters
    ----------
    traced : TracedFunction
        The function's graph.
    """

    def __init__(self, traced: TracedFunction) -> None:
        self.traced = traced
        self._lock = Lock()
        self._compiled: CompiledProgram | None = None
        self._plain: Program | None = None
        self._calls: dict[tuple[int, ...], Call | None] = {}

    def run(self, leaves: Sequence[object]) -> object:
        """Return the nested results for these leaves of the arguments."""
        inputs = [*leaves, *self.traced.captures]
        if innermost(inputs) is None:
            return self.traced.result(self.compiled()(inputs))
        if self._plain is None:
            self._plain = Program(self.traced.graph)
        return self.traced.result(self._plain(inputs))

    def compiled(self) -> CompiledProgram:
        """Return the native code, made when it is first asked for."""
        if self._compiled is None:
            with self._lock:
                if self._compiled is None:
                    self._compiled = CompiledProgram(self.traced.graph, self.traced.captures)
        return self._compiled

    def quick(self, leaves: Sequence[object], structure: Structure) -> Call | None:
        """Return the quick way to call it with arguments of this form, where there is one."""
        if self._compiled is None:
            return None
        layout = describe(leaves, structure)
        if layout is None:
            return None
        key = layout.key
        if key not in self._calls:
            call = self._compiled.call_for(layout, structure, self.traced.captures, self.traced.structure)
            self._calls.setdefault(key, call)
        return self._calls[key]


def _exact(static: object) -> object:
    """Return what tells a static argument from others: 1, 1.0 and True are equal to Python, not to NumPy."""
    if isinstance(static, tuple):
        return type(static), tuple(_exact(x) for x in static)
    return type(static), repr(static) if isinstance(static, float) else static


class Jitted:
    """A function that is traced once for each combination of shapes and dtypes.

    Made by `jit`.
    """

    def __init__(
        self, function: Callable[..., object], static_argnums: tuple[int, ...], static_argnames: tuple[str, ...] = ()
    ) -> None:
        # Not its attributes: those of the gradient of a jitted function are that function's own.
        update_wrapper(self, function, updated=())
        self.function = function
        self.static_argnums = static_argnums
        self.static_argnames = static_argnames
        self._cache: dict[object, Specialized] = {}
        self._static = bool(static_argnums or static_argnames)
        # Each takes arguments of one form; the last one that was missed stands first.
        self._quick: tuple[Call, ...] = ()

    def __call__(self, *arguments: object, **keywords: object) -> object:
        """Run the function, traced and compiled on the first call for these specs."""
        if not keywords and not config.check_finite:
            for call in self._quick:
                result = call(arguments)
                if result is not MISS:
                    return result
        found, leaves, structure = self.specialized(arguments, keywords)
        result = found.run(leaves)
        if not keywords and not self._static:
            self._remember(found.quick(leaves, structure.children[0]))
        return result

    def _remember(self, quick: Call | None) -> None:
        if quick is not None:
            self._quick = (quick, *[call for call in self._quick if call is not quick][: _QUICK_FORMS - 1])

    def specialized(
        self, arguments: Sequence[object], keywords: Mapping[str, object]
    ) -> tuple[Specialized, list[object], Structure]:
        """Return the function's traced form for these arguments, their leaves, and how these are nested."""
        fixed = {name: keywords[name] for name in self.static_argnames if name in keywords}
        named = {name: value for name, value in keywords.items() if name not in fixed}
        for n in self.static_argnums:
            if not -len(arguments) <= n < len(arguments):
                raise ParameterError(f"static_argnums has {n}, but {len(arguments)} argument(s) were given", got=n)
        static = {n % len(arguments) for n in self.static_argnums}
        dynamic = [x for i, x in enumerate(arguments) if i not in static]
        leaves, structure = flatten((tuple(dynamic), named))
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
                found = self._cache.setdefault(key, found)
        return found, leaves, structure

    def _specialize(
        self,
        leaves: Sequence[object],
        structure: Structure,
        static: set[int],
        arguments: Sequence[object],
        fixed: Mapping[str, object],
    ) -> Specialized:
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
        return Specialized(traced)


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
    """Make a function that is traced once and then runs as native code.

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
    It is traced and compiled at the first call with arguments of certain shapes, dtypes and containers; the
    machine code is kept on disk for the next process (see `tidu.native.cache`). Operations without native code,
    such as those of LAPACK, run through NumPy between native pieces; `tidu.explain_plan` lists them. Several
    threads share the work where there is enough of it, and several Python threads may call at once.

    Results agree with those of `fun` to rounding: sums are taken in another order, and mathematically equal
    forms that overflow later replace those that overflow. They never share memory with arguments. NumPy's
    warnings are not given; an index out of range is an error as ever. Under ``tidu.config.check_finite``
    everything runs through NumPy.

    Arrays that `fun` takes from its surroundings are captured when it is traced; a later change of the
    variable is not seen, a change of the array's elements is, except of those that say which elements to take
    (indices and masks): these are read when it is traced.

    A call with floats, or nested dicts, lists and tuples of them and of contiguous arrays, costs about two
    microseconds; keywords, static arguments and other containers some ten times that.

    Examples
    --------
    >>> jit(lambda x: x * 2.0 + 1.0)(3.0)
    7.0
    """
    static = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    return Jitted(fun, static, names)
