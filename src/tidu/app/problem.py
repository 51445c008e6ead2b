"""What is to be learned, from which rows, and on which rows is it judged?

One split serves every model: training rows, of which some are set apart to stop the network early, and
held-out rows that no model sees. Features stay where they are until a model asks for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.app.settings import FitSettings
from tidu.data import BlockSource, Dataset, RowsSource, blocks, open_dataset, train_test_split_rows
from tidu.data.scaling import Scaling, fit_scaling, rows_per_block
from tidu.data.target import Target, read_target
from tidu.errors import DataError, ShapeError

__all__ = ["Part", "Problem", "open_problem"]

_VALIDATION_SHARE = 0.1
# With fewer training rows than this every one is needed for fitting.
_FEWEST_TO_VALIDATE = 20
_MOST_VALIDATION = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some rows: features still in their source, targets in memory.

    Attributes
    ----------
    X : BlockSource of shape (n_samples, n_features)
        Raw features.
    y : ndarray of shape (n_samples,)
        Class codes (int64) or numbers (float64).
    rows : ndarray of shape (n_samples,), int
        Their row numbers in the data.
    """

    X: BlockSource
    y: NDArray[np.generic]
    rows: NDArray[np.intp]

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.y)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A learning task, ready for any model.

    Attributes
    ----------
    data : Dataset
        What was opened.
    target : Target
        The task, and why it is that.
    train, test : Part
        All training rows; held-out rows.
    fitting, validation : Part
        The training rows, divided; `validation` may be empty.
    own_test : bool
        Whether the data came with their test part.
    scaling : Scaling
        Learned from the training rows.
    shift, scale : float
        Of the target for the models: 0 and 1 for classes, mean and standard deviation of numbers.
    """

    data: Dataset
    target: Target
    train: Part
    test: Part
    fitting: Part
    validation: Part
    own_test: bool
    scaling: Scaling
    shift: float
    scale: float

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return self.target.task == "classification"


def open_problem(settings: FitSettings) -> Problem:
    """Open the data, decide the task, and split.

    Raises
    ------
    TiduError
        If the data are missing, damaged or too few, or the target is not there.
    """
    data = open_dataset(settings.data, target=settings.target)
    target = read_target(data, settings.task)
    labels = target.values if target.class_names else None
    if data.test is not None and target.test_values is not None:
        if data.test.n_features != data.n_features:
            raise ShapeError(
                f"{data.X.name}: training rows have {data.n_features} features, test rows {data.test.n_features}",
                expected=data.n_features,
                got=data.test.n_features,
            )
        train = Part(data.X, target.values, np.arange(data.n_samples))
        test = Part(data.test.X, target.test_values, np.arange(data.test.n_samples))
    else:
        kept, held = train_test_split_rows(
            data.n_samples, labels, test_fraction=settings.test_fraction, seed=settings.seed
        )
        whole = Part(data.X, target.values, np.arange(data.n_samples))
        train, test = _rows_of(whole, kept), _rows_of(whole, held)
    if train.n_samples < 2 or bool(np.all(train.y == train.y[0])):
        raise DataError(
            f"{data.X.name}: the {train.n_samples} training rows have a single target value; "
            "give more rows, or another --seed or --test-fraction",
            n_samples=train.n_samples,
        )
    for part in (train, test):
        _read_through(part.X)
    fitting, validation = _set_apart(train, settings.seed, bool(target.class_names))
    numbers = train.y.astype(np.float64)
    return Problem(
        data=data,
        target=target,
        train=train,
        test=test,
        fitting=fitting,
        validation=validation,
        own_test=test.X is not data.X and data.test is not None and target.test_values is not None,
        scaling=fit_scaling(train.X, data.pixel_max),
        shift=0.0 if target.class_names else float(numbers.mean()),
        scale=1.0 if target.class_names else float(numbers.std()),
    )


def _set_apart(train: Part, seed: int, stratified: bool) -> tuple[Part, Part]:
    if train.n_samples < _FEWEST_TO_VALIDATE:
        return train, _rows_of(train, np.empty(0, np.intp))
    share = min(_VALIDATION_SHARE, _MOST_VALIDATION / train.n_samples)
    fitted, held = train_test_split_rows(
        train.n_samples, train.y if stratified else None, test_fraction=share, seed=seed
    )
    return _rows_of(train, fitted), _rows_of(train, held)


def _read_through(source: BlockSource) -> None:
    """Meet a NaN now, as the source refuses it when read, and not after minutes of fitting."""
    if source.dtype.kind == "f":
        for _ in blocks(source, rows_per_block(source.shape[1])):
            pass


def _rows_of(part: Part, rows: NDArray[np.intp]) -> Part:
    return Part(RowsSource(part.X, rows), part.y[rows], part.rows[rows])
