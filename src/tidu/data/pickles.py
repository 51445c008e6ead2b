"""What does a pickle say, without letting it do anything?

A pickle is a program for a stack machine. This one runs the few instructions that plain data need and
knows no others; names of functions and their "calls" stay inert records, so that nothing is imported
and nothing is called. Long strings stay in the file and are known by their place there. The memory
taken is bounded by a count of instructions. This file knows nothing of data sets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, cast

from tidu.data.files import RegularFile
from tidu.errors import DataError

__all__ = ["Call", "InFile", "Name", "Value", "array_of", "load_inert"]

_LONG_STRING_BYTES = 1 << 12
# Ten times what a batch of CIFAR-10 has: 31,000 instructions, 31 MB.
_MOST_INSTRUCTIONS = 300_000
_MOST_FILE_BYTES = 300_000_000
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Name:
    """A function or class that the pickle names; it is never looked up."""

    module: str
    name: str


@dataclass(slots=True, eq=False)
class Call:
    """A function that the pickle wants to be called, and the state it wants to be set; neither is done."""

    function: object
    arguments: object
    state: object = None


@dataclass(frozen=True, slots=True)
class InFile:
    """A long string that stays in the file."""

    file: RegularFile
    offset: int
    length: int
    is_text: bool


Value: TypeAlias = object
"""None, bool, int, str, bytes, list, tuple, dict, `Name`, `Call` or `InFile`."""

_Kind = TypeVar("_Kind")
_MARK = object()
_TEXT_ENCODER = Name("_codecs", "encode")
_DTYPE = Name("numpy", "dtype")
_NDARRAY = Name("numpy", "ndarray")
_RECONSTRUCT = tuple(Name(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core"))
_FROM_BUFFER = tuple(Name(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core"))


def load_inert(file: RegularFile) -> Value:
    """Return what a pickle describes, as plain data and inert records.

    Raises
    ------
    DataError
        If the pickle is damaged or uses instructions that plain data do not need.
    """
    machine = _Machine(file)
    try:
        return machine.run()
    except DataError:
        raise
    except (
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        struct.error,
    ) as error:
        raise DataError(
            f"{file.path} is a damaged pickle (near byte {machine.position:,}); copy the file again",
            path=str(file.path),
            position=machine.position,
        ) from error


def array_of(value: Value, where: str) -> tuple[tuple[int, int], bytes | InFile]:
    """Return shape and bytes of the matrix of bytes (uint8) that `value` describes.

    Parameters
    ----------
    value : Value
        What `load_inert` made of a pickled NumPy array, of any NumPy and any protocol from 2 to 5.
    where : str
        For messages.

    Raises
    ------
    DataError
        If it is anything else: another dtype (objects above all), Fortran order, or sizes that disagree.
    """
    match value:
        case Call(function, (_kind, _shape, _code), (int(), shape, dtype, False, data)) if function in _RECONSTRUCT:
            fits = _kind == _NDARRAY
        case Call(function, (data, dtype, shape, "C" | b"C"), None) if function in _FROM_BUFFER:
            fits = True
        case _:
            fits = False
            shape = dtype = data = None
    match dtype:
        case Call(function, ("u1" | b"u1", *_)) if function == _DTYPE:
            pass
        case _:
            fits = False
    match shape:
        case (int() as rows, int() as width) if fits and isinstance(data, bytes | InFile):
            length = data.length if isinstance(data, InFile) else len(data)
            if rows > 0 and width > 0 and (length == rows * width or _is_text(data)):
                return (rows, width), data
    raise DataError(
        f"{where} is not a matrix of bytes; expected a NumPy array (n, width) of uint8 in C order", path=where
    )


def _is_text(data: bytes | InFile) -> bool:
    # Bytes that Python 3 wrote in protocol 2 are text of another length; it is checked when decoded.
    return isinstance(data, InFile) and data.is_text


class _Machine:
    """A stack, a memo, and a place in the file."""

    def __init__(self, file: RegularFile) -> None:
        self.file = file
        self.position = 0
        self._piece = b""
        self._piece_begin = 0
        self._stack: list[Value] = []
        self._memo: dict[int, Value] = {}

    def run(self) -> Value:
        if self.file.size > _MOST_FILE_BYTES:
            raise self._refuse(f"more than {_MOST_FILE_BYTES:,} bytes")
        for _ in range(_MOST_INSTRUCTIONS):
            code = self._bytes(1)
            if code == b".":
                (result,) = self._stack
                return result
            step = _STEPS.get(code)
            if step is None:
                raise self._refuse(f"instruction {code!r}")
            step(self)
        raise self._refuse(f"more than {_MOST_INSTRUCTIONS:,} instructions")

    def _refuse(self, what: str) -> DataError:
        return DataError(
            f"{self.file.path} is refused: a pickle of plain data has no need of {what} "
            f"(byte {self.position:,}); nothing in it was run",
            path=str(self.file.path),
            position=self.position,
        )

    def _bytes(self, length: int) -> bytes:
        begin = self.position - self._piece_begin
        if begin < 0 or begin + length > len(self._piece):
            wanted = min(max(length, _PIECE_BYTES), self.file.size - self.position)
            self._piece = self.file.read(self.position, max(length, wanted))
            self._piece_begin, begin = self.position, 0
        self.position += length
        return self._piece[begin : begin + length]

    def _number(self, kind: str) -> int:
        return cast("int", struct.unpack(kind, self._bytes(struct.calcsize(kind)))[0])

    def _line(self) -> str:
        line = bytearray()
        while (byte := self._bytes(1)) != b"\n":
            line += byte
            if len(line) > 200:
                raise self._refuse("such long names")
        return line.decode("ascii")

    def push_none(self) -> None:
        self._stack.append(None)

    def push_true(self) -> None:
        self._stack.append(True)

    def push_false(self) -> None:
        self._stack.append(False)

    def push_number(self, kind: str) -> None:
        self._stack.append(self._number(kind))

    def push_long(self) -> None:
        self._stack.append(int.from_bytes(self._bytes(self._number("<B")), "little", signed=True))

    def push_string(self, kind: str, is_text: bool = False) -> None:
        length = self._number(kind)
        if length < 0 or self.position + length > self.file.size:
            raise self._refuse(f"a string of {length:,} bytes, longer than the file")
        if length > _LONG_STRING_BYTES:
            self._stack.append(InFile(self.file, self.position, length, is_text))
            self.position += length
        else:
            found = self._bytes(length)
            self._stack.append(found.decode("utf-8") if is_text else found)

    def push_mark(self) -> None:
        self._stack.append(_MARK)

    def push_list(self) -> None:
        self._stack.append([])

    def push_dict(self) -> None:
        self._stack.append({})

    def push_tuple(self, length: int) -> None:
        items = [self._pop() for _ in range(length)]
        self._stack.append(tuple(reversed(items)))

    def push_marked_tuple(self) -> None:
        self._stack.append(tuple(self._pop_marked()))

    def append(self) -> None:
        item = self._pop()
        self._top(list).append(item)

    def extend(self) -> None:
        items = self._pop_marked()
        self._top(list).extend(items)

    def set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set(key, value)

    def set_items(self) -> None:
        items = self._pop_marked()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._set(key, value)

    def put(self, kind: str) -> None:
        self._memo[self._number(kind)] = self._stack[-1]

    def memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, kind: str) -> None:
        self._stack.append(self._memo[self._number(kind)])

    def push_name(self) -> None:
        module = self._line()
        self._name(module, self._line())

    def push_stacked_name(self) -> None:
        name, module = self._pop(), self._pop()
        self._name(module, name)

    def call(self) -> None:
        arguments, function = self._pop(), self._pop()
        match function, arguments:
            case Name() as name, (str() as text, "latin1" | "latin-1") if name == _TEXT_ENCODER:
                # How Python 3 writes short bytes in protocol 2; encoding text can do nothing else.
                self._stack.append(text.encode("latin-1"))
            case Name() as name, (InFile(is_text=True) as text, "latin1" | "latin-1") if name == _TEXT_ENCODER:
                self._stack.append(text)
            case _:
                self._stack.append(Call(function, arguments))

    def build(self) -> None:
        state = self._pop()
        self._top(Call).state = state

    def skip_frame(self) -> None:
        self._bytes(8)

    def check_protocol(self) -> None:
        if self._number("<B") > 5:
            raise self._refuse("a protocol above 5")

    def _name(self, module: Value, name: Value) -> None:
        known = (_TEXT_ENCODER, _DTYPE, _NDARRAY, *_RECONSTRUCT, *_FROM_BUFFER)
        found = next((one for one in known if (one.module, one.name) == (module, name)), None)
        if found is None:
            shown = f"{module[:50]}.{name[:50]}" if isinstance(module, str) and isinstance(name, str) else "given"
            raise self._refuse(f"the name {shown}")
        self._stack.append(found)

    def _pop(self) -> Value:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value should be")
        return value

    def _pop_marked(self) -> list[Value]:
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("no mark")
        items = self._stack[place + 1 :]
        del self._stack[place:]
        return items

    def _top(self, kind: type[_Kind]) -> _Kind:
        top = self._stack[-1]
        if not isinstance(top, kind):
            raise ValueError("another kind of value was expected")
        return top

    def _set(self, key: Value, value: Value) -> None:
        if not isinstance(key, str | bytes | int):
            raise self._refuse("such a key")
        self._top(dict)[key] = value


# The instructions of Python's pickletools that dictionaries, lists, strings, numbers and arrays need.
_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine.check_protocol,
    b"\x95": _Machine.skip_frame,
    b"N": _Machine.push_none,
    b"\x88": _Machine.push_true,
    b"\x89": _Machine.push_false,
    b"J": lambda machine: machine.push_number("<i"),
    b"K": lambda machine: machine.push_number("<B"),
    b"M": lambda machine: machine.push_number("<H"),
    b"\x8a": _Machine.push_long,
    b"U": lambda machine: machine.push_string("<B"),
    b"T": lambda machine: machine.push_string("<i"),
    b"C": lambda machine: machine.push_string("<B"),
    b"B": lambda machine: machine.push_string("<I"),
    b"\x8e": lambda machine: machine.push_string("<Q"),
    b"\x96": lambda machine: machine.push_string("<Q"),
    b"\x8c": lambda machine: machine.push_string("<B", is_text=True),
    b"X": lambda machine: machine.push_string("<I", is_text=True),
    b"\x8d": lambda machine: machine.push_string("<Q", is_text=True),
    b"(": _Machine.push_mark,
    b"]": _Machine.push_list,
    b"}": _Machine.push_dict,
    b")": lambda machine: machine.push_tuple(0),
    b"\x85": lambda machine: machine.push_tuple(1),
    b"\x86": lambda machine: machine.push_tuple(2),
    b"\x87": lambda machine: machine.push_tuple(3),
    b"t": _Machine.push_marked_tuple,
    b"a": _Machine.append,
    b"e": _Machine.extend,
    b"s": _Machine.set_item,
    b"u": _Machine.set_items,
    b"q": lambda machine: machine.put("<B"),
    b"r": lambda machine: machine.put("<I"),
    b"\x94": _Machine.memoize,
    b"h": lambda machine: machine.get("<B"),
    b"j": lambda machine: machine.get("<I"),
    b"c": _Machine.push_name,
    b"\x93": _Machine.push_stacked_name,
    b"R": _Machine.call,
    b"b": _Machine.build,
}
