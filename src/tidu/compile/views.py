"""Where do the elements of a value lie?

Movement costs nothing where it is index arithmetic: a transposed, broadcast or sliced value is the same
buffer with other strides. This file knows no graph and no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tidu.core.graph import Node
from tidu.core.spec import Shape

__all__ = [
    "Buffer",
    "Ramp",
    "Strided",
    "Uniform",
    "View",
    "broadcast_strided",
    "collapse",
    "reshape_strided",
    "row_major",
    "transpose_strided",
    "window_strided",
]


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """A piece of memory that one value is written to, once.

    Parameters
    ----------
    n_bytes : int
        Its size.
    given : int or None
        The number of the graph's input that it is; None of memory that the plan provides.
    node : Node, optional
        Whose value it is.
    """

    n_bytes: int
    given: int | None = None
    node: Node | None = None

    @property
    def name(self) -> str:
        """What the user calls the value, or an empty string; it takes a look at the source file."""
        return self.node.name if self.node is not None else ""


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
        return cls(buffer, dtype, shape, row_major(shape))

    @property
    def distance(self) -> int:
        """Bytes before the first element."""
        return self.offset * np.dtype(self.dtype).itemsize

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after the other in row-major order."""
        return 0 in self.shape or all(
            n == 1 or stride == expected
            for n, stride, expected in zip(self.shape, self.strides, row_major(self.shape), strict=True)
        )

    @property
    def fills_its_buffer(self) -> bool:
        """Whether the buffer holds this value and nothing else."""
        n_bytes = int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize
        return self.contiguous and self.offset == 0 and n_bytes == self.buffer.n_bytes


@dataclass(frozen=True, slots=True)
class Ramp:
    """Integers that rise by fixed steps along each axis, as `np.arange` gives them; they need no memory."""

    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0
    dtype: str = "int64"


@dataclass(frozen=True, slots=True)
class Uniform:
    """A value whose elements are all one number, known when the code is made."""

    number: float
    dtype: str
    shape: Shape


Strided: TypeAlias = View | Ramp


def broadcast_strided(x: Strided, shape: Shape) -> Strided:
    """Return `x` repeated to `shape` by NumPy's rules."""
    extra = len(shape) - len(x.shape)
    own = (0 if n == 1 else stride for n, stride in zip(x.shape, x.strides, strict=True))
    return replace(x, shape=shape, strides=(*(0,) * extra, *own))


def transpose_strided(x: Strided, axes: Sequence[int]) -> Strided:
    """Return `x` with its axes permuted."""
    return replace(x, shape=tuple(x.shape[a] for a in axes), strides=tuple(x.strides[a] for a in axes))


def window_strided(x: Strided, start: Sequence[int], size: Shape, step: Sequence[int]) -> Strided:
    """Return `size` elements of each axis, from `start`, every `step`-th one."""
    offset = x.offset + sum(s * stride for s, stride in zip(start, x.strides, strict=True))
    strides = tuple(d * stride for d, stride in zip(step, x.strides, strict=True))
    return replace(x, shape=size, strides=strides, offset=x.offset if 0 in size else offset)


def reshape_strided(x: Strided, shape: Shape) -> Strided | None:
    """Return `x` in another shape, or None where its elements do not lie so that strides can say it.

    Axes that can be walked as one are joined first and then cut anew.
    """
    if 0 in shape:
        return replace(x, shape=shape, strides=row_major(shape))
    lengths, (joined,) = collapse(x.shape, [x.strides])
    parts = list(zip(lengths, joined, strict=True))
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


def collapse(shape: Shape, arrays: Sequence[tuple[int, ...]]) -> tuple[Shape, list[tuple[int, ...]]]:
    """Drop axes of length one, and join neighbors that every array, given by its strides, can walk as one.

    Examples
    --------
    >>> collapse((2, 1, 3), [(3, 9, 1), (0, 0, 0)])
    ((6,), [(1,), (0,)])
    """
    lengths: list[int] = []
    steps: list[list[int]] = [[] for _ in arrays]
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        joined = bool(lengths) and all(
            step[-1] == strides[axis] * length for step, strides in zip(steps, arrays, strict=True)
        )
        if joined:
            lengths[-1] *= length
        else:
            lengths.append(length)
        for step, strides in zip(steps, arrays, strict=True):
            if joined:
                step[-1] = strides[axis]
            else:
                step.append(strides[axis])
    return tuple(lengths), [tuple(step) for step in steps]


def row_major(shape: Shape) -> tuple[int, ...]:
    """Return the strides of an array whose last axis is walked first."""
    strides = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
