"""What is known of a value before it is computed: its shape and its dtype.

Shapes and dtypes follow NumPy 2 (NEP 50): a Python number is *weak*, it takes the dtype of the
arrays that it meets. This file knows nothing of graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from tidu.errors import DtypeError

__all__ = ["Dtype", "Shape", "Spec", "is_differentiable", "result_dtype"]

Shape: TypeAlias = tuple[int, ...]
Dtype: TypeAlias = np.dtype[np.generic]

_WEAK_EXAMPLES: dict[str, bool | int | float | complex] = {"b": False, "i": 0, "u": 0, "f": 0.0, "c": 0j}


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of a value.

    Parameters
    ----------
    shape : tuple of int
        Length of each axis.
    dtype : numpy.dtype
        A boolean, integer, floating or complex dtype.
    weak : bool
        True of a Python number: its dtype gives way to that of any array.

    Examples
    --------
    >>> str(Spec((3, 1), np.dtype("float32")))
    'float32[3,1]'
    >>> str(Spec.of(2.0))
    'float64*[]'
    """

    shape: Shape
    dtype: Dtype
    weak: bool = False

    @classmethod
    def of(cls, value: object) -> Spec:
        """Return the spec of an array or a number.

        Raises
        ------
        DtypeError
            If the value is not made of numbers or booleans.
        """
        if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
            return cls((), np.result_type(type(value)), weak=True)
        array = value if isinstance(value, (np.ndarray, np.generic)) else np.asarray(value)
        if array.dtype.kind not in "biufc":
            raise DtypeError(
                f"expected numbers or booleans, got {type(value).__name__} of dtype {array.dtype}", got=array.dtype
            )
        return cls(array.shape, array.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """Bytes of a contiguous array with this spec."""
        return self.size * self.dtype.itemsize

    @property
    def strong(self) -> Spec:
        """The same shape and dtype, no longer giving way."""
        return Spec(self.shape, self.dtype) if self.weak else self

    def __str__(self) -> str:
        return f"{self.dtype.name}{'*' if self.weak else ''}[{','.join(map(str, self.shape))}]"


def is_differentiable(dtype: Dtype) -> bool:
    """Tell whether values of `dtype` carry gradients: real floating point only."""
    return dtype.kind == "f"


@lru_cache(maxsize=4096)
def result_dtype(specs: tuple[Spec, ...]) -> Dtype:
    """Return the dtype that NumPy promotes operands with these `specs` to."""
    strong = [spec.dtype for spec in specs if not spec.weak]
    weak = [_WEAK_EXAMPLES[spec.dtype.kind] for spec in specs if spec.weak]
    if not strong:
        return np.result_type(*[np.result_type(type(value)) for value in weak])
    return np.result_type(*strong, *weak)
