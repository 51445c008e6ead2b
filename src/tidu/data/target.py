"""Is the target a class or a number, and what are its values? Decided once, and said why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.data.dataset import Dataset
from tidu.data.text_table import is_number
from tidu.errors import DataError

__all__ = ["Target", "Task", "class_codes", "read_target"]

Task: TypeAlias = Literal["classification", "regression"]

_CLASSES = 'task="classification" (--classify)'
"""How they are asked for, in Python and on a command line."""
_FEW = 20
_MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Values of the target, and what they are taken for.

    Attributes
    ----------
    task : "classification" or "regression"
        What they are taken for.
    reason : str
        Key of the phrase that says why, in `tidu.words.fit`.
    facts : mapping
        What fills the phrase.
    values : ndarray of shape (n_samples,)
        Codes 0, 1, ... (int64) or numbers (float64).
    test_values : ndarray or None
        Those of the test part, if the data have one with a target.
    class_names : tuple of str
        Empty for numbers.
    """

    task: Task
    reason: str
    facts: Mapping[str, object]
    values: NDArray[np.generic]
    test_values: NDArray[np.generic] | None
    class_names: tuple[str, ...]


def read_target(data: Dataset, wanted: Task | None) -> Target:
    """Read the target of a data set, and of its test part, and decide what it is.

    Raises
    ------
    DataError
        If there is none, if it has one value only, or does not fit what is wanted.
    """
    if data.y is None:
        shown = [name if name.isprintable() else repr(name) for name in data.feature_names[:20]]
        more = f" and {data.n_features - 20} more" if data.n_features > 20 else ""
        raise DataError(
            f"{data.X.name} has no target yet; choose one (target=, or --target) of: {', '.join(shown)}{more}",
            available=data.feature_names,
        )
    raw = data.y.read(0, data.n_samples)
    held = data.test
    raw_test = held.y.read(0, held.n_samples) if held is not None and held.y is not None else None
    if wanted != "classification":
        _refuse_misspelled_number(raw, data)
    task, reason, facts = _decide(raw, data.class_names, wanted)
    if task == "regression":
        if data.class_names is not None:
            raise DataError(
                f"the target {data.target_name!r} of {data.X.name} holds classes such as {data.class_names[0]!r}, "
                'no numbers; leave task="regression" (--regress) out',
                target=data.target_name,
            )
        values = raw.astype(np.float64)
        _require_two(values, data)
        test = None if raw_test is None else raw_test.astype(np.float64)
        return Target(task, reason, facts, values, test, ())
    _require_repeats(raw, data)
    names = _names(raw, raw_test, data)
    codes = class_codes(raw, data.class_names, names)
    _require_two(codes, data)
    test_names = None if held is None else held.class_names
    test_codes = None if raw_test is None else class_codes(raw_test, test_names, names)
    return Target(task, reason, facts, codes, test_codes, names)


def class_codes(
    raw: NDArray[np.generic], raw_names: tuple[str, ...] | None, names: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return for each value its place in `names`, -1 for one that is not there.

    Parameters
    ----------
    raw : ndarray of shape (n_samples,)
        Numbers, or codes into `raw_names`.
    raw_names : tuple of str or None
        Names of the codes.
    names : tuple of str
        The classes.

    Examples
    --------
    >>> class_codes(np.array([3.0, 1.0, 2.0]), None, ("1", "3")).tolist()
    [1, 0, -1]
    """
    values, places = np.unique(raw, return_inverse=True)
    found = [_label(value) for value in values] if raw_names is None else [raw_names[int(v)] for v in values]
    place = {name: i for i, name in enumerate(names)}
    codes: NDArray[np.int64] = np.array([place.get(name, -1) for name in found], np.int64)
    return np.asarray(codes[places.reshape(-1)])


def _decide(
    raw: NDArray[np.generic], class_names: tuple[str, ...] | None, wanted: Task | None
) -> tuple[Task, str, Mapping[str, object]]:
    if wanted is not None:
        return wanted, "asked", {}
    if class_names is not None:
        return "classification", "names", {"n": len(class_names)}
    n = len(np.unique(raw))
    if n <= _FEW and 2 * n <= len(raw) and np.array_equal(raw, np.rint(raw)):
        return "classification", "few", {"n": n}
    return "regression", "many", {"n": n}


def _refuse_misspelled_number(raw: NDArray[np.generic], data: Dataset) -> None:
    """Refuse a target of text that was meant for numbers: one bad cell would make hundreds of classes."""
    names = data.class_names or ()
    numbers = [is_number(name) for name in names]
    if len(names) <= _FEW or 2 * sum(numbers) <= len(names):
        return
    texts = np.flatnonzero(~np.array(numbers)[raw.astype(np.intp)])
    first = data.first_text
    if not first and len(texts):
        first = f"{names[int(raw[texts[0]])][:40]!r} in row {texts[0]} (counted from 0)"
    what = f"one cell is no number: {first}; mend it" if len(texts) == 1 else f"{len(texts):,} cells are no numbers"
    if len(texts) > 1:
        what += f", the first is {first}; mend them"
    elif not len(texts):
        what = "all are saved as text; save them with a number dtype"
    raise DataError(
        f"the target {data.target_name or 'y'!r} of {data.X.name} has {len(names):,} different values, "
        f"most of them numbers, but {what}, or give {_CLASSES} if these are names of classes",
        target=data.target_name,
        n_texts=len(texts),
        first_text=first,
    )


def _require_repeats(raw: NDArray[np.generic], data: Dataset) -> None:
    """Refuse values of which most rows have their own for classes: nothing can be learned of a class seen once."""
    n, text = len(np.unique(raw)), data.class_names is not None
    if 2 * n <= len(raw) or (n <= _FEW and raw.dtype.kind != "f"):
        return
    mend = "write numbers without separators and units, dates as days since a date" if text else f"leave {_CLASSES} out"
    raise DataError(
        f"the target {data.target_name or 'y'!r} of {data.X.name} has {n:,} different {'texts' if text else 'values'} "
        f"in {len(raw):,} rows, too many for classes; {mend}",
        got=n,
        limit=len(raw) // 2,
    )


def _names(raw: NDArray[np.generic], raw_test: NDArray[np.generic] | None, data: Dataset) -> tuple[str, ...]:
    if data.class_names is not None:
        later = data.test.class_names if data.test is not None and data.test.class_names is not None else ()
        return data.class_names + tuple(name for name in later if name not in data.class_names)
    values = np.unique(raw if raw_test is None else np.concatenate([raw, raw_test]))
    if len(values) > _MOST_CLASSES:
        raise DataError(
            f"the target of {data.X.name} has {len(values):,} different values, too many for classes "
            f"(at most {_MOST_CLASSES}); leave {_CLASSES} out",
            got=len(values),
            limit=_MOST_CLASSES,
        )
    return tuple(_label(value) for value in values)


def _label(value: np.generic) -> str:
    number = value.item()
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _require_two(values: NDArray[np.generic], data: Dataset) -> None:
    if len(values) < 2 or bool(np.all(values == values[0])):
        raise DataError(
            f"the target {data.target_name or 'y'!r} of {data.X.name} has the same value in all {len(values)} rows; "
            "there is nothing to learn",
            target=data.target_name,
        )
