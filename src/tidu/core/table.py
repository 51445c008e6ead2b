"""Which function of ours answers which function of NumPy.

`tidu.ops` and `tidu.functions` fill the table, `tidu.trace` looks functions up in it; so neither
needs to know the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

__all__ = ["implementation", "implementations", "implements"]

F = TypeVar("F", bound=Callable[..., object])

_table: dict[Callable[..., object], Callable[..., object]] = {}


def implements(*numpy_functions: Callable[..., object]) -> Callable[[F], F]:
    """Make the decorated function the answer to `numpy_functions` on traced values."""

    def register(function: F) -> F:
        for numpy_function in numpy_functions:
            _table[numpy_function] = function
        return function

    return register


def implementation(numpy_function: Callable[..., object]) -> Callable[..., object] | None:
    """Return what answers `numpy_function`, or None."""
    return _table.get(numpy_function)


def implementations() -> Mapping[Callable[..., object], Callable[..., object]]:
    """Return the whole table."""
    return _table
