"""How are the sums of a tile written: a panel of queries by a panel of rows, all units of both?

The sums stay in registers while the units pass. This file knows nothing of where sums start and what becomes of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidu.native.text import FunctionText
from tidu.neighbors.kernels.comparisons import Comparison, Shape

__all__ = ["splat", "write_sums"]


def write_sums(
    text: FunctionText,
    comparison: Comparison,
    shape: Shape,
    queries: str,
    rows: str,
    n_units: str,
    first: Sequence[str],
) -> list[str]:
    """Write the loop over all units of two panels.

    Parameters
    ----------
    text : FunctionText
    comparison : Comparison
    shape : Shape
    queries, rows : str
        Where the panels lie.
    n_units : str
    first : sequence of str
        Where the sums start: for each query one vector after the other.

    Returns
    -------
    list of str
        The sums, in the same order.
    """
    unit, element = comparison.unit_bytes, f"i{comparison.sum_bits}"
    kind = f"<{shape.lanes} x {element}>"
    with text.loop(n_units, [(kind, one) for one in first]) as loop:
        at = text.offset("i8", rows, text.value(f"mul i64 {loop.index}, {shape.n_rows * unit}"))
        step = text.offset("i8", queries, text.value(f"mul i64 {loop.index}, {shape.n_queries * unit}"))
        vectors = [
            text.value(f"load {kind}, ptr {text.offset('i8', at, v * shape.lanes * unit)}, align {shape.lanes * unit}")
            for v in range(shape.n_vectors)
        ]
        totals = []
        for i in range(shape.n_queries):
            value = text.value(f"load {element}, ptr {text.offset('i8', step, i * unit)}")
            one = splat(text, kind, element, shape.lanes, value)
            for v, vector in enumerate(vectors):
                total = loop.carried[i * shape.n_vectors + v]
                totals.append(comparison.accumulate(text, shape.lanes, total, vector, one))
        loop.hand_on(*totals)
    return list(loop.following)


def splat(text: FunctionText, kind: str, element: str, lanes: int, value: str) -> str:
    """Return a number in every lane."""
    first = text.value(f"insertelement {kind} poison, {element} {value}, i64 0")
    return text.value(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer")
