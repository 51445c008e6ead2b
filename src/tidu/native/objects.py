"""How are Python's and NumPy's own objects handed to native code at little cost?

Asking an array for its address from Python takes a microsecond, and comparing its shape and dtype with what
code was compiled for as much again. Here native code walks the containers itself, checks every leaf against a
`Layout`, and puts addresses into the table that a compiled function takes. Only what extension modules are
compiled against is relied on: Python's C API, and the beginning of an array object, which NumPy's binary
interface fixes; both are tried out before they are used. This file knows nothing of what is run.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tidu.errors import UnsupportedError
from tidu.native.cache import default_cache
from tidu.native.machine import compile_text

__all__ = ["CALLED", "FRAME_WORDS", "INDEX_OUT_OF_RANGE", "NO_FIT", "Layout", "Read", "reader"]

NO_FIT, CALLED, INDEX_OUT_OF_RANGE = 0, 1, 2
"""What a `Read` returns."""
FRAME_WORDS = 4
"""A frame begins with the function to call (or 0), the layout, its depth, and the arena's slot.

Then follows the table, one word for each slot. The words of numbers are filled in before: they say where the
number is to be put.
"""
Read = Callable[[object, int], int]
"""``read(root, frame_address)``: fill the table of a frame from `root` and call the frame's function."""

_END, _TUPLE, _LIST, _DICT, _NONE, _ARRAY, _NUMBER = range(7)
_HEAD_BYTES = 16
_TYPE = 8
_DATA, _NDIM, _SHAPE, _DESCR, _FLAGS = (_HEAD_BYTES + offset for offset in (0, 8, 16, 40, 48))
_WELL_BEHAVED = 0x101
"""The flags of C-contiguous and aligned arrays."""
_FUNCTIONS = ("PyTuple_Size", "PyTuple_GetItem", "PyList_Size", "PyList_GetItem", "PyDict_Size", "PyDict_GetItem")


class Layout:
    """What containers and leaves must look like, written down from the root, each container before its items.

    Examples
    --------
    >>> layout = Layout()
    >>> layout.container(tuple, 2)
    True
    >>> layout.leaf(1.0, 0), layout.leaf(np.ones((2, 3)), 1), layout.leaf(1, 2)
    (True, True, False)
    """

    def __init__(self) -> None:
        self._words: list[int] = []
        self._kept: list[object] = []
        self.depth = 2

    def container(self, kind: type, size: int, keys: Sequence[object] = ()) -> bool:
        """Expect a container of exactly this type; tell whether that can be checked here."""
        code = {tuple: _TUPLE, list: _LIST, dict: _DICT, type(None): _NONE}.get(kind)
        # Looking up a key of another type may run its own Python code, in the midst of the walk.
        if code is None or any(type(key) not in (str, int) for key in keys):
            return False
        self._words += [code, id(kind), size, *(id(key) for key in keys)]
        self._kept += [kind, *keys]
        self.depth += size
        return True

    def leaf(self, example: object, slot: int) -> bool:
        """Expect an array or number like this one, to stand in a slot of the table; tell whether it can be checked."""
        if type(example) in (float, np.float64):
            self._words += [_NUMBER, id(type(example)), slot]
            return True
        if type(example) is not np.ndarray:
            return False
        self._words += [_ARRAY, id(np.ndarray), slot, id(example.dtype), example.ndim, *example.shape]
        self._kept.append(example.dtype)
        return True

    @property
    def key(self) -> tuple[int, ...]:
        """Equal for equal layouts."""
        return tuple(self._words)

    def finish(self) -> NDArray[np.int64]:
        """Return the layout in memory; it holds as long as this object lives."""
        return np.array([*self._words, _END], np.int64)


@lru_cache(maxsize=1)
def reader() -> Read | None:
    """Return the native function that reads objects, or None where their form is not the one that it knows."""
    if not _is_known_form():
        return None
    try:
        code = compile_text(_text(), _FUNCTIONS, vectorize=False, cache=default_cache())
    except UnsupportedError:  # a Python that hides its C API
        return None
    address = code.function("tidu_read").address
    read = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.py_object, ctypes.c_void_p)(address)
    read.code = code  # type: ignore[attr-defined]  # keeps it alive
    return read


def _is_known_form() -> bool:
    """Try the offsets on objects whose contents are known."""
    if sys.implementation.name != "cpython" or sys.maxsize != 2**63 - 1 or object.__basicsize__ != _HEAD_BYTES:
        return False
    arrays: list[NDArray[np.generic]] = [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.zeros((3, 4))[:, ::2],
        np.array(1),
    ]
    numbers = [1.5, np.float64(2.5)]
    others: list[object] = [(), [], {}, None]
    if any(_word(x, _TYPE) != id(type(x)) for x in (*arrays, *numbers, *others)):
        return False
    for array in arrays:
        shape = (ctypes.c_int64 * array.ndim).from_address(_word(array, _SHAPE) or id(array))
        found = _word(array, _DATA), _half(array, _NDIM), tuple(shape), _word(array, _DESCR), _half(array, _FLAGS)
        flags = array.flags.num & _WELL_BEHAVED
        if found[:4] != (array.ctypes.data, array.ndim, array.shape, id(array.dtype)):
            return False
        if found[4] & _WELL_BEHAVED != flags:
            return False
    return all(ctypes.c_double.from_address(id(x) + _HEAD_BYTES).value == x for x in numbers)


def _word(of: object, offset: int) -> int:
    return ctypes.c_int64.from_address(id(of) + offset).value


def _half(of: object, offset: int) -> int:
    return ctypes.c_int32.from_address(id(of) + offset).value


def _text() -> str:
    """Return ``tidu_read``: a stack of objects, and the layout as a program that takes one off at each step."""
    cases = "\n".join(
        [
            _container("tuple", "@PyTuple_Size(ptr %object)", "@PyTuple_GetItem(ptr %object, i64 %tuple.from)"),
            _container("list", "@PyList_Size(ptr %object)", "@PyList_GetItem(ptr %object, i64 %list.from)"),
            _container("dict", "@PyDict_Size(ptr %object)", "@PyDict_GetItem(ptr %object, ptr %dict.key)"),
        ]
    )
    return f"""
declare i64 @PyTuple_Size(ptr)
declare ptr @PyTuple_GetItem(ptr, i64)
declare i64 @PyList_Size(ptr)
declare ptr @PyList_GetItem(ptr, i64)
declare i64 @PyDict_Size(ptr)
declare ptr @PyDict_GetItem(ptr, ptr)

define i64 @tidu_read(ptr %root, ptr %frame) nounwind {{
start:
  %function = load ptr, ptr %frame
  %layout.at = getelementptr i64, ptr %frame, i64 1
  %layout = load ptr, ptr %layout.at
  %depth.at = getelementptr i64, ptr %frame, i64 2
  %depth = load i64, ptr %depth.at
  %arena.at = getelementptr i64, ptr %frame, i64 3
  %arena.slot = load i64, ptr %arena.at
  %table = getelementptr i64, ptr %frame, i64 {FRAME_WORDS}
  %stack = alloca ptr, i64 %depth
  store ptr %root, ptr %stack
  br label %next
next:
  %at = phi ptr [%layout, %start], [%tuple.at, %tuple.end], [%list.at, %list.end], [%dict.at, %dict.end],
    [%after, %choose], [%array.at, %array.end], [%after, %number]
  %n = phi i64 [1, %start], [%tuple.n, %tuple.end], [%list.n, %list.end], [%dict.n, %dict.end],
    [%top, %choose], [%top, %array.end], [%top, %number]
  %code = load i64, ptr %at
  %ended = icmp eq i64 %code, {_END}
  br i1 %ended, label %done, label %take
take:
  %top = sub i64 %n, 1
  %object.at = getelementptr ptr, ptr %stack, i64 %top
  %object = load ptr, ptr %object.at
  %wanted.at = getelementptr i64, ptr %at, i64 1
  %wanted = load ptr, ptr %wanted.at
  %given.at = getelementptr i64, ptr %at, i64 2
  %given = load i64, ptr %given.at
  %after = getelementptr i64, ptr %at, i64 3
  %type.at = getelementptr i8, ptr %object, i64 {_TYPE}
  %type = load ptr, ptr %type.at
  %is.type = icmp eq ptr %type, %wanted
  br i1 %is.type, label %choose, label %no
choose:
  switch i64 %code, label %no [
    i64 {_TUPLE}, label %tuple
    i64 {_LIST}, label %list
    i64 {_DICT}, label %dict
    i64 {_NONE}, label %next
    i64 {_ARRAY}, label %array
    i64 {_NUMBER}, label %number
  ]
{cases}
number:
  %number.at = getelementptr i8, ptr %object, i64 {_HEAD_BYTES}
  %value = load double, ptr %number.at
  %number.slot = getelementptr ptr, ptr %table, i64 %given
  %number.place = load ptr, ptr %number.slot
  store double %value, ptr %number.place
  br label %next
array:
  %descr.at = getelementptr i8, ptr %object, i64 {_DESCR}
  %descr = load ptr, ptr %descr.at
  %descr.wanted = load ptr, ptr %after
  %is.descr = icmp eq ptr %descr, %descr.wanted
  %ndim.at = getelementptr i8, ptr %object, i64 {_NDIM}
  %ndim32 = load i32, ptr %ndim.at
  %ndim = sext i32 %ndim32 to i64
  %ndim.wanted.at = getelementptr i64, ptr %after, i64 1
  %ndim.wanted = load i64, ptr %ndim.wanted.at
  %is.ndim = icmp eq i64 %ndim, %ndim.wanted
  %flags.at = getelementptr i8, ptr %object, i64 {_FLAGS}
  %flags = load i32, ptr %flags.at
  %behaved = and i32 %flags, {_WELL_BEHAVED}
  %is.behaved = icmp eq i32 %behaved, {_WELL_BEHAVED}
  %is.both = and i1 %is.descr, %is.ndim
  %is.array = and i1 %is.both, %is.behaved
  br i1 %is.array, label %array.shape, label %no
array.shape:
  %data.at = getelementptr i8, ptr %object, i64 {_DATA}
  %data = load ptr, ptr %data.at
  %array.slot = getelementptr ptr, ptr %table, i64 %given
  store ptr %data, ptr %array.slot
  %shape.at = getelementptr i8, ptr %object, i64 {_SHAPE}
  %shape = load ptr, ptr %shape.at
  %shape.wanted = getelementptr i64, ptr %after, i64 2
  %array.at = getelementptr i64, ptr %shape.wanted, i64 %ndim
  br label %array.axis
array.axis:
  %axis = phi i64 [0, %array.shape], [%axis.next, %array.length]
  %is.last = icmp eq i64 %axis, %ndim
  br i1 %is.last, label %array.end, label %array.length
array.length:
  %length.at = getelementptr i64, ptr %shape, i64 %axis
  %length = load i64, ptr %length.at
  %length.wanted.at = getelementptr i64, ptr %shape.wanted, i64 %axis
  %length.wanted = load i64, ptr %length.wanted.at
  %axis.next = add i64 %axis, 1
  %is.length = icmp eq i64 %length, %length.wanted
  br i1 %is.length, label %array.axis, label %no
array.end:
  br label %next
done:
  %nothing = icmp eq ptr %function, null
  br i1 %nothing, label %yes, label %run
run:
  call void %function(ptr %table, i64 0, i64 1)
  %arena.place = getelementptr ptr, ptr %table, i64 %arena.slot
  %arena = load ptr, ptr %arena.place
  %flag = load i64, ptr %arena
  store i64 0, ptr %arena
  %is.flag = icmp ne i64 %flag, 0
  br i1 %is.flag, label %outside, label %yes
yes:
  ret i64 {CALLED}
outside:
  ret i64 {INDEX_OUT_OF_RANGE}
no:
  ret i64 {NO_FIT}
}}
"""


def _container(name: str, size: str, item: str) -> str:
    """Return the case of a container: its items go onto the stack, the first one on top."""
    key = name == "dict"
    return f"""{name}:
  %{name}.size = call i64 {size}
  %{name}.fits = icmp eq i64 %{name}.size, %given
  %{name}.n = add i64 %top, %given
  %{name}.at = getelementptr i64, ptr %after, i64 {"%given" if key else "0"}
  br i1 %{name}.fits, label %{name}.test, label %no
{name}.test:
  %{name}.left = phi i64 [%given, %{name}], [%{name}.from, %{name}.item]
  %{name}.to = phi i64 [%top, %{name}], [%{name}.up, %{name}.item]
  %{name}.over = icmp eq i64 %{name}.left, 0
  br i1 %{name}.over, label %{name}.end, label %{name}.get
{name}.get:
  %{name}.from = sub i64 %{name}.left, 1
  %{name}.key.at = getelementptr ptr, ptr %after, i64 %{name}.from
  {f"%{name}.key = load ptr, ptr %{name}.key.at" if key else ""}
  %{name}.got = call ptr {item}
  %{name}.missing = icmp eq ptr %{name}.got, null
  br i1 %{name}.missing, label %no, label %{name}.item
{name}.item:
  %{name}.place = getelementptr ptr, ptr %stack, i64 %{name}.to
  store ptr %{name}.got, ptr %{name}.place
  %{name}.up = add i64 %{name}.to, 1
  br label %{name}.test
{name}.end:
  br label %next"""
