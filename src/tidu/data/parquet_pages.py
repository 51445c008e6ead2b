"""How large are the pages of a column in a `.parquet` file, which a library decodes one at a time?

What decoding takes must be known beforehand, and pyarrow does not tell: the headers of pages do, in Thrift's compact
protocol. This file knows nothing of what the pages hold.
"""

from __future__ import annotations

from tidu.data.files import RegularFile

__all__ = ["largest_page"]

_HEADER_BYTES = (1 << 10, 1 << 24)
_MOST_PAGES = 1 << 16
_DICTIONARY = 2


def largest_page(file: RegularFile, offset: int, length: int) -> tuple[int, int] | None:
    """Return stored plus decoded bytes of the largest page and of the dictionary; None if headers are unclear."""
    stop, page, dictionary = offset + length, 0, 0
    if offset < 0 or stop > file.size:
        return None
    for _ in range(_MOST_PAGES):
        if offset >= stop:
            return page, dictionary
        header = _page_header(file, offset, stop)
        if header is None:
            return None
        kind, decoded, stored, header_bytes = header
        if kind == _DICTIONARY:
            dictionary = max(dictionary, stored + decoded)
        else:
            page = max(page, stored + decoded)
        offset += header_bytes + stored
    return None


def _page_header(file: RegularFile, offset: int, stop: int) -> tuple[int, int, int, int] | None:
    """Return kind, decoded bytes and stored bytes of a page, and the bytes of its header."""
    size, most = _HEADER_BYTES
    while True:  # statistics of long values make a header long
        text = file.read(offset, min(size, stop - offset))
        try:
            fields, end = _integers(text, 0, 8)
        except IndexError:
            if len(text) < size or size >= most:
                return None
            size *= 16
            continue
        except ValueError:
            return None
        kind, decoded, stored = (fields.get(number, -1) for number in (1, 2, 3))
        return None if min(kind, decoded, stored) < 0 else (kind, decoded, stored, end)


def _integers(text: bytes, at: int, depth: int) -> tuple[dict[int, int], int]:
    """Return the integers of a struct in Thrift's compact protocol by field, and where it ends."""
    found: dict[int, int] = {}
    number = 0
    while text[at] != 0:
        step, kind = divmod(text[at], 16)
        at += 1
        if kind not in (1, 2, 3, 4, 5, 6, 7, 8, 12) or not step or not depth:
            raise ValueError("nothing that the header of a page has")
        number += step
        if kind == 12:
            at = _integers(text, at, depth - 1)[1]
        elif kind in (3, 7):
            at += 1 if kind == 3 else 8
        elif kind > 3:
            value, at = _varint(text, at)
            found[number] = value >> 1 ^ -(value & 1)
            at += value if kind == 8 else 0  # bytes, after their number
    return found, at + 1


def _varint(text: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        value |= (text[at] & 127) << shift
        at += 1
        if text[at - 1] < 128:
            return value, at
    raise ValueError("a number that is too long")
