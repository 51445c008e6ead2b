"""How do tables with text, and pandas' tables, become matrices of numbers?

A column of text becomes one column of 0 and 1 for each value that it has in training. This file knows nothing of
files, whose readers encode for themselves, and of scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isnan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.data.opening import DataLike
from tidu.errors import BudgetError, DataError, ShapeError

__all__ = ["Encoded", "encode", "missing", "target_apart"]

# Text that differs in most rows would put each at a distance of its own from all others.
_MOST_VALUES, _FEW_VALUES = 1000, 20
Column = tuple[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Features as numbers.

    Attributes
    ----------
    X : array-like, path, Dataset or BlockSource
    test : the same, or None
        Held-out rows with the same columns.
    names : tuple of str
        Of the columns; empty where nothing had to be encoded.
    n_bytes : int
        What the encoding takes beside what was given.
    """

    X: DataLike
    test: DataLike | None
    names: tuple[str, ...]
    n_bytes: int


def encode(X: DataLike, test: DataLike | None, memory_limit: int | None = None) -> Encoded:
    """Encode a pandas DataFrame or an array with text, and held-out rows as they are; leave all else alone.

    Raises
    ------
    DataError, ShapeError
        If a cell is empty, a column is text with too many values, or held-out rows lack a column.
    BudgetError
        If the encoding does not fit into the limit.

    Examples
    --------
    >>> encoded = encode(np.array([["red", 1], ["blue", 2], ["red", 3]], dtype=object), None)
    >>> encoded.X.tolist(), encoded.names
    ([[0.0, 1.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, 3.0]], ('x0=blue', 'x0=red', 'x1'))
    """
    columns = _columns(X)
    if columns is None:
        return Encoded(X, test, (), 0)
    if not columns:
        raise ShapeError("X is a table without columns; give it at least one feature", expected=1, got=0)
    given = test[0] if isinstance(test, tuple) else test
    held = _columns(given)
    numbers = [_numbers(name, column, "X") for name, column in columns]
    values = [None if one is not None else _values(*column) for one, column in zip(numbers, columns, strict=True)]
    n_rows = len(columns[0][1]) + (len(held[0][1]) if held else 0)
    n_bytes = 8 * n_rows * sum(1 if one is None else len(one) for one in values)
    at_most = n_bytes + 8 * n_rows * sum(one is None for one in values)  # numbers are there twice while copied
    if memory_limit is not None and at_most > memory_limit:
        raise BudgetError(
            f"as numbers, the {len(columns)} columns of X take {at_most:,} bytes, but memory_limit is "
            f"{memory_limit:,}; give a larger one, or leave out text with many values",
            least_bytes=at_most,
            limit_bytes=memory_limit,
        )
    matrix, names = _matrix(columns, numbers, values)
    if held is None:
        return Encoded(matrix, test, names, n_bytes)
    matched = _matched(held, columns, by_name=hasattr(X, "columns") and hasattr(given, "columns"))
    of_test = [_numbers(name, column, "test") for name, column in matched]
    return Encoded(matrix, _matrix(matched, of_test, values)[0], names, n_bytes)


def target_apart(X: DataLike, target: str | int | None) -> tuple[DataLike, ArrayLike | None]:
    """Take the target out of a pandas DataFrame; return anything else as it is, without a target.

    Raises
    ------
    DataError
        If no column is chosen, or there is none of this name.
    """
    names = _names(X)
    if names is None:
        return X, None
    if target in names:
        place = names.index(target)
    elif isinstance(target, int) and -len(names) <= target < len(names):
        place = target % len(names)
    else:
        asked = "X is a table: give y, or target=" if target is None else f"X has no column {target!r}; choose target="
        shown = ", ".join(repr(name) for name in names[:20]) + (" ..." if len(names) > 20 else "")
        raise DataError(f"{asked} with one of its columns: {shown}", available=names)
    others = [i for i in range(len(names)) if i != place]
    return X.iloc[:, others], X.iloc[:, place]  # type: ignore[union-attr]


def _names(X: object) -> list[object] | None:
    return list(X.columns) if hasattr(X, "columns") and hasattr(X, "iloc") else None


def _columns(X: object) -> list[Column] | None:
    names = _names(X)
    if names is not None:
        return [(str(name), np.asarray(X.iloc[:, i])) for i, name in enumerate(names)]  # type: ignore[attr-defined]
    if isinstance(X, np.ndarray | list):
        try:
            array = np.asarray(X)
        except ValueError:  # rows of different lengths, of which whoever reads arrays says what is wrong
            return None
        if array.dtype.kind in "OU" and array.ndim == 2:
            return [(f"x{i}", column) for i, column in enumerate(array.T)]
    return None


def _numbers(name: str, column: NDArray[np.generic], of: str) -> NDArray[np.float64] | None:
    """Return a column as numbers, dates too, or None if it is text."""
    empty = np.flatnonzero(missing(column))
    if len(empty):
        raise DataError(
            f"column {name!r} of {of} has no value in row {empty[0]} (counted from 0); "
            "fill it in, or remove the row or the column",
            column=name,
            row=int(empty[0]),
        )
    try:
        numbers = np.array([_day(one) for one in column]) if _are_dates(column) else column.astype(np.float64)
    except (TypeError, ValueError):
        return None
    odd = np.flatnonzero(~np.isfinite(numbers))
    if len(odd):
        raise DataError(
            f"column {name!r} of {of} holds {numbers[odd[0]]} in row {odd[0]} (counted from 0); "
            "mend it, or remove the row",
            column=name,
            row=int(odd[0]),
        )
    return numbers


def _are_dates(column: NDArray[np.generic]) -> bool:
    """Tell whether all are Python's dates, or times, as pandas gives those with a time zone."""
    return column.dtype.kind == "O" and all(isinstance(one, date) for one in column)


def _day(moment: date) -> float:
    """Return days, with fractions, since a day long ago."""
    if not isinstance(moment, datetime):
        return float(moment.toordinal())
    long_ago = datetime(1, 1, 1, tzinfo=UTC if moment.tzinfo else None)
    return (moment - long_ago) / timedelta(days=1)


def missing(column: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Tell which cells have no value: NaN, None, pandas' NA and NaT.

    Examples
    --------
    >>> missing(np.array([None, "a", np.nan], dtype=object)).tolist()
    [True, False, True]
    """
    if column.dtype.kind in "mM":
        return np.asarray(np.isnat(column))
    if column.dtype.kind in "fc":
        return np.asarray(np.isnan(column))
    if column.dtype.kind == "O":
        return np.fromiter((_is_missing(one) for one in column), np.bool_, len(column))
    return np.zeros(len(column), np.bool_)


def _is_missing(one: object) -> bool:
    # pandas' NA is neither equal nor unequal to anything, and pandas need not be there.
    return one is None or type(one).__name__ in ("NAType", "NaTType") or (isinstance(one, float) and isnan(one))


def _values(name: str, column: NDArray[np.generic]) -> NDArray[np.str_]:
    values = np.unique(column.astype(np.str_))
    most = min(_MOST_VALUES, max(_FEW_VALUES, len(column) // 2))
    if len(values) > most:
        raise DataError(
            f"column {name!r} of X is text with {len(values):,} different values in {len(column):,} rows (at most "
            f"{most:,}): it names rows rather than telling what they have in common; leave it out, or make numbers of "
            "it",
            column=name,
            got=len(values),
        )
    return values


def _matched(held: Sequence[Column], columns: Sequence[Column], by_name: bool) -> list[Column]:
    """Return the held-out columns that training has, in its order; others, such as a target, are left out."""
    names, there = [name for name, _ in columns], [name for name, _ in held]
    if names == there or not by_name:
        if len(there) != len(names):
            raise ShapeError(
                f"test has {len(there)} features, X has {len(names)}; they must agree",
                expected=len(names),
                got=len(there),
            )
        return [(name, column) for name, (_, column) in zip(names, held, strict=True)]
    lacking = [name for name in names if name not in there]
    if lacking:
        raise DataError(f"test has no column {lacking[0]!r}, which X has; it needs all of them", column=lacking[0])
    return [held[there.index(name)] for name in names]


def _matrix(
    columns: Sequence[Column],
    numbers: Sequence[NDArray[np.float64] | None],
    values: Sequence[NDArray[np.str_] | None],
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return all columns side by side, filled in one by one, and their names."""
    widths = [1 if one is None else len(one) for one in values]
    matrix = np.zeros((len(columns[0][1]), sum(widths)))
    names: list[str] = []
    for (name, column), number, inside in zip(columns, numbers, values, strict=True):
        first = len(names)
        if inside is None:
            if number is None:
                raise DataError(f"column {name!r} of test is text, that of X numbers; make them alike", column=name)
            matrix[:, first] = number
            names.append(name)
            continue
        texts = column.astype(np.str_)
        place = np.minimum(np.searchsorted(inside, texts), len(inside) - 1)
        known = np.flatnonzero(inside[place] == texts)  # what training has not seen is none of its values
        matrix[known, first + place[known]] = 1.0
        names += [f"{name}={value}" for value in inside]
    return matrix, tuple(names)
