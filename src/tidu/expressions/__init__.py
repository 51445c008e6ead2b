"""Formulas that a person types, as functions: read on a strict allow-list, never run as Python.

`vocabulary` lists what may be called, `screen` refuses what is not arithmetic before anything is
parsed, `parse` turns the rest into a straight-line program, `expression` runs that program on plain or
traced values, `assignment` reads ``x=-2``.
"""

from __future__ import annotations

from tidu.expressions.assignment import parse_assignment
from tidu.expressions.expression import Expression, parse_expression

__all__ = ["Expression", "parse_assignment", "parse_expression"]
