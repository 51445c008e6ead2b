"""What did the user hand over: an array, a pair, a path or a name? It becomes a source or a data set.

Formats are looked up, never named here. What a path means is decided here alone: a path that exists is that
path, whatever colons it has; otherwise what follows a colon names a member of the file or folder before it,
as in ``file.h5:images``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.data.bundled import BUNDLED, bundled
from tidu.data.dataset import Dataset, closest, dataset_of, image_shape_of
from tidu.data.files import existing_path
from tidu.data.format import format_of
from tidu.data.source import ArraySource, BlockSource
from tidu.data.views import Widened
from tidu.errors import DataError, ParameterError

__all__ = ["DataLike", "MatrixLike", "as_source", "labels_of", "open_dataset"]

MatrixLike: TypeAlias = "str | os.PathLike[str] | BlockSource | ArrayLike"
DataLike: TypeAlias = "MatrixLike | tuple[MatrixLike, MatrixLike] | Dataset"


def open_dataset(data: DataLike, *, target: str | int | None = None) -> Dataset:
    """Open features and target, wherever they come from.

    Parameters
    ----------
    data : path, str, array-like, tuple or BlockSource
        A path to a file or folder of a known format (`.npy`, `.npz`, `.csv`, `.tsv`, `.parquet`, `.h5`,
        `.fvecs`, `.bvecs`, raw numbers, a Zarr folder, CIFAR-10's python batches), with the member that is
        meant, if the file has several: ``"file.h5:images"``; the name of a bundled data set (``"digits"``;
        write ``"./digits"`` for a file of that name); an array of shape (n_samples, n_features), or
        (n_samples, rows, columns) and (n_samples, rows, columns, channels) for pictures; or a tuple
        ``(X, y)`` of any two matrices.
    target : str, int or None
        Which part is the target: a column's name or number, another member of the file, or, for a `.npy`
        file, the path of another one.

    Returns
    -------
    Dataset
        Files are opened and checked, not loaded: rows are read when asked for. (A text file is read once
        from top to bottom, and compressed members of an archive are decoded into memory.)

    Raises
    ------
    DataError
        If the file is missing, damaged, hostile or of unknown format, or the target is not there.
    ShapeError, DtypeError
        If the arrays are no matrix of numbers with one target per row.

    Examples
    --------
    >>> data = open_dataset(([[0.0, 1.0], [2.0, 3.0]], ["no", "yes"]))
    >>> data.X.shape, data.class_names, data.y.read(0, 2).tolist()
    ((2, 2), ('no', 'yes'), [0, 1])
    """
    if isinstance(data, Dataset):
        return _refuse_target(data, target)
    if isinstance(data, str) and data in BUNDLED:
        return _refuse_target(bundled(data), target)
    if isinstance(data, str | os.PathLike):
        path, member = _located(data)
        if member is not None:
            return _dataset_of_members(path, member, target)
        return format_of(path).open_dataset(path, target)
    if isinstance(data, tuple):
        if len(data) != 2:
            raise ParameterError(f"a tuple of data must be (X, y); got {len(data)} parts", expected=2, got=len(data))
        X, y = data
        return dataset_of(as_source(X), as_source(y), target=target, image_shape=_image_shape(X))
    return dataset_of(as_source(data), target=target, image_shape=_image_shape(data))


def as_source(array_or_path: MatrixLike) -> BlockSource:
    """Return a source of rows for an array, a path, or what is a source already.

    Parameters
    ----------
    array_or_path : array-like, path or BlockSource
        One matrix, or one vector. Axes after the first are flattened. A path may name a member of the file
        (``"file.h5:images"``), or what a raw file holds (``"vectors.bin:float32x128"``). bfloat16 numbers
        are read as float32; float16 stay what they are (see `tidu.data.widened`).

    Raises
    ------
    DataError
        If a file cannot be read, or an array holds Python objects, masked values or no axis.

    Examples
    --------
    >>> as_source([[1.0, 2.0]]).shape
    (1, 2)
    """
    if isinstance(array_or_path, str | os.PathLike):
        path, member = _split(array_or_path)
        return format_of(path).open_source(path) if member is None else _open_member(path, member)
    if isinstance(array_or_path, BlockSource):
        return array_or_path
    if getattr(getattr(array_or_path, "dtype", None), "name", None) == "bfloat16":
        bits = np.asarray(array_or_path).view(np.uint16)
        return Widened(ArraySource(_array(bits)))
    return ArraySource(_array(array_or_path))


def labels_of(data: str | os.PathLike[str]) -> BlockSource | None:
    """Return the labels that belong to the rows of ``as_source(data)``, if the file holds any.

    Parameters
    ----------
    data : path or str
        A file or folder of a known format, or the name of a bundled data set.

    Returns
    -------
    BlockSource of shape (n_samples,), or None
        Numbers, or codes of classes. None if the file does not say what is a label, as a text table does
        not.

    Examples
    --------
    >>> labels_of("iris").read(0, 3).tolist()
    [0, 0, 0]
    """
    if isinstance(data, str) and data in BUNDLED:
        return bundled(data).y
    path, member = _located(data)
    if member is not None:
        return None
    form = format_of(path)
    return form.open_dataset(path, None).y if form.open_labels is None else form.open_labels(path)


def _open_member(path: Path, member: str) -> BlockSource:
    form = format_of(path)
    if form.open_member is None:
        raise DataError(
            f"{path} ({form.name}) has no members to choose from; leave away {':' + member!r}",
            path=str(path),
            member=member,
        )
    return form.open_member(path, member)


def _dataset_of_members(path: Path, member: str, target: str | int | None) -> Dataset:
    """Open a member as features; a number as target counts its columns, a name is another member."""
    X = _open_member(path, member)
    if not isinstance(target, str):
        return dataset_of(X, target=target)
    return dataset_of(X, _open_member(path, target), target_name=target)


def _array(values: ArrayLike) -> NDArray[np.generic]:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise DataError("the array has masked values; fill them in (array.filled(...)) or remove their rows")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DataError(f"the data are no array of equal rows: {error}") from error
    if array.dtype.kind == "O" and array.size and all(isinstance(value, str) for value in array.flat):
        array = array.astype(np.str_)
    if array.ndim == 0 or array.dtype.kind not in "biufU":
        raise DataError(
            f"the data are {type(values).__name__} with dtype {array.dtype} and {array.ndim} axes; "
            "expected an array of numbers (for a sparse matrix, give matrix.toarray())",
            dtype=str(array.dtype),
            ndim=array.ndim,
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise DataError(f"the data have dtype {array.dtype}; give float64 or narrower", dtype=str(array.dtype))
    return array.reshape(array.shape[0], -1) if array.ndim > 2 and array.size else array


def _image_shape(values: object) -> tuple[int, int, int] | None:
    return image_shape_of(tuple(getattr(values, "shape", ())))


def _located(data: str | os.PathLike[str]) -> tuple[Path, str | None]:
    name = os.fspath(data)
    if name.isidentifier() and not os.path.lexists(name):
        # A bare word may be a mistyped name of a bundled data set.
        raise DataError(
            f"there is no file and no bundled data set {name!r}{closest(name, BUNDLED)}",
            path=name,
            available=BUNDLED,
        )
    return _split(data)


def _split(data: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """Return an existing path and the member of it that is meant, if any."""
    name = os.fspath(data)
    if not _exists(name):
        for place in range(len(name) - 2, 0, -1):
            if name[place] == ":" and _exists(name[:place]):
                return existing_path(name[:place]), name[place + 1 :]
    return existing_path(data), None


def _exists(name: str) -> bool:
    try:
        return os.path.lexists(name)
    except (OSError, ValueError):  # `existing_path` will say what is wrong with it
        return False


def _refuse_target(data: Dataset, target: str | int | None) -> Dataset:
    if target is not None and target != data.target_name:
        raise ParameterError(
            f"target={target!r} was given, but the data already have the target {data.target_name!r}",
            target=target,
        )
    return data
