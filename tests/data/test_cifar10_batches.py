from __future__ import annotations

import os
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidu.data import FillingSource, as_source, labels_of, open_dataset, read_into, scratch_bytes
from tidu.errors import DataError

N = 70
PICTURES = np.random.default_rng(0).integers(0, 256, (6 * N, 32, 32, 3), np.uint8)
FLAT = PICTURES.reshape(6 * N, -1)
LABELS = [i % 3 for i in range(6 * N)]


@pytest.fixture
def folder(tmp_path: Path, batches: Any) -> Path:
    return batches.write_folder(tmp_path / "cifar-10-batches-py", PICTURES, LABELS)


def labels(path: Path) -> list[int]:
    found = labels_of(path)
    assert found is not None
    return found.read(0, found.shape[0]).tolist()


def test_the_folder_is_the_training_set_and_a_file_in_it_one_batch(folder: Path) -> None:
    train, test = as_source(folder), as_source(folder / "test_batch")
    assert (train.shape, test.shape) == ((5 * N, 3072), (N, 3072))
    np.testing.assert_array_equal(train.read(0, 5 * N), FLAT[: 5 * N])
    np.testing.assert_array_equal(test.read(0, N), FLAT[5 * N :])
    assert (labels(folder), labels(folder / "test_batch")) == (LABELS[: 5 * N], LABELS[5 * N :])
    np.testing.assert_array_equal(as_source(folder / "data_batch_2").read(0, N), FLAT[N : 2 * N])


def test_the_training_set_needs_neither_the_test_batch_nor_the_names(folder: Path) -> None:
    (folder / "test_batch").unlink()
    (folder / "batches.meta").unlink()
    assert as_source(folder).shape == (5 * N, 3072)
    assert as_source(folder.parent).shape == (5 * N, 3072)
    assert labels(folder) == LABELS[: 5 * N]


@pytest.mark.parametrize("missing", [["data_batch_3"], ["data_batch_1", "data_batch_5"]])
def test_fewer_batches_are_reported_by_name(folder: Path, missing: list[str]) -> None:
    for name in missing:
        (folder / name).unlink()
    for opened in (as_source, labels_of):
        with pytest.raises(DataError) as caught:
            opened(folder)
        assert caught.value.facts["missing"] == missing


def test_one_batch_is_a_data_set_with_the_names_that_lie_beside_it(folder: Path, batches: Any) -> None:
    data = open_dataset(folder / "test_batch")
    assert data.y is not None
    assert (data.class_names, data.image_shape, data.test) == (batches.classes, (32, 32, 3), None)
    (folder / "batches.meta").unlink()
    assert open_dataset(folder / "test_batch").class_names is None


def test_a_batch_under_another_name_is_known_by_its_looks(folder: Path) -> None:
    renamed = (folder / "test_batch").rename(folder.parent / "queries")
    assert as_source(renamed).shape == (N, 3072)
    for content in (pickle.dumps({"a": 1}), pickle.dumps([1]), b"\x80\x02", b"no pickle"):
        renamed.write_bytes(content)
        with pytest.raises(DataError):
            as_source(renamed)


@pytest.mark.parametrize("bad", [10, -1, "3"])
def test_a_label_beyond_the_ten_classes_is_refused(folder: Path, batches: Any, bad: object) -> None:
    (folder / "batches.meta").unlink()
    planes = np.zeros((2, 3072), np.uint8)
    batches.write_batch(folder / "test_batch", planes, [0, bad], lambda value: pickle.dumps(value, 4))
    with pytest.raises(DataError) as caught:
        labels_of(folder / "test_batch")
    assert caught.value.facts["row"] == 1


@pytest.mark.parametrize("protocol", [None, 2, 4])
def test_pictures_are_filled_in_with_one_small_scratch(tmp_path: Path, batches: Any, protocol: int | None) -> None:
    dumps = batches.python2_pickle if protocol is None else lambda value: pickle.dumps(value, protocol)
    source = as_source(batches.write_folder(tmp_path / "c", PICTURES, LABELS, dumps))
    assert isinstance(source, FillingSource)
    out = np.zeros((200, 3072), np.uint8)
    read_into(source, 0, 1, out[:1])  # text is decoded once
    tracemalloc.start()
    try:
        read_into(source, 30, 230, out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(out, FLAT[30:230])
    assert peak < min(scratch_bytes(source, 200), 2_500_000)
    if protocol != 2:
        assert peak < 300_000


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("n", [1, N])
def test_a_batch_that_changes_while_it_is_read_is_an_error(tmp_path: Path, batches: Any, protocol: int, n: int) -> None:
    planes = np.ascontiguousarray(PICTURES[:n].transpose(0, 3, 1, 2).reshape(n, -1))
    batches.write_batch(tmp_path / "test_batch", planes, LABELS[:n], lambda value: pickle.dumps(value, protocol))
    source = as_source(tmp_path / "test_batch")
    np.testing.assert_array_equal(source.read(0, n), FLAT[:n])
    os.utime(tmp_path / "test_batch", ns=(1, 1))
    with pytest.raises(DataError):
        source.read(0, 1)
