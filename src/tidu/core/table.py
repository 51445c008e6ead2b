"""Which function of ours answers which function of NumPy or SciPy.

`tidu.ops` and `tidu.functions` fill the table, `tidu.trace` looks functions up in it; so neither
needs to know the other, and neither is imported before the first look-up. SciPy's functions are
entered by name, so that nothing imports SciPy before the user does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from tidu.core.filling import fill

__all__ = ["implementation", "implementations", "implements", "implements_named"]

F = TypeVar("F", bound=Callable[..., object])

_table: dict[Callable[..., object], Callable[..., object]] = {}
_named: dict[str, tuple[str, Callable[..., object]]] = {}


def implements(*numpy_functions: Callable[..., object]) -> Callable[[F], F]:
    """Make the decorated function the answer to `numpy_functions` on traced values."""

    def register(function: F) -> F:
        for numpy_function in numpy_functions:
            _table[numpy_function] = function
        return function

    return register


def implements_named(module: str, *names: str) -> Callable[[F], F]:
    """Make the decorated function the answer to functions of a module that need not be imported yet.

    Parameters
    ----------
    module : str
        Such as ``"scipy.special"``.
    *names : str
        Names of functions in it.
    """

    def register(function: F) -> F:
        for name in names:
            _named[name] = (module, function)
        return function

    return register


def implementation(numpy_function: Callable[..., object]) -> Callable[..., object] | None:
    """Return what answers `numpy_function`, or None."""
    fill()
    found = _table.get(numpy_function)
    return _find_named(numpy_function) if found is None else found


def _find_named(function: Callable[..., object]) -> Callable[..., object] | None:
    """Look a function up by name, and enter it if it is the very one that its module holds."""
    name = getattr(function, "__name__", "")
    if name not in _named:
        return None
    module, answer = _named[name]
    if getattr(sys.modules.get(module), name, None) is not function:
        return None
    _table[function] = answer
    return answer


def implementations() -> Mapping[Callable[..., object], Callable[..., object]]:
    """Return the whole table; what is entered by name joins it at its first use."""
    fill()
    return _table
