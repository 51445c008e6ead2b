"""How are the lanes of many vectors folded into one result each, all at once?

Two vectors are merged into one whose lanes hold partial results of both; the vectors halve in number with
each round while no lane is wasted, and the results come out side by side in their order. L vectors of L lanes
take L - 1 merges, of two shuffles and one operation. Which lanes meet depends on the counts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tidu.compile.unrolled.elements import Elements
from tidu.core.emit import Scalar
from tidu.native.vectors import Vectors

__all__ = ["Combine", "fold_lanes"]

Combine: TypeAlias = Callable[[Vectors, Scalar, Scalar], Scalar]
_POISON = Scalar("poison")
_LANE_BYTES = 16
"""Within so many bytes a shuffle is cheap on every x86; across them it needs a table."""


def fold_lanes(elements: Elements, dtype: str, lanes: int, vectors: list[Scalar], combine: Combine) -> list[int]:
    """Return the numbers of the results, one for each vector.

    Parameters
    ----------
    elements : Elements
        Where to write.
    dtype : str
        Of the vectors.
    lanes : int
        Of each, a power of two.
    vectors : list of Scalar
        What to fold.
    combine : callable
        ``combine(builder, a, b)``: associative and commutative but for rounding.
    """
    if not vectors:
        return []
    builder = elements.builder(dtype, lanes)
    while lanes > _power_of_two(len(vectors)):
        half = elements.builder(dtype, lanes // 2)
        low, high = list(range(lanes // 2)), list(range(lanes // 2, lanes))
        if lanes == 2:
            halves = [(builder.extract(x, 0), builder.extract(x, 1)) for x in vectors]
        else:
            halves = [(builder.shuffle(x, _POISON, low), builder.shuffle(x, _POISON, high)) for x in vectors]
        vectors = [combine(half, a, b) for a, b in halves]
        builder, lanes = half, lanes // 2
    numbers: list[int] = []
    for start in range(0, len(vectors), lanes):
        group = vectors[start : start + lanes]
        if start and _power_of_two(len(group)) < lanes:
            return numbers + fold_lanes(elements, dtype, lanes, group, combine)
        first = elements.register(_merge_all(builder, group, combine), dtype, lanes)
        numbers += range(first, first + len(group))
    return numbers


def _merge_all(builder: Vectors, vectors: list[Scalar], combine: Combine) -> Scalar:
    """Return one vector whose lane i is the fold of vector i."""
    lanes = builder.lanes
    inner = min(lanes, max(1, _LANE_BYTES * 8 // max(8, builder.bits)))
    waiting = dict(enumerate(vectors))
    for segment, strides in ((lanes, _doublings(inner, lanes)), (inner, _doublings(1, inner))):
        block = segment
        for stride in strides:
            # The partner of i is i + stride; both differ in no bit but this one.
            waiting = {
                i: _merge(builder, x, waiting.get(i + stride), segment, block, combine)
                for i, x in waiting.items()
                if not i & stride
            }
            block //= 2
    return waiting[0]


def _merge(builder: Vectors, a: Scalar, b: Scalar | None, segment: int, block: int, combine: Combine) -> Scalar:
    """Halve the blocks of both: in each segment first those of `a`, then those of `b`."""
    low: list[int] = []
    for start in range(0, builder.lanes, segment):
        for origin in (0, builder.lanes):
            for at in range(start, start + segment, block):
                low += range(origin + at, origin + at + block // 2)
    high = [lane + block // 2 for lane in low]
    other = _POISON if b is None else b
    return combine(builder, builder.shuffle(a, other, low), builder.shuffle(a, other, high))


def _doublings(first: int, end: int) -> list[int]:
    found = []
    while first < end:
        found.append(first)
        first *= 2
    return found


def _power_of_two(count: int) -> int:
    """Return the least power of two that is no less."""
    return 1 << (count - 1).bit_length()
