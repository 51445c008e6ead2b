from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import as_source, open_dataset, scratch_bytes
from tidu.errors import DataError, TiduError

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)


def write(path: Path, **datasets: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in datasets.items():
            file[name] = data
    return path


@pytest.mark.parametrize("dtype", ["u1", ">i2", "i8", "f2", ">f4", "f8"])
def test_numbers_of_any_kind_come_back_in_this_machines_order(tmp_path: Path, dtype: str) -> None:
    V = (X * 9).astype(np.int64).astype(dtype)
    source = as_source(write(tmp_path / "x.h5", V=V))
    assert source.dtype.isnative
    np.testing.assert_array_equal(source.read(5, 30), V[5:])


def test_pictures_are_flattened_and_their_shape_is_kept(tmp_path: Path) -> None:
    pictures = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    data = open_dataset(write(tmp_path / "x.hdf5", images=pictures, kinds=[1, 0]), target="kinds")
    assert data.y is not None
    assert (data.X.shape, data.image_shape, data.y.read(0, 2).tolist()) == ((2, 60), (4, 5, 3), [1, 0])
    np.testing.assert_array_equal(data.X.read(1, 2), pictures[1:].reshape(1, -1))


def test_several_matrices_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", train=X, test=X[:3], labels=np.arange(30))
    with pytest.raises(DataError) as caught:
        as_source(path)
    assert set(caught.value.facts["members"]) == {"train", "test"}
    assert as_source(f"{path}:test").shape == (3, 4)
    assert as_source(f"{path}:labels").shape == (30,)


@pytest.mark.parametrize(
    "member",
    [
        "none",
        "text",
        "objects",
        "records",
        "complex",
        "opaque",
        "scalar",
        "empty",
        "null",
        "group",
        "ext",
        "soft",
        "outside",
        "virtual",
    ],
)
def test_what_is_no_matrix_of_numbers_in_this_file_is_refused(tmp_path: Path, member: str) -> None:
    path = tmp_path / "x.h5"
    write(tmp_path / "other.h5", x=X)
    np.zeros(40, np.float32).tofile(tmp_path / "other.bin")
    with h5py.File(path, "w") as file:
        file["text"] = np.array([[b"a"]])
        file.create_dataset("objects", (2, 2), h5py.special_dtype(vlen=np.float64))
        file["records"] = np.zeros((2, 2), [("a", "f4")])
        file["complex"] = np.zeros((2, 2), np.complex64)
        file["opaque"] = np.zeros((2, 2), "V2")
        file["scalar"], file["empty"], file["null"] = 3.0, np.zeros((0, 3)), h5py.Empty("f4")
        file.create_group("group")
        file["ext"], file["soft"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x"), h5py.SoftLink("/scalar")
        file.create_dataset("outside", (10, 4), np.float32, external=[(str(tmp_path / "other.bin"), 0, 160)])
        layout = h5py.VirtualLayout((30, 4), np.float32)
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (30, 4))
        file.create_virtual_dataset("virtual", layout)
    with pytest.raises(DataError) as caught:
        as_source(f"{path}:{member}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"chunks": (10, 100)}])
def test_a_shape_that_was_never_filled_is_refused_before_memory_is_taken(
    tmp_path: Path, options: dict[str, object]
) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (10**12, 100), np.float32, **options)[:5] = 1
        if not options:
            del file["x"]
            file.create_dataset("x", (10**12, 100), np.float32)
    with pytest.raises(DataError, match="not complete"):
        as_source(tmp_path / "x.h5")


def test_a_chunk_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (1 << 15, 1 << 15), np.uint8, chunks=(1 << 15, 1 << 15), compression="gzip")
    with pytest.raises(DataError, match="smaller chunks"):
        as_source(tmp_path / "x.h5")


def test_a_block_says_what_it_holds_beside_itself(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=(8, 2))
    assert 0 < scratch_bytes(as_source(tmp_path / "x.h5"), 5) < 4_000_000


def test_groups_that_hold_themselves_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("a")
        group["again"] = group
        group["root"] = file["/"]
        group["x"] = X
    assert as_source(tmp_path / "x.h5").shape == (30, 4)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_changed_bytes_are_read_or_refused_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("hdf5") / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a/x", data=X, chunks=(8, 2), compression="gzip")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    message = ""
    try:
        source = as_source(path)
        source.read(0, min(40, source.shape[0]))
    except TiduError as error:
        message = str(error)
    assert "\n" not in message
