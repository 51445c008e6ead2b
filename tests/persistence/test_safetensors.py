"""The reader takes what the format allows and nothing else; the writer writes what the reference does."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tidu.errors import DataError, DtypeError, ModelFileError, ParameterError
from tidu.persistence import StreamedTensor, read_header, read_safetensors, write_safetensors

DTYPES = ("b1", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8")
EIGHT = bytes(range(8))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.safetensors"


def pack(header: str | bytes, data: bytes = b"") -> bytes:
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw)) + raw + data


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8), **more: object) -> str:
    return json.dumps({"dtype": dtype, "shape": shape, "data_offsets": offsets, **more})


def load(path: Path, file: bytes) -> dict[str, np.ndarray]:
    path.write_bytes(file)
    return read_safetensors(path)[0]


def refused(path: Path, file: bytes) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        load(path, file)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return caught.value


# ------------------------------------------------------------------------------------ writing


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_array_comes_back_bit_for_bit(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES))).newbyteorder(data.draw(st.sampled_from("<>")))
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    array = data.draw(hnp.arrays(dtype, shape))
    array = array[..., ::-1].T if array.ndim else array
    path = tmp_path_factory.mktemp("bits") / "a"
    write_safetensors(path, {"x": array}, {})
    back = read_safetensors(path)[0]["x"]
    native = array.astype(array.dtype.newbyteorder("="))
    assert back.dtype == native.dtype
    assert back.dtype.isnative
    assert back.shape == native.shape
    assert back.tobytes() == native.tobytes()
    assert back.flags.writeable


def test_nan_payloads_survive(path: Path) -> None:
    bits = np.array([0x7FF8000000000001, 0xFFF0000000000123, 0x7FF4DEADBEEF0000], np.uint64)
    write_safetensors(path, {"little": bits.view("f8"), "big": bits.astype(">u8").view(">f8")}, {})
    tensors = read_safetensors(path)[0]
    np.testing.assert_array_equal(tensors["little"].view(np.uint64), bits)
    np.testing.assert_array_equal(tensors["big"].view(np.uint64), bits)


def test_the_bytes_are_those_of_the_reference_writer(path: Path) -> None:
    tensors = {f"t{code}{tag}é\n\x01": np.zeros(3, code) for tag in "ba" for code in DTYPES}
    tensors |= {"scalar": np.array(2.0, "f4"), "empty": np.zeros((0, 3), "i2")}
    write_safetensors(path, tensors, {"key": 'va"lue\u2028'})
    assert path.read_bytes() == safetensors.numpy.save(tensors, {"key": 'va"lue\u2028'})


def test_the_reference_reader_reads_what_is_written(path: Path) -> None:
    tensors = {
        "w": np.arange(6.0).reshape(2, 3)[:, ::-1],
        "名": np.array([True, False]),
        "e": np.zeros((2, 0)),
    }
    write_safetensors(path, tensors, {"k": "v"})
    back = safetensors.numpy.load_file(path)
    assert back.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(back[name], tensor)


def test_every_tensor_is_aligned_to_its_item_size(path: Path) -> None:
    write_safetensors(path, {c: np.zeros(3, c) for c in DTYPES}, {"odd": "x"})
    header = read_header(path)
    assert header.data_start % 8 == 0
    for code, info in header.tensors.items():
        assert info.begin % np.dtype(code).itemsize == 0


@pytest.mark.parametrize("dtype", ["c16", "U3", "O", "M8[s]", "S2", "V4", "longdouble"])
def test_other_dtypes_are_refused_and_no_file_is_made(path: Path, dtype: str) -> None:
    with pytest.raises(DtypeError) as caught:
        write_safetensors(path, {"fine": np.zeros(2), "bad": np.zeros(2, dtype)}, {})
    assert caught.value.name == "bad"  # type: ignore[attr-defined]
    assert not path.exists()


@pytest.mark.parametrize("name", ["__metadata__", "\ud800", 3])
def test_impossible_names_are_refused(path: Path, name: str) -> None:
    with pytest.raises(ParameterError):
        write_safetensors(path, {name: np.zeros(2)}, {})
    assert not path.exists()


def test_metadata_that_is_no_text_is_refused(path: Path) -> None:
    with pytest.raises(ParameterError):
        write_safetensors(path, {}, {"k": 1})  # type: ignore[dict-item]


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        write_safetensors(tmp_path / "no" / "a", {}, {})


@pytest.mark.parametrize("rows_per_block", [1, 3, 100])
def test_a_streamed_tensor_has_the_bytes_of_its_array(path: Path, rows_per_block: int) -> None:
    rng = np.random.default_rng(1)
    arrays = {code: rng.integers(0, 2, (7, 2, 3)).astype(code) for code in DTYPES}
    arrays |= {"big": arrays["f8"].astype(">f8"), "strided": arrays["i4"].T[::-1], "empty": np.zeros((0, 3), "u2")}

    def streamed(array: np.ndarray) -> StreamedTensor:
        starts = range(0, len(array), rows_per_block)
        dtype = array.dtype.newbyteorder("=")
        return StreamedTensor(array.shape, dtype, lambda: (array[start : start + rows_per_block] for start in starts))

    write_safetensors(path, arrays, {"key": "text"})
    expected = path.read_bytes()
    write_safetensors(path, {name: streamed(array) for name, array in arrays.items()}, {"key": "text"})
    assert path.read_bytes() == expected


def test_a_streamed_tensor_is_never_whole_in_memory(path: Path) -> None:
    streamed = StreamedTensor((64, 1 << 16), np.dtype("f4"), lambda: (np.full(1 << 16, i, "f4") for i in range(64)))
    tracemalloc.start()
    try:
        write_safetensors(path, {"x": streamed}, {})
        assert tracemalloc.get_traced_memory()[1] < streamed.nbytes // 16
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(read_safetensors(path)[0]["x"][:, -1], np.arange(64))


@pytest.mark.parametrize("fault", ["another dtype", "too few", "too many", "none"])
def test_blocks_that_are_not_what_their_tensor_claims_leave_the_old_file(path: Path, fault: str) -> None:
    write_safetensors(path, {"x": np.ones(4)}, {})
    old = path.read_bytes()
    blocks = {
        "another dtype": [np.zeros(2), np.zeros(2, "i8")],
        "too few": [np.zeros(3)],
        "too many": [np.zeros(4), np.zeros(1)],
        "none": [],
    }[fault]
    with pytest.raises(DataError, match="'x'") as caught:
        write_safetensors(path, {"x": StreamedTensor((4,), np.dtype("f8"), lambda: blocks)}, {})
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_a_streamed_tensor_of_another_dtype_is_refused_before_it_is_read(path: Path) -> None:
    def blocks() -> list[np.ndarray]:
        raise AssertionError

    with pytest.raises(DtypeError):
        write_safetensors(path, {"x": StreamedTensor((4,), np.dtype("c16"), blocks)}, {})
    assert not path.exists()


# ------------------------------------------------------------------------------------ reading

ALLOWED = [
    pack("{}"),
    pack('{"a":' + entry() + "} \n\t\r  ", EIGHT),
    pack('{"__metadata__":null,"a":' + entry() + "}", EIGHT),
    pack('{"a":' + entry(x=[1, {"y": None}]) + "}", EIGHT),
    pack('{"\\ud83d\\ude00":' + entry() + "}", EIGHT),
    pack('{"":' + entry("F64", (), (0, 8)) + "}", EIGHT),
    pack(
        '{"b":' + entry("I8", (0,), (8, 8)) + ',"a":' + entry() + ',"c":' + entry("U8", (0, 9), (0, 0)) + "}",
        EIGHT,
    ),
    pack('{"a":' + entry("F32", [1] * 64, (0, 4)) + "}", EIGHT[:4]),
    pack('{"a":' + entry(x=0).replace('"x": 0', '"x":' + "[" * 125 + "]" * 125) + "}", EIGHT),
]
FORBIDDEN = [
    *(
        b"",
        b"\0" * 7,
        b"\0" * 8,
        pack(""),
        pack("null"),
        pack("[]"),
        pack("{}", b"x"),
        pack('{"a":' + entry() + "}"),
    ),
    *(pack('{"a":' + entry() + "}" + tail, EIGHT) for tail in ("\0", "x", "{}")),
    *(
        pack('{"a":' + entry(shape=shape) + "}", EIGHT)
        for shape in ([-2], [2.0], [True, 2], ["2"], [3], [], None, 2, [[2]], [2**62, 4], [2**64, 2])
    ),
    *(
        pack('{"a":' + entry("U8", shape, (0, 0)) + "}")
        for shape in ([0, 2**62, 4], [0, 2**64], [0, 2**63], [2**63, 0])
    ),
    *(
        pack('{"a":' + entry(offsets=offsets) + "}", EIGHT)
        for offsets in ([0], [0, 8, 8], [8, 0], [0, 4], [-8, 0], [1, 9], [0.0, 8.0], None, "08", [0, 2**70])
    ),
    *(pack('{"a":' + entry(dtype) + "}", EIGHT) for dtype in ("f32", "BF16", "F8_E4M3", None, 4, "X", "")),
    pack('{"a":' + entry() + ',"b":' + entry() + "}", EIGHT),  # the same bytes twice
    pack('{"a":' + entry() + ',"b":' + entry(offsets=(4, 12)) + "}", EIGHT + EIGHT[:4]),  # overlap
    pack('{"a":' + entry() + ',"b":' + entry(offsets=(12, 20)) + "}", bytes(20)),  # hole
    pack('{"a":' + entry("F32", [1] * 65, (0, 4)) + "}", EIGHT[:4]),
    pack('{"a":null}'),
    *(pack('{"__metadata__":' + text + "}") for text in ("[]", '{"a":1}', '{"a":null}', '"x"', '{"a":{}}')),
    pack('{"__metadata__":{},"__metadata__":{}}'),
    *(pack('{"\\ud800":' + entry() + "}", EIGHT), pack(b'{"\xff":' + entry().encode() + b"}", EIGHT)),
    *(pack('{"a\x01":' + entry() + "}", EIGHT), pack("\ufeff{}")),
    *(
        pack('{"a":' + entry(x=0).replace('"x": 0', '"x":' + value) + "}", EIGHT)
        for value in (
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "1" + "0" * 400,
            "01",
            "[" * 126 + "]" * 126,
            "'a'",
        )
    ),
]


@pytest.mark.parametrize("file", ALLOWED)
def test_what_the_format_allows_is_read_as_the_reference_does(path: Path, file: bytes) -> None:
    tensors = load(path, file)
    expected = safetensors.numpy.load(file)
    assert tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].shape == tensor.shape
        assert tensors[name].tobytes() == tensor.tobytes()


@pytest.mark.parametrize("file", FORBIDDEN)
def test_what_the_reference_refuses_is_refused_in_one_line(path: Path, file: bytes) -> None:
    assert refused(path, file).__class__ is ModelFileError
    with pytest.raises((safetensors.SafetensorError, ValueError, KeyError)):
        safetensors.numpy.load(file)


STRICTER = [
    pack('{"a":' + entry() + ',"a":' + entry() + "}", EIGHT),
    pack('{"a":' + entry()[:-1] + ',"x":1,"x":2}}', EIGHT),
    pack('{"__metadata__":{"a":"1","a":"2"}}'),
    *(pack(space + "{}") for space in (" ", "\n", "\t", "\r")),
    pack('{"a":["F32",[2],[0,8]]}', EIGHT),
    pack('{"a":' + entry(dtype={"F32": None}) + "}", EIGHT),
    pack('{"a":' + entry("C64", (1,)) + "}", EIGHT),
]


@pytest.mark.parametrize("file", STRICTER)
def test_where_the_reference_is_lax_the_specification_is_kept(path: Path, file: bytes) -> None:
    safetensors.numpy.load(file)
    refused(path, file)


def test_a_file_cut_at_any_byte_is_refused(path: Path) -> None:
    write_safetensors(path, {"w": np.arange(5, dtype="f4"), "n": np.int8(3).reshape(())}, {"k": "v"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        refused(path, whole[:length])


@pytest.mark.parametrize("claimed", [100_000_001, 2**31, 2**63, 2**64 - 1, 99_999_999])
def test_a_huge_claimed_header_costs_no_memory(path: Path, claimed: int) -> None:
    path.write_bytes(struct.pack("<Q", claimed) + b"{}")
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [[2**40], [2**31, 2**31], [10**9]])
def test_a_huge_claimed_tensor_costs_no_memory(path: Path, shape: list[int]) -> None:
    size = int(np.prod(np.array(shape, dtype=object)))
    path.write_bytes(pack('{"a":' + entry("U8", shape, (0, size)) + "}", EIGHT))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bomb", ['{"a":' * 200_000, "[" * 500_000, '{"a":[' * 100_000 + "]}" * 100_000])
def test_a_bomb_of_brackets_is_refused_before_it_is_parsed(path: Path, bomb: str) -> None:
    path.write_bytes(pack('{"a":' + bomb + "}"))
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            read_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(bomb) + 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "bomb", ['"' + '\\"' * 1_000_000, "1" * 1_000_000, "0." + "1" * 1_000_000 + "e9", '"' * 999_999]
)
def test_a_text_made_to_be_slow_is_refused_in_one_pass(path: Path, bomb: str) -> None:
    refused(path, pack('{"a":' + bomb))


def test_a_sparse_file_is_not_read_to_check_its_header(path: Path) -> None:
    path.write_bytes(pack("{}"))
    os.truncate(path, 2**33)
    with pytest.raises(ModelFileError):
        read_header(path)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_one_clear_error(path: Path, kind: str) -> None:
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    for reader in (read_safetensors, read_header):
        with pytest.raises(ModelFileError) as caught:
            reader(path)
        assert caught.value.path == path  # type: ignore[attr-defined]


def test_any_true_byte_is_true(path: Path) -> None:
    tensors = load(path, pack('{"a":' + entry("BOOL", (3,), (0, 3)) + "}", b"\x00\x01\xff"))
    assert tensors["a"].view(np.uint8).tolist() == [0, 1, 1]


def test_the_header_alone_tells_shapes_and_metadata(path: Path) -> None:
    write_safetensors(path, {"w": np.zeros((2, 3), "f4")}, {"k": "v"})
    header = read_header(path)
    assert header.tensors["w"].shape == (2, 3)
    assert header.metadata == {"k": "v"}


@pytest.mark.parametrize("code", DTYPES)
def test_the_header_tells_the_dtype_of_what_is_stored(path: Path, code: str) -> None:
    array = np.array([0, 1, 1]).astype(code)
    write_safetensors(path, {"x": array}, {})
    header = read_header(path)
    stored = np.frombuffer(path.read_bytes()[header.data_start :], header.tensors["x"].stored_dtype)
    np.testing.assert_array_equal(stored, array)
