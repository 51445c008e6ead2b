"""What can go wrong, one class for each failure that a caller may want to catch.

Every class derives from `TiduError` and from the builtin that fits, and carries its facts as
attributes, so that a program can act on them without reading the message. A message is one clear
line: what was expected, what was given, what to do. This file knows nothing of the library.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "ConvergenceError",
    "DataError",
    "DtypeError",
    "ExpressionError",
    "GradientError",
    "GraphError",
    "InPlaceError",
    "LeakError",
    "ModelFileError",
    "NonFiniteError",
    "ParameterError",
    "ShapeError",
    "TiduError",
    "TiduWarning",
    "TraceError",
    "UnsupportedError",
]


class TiduError(Exception):
    """Base of every error that tidu raises on purpose."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)


class TiduWarning(UserWarning):
    """What works, but probably not as meant: pixels that turn a float32 network into float64, say."""


class ShapeError(TiduError, ValueError):
    """Shapes do not fit each other, or not the operation."""


class DtypeError(TiduError, TypeError):
    """A dtype cannot take part: an integer or complex value is asked for a gradient, say."""


class ParameterError(TiduError, ValueError):
    """An argument has a value outside what its function accepts."""


class TraceError(TiduError, TypeError):
    """Traced code does what a graph cannot hold."""


class UnsupportedError(TraceError):
    """A NumPy function is called on a traced value that tidu has no rule for."""


class InPlaceError(TraceError):
    """Traced code assigns into an array or passes `out=`."""


class LeakError(TraceError):
    """A traced value is used outside the function whose call it belongs to."""


class GraphError(TiduError, ValueError):
    """A graph is not well formed, or its text cannot be parsed."""


class GradientError(TiduError, ValueError):
    """A gradient disagrees with central differences, or does not exist."""


class NonFiniteError(TiduError, FloatingPointError):
    """A NaN or an infinity first appeared in a node."""


class ConvergenceError(TiduError, ArithmeticError):
    """An iteration cannot go on: the loss is not finite, say."""


class BudgetError(TiduError, MemoryError):
    """A memory limit is too small for the work; the message names the least that would do."""


class DataError(TiduError, ValueError):
    """Input data are missing, malformed or inconsistent."""


class ModelFileError(DataError):
    """A model file is damaged, foreign or newer than this version."""


class ExpressionError(TiduError, ValueError):
    """The text of an expression is outside the safe subset."""
