"""What is a data set: features, a target, and the names that a reader and a report need.

`dataset_of` is the one place where matrices from any format become a `Dataset`: shapes are checked,
text labels become codes, and every block is checked for NaN and infinity as it is read. This file knows
nothing of files.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data.source import (
    ArraySource,
    Block,
    BlockSource,
    blocks,
    read_into,
    row_bytes,
    scratch_bytes,
)
from tidu.data.views import ColumnsSource, View
from tidu.errors import DataError, DtypeError, ParameterError, ShapeError

__all__ = [
    "Dataset",
    "FiniteSource",
    "closest",
    "column_number",
    "dataset_of",
    "encode_labels",
    "image_shape_of",
]

MAX_CLASSES = 1000
"""A text target with more different values than this is taken for a mistake."""

_ENCODING_BLOCK_BYTES = 1 << 22
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Features and target of one learning task, still on disk where they came from disk.

    Attributes
    ----------
    X : BlockSource of shape (n_samples, n_features), real or integer
        The features. Reading a block that holds NaN or infinity raises `DataError`.
    y : BlockSource of shape (n_samples,) or None
        The target: numbers, or codes into `class_names`.
    feature_names : tuple of str
        One name per column of `X`.
    target_name : str or None
        Name of the target, if it has one.
    class_names : tuple of str or None
        Names of the classes, if the target is known to be one; class ``i`` has code ``i`` in `y`.
    image_shape : tuple of int or None
        ``(rows, columns, channels)`` if a row of `X` is a picture in this order.
    test : Dataset or None
        Held-out data that the source itself sets apart.
    pixel_max : int or None
        Largest value that integer pixels can have (dimensionless); dividing by it scales them to 0..1.
    text_columns : tuple of str
        Columns of text in the source; each became features ``column=value``, one per value.
    first_text : str
        Of a target of text: its first cell that is no number, and where, for messages; empty if not known.
    """

    X: BlockSource
    y: BlockSource | None
    feature_names: tuple[str, ...]
    target_name: str | None = None
    class_names: tuple[str, ...] | None = None
    image_shape: tuple[int, int, int] | None = None
    test: Dataset | None = None
    pixel_max: int | None = None
    text_columns: tuple[str, ...] = ()
    first_text: str = ""

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        return self.X.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class FiniteSource(View):
    """Another source whose blocks are checked for NaN and infinity as they are read."""

    column_names: tuple[str, ...]

    def read(self, start: int, stop: int) -> Block:
        """Return the rows, or refuse the first value that is not finite."""
        block = self.source.read(start, stop)
        self._check(block, start)
        return block

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Let the source fill `out`, and refuse the first value that is not finite."""
        read_into(self.source, start, stop, out)
        self._check(out, start)

    def scratch_bytes(self, n_rows: int) -> int:
        """What the source holds."""
        return scratch_bytes(self.source, n_rows)

    def _check(self, block: Block, start: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            # A finite sum means finite terms, and needs no array of flags as large as the block.
            if np.isfinite(np.sum(block, dtype=np.float64)):
                return
        bad = np.argwhere(~np.isfinite(block.astype(np.float64, copy=False)))
        if bad.size:
            row, column = start + int(bad[0, 0]), int(bad[0, 1]) if block.ndim == 2 else 0
            name, value = self.column_names[column], str(block[tuple(bad[0])])
            raise DataError(
                f"{self.name} holds {value} in row {row} (counted from 0), column {name!r}; "
                "remove such rows or fill in the values",
                row=row,
                column=name,
                value=value,
            )


def dataset_of(
    X: BlockSource,
    y: BlockSource | None = None,
    *,
    target: str | int | None = None,
    feature_names: Sequence[str] | None = None,
    target_name: str | None = None,
    class_names: Sequence[str] | None = None,
    image_shape: tuple[int, int, int] | None = None,
    test: Dataset | None = None,
    pixel_max: int | None = None,
    text_columns: Sequence[str] = (),
    first_text: str = "",
) -> Dataset:
    """Make a checked `Dataset` of a matrix and perhaps a target.

    Parameters
    ----------
    X : BlockSource
        The features, and the target as one more column if `target` says so.
    y : BlockSource or None
        The target, if it stands apart.
    target : str, int or None
        Name or number of the column of `X` that is the target; negative numbers count from the end.
    feature_names : sequence of str or None
        One per column of `X`; otherwise ``x0``, ``x1`` and so on.
    target_name, class_names, image_shape, test, pixel_max, text_columns, first_text
        As in `Dataset`; bytes (``uint8``) count as pixels up to 255.

    Examples
    --------
    >>> data = dataset_of(ArraySource(np.array([[1, 2, 0], [3, 4, 1]])), target=-1)
    >>> data.feature_names, data.target_name, data.y.read(0, 2).tolist()
    (('x0', 'x1'), 'x2', [0, 1])
    """
    _check_matrix(X)
    names = tuple(feature_names) if feature_names is not None else tuple(f"x{i}" for i in range(X.shape[1]))
    if target is not None:
        if y is not None:
            raise ParameterError(f"target={target!r} was given, but the data already hold a target", target=target)
        column = column_number(names, target, X.name)
        target_name = names[column]
        kept = tuple(i for i in range(len(names)) if i != column)
        if not kept:
            raise DataError(f"{X.name} has one column, and it is the target; no features are left", column=target)
        X, y = ColumnsSource(X, kept), ColumnsSource(X, column)
        names, image_shape = tuple(names[i] for i in kept), None
    if y is not None:
        y = _vector(y)
        if y.shape[0] != X.shape[0]:
            raise ShapeError(
                f"X has {X.shape[0]} rows ({X.name}), y has {y.shape[0]} ({y.name}); each row needs its target",
                expected=X.shape[0],
                got=y.shape[0],
            )
        if class_names is None and y.dtype.kind in "Ub":
            y, class_names = encode_labels(y)
        y = _finite(y, (target_name or "target",))
    if pixel_max is None and X.dtype == np.uint8:
        pixel_max = 255
    return Dataset(
        X=_finite(X, names),
        y=y,
        feature_names=names,
        target_name=target_name,
        class_names=None if class_names is None else tuple(class_names),
        image_shape=image_shape,
        test=test,
        pixel_max=pixel_max,
        text_columns=tuple(text_columns),
        first_text=first_text,
    )


def encode_labels(y: BlockSource) -> tuple[BlockSource, tuple[str, ...]]:
    """Turn text (or boolean) labels into codes 0, 1, ... of their sorted names.

    Returns
    -------
    codes : BlockSource of shape (n_samples,), int64
        Held in memory: 8 bytes per row.
    class_names : tuple of str
        Sorted; ``class_names[code]`` is the label.

    Raises
    ------
    DataError
        If there are more than 1000 different labels.

    Examples
    --------
    >>> codes, names = encode_labels(ArraySource(np.array(["dog", "cat", "dog"])))
    >>> codes.read(0, 3).tolist(), names
    ([1, 0, 1], ('cat', 'dog'))
    """
    rows = max(1, _ENCODING_BLOCK_BYTES // row_bytes(y))
    found: NDArray[np.generic] = np.empty(0, y.dtype)
    for _, block in blocks(y, rows):
        found = np.union1d(found, block)
        if len(found) > MAX_CLASSES:
            raise DataError(
                f"the target in {y.name} is text with more than {MAX_CLASSES} different values, such as "
                f"{str(found[0])!r}; numbers must be saved with a number dtype",
                limit=MAX_CLASSES,
            )
    codes = np.empty(y.shape[0], np.int64)
    for first, block in blocks(y, rows):
        codes[first : first + len(block)] = np.searchsorted(found, block)
    return ArraySource(codes, y.name), tuple(str(label) for label in found)


def image_shape_of(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (rows, columns, channels) if an array of this shape holds pictures, row-column-channel.

    Examples
    --------
    >>> image_shape_of((100, 32, 32, 3)), image_shape_of((100, 28, 28)), image_shape_of((100, 64))
    ((32, 32, 3), (28, 28, 1), None)
    """
    if len(shape) == 4:
        return (shape[1], shape[2], shape[3])
    return (shape[1], shape[2], 1) if len(shape) == 3 else None


def closest(name: str, available: Sequence[str]) -> str:
    """Return a phrase for the end of a message: the nearest name, and the first of those there are.

    Examples
    --------
    >>> closest("agee", ["age", "sex"])
    "; did you mean 'age'? There are: age, sex"
    """
    near = difflib.get_close_matches(name, list(available[:1000]), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    # Names come from files: a line break in one must not break the message.
    shown = ", ".join(name if name.isprintable() else repr(name) for name in available[:20])
    shown += f" and {len(available) - 20} more" if len(available) > 20 else ""
    return f"{hint} There are: {shown}" if near else f"{hint} there are: {shown}"


def _check_matrix(X: BlockSource) -> None:
    if len(X.shape) != 2:
        raise ShapeError(
            f"X in {X.name} has shape {X.shape}; expected (n_samples, n_features), "
            "such as X[:, None] for a single feature",
            expected="(n_samples, n_features)",
            got=X.shape,
        )
    if 0 in X.shape:
        raise DataError(f"X in {X.name} has shape {X.shape}; expected at least one row and one column", got=X.shape)
    if X.dtype.kind not in "biuf":
        raise DtypeError(
            f"X in {X.name} has dtype {X.dtype}; expected numbers: encode text as numbers first",
            expected="real numbers",
            got=str(X.dtype),
        )


def _vector(y: BlockSource) -> BlockSource:
    if len(y.shape) == 2 and y.shape[1] == 1:
        return ColumnsSource(y, 0)
    if len(y.shape) != 1:
        raise ShapeError(
            f"y in {y.name} has shape {y.shape}; expected one target per row, shape (n_samples,)",
            expected="(n_samples,)",
            got=y.shape,
        )
    return y


def _finite(source: BlockSource, names: tuple[str, ...]) -> BlockSource:
    return FiniteSource(source, names) if source.dtype.kind == "f" else source


def column_number(names: tuple[str, ...], target: str | int, where: str) -> int:
    """Return the number of the column that `target` names or counts; a name wins over a number."""
    if isinstance(target, str):
        if target in names:
            return names.index(target)
        if not _WHOLE_NUMBER.fullmatch(target):
            raise DataError(f"{where} has no column {target!r}{closest(target, names)}", column=target, available=names)
    number = int(target)
    if not -len(names) <= number < len(names):
        raise DataError(
            f"{where} has {len(names)} columns, so there is no column number {number}; "
            f"count from 0 to {len(names) - 1}",
            column=number,
            available=names,
        )
    return number % len(names)
