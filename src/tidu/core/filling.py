"""When are the registry of primitives and the table of functions filled? At the first look into one of them.

So `import tidu` waits for none of the packages that fill them. `tidu` itself says which those are: this
layer knows no package above it.
"""

from __future__ import annotations

from importlib import import_module

__all__ = ["fill", "filled_by"]

_waiting: list[str] = []


def filled_by(*packages: str) -> None:
    """Name packages to be imported, in this order, before something is looked up."""
    _waiting.extend(packages)


def fill() -> None:
    """Import what is still waiting; costs nothing once it is done."""
    if _waiting:
        for package in tuple(_waiting):
            import_module(package)
        _waiting.clear()  # only now: another thread that looks something up meanwhile waits for the imports too
