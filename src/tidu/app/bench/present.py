"""Is there what a peer needs, found out without importing it?

This file knows no peer.
"""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

__all__ = ["missing"]


def missing(module: str, tools: tuple[str, ...] = (), *, linux_only: bool = False) -> str:
    """Return what is not on this machine; empty if nothing is missing.

    Parameters
    ----------
    module : str
        Name of a top-level module.
    tools : tuple of str
        Programs.
    linux_only : bool
        Whether the system must be Linux.

    Examples
    --------
    >>> missing("numpy"), missing("no_such_module")
    ('', 'no_such_module')
    """
    if linux_only and not sys.platform.startswith("linux"):
        return "Linux"
    if find_spec(module) is None:
        return module
    return ", ".join(tool for tool in tools if shutil.which(tool) is None)
