"""Threads wait for each other, never for the GIL, and neither a fork nor the end of the process hangs."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from llvmlite import binding

from tidu.errors import ParameterError
from tidu.native import threads, waiting
from tidu.native.machine import NativeCall, compile_text
from tidu.native.threads import (
    BARRIER_BYTES,
    Team,
    barrier_functions,
    barrier_text,
    default_threads,
    meeting_us,
    team,
)

_ROUNDS = 5000

# In each round a thread writes the round's number into its own place, and after a barrier adds what differs in
# the next thread's place to its count of mistakes; a second barrier stands before the next round's writing.
_TWO_PHASES = """
define void @two_phases(ptr %table, i64 %thread, i64 %count) {
start:
  %barrier = load ptr, ptr %table
  %places.at = getelementptr i8, ptr %table, i64 8
  %places = load ptr, ptr %places.at
  %mistakes.at = getelementptr i8, ptr %table, i64 16
  %mistakes = load ptr, ptr %mistakes.at
  %own = getelementptr i64, ptr %places, i64 %thread
  %thread.next = add i64 %thread, 1
  %neighbor = urem i64 %thread.next, %count
  %other = getelementptr i64, ptr %places, i64 %neighbor
  br label %round
round:
  %i = phi i64 [0, %start], [%i.next, %round]
  %wrong = phi i64 [0, %start], [%wrong.next, %round]
  %i.next = add i64 %i, 1
  store i64 %i.next, ptr %own
  BARRIER
  %seen = load i64, ptr %other
  %differs = icmp ne i64 %seen, %i.next
  %mistake = zext i1 %differs to i64
  %wrong.next = add i64 %wrong, %mistake
  call void @tidu_barrier(ptr %barrier, i64 %count)
  %more = icmp ult i64 %i.next, ROUNDS
  br i1 %more, label %round, label %done
done:
  %sum = getelementptr i64, ptr %mistakes, i64 %thread
  store i64 %wrong.next, ptr %sum
  ret void
}
"""
_BARRIER = "call void @tidu_barrier(ptr %barrier, i64 %count)"

# Adds thread + 1 to the table's place of the thread.
_COUNTING = """
define void @counting(ptr %table, i64 %thread, i64 %count) {
  %place = getelementptr i64, ptr %table, i64 %thread
  %old = load i64, ptr %place
  %more = add i64 %thread, 1
  %new = add i64 %old, %more
  store i64 %new, ptr %place
  ret void
}
"""


def compiled(text: str, name: str) -> NativeCall:
    code = compile_text(text, barrier_functions(), vectorize=False)
    return code.function(name, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@pytest.fixture(scope="module")
def counting() -> NativeCall:
    return compiled(barrier_text() + _COUNTING, "counting")


def barrier_state() -> np.ndarray:
    raw = np.zeros(BARRIER_BYTES + 63, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + BARRIER_BYTES]


def mistakes_of_two_phases(count: int, between: str = _BARRIER) -> int:
    text = _TWO_PHASES.replace("BARRIER", between).replace("ROUNDS", str(_ROUNDS))
    arrays = [barrier_state(), np.zeros(count, np.int64), np.full(count, -1, np.int64)]
    table = (ctypes.c_void_p * 3)(*(x.ctypes.data for x in arrays))
    team(count).run(compiled(barrier_text() + text, "two_phases"), ctypes.addressof(table))
    assert arrays[1].tolist() == [_ROUNDS] * count
    return int(arrays[2].sum())


@pytest.mark.parametrize("count", [1, 2, 4])
def test_what_was_written_before_a_barrier_is_seen_behind_it(count: int) -> None:
    assert mistakes_of_two_phases(count) == 0


def test_without_the_barrier_the_threads_are_caught_in_front_of_it() -> None:
    assert mistakes_of_two_phases(2, between="fence seq_cst") > 0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_thread_runs_once_a_call(count: int, counting: NativeCall) -> None:
    table = np.zeros(count, np.int64)
    for n_runs in range(1, 1001):
        team(count).run(counting, table.ctypes.data)
        assert table.tolist() == [n_runs * (thread + 1) for thread in range(count)]


def test_threads_that_have_fallen_asleep_are_woken(counting: NativeCall) -> None:
    table = np.zeros(3, np.int64)
    for pause_s in (0.0, 0.00003, 0.0001, 0.001, 0.02) * 10:
        time.sleep(pause_s)
        team(3).run(counting, table.ctypes.data)
    assert table.tolist() == [50, 100, 150]


def test_many_callers_at_once_take_turns(counting: NativeCall) -> None:
    shared = np.zeros(2, np.int64)

    def call() -> None:
        for _ in range(300):
            team(2).run(counting, shared.ctypes.data)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert shared.tolist() == [1800, 3600]


def test_a_python_thread_that_keeps_the_gil_stops_nobody() -> None:
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            pass

    greedy = threading.Thread(target=keep)
    greedy.start()
    try:
        assert mistakes_of_two_phases(2) == 0
    finally:
        stop.set()
        greedy.join()


def test_one_thread_starts_none(monkeypatch: pytest.MonkeyPatch, counting: NativeCall) -> None:
    monkeypatch.setattr(threads, "_start_thread", None)
    table = np.zeros(1, np.int64)
    Team(1).run(counting, table.ctypes.data)
    assert table.tolist() == [1]


def test_an_interrupt_while_threads_are_started_leaves_no_number_twice(
    monkeypatch: pytest.MonkeyPatch, counting: NativeCall
) -> None:
    start, n_started = threads._start_thread, 0

    def interrupted(function: int, argument: int) -> None:
        nonlocal n_started
        start(function, argument)
        n_started += 1
        if n_started == 2:
            raise KeyboardInterrupt  # thread 2 runs already

    monkeypatch.setattr(threads, "_start_thread", interrupted)
    own, table = Team(3), np.zeros(3, np.int64)
    with pytest.raises(KeyboardInterrupt):
        own.run(counting, table.ctypes.data)
    assert table.tolist() == [0, 0, 0]
    for _ in range(100):
        own.run(counting, table.ctypes.data)
    assert n_started == 3
    assert table.tolist() == [100, 200, 300]


def test_a_system_out_of_threads_is_an_error_and_the_next_run_tries_again(
    monkeypatch: pytest.MonkeyPatch, counting: NativeCall
) -> None:
    def refuse(function: int, argument: int) -> None:
        threads._check(11)

    own, table = Team(2), np.zeros(2, np.int64)
    with monkeypatch.context() as patched:
        patched.setattr(threads, "_start_thread", refuse)
        with pytest.raises(OSError, match="TIDU_NUM_THREADS"):
            own.run(counting, table.ctypes.data)
    own.run(counting, table.ctypes.data)
    assert table.tolist() == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="a system without signal masks")
def test_starting_threads_leaves_the_callers_signals_as_they_were(counting: NativeCall) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    Team(2).run(counting, np.zeros(2, np.int64).ctypes.data)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


_PROGRAM = """
import atexit, ctypes, os, sys, threading, time
import numpy as np
from tidu.native.machine import compile_text
from tidu.native.threads import team
code = compile_text('''COUNTING''')
call = code.function("counting", ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
def count(n, times=1):
    table = np.zeros(n, np.int64)
    for _ in range(times):
        team(n).run(call, table.ctypes.data)
    assert table.tolist() == [times * (i + 1) for i in range(n)], table
"""


def run_program(body: str) -> str:
    program = _PROGRAM.replace("COUNTING", _COUNTING) + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_process_ends_with_threads_asleep_and_awake() -> None:
    assert run_program("count(3); time.sleep(0.01); count(2); print('through')") == "through\n"


def test_native_threads_can_still_be_started_while_the_interpreter_ends() -> None:
    assert run_program("atexit.register(lambda: (count(2, 100), print('at exit')))") == "at exit\n"


def test_a_process_ends_while_a_daemon_thread_runs() -> None:
    body = """
    threading.Thread(target=lambda: count(2, 10**8), daemon=True).start()
    time.sleep(0.2)
    print('through')
    """
    assert run_program(body) == "through\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_the_child_of_a_fork_starts_threads_of_its_own() -> None:
    body = """
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    count(2, 10)
    team(2)._lock.acquire()
    child = os.fork()
    if child == 0:
        worker = threading.Thread(target=count, args=(2, 100))  # another thread: a held lock would stop it
        worker.start()
        worker.join()
        os._exit(0)
    team(2)._lock.release()
    assert os.waitpid(child, 0)[1] == 0
    count(2, 100)
    print('both')
    """
    assert run_program(body) == "both\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
def test_an_interrupt_is_raised_when_the_function_is_through() -> None:
    body = """
    import signal
    table = np.zeros(2, np.int64)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    n_runs = 0
    try:
        while True:
            team(2).run(call, table.ctypes.data)
            n_runs += 1
    except KeyboardInterrupt:
        pass
    assert table[1] == 2 * table[0] and table[0] in (n_runs, n_runs + 1), (table, n_runs)
    count(2, 100)
    print('interrupted')
    """
    assert run_program(body) == "interrupted\n"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize(("processor", "pause"), [("AMD64", "x86.sse2"), ("arm64", "aarch64.hint"), ("riscv64", "")])
def test_the_texts_for_other_systems_are_valid(
    system: str, processor: str, pause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr(waiting, "platform", SimpleNamespace(machine=lambda: processor))
    for text, functions in (
        (waiting.barrier_text(), waiting.barrier_functions()),
        (waiting.team_text(), waiting.team_functions()),
    ):
        module = binding.parse_assembly(text)
        module.verify()
        declared = {function.name for function in module.functions if function.is_declaration}
        assert {name for name in declared if not name.startswith("llvm.")} == set(functions)
        assert pause in text


def test_a_team_is_shared_and_has_a_possible_size() -> None:
    assert team(2) is team(2)
    for count in (0, -1, 100000):
        with pytest.raises(ParameterError) as refused:
            team(count)
        assert refused.value.facts == {"count": count}


def test_the_number_of_threads_is_that_of_usable_processors_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for unset in ("", "  "):
        monkeypatch.setenv("TIDU_NUM_THREADS", unset)
        assert 1 <= default_threads() <= (os.cpu_count() or 1)
    monkeypatch.setenv("TIDU_NUM_THREADS", " 7 ")
    assert default_threads() == 7


@pytest.mark.parametrize("value", ["0", "-2", "two", "1.5", "2,1", "99999999999999", "²"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TIDU_NUM_THREADS", value)
    with pytest.raises(ParameterError) as refused:
        default_threads()
    assert refused.value.facts == {"variable": "TIDU_NUM_THREADS", "value": value}


def test_teams_of_different_sizes_meet_at_once_without_waiting_for_each_other() -> None:
    callers = [
        threading.Thread(target=lambda count=count: [meeting_us(count) for _ in range(30)], daemon=True)
        for count in (2, 3, 4, 2)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not any(caller.is_alive() for caller in callers)
