"""A model comes back as it was saved; anything else is refused in one clear line."""

from __future__ import annotations

import json
import math
import tracemalloc
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.errors import DtypeError, ModelFileError, ParameterError
from tidu.persistence import (
    SavedModel,
    StreamedTensor,
    load_model,
    read_header,
    read_model_header,
    save_model,
    write_safetensors,
)
from tidu.persistence.model import JSON

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name not in {"format", "version", "kind", "tidu_version", "$float"}
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.safetensors"


def same(left: JSON, right: JSON) -> bool:
    return repr(left) == repr(right)  # tells 1 from 1.0 and True, 0.0 from -0.0, and nan equals itself


@settings(max_examples=60, deadline=None)
@given(facts=st.dictionaries(NAMES, VALUES, max_size=4))
def test_facts_come_back_as_they_were(facts: dict[str, JSON], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("facts") / "m"
    save_model(path, "line", facts, {})
    assert same(load_model(path).facts, facts)


def test_a_model_comes_back_with_kind_tensors_and_version(path: Path) -> None:
    save_model(path, "mlp-classifier", {"layers": (3, 2)}, {"W1": np.eye(2, dtype="f4")})
    model = load_model(path)
    assert isinstance(model, SavedModel)
    assert (model.kind, model.tidu_version) == ("mlp-classifier", version("tidu"))
    assert model.facts == {"layers": [3, 2]}
    np.testing.assert_array_equal(model.tensors["W1"], np.eye(2))


def test_the_file_holds_standard_json_even_for_nan(path: Path) -> None:
    save_model(path, "line", {"loss": math.nan, "best": [-math.inf]}, {})
    assert b"NaN" not in path.read_bytes()
    assert b"Infinity" not in path.read_bytes()
    facts = load_model(path).facts
    assert math.isnan(facts["loss"])  # type: ignore[arg-type]
    assert facts["best"] == [-math.inf]


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": 1},
        {"x": np.int64(3)},
        {"x": [object()]},
        {"x": {1: 2}},
        {"x": {"$float": "nan"}},
        {"x": 2**63},
        {"x": b"bytes"},
        {"x": {1, 2}},
        {"x": "\ud800"},
    ],
)
def test_facts_that_json_cannot_hold_are_refused_and_no_file_is_made(path: Path, facts: dict[str, JSON]) -> None:
    with pytest.raises(ParameterError):
        save_model(path, "line", facts, {})
    assert not path.exists()


def test_deep_and_circular_facts_are_refused(path: Path) -> None:
    circle: list[JSON] = []
    circle.append(circle)
    with pytest.raises(ParameterError):
        save_model(path, "line", {"x": circle}, {})


def test_an_object_array_is_refused_never_pickled(path: Path) -> None:
    with pytest.raises(DtypeError):
        save_model(path, "line", {}, {"x": np.array([print], dtype=object)})
    assert not path.exists()


def test_a_failed_save_keeps_the_older_model(path: Path) -> None:
    save_model(path, "line", {"n": 1}, {"w": np.ones(3)})
    with pytest.raises(DtypeError):
        save_model(path, "line", {"n": 2}, {"w": np.ones(3, complex)})
    assert load_model(path).facts == {"n": 1}
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def refused(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelFileError) as of_header:
        read_model_header(path)
    assert str(of_header.value) == str(caught.value)
    return caught.value


GOOD = {"format": "tidu-model", "version": 1, "kind": "line", "tidu_version": "0.1"}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "null",
        "{}",
        "{",
        json.dumps(GOOD | {"format": "other"}),
        *(json.dumps(GOOD | {"version": number}) for number in (0, -1, 1.0, "1", True, None)),
        json.dumps(GOOD | {"kind": 3}),
        json.dumps(GOOD | {"tidu_version": None}),
        json.dumps(GOOD)[:-1] + ', "kind": "line"}',
        json.dumps(GOOD)[:-1] + ', "x": NaN}',
        json.dumps(GOOD)[:-1] + ', "x": 1e999}',
        json.dumps(GOOD | {"x": {"$float": "nan", "y": 1}}),
        json.dumps(GOOD | {"x": {"$float": "1.5"}}),
        json.dumps(GOOD | {"x": {"$float": ["nan"]}}),
        json.dumps(GOOD)[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_malformed_model_header_is_one_clear_error(path: Path, header: str) -> None:
    write_safetensors(path, {}, {"tidu": header})
    refused(path)


def test_a_newer_version_asks_for_a_newer_tidu(path: Path) -> None:
    write_safetensors(path, {}, {"tidu": json.dumps(GOOD | {"version": 2})})
    error = refused(path)
    assert (error.got, error.expected) == (2, 1)  # type: ignore[attr-defined]
    assert "update" in str(error)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04K\x01.", b"PK\x03\x04" * 9, b"\x93NUMPY\x01\x00", b"\2" + bytes(7) + b"{}"]
)
def test_a_foreign_file_is_one_clear_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert str(path) in str(refused(path))


def test_a_missing_file_is_one_clear_error(path: Path) -> None:
    assert refused(path).path == path  # type: ignore[attr-defined]


def test_a_model_cut_at_any_byte_is_refused(path: Path) -> None:
    save_model(path, "line", {"a": [1.5]}, {"w": np.ones(3, "f4")})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path)


def test_the_header_alone_tells_all_but_the_tensors(path: Path) -> None:
    save_model(path, "line", {"loss": math.inf, "n": [1]}, {"w": np.zeros((2, 3), "f4"), "b": np.ones(3)})
    header, whole = read_model_header(path), load_model(path)
    assert (header.kind, header.facts, header.tidu_version) == (whole.kind, whole.facts, whole.tidu_version)
    assert header.stored == read_header(path)
    assert {name: entry.shape for name, entry in header.stored.tensors.items()} == {"w": (2, 3), "b": (3,)}


def test_no_tensor_is_read_for_the_header(path: Path) -> None:
    save_model(path, "line", {}, {"w": np.zeros(1 << 20)})
    tracemalloc.start()
    try:
        read_model_header(path)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


def test_a_model_of_streamed_tensors_comes_back(path: Path) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    save_model(path, "line", {}, {"rows": StreamedTensor((3, 2), rows.dtype, lambda: rows), "b": np.ones(2)})
    tensors = load_model(path).tensors
    np.testing.assert_array_equal(tensors["rows"], rows)
    np.testing.assert_array_equal(tensors["b"], np.ones(2))
