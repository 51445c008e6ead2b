"""Where do rows come from: sources of rows, opened from arrays, files and bundled data sets.

Data may be larger than memory: a `BlockSource` reads just the rows it is asked for. Reading order:
`source` (the protocol), `dataset`, `files`, `format` and `formats/` (one module each), `opening`, `split`.
"""

from __future__ import annotations

from tidu.data.bundled import BUNDLED, bundled
from tidu.data.dataset import Dataset, dataset_of
from tidu.data.opening import as_source, open_dataset
from tidu.data.select import select_features
from tidu.data.source import ArraySource, BlockSource, RowsSource, blocks, take
from tidu.data.split import fit_scaler, pixel_scaler, train_test_split_rows

__all__ = [
    "BUNDLED",
    "ArraySource",
    "BlockSource",
    "Dataset",
    "RowsSource",
    "as_source",
    "blocks",
    "bundled",
    "dataset_of",
    "fit_scaler",
    "open_dataset",
    "pixel_scaler",
    "select_features",
    "take",
    "train_test_split_rows",
]
