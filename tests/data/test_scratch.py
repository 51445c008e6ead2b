"""Reading a file grows the resident memory of the process by no more than the source says, and a little room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from tests.data.files_of_rows import parquet_vectors

from tidu.data import as_source, scratch_bytes

ROOM = 16_000_000
STATUS = Path("/proc/self/status")
MEASURE = """
import ctypes, sys
import numpy as np
from tidu.data import as_source, read_into, scratch_bytes

def resident(what):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(what))

def read(path, n_rows):
    source = as_source(path)
    out = np.ones((n_rows, source.shape[1]), source.dtype)
    for start in 2 * list(range(0, source.shape[0], n_rows)):
        stop = min(start + n_rows, source.shape[0])
        read_into(source, start, stop, out[: stop - start])
    return out.nbytes + scratch_bytes(source, n_rows)

read(sys.argv[2], 50)  # libraries are loaded before anything is counted
ctypes.CDLL(None).malloc_trim(0)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = resident("VmRSS")
promised = read(sys.argv[1], int(sys.argv[3]))
print(resident("VmHWM") - before, promised)
"""


def write(folder: Path, kind: str, X: np.ndarray, name: str) -> str:
    """Write rows in as few and as large pieces as the format allows, or in chunks that shrink to many lengths."""
    path = str(folder / f"{name}.{kind}")
    if kind == "parquet":
        table = pa.table({"v": parquet_vectors(X, fixed=False)})
        pq.write_table(table, path, data_page_size=1 << 28, use_dictionary=False)
    elif kind == "zarr":
        zarr.create_array(path, data=X, chunks=(min(5000, len(X)), X.shape[1]))
    else:
        with h5py.File(path, "w") as file:
            chunks = (min(500, len(X)), X.shape[1])
            file.create_dataset("x", data=X, chunks=chunks, compression="gzip", compression_opts=1)
    return path


@pytest.mark.long
@pytest.mark.skipif(
    not STATUS.exists() or "VmHWM" not in STATUS.read_text(), reason="needs the peak of resident memory"
)
@pytest.mark.parametrize("n_rows", [50, 1500])
@pytest.mark.parametrize("kind", ["parquet", "zarr", "h5"])
def test_reading_holds_no_more_than_the_source_says(tmp_path: Path, kind: str, n_rows: int) -> None:
    X = np.random.default_rng(0).integers(0, 255, (10_000, 1000)).astype(np.float32)
    paths = [write(tmp_path, kind, X, "all"), write(tmp_path, kind, X[:100], "few")]
    command = [sys.executable, "-c", MEASURE, *paths, str(n_rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown, promised = map(int, done.stdout.split())
    assert grown <= promised + ROOM


def test_one_long_page_is_promised_more_than_many_short_ones(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((20_000, 50)).astype(np.float32)
    promised = []
    for name, size in (("long", 1 << 28), ("short", 1 << 16)):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"v": parquet_vectors(X)}), path, data_page_size=size, use_dictionary=False)
        promised.append(scratch_bytes(as_source(path), 10))
    assert promised[0] > 3 * X.nbytes
    assert promised[1] < X.nbytes
