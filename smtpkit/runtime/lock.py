"""A lock that a fork leaves open."""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["ForkSafeLock"]

_all: WeakSet[ForkSafeLock] = WeakSet()
_held: list[ForkSafeLock] = []


class ForkSafeLock:
    """A reentrant lock. While a process forks, all of them are held by the thread that forks.

    So a child never inherits one that is held by a thread which it does not have, nor what
    the lock guards in the middle of a change.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        _watch_forks()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


_watching = False


def _watch_forks() -> None:
    global _watching
    if not _watching and hasattr(os, "register_at_fork"):
        _watching = True
        os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_let_go)


def _hold() -> None:
    for lock in list(_all):
        lock.__enter__()
        _held.append(lock)


def _let_go() -> None:
    while _held:
        _held.pop().__exit__(None, None, None)
