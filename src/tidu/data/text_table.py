"""What stands in a text table: which columns are numbers, which are words, and where each row begins?

`scan` reads the file once from top to bottom, keeps a line at a time and the place of every 256th row,
and refuses what would have to be guessed. Afterwards any rows can be read again without what lies before
them. This file knows nothing of features and targets.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tidu.data.files import RegularFile
from tidu.errors import DataError

__all__ = ["MAX_TEXTS", "Column", "Table", "is_number", "scan"]

MAX_TEXTS = 1000
"""Different texts of one column that are remembered."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # 18 digits always fit into int64
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_MISSING = frozenset(["", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL"])
_ROWS_PER_PLACE = 256
_PIECE_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 24
_BLANK = " \t"


@dataclass(slots=True, eq=False)
class Column:
    """What is known of a column.

    Attributes
    ----------
    name : str
        As in the header.
    is_number, is_integer : bool
        Whether every cell is a finite decimal number; whether all are whole and fit int64.
    texts : set of str
        The different texts of its cells, if there are at most `MAX_TEXTS`.
    overflows : bool
        Whether there are more.
    first_text : str
        The first cell that is not a number, and where, for messages.
    infinite : (row, line, text) or None
        The first cell that is infinite, if those before it are all numbers.
    """

    name: str
    is_number: bool = True
    is_integer: bool = True
    texts: set[str] = field(default_factory=set)
    overflows: bool = False
    first_text: str = ""
    infinite: tuple[int, int, str] | None = None

    def see(self, text: str, row: int, line: int) -> None:
        """Take note of a cell that is not missing."""
        if not self.overflows:
            self.texts.add(text)
            if len(self.texts) > MAX_TEXTS:
                self.overflows = True
                self.texts.clear()
        if self.is_number and not (self.is_integer and _INTEGER.fullmatch(text)):
            self.is_integer = False
            if _INFINITE.fullmatch(text) or (_NUMBER.fullmatch(text) and math.isinf(float(text))):
                # Only an error if the column is one of numbers, which the last row decides.
                self.infinite = self.infinite or (row, line, text)
            elif not is_number(text):
                self.is_number = False
                self.first_text = f"{text[:40]!r} in line {line}"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A text table whose every cell has been looked at.

    Attributes
    ----------
    file : RegularFile
        Where it is.
    separator : str
        What stands between cells.
    columns : tuple of Column
        From left to right.
    n_rows : int
        Rows below the header.
    places : array of int
        Where rows 0, 256, 512, ... begin, in bytes.
    """

    file: RegularFile
    separator: str
    columns: tuple[Column, ...]
    n_rows: int
    places: array[int]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def rows(self, start: int, stop: int) -> Iterator[list[str]]:
        """Yield the cells of these rows; at most 255 rows before them are read as well."""
        if start >= stop:
            return
        place = start // _ROWS_PER_PLACE
        records = _Records(self.file, self.separator, self.places[place])
        for row, cells in enumerate(records, place * _ROWS_PER_PLACE):
            if row >= stop:
                return
            if row >= start:
                yield cells


def is_number(text: str) -> bool:
    """Tell whether a cell is a decimal number, written as numbers are.

    Examples
    --------
    >>> is_number("-1.5e3"), is_number("1,5"), is_number("abc")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


class _Lines:
    """Lines of a file from a place on, as text; `position` is where the next one begins."""

    def __init__(self, file: RegularFile, position: int) -> None:
        self.file = file
        self.position = position
        self.count = 0
        self._piece = b""
        self._begin = position

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._next_bytes()
        if not line:
            raise StopIteration
        self.position += len(line)
        self.count += 1
        if b"\0" in line:
            raise self.refuse("has zero bytes: it is binary, or UTF-16; save it as UTF-8")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.refuse("is not UTF-8; save the table with this encoding") from error

    def refuse(self, what: str) -> DataError:
        return DataError(f"{self.file.path}: line {self.count} {what}", path=str(self.file.path), line=self.count)

    def _next_bytes(self) -> bytes:
        while True:
            begin = self.position - self._begin
            end = self._piece.find(b"\n", begin)
            if end >= 0:
                return self._piece[begin : end + 1]
            read_to = self._begin + len(self._piece)
            if read_to >= self.file.size:
                return self._piece[begin:]
            if read_to - self.position > _LONGEST_LINE_BYTES:
                self.count += 1
                raise self.refuse(f"is longer than {_LONGEST_LINE_BYTES:,} bytes; is this a text table?")
            more = self.file.read(read_to, min(_PIECE_BYTES, self.file.size - read_to))
            self._piece, self._begin = self._piece[begin:] + more, self.position


class _Records:
    """Rows of cells from a place on, blank lines left out; `begin` is where the last one began."""

    def __init__(self, file: RegularFile, separator: str, position: int) -> None:
        self.lines = _Lines(file, position)
        self.begin = position
        self._reader = csv.reader(self.lines, delimiter=separator, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        while True:
            self.begin = self.lines.position
            try:
                cells = next(self._reader)
            except csv.Error as error:
                raise self.lines.refuse(f"is no valid row: {error}; check its quotes") from error
            if cells:
                return [cell.strip(_BLANK) for cell in cells]


def scan(path: Path, separator: str) -> Table:
    """Read a table from top to bottom and tell what stands in it.

    Raises
    ------
    DataError
        If the header or a row is malformed, a cell is missing or not finite, or there are no rows.
    """
    file = RegularFile(path)
    records = _Records(file, separator, _after_byte_order_mark(file))
    columns = _header(next(iter(records), []), file, separator)
    places = array("q")
    row = -1
    for row, cells in enumerate(records):
        line = records.lines.count
        if row % _ROWS_PER_PLACE == 0:
            places.append(records.begin)
        if len(cells) != len(columns):
            raise DataError(
                f"{path}: line {line} has {len(cells)} cells, the header has {len(columns)}; "
                "quote cells that contain the separator",
                path=str(path),
                line=line,
                row=row,
                expected=len(columns),
                got=len(cells),
            )
        for column, text in zip(columns, cells, strict=True):
            if text in _MISSING:
                raise _bad_cell(file, "is missing", column, row, line, text)
            column.see(text, row, line)
    if row < 0:
        raise DataError(f"{path} has a header but no rows", path=str(path))
    for column in columns:
        if column.is_number and column.infinite is not None:
            bad_row, bad_line, text = column.infinite
            raise _bad_cell(file, "is not finite", column, bad_row, bad_line, text)
    return Table(file, separator, columns, row + 1, places)


def _bad_cell(file: RegularFile, what: str, column: Column, row: int, line: int, text: str) -> DataError:
    return DataError(
        f"{file.path}: line {line}, column {column.name!r}: the value {what} ({text[:40]!r}); "
        "fill it in, or remove the row or the column",
        path=str(file.path),
        row=row,
        line=line,
        column=column.name,
        value=text,
    )


def _after_byte_order_mark(file: RegularFile) -> int:
    head = file.read(0, min(3, file.size))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{file.path} is UTF-16; save it as UTF-8", path=str(file.path))
    return 3 if head == b"\xef\xbb\xbf" else 0


def _header(names: list[str], file: RegularFile, separator: str) -> tuple[Column, ...]:
    path = str(file.path)
    if not names:
        raise DataError(f"{path} has no header line", path=path)
    if len(names) == 1:
        other = next((mark for mark in (";", "\t", ",", "|") if mark != separator and mark in names[0]), None)
        if other:  # a single feature to predict from is a table too
            raise DataError(
                f"{path} has one column, {names[0][:60]!r}; cells seem to be separated by {other!r}",
                path=path,
                columns=tuple(names),
            )
    empty = [number for number, name in enumerate(names) if not name]
    if empty:
        raise DataError(
            f"{path}: the header has no name for column number {empty[0]} (counted from 0); "
            "name it, or save without an index (pandas: index=False)",
            path=path,
            column=empty[0],
        )
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(
            f"{path}: the header has these names more than once: {', '.join(map(repr, twice[:10]))}; "
            "rename the columns",
            path=path,
            columns=tuple(twice),
        )
    counted = [str(number) for number in range(len(names) + 1)]
    if all(_NUMBER.fullmatch(name) for name in names) and names not in (counted[:-1], counted[1:]):
        raise DataError(
            f"{path}: the first line holds numbers only, so the header is missing; put a line of names above",
            path=path,
        )
    return tuple(Column(name) for name in names)
