"""`tidu knn`: filters, votes, leave-one-out, radius, and every kind of output."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from tests.app.conftest import Run, flowers

from tidu.app import neighborhood
from tidu.app.searching_inputs import read_where
from tidu.app.searching_results import Found
from tidu.errors import DataError
from tidu.neighbors import kneighbors, prepare, radius_neighbors

RNG = np.random.default_rng(0)
DATA, QUERIES = RNG.integers(0, 9, (90, 3)).astype(np.float64), RNG.integers(0, 9, (25, 3)).astype(np.float64)
LABELS, TRUE = RNG.integers(0, 4, 90), RNG.integers(0, 4, 25)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, array in {"data": DATA, "queries": QUERIES, "labels": LABELS, "true": TRUE}.items():
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


def _search(run: Run, folder: Path, *options: object, queries: bool = True) -> dict[str, np.ndarray]:
    files = [folder / "data.npy", *([folder / "queries.npy"] if queries else [])]
    result = run("knn", *files, *options, "--output", folder / "out.npz")
    assert result.exit_code == 0, result.output
    with np.load(folder / "out.npz") as found:
        return {"output": result.output, **found}


def test_without_queries_each_row_is_left_out_of_its_own_neighbors(run: Run, folder: Path) -> None:
    found = _search(run, folder, "-k", 4, queries=False)
    distances, indices = kneighbors(None, DATA, 4)
    np.testing.assert_array_equal(found["indices"], indices)
    np.testing.assert_array_equal(found["distances"], distances)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize("metric", ["l1", "cosine"])
def test_neither_algorithm_nor_threads_change_what_is_found(
    run: Run, folder: Path, algorithm: str, metric: str
) -> None:
    found = _search(run, folder, "-k", 3, "--metric", metric, "--algorithm", algorithm, "--threads", 2)
    np.testing.assert_array_equal(found["indices"], kneighbors(QUERIES + 0, DATA, 3, metric)[1])


@pytest.mark.parametrize("how", ["mask.npy", "ids.npy", "mask.txt", "ids.txt"])
def test_only_rows_of_the_filter_are_found(run: Run, folder: Path, how: str) -> None:
    ids = np.flatnonzero(RNG.random(90) < 0.4)
    mask = np.isin(np.arange(90), ids)
    chosen = mask if how.startswith("mask") else ids
    if how.endswith("npy"):
        np.save(folder / how, chosen)
    else:
        (folder / how).write_text("\n".join(map(str, chosen.tolist())))
    found = _search(run, folder, "-k", 5, "--where", folder / how)
    np.testing.assert_array_equal(found["indices"], ids[kneighbors(QUERIES, DATA[ids], 5)[1]])


@pytest.mark.parametrize("ties", ["smallest", "nearest"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("limit", [(), ("--memory-limit", "2MB")])
def test_neighbors_vote_and_accuracies_are_printed(
    run: Run, folder: Path, weights: str, ties: str, limit: tuple[str, ...]
) -> None:
    options = ("--labels", folder / "labels.npy", "--query-labels", folder / "true.npy", "--ties", ties)
    found = _search(run, folder, "-k", 4, *options, "--votes", "7,1,4", "--weights", weights, *limit)
    assert found["indices"].shape == (25, 4)
    from tidu.estimators import KNeighborsClassifier as Ours

    for k in (1, 4, 7):
        predicted = Ours(k, weights=weights, ties=ties).fit(DATA, LABELS).predict(QUERIES)
        hits = int(np.sum(predicted == TRUE))
        assert f"k = {k}: {100 * hits / 25:.1f} % of the labels are right ({hits} of 25)" in found["output"]
        if k == 4:
            np.testing.assert_array_equal(found["predicted"], predicted)


def test_leaving_one_out_prints_the_accuracy_of_cross_validation(run: Run, folder: Path) -> None:
    found = _search(run, folder, "-k", 1, "--labels", folder / "labels.npy", queries=False)
    data, once = np.unique(DATA, axis=0, return_index=True)
    np.save(folder / "data.npy", data)
    np.save(folder / "labels.npy", LABELS[once])
    found = _search(run, folder, "-k", 3, "--labels", folder / "labels.npy", "--weights", "distance", queries=False)
    model = KNeighborsClassifier(3, weights="distance", algorithm="brute")
    wanted = cross_val_predict(model, data, LABELS[once], cv=LeaveOneOut())
    hits = int(np.sum(found["predicted"] == LABELS[once]))
    assert f"({hits} of {len(data)})" in found["output"]
    assert np.mean(found["predicted"] == wanted) > 0.9  # ties of distance are broken otherwise there


def test_labels_may_be_a_column_of_the_rows_or_of_another_table(run: Run, tmp_path: Path) -> None:
    X, y = flowers()
    names = np.array(["iris", "rose", "tulip"])[y]
    table = [f"{a:.4f},{name},{b:.4f}" for (a, b), name in zip(X, names, strict=True)]
    (tmp_path / "train.csv").write_text("width,kind,height\n" + "\n".join(table[:90]) + "\n")
    (tmp_path / "new.csv").write_text("width,kind,height\n" + "\n".join(table[90:]) + "\n")
    np.save(tmp_path / "X.npy", np.round(X[:90], 4))
    (tmp_path / "kinds.txt").write_text("\n".join(names[:90]))
    outputs = []
    table_column, lines = f"{tmp_path}/train.csv:kind", tmp_path / "kinds.txt"
    for train, labels in (("train.csv", "kind"), ("X.npy", table_column), ("X.npy", lines)):
        result = run("knn", tmp_path / train, "--labels", labels, "-k", 5)
        assert result.exit_code == 0, result.output
        assert "of 90)" in result.stderr
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0].splitlines()[0].endswith(",predicted")
    result = run(
        "knn", tmp_path / "train.csv", tmp_path / "new.csv", "--labels", "kind", "--query-labels", "kind", "-k", 5
    )
    assert result.exit_code == 0, result.output
    assert "of 30)" in result.stderr


def test_columns_of_text_are_compared_value_by_value(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("town,size\nBern,1\nGenf,1\nBern,9\n")
    (tmp_path / "b.csv").write_text("town,size\nGenf,1\nGenf,9\n")
    result = run("knn", tmp_path / "a.csv", tmp_path / "b.csv", "-k", 1)
    assert result.stdout.splitlines()[1:] == ["1,0.0", f"2,{2**0.5!r}"]
    (tmp_path / "b.csv").write_text("town,size\nBasel,1\nGenf,1\n")
    assert "Basel" in run("knn", tmp_path / "a.csv", tmp_path / "b.csv", "-k", 1).stderr


def test_a_folder_of_pictures_brings_its_own_labels(run: Run, pictures: Path, tmp_path: Path) -> None:
    command = ("knn", pictures, pictures / "test_batch", "--labels", "auto", "--votes", "1,3")
    result = run(*command, "--output", tmp_path / "n.npz", "--memory-limit", "16MB")
    assert result.exit_code == 0, result.output
    assert result.output.index("80 queries in 400 rows") < result.output.index("k = 1: 100.0 %")
    assert "k = 3: 100.0 %" in result.output
    assert "正确率" in run(*command, "--output", tmp_path / "n.npz", "--lang", "zh").output


def test_a_search_by_radius_gives_offsets(run: Run, folder: Path) -> None:
    found = _search(run, folder, "--radius", 2.5)
    far, near = radius_neighbors(QUERIES, DATA, 2.5, sort_results=True)
    assert found["offsets"].tolist() == [0, *np.cumsum([len(part) for part in near])]
    np.testing.assert_array_equal(found["indices"], np.concatenate(near))
    np.testing.assert_array_equal(found["distances"], np.concatenate(far))
    lines = list(csv.reader(io.StringIO(run("knn", folder / "data.npy", "--radius", 1).stdout)))
    assert lines[0] == ["query", "index", "distance"]
    assert len(lines) == 1 + sum(map(len, radius_neighbors(None, DATA, 1.0)[1]))


@pytest.mark.parametrize("options", [("-k", 4), ("--radius", 2.5), ("-k", 2, "--labels", "auto")])
def test_parquet_holds_what_npz_holds(run: Run, folder: Path, options: tuple[object, ...]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    chosen = [folder / "labels.npy" if one == "auto" else one for one in options]
    found = _search(run, folder, *chosen)
    files = (folder / "data.npy", folder / "queries.npy")
    assert run("knn", *files, *chosen, "--output", folder / "out.parquet").exit_code == 0
    table = parquet.read_table(folder / "out.parquet").to_pydict()
    assert table["query"] == list(range(25))
    for name in ("indices", "distances"):
        assert [x for row in table[name] for x in row] == found[name].ravel().tolist()
    if "offsets" in found:
        assert [len(row) for row in table["indices"]] == np.diff(found["offsets"]).tolist()
    assert table.get("predicted") == (found["predicted"].tolist() if "predicted" in found else None)


def test_a_missing_library_names_the_extra(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    result = run("knn", folder / "data.npy", "-k", 2, "--output", folder / "out.parquet")
    assert result.exit_code == 2
    assert "pip install 'tidu[parquet]'" in result.stderr


@pytest.mark.parametrize("by_radius", [True, False])
def test_results_are_written_in_pieces_that_cover_every_query(by_radius: bool) -> None:
    lengths = RNG.integers(0, 70_000, 40) if by_radius else np.full(30_000, 10)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.arange(offsets[-1])
    shape = flat if by_radius else flat.reshape(-1, 10)
    found = Found(shape, shape.astype(float), offsets if by_radius else None)
    pieces = list(found.pieces())
    assert [start for start, _, _ in pieces] == [0, *(stop for _, stop, _ in pieces[:-1])]
    assert pieces[-1][1] == found.n_queries
    np.testing.assert_array_equal(np.concatenate([found.rows(a, b)[0] for a, b, _ in pieces]), flat)
    for start, stop, begins in pieces:
        np.testing.assert_array_equal(np.diff(begins), lengths[start:stop])
        assert stop == start + 1 or begins[-1] - begins[0] <= 1 << 16


def test_the_search_is_one_call_with_everything_passed_on(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def record(*arguments: object, **options: object) -> object:
        calls.append((arguments, options))
        return prepare(*arguments, **{**options, "resume": False})  # type: ignore[arg-type]

    monkeypatch.setattr(neighborhood, "prepare", record)
    files = ("--index", folder / "i.idx", "--checkpoint-dir", folder / "c", "--resume")
    _search(run, folder, "-k", 2, *files, "--threads", 3, "--algorithm", "pruned", "--memory-limit", "5MB")
    ((arguments, options),) = calls
    assert arguments[2:] == (2, "l2", 5_000_000)
    assert options == {
        "algorithm": "pruned",
        "threads": 3,
        "where": None,
        "index": folder / "i.idx",
        "checkpoint_dir": folder / "c",
        "resume": True,
    }


def test_the_bar_fills_whatever_the_total_and_tells_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    @contextmanager
    def record(what: str, total: int, lang: str) -> Iterator[object]:
        shown.append(total)
        yield lambda amount, note: shown.append((amount, note))

    seconds = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr(neighborhood, "bar", record)
    monkeypatch.setattr(neighborhood.time, "perf_counter", lambda: next(seconds))
    with neighborhood.pairs_bar(1000, "en") as report:
        for done in (10_000_000, 20_000_000, 40_000_000):
            report(done, 40_000_000)
    total, *steps = shown
    assert sum(amount for amount, _ in steps) == total == 1000
    assert [note for _, note in steps] == ["", "5 million pairs/s", "8 million pairs/s"]


@pytest.mark.parametrize("text", ["0 1 90", "-1", "1 2 1", "1 x", "true false", "1.5", "true 3"])
def test_a_filter_that_does_not_fit_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.txt").write_text(text)
    with pytest.raises(DataError):
        read_where(tmp_path / "w.txt", 90)


BAD = {
    "labels of another length": "--labels true.npy",
    "labels that are fractions": "--labels data.npy",
    "labels that are not there": "--labels nothing.npy",
    "labels that nobody knows": "--labels auto",
    "true labels without labels": "--query-labels true.npy",
    "true labels of another length": "--labels labels.npy --query-labels labels.npy",
    "votes without labels": "--votes 1,3",
    "votes that are no numbers": "--labels labels.npy --votes 1,x",
    "more votes than rows": "--labels labels.npy --votes 91",
    "votes by radius": "--labels labels.npy --radius 1",
    "an index by radius": "--index a --radius 1",
    "a radius that is no number": "--radius nan",
    "resume of nothing": "--resume",
    "weights of a product": "--labels labels.npy --metric inner_product --weights distance",
    "an unknown algorithm": "--algorithm magic",
    "a filter of another length": "--where true.npy --labels labels.npy",
    "a filter that leaves too few": "--where few.txt",
    "a filter that is not there": "--where no.txt",
    "text for numbers": "--labels names.txt --query-labels true.npy",
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD.keys())
def test_bad_options_give_one_line_and_exit_code_2(
    run: Run, folder: Path, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "few.txt").write_text("1 2 3")
    (folder / "names.txt").write_text("a\n" * 90)
    before = sorted(folder.rglob("*"))
    result = run("knn", "data.npy", "queries.npy", "-k", 5, *options.split())
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("tidu: error: ")
    assert result.stderr.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
