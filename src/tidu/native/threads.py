"""How do several threads run one native function?

Each of them enters the function with (table, thread, count) and takes its share; where one needs what
another has written, all pass a barrier (`barrier_text`). A `Team` keeps the threads. They live in native code
only and wait there for work, so that handing it over takes no GIL: a Python thread that holds it would cost
its switch interval of 5 ms. They are threads of the operating system, unknown to Python: Python's own would
have to be let go before it ends, and could not be started while it does. This file knows nothing of what is run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import numpy as np

from tidu.errors import ParameterError
from tidu.native.cache import default_cache
from tidu.native.machine import MachineCode, NativeCall, compile_text
from tidu.native.text import FunctionText
from tidu.native.waiting import (
    BARRIER_BYTES,
    CALLERS_ROOM,
    CONDITION,
    MUTEX,
    PLACES,
    SLOT_BYTES,
    SLOTS,
    WORKERS_ROOM,
    barrier_functions,
    barrier_text,
    team_functions,
    team_text,
)

__all__ = [
    "BARRIER_BYTES",
    "Team",
    "barrier_functions",
    "barrier_text",
    "default_threads",
    "meeting_us",
    "team",
    "usable_processors",
    "using_threads",
]

_MOST_THREADS = 1024
_STACK_BYTES = 8 * 1024**2
_VARIABLE = "TIDU_NUM_THREADS"
_using: ContextVar[int | None] = ContextVar("threads", default=None)
_MEETINGS = 64
"""Barriers in a row, for `meeting_us`."""


class Team:
    """Threads that run native functions together; `team` returns the one of each size.

    Parameters
    ----------
    count : int
        Their number, the caller's own thread among them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._begin()

    def run(self, call: NativeCall, table_address: int) -> None:
        """Call a function on all threads, and return when the last one is through.

        Several Python threads may do so at once: they take turns. An interrupt from the keyboard is
        raised when the function is through.

        Parameters
        ----------
        call : NativeCall
            Of (table, thread, count): an address and two ``int64``.
        table_address : int
            Handed to every thread.

        Raises
        ------
        OSError
            If the system refuses another thread; nothing was run then.
        """
        if self.count == 1:
            call(table_address, 0, 1)
            return
        # Reentrant: a signal's handler or a finalizer may run between two lines of this very thread.
        with self._lock:
            if self._n_started < self.count:
                self._start()
            self._run(self._memory, call.address, table_address)

    def _begin(self) -> None:
        """Have no threads, as at first and in the child of a fork."""
        self._lock = threading.RLock()
        self._n_started = 1

    def _start(self) -> None:
        code = _code()
        if self._n_started == 1:
            self._memory = _team_memory(self.count)
            self._run = code.function("tidu_team_run", *[ctypes.c_void_p] * 3)
        work = code.function("tidu_worker", ctypes.c_void_p).address
        with _signals_held_back():
            while self._n_started < self.count:
                _start_thread(work, self._memory + SLOTS + SLOT_BYTES * self._n_started)
                self._n_started += 1


_teams: dict[int, Team] = {}


def team(count: int) -> Team:
    """Return the team of `count` threads that the whole process shares.

    Raises
    ------
    ParameterError
        If there cannot be so many.
    """
    if not 1 <= count <= _MOST_THREADS:
        raise ParameterError(f"expected 1 to {_MOST_THREADS} threads, got {count}", count=count)
    return _teams.get(count) or _teams.setdefault(count, Team(count))


def meeting_us(count: int) -> float:
    """Return how long `count` threads take to meet at a barrier now, in microseconds.

    Well under one where each of them has a processor of its own; several, and work goes better on one thread,
    where other programs keep the processors busy.
    """
    call, state = _meetings(), _meeting_state(count)
    together = team(count)
    together.run(call, state)  # awake, before they are watched
    began_s = time.perf_counter()
    together.run(call, state)
    return (time.perf_counter() - began_s) / _MEETINGS * 1e6


@contextmanager
def using_threads(count: int | None) -> Iterator[None]:
    """Let `count` be the default number of threads of whatever is planned inside; None leaves it as it is.

    Examples
    --------
    >>> with using_threads(1):
    ...     default_threads()
    1
    """
    before = _using.set(count or _using.get())
    try:
        yield
    finally:
        _using.reset(before)


def default_threads() -> int:
    """Return what `using_threads` says; else ``TIDU_NUM_THREADS``; else how many processors this process may use.

    Raises
    ------
    ParameterError
        If the variable is no number of threads.
    """
    chosen = _using.get()
    if chosen is not None:
        return chosen
    asked = os.environ.get(_VARIABLE, "").strip()
    if asked:
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:9]) <= _MOST_THREADS):
            raise ParameterError(
                f"{_VARIABLE} must be a number from 1 to {_MOST_THREADS}, got {asked!r}; without it every "
                "processor is used",
                variable=_VARIABLE,
                value=asked,
            )
        return int(asked)
    return min(usable_processors(), _MOST_THREADS)


def usable_processors() -> int:
    """Return on how many processors this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _forget_threads() -> None:
    """In the child of a fork: the threads stayed with the parent."""
    for each in _teams.values():
        each._begin()
    # A barrier that others were passing is half-way through.
    _meeting_state.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


@lru_cache(maxsize=1)
def _meetings() -> NativeCall:
    """Return a function that does nothing but meet; its table is the state of a barrier."""
    text = FunctionText(["ptr", "i64", "i64"])
    with text.loop(_MEETINGS):
        text.do("call void @tidu_barrier(ptr %p0, i64 %p2)")
    module = "\n".join([barrier_text(), text.finish().define("tidu_meetings")])
    code = compile_text(module, barrier_functions(), vectorize=False, cache=default_cache())
    _make_immortal(code)
    return code.function("tidu_meetings", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@lru_cache
def _meeting_state(count: int) -> int:
    """Return the address of a barrier for a team of this size alone: teams do not take turns with each other."""
    raw = np.zeros(BARRIER_BYTES + 63, np.uint8)
    _make_immortal(raw)
    return int(raw.ctypes.data + -raw.ctypes.data % 64)


@lru_cache(maxsize=1)
def _code() -> MachineCode:
    code = compile_text(team_text(), team_functions(), vectorize=False, cache=default_cache())
    _make_immortal(code)
    return code


def _team_memory(count: int) -> int:
    """Return the address of a team's memory, filled in for its threads."""
    raw = np.zeros(SLOTS + SLOT_BYTES * count + 127, np.uint8)
    _make_immortal(raw)
    memory = int(raw.ctypes.data + -raw.ctypes.data % 128)
    ctypes.c_int64.from_address(memory + PLACES["count.place"]).value = count
    for thread in range(count):
        slot = memory + SLOTS + SLOT_BYTES * thread
        ctypes.c_void_p.from_address(slot).value = memory
        ctypes.c_int64.from_address(slot + 8).value = thread
    if sys.platform != "win32":  # where zeros are a valid beginning
        process = ctypes.CDLL(None)
        for room in (WORKERS_ROOM, CALLERS_ROOM):
            _check(process.pthread_mutex_init(ctypes.c_void_p(memory + room + MUTEX), None))
            _check(process.pthread_cond_init(ctypes.c_void_p(memory + room + CONDITION), None))
    return memory


def _make_immortal(value: object) -> None:
    """Keep what threads use to the very end: they run on while Python takes itself apart."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def _start_thread(function: int, argument: int) -> None:
    """Start a thread of the operating system.

    Raises
    ------
    OSError
        If there can be no more.
    """
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateThread.restype = ctypes.c_void_p
        reserve_only = 0x10000  # the size of the stack is a limit, not taken at once
        handle = kernel.CreateThread(
            None,
            ctypes.c_size_t(_STACK_BYTES),
            ctypes.c_void_p(function),
            ctypes.c_void_p(argument),
            reserve_only,
            None,
        )
        if not handle:
            raise ctypes.WinError(ctypes.get_last_error())
        kernel.CloseHandle(ctypes.c_void_p(handle))
        return
    process = ctypes.CDLL(None)
    attributes, thread = ctypes.create_string_buffer(256), ctypes.c_void_p()
    _check(process.pthread_attr_init(attributes))
    try:
        _check(process.pthread_attr_setstacksize(attributes, ctypes.c_size_t(_STACK_BYTES)))
        created = process.pthread_create(
            ctypes.byref(thread), attributes, ctypes.c_void_p(function), ctypes.c_void_p(argument)
        )
        _check(created)
    finally:
        process.pthread_attr_destroy(attributes)
    process.pthread_detach(thread)


def _check(error: int) -> None:
    """Raise what a function of pthreads has returned."""
    if error:
        raise OSError(error, f"a thread cannot be started: {os.strerror(error)}; lower {_VARIABLE}")


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let threads started meanwhile leave signals to Python's own threads."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # A fault belongs to the thread that commits it, whatever the mask; held back it would end the process mutely.
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
