from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tidu.data import as_source, blocks, open_dataset, take
from tidu.errors import DataError, DtypeError, ShapeError, TiduError

NUMBERS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)
ARRAYS = hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))


@settings(max_examples=60, deadline=None)
@given(array=ARRAYS, fortran=st.booleans(), data=st.data())
def test_what_numpy_saved_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, fortran: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    np.save(path, np.asfortranarray(array) if fortran and array.ndim == 2 else array)
    source = as_source(path)
    flat = array.reshape(len(array), int(np.prod(array.shape[1:]))) if array.ndim > 1 else array
    assert source.shape == flat.shape
    assert source.dtype == array.dtype.newbyteorder("=")
    start = data.draw(st.integers(0, len(array)))
    stop = data.draw(st.integers(start, len(array)))
    block = source.read(start, stop)
    assert block.dtype == source.dtype
    assert block.dtype.isnative
    np.testing.assert_array_equal(block, flat[start:stop])
    size = data.draw(st.integers(1, 8))
    np.testing.assert_array_equal(np.concatenate([flat[:0], *(b for _, b in blocks(source, size))]), flat)
    if len(array):
        rows = np.array(data.draw(st.lists(st.integers(0, len(array) - 1), max_size=8)), np.intp)
        np.testing.assert_array_equal(take(source, rows), flat[rows])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_block_of_a_large_file_takes_the_memory_of_the_block(tmp_path: Path, order: str) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((20_000, 100), order=order))
    source = as_source(path)
    source.read(0, 1)
    tracemalloc.start()
    try:
        block = source.read(5000, 5500)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert block.nbytes <= peak < block.nbytes + 20_000


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_versions_of_the_header_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "x.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, np.arange(6.0).reshape(3, 2), version)
    assert as_source(path).read(2, 3).tolist() == [[4.0, 5.0]]


def saved(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def with_header(text: str, data: bytes = b"") -> bytes:
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


GOOD = saved(np.arange(12.0).reshape(4, 3))
HOSTILE = {
    "cut in the data": GOOD[:-1],
    "cut in the header": GOOD[:40],
    "cut in the magic": GOOD[:4],
    "longer than its header says": GOOD + b"\0",
    "no magic": b"hello world" * 20,
    "version from the future": GOOD[:6] + b"\x09" + GOOD[7:],
    "objects": saved(np.array([print, 1], object), allow_pickle=True),
    "records": saved(np.zeros(3, [("a", "f8"), ("b", "i4")])),
    "complex": saved(np.zeros((2, 2), complex)),
    "dates": saved(np.zeros(2, "M8[D]")),
    "bytes": saved(np.array([b"a"])),
    "no axis": saved(np.array(1.0)),
    "wider than float64": saved(np.zeros((2, 2), np.longdouble)),
    "a thousand petabytes": with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000)}", b"\0" * 64
    ),
    "a size that overflows": with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
    "an overflow to zero bytes": with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808, 2)}"
    ),
    "a negative length": with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}"),
    "a call in the header": with_header("__import__('os').system('touch pwned')"),
    "a dtype of objects": with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x02N."),
    "a dtype of no bytes": with_header("{'descr': '<U0', 'fortran_order': False, 'shape': (5,)}"),
    "a dtype of arrays": with_header("{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (1,)}", b"\0" * 16),
    "nested brackets": with_header("(" * 100 + ")" * 17),
    "a huge header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{" * 100,
    "Fortran order with three axes": saved(np.asfortranarray(np.zeros((2, 3, 4)))),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.npy"
    path.write_bytes(HOSTILE[case])
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert "\n" not in str(caught.value)
    assert "x.npy" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_a_cut_file_says_how_many_bytes_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(GOOD[:-8])
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert caught.value.facts["expected"] - caught.value.facts["got"] == 8


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    path = tmp_path_factory.mktemp("npy") / "x.npy"
    path.write_bytes(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
    try:
        source = as_source(path)
    except TiduError:
        return
    source.read(0, source.shape[0])


def test_a_column_can_be_the_target(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    for target in (1, -2, "1", "x1"):
        data = open_dataset(tmp_path / "x.npy", target=target)
        assert data.y is not None
        assert data.y.read(0, 4).tolist() == [1, 4, 7, 10]
        assert data.X.read(0, 1).tolist() == [[0, 2]]
        assert data.feature_names == ("x0", "x2")


@pytest.mark.parametrize("target", [3, -4, "x3", "age"])
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, target: str | int) -> None:
    np.save(tmp_path / "x.npy", np.arange(12.0).reshape(4, 3))
    with pytest.raises(DataError) as caught:
        open_dataset(tmp_path / "x.npy", target=target)
    assert caught.value.facts["column"] == target
    assert caught.value.facts["available"] == ("x0", "x1", "x2")


def test_the_target_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 2), np.uint8))
    np.save(tmp_path / "y.npy", np.array([[2], [1], [0]]))
    for data in (
        open_dataset((tmp_path / "x.npy", tmp_path / "y.npy")),
        open_dataset(tmp_path / "x.npy", target=str(tmp_path / "y.npy")),
    ):
        assert data.y is not None
        assert data.y.shape == (3,)
        assert data.y.read(0, 3).tolist() == [2, 1, 0]
        assert data.pixel_max == 255


def test_pictures_are_flattened_and_their_shape_remembered(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 4, 5, 3), np.uint8))
    data = open_dataset(tmp_path / "x.npy")
    assert data.X.shape == (2, 60)
    assert data.image_shape == (4, 5, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_when_its_block_is_read(tmp_path: Path, bad: float) -> None:
    array = np.zeros((100, 3), np.float32)
    array[70, 2] = bad
    np.save(tmp_path / "x.npy", array)
    data = open_dataset(tmp_path / "x.npy")
    data.X.read(0, 70)
    with pytest.raises(DataError) as caught:
        data.X.read(60, 80)
    assert (caught.value.facts["row"], caught.value.facts["column"]) == (70, "x2")


def test_large_finite_values_are_not_taken_for_infinite(tmp_path: Path) -> None:
    array = np.full((4, 2), np.finfo(np.float64).max)
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_array_equal(open_dataset(tmp_path / "x.npy").X.read(0, 4), array)


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros(3), ShapeError),
        (np.zeros((0, 3)), DataError),
        (np.zeros((3, 0)), DataError),
        (np.array([["a", "b"]]), DtypeError),
    ],
)
def test_an_array_that_is_no_matrix_of_numbers_is_no_data_set(
    tmp_path: Path, array: np.ndarray, error: type[Exception]
) -> None:
    np.save(tmp_path / "x.npy", array)
    for data in (tmp_path / "x.npy", array):
        with pytest.raises(error):
            open_dataset(data)
