"""What of an estimator of neighbors goes into its model file, and how does it come back?

Rows are copied into the file block by block, stay there, and are read when a search needs them. Only the
parts common to the three estimators are known here; the format is that of `tidu.persistence`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar, cast

import numpy as np
from scipy import sparse

from tidu.data import ArraySource, BlockSource, blocks
from tidu.data.files import RegularFile
from tidu.data.formats.npy import Layout, NpySource
from tidu.data.source import row_bytes
from tidu.errors import ModelFileError, ParameterError, TiduError
from tidu.estimators.neighbors_base import NeighborsBase
from tidu.estimators.neighbors_rows import Rows, open_matrix, rows_of
from tidu.neighbors.metrics import Array
from tidu.persistence import StreamedTensor, read_model_header, save_model
from tidu.persistence.model import JSON
from tidu.persistence.safetensors import Header

__all__ = ["load_neighbors", "save_neighbors"]

_COPY_BYTES = 1 << 20
_SPARSE = ("rows.data", "rows.indices", "rows.indptr")

Estimator = TypeVar("Estimator", bound=NeighborsBase)


def save_neighbors(model: NeighborsBase, path: str | os.PathLike[str], rows: Literal["embedded", "reference"]) -> None:
    """Write a fitted estimator as one file, or nothing; see `NeighborsBase.save`."""
    if rows not in ("embedded", "reference"):
        raise ParameterError(f"rows must be 'embedded' or 'reference'; got {rows!r}", got=rows)
    facts, arrays = model.saved_state()
    tensors: dict[str, Array | StreamedTensor] = {**arrays}
    if model._sample_weight is not None:
        tensors["sample_weight"] = model._sample_weight
    if rows == "reference":
        facts["rows"] = _reference(model)
    elif sparse.issparse(model._fit_X):
        matrix = sparse.csr_array(model._fit_X)
        facts["rows"] = {"kind": "sparse", "shape": list(matrix.shape)}
        parts = (matrix.data, matrix.indices, matrix.indptr)
        tensors |= zip(_SPARSE, parts, strict=True)
    else:
        facts["rows"] = {"kind": "embedded"}
        tensors["rows"] = _streamed(rows_of(model._fit_X))
    names = getattr(model, "feature_names_in_", None)
    facts["feature_names"] = None if names is None else [str(name) for name in names]
    facts["parameters"] = {name: _plain(name, value) for name, value in model.get_params(deep=False).items()}
    save_model(path, model.kind, cast("Mapping[str, JSON]", facts), tensors)


def load_neighbors(
    cls: type[Estimator], path: str | os.PathLike[str], rows: str | os.PathLike[str] | None
) -> Estimator:
    """Read what `save_neighbors` wrote; see `NeighborsBase.load`."""
    header = read_model_header(path)
    if header.kind != cls.kind:
        raise _refuse(path, f"its kind is {header.kind[:80]!r}, not {cls.kind!r}")
    facts = header.facts
    try:
        model = cls(**_parameters(cls, facts.get("parameters")))
        tensors = _tensors(header.stored, path)
        found, where = _rows(facts.get("rows"), tensors, rows)
        small = {name: np.array(source.read(0, source.shape[0])) for name, source in tensors.items() if name != "rows"}
        model.restore_state(facts, small)
        model._sample_weight = _weights(small.get("sample_weight"), found.shape[0])
        targets = getattr(model, "_y", None)
        if targets is not None and len(targets) != found.shape[0]:
            raise ParameterError(f"it has {len(targets)} targets for {found.shape[0]} rows")
        model.n_features_in_ = found.shape[1]
        _restore_names(model, facts.get("feature_names"))
        return model._store(found, where)
    except ModelFileError:
        raise
    except (TiduError, OSError, TypeError, ValueError) as error:
        raise _refuse(path, " ".join(str(error).split())) from error


# ---------------------------------------------------------------------------------------- writing


def _streamed(rows: BlockSource) -> StreamedTensor:
    at_once = max(1, _COPY_BYTES // row_bytes(rows))
    return StreamedTensor(rows.shape, rows.dtype, lambda: (block for _, block in blocks(rows, at_once)))


def _plain(name: str, value: object) -> object:
    """Return the value of a parameter without NumPy's scalars."""
    if callable(value):
        raise ParameterError(
            f"{name} is a function, which cannot be saved without pickle; set it to 'uniform' or 'distance' first",
            parameter=name,
        )
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def _reference(model: NeighborsBase) -> dict[str, object]:
    if model._rows_path is None:
        raise ParameterError(
            "rows='reference' needs training rows that were given as a path and not added to since; "
            "save with rows='embedded'"
        )
    path = os.path.abspath(model._rows_path)
    size, modified_ns = _state_of(path)
    return {
        "kind": "reference",
        "path": path,
        "shape": list(model._fit_X.shape),
        "dtype": str(model._fit_X.dtype),
        "size": size,
        "modified_ns": modified_ns,
    }


def _state_of(given: str) -> tuple[int, int]:
    """Return the size and the last modification of a file, or of all files in a folder."""
    path = Path(given)
    if not path.exists():
        path = Path(given.rpartition(":")[0])  # what follows a colon names a member of the file
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    states = [one.stat() for one in files]
    return sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)


# ---------------------------------------------------------------------------------------- reading


def _refuse(path: object, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{str(path)!r} does not hold an estimator of neighbors: {reason}; expected a file written by save",
        path=path,
        reason=reason,
    )


def _parameters(cls: type[NeighborsBase], given: object) -> dict[str, object]:
    if not isinstance(given, dict):
        raise ParameterError("its parameters are no object")
    known = cls._get_param_names()
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ParameterError(f"it has the unknown parameter {unknown[0][:80]!r}")
    return given


def _tensors(header: Header, path: str | os.PathLike[str]) -> dict[str, BlockSource]:
    """Return every tensor as a source that reads from the file."""
    file = RegularFile(path)
    if file.size != header.data_start + max((entry.end for entry in header.tensors.values()), default=0):
        raise _refuse(path, "it was written to while it was being read")
    found: dict[str, BlockSource] = {}
    for name, entry in header.tensors.items():
        if not entry.shape:
            raise _refuse(path, f"tensor {name[:80]!r} has no axis")
        begin = header.data_start + entry.begin
        source = NpySource(file, Layout(entry.shape, entry.stored_dtype, False, begin), str(path), begin)
        found[name] = source if entry.dtype != "BOOL" else ArraySource(source.read(0, source.shape[0]) != 0, str(path))
    return found


def _rows(
    about: object, tensors: Mapping[str, BlockSource], moved_to: str | os.PathLike[str] | None
) -> tuple[Rows, str | None]:
    """Return the training rows, and their path if they lie in another file."""
    if not isinstance(about, dict):
        raise ParameterError("it does not say where its rows are")
    if about.get("kind") == "reference":
        return _referred(about, moved_to)
    if moved_to is not None:
        raise ParameterError(f"its rows are in it, so they cannot be those of {os.fspath(moved_to)!r}; leave rows out")
    if about.get("kind") == "sparse":
        return _sparse_rows(about.get("shape"), tensors), None
    if about.get("kind") != "embedded" or "rows" not in tensors:
        raise ParameterError("its rows are missing")
    return open_matrix(tensors["rows"]), None


def _referred(about: Mapping[str, object], moved_to: str | os.PathLike[str] | None) -> tuple[BlockSource, str]:
    expected = (about.get("size"), about.get("modified_ns"))
    given = about.get("path")
    if not isinstance(given, str):
        raise ParameterError("it does not say where its rows are")
    path = given if moved_to is None else os.fspath(moved_to)
    source = open_matrix(path)
    size, modified_ns = _state_of(path)
    # A copy elsewhere has a time of its own.
    same_file = size == expected[0] and (moved_to is not None or modified_ns == expected[1])
    if not same_file or list(source.shape) != about.get("shape") or str(source.dtype) != about.get("dtype"):
        raise ParameterError(
            f"the rows in {path!r} are not those it was saved with (size, time, shape or dtype differ); fit again"
        )
    return source, path


def _sparse_rows(shape: object, tensors: Mapping[str, BlockSource]) -> sparse.csr_array:
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(n) is int and n > 0 for n in shape):
        raise ParameterError("the shape of its sparse rows is no pair of sizes")
    parts = [tensors.get(name) for name in _SPARSE]
    if any(part is None or len(part.shape) != 1 for part in parts):
        raise ParameterError("its sparse rows are incomplete")
    data, indices, indptr = (np.array(part.read(0, part.shape[0])) for part in cast("list[BlockSource]", parts))
    if indices.dtype.kind != "i" or indptr.dtype.kind != "i":
        raise ParameterError("the indices of its sparse rows are no integers")
    matrix: sparse.csr_array = sparse.csr_array((data, indices, indptr), shape=(shape[0], shape[1]))
    matrix.check_format(full_check=True)
    return matrix


def _weights(given: Array | None, n_samples: int) -> Array | None:
    if given is None:
        return None
    if given.shape != (n_samples,) or given.dtype != np.float64 or not np.isfinite(given).all() or (given < 0).any():
        raise ParameterError("its sample weights are no finite numbers of at least 0, one for each row")
    return given


def _restore_names(model: NeighborsBase, names: object) -> None:
    if names is None:
        return
    if not isinstance(names, list) or len(names) != model.n_features_in_ or not all(isinstance(n, str) for n in names):
        raise ParameterError("its names of features are not one text for each column")
    model.feature_names_in_ = np.array(names, object)
