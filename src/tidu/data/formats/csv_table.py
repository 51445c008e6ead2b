"""How does a text table (`.csv`, `.tsv`) become numbers?

A column of numbers is a feature as it stands. A column of text becomes one feature of zeros and ones per
value, or, as the target, class codes. Rows stay in the file and are parsed when asked for; reading them
in order is what this format is good at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np

from tidu.data.dataset import MAX_CLASSES, Dataset, column_number, dataset_of
from tidu.data.format import Format
from tidu.data.source import Block, BlockSource, check_range
from tidu.data.text_table import Column, Table, scan
from tidu.errors import DataError

__all__ = ["FORMAT"]

_MAX_CATEGORIES = 100
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column of the table goes: `to` is its (first) feature, `codes` numbers its values if text."""

    column: int
    to: int
    codes: Mapping[str, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """Rows of a table as numbers."""

    table: Table
    places: tuple[_Place, ...]
    width: int

    @property
    def name(self) -> str:
        return str(self.table.file.path)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.table.n_rows, self.width)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return np.dtype(np.float64)

    def read(self, start: int, stop: int) -> Block:
        check_range(self, start, stop)
        block = np.zeros((stop - start, self.width))
        numbers = [place for place in self.places if place.codes is None]
        texts = [(place.column, place.to, place.codes) for place in self.places if place.codes is not None]
        targets = np.array([place.to for place in numbers], np.intp)
        columns = [place.column for place in numbers]
        for row, cells in enumerate(self.table.rows(start, stop)):
            if columns:
                block[row, targets] = [float(cells[column]) for column in columns]
            for column, to, codes in texts:
                block[row, to + codes[cells[column]]] = 1.0
        return block


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """One column of a table as numbers or class codes."""

    table: Table
    column: int
    codes: Mapping[str, int] | None

    @property
    def name(self) -> str:
        return str(self.table.file.path)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.table.n_rows,)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        is_whole = self.codes is not None or self.table.columns[self.column].is_integer
        return np.dtype(np.int64 if is_whole else np.float64)

    def read(self, start: int, stop: int) -> Block:
        check_range(self, start, stop)
        cells = map(itemgetter(self.column), self.table.rows(start, stop))
        numbers = (self.codes[cell] for cell in cells) if self.codes is not None else map(_exact(self.dtype), cells)
        return np.fromiter(numbers, self.dtype, stop - start)


def _exact(dtype: np.dtype[np.generic]) -> type[int] | type[float]:
    return int if dtype.kind == "i" else float


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    table = scan(path, _SEPARATORS[path.suffix.lower()])
    number = None if target is None else column_number(table.names, target, str(path))
    if number is not None and len(table.names) == 1:
        raise DataError(f"{path} has one column, and it is the target; no features are left", path=str(path))
    features, names = _features(table, number)
    texts = [column.name for at, column in enumerate(table.columns) if not column.is_number and at != number]
    if number is None:
        return dataset_of(features, feature_names=names, text_columns=texts)
    column = table.columns[number]
    class_names = None if column.is_number else _values(column, MAX_CLASSES, table)
    codes = None if class_names is None else {value: code for code, value in enumerate(class_names)}
    return dataset_of(
        features,
        _Target(table, number, codes),
        feature_names=names,
        target_name=column.name,
        class_names=class_names,
        text_columns=texts,
        first_text=column.first_text,
    )


def _open_source(path: Path) -> BlockSource:
    return _features(scan(path, _SEPARATORS[path.suffix.lower()]), None)[0]


def _features(table: Table, target: int | None) -> tuple[_Features, list[str]]:
    """Return all columns but the target, text spread out, and the features' names."""
    places: list[_Place] = []
    names: list[str] = []
    for number, column in enumerate(table.columns):
        if number == target:
            continue
        if column.is_number:
            places.append(_Place(number, len(names), None))
            names.append(column.name)
        else:
            values = _values(column, _MAX_CATEGORIES, table)
            places.append(_Place(number, len(names), {value: code for code, value in enumerate(values)}))
            names.extend(f"{column.name}={value}" for value in values)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{table.file.path}: two features would be named {twice!r}; rename a column", column=twice)
    return _Features(table, tuple(places), len(names)), names


def _values(column: Column, most: int, table: Table) -> tuple[str, ...]:
    if column.overflows or len(column.texts) > most:
        raise DataError(
            f"{table.file.path}: column {column.name!r} is text with more than {most} different values "
            f"(first that is not a number: {column.first_text}); correct the numbers, or remove the column",
            path=str(table.file.path),
            column=column.name,
            limit=most,
        )
    return tuple(sorted(column.texts))


FORMAT = Format(name="text table", suffixes=tuple(_SEPARATORS), open_source=_open_source, open_dataset=_open_dataset)
