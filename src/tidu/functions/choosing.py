"""Values chosen by conditions: where, piecewise functions, membership."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from tidu.core.bind import Traced, shape_of, spec_of
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.functions.indexing import nonzero
from tidu.functions.shapes import ravel
from tidu.ops.compare import equal, not_equal
from tidu.ops.compare import where as choose
from tidu.ops.logic import logical_not
from tidu.ops.reduce import any_

__all__ = ["isin", "piecewise", "where"]


@implements(np.where)
def where(condition: object, *choices: object) -> object:
    """Return the first choice where the condition holds and the second elsewhere; alone, where it holds.

    Notes
    -----
    The condition has no part in the result's dtype.

    Examples
    --------
    >>> int(where(2.0, 1, 0))
    1
    """
    if not choices:
        return nonzero(condition)
    if len(choices) != 2:
        raise ParameterError(f"where: either both or neither of x and y should be given, got {len(choices)}", got=1)
    holds = condition if spec_of(condition).dtype.kind == "b" else not_equal(condition, 0)
    return choose(holds, *choices)


@implements(np.piecewise)
def piecewise(x: object, condlist: object, funclist: Sequence[object], *arguments: object, **keywords: object) -> Value:
    """Return for each element the result of the function whose condition holds, the last one that does.

    Parameters
    ----------
    x : array_like
    condlist : sequence of boolean arrays
    funclist : sequence of callable or number
        One more than there are conditions gives the value elsewhere, which is 0 otherwise.

    Notes
    -----
    A function is called on all elements, not only on the chosen ones as by NumPy.

    Examples
    --------
    >>> piecewise(np.array([-1.0, 2.0]), [np.array([True, False])], [lambda t: -t, 5.0])
    array([1., 5.])
    """
    single = not isinstance(condlist, (list, tuple)) or (
        len(condlist) > 0 and not shape_of(condlist[0]) and bool(shape_of(x))
    )
    conditions = [condlist] if single else list(cast("Sequence[object]", condlist))
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        otherwise = functions.pop()
    elif len(functions) == len(conditions):
        otherwise = 0
    else:
        raise ParameterError(
            f"piecewise: {len(conditions)} condition(s) take {len(conditions)} or {len(conditions) + 1} functions, got "
            f"{len(functions)}",
            expected=len(conditions),
            got=len(functions),
        )
    dtype, shape = spec_of(x).dtype, shape_of(x)

    def valued(function: object) -> Value:
        value = cast("Callable[..., object]", function)(x, *arguments, **keywords) if callable(function) else function
        return broadcast_to(convert(value if isinstance(value, Traced) else np.asarray(value), dtype), shape)

    found = valued(otherwise)
    for condition, function in zip(conditions, functions, strict=True):
        found = choose(condition if isinstance(condition, Traced) else np.asarray(condition), valued(function), found)
    return found


@implements(np.isin)
def isin(
    element: object, test_elements: object, assume_unique: bool = False, invert: bool = False, *, kind: object = None
) -> Value:
    """Return whether each element is among others.

    Examples
    --------
    >>> isin(np.array([1.0, 2.0]), np.array([2.0]))
    array([False,  True])
    """
    others = ravel(test_elements if isinstance(test_elements, Traced) else np.asarray(test_elements))
    single = reshape(element if isinstance(element, Traced) else np.asarray(element), (*shape_of(element), 1))
    found = any_(equal(single, others), axis=-1)
    return logical_not(found) if invert else found
