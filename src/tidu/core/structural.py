"""The few operations that recording and differentiation themselves need, by name.

`tidu.ops` registers them; looking them up here keeps every layer below `ops` free of operations.
"""

from __future__ import annotations

from tidu.core.bind import apply, spec_of
from tidu.core.primitive import find
from tidu.core.spec import Dtype, Shape, Spec
from tidu.core.value import Value

__all__ = ["add", "broadcast_to", "choose", "convert", "fit", "move_axis", "reshape", "sum_axes"]


def add(a: object, b: object) -> Value:
    """Return a + b."""
    return apply(find("add"), a, b)


def choose(condition: object, x: object, y: object) -> Value:
    """Return `x` where the condition holds and `y` elsewhere."""
    return apply(find("where"), condition, x, y)


def convert(x: object, dtype: Dtype) -> Value:
    """Return `x` with another dtype."""
    return apply(find("convert"), x, dtype=dtype.name)


def reshape(x: object, shape: Shape) -> Value:
    """Return the elements of `x`, in row-major order, with another shape."""
    return apply(find("reshape"), x, shape=shape)


def broadcast_to(x: object, shape: Shape) -> Value:
    """Return `x` repeated to `shape` by NumPy's rules."""
    return apply(find("broadcast_to"), x, shape=shape)


def move_axis(x: object, source: int, target: int) -> Value:
    """Return `x` with one axis moved (both numbers not negative)."""
    axes = [a for a in range(spec_of(x).ndim) if a != source]
    axes.insert(target, source)
    return apply(find("transpose"), x, axes=tuple(axes))


def sum_axes(x: object, axes: tuple[int, ...]) -> Value:
    """Return the sum over `axes`, which disappear."""
    return apply(find("sum"), x, axis=axes, keepdims=False)


def fit(ct: Value, spec: Spec) -> Value:
    """Sum a broadcast cotangent back to the shape of `spec` and cast it to its dtype.

    This is the one place where broadcasting and promotion are undone, for every primitive.
    """
    shape = spec_of(ct).shape
    if shape != spec.shape:
        extra = len(shape) - spec.ndim
        if extra < 0 or any(a != b and b != 1 for a, b in zip(shape[extra:], spec.shape, strict=True)):
            ct = broadcast_to(ct, spec.shape)
        else:
            stretched = tuple(i + extra for i, n in enumerate(spec.shape) if n == 1 and shape[i + extra] != 1)
            ct = sum_axes(ct, tuple(range(extra)) + stretched)
            if spec_of(ct).shape != spec.shape:
                ct = reshape(ct, spec.shape)
    if spec_of(ct).dtype != spec.dtype:
        ct = convert(ct, spec.dtype)
    return ct
