"""What may an expression call, and by which name. Everything here is a NumPy function that can be traced."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import special

__all__ = ["COMPARISONS", "CONSTANTS", "FUNCTIONS", "OPERATORS", "SIGNS", "Function", "is_reserved"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that an expression may call.

    Parameters
    ----------
    call : callable
        What is called, with positional arguments only.
    least, most : int
        How many arguments it takes.
    """

    call: Callable[..., object]
    least: int = 1
    most: int = 1


_MANY = 20


def _largest(*operands: object) -> object:
    largest: Callable[..., object] = np.max
    return largest(operands[0]) if len(operands) == 1 else reduce(np.maximum, operands)  # type: ignore[arg-type]


def _smallest(*operands: object) -> object:
    smallest: Callable[..., object] = np.min
    return smallest(operands[0]) if len(operands) == 1 else reduce(np.minimum, operands)  # type: ignore[arg-type]


def _relu(x: object) -> object:
    return np.where(x > 0.0, x, 0.0)  # type: ignore[call-overload, operator]


def _softplus(x: object) -> object:
    return np.logaddexp(x, 0.0)  # type: ignore[call-overload]


_OF_ONE: tuple[Callable[..., object], ...] = (
    *(np.exp, np.expm1, np.log, np.log1p, np.sqrt, np.cbrt, np.square, np.reciprocal, np.sign),
    *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan),
    *(np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh),
    *(np.sum, np.mean),
)
FUNCTIONS: Mapping[str, Function] = {
    **{function.__name__: Function(function) for function in _OF_ONE},
    "abs": Function(np.abs),
    "asin": Function(np.arcsin),
    "acos": Function(np.arccos),
    "atan": Function(np.arctan),
    "sigmoid": Function(special.expit),
    "erf": Function(special.erf),
    "relu": Function(_relu),
    "softplus": Function(_softplus),
    "max": Function(_largest, 1, _MANY),
    "min": Function(_smallest, 1, _MANY),
    "maximum": Function(np.maximum, 2, 2),
    "minimum": Function(np.minimum, 2, 2),
    "power": Function(np.power, 2, 2),
    "arctan2": Function(np.arctan2, 2, 2),
    "hypot": Function(np.hypot, 2, 2),
    "dot": Function(np.dot, 2, 2),
    "where": Function(np.where, 3, 3),
}
CONSTANTS: Mapping[str, float] = {"pi": np.pi, "e": np.e}
OPERATORS: Mapping[type[ast.operator], Callable[..., object]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.Mod: np.remainder,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[..., object]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
SIGNS: Mapping[type[ast.unaryop], Callable[..., object]] = {ast.USub: np.negative, ast.UAdd: np.positive}


def is_reserved(name: str) -> bool:
    """Tell whether `name` already means a function or a constant, and so cannot be a variable."""
    return name in FUNCTIONS or name in CONSTANTS or name == "np"
