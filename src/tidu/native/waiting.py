"""How do threads wait for each other in native code?

The texts of three functions: a barrier for kernels, the loop in which a thread waits for work, and what hands
work to it. All waiting begins with spinning, since two threads that run side by side meet within nanoseconds;
then it yields, for where there are fewer processors than threads; and a thread without work falls asleep.
This file knows of no thread of Python, and of no memory.
"""

from __future__ import annotations

import platform
import sys

__all__ = [
    "BARRIER_BYTES",
    "CALLERS_ROOM",
    "CONDITION",
    "MUTEX",
    "PLACES",
    "SLOTS",
    "SLOT_BYTES",
    "WORKERS_ROOM",
    "barrier_functions",
    "barrier_text",
    "team_functions",
    "team_text",
]

BARRIER_BYTES = 128
"""Size of a barrier's state; it begins with zeros, and at a multiple of 64."""
_SPINS = 100
"""Pauses before a thread yields: with more threads than processors 7 us a barrier, 50 us after 2000."""
_ROUNDS = 20
"""How often a thread spins and yields before it sleeps: about 50 us, which is what waking it costs."""

# Places in a team's memory. Whatever different threads write lies on different pairs of cache lines, since
# processors fetch neighbors in pairs. A room is where threads sleep: sleepers, then a mutex, then a condition.
WORKERS_ROOM, CALLERS_ROOM, SLOTS = 512, 1024, 1536
SLOT_BYTES = 32
"""What a worker starts with: the address of the memory, its number, and whether another has come before."""
PLACES = {
    "posted": 0,
    "finished": 128,
    "remaining": 256,
    "function.place": 384,
    "table.place": 392,
    "count.place": 400,
    "workers": WORKERS_ROOM,
    "callers": CALLERS_ROOM,
}
MUTEX, CONDITION = 128, 256


def barrier_functions() -> tuple[str, ...]:
    """Return the outside functions that the barrier calls, for `compile_text`."""
    return (_yield_function(),)


def barrier_text() -> str:
    """Return the text of the barrier, to be put once into a module.

    It defines ``void @tidu_barrier(ptr %state, i64 %count)`` with `BARRIER_BYTES` of state. All of `count`
    threads must enter; what they have written before is then seen by all. The last one to arrive begins the
    next generation; the others spin, and yield where there are more threads than processors.
    """
    declaration, pause = _pause()
    return f"""{declaration}
declare i32 @{_yield_function()}() nounwind

define internal void @tidu_barrier(ptr %state, i64 %count) nounwind noinline {{
start:
  %place = getelementptr inbounds i8, ptr %state, i64 64
  ; Read before arriving: afterwards it may change at any time.
  %generation = load atomic i32, ptr %place monotonic, align 64
  %before = atomicrmw add ptr %state, i32 1 acq_rel
  %arrived = add i32 %before, 1
  %all = trunc i64 %count to i32
  %last = icmp eq i32 %arrived, %all
  br i1 %last, label %open, label %wait
open:
  store atomic i32 0, ptr %state monotonic, align 64
  %next = add i32 %generation, 1
  store atomic i32 %next, ptr %place release, align 64
  ret void
wait:
  %spins = phi i32 [0, %start], [%following, %pause], [0, %yield]
  %now = load atomic i32, ptr %place acquire, align 64
  %same = icmp eq i32 %now, %generation
  br i1 %same, label %patience, label %done
patience:
  %following = add i32 %spins, 1
  %impatient = icmp ugt i32 %following, {_SPINS}
  br i1 %impatient, label %yield, label %pause
pause:
  {pause}
  br label %wait
yield:
  %ignored = call i32 @{_yield_function()}()
  br label %wait
done:
  ret void
}}
"""


def team_text() -> str:
    """Return the module of `tidu_worker(slot)` and `tidu_team_run(memory, function, table)`."""
    declaration, pause = _pause()
    lock, unlock, sleep, wake = _sleeping_functions()
    patience = "ptr, ptr, i32, i32" if sys.platform == "win32" else "ptr, ptr"
    for_ever = ", i32 -1, i32 0" if sys.platform == "win32" else ""
    places = "\n".join(f"  %{name} = getelementptr inbounds i8, ptr %memory, i64 {at}" for name, at in PLACES.items())
    return f"""{declaration}
declare i32 @{_yield_function()}() nounwind
declare i32 @{lock}(ptr) nounwind
declare i32 @{unlock}(ptr) nounwind
declare i32 @{sleep}({patience}) nounwind
declare i32 @{wake}(ptr) nounwind

; Return once *word differs from what was seen: spin, yield, and in the end sleep in the room.
define internal void @await(ptr %word, i32 %seen, ptr %room) nounwind noinline {{
start:
  br label %watch
watch:
  %round = phi i32 [0, %start], [%round, %pause], [%round.next, %yield]
  %spins = phi i32 [0, %start], [%spins.next, %pause], [0, %yield]
  %early = load atomic i32, ptr %word acquire, align 64
  %same = icmp eq i32 %early, %seen
  br i1 %same, label %patience, label %done
patience:
  %spins.next = add i32 %spins, 1
  %impatient = icmp ugt i32 %spins.next, {_SPINS}
  br i1 %impatient, label %yield, label %pause
pause:
  {pause}
  br label %watch
yield:
  %ignored = call i32 @{_yield_function()}()
  %round.next = add i32 %round, 1
  %tired = icmp ugt i32 %round.next, {_ROUNDS}
  br i1 %tired, label %lie.down, label %watch
lie.down:
  ; First announced, then looked at again, while @change first changes and then looks who sleeps: in one
  ; order for all threads, so that one of the two notices the other.
  %enter = atomicrmw add ptr %room, i32 1 seq_cst
  %mutex = getelementptr inbounds i8, ptr %room, i64 {MUTEX}
  %condition = getelementptr inbounds i8, ptr %room, i64 {CONDITION}
  %locked = call i32 @{lock}(ptr %mutex)
  br label %look
look:
  %late = load atomic i32, ptr %word seq_cst, align 64
  %still = icmp eq i32 %late, %seen
  br i1 %still, label %sleep, label %get.up
sleep:
  %slept = call i32 @{sleep}(ptr %condition, ptr %mutex{for_ever})
  br label %look
get.up:
  %unlocked = call i32 @{unlock}(ptr %mutex)
  %leave = atomicrmw sub ptr %room, i32 1 seq_cst
  br label %done
done:
  ret void
}}

; Count *word up, and wake those who sleep in the room.
define internal void @change(ptr %word, ptr %room) nounwind noinline {{
  %before = atomicrmw add ptr %word, i32 1 seq_cst
  %sleepers = load atomic i32, ptr %room seq_cst, align 64
  %none = icmp eq i32 %sleepers, 0
  br i1 %none, label %done, label %call
call:
  %mutex = getelementptr inbounds i8, ptr %room, i64 {MUTEX}
  %condition = getelementptr inbounds i8, ptr %room, i64 {CONDITION}
  %locked = call i32 @{lock}(ptr %mutex)
  %woken = call i32 @{wake}(ptr %condition)
  %unlocked = call i32 @{unlock}(ptr %mutex)
  br label %done
done:
  ret void
}}

define ptr @tidu_worker(ptr %slot) nounwind {{
start:
  %memory = load ptr, ptr %slot
  %thread.place = getelementptr inbounds i8, ptr %slot, i64 8
  %thread = load i64, ptr %thread.place
  %taken.place = getelementptr inbounds i8, ptr %slot, i64 16
{places}
  ; Python may be interrupted between starting a thread and noting it, and then starts another in its place.
  %taken = atomicrmw xchg ptr %taken.place, i32 1 acq_rel
  %is.second = icmp ne i32 %taken, 0
  br i1 %is.second, label %superfluous, label %next
superfluous:
  ret ptr null
next:
  ; Nothing more is posted before all have finished: no number is ever left out.
  %seen = phi i32 [0, %start], [%number, %work], [%number, %last]
  call void @await(ptr %posted, i32 %seen, ptr %workers)
  %number = add i32 %seen, 1
  br label %work
work:
  %function = load ptr, ptr %function.place
  %table = load ptr, ptr %table.place
  %count = load i64, ptr %count.place
  call void %function(ptr %table, i64 %thread, i64 %count)
  %before = atomicrmw sub ptr %remaining, i32 1 acq_rel
  %is.last = icmp eq i32 %before, 1
  br i1 %is.last, label %last, label %next
last:
  call void @change(ptr %finished, ptr %callers)
  br label %next
}}

define void @tidu_team_run(ptr %memory, ptr %function, ptr %table) nounwind {{
{places}
  %count = load i64, ptr %count.place
  %all = trunc i64 %count to i32
  %others = sub i32 %all, 1
  store ptr %function, ptr %function.place
  store ptr %table, ptr %table.place
  store atomic i32 %others, ptr %remaining monotonic, align 64
  %seen = load atomic i32, ptr %finished monotonic, align 64
  call void @change(ptr %posted, ptr %workers)
  call void %function(ptr %table, i64 0, i64 %count)
  call void @await(ptr %finished, i32 %seen, ptr %callers)
  ret void
}}
"""


def team_functions() -> tuple[str, ...]:
    """Return the outside functions that `team_text` calls."""
    return (_yield_function(), *_sleeping_functions())


def _pause() -> tuple[str, str]:
    """Return a declaration and the instruction that tells the processor that it waits; both may be empty."""
    machine = platform.machine().lower()
    if machine in {"x86_64", "amd64"}:
        return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"
    if machine in {"aarch64", "arm64"}:
        return "declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"
    return "", ""


def _yield_function() -> str:
    return "SwitchToThread" if sys.platform == "win32" else "sched_yield"


def _sleeping_functions() -> tuple[str, str, str, str]:
    """Return what locks and unlocks a mutex, sleeps until a condition is signaled, and wakes all who do."""
    if sys.platform == "win32":
        return (
            "AcquireSRWLockExclusive",
            "ReleaseSRWLockExclusive",
            "SleepConditionVariableSRW",
            "WakeAllConditionVariable",
        )
    return "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait", "pthread_cond_broadcast"
