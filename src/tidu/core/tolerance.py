"""How far two computations of the same value may lie apart: one table, a row for each dtype.

Read by `check_grads` and by the test suite; nothing else has tolerances of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidu.core.spec import Dtype
from tidu.errors import DtypeError

__all__ = ["Tolerance", "tolerance"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Tolerances of one dtype, relative to the size of what is compared.

    Parameters
    ----------
    value : float
        Two ways of computing one value.
    gradient : float
        A derivative against a central difference.
    second : float
        A second derivative against a central difference of the first.
    step : float
        Step of the difference: the cube root of the dtype's precision balances rounding against
        truncation (Nocedal & Wright, Numerical Optimization, section 8.1).
    """

    value: float
    gradient: float
    second: float
    step: float


_TABLE = {
    np.dtype(np.float64): Tolerance(value=1e-12, gradient=1e-7, second=1e-6, step=6e-6),
    np.dtype(np.float32): Tolerance(value=2e-6, gradient=2e-2, second=1e-1, step=5e-3),
    np.dtype(np.float16): Tolerance(value=4e-3, gradient=2e-1, second=1.0, step=1e-1),
}


def tolerance(dtype: Dtype) -> Tolerance:
    """Return the tolerances of `dtype`.

    Raises
    ------
    DtypeError
        If it is not a floating dtype of the table.

    Examples
    --------
    >>> tolerance(np.dtype("float64")).step
    6e-06
    """
    try:
        return _TABLE[np.dtype(dtype)]
    except KeyError:
        raise DtypeError(f"no tolerance is known for {dtype}; use float64, float32 or float16", got=dtype) from None
