"""A `ScalarBuilder` that computes at once in float64: what a record's native code means, without a compiler."""

from __future__ import annotations

import numpy as np
from scipy import special

_NUMPY_NAMES = {
    "fabs": "abs",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "pow": "power",
    "tidu_logistic": "expit",
}


class Paper:
    """Operations on NumPy's numbers, named as in `tidu.core.emit`."""

    def constant(self, value):
        return np.float64(value)

    def add(self, a, b):
        return a + b

    def sub(self, a, b):
        return a - b

    def mul(self, a, b):
        return a * b

    def div(self, a, b):
        return a / b

    def neg(self, a):
        return -a

    def call(self, function, *operands):
        name = _NUMPY_NAMES.get(function, function)
        return getattr(np if hasattr(np, name) else special, name)(*operands)

    def compare(self, relation, a, b):
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[relation]

    def is_nan(self, a):
        return np.isnan(a)

    def both(self, a, b):
        return a and b

    def either(self, a, b):
        return a or b

    def negate(self, a):
        return not a

    def select(self, condition, a, b):
        return a if condition else b
