from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import as_source, blocks, open_dataset, take
from tidu.errors import DataError, ParameterError, TiduError

N = 5
PICTURES = np.random.default_rng(0).integers(0, 256, (6 * N, 32, 32, 3), np.uint8)
LABELS = [i % 3 for i in range(6 * N)]
WRITERS = {
    "Python 2": None,
    "Python 3, protocol 2": lambda value: pickle.dumps(value, 2),
    "Python 3, protocol 3": lambda value: pickle.dumps(value, 3),
    "Python 3, protocol 4": lambda value: pickle.dumps(value, 4),
    "Python 3, protocol 5": lambda value: pickle.dumps(value, 5),
    "text keys": lambda value: pickle.dumps({key.decode(): item for key, item in value.items()}, 4),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("n", [1, N])
def test_pictures_come_back_row_column_channel_whoever_pickled_them(
    tmp_path: Path, batches: Any, writer: str, n: int
) -> None:
    folder = batches.write_folder(
        tmp_path / "c", PICTURES[: 6 * n], LABELS[: 6 * n], WRITERS[writer] or batches.python2_pickle
    )
    data = open_dataset(folder)
    assert (data.class_names, data.image_shape, data.pixel_max) == (batches.classes, (32, 32, 3), 255)
    assert data.y is not None
    assert data.test is not None
    assert data.test.y is not None
    flat = PICTURES.reshape(6 * N, -1)
    np.testing.assert_array_equal(data.X.read(0, 5 * n), flat[: 5 * n])
    np.testing.assert_array_equal(data.test.X.read(0, n), flat[5 * n : 6 * n])
    assert data.y.read(0, 5 * n).tolist() == LABELS[: 5 * n]
    assert data.test.y.read(0, n).tolist() == LABELS[5 * n : 6 * n]


def test_blocks_cross_the_files(tmp_path: Path, batches: Any) -> None:
    source = as_source(batches.write_folder(tmp_path / "c", PICTURES, LABELS))
    flat = PICTURES.reshape(6 * N, -1)[: 5 * N]
    for size in (1, 3, 7, 100):
        np.testing.assert_array_equal(np.concatenate([block for _, block in blocks(source, size)]), flat)
    rows = np.array([24, 0, 5, 4, 24])
    np.testing.assert_array_equal(take(source, rows), flat[rows])


def test_the_folder_inside_the_unpacked_archive_is_found(tmp_path: Path, batches: Any) -> None:
    batches.write_folder(tmp_path / "cifar-10-batches-py", PICTURES, LABELS)
    assert open_dataset(tmp_path).n_samples == 5 * N


def test_a_block_takes_the_memory_of_the_block_not_of_the_batch(tmp_path: Path, batches: Any) -> None:
    many = np.zeros((6 * 400, 32, 32, 3), np.uint8)
    folder = batches.write_folder(tmp_path / "c", many, [0] * len(many))
    tracemalloc.start()
    try:
        block = open_dataset(folder).X.read(100, 120)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * block.nbytes + 900_000 < many.nbytes / 6


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_missing_file_of_the_folder_is_named(tmp_path: Path, batches: Any, name: str) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    (folder / name).unlink()
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert caught.value.facts["missing"] == [name]


def test_another_target_than_the_labels_is_refused(tmp_path: Path, batches: Any) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    with pytest.raises(ParameterError):
        open_dataset(folder, target="filenames")


class Runs:
    """Would make a file if a naive loader read it."""

    def __init__(self, path: Path, how: str) -> None:
        self.path, self.how = path, how

    def __reduce__(self) -> tuple[Any, ...]:
        if self.how == "eval":
            return (eval, (f"__import__('os').mkdir({str(self.path)!r})",))
        return (self.path.touch, ())


@pytest.mark.parametrize("how", ["eval", "method"])
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("place", ["data", "labels", "whole"])
def test_no_pickle_ever_runs_code(tmp_path: Path, batches: Any, how: str, protocol: int, place: str) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    evil: Any = Runs(tmp_path / "pwned", how)
    if place != "whole":
        evil = {b"data": np.zeros((N, 3072), np.uint8), b"labels": LABELS[:N]} | {place.encode(): evil}
    (folder / "data_batch_2").write_bytes(pickle.dumps(evil, protocol))
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert not (tmp_path / "pwned").exists()
    assert "data_batch_2" in str(caught.value)
    pickle.loads(pickle.dumps(Runs(tmp_path / "pwned", how), protocol))  # the trap does work
    assert (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "planes",
    [
        np.zeros((N, 3072), object),
        np.zeros((N, 3072), np.float32),
        np.asfortranarray(np.zeros((N, 3072), np.uint8)),
        np.zeros((N, 3071), np.uint8),
        np.zeros(N * 3072, np.uint8),
        np.zeros((0, 3072), np.uint8),
        [[0] * 3072] * N,
        b"\0" * 3072 * N,
        None,
    ],
    ids=["objects", "floats", "Fortran", "narrow", "vector", "empty", "lists", "bytes", "none"],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_data_that_are_no_matrix_of_bytes_are_refused(
    tmp_path: Path, batches: Any, planes: object, protocol: int
) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    batches.write_batch(folder / "data_batch_1", planes, LABELS[:N], lambda value: pickle.dumps(value, protocol))
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert "data_batch_1" in str(caught.value)


@pytest.mark.parametrize("labels", [[0] * (N - 1), [0, 1, 2, 3, 0], [0, -1, 0, 0, 0], ["0"] * N, 7])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, batches: Any, labels: Any) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    batch = {b"data": np.zeros((N, 3072), np.uint8), b"labels": labels}
    (folder / "data_batch_4").write_bytes(batches.python2_pickle(batch))
    with pytest.raises(DataError, match="label"):
        open_dataset(folder)


BOMBS = {
    "a memo of 2**32 places": b"\x80\x02}r\xff\xff\xff\xff.",
    "a string longer than the file": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "a string of 2**63 bytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "a negative length": b"\x80\x02T\xff\xff\xff\xffabc.",
    "too many instructions": b"\x80\x02" + b"}" * 400_000,
    "tuples nested a hundred thousand deep": b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "a key that holds itself": b"\x80\x02}]q\x00h\x00as.",
    "nothing on the stack": b"\x80\x02.",
    "two values at the end": b"\x80\x02NN.",
    "an unknown place of the memo": b"\x80\x02h\x07.",
    "no mark": b"\x80\x02NNNt.",
    "a mark as value": b"\x80\x02(\x85.",
    "an odd number of entries": b"\x80\x02}(NNNu.",
    "an unhashable key": b"\x80\x02}]Ns.",
    "no end": b"\x80\x02}",
    "a protocol from the future": b"\x80\x09}.",
    "a name without end": b"\x80\x02c" + b"a" * 10_000,
    "a name that is not ASCII": b"\x80\x02c\xff\n\xff\n.",
    "a persistent reference": b"\x80\x02Q.",
    "an extension": b"\x80\x02\x82\x01.",
    "an old instance": b"(ios\nsystem\n.",
    "a new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "an outside buffer": b"\x80\x05\x97.",
    "a name beside those known": b"\x80\x02cnumpy\nload\n.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0dndarray.dumps\x93.",
    "a name that is a list": b"\x80\x04]]\x93.",
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_hostile_pickle_is_one_clear_error_in_little_memory(tmp_path: Path, batches: Any, case: str) -> None:
    folder = batches.write_folder(tmp_path / "c", PICTURES, LABELS)
    (folder / "batches.meta").write_bytes(BOMBS[case])
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            open_dataset(folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < 50_000_000


@settings(max_examples=150, deadline=None)
@given(data=st.data(), writer=st.sampled_from(sorted(WRITERS)))
def test_any_changed_bytes_are_read_or_refused_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, batches: Any, data: st.DataObject, writer: str
) -> None:
    dumps = WRITERS[writer] or batches.python2_pickle
    folder = batches.write_folder(tmp_path_factory.mktemp("cifar") / "c", PICTURES[:12], LABELS[:12], dumps)
    path = folder / data.draw(st.sampled_from(["data_batch_1", "batches.meta"]))
    raw = bytearray(path.read_bytes())
    edge = min(len(raw), 300)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(-edge, edge - 1))
        raw[place] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    message = ""
    try:
        found = open_dataset(folder)
        found.X.read(0, found.n_samples)
    except TiduError as error:
        message = str(error)
    assert "\n" not in message
