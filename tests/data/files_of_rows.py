"""Every kind of file that rows can be read from, written with the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr

__all__ = ["KINDS", "changed_file", "parquet_vectors", "write"]


def _npy(folder: Path, X: np.ndarray) -> str:
    np.save(folder / "x.npy", X)
    return str(folder / "x.npy")


def _fortran(folder: Path, X: np.ndarray) -> str:
    np.save(folder / "f.npy", np.asfortranarray(X))
    return str(folder / "f.npy")


def _foreign(folder: Path, X: np.ndarray) -> str:
    np.save(folder / "b.npy", X.astype(">f4"))
    return str(folder / "b.npy")


def _npz(folder: Path, X: np.ndarray) -> str:
    np.savez(folder / "x.npz", a=X, b=X[:1])
    return str(folder / "x.npz:a")


def _deflated(folder: Path, X: np.ndarray) -> str:
    np.savez_compressed(folder / "x.npz", a=X, b=X[:1])
    return str(folder / "x.npz:a")


def _raw(folder: Path, X: np.ndarray) -> str:
    (folder / "x.bin").write_bytes(b"head" + X.astype(">f4").tobytes())
    return f"{folder / 'x.bin'}:>f4x{X.shape[1]}@4"


def _fvecs(folder: Path, X: np.ndarray) -> str:
    lengths = np.full((len(X), 1), X.shape[1], "<i4").view("<f4")
    np.hstack([lengths, X.astype("<f4")]).tofile(folder / "x.fvecs")
    return str(folder / "x.fvecs")


def parquet_vectors(X: np.ndarray, fixed: bool = True) -> pa.Array:
    flat = pa.array(X.ravel())
    if fixed:
        return pa.FixedSizeListArray.from_arrays(flat, X.shape[1])
    return pa.ListArray.from_arrays(np.arange(0, X.size + 1, X.shape[1], dtype=np.int32), flat)


def _parquet_fixed(folder: Path, X: np.ndarray) -> str:
    pq.write_table(pa.table({"id": np.arange(len(X)), "v": parquet_vectors(X)}), folder / "v.parquet", 7)
    return str(folder / "v.parquet")


def _parquet_lists(folder: Path, X: np.ndarray) -> str:
    table = pa.table({"v": parquet_vectors(X, fixed=False), "w": parquet_vectors(X + 1)})
    pq.write_table(table, folder / "l.parquet", 7)
    return str(folder / "l.parquet:v")


def _parquet_columns(folder: Path, X: np.ndarray) -> str:
    names = {f"c{i}": X[:, i] for i in range(X.shape[1])}
    pq.write_table(pa.table({**names, "text": ["a"] * len(X)}), folder / "c.parquet", 7)
    return str(folder / "c.parquet")


def _hdf5(folder: Path, X: np.ndarray) -> str:
    with h5py.File(folder / "x.h5", "w") as file:
        file["deep/x"] = X
    return str(folder / "x.h5")


def _hdf5_chunks(folder: Path, X: np.ndarray) -> str:
    with h5py.File(folder / "x.hdf5", "w") as file:
        file.create_dataset("x", data=X.astype(">f4"), chunks=(4, 2), compression="gzip")
        file["y"] = np.arange(len(X))
    return str(folder / "x.hdf5:/x")


def _zarr(folder: Path, X: np.ndarray, version: int = 3, **kind: object) -> str:
    array = zarr.create_array(folder / "x.zarr", shape=X.shape, dtype=X.dtype, zarr_format=version, **kind)
    array[:] = X
    return str(folder / "x.zarr")


KINDS: dict[str, Callable[[Path, np.ndarray], str]] = {
    "npy": _npy,
    "npy in Fortran order": _fortran,
    "npy of foreign byte order": _foreign,
    "npz member": _npz,
    "compressed npz member": _deflated,
    "raw": _raw,
    "fvecs": _fvecs,
    "parquet, fixed lists": _parquet_fixed,
    "parquet, lists": _parquet_lists,
    "parquet, columns": _parquet_columns,
    "HDF5": _hdf5,
    "HDF5 in compressed chunks": _hdf5_chunks,
    "Zarr 3": lambda folder, X: _zarr(folder, X, chunks=(4, X.shape[1])),
    "Zarr 3 in shards": lambda folder, X: _zarr(folder, X, chunks=(2, 2), shards=(8, 4)),
    "Zarr 2": lambda folder, X: _zarr(folder, X, 2, chunks=(5, 2)),
}


def write(kind: str, folder: Path, X: np.ndarray) -> str:
    """Write float32 rows, and return what `as_source` is to be given."""
    return KINDS[kind](folder, X)


def changed_file(folder: Path) -> Path:
    """Return the file of a written kind that holds (the first of) the rows."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return next(path for path in files if path.name not in ("zarr.json", ".zarray", ".zattrs"))
