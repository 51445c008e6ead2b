"""Arrays made after the likeness of a traced one, and questions about shapes and dtypes.

What depends on shape and dtype alone is a plain constant: it carries no gradient.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tidu.core.bind import Traced, shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.spec import Dtype, Shape
from tidu.core.structural import broadcast_to, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError
from tidu.functions.shapes import moveaxis
from tidu.ops.compare import equal, where
from tidu.ops.convert import astype

__all__ = ["full_like", "linspace", "meshgrid", "ones_like", "zeros_like"]


def _like(a: object, dtype: object, shape: object) -> tuple[Shape, Dtype]:
    lengths = shape_of(a) if shape is None else tuple(int(n) for n in np.atleast_1d(cast("ArrayLike", shape)))
    return lengths, spec_of(a).dtype if dtype is None else np.dtype(cast("DTypeLike", dtype))


@implements(np.zeros_like, np.empty_like)
def zeros_like(
    a: object,
    dtype: object = None,
    order: str = "K",
    subok: bool = True,
    shape: object = None,
    *,
    device: object = None,
) -> NDArray[np.generic]:
    """Return zeros of the shape and dtype of `a`."""
    return np.zeros(*_like(a, dtype, shape))


@implements(np.ones_like)
def ones_like(
    a: object,
    dtype: object = None,
    order: str = "K",
    subok: bool = True,
    shape: object = None,
    *,
    device: object = None,
) -> NDArray[np.generic]:
    """Return ones of the shape and dtype of `a`."""
    return np.ones(*_like(a, dtype, shape))


@implements(np.full_like)
def full_like(
    a: object,
    fill_value: object,
    dtype: object = None,
    order: str = "K",
    subok: bool = True,
    shape: object = None,
    *,
    device: object = None,
) -> Value:
    """Return `fill_value`, which may be traced, repeated to the shape of `a` in its dtype."""
    lengths, kind = _like(a, dtype, shape)
    return broadcast_to(astype(fill_value if isinstance(fill_value, Traced) else np.asarray(fill_value), kind), lengths)


@implements(np.copy)
def copy(a: object, order: str = "K", subok: bool = False) -> Value:
    """Return the value itself: it cannot change."""
    return cast("Value", a)


@implements(np.imag)
def imag(val: object) -> NDArray[np.generic]:
    """Return zeros: traced values are real."""
    return zeros_like(val)


@implements(np.linspace)
def linspace(
    start: object,
    stop: object,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: object = None,
    axis: int = 0,
    *,
    device: object = None,
) -> object:
    """Return evenly spaced numbers between bounds that may be traced, along a new axis."""
    if num < 0:
        raise ParameterError(f"linspace: the number of samples must not be negative, got {num}", got=num)
    kind = result_type(start, stop)
    kind = kind if kind.kind == "f" else np.dtype(np.float64)
    first, last = astype(start, kind), astype(stop, kind)
    gaps = num - 1 if endpoint else num
    step = (last - first) / max(gaps, 1)
    count = np.arange(num, dtype=kind).reshape(num, *(1,) * len(shape_of(step)))
    line = first + count * step
    if endpoint and num > 1:
        line = where(count == num - 1, last, line)  # the end is met exactly, as in NumPy
    line = moveaxis(line, 0, normalize_axis(axis, len(shape_of(line)), "linspace"))
    if dtype is not None:
        line = astype(line, dtype)
    return (line, step) if retstep else line


@implements(np.meshgrid)
def meshgrid(*xi: object, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Value, ...]:
    """Return the coordinates of a grid, one array for each vector."""
    if indexing not in ("xy", "ij"):
        raise ParameterError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}", got=indexing)
    rank = len(xi)
    places = [1, 0, *range(2, rank)] if indexing == "xy" and rank > 1 else list(range(rank))
    sizes = [int(np.prod(shape_of(x))) for x in xi]
    lines = [
        reshape(x, tuple(n if i == place else 1 for i in range(rank)))
        for x, n, place in zip(xi, sizes, places, strict=True)
    ]
    if sparse:
        return tuple(lines)
    whole = np.broadcast_shapes(*[shape_of(line) for line in lines])
    return tuple(broadcast_to(line, whole) for line in lines)


@implements(np.shape)
def shape(a: object) -> Shape:
    """Return the shape."""
    return shape_of(a)


@implements(np.ndim)
def ndim(a: object) -> int:
    """Return the number of axes."""
    return len(shape_of(a))


@implements(np.size)
def size(a: object, axis: int | tuple[int, ...] | None = None) -> int:
    """Return the number of elements, in all or along axes."""
    return int(np.size(np.broadcast_to(0, shape_of(a)), axis))


@implements(np.iscomplexobj)
def iscomplexobj(x: object) -> bool:
    """Tell whether the dtype is complex."""
    return spec_of(x).dtype.kind == "c"


@implements(np.isrealobj)
def isrealobj(x: object) -> bool:
    """Tell whether the dtype is real."""
    return not iscomplexobj(x)


def _dtype_of(x: object) -> object:
    """Return what promotion sees of a traced value: its dtype, or a Python number that gives way."""
    if not isinstance(x, Traced):
        return x
    spec = spec_of(x)
    return {"b": False, "i": 0, "f": 0.0}.get(spec.dtype.kind, spec.dtype) if spec.weak else spec.dtype


@implements(np.result_type)
def result_type(*arrays_and_dtypes: object) -> Dtype:
    """Return the dtype that NumPy promotes to."""
    return np.result_type(*cast("list[ArrayLike]", [_dtype_of(x) for x in arrays_and_dtypes]))


@implements(np.can_cast)
def can_cast(from_: object, to: object, casting: str = "safe") -> bool:
    """Tell whether a dtype can become another under a casting rule."""
    origin = spec_of(from_).dtype if isinstance(from_, Traced) else from_
    target = spec_of(to).dtype if isinstance(to, Traced) else to
    return np.can_cast(cast("Dtype", origin), cast("Dtype", target), cast("Literal['safe']", casting))


@implements(np.min_scalar_type)
def min_scalar_type(a: object) -> Dtype:
    """Return the dtype: which smaller one would hold a value is not asked of a traced one."""
    return spec_of(a).dtype


@implements(np.common_type)
def common_type(*arrays: object) -> type[np.generic]:
    """Return the floating dtype that all arrays can become."""
    return cast("type[np.generic]", np.common_type(*[np.empty(0, spec_of(x).dtype) for x in arrays]))


@implements(np.array_equal)
def array_equal(a1: object, a2: object, equal_nan: bool = False) -> object:
    """Tell whether shapes and all elements are equal; the answer is traced where elements decide."""
    return array_equiv(a1, a2, equal_nan=equal_nan) if shape_of(a1) == shape_of(a2) else False


@implements(np.array_equiv)
def array_equiv(a1: object, a2: object, *, equal_nan: bool = False) -> object:
    """Tell whether all elements are equal after broadcasting; the answer is traced where elements decide."""
    try:
        np.broadcast_shapes(shape_of(a1), shape_of(a2))
    except ValueError:
        return False
    same = equal(a1, a2)
    if equal_nan:
        same = same | (~equal(a1, a1) & ~equal(a2, a2))
    return np.all(same)  # type: ignore[call-overload]


@implements(np.allclose)
def allclose(a: object, b: object, rtol: object = 1e-5, atol: object = 1e-8, equal_nan: bool = False) -> object:
    """Tell whether all elements are close; the answer is traced."""
    return np.all(np.isclose(a, b, rtol, atol, equal_nan))  # type: ignore[call-overload]


@implements(np.tril_indices_from)
def tril_indices_from(arr: object, k: int = 0) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the lower triangle."""
    rows, columns = shape_of(arr)
    return np.tril_indices(rows, k, columns)


@implements(np.triu_indices_from)
def triu_indices_from(arr: object, k: int = 0) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the upper triangle."""
    rows, columns = shape_of(arr)
    return np.triu_indices(rows, k, columns)


@implements(np.diag_indices_from)
def diag_indices_from(arr: object) -> tuple[NDArray[np.intp], ...]:
    """Return the indices of the main diagonal."""
    return np.diag_indices_from(np.broadcast_to(0, shape_of(arr)))
