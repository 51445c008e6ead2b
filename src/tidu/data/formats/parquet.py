"""How are vectors and tables of numbers read from `.parquet` files, a piece of a row group at a time?

A column of lists of equal length holds vectors; without one, all columns of numbers are the features. Rows
are decoded in order, a few at a time, and never a whole row group. All bytes are read through
`RegularFile`, so a file that changes is an error here too. pyarrow is imported when a file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from tidu.data.dataset import MAX_CLASSES, Dataset, closest, dataset_of
from tidu.data.extras import needed
from tidu.data.files import FileStream, RegularFile
from tidu.data.format import Format, several
from tidu.data.forward import Forward
from tidu.data.parquet_pages import largest_page
from tidu.data.source import ArraySource, Block, BlockSource, check_out, read_fresh
from tidu.errors import DataError, ParameterError

__all__ = ["FORMAT"]

_DECODED_BYTES = 1 << 18
_MOST_ROWS_AT_ONCE = 1 << 16
_MOST_COLUMNS = 1 << 16
_WIDEST = 1 << 24
_SMALL_CHUNK_BYTES = 1 << 18
_STREAM_BUFFER_BYTES = 1 << 16


class _Table:
    """An opened file: its columns' types, and batches of rows from any row group on."""

    def __init__(self, file: RegularFile) -> None:
        self.file = file
        self._arrow = needed("pyarrow", "parquet", f"{file.path} (.parquet)")
        parquet = needed("pyarrow.parquet", "parquet", f"{file.path} (.parquet)")
        self._stream = FileStream(file)
        with self.refusing():
            self._reader = parquet.ParquetFile(
                self._stream, buffer_size=_STREAM_BUFFER_BYTES, pre_buffer=False, thrift_string_size_limit=1 << 24
            )
            self.schema = self._reader.schema_arrow
        self.names: tuple[str, ...] = tuple(self.schema.names)
        if len(set(self.names)) != len(self.names) or not 0 < len(self.names) <= _MOST_COLUMNS:
            raise DataError(f"{self.name} has no columns, too many, or two of one name", path=self.name)
        counts = [self._reader.metadata.row_group(group).num_rows for group in range(self._reader.num_row_groups)]
        self.starts = np.concatenate([[0], np.cumsum(np.array(counts, np.int64))])
        """First row of each row group, and the number of rows."""
        if any(count < 0 for count in counts) or self.n_rows < 1 or self.n_rows != self._reader.metadata.num_rows:
            raise DataError(f"{self.name} has no rows, or disagrees with itself about how many", path=self.name)

    @property
    def name(self) -> str:
        return str(self.file.path)

    @property
    def n_rows(self) -> int:
        return int(self.starts[-1])

    def type_of(self, column: str) -> Any:
        """Return a column's type, that of its storage if it is an extension's."""
        found = self.schema.field(column).type
        return found.storage_type if isinstance(found, self._arrow.BaseExtensionType) else found

    def number_of(self, column: str) -> np.dtype[np.generic] | None:
        """Return the dtype of a column of numbers, or of lists of numbers."""
        kind = self.type_of(column)
        kind = kind.value_type if self.is_list(column) else kind
        types = self._arrow.types
        if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
            dtype: np.dtype[np.generic] = np.dtype(kind.to_pandas_dtype())
            return dtype
        return None

    def is_list(self, column: str) -> bool:
        kind, types = self.type_of(column), self._arrow.types
        return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))

    def width_of(self, column: str) -> int:
        """Return the length of the lists of a column: that of its type, or of the first list."""
        kind = self.type_of(column)
        if self._arrow.types.is_fixed_size_list(kind):
            return int(kind.list_size)
        _, first = next(self.batches(0, [column], 1))
        with self.refusing():
            lists = _storage(first.column(0))
            return len(lists[0]) if lists.is_valid()[0].as_py() else 0

    def batches(self, first: int, columns: Sequence[str], rows_at_once: int) -> Iterator[tuple[int, Any]]:
        """Yield first row and batch, from the row group on that begins at row `first`."""
        group = int(np.searchsorted(self.starts, first, side="right")) - 1
        at = first
        for number in range(group, self._reader.num_row_groups):
            stop = int(self.starts[number + 1])
            decoded = self._reader.iter_batches(
                rows_at_once, row_groups=[number], columns=list(columns), use_threads=False
            )
            while True:
                with self.refusing():
                    batch = next(decoded, None)
                    self.file.refuse_change()
                if batch is None:
                    break
                if at + len(batch) > stop or tuple(batch.schema.names) != tuple(columns):
                    raise self.damaged(number)
                yield at, batch
                at += len(batch)
            if at != stop:
                raise self.damaged(number)

    def page_bytes(self, column: str) -> int:
        """Return what decoding a column holds: the most of any row group."""
        metadata, most = self._reader.metadata, 0
        with self.refusing():
            numbers = self._numbers_of(column)
            for group in range(self._reader.num_row_groups):
                for number in numbers:
                    most = max(most, self._chunk_bytes(metadata.row_group(group).column(number)))
        return most + _STREAM_BUFFER_BYTES

    def _numbers_of(self, column: str) -> list[int]:
        schema = self._reader.schema
        paths = [schema.column(number).path for number in range(len(schema))]
        found = [number for number, path in enumerate(paths) if path == column or path.startswith(f"{column}.")]
        return found or list(range(len(paths)))

    def _chunk_bytes(self, chunk: Any) -> int:
        """Return what decoding a column chunk holds: the dictionary, and copies of the largest page."""
        stored, decoded = int(chunk.total_compressed_size), int(chunk.total_uncompressed_size)
        page, dictionary = stored + decoded, 0
        if decoded > _SMALL_CHUNK_BYTES:
            first = chunk.data_page_offset
            if chunk.dictionary_page_offset is not None:
                first = min(first, chunk.dictionary_page_offset)
            found = largest_page(self.file, first, stored)
            if found is not None:
                page, dictionary = found
        # A page is stored bytes and decoded ones; Python's stream and the memory pool hold either once more.
        return 2 * page + dictionary

    def damaged(self, group: int) -> DataError:
        return DataError(
            f"{self.name}: row group {group} holds other rows than it claims; write the file again",
            path=self.name,
            row_group=group,
        )

    def refusing(self) -> AbstractContextManager[None]:
        """Turn the errors of pyarrow, which are many, into one line."""
        damaged = (self._arrow.ArrowException, OSError, ValueError, KeyError, IndexError, RuntimeError)
        return self._stream.refusing(".parquet file", damaged)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _Table, (self.file,)


class _Rows:
    """Columns of numbers side by side, or one column of lists, as rows."""

    def __init__(self, table: _Table, columns: tuple[str, ...], width: int | None) -> None:
        self._told = (table, columns, width)
        self._table, self._columns = table, columns
        dtypes = [table.number_of(column) for column in columns]
        self.dtype = np.result_type(*[dtype for dtype in dtypes if dtype is not None])
        self.shape: tuple[int, ...] = (table.n_rows,) if width is None else (table.n_rows, width)
        self.name = table.name if len(columns) > 1 else f"{table.name}:{columns[0]}"
        self._page_bytes: int | None = None
        self._forward = Forward(table.n_rows, self._begins_at, self._stream)

    def read(self, start: int, stop: int) -> Block:
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        check_out(self, start, stop, out)
        self._table.file.refuse_change()  # rows decoded earlier may be waiting
        self._forward.fill(start, out)

    def scratch_bytes(self, n_rows: int) -> int:
        # Per column its pages, and the batch as pyarrow and as NumPy have it.
        if self._page_bytes is None:
            self._page_bytes = sum(self._table.page_bytes(column) for column in self._columns)
        return self._page_bytes + 4 * max(_DECODED_BYTES, self._row_bytes)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _Rows, self._told

    @property
    def _row_bytes(self) -> int:
        return max(1, self.dtype.itemsize * (self.shape[1] if len(self.shape) == 2 else 1))

    def _begins_at(self, row: int) -> int:
        starts = self._table.starts
        return int(starts[np.searchsorted(starts, row, side="right") - 1])

    def _stream(self, first: int) -> Iterator[Block]:
        rows_at_once = min(_MOST_ROWS_AT_ONCE, max(1, _DECODED_BYTES // self._row_bytes))
        for at, batch in self._table.batches(first, self._columns, rows_at_once):
            with self._table.refusing():
                block = self._block(batch, at)
            if len(block):
                yield block

    def _block(self, batch: Any, first_row: int) -> Block:
        if self._table.is_list(self._columns[0]):
            return self._vectors(_storage(batch.column(0)), first_row)
        block = np.empty((len(batch), len(self._columns)), self.dtype)
        for number, name in enumerate(self._columns):
            column = _storage(batch.column(number))
            self._refuse_nulls(column, first_row, name)
            block[:, number] = column.to_numpy(zero_copy_only=False)
        return block if len(self.shape) == 2 else block[:, 0]

    def _vectors(self, lists: Any, first_row: int) -> Block:
        name, width = self._columns[0], self.shape[-1]
        self._refuse_nulls(lists, first_row, name)
        if hasattr(lists, "offsets"):
            lengths = np.diff(lists.offsets.to_numpy())
            if (lengths != width).any():
                row = int(np.argmax(lengths != width))
                raise DataError(
                    f"{self._table.name}: row {first_row + row} of column {name!r} has {lengths[row]} numbers, "
                    f"the first row has {width}; vectors must be of one length",
                    row=first_row + row,
                    column=name,
                    expected=width,
                    got=int(lengths[row]),
                )
        numbers = lists.flatten()
        if numbers.null_count:
            place = int(np.argmax(numbers.is_null().to_numpy(zero_copy_only=False)))
            raise self._null(first_row + place // width, name)
        return np.asarray(numbers.to_numpy(zero_copy_only=False)).reshape(len(lists), width)

    def _refuse_nulls(self, column: Any, first_row: int, name: str) -> None:
        if column.null_count:
            place = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
            raise self._null(first_row + place, name)

    def _null(self, row: int, column: str) -> DataError:
        return DataError(
            f"{self._table.name}: column {column!r} has no value in row {row} (counted from 0); "
            "fill in the values or remove such rows",
            row=row,
            column=column,
        )


def _storage(column: Any) -> Any:
    return getattr(column, "storage", column)


def _open_column(table: _Table, column: str) -> BlockSource:
    if column not in table.names:
        raise DataError(
            f"{table.name} has no column {column!r}{closest(column, table.names)}",
            column=column,
            available=table.names,
        )
    if table.number_of(column) is None:
        raise DataError(
            f"{table.name}: column {column!r} is {table.type_of(column)}; expected numbers or lists of numbers",
            column=column,
            got=str(table.type_of(column)),
        )
    if not table.is_list(column):
        return _Rows(table, (column,), None)
    width = table.width_of(column)
    if not 0 < width <= _WIDEST:
        raise DataError(
            f"{table.name}: column {column!r} begins with a vector of {width} numbers; expected 1 to {_WIDEST:,}",
            column=column,
            got=width,
        )
    return _Rows(table, (column,), width)


def _feature_names(table: _Table, without: str | None = None) -> tuple[str, ...]:
    """Return the one column of vectors, or else every column of numbers."""
    names = [name for name in table.names if name != without and table.number_of(name) is not None]
    vectors = [name for name in names if table.is_list(name)]
    if len(vectors) > 1:
        raise several(table.file.path, "columns of vectors", vectors)
    if not names:
        raise DataError(f"{table.name} has no column of numbers or of lists of numbers", path=table.name)
    return tuple(vectors or names)


def _features(table: _Table, names: tuple[str, ...]) -> BlockSource:
    return _open_column(table, names[0]) if table.is_list(names[0]) else _Rows(table, names, len(names))


def _open_source(path: Path) -> BlockSource:
    table = _Table(RegularFile(path))
    return _features(table, _feature_names(table))


def _open_member(path: Path, member: str) -> BlockSource:
    return _open_column(_Table(RegularFile(path)), member)


def _open_dataset(path: Path, target: str | int | None) -> Dataset:
    table = _Table(RegularFile(path))
    if isinstance(target, int):
        raise ParameterError(f"the target of {path} is the name of a column; got {target}", target=target)
    names = _feature_names(table, target)
    X = _features(table, names)
    feature_names = None if table.is_list(names[0]) else names
    if target is None:
        return dataset_of(X, feature_names=feature_names)
    if target in table.names and _is_text(table, target):
        y, class_names = _text_codes(table, target)
        return dataset_of(X, y, feature_names=feature_names, target_name=target, class_names=class_names)
    return dataset_of(X, _open_column(table, target), feature_names=feature_names, target_name=target)


def _is_text(table: _Table, column: str) -> bool:
    kind = table.type_of(column)
    return str(getattr(kind, "value_type", kind)) in ("string", "large_string")


def _text_codes(table: _Table, column: str) -> tuple[BlockSource, tuple[str, ...]]:
    """Return codes of a column of text, 8 bytes per row in memory, and the classes in order."""
    codes = np.empty(table.n_rows, np.int64)
    seen: dict[str, int] = {}
    for at, batch in table.batches(0, [column], 1 << 12):
        with table.refusing():
            texts = batch.column(0).to_pylist()
        for row, text in enumerate(texts, start=at):
            if text is None:
                raise DataError(f"{table.name}: column {column!r} has no value in row {row}", row=row, column=column)
            codes[row] = seen.setdefault(text, len(seen))
        if len(seen) > MAX_CLASSES:
            raise DataError(
                f"{table.name}: column {column!r} is text with more than {MAX_CLASSES} different values",
                column=column,
                limit=MAX_CLASSES,
            )
    ordered = sorted(seen)
    place = np.array([ordered.index(text) for text in seen], np.int64)
    return ArraySource(place[codes], f"{table.name}:{column}"), tuple(ordered)


FORMAT = Format(
    name="Parquet table",
    suffixes=(".parquet",),
    open_source=_open_source,
    open_dataset=_open_dataset,
    open_member=_open_member,
)
