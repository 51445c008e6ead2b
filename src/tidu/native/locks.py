"""What lock may be held by a thread while another one forks?

A child of a fork has only the thread that forked; a lock that another one held would stay closed for ever.
This file knows nothing of what is locked.
"""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType

__all__ = ["Lock"]


class Lock:
    """A reentrant lock that is open in the child of a fork.

    Examples
    --------
    >>> with Lock():
    ...     pass
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._begin()
        _locks.add(self)

    def __enter__(self) -> Lock:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def _begin(self) -> None:
        self._lock = threading.RLock()


_locks: weakref.WeakSet[Lock] = weakref.WeakSet()


def _open_all() -> None:
    """In the child of a fork: whoever held a lock stayed with the parent."""
    for lock in list(_locks):
        lock._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all)
