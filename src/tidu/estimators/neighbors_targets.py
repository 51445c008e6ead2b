"""What are the targets of training rows: read, checked, and turned into codes?

This file knows nothing of rows and neighbors.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_sample_weight, check_array

from tidu.data import as_source
from tidu.data.dataset import closest
from tidu.data.files import RegularFile
from tidu.data.text_table import is_number, scan
from tidu.errors import DataError, ParameterError, ShapeError
from tidu.estimators.neighbors_rows import OnDisk, is_on_disk
from tidu.neighbors.metrics import Array

__all__ = ["TargetLike", "checked_weights", "codes_of", "extended_weights", "read_targets", "target_array"]

TargetLike = ArrayLike | OnDisk

# Text is read cell by cell: as a matrix, a column of words would be spread out.
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\n"}


def read_targets(given: OnDisk, column: str | None = None) -> Array:
    """Read labels or numbers from a file or a source, into memory.

    Parameters
    ----------
    given : path or BlockSource
        A vector or matrix of any known format; of a text table, a column; of a `.txt` file, its lines.
    column : str, optional
        Which column of a text table; needed if it has several.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs)
        A matrix of one column becomes a vector.
    """
    if isinstance(given, str | os.PathLike) and Path(given).suffix.lower() in _SEPARATORS:
        return _column_of(Path(given), column)
    source = as_source(given)
    if column is not None:
        raise ParameterError(f"{source.name} has no named columns; leave {column!r} out", column=column)
    if len(source.shape) > 2:
        raise ShapeError(f"targets in {source.name} have shape {source.shape}; expected one row each", got=source.shape)
    found = np.array(source.read(0, source.shape[0]))
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


def _column_of(path: Path, column: str | None) -> Array:
    separator = _SEPARATORS[path.suffix.lower()]
    lines = _lines_of(path)
    if separator == "\n" or separator not in lines[0]:
        return _single_column(path, lines, separator, column)
    table = scan(path, separator)
    if column is None:
        raise DataError(
            f"{path} has {len(table.names)} columns; say which holds the labels{closest('', table.names)}",
            path=str(path),
            available=table.names,
        )
    if column not in table.names:
        raise DataError(f"{path} has no column {column!r}{closest(column, table.names)}", column=column)
    place = table.names.index(column)
    return _numbers_or_text([row[place] for row in table.rows(0, table.n_rows)])


def _lines_of(path: Path) -> list[str]:
    file = RegularFile(path)
    try:
        return file.read(0, file.size).decode("utf-8-sig").splitlines() or [""]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start}); save it again", path=str(path)) from error


def _single_column(path: Path, lines: list[str], separator: str, column: str | None) -> Array:
    """Read a file that is nothing but a column; a table's has a header line."""
    cells = [cell.strip().strip('"') for cell in lines]
    if separator != "\n":
        name, cells = cells[0], cells[1:]
        if column not in (None, name):
            raise DataError(f"{path} has the column {name!r}, not {column!r}", column=column, available=(name,))
    elif column is not None:
        raise ParameterError(f"{path} has no named columns; leave {column!r} out", column=column)
    while cells and not cells[-1]:
        cells.pop()
    missing = next((row for row, cell in enumerate(cells) if not cell), None)
    if missing is not None or not cells:
        where = "has no rows" if missing is None else f"has no label in row {missing} (counted from 0)"
        raise DataError(f"{path} {where}; every row needs one", path=str(path), row=missing)
    return _numbers_or_text(cells)


def _numbers_or_text(cells: list[str]) -> Array:
    """Return whole numbers as int64, other numbers as float64, and else text.

    Examples
    --------
    >>> _numbers_or_text(["1", "2"]), _numbers_or_text(["1", "x"])
    (array([1, 2]), array(['1', 'x'], dtype='<U1'))
    """
    if not all(map(is_number, cells)):
        return np.array(cells)
    whole = all(cell.lstrip("+-").isdigit() and len(cell) < 19 for cell in cells)
    return np.array(cells).astype(np.int64 if whole else np.float64)


def target_array(y: TargetLike | None, n_samples: int) -> Array:
    """Return checked targets for rows that stay on disk, of shape (n_samples,) or (n_samples, n_outputs)."""
    if y is None:
        raise ParameterError("this estimator requires y to be passed, but the target y is None")
    found = read_targets(y) if is_on_disk(y) else y
    checked: Array = check_array(found, ensure_2d=False, dtype=None, input_name="y")
    if checked.ndim > 2 or len(checked) != n_samples:
        raise ShapeError(
            f"y has shape {checked.shape}; expected a target for each of {n_samples:,} rows",
            expected=n_samples,
            got=checked.shape,
        )
    return checked


def codes_of(labels: Array) -> tuple[NDArray[np.intp], list[Array]]:
    """Return the codes of labels and the sorted classes of each output.

    Examples
    --------
    >>> codes, classes = codes_of(np.array(["b", "a", "b"]))
    >>> codes.tolist(), classes[0].tolist()
    ([[1], [0], [1]], ['a', 'b'])
    """
    columns = labels.reshape(len(labels), -1)
    found = [np.unique(column, return_inverse=True) for column in columns.T]
    codes = np.stack([places.reshape(-1) for _, places in found], axis=1).astype(np.intp)
    return codes, [values for values, _ in found]


def checked_weights(sample_weight: ArrayLike | None, rows: Array) -> NDArray[np.float64] | None:
    """Return the weight of each row's vote as scikit-learn checks it: finite, not negative, not all zero."""
    if sample_weight is None:
        return None
    found: NDArray[np.float64] = _check_sample_weight(
        sample_weight, rows, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    return found


def extended_weights(
    old: NDArray[np.float64] | None, n_old: int, new: NDArray[np.float64] | None, n_new: int
) -> NDArray[np.float64] | None:
    """Return the weights of old and new rows; rows without one weigh 1."""
    if old is None and new is None:
        return None
    return np.concatenate([np.ones(n_old) if old is None else old, np.ones(n_new) if new is None else new])
