"""How do the columns of new data come into the order that a fitted model expects?

Features are matched by name; text columns, which became one feature per value, by name and value. This
file knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tidu.data.dataset import Dataset, closest
from tidu.data.source import Block
from tidu.data.views import View
from tidu.errors import DataError

__all__ = ["select_features"]


def select_features(data: Dataset, feature_names: Sequence[str]) -> Dataset:
    """Return `data` with exactly these columns of `X`, as a model that was fitted on them expects.

    A value of a text column that the model knows and `data` lacks becomes a column of zeros; one that
    occurs in `data` only is refused, since a row of zeros would pass for a known value. Other columns
    of `data` are left out.

    Raises
    ------
    DataError
        If a feature is missing, or a text column holds values that the model never saw.

    Examples
    --------
    >>> from tidu.data import open_dataset
    >>> data = select_features(open_dataset([[1, 2, 3]]), ["x2", "x0"])
    >>> data.X.read(0, 1).tolist()
    [[3, 1]]
    """
    if tuple(feature_names) == data.feature_names:
        return data
    place = {name: i for i, name in enumerate(data.feature_names)}
    known_text = {_text_column(name, data) for name in feature_names} - {None}
    for name in feature_names:
        if name not in place and _text_column(name, data) is None:
            raise DataError(
                f"{data.X.name} has no feature {name!r}{closest(name, data.feature_names)}",
                column=name,
                available=data.feature_names,
            )
    wanted = set(feature_names)
    for name in data.feature_names:
        column = _text_column(name, data)
        if column in known_text and column is not None and name not in wanted:
            value = name[len(column) + 1 :]
            raise DataError(
                f"column {column!r} of {data.X.name} holds {value!r}, which the model has never seen",
                column=column,
                value=value,
            )
    return replace(
        data,
        X=_OrderedColumns(data.X, tuple(place.get(name, -1) for name in feature_names)),
        feature_names=tuple(feature_names),
        image_shape=None,
        test=None if data.test is None else select_features(data.test, feature_names),
    )


def _text_column(feature: str, data: Dataset) -> str | None:
    """Return the text column that a feature ``column=value`` was made of."""
    return max((c for c in data.text_columns if feature.startswith(f"{c}=")), key=len, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class _OrderedColumns(View):
    """Columns in a given order; -1 stands for a column of zeros."""

    columns: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.source.shape[0], len(self.columns))

    def read(self, start: int, stop: int) -> Block:
        block = self.source.read(start, stop)
        chosen = np.zeros((stop - start, len(self.columns)), self.dtype)
        for to, column in enumerate(self.columns):
            if column >= 0:
                chosen[:, to] = block[:, column]
        return chosen
