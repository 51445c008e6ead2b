"""Einstein's summation convention, as diagonals, sums, matrix products and a transpose.

Each operand carries a label for each axis; operands are contracted two at a time, in NumPy's greedy
order when there are more than two.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.structural import reshape, sum_axes
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError
from tidu.functions.matrices import diagonal
from tidu.ops.arithmetic import multiply
from tidu.ops.contract import matmul
from tidu.ops.convert import astype
from tidu.ops.movement import transpose

__all__ = ["einsum"]

Label: TypeAlias = str
"""A letter (or the number of a sublist), or ``...3`` for the third axis from the right under an ellipsis."""
_MOST_LABELS = 52  # that np.einsum_path can name


@dataclass(frozen=True, slots=True)
class _Term:
    """An operand and a label for each of its axes."""

    labels: tuple[Label, ...]
    value: object

    def lengths(self) -> dict[Label, int]:
        return dict(zip(self.labels, shape_of(self.value), strict=True))


@implements(np.einsum)
def einsum(
    *operands: object,
    out: None = None,
    optimize: object = False,
    dtype: object = None,
    order: str = "K",
    casting: str = "safe",
) -> Value:
    """Return the sum of products that an expression like ``"ij,jk->ik"`` describes.

    Parameters
    ----------
    *operands
        The expression and the arrays, or arrays and lists of axis numbers in turn.
    optimize : ignored
        More than two operands are contracted in a greedy order in any case.

    Raises
    ------
    ShapeError
        If lengths under one label differ.
    ParameterError
        If the expression is not well formed.

    Examples
    --------
    >>> einsum("ij,j->i", np.eye(2), np.array([1.0, 2.0]))
    array([1., 2.])
    """
    sources, target, arrays = _read(operands)
    if len(sources) != len(arrays):
        raise ParameterError(
            f"einsum: the expression has {len(sources)} operand(s), but {len(arrays)} were given",
            expected=len(sources),
            got=len(arrays),
        )
    if dtype is not None:
        arrays = [astype(x, dtype) for x in arrays]
    result_dtype = np.result_type(*[spec_of(x).dtype for x in arrays])
    terms = [_Term(_label_axes(labels, len(shape_of(x)), x), x) for labels, x in zip(sources, arrays, strict=True)]
    target_labels = _target(target, terms)
    lengths = _lengths(terms)
    terms = [_plain_term(term, lengths) for term in terms]
    for first, second in _contraction_order(terms, target_labels, lengths):
        pair = terms[first], terms[second]
        terms = [term for i, term in enumerate(terms) if i not in (first, second)]
        kept = {*target_labels, *(label for term in terms for label in term.labels)}
        terms.append(_contract(*pair, kept))
    return astype(_finish(terms[0], target_labels), result_dtype)


def _read(operands: Sequence[object]) -> tuple[list[list[Label]], list[Label] | None, list[object]]:
    """Return labels of the operands (``...`` for an ellipsis) and of the result (None if implicit), and the arrays."""
    if not operands:
        raise ParameterError("einsum: expected an expression and arrays, got nothing", got=0)
    first = operands[0]
    if isinstance(first, str):
        left, arrow, right = first.replace(" ", "").partition("->")
        return [_letters(part) for part in left.split(",")], _letters(right) if arrow else None, list(operands[1:])
    pairs = len(operands) // 2 * 2
    sources = [_numbers(x) for x in operands[1:pairs:2]]
    target = _numbers(operands[-1]) if len(operands) % 2 else None
    return sources, target, list(operands[0:pairs:2])


def _letters(text: str) -> list[Label]:
    before, dots, after = text.partition("...")
    wrong = [c for c in before + after if not (c.isascii() and c.isalpha())]
    if wrong:
        raise ParameterError(f"einsum: {wrong[0]!r} in {text!r} is neither a letter nor an ellipsis", got=text)
    return [*before, *([dots] if dots else []), *after]


def _numbers(axes: object) -> list[Label]:
    return ["..." if x is Ellipsis else chr(cast("int", x) + 0x4E00) for x in cast("Sequence[object]", axes)]


def _label_axes(labels: Sequence[Label], ndim: int, operand: object) -> tuple[Label, ...]:
    """Return one label for each axis; those under an ellipsis are numbered from the right, where they align."""
    if "..." in labels:
        at, hidden = labels.index("..."), ndim - len(labels) + 1
        if hidden >= 0:
            return (*labels[:at], *(f"...{i}" for i in range(hidden, 0, -1)), *labels[at + 1 :])
    elif len(labels) == ndim:
        return tuple(labels)
    raise ShapeError(
        f"einsum: labels {''.join(labels)!r} do not fit the {ndim} dimension(s) of an operand of shape "
        f"{list(shape_of(operand))}",
        expected=len(labels),
        got=ndim,
    )


def _target(target: Sequence[Label] | None, terms: Sequence[_Term]) -> tuple[Label, ...]:
    """Return the labels of the result; implicitly all under the ellipsis, then those that stand once, sorted."""
    counts = Counter(label for term in terms for label in term.labels)
    hidden = sorted((label for label in counts if label.startswith("...")), key=lambda x: -int(x[3:]))
    if target is None:
        return (*hidden, *sorted(label for label, n in counts.items() if n == 1 and label not in hidden))
    full = [label for x in target for label in (hidden if x == "..." else [x])]
    if "..." not in target and hidden:
        raise ParameterError(
            "einsum: the operands have an ellipsis, so the result needs one", got="".join(target), expected="..."
        )
    for label, n in Counter(full).items():
        if n > 1 or label not in counts:
            what = "stands twice in the result" if n > 1 else "is in the result but in no operand"
            raise ParameterError(f"einsum: the label {label!r} {what}", got=label)
    return tuple(full)


def _lengths(terms: Sequence[_Term]) -> dict[Label, int]:
    """Return the length under each label; a length of one gives way, as in broadcasting."""
    lengths: dict[Label, int] = {}
    for term in terms:
        for label, n in zip(term.labels, shape_of(term.value), strict=True):
            before = lengths.setdefault(label, n)
            if before == 1:
                lengths[label] = n
            elif n not in (1, before):
                raise ShapeError(
                    f"einsum: the label {label!r} has length {before} in one operand and {n} in another",
                    label=label,
                    expected=before,
                    got=n,
                )
    return lengths


def _plain_term(term: _Term, lengths: Mapping[Label, int]) -> _Term:
    """Take diagonals under repeated labels, and drop axes of length one that others broadcast over."""
    labels, value = list(term.labels), term.value
    for label, n in Counter(labels).items():
        for _ in range(n - 1):
            first, second = [i for i, x in enumerate(labels) if x == label][:2]
            shape = shape_of(value)
            if shape[first] != shape[second]:
                raise ShapeError(
                    f"einsum: the label {label!r} has lengths {shape[first]} and {shape[second]} in one operand",
                    label=label,
                    got=shape,
                )
            value = diagonal(value, 0, first, second)
            labels = [x for i, x in enumerate(labels) if i not in (first, second)] + [label]
    shape = shape_of(value)
    kept = [i for i, label in enumerate(labels) if shape[i] == lengths[label]]
    if len(kept) < len(labels):
        value = reshape(value, tuple(shape[i] for i in kept))
    return _Term(tuple(labels[i] for i in kept), value)


def _contraction_order(
    terms: Sequence[_Term], target: Sequence[Label], lengths: Mapping[Label, int]
) -> list[tuple[int, int]]:
    """Return which two terms to contract in each step; the result of a step goes to the end of the list."""
    numbers = {label: i for i, label in enumerate(lengths)}
    if len(terms) <= 2 or len(numbers) > _MOST_LABELS or 0 in lengths.values():
        return [(0, 1)] + [(0, count - 1) for count in range(len(terms) - 1, 1, -1)] if len(terms) > 1 else []
    described: list[object] = []
    for term in terms:
        described += [np.broadcast_to(0.0, shape_of(term.value)), [numbers[label] for label in term.labels]]
    described.append([numbers[label] for label in target])
    path, _ = np.einsum_path(*described, optimize="greedy")  # type: ignore[arg-type]
    steps: list[tuple[int, int]] = []
    count = len(terms)
    for group in path[1:]:
        places = sorted(group)
        # a step of three operands or more is done two at a time, the partial result being the last of the list
        while len(places) > 1:
            first, second = places[0], places[1]
            steps.append((first, second))
            count -= 1
            places = [*[p - 2 for p in places[2:]], count - 1]
    return steps


def _contract(a: _Term, b: _Term, kept: set[Label]) -> _Term:
    """Return the product of two terms, summed over the labels that are not kept."""
    a = _sum_unshared(a, kept | set(b.labels))
    b = _sum_unshared(b, kept | set(a.labels))
    both = [label for label in a.labels if label in b.labels]
    stack = [label for label in both if label in kept]
    summed = [label for label in both if label not in kept]
    rows = [label for label in a.labels if label not in both]
    columns = [label for label in b.labels if label not in both]
    size = {**a.lengths(), **b.lengths()}

    def lengths(labels: Sequence[Label]) -> tuple[int, ...]:
        return tuple(size[label] for label in labels)

    left = _ordered(a, [*stack, *rows, *summed])
    right = _ordered(b, [*stack, *summed, *columns])
    outer = (*lengths(stack), *lengths(rows), *lengths(columns))
    if not summed:
        product = multiply(
            reshape(left, (*lengths(stack), *lengths(rows), *(1,) * len(columns))),
            reshape(right, (*lengths(stack), *(1,) * len(rows), *lengths(columns))),
        )
        return _Term((*stack, *rows, *columns), product)
    n_rows, n_summed, n_columns = (math.prod(lengths(x)) for x in (rows, summed, columns))
    product = matmul(
        reshape(left, (*lengths(stack), n_rows, n_summed)), reshape(right, (*lengths(stack), n_summed, n_columns))
    )
    return _Term((*stack, *rows, *columns), reshape(product, outer))


def _sum_unshared(term: _Term, shared: set[Label]) -> _Term:
    alone = tuple(i for i, label in enumerate(term.labels) if label not in shared)
    if not alone:
        return term
    return _Term(tuple(label for label in term.labels if label in shared), sum_axes(term.value, alone))


def _ordered(term: _Term, labels: Sequence[Label]) -> object:
    order = [term.labels.index(label) for label in labels]
    return term.value if order == list(range(len(order))) else transpose(term.value, order)


def _finish(term: _Term, target: Sequence[Label]) -> object:
    """Sum what is left over and put the axes in order."""
    return _ordered(_sum_unshared(term, set(target)), target)
