"""Where do rows come from: sources of rows, opened from arrays, files and bundled data sets.

Data may be larger than memory: a `BlockSource` reads just the rows it is asked for. Reading order:
`source` (the protocol), `views`, `dataset`, `files`, `format` and `formats/` (one module each), `forward` and
`generated` (what can only be read in order), `opening`, `split`.
"""

from __future__ import annotations

from tidu.data.bundled import BUNDLED, bundled
from tidu.data.dataset import Dataset, dataset_of
from tidu.data.formats.raw import RawSource
from tidu.data.generated import GeneratorSource, blocks_source
from tidu.data.opening import as_source, labels_of, open_dataset
from tidu.data.select import select_features
from tidu.data.source import (
    ArraySource,
    BlockSource,
    FillingSource,
    blocks,
    is_forward_only,
    read_into,
    scratch_bytes,
    take,
)
from tidu.data.split import fit_scaler, pixel_scaler, train_test_split_rows
from tidu.data.views import RowsSource, StackedSource, widened

__all__ = [
    "BUNDLED",
    "ArraySource",
    "BlockSource",
    "Dataset",
    "FillingSource",
    "GeneratorSource",
    "RawSource",
    "RowsSource",
    "StackedSource",
    "as_source",
    "blocks",
    "blocks_source",
    "bundled",
    "dataset_of",
    "fit_scaler",
    "is_forward_only",
    "labels_of",
    "open_dataset",
    "pixel_scaler",
    "read_into",
    "scratch_bytes",
    "select_features",
    "take",
    "train_test_split_rows",
    "widened",
]
