"""What did somebody save under this name: the kind of a model, its facts, its tensors.

A model file is a safetensors file whose metadata hold one more JSON text, under ``"tidu"``, that
says what the tensors mean. Any reader of safetensors can open it. Knows no estimator.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from tidu.errors import ModelFileError, ParameterError
from tidu.persistence.safetensors import Header, read_header, read_safetensors, write_safetensors
from tidu.persistence.streamed import StreamedTensor, Tensor
from tidu.persistence.strict_json import JSON, parse_strict

__all__ = ["JSON", "ModelHeader", "SavedModel", "load_model", "read_model_header", "save_model"]

FORMAT = "tidu-model"
VERSION = 1
_METADATA_KEY = "tidu"
_RESERVED = ("format", "version", "kind", "tidu_version")
_FLOAT_TAG = "$float"  # JSON has no NaN and no infinity; {"$float": "nan"} stands for one
_NON_FINITE = ("nan", "inf", "-inf")
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class SavedModel:
    """What a model file holds.

    Parameters
    ----------
    kind : str
        What the tensors are, such as ``"mlp-classifier"``.
    facts : mapping
        Whatever else the kind needs to come back: JSON values.
    tensors : mapping of str to ndarray
        The learned arrays.
    tidu_version : str
        The version of tidu that wrote the file.
    """

    kind: str
    facts: Mapping[str, JSON]
    tensors: Mapping[str, Tensor]
    tidu_version: str


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a model file says of itself before its tensors.

    Parameters
    ----------
    kind, facts, tidu_version
        As in `SavedModel`.
    stored : Header
        Where the tensors lie in the file, with shapes and dtypes.
    """

    kind: str
    facts: Mapping[str, JSON]
    stored: Header
    tidu_version: str


def save_model(
    path: str | os.PathLike[str],
    kind: str,
    facts: Mapping[str, JSON],
    tensors: Mapping[str, Tensor | StreamedTensor],
) -> None:
    """Save a model as one file, or nothing.

    Parameters
    ----------
    path : str or path-like
        The file; replaced as a whole when it exists.
    kind : str
        What the tensors are, such as ``"mlp-classifier"``.
    facts : mapping of str to JSON value
        None, booleans, Python numbers, text, and lists and dicts of them. NaN and infinities are kept,
        as ``{"$float": "nan"}`` in the file. Tuples come back as lists.
    tensors : mapping of str to ndarray or StreamedTensor
        The learned arrays.

    Raises
    ------
    ParameterError
        If a fact is no JSON value, or uses a name that the header reserves (format, version, kind,
        tidu_version).
    DtypeError
        If safetensors cannot hold a tensor's dtype.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m.safetensors"
    >>> save_model(path, "line", {"loss": float("inf")}, {"w": np.ones(2)})
    >>> model = load_model(path)
    >>> model.kind, model.facts, model.tensors["w"].tolist()
    ('line', {'loss': inf}, [1.0, 1.0])
    """
    for name in _RESERVED:
        if name in facts:
            raise ParameterError(f"the fact {name!r} is reserved by the header; choose another name", name=name)
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "tidu_version": _installed_version()}
    encoded = json.dumps(header | _encoded_object(facts, "facts", 0), ensure_ascii=False, allow_nan=False)
    write_safetensors(path, tensors, {_METADATA_KEY: encoded})


def load_model(path: str | os.PathLike[str]) -> SavedModel:
    """Load what `save_model` saved; nothing in the file is executed.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, foreign, or of a newer version of the format; with `path`.
    """
    tensors, metadata = read_safetensors(path)
    kind, facts, written_by = _described(metadata, path)
    return SavedModel(kind, facts, tensors, written_by)


def read_model_header(path: str | os.PathLike[str]) -> ModelHeader:
    """Read and check what `save_model` saved, without reading its tensors.

    Raises
    ------
    ModelFileError
        As `load_model`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m.safetensors"
    >>> save_model(path, "line", {"loss": 0.5}, {"w": np.ones((2, 3))})
    >>> header = read_model_header(path)
    >>> header.kind, header.facts, header.stored.tensors["w"].shape
    ('line', {'loss': 0.5}, (2, 3))
    """
    stored = read_header(path)
    kind, facts, written_by = _described(stored.metadata, path)
    return ModelHeader(kind, facts, stored, written_by)


def _described(metadata: Mapping[str, str], path: str | os.PathLike[str]) -> tuple[str, dict[str, JSON], str]:
    """Return kind, facts and the version of tidu that wrote the file."""
    if _METADATA_KEY not in metadata:
        raise _foreign(path, "a safetensors file, but its metadata have no 'tidu' header")
    content = parse_strict(metadata[_METADATA_KEY], f"the 'tidu' header of {str(path)!r}")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _foreign(path, f"its 'tidu' header does not say format {FORMAT!r}")
    _check_version(content.get("version"), path)
    kind, written_by = content.get("kind"), content.get("tidu_version")
    if not isinstance(kind, str) or not isinstance(written_by, str):
        raise _foreign(path, "its 'tidu' header lacks 'kind' or 'tidu_version'")
    facts = {name: _decoded(value, path) for name, value in content.items() if name not in _RESERVED}
    return kind, facts, written_by


def _installed_version() -> str:
    # not from the package's own __init__, which stands above this layer
    try:
        return version("tidu")
    except PackageNotFoundError:
        return "unknown"  # a source tree that was never installed can still save models


def _foreign(path: object, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{str(path)!r} is not a tidu model: {reason}; expected a file written by save_model",
        path=path,
        reason=reason,
    )


def _check_version(number: JSON, path: object) -> None:
    if type(number) is not int or number < 1:
        raise _foreign(path, "its 'tidu' header has no version number")
    if number > VERSION:
        raise ModelFileError(
            f"{str(path)!r} has version {number} of the model format, this tidu reads up to {VERSION}; update tidu",
            path=path,
            reason="newer version",
            got=number,
            expected=VERSION,
        )


def _encoded_object(value: Mapping[str, JSON], where: str, depth: int) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for key, item in value.items():
        if not _is_text(key) or key == _FLOAT_TAG:
            raise ParameterError(f"{where} must have str keys other than {_FLOAT_TAG!r}; got {key!r}", key=key)
        result[key] = _encoded(item, f"{where}[{key!r}]", depth + 1)
    return result


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _encoded(value: JSON, where: str, depth: int) -> JSON:
    if depth > _MAX_DEPTH:
        raise ParameterError(f"facts are nested more than {_MAX_DEPTH} deep", expected=_MAX_DEPTH)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return _encoded_integer(value, where)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_FLOAT_TAG: str(float(value))}
    if isinstance(value, Mapping):
        return _encoded_object(value, where, depth)
    if isinstance(value, (list, tuple)):
        return [_encoded(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    raise ParameterError(
        f"{where} is a {type(value).__name__}, which JSON cannot hold; "
        f"convert it (int(), float(), .tolist()) or put it among the tensors",
        where=where,
        got=type(value),
    )


def _encoded_integer(value: int, where: str) -> int:
    if abs(value) >= 2**63:
        raise ParameterError(f"{where} is an integer beyond 64 bits; keep it as text", where=where, got=value)
    return int(value)


def _decoded(value: JSON, path: object) -> JSON:
    """Undo `_encoded`; the parser has bounded the depth."""
    if isinstance(value, dict):
        if _FLOAT_TAG in value:
            text = value[_FLOAT_TAG]
            if len(value) != 1 or text not in _NON_FINITE:
                raise _foreign(path, f"a malformed {_FLOAT_TAG!r} in its 'tidu' header")
            return float(str(text))
        return {key: _decoded(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item, path) for item in value]
    return value
