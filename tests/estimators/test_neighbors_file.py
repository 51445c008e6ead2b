"""Saved estimators come back as they were, and hostile files are refused in one line."""

from __future__ import annotations

import contextlib
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tidu.errors import DataError, ModelFileError, ParameterError
from tidu.estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from tidu.persistence import load_model

RNG = np.random.default_rng(7)
X, Y, NEW = RNG.normal(size=(60, 3)), RNG.integers(0, 3, 60), RNG.normal(size=(10, 3))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, ">f8"])
@pytest.mark.parametrize("estimator", [NearestNeighbors, KNeighborsClassifier, KNeighborsRegressor])
def test_what_was_saved_comes_back(tmp_path, estimator, dtype):
    rows = (10 * np.abs(X)).astype(dtype)
    model = estimator(n_neighbors=4, metric="chebyshev", memory_limit="5MB").fit(rows, Y)
    model.save(tmp_path / "m.safetensors")
    back = estimator.load(tmp_path / "m.safetensors")
    assert back.get_params() == model.get_params()
    assert back.n_features_in_ == 3
    np.testing.assert_array_equal(back.kneighbors(NEW), model.kneighbors(NEW))
    if estimator is not NearestNeighbors:
        assert back.predict(NEW).dtype == model.predict(NEW).dtype
        np.testing.assert_array_equal(back.predict(None), model.predict(None))


@pytest.mark.parametrize(
    "labels",
    [
        Y,
        Y * 1.0,
        Y == 1,
        np.array(["\u732b", "dog", ""])[Y],
        np.array(["a", "b", "c"], object)[Y],
        np.stack([Y, Y % 2], 1),
    ],
    ids=["int", "float", "bool", "text", "object", "multi"],
)
def test_labels_of_every_kind_and_weights_come_back(tmp_path, labels):
    model = KNeighborsClassifier(weights="distance", p=np.inf, ties="nearest")
    model.fit(X, labels, sample_weight=np.linspace(1, 2, 60)).save(tmp_path / "m.safetensors")
    back = KNeighborsClassifier.load(tmp_path / "m.safetensors")
    assert back.p == np.inf
    np.testing.assert_array_equal(back.predict(NEW), model.predict(NEW))
    if labels.ndim == 1:
        np.testing.assert_array_equal(back.predict_proba(None), model.predict_proba(None))
    back.add(NEW, labels[:10])
    assert back.n_samples_fit_ == 70


def test_names_of_features_come_back(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "\u5bbd"])
    NearestNeighbors().fit(frame).save(tmp_path / "m.safetensors")
    back = NearestNeighbors.load(tmp_path / "m.safetensors")
    assert back.feature_names_in_.tolist() == ["a", "b", "\u5bbd"]
    with pytest.raises(ValueError, match="feature names"):
        back.kneighbors(frame[["b", "a", "\u5bbd"]])


def test_sparse_rows_come_back(tmp_path):
    thin = sparse.csr_array(np.where(X > 0, X, 0))
    model = KNeighborsClassifier().fit(thin, Y)
    model.save(tmp_path / "m.safetensors")
    back = KNeighborsClassifier.load(tmp_path / "m.safetensors")
    assert sparse.issparse(back._fit_X)
    np.testing.assert_array_equal(back.predict_proba(NEW), model.predict_proba(NEW))


def test_embedded_rows_stay_in_the_file_even_when_it_is_saved_over(tmp_path):
    path = tmp_path / "m.safetensors"
    NearestNeighbors().fit(X).save(path)
    model = NearestNeighbors.load(path)
    assert not isinstance(model._fit_X, np.ndarray)
    model.add(NEW).save(path)
    np.testing.assert_array_equal(NearestNeighbors.load(path).kneighbors(X), model.kneighbors(X))


def test_any_reader_of_models_can_open_the_file(tmp_path):
    KNeighborsClassifier().fit(X, Y).save(tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    assert found.kind == "k-neighbors-classifier"
    np.testing.assert_array_equal(found.tensors["rows"], X)


def test_rows_by_reference_are_found_again_unless_they_changed(tmp_path):
    rows, path, moved = tmp_path / "X.npy", tmp_path / "m.safetensors", tmp_path / "moved.npy"
    np.save(rows, X)
    model = KNeighborsClassifier().fit(rows, Y)
    model.save(path, rows="reference")
    assert path.stat().st_size < rows.stat().st_size + 1000
    assert "rows" not in load_model(path).tensors
    np.testing.assert_array_equal(KNeighborsClassifier.load(path).predict(NEW), model.predict(NEW))
    np.save(moved, X)
    np.testing.assert_array_equal(KNeighborsClassifier.load(path, rows=moved).predict(NEW), model.predict(NEW))
    os.utime(rows, ns=(1, 1))
    with pytest.raises(ModelFileError, match="not those"):
        KNeighborsClassifier.load(path)
    np.save(moved, X[:-1])
    with pytest.raises(ModelFileError, match="not those"):
        KNeighborsClassifier.load(path, rows=moved)
    rows.unlink()
    with pytest.raises(ModelFileError, match="no such file"):
        KNeighborsClassifier.load(path)


def test_what_cannot_be_saved_is_refused_before_a_file_is_there(tmp_path):
    path = tmp_path / "m.safetensors"
    with pytest.raises(ParameterError) as caught:
        KNeighborsClassifier(weights=lambda d: d).fit(X, Y).save(path)
    assert caught.value.parameter == "weights"
    with pytest.raises(ParameterError, match="path"):
        NearestNeighbors().fit(X).save(path, rows="reference")
    with pytest.raises(ParameterError):
        NearestNeighbors().fit(X).save(path, rows="somewhere")
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(ParameterError, match="added"):
        NearestNeighbors().fit(tmp_path / "X.npy").add(NEW).save(path, rows="reference")
    assert not path.exists()


def test_rows_that_change_while_they_are_copied_leave_no_file(tmp_path):
    np.save(tmp_path / "X.npy", X)
    model = NearestNeighbors().fit(tmp_path / "X.npy")
    os.utime(tmp_path / "X.npy", ns=(1, 1))
    with pytest.raises(DataError):
        model.save(tmp_path / "m.safetensors")
    assert [one.name for one in tmp_path.iterdir()] == ["X.npy"]


def _saved(path):
    KNeighborsClassifier(3).fit(X, np.array(["a", "b", "c"])[Y], sample_weight=np.ones(60)).save(path)
    return path.read_bytes()


def _facts(raw):
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["tidu"]), raw[8 + length :]


def _write(path, header, facts, body):
    header["__metadata__"]["tidu"] = json.dumps(facts)
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + body)


def _damage(change):
    def damage(raw, path):
        header, facts, body = _facts(raw)
        change(header, facts)
        _write(path, header, facts, body)

    return damage


DAMAGES = {
    "another kind": lambda h, f: f.update(kind="nearest-neighbors"),
    "newer version": lambda h, f: f.update(version=99),
    "no version": lambda h, f: f.pop("version"),
    "foreign format": lambda h, f: f.update(format="x"),
    "no parameters": lambda h, f: f.pop("parameters"),
    "unknown parameter": lambda h, f: f["parameters"].update(code="import os"),
    "parameter of a wrong type": lambda h, f: f["parameters"].update(n_neighbors="many"),
    "parameter that is a list": lambda h, f: f["parameters"].update(memory_limit=[1]),
    "parameter that is an object": lambda h, f: f["parameters"].update(metric_params={"$float": "x"}),
    "metric that is a list": lambda h, f: f["parameters"].update(metric=["l2"]),
    "unhashable algorithm": lambda h, f: f["parameters"].update(algorithm={"a": 1}),
    "no rows": lambda h, f: f.update(rows=None),
    "rows of a device": lambda h, f: f.update(
        rows={
            "kind": "reference",
            "path": "/dev/zero",
            "shape": [60, 3],
            "dtype": "float64",
            "size": 0,
            "modified_ns": 0,
        }
    ),
    "rows with a zero byte in the path": lambda h, f: f.update(rows={"kind": "reference", "path": "a\0b"}),
    "sparse rows that are not there": lambda h, f: f.update(rows={"kind": "sparse", "shape": [60, 3]}),
    "no classes": lambda h, f: f.pop("classes"),
    "too few classes": lambda h, f: f.update(classes=[["a", "b"]]),
    "unsorted classes": lambda h, f: f.update(classes=[["b", "a", "c"]]),
    "classes of two outputs": lambda h, f: f.update(classes=[["a", "b", "c"]] * 2),
    "classes that are no list": lambda h, f: f.update(classes="abc"),
    "names for other columns": lambda h, f: f.update(feature_names=["a"]),
    "tensors of other shapes": lambda h, f: h["rows"].update(shape=[30, 6]),
    "rows without an axis": lambda h, f: h["rows"].update(shape=[180]),
    "weights of other numbers": lambda h, f: h["sample_weight"].update(dtype="I64"),
    "codes that are no integers": lambda h, f: h["codes"].update(dtype="F64"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_was_tampered_with_is_refused_in_one_line(tmp_path, name):
    path = tmp_path / "m.safetensors"
    _damage(DAMAGES[name])(_saved(path), path)
    with pytest.raises(ModelFileError) as caught:
        KNeighborsClassifier.load(path)
    assert "\n" not in str(caught.value)


def test_sparse_indices_outside_the_matrix_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    NearestNeighbors().fit(sparse.csr_array(np.eye(4))).save(path)
    raw = bytearray(path.read_bytes())
    header, _, body = _facts(bytes(raw))
    begin = len(raw) - len(body) + header["rows.indices"]["data_offsets"][0]
    raw[begin : begin + 4] = struct.pack("<i", 1000)
    path.write_bytes(raw)
    with pytest.raises(ModelFileError):
        NearestNeighbors.load(path)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_flipped_byte_is_refused_or_does_no_harm(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("flip") / "m.safetensors"
    raw = bytearray(_saved(path))
    raw[place % len(raw)] = value
    path.write_bytes(raw)
    with contextlib.suppress(ModelFileError, DataError, ParameterError):
        KNeighborsClassifier.load(path).predict(NEW)


@given(st.integers(0, 3000))
def test_a_file_cut_short_is_refused(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("cut") / "m.safetensors"
    raw = _saved(path)
    path.write_bytes(raw[: length % len(raw)])
    with pytest.raises(ModelFileError):
        KNeighborsClassifier.load(path)
