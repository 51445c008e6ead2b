"""A long search tells how far it is, goes on from where it was stopped, and trusts nothing it finds on disk."""

from __future__ import annotations

import numpy as np
import pytest
from tests.neighbors.oracle import full_sort, unequal
from tests.neighbors.problems import least_bytes, rows_of, search

from tidu.errors import TiduError
from tidu.neighbors import checkpoint, radius_neighbors

K = 6
N_QUERIES, N_ROWS, N_FEATURES = 300, 700, 24


class Progress:
    """Count the calls, and stop the search by Ctrl-C at one of them."""

    def __init__(self, stop_at=None):
        self.calls, self._stop_at = [], stop_at

    def __call__(self, done, total):
        self.calls.append((done, total))
        if len(self.calls) == self._stop_at:
            raise KeyboardInterrupt


@pytest.fixture(scope="module", params=["uint8", pytest.param("float32", marks=pytest.mark.long)])
def files(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    np.save(folder / "data.npy", rows_of("repeated", 1, (N_ROWS, N_FEATURES), request.param))
    np.save(folder / "queries.npy", rows_of("repeated", 2, (N_QUERIES, N_FEATURES), request.param))
    return folder / "queries.npy", folder / "data.npy"


def limited(queries, data, **options):
    """Search in blocks small enough that there are many."""
    return search(queries, data, K, memory_limit=int(1.2 * least_bytes(queries, data, K)), **options)


def stopped(queries, data, folder, stop_at, **options):
    progress = Progress(stop_at)
    with pytest.raises(KeyboardInterrupt):
        limited(queries, data, checkpoint_dir=folder, progress=progress, **options)
    assert len(progress.calls) == stop_at


def calls_of(queries, data, folder, **options):
    progress = Progress()
    limited(queries, data, checkpoint_dir=folder, progress=progress, **options)
    return len(progress.calls)


@pytest.mark.parametrize("algorithm", ["brute", "pruned"])
@pytest.mark.parametrize("own", [False, True])
def test_progress_rises_to_the_number_of_pairs(files, own, algorithm):
    queries, data = (None, files[1]) if own else files
    progress = Progress()
    limited(queries, data, algorithm=algorithm, progress=progress)
    done = [call[0] for call in progress.calls]
    assert len(done) > 2
    assert done == sorted(done)
    assert 0 <= done[0] < done[-1] == (N_ROWS if own else N_QUERIES) * N_ROWS
    assert {call[1] for call in progress.calls} == {done[-1]}


def test_progress_of_a_radius_search_rises_to_the_number_of_pairs(files):
    progress = Progress()
    radius_neighbors(*files, 1.0, progress=progress)
    assert progress.calls[-1] == (N_QUERIES * N_ROWS, N_QUERIES * N_ROWS)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, ZeroDivisionError])
def test_an_error_of_the_progress_function_ends_the_search_and_leaves_nothing_locked(files, error):
    def fail(done, total):
        raise error("stop")

    for _ in range(2):
        with pytest.raises(error):
            limited(*files, progress=fail, threads=2)
    assert not unequal(limited(*files), full_sort(*map(np.load, files), K))


@pytest.mark.parametrize("algorithm", ["brute", "pruned"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_a_search_goes_on_after_an_interruption_with_the_same_bits(files, tmp_path, share, algorithm):
    wanted = full_sort(*map(np.load, files), K)
    n_calls = calls_of(*files, tmp_path / "whole", algorithm=algorithm)
    stopped(*files, tmp_path / "state", max(1, int(share * n_calls)), algorithm=algorithm)
    progress = Progress()
    options = {"algorithm": algorithm, "checkpoint_dir": tmp_path / "state", "resume": True}
    assert not unequal(limited(*files, progress=progress, **options), wanted)
    if share == 1.0 and algorithm == "brute":
        assert len(progress.calls) < n_calls  # what was finished is not done again
    assert progress.calls[-1] == (N_QUERIES * N_ROWS, N_QUERIES * N_ROWS)
    assert not unequal(limited(*files, **options), wanted)


def test_a_search_that_is_interrupted_again_and_again_arrives_with_the_same_bits(files, tmp_path):
    n_calls = calls_of(*files, tmp_path / "whole")
    for turn in range(4):
        progress = Progress(max(2, n_calls // 2))
        try:
            limited(*files, checkpoint_dir=tmp_path / "state", resume=turn > 0, progress=progress)
        except KeyboardInterrupt:
            assert turn < 3
    found = limited(*files, checkpoint_dir=tmp_path / "state", resume=True)
    assert not unequal(found, full_sort(*map(np.load, files), K))


@pytest.mark.parametrize("change", ["threads", "more memory", "less memory", "no distances"])
def test_what_changes_no_bit_may_change_between_the_parts(files, tmp_path, change):
    wanted = full_sort(*map(np.load, files), K)
    least = least_bytes(*files, K)
    limits = {"more memory": (1.2, 3.0), "less memory": (3.0, 1.2)}.get(change, (1.2, 1.2))
    options = {"checkpoint_dir": tmp_path / "state", "threads": 1}
    with pytest.raises(KeyboardInterrupt):
        search(*files, K, memory_limit=int(limits[0] * least), progress=Progress(2), **options)
    options |= {"resume": True, "memory_limit": int(limits[1] * least), "threads": 3 if change == "threads" else 1}
    try:
        found = search(*files, K, return_distance=change != "no distances", **options)
    except TiduError:
        assert change != "threads"  # what was kept may be of other blocks; a refusal is no wrong answer
    else:
        found = found if change != "no distances" else (wanted[0], found)
        assert not unequal(found, wanted)


def other_data(files, folder):
    rows = np.load(files[1])
    np.save(folder / "data.npy", rows[::-1])
    return (files[0], folder / "data.npy"), {}


def other_queries(files, folder):
    np.save(folder / "queries.npy", np.load(files[0])[::-1])
    return (folder / "queries.npy", files[1]), {}


def changed_last_row(files, folder):
    rows = np.load(files[1])
    rows[-1] = rows[0]
    np.save(folder / "data.npy", rows)
    return (files[0], folder / "data.npy"), {}


OTHERS = {
    "other data": other_data,
    "other queries": other_queries,
    "a changed row": changed_last_row,
    "another metric": lambda files, folder: (files, {"metric": "l1"}),
    "another k": lambda files, folder: (files, {"k": K - 1}),
    "a filter": lambda files, folder: (files, {"where": np.arange(0, N_ROWS, 2)}),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_state_of_another_search_is_never_taken_for_this_one(files, tmp_path, other):
    stopped(*files, tmp_path / "state", max(2, calls_of(*files, tmp_path / "whole") // 2))
    (queries, data), options = OTHERS[other](files, tmp_path)
    options = {"k": K, "metric": "l2", **options}
    try:
        found = search(queries, data, checkpoint_dir=tmp_path / "state", resume=True, **options)
    except TiduError:
        return
    k, metric = options.pop("k"), options.pop("metric")
    assert not unequal(found, full_sort(np.load(queries), np.load(data), k, metric, **options))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content), max(1, len(content) // 7)):
        content[place] ^= 0x5A
    path.write_bytes(bytes(content))


DAMAGES = {
    "cut": cut,
    "flipped": flip,
    "emptied": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"\x80\x04nothing of ours" * 50),
    "gone": lambda path: path.unlink(),
}


def spoil(folder, damage):
    found = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else [folder]
    assert found
    for path in found:
        DAMAGES[damage](path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_or_not_used(files, tmp_path, damage):
    stopped(*files, tmp_path / "state", max(2, calls_of(*files, tmp_path / "whole") // 2))
    spoil(tmp_path / "state", damage)
    try:
        found = limited(*files, checkpoint_dir=tmp_path / "state", resume=True)
    except TiduError:
        return
    assert not unequal(found, full_sort(*map(np.load, files), K))


def test_without_resume_a_state_is_not_looked_at(files, tmp_path):
    stopped(*files, tmp_path / "state", 2)
    spoil(tmp_path / "state", "flipped")
    assert not unequal(limited(*files, checkpoint_dir=tmp_path / "state"), full_sort(*map(np.load, files), K))


def test_an_index_is_written_once_and_changes_no_bit(files, tmp_path):
    wanted = full_sort(*map(np.load, files), K)
    path = tmp_path / "kept.index"
    options = {"index": path, "algorithm": "pruned"}
    assert not unequal(search(*files, K, **options), wanted)
    assert path.exists()
    written = path.stat()
    for threads in (1, 3):
        assert not unequal(search(*files, K, threads=threads, **options), wanted)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (written.st_mtime_ns, written.st_size)
    data = np.load(files[1])
    assert not unequal(search(None, files[1], 3, **options), full_sort(None, data, 3))


@pytest.mark.parametrize("other", [other_data, changed_last_row])
def test_an_index_of_other_data_is_never_used(files, tmp_path, other):
    options = {"index": tmp_path / "kept.index", "algorithm": "pruned"}
    search(*files, K, **options)
    (queries, data), _ = other(files, tmp_path)
    try:
        found = search(queries, data, K, **options)
    except TiduError:
        return
    assert not unequal(found, full_sort(np.load(queries), np.load(data), K))


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "gone"])
def test_a_damaged_index_is_refused_or_not_used(files, tmp_path, damage):
    options = {"index": tmp_path / "kept.index", "algorithm": "pruned"}
    search(*files, K, **options)
    spoil(tmp_path / "kept.index", damage)
    try:
        found = search(*files, K, **options)
    except TiduError:
        return
    assert not unequal(found, full_sort(*map(np.load, files), K))


def test_the_state_of_a_finished_block_does_not_trouble_a_shorter_one(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_PATIENCE_S", -1.0)  # after every block of rows
    data, queries = rows_of("any", 1, (300, 8), "uint8"), rows_of("any", 2, (70, 8), "uint8")
    limit = int(1.3 * least_bytes(queries, data, K))
    found = search(queries, data, K, memory_limit=limit, checkpoint_dir=tmp_path)
    assert not unequal(found, full_sort(queries, data, K))
    for name in ("block-0.npz", "current.npz"):
        np.save(tmp_path / "other.npy", np.zeros(3))
        (tmp_path / "other.npy").replace(tmp_path / name)
        with pytest.raises(TiduError, match="is damaged"):
            search(queries, data, K, memory_limit=limit, checkpoint_dir=tmp_path, resume=True)
        for path in tmp_path.glob("block-*.npz"):
            path.unlink()
