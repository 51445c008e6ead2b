"""Where do the elements of a value lie?

Movement costs nothing where it is index arithmetic: a transposed, broadcast or sliced value is the same
buffer with other strides. This file knows no graph and no code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tidu.core.spec import Shape
from tidu.native.loops import Access, Constant, Operand, collapse

__all__ = ["Buffer", "Uniform", "Value", "View", "broadcast_to", "operand", "reshape", "transpose", "window"]


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """A piece of memory that one value is written to, once.

    Parameters
    ----------
    n_bytes : int
        Its size.
    given : int or None
        The number of the graph's input that it is; None of memory that the plan provides.
    """

    n_bytes: int
    given: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A value in memory.

    Parameters
    ----------
    buffer : Buffer
        Where.
    dtype : str
        Of an element.
    shape, strides : tuple of int
        Length of each axis, and elements from one position to the next.
    offset : int
        Elements before the first one.
    """

    buffer: Buffer
    dtype: str
    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0

    @classmethod
    def whole(cls, buffer: Buffer, dtype: str, shape: Shape) -> View:
        """Return all of a buffer, in row-major order."""
        return cls(buffer, dtype, shape, _row_major(shape))

    @property
    def distance(self) -> int:
        """Bytes before the first element."""
        return self.offset * np.dtype(self.dtype).itemsize

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after the other in row-major order."""
        return 0 in self.shape or all(
            n == 1 or stride == expected
            for n, stride, expected in zip(self.shape, self.strides, _row_major(self.shape), strict=True)
        )

    @property
    def fills_its_buffer(self) -> bool:
        """Whether the buffer holds this value and nothing else."""
        n_bytes = int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize
        return self.contiguous and self.offset == 0 and n_bytes == self.buffer.n_bytes


@dataclass(frozen=True, slots=True)
class Uniform:
    """A value whose elements are all one number, known when the code is made."""

    number: float
    dtype: str
    shape: Shape


Value: TypeAlias = View | Uniform


def broadcast_to(x: Value, shape: Shape) -> Value:
    """Return `x` repeated to `shape` by NumPy's rules."""
    if isinstance(x, Uniform):
        return replace(x, shape=shape)
    extra = len(shape) - len(x.shape)
    own = (0 if n == 1 else stride for n, stride in zip(x.shape, x.strides, strict=True))
    return replace(x, shape=shape, strides=(*(0,) * extra, *own))


def transpose(x: Value, axes: tuple[int, ...]) -> Value:
    """Return `x` with its axes permuted."""
    shape = tuple(x.shape[a] for a in axes)
    if isinstance(x, Uniform):
        return replace(x, shape=shape)
    return replace(x, shape=shape, strides=tuple(x.strides[a] for a in axes))


def window(x: Value, start: Shape, size: Shape, step: Shape) -> Value:
    """Return `size` elements of each axis, from `start`, every `step`-th one."""
    if isinstance(x, Uniform):
        return replace(x, shape=size)
    offset = x.offset + sum(s * stride for s, stride in zip(start, x.strides, strict=True))
    strides = tuple(d * stride for d, stride in zip(step, x.strides, strict=True))
    return replace(x, shape=size, strides=strides, offset=x.offset if 0 in size else offset)


def reshape(x: Value, shape: Shape) -> Value | None:
    """Return `x` in another shape, or None where its elements do not lie so that strides can say it.

    Axes that can be walked as one are joined first and then cut anew.
    """
    if isinstance(x, Uniform):
        return replace(x, shape=shape)
    if 0 in shape:
        return replace(x, shape=shape, strides=_row_major(shape))
    lengths, (joined,) = collapse(x.shape, [Access(x.dtype, x.strides)])
    parts = list(zip(lengths, joined.strides, strict=True))
    strides: list[int] = []
    left, stride = 1, 0
    for n in reversed(shape):
        if n == 1:
            strides.append(0)
            continue
        if left == 1:
            left, stride = parts.pop()
        if left % n:
            return None
        strides.append(stride)
        left, stride = left // n, stride * n
    return replace(x, shape=shape, strides=tuple(reversed(strides)))


def operand(x: Value) -> Operand:
    """Return how a kernel reads `x`."""
    return Constant(x.number) if isinstance(x, Uniform) else Access(x.dtype, x.strides)


def _row_major(shape: Shape) -> tuple[int, ...]:
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
