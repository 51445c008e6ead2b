"""NumPy's functions that are composed of primitives.

Importing this package fills the table that `tidu.trace` looks functions up in; a new file is found by
itself.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
