"""What was ``tidu knn`` given, and does it fit together: rows, a filter, labels?

Everything is opened and compared before the search, which may be long. This file knows nothing of searching.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.app.neighborhood import check_rows
from tidu.app.searching_results import check_output
from tidu.data import BlockSource, as_source, open_dataset, select_features
from tidu.data.opening import labels_of
from tidu.errors import DataError, ParameterError
from tidu.estimators.neighbors_targets import read_targets
from tidu.neighbors import METRICS
from tidu.words import Language

__all__ = ["Inputs", "SearchSettings", "check_settings", "open_inputs", "read_where"]

Array: TypeAlias = NDArray[np.generic]
_AUTO = "auto"
_LARGEST_TEXT_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The arguments and options of ``tidu knn``.

    Attributes
    ----------
    train, queries : str
        Paths of the rows; without queries each training row is left out of its own neighbors.
    k : int
        Neighbors to find, and to vote.
    radius : float or None
        Search by radius instead.
    metric, algorithm, threads, memory_limit, index, checkpoint_dir, resume
        As for `tidu.kneighbors`.
    where : Path or None
        File of a mask or of row numbers.
    labels, query_labels : str or None
        ``"auto"``, a file, ``FILE:COLUMN``, or a column of the rows' own file.
    weights, ties
        As for `KNeighborsClassifier`.
    votes : tuple of int
        Accuracy is printed for each of these k.
    output : Path or None
        `.npz` or `.parquet`; None for a table on standard output.
    lang : Language
        Of what is printed.
    """

    train: str
    queries: str | None = None
    k: int = 10
    radius: float | None = None
    metric: str = "l2"
    algorithm: str = "auto"
    threads: int | None = None
    where: Path | None = None
    labels: str | None = None
    query_labels: str | None = None
    weights: Literal["uniform", "distance"] = "uniform"
    ties: Literal["smallest", "nearest"] = "smallest"
    votes: tuple[int, ...] = ()
    index: Path | None = None
    checkpoint_dir: Path | None = None
    resume: bool = False
    output: Path | None = None
    memory_limit: int | None = None
    lang: Language = "en"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Opened rows, and what belongs to them.

    Attributes
    ----------
    data : BlockSource
        The rows to be found.
    queries : BlockSource or None
        None for leave-one-out.
    where : ndarray or None
        Boolean mask, or row numbers.
    labels, query_labels : ndarray or None
        One label for each row.
    """

    data: BlockSource
    queries: BlockSource | None
    where: Array | None = None
    labels: Array | None = None
    query_labels: Array | None = None

    @property
    def n_allowed(self) -> int | None:
        """How many rows the filter leaves."""
        if self.where is None:
            return None
        return int(np.count_nonzero(self.where)) if self.where.dtype.kind == "b" else len(self.where)


def check_settings(settings: SearchSettings) -> None:
    """Refuse options that contradict each other, before anything is read."""
    if settings.output is not None:
        check_output(settings.output)
    if settings.metric not in METRICS:
        raise ParameterError(
            f"--metric must be one of {', '.join(METRICS)}; got {settings.metric!r}", got=settings.metric
        )
    if settings.radius is not None and not math.isfinite(settings.radius):
        raise ParameterError(f"--radius must be a finite number; got {settings.radius}", got=settings.radius)
    by_radius = {
        "--labels": settings.labels,
        "--index": settings.index,
        "--checkpoint-dir": settings.checkpoint_dir,
        "--votes": settings.votes,
    }
    problems = {
        **{
            f"{option} does not go with --radius; leave one of them out": settings.radius is not None and bool(value)
            for option, value in by_radius.items()
        },
        "--resume needs --checkpoint-dir, where the search was kept": settings.resume and not settings.checkpoint_dir,
        "--votes needs --labels": bool(settings.votes) and settings.labels is None,
        "--query-labels needs --labels, by which the neighbors vote": bool(settings.query_labels)
        and settings.labels is None,
        "--query-labels needs QUERIES; without them --labels are compared": bool(settings.query_labels)
        and settings.queries is None,
        "--weights distance needs a distance; inner_product is none": settings.weights == "distance"
        and settings.metric == "inner_product",
    }
    for message, is_wrong in problems.items():
        if is_wrong:
            raise ParameterError(message)


def open_inputs(settings: SearchSettings) -> Inputs:
    """Open rows, filter and labels, and compare their numbers of rows.

    Raises
    ------
    TiduError
        If something is missing, damaged or does not fit.
    """
    data, names, labels = _labeled_rows(settings.train, settings.labels, None, "--labels")
    queries, wanted = None, labels
    if settings.queries is not None:
        asked = settings.query_labels
        if asked is None and settings.labels == _AUTO:
            asked = _AUTO if labels_of(settings.queries) is not None else None
        queries, _, wanted = _labeled_rows(settings.queries, asked, names, "--query-labels")
    check_rows(queries, data)
    if labels is not None and wanted is not None and (labels.dtype.kind == "U") != (wanted.dtype.kind == "U"):
        raise DataError("--labels and --query-labels must both be text or both be numbers")
    where = None if settings.where is None else read_where(settings.where, data.shape[0])
    return Inputs(data, queries, where, labels, wanted)


def _labeled_rows(
    path: str, labels: str | None, feature_names: tuple[str, ...] | None, option: str
) -> tuple[BlockSource, tuple[str, ...] | None, Array | None]:
    """Return rows, the names of their columns if some were text, and their labels."""
    found: Array | None = None
    column = None
    if labels == _AUTO:
        source = labels_of(path)
        if source is None:
            raise DataError(f"{path} does not say what its labels are; give {option} a file", path=path)
        found = source.read(0, source.shape[0])
    elif labels is not None:
        file, member = _file_and_column(labels)
        if file is None:
            column = labels
        else:
            # Only text has named columns; elsewhere what follows the colon names a member of the file.
            found = read_targets(file, member) if _is_text(file) else read_targets(labels)
    rows: BlockSource
    names = None
    if column is not None or _is_text(path):
        # Columns of text are spread out by their values, which must be the same on both sides.
        data = open_dataset(path, target=column)
        if feature_names is not None or (data.text_columns and option == "--query-labels"):
            data = select_features(data, feature_names or data.feature_names)
        rows, names = data.X, data.feature_names if data.text_columns else None
        if column is not None and data.y is not None:
            found = data.y.read(0, data.n_samples)
            found = found if data.class_names is None else np.array(data.class_names)[found.astype(np.intp)]
    else:
        rows = as_source(path)
    return rows, names, None if found is None else _checked_labels(found, rows, option)


def _is_text(path: str) -> bool:
    return Path(path).suffix.lower() in (".csv", ".tsv", ".tab")


def _file_and_column(given: str) -> tuple[str | None, str | None]:
    """Split ``FILE:COLUMN``; no file if neither part is one."""
    if os.path.exists(given):
        return given, None
    file, colon, column = given.rpartition(":")
    return (file, column) if colon and os.path.isfile(file) else (None, None)


def _checked_labels(labels: Array, rows: BlockSource, option: str) -> Array:
    if labels.ndim != 1 or len(labels) != rows.shape[0]:
        raise DataError(
            f"{option} gives labels of shape {labels.shape}; expected one for each of the {rows.shape[0]:,} rows "
            f"of {rows.name}",
            expected=rows.shape[0],
            got=labels.shape,
        )
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)):
        row = int(np.argmin(labels == np.rint(labels)))
        raise DataError(
            f"{option} must give classes, by text or whole numbers; got {labels[row]} in row {row} (counted from 0)",
            row=row,
        )
    return labels


def read_where(path: Path, n_rows: int) -> Array:
    """Read which rows may be found: a mask, or row numbers, of a `.npy` file or one a line in a text file.

    Parameters
    ----------
    path : Path
        Of booleans or integers; in text, ``true`` and ``false``, or row numbers counted from 0.
    n_rows : int
        How many rows there are.

    Returns
    -------
    ndarray of shape (n_rows,), bool, or of different row numbers, int64

    Raises
    ------
    DataError
        If it is neither, of another length, or names a row twice or one that is not there.
    """
    if path.suffix.lower() == ".npy":
        source = as_source(path)
        found = source.read(0, source.shape[0])
    else:
        found = _words(path)
    if found.ndim != 1 or found.dtype.kind not in "biu":
        raise DataError(
            f"{path} must hold a vector of booleans or row numbers; got shape {found.shape}, dtype {found.dtype}",
            path=str(path),
        )
    if found.dtype.kind == "b":
        if len(found) != n_rows:
            raise DataError(
                f"the mask in {path} has {len(found):,} entries, the data have {n_rows:,} rows",
                expected=n_rows,
                got=len(found),
            )
        return found
    once, counts = np.unique(found, return_counts=True)
    if len(once) and not (int(once[0]) >= 0 and int(once[-1]) < n_rows):
        row = once[0] if int(once[0]) < 0 else once[-1]
        raise DataError(f"{path} names row {row}; there are rows 0 to {n_rows - 1}", path=str(path))
    if (counts > 1).any():
        raise DataError(
            f"{path} names row {once[counts > 1][0]} twice; if it is a mask, write true and false", path=str(path)
        )
    return np.asarray(once.astype(np.int64))


def _words(path: Path) -> Array:
    if path.stat().st_size > _LARGEST_TEXT_BYTES:
        raise DataError(f"{path} is too long for a list of rows; save it as .npy", path=str(path))
    try:
        words = path.read_text(encoding="utf-8").lower().split()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is neither .npy nor text", path=str(path)) from error
    if words and all(word in ("true", "false") for word in words):
        return np.array([word == "true" for word in words])
    for line, word in enumerate(words):
        if not (word.isascii() and word.isdigit() and len(word) < 19):
            raise DataError(
                f"{path} holds {word[:40]!r}, word {line + 1}; expected row numbers, or true and false", path=str(path)
            )
    return np.array([int(word) for word in words], np.int64)
