"""How is a table printed: on lines as long as it needs. A narrow terminal breaks them, a file keeps them whole."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

__all__ = ["print_table"]

_WIDEST = 1000


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    Console(file=sys.stdout, highlight=False, width=_WIDEST).print(table)
