"""How are named arrays written as one `.npz` file that holds no pickle?

Knows nothing of what the arrays mean.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DtypeError
from tidu.persistence.atomic import atomic_write

__all__ = ["write_npz"]


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays as an uncompressed `.npz` file, or nothing; see `atomic_write`.

    Parameters
    ----------
    path : str or path-like
        The file, whatever its suffix; replaced as a whole when it exists.
    arrays : mapping of str to ndarray
        Numbers or text.

    Raises
    ------
    DtypeError
        If an array holds Python objects.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.npz"
    >>> write_npz(path, {"x": np.arange(3)})
    >>> with np.load(path) as archive:
    ...     print(archive.files, archive["x"])
    ['x'] [0 1 2]
    """
    for name, array in arrays.items():
        # savez has no allow_pickle before NumPy 2.2
        if array.dtype.hasobject:
            raise DtypeError(
                f"array {name!r} holds Python objects, which are never pickled; give numbers or text",
                name=name,
                got=array.dtype,
            )
    atomic_write(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]  # the stub: all flags
