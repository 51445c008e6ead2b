"""The primitives: one record each, grouped by what they are for.

`declare` has the decorators. Importing this package registers all of them; a new file is found by
itself.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
