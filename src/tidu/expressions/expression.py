"""A parsed expression as a function of its variables, for plain numbers, arrays and traced values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tidu.errors import ExpressionError
from tidu.expressions.parse import Program, compile_statements
from tidu.expressions.screen import split_statements

__all__ = ["Expression", "Notice", "parse_expression"]

Notice = Callable[[str, str, object], None]
"""``notice(text, name, value)``: called with each sub-expression's text, the name it is assigned to, its value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula in named variables.

    Parameters
    ----------
    text : str
        As it was written.
    names : tuple of str
        The free variables, in order of appearance.
    program : Program
        What it computes.

    Examples
    --------
    >>> f = parse_expression("q = x + y; q * z")
    >>> f.names, f(x=-2.0, y=5.0, z=-4.0)
    (('x', 'y', 'z'), -12.0)
    """

    text: str
    names: tuple[str, ...]
    program: Program = field(repr=False)

    def __call__(self, **values: object) -> object:
        """Return the value for these values of the variables.

        Raises
        ------
        ExpressionError
            If a variable has no value, or a value no variable.
        """
        return self.run(values)

    def run(self, values: dict[str, object], notice: Notice | None = None) -> object:
        """Return the value, telling `notice` of every sub-expression on the way."""
        self.require_names(values)
        named = {slot: name for name, slot in self.program.results if name}
        found: list[object] = []
        with np.errstate(all="ignore"):  # an infinite or undefined value is that value, not a warning
            for slot, step in enumerate(self.program.instructions):
                if step.variable:
                    value = values[step.variable]
                elif step.call is None:
                    value = step.constant
                else:
                    value = step.call(*[found[operand] for operand in step.operands])
                found.append(value)
                if notice is not None and step.call is not None:
                    notice(step.text, named.get(slot, ""), value)
        result = found[self.program.results[-1][1]]
        plain = all(isinstance(value, (bool, int, float)) for value in values.values())
        return result.item() if plain and isinstance(result, np.generic) else result

    def function(self) -> Callable[..., object]:
        """Return a function with the variables as its parameters, in order, that `tidu.grad` can trace.

        Examples
        --------
        >>> import tidu
        >>> tidu.grad(parse_expression("x * x").function())(3.0)
        6.0
        """
        signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in self.names]
        )

        def f(*args: object, **kwargs: object) -> object:
            return self.run(signature.bind(*args, **kwargs).arguments)

        f.__signature__ = signature  # type: ignore[attr-defined]
        f.__doc__ = self.text
        return f

    def require_names(self, values: dict[str, object]) -> None:
        """Check that `values` has every variable and nothing else.

        Raises
        ------
        ExpressionError
            Naming the first that is missing or too many.
        """
        has = f"the variables are {', '.join(self.names)}" if self.names else "it has no variables"
        for name in self.names:
            if name not in values:
                raise ExpressionError(f"{name!r} has no value; {has}, write, say, {name}=1.0", missing=name)
        for name in values:
            if name not in self.names:
                raise ExpressionError(f"the expression has no variable {name!r}; {has}", got=name, expected=self.names)


def parse_expression(text: str, names: Sequence[str] | None = None) -> Expression:
    """Read a formula; it is never run as Python.

    Parameters
    ----------
    text : str
        Numbers, names, ``+ - * / ** %``, parentheses, comparisons, lists of numbers, and calls of known
        functions, bare or as ``np.exp``. ``q = x + y; q * z`` names an intermediate value.
    names : sequence of str, optional
        The variables that may occur; by default any.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        In one line, with the column of what is outside this subset and what is allowed there.

    Examples
    --------
    >>> parse_expression("sin(3*x)")(x=0.0)
    0.0
    >>> parse_expression("__import__('os')")
    Traceback (most recent call last):
    tidu.errors.ExpressionError: column 1 of "__import__('os')": a name starts with a letter ...
    """
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is a text, got {type(text).__name__}", got=type(text))
    program = compile_statements(text, split_statements(text), names)
    return Expression(text.strip(), program.names, program)
