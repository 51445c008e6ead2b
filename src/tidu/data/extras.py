"""How is a library that only some formats need brought in, and what is said if it is not installed?"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from tidu.errors import DataError

__all__ = ["needed"]


def needed(module: str, extra: str, what: str) -> ModuleType:
    """Import a module that comes with an extra of tidu.

    Parameters
    ----------
    module : str
        Its name.
    extra : str
        The extra, as in ``pip install 'tidu[extra]'``.
    what : str
        What is to be read, for the message.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        library = module.split(".")[0]
        raise DataError(
            f"reading {what} needs {library}, which is missing or broken; run pip install 'tidu[{extra}]'",
            extra=extra,
            library=library,
        ) from error
