from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.data import (
    BUNDLED,
    ArraySource,
    BlockSource,
    Dataset,
    as_source,
    bundled,
    open_dataset,
    select_features,
)
from tidu.data.format import formats
from tidu.errors import DataError, DtypeError, ParameterError, ShapeError


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_data_set_opens_by_name(name: str) -> None:
    data = open_dataset(name)
    assert data.y is not None
    assert data.X.shape == (data.y.shape[0], len(data.feature_names))
    assert (data.class_names is None) == (name == "diabetes")
    if data.class_names is not None:
        assert sorted(set(data.y.read(0, data.n_samples).tolist())) == list(range(len(data.class_names)))


@pytest.mark.parametrize("name", ["digit", "no_such_thing"])
def test_a_mistyped_name_lists_the_bundled_ones(name: str) -> None:
    for opened in (open_dataset, bundled):
        with pytest.raises(DataError) as caught:
            opened(name)
        assert caught.value.facts["available"] == BUNDLED


def test_a_folder_of_no_known_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder"):
        open_dataset(tmp_path)


def test_every_suffix_belongs_to_one_format() -> None:
    suffixes = [suffix for one in formats() for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes)) >= 5


@settings(deadline=None)
@given(labels=st.lists(st.text(max_size=3), min_size=1, max_size=30))
def test_text_labels_come_back_from_their_codes(labels: list[str]) -> None:
    # NumPy's text drops zeros at the end.
    labels = [label.rstrip("\0") for label in labels]
    for y in (np.array(labels), np.array(labels, object), labels):
        data = open_dataset((np.zeros((len(labels), 1)), y))
        assert data.y is not None
        assert data.class_names is not None
        assert data.class_names == tuple(sorted(set(labels)))
        assert [data.class_names[code] for code in data.y.read(0, len(labels))] == labels


def test_truth_values_are_classes() -> None:
    data = open_dataset((np.zeros((2, 1)), np.array([True, False])))
    assert data.class_names == ("False", "True")


def test_pictures_in_an_array_are_flattened_and_their_shape_remembered() -> None:
    data = open_dataset((np.zeros((2, 4, 5), np.uint8), [0, 1]))
    assert (data.X.shape, data.image_shape, data.pixel_max) == ((2, 20), (4, 5, 1), 255)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (([[1.0]], [1, 2]), ShapeError),
        (([[1.0]], [[1, 2]]), ShapeError),
        (([1.0], [1]), ShapeError),
        (([["a"]], [1]), DtypeError),
        (([[1j]], [1]), DataError),
        (([[1.0], [1.0, 2.0]], [1, 2]), DataError),
        (([[None]], [1]), DataError),
        (([[1.0]], [1], [2]), ParameterError),
        (np.ma.masked_array([[1.0, 2.0]], [[True, False]]), DataError),
        (3.0, DataError),
        (np.zeros((0, 2)), DataError),
        (([[1.0], [2.0]], [str, int]), DataError),
    ],
)
def test_data_that_do_not_fit_are_one_clear_error(data: object, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        open_dataset(data)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["X", "y"])
def test_nan_in_an_array_is_found_when_it_is_read(place: str) -> None:
    X, y = np.zeros((3, 2)), np.zeros(3)
    (X if place == "X" else y)[1] = np.nan
    data = open_dataset((X, y))
    assert data.y is not None
    with pytest.raises(DataError) as caught:
        (data.X if place == "X" else data.y).read(0, 3)
    assert (caught.value.facts["row"], caught.value.facts["column"]) == (
        1,
        "x0" if place == "X" else "target",
    )


def test_a_text_target_with_a_thousand_values_is_taken_for_a_mistake() -> None:
    with pytest.raises(DataError, match="1000"):
        open_dataset((np.zeros((2000, 1)), [f"{i}.5" for i in range(2000)]))


def test_the_target_is_named_once() -> None:
    for data in (([[1, 2]], [1]), "iris"):
        with pytest.raises(ParameterError):
            open_dataset(data, target=1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no features"):
        open_dataset([[1], [2]], target=0)


def test_what_is_a_source_or_a_data_set_stays_as_it_is() -> None:
    source = ArraySource(np.zeros((2, 2)))
    assert isinstance(source, BlockSource)
    assert as_source(source) is source
    data = open_dataset(source)
    assert open_dataset(data) is data


def table(tmp_path: Path, text: str, target: str | None = None) -> Dataset:
    path = tmp_path / f"{abs(hash(text))}.csv"
    path.write_text(text)
    return open_dataset(path, target=target)


def test_new_data_are_brought_into_the_columns_of_the_model(tmp_path: Path) -> None:
    old = table(tmp_path, "size,w,y\nS,1,0\nM,2,1\nL,3,0\n", "y")
    new = table(tmp_path, "other,w,size\n9,5,L\n9,6,S\n")
    found = select_features(new, old.feature_names)
    assert found.feature_names == ("size=L", "size=M", "size=S", "w")
    assert found.X.read(0, 2).tolist() == [[1, 0, 0, 5], [0, 0, 1, 6]]
    assert select_features(old, old.feature_names) is old


def test_a_value_the_model_has_never_seen_is_refused(tmp_path: Path) -> None:
    new = table(tmp_path, "size,w\nS,1\nXL,2\n")
    with pytest.raises(DataError) as caught:
        select_features(new, ("size=L", "size=S", "w"))
    assert (caught.value.facts["column"], caught.value.facts["value"]) == ("size", "XL")


@pytest.mark.parametrize("name", ["weight", "colour=red"])
def test_a_feature_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        select_features(table(tmp_path, "size,w\nS,1\nM,1\n"), ("size=S", "size=M", name))
    assert caught.value.facts["column"] == name


def test_a_new_format_joins_by_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_format.py").write_text(
        "import numpy as np\n"
        "from tidu.data import ArraySource, dataset_of\n"
        "from tidu.data.format import Format\n"
        "def source(path): return ArraySource(np.array([[float(path.read_text())]]))\n"
        "FORMAT = Format('toy', ('.toy',), source, lambda path, target: dataset_of(source(path)))\n"
    )
    (tmp_path / "x.toy").write_text("7")
    import tidu.data.formats

    monkeypatch.setattr(tidu.data.formats, "__path__", [*tidu.data.formats.__path__, str(tmp_path)])
    formats.cache_clear()
    try:
        assert open_dataset(tmp_path / "x.toy").X.read(0, 1).tolist() == [[7.0]]
    finally:
        formats.cache_clear()


def test_an_array_of_foreign_byte_order_reads_as_this_machines() -> None:
    source = as_source(np.array([[1.0, 2.0]], ">f4"))
    assert source.dtype.isnative
    assert source.read(0, 1).dtype.isnative
    assert source.read(0, 1).tolist() == [[1.0, 2.0]]
