"""Work that is done if somebody takes too long, for programs without an event loop."""

from __future__ import annotations

import time
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING
from weakref import WeakMethod

from smtpkit.runtime.driver import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ["BlockingAlarm"]


class BlockingAlarm:
    """Looks in a thread whether it is time. The thread ends with `close`, and when the owner of ``work`` is gone."""

    def __init__(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # Looked at twice as often, so that it is never late by more than is allowed.
        self._half = seconds / 2
        self._work = WeakMethod(work)
        self._due: float | None = None
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    def set(self) -> None:
        self._due = time.monotonic() + self._half
        if self._thread is None:
            self._thread = Thread(target=self._watch, name="smtpkit-alarm", daemon=True)
            self._thread.start()

    async def clear(self) -> None:
        if self._watched:
            with self._lock:
                self._due = None

    def close(self) -> None:
        if self._watched and self._thread is not None:
            self._closed.set()
            self._thread.join()

    @property
    def _watched(self) -> bool:
        """Whether the thread runs. A child of a fork has none, and what it held is never let go there."""
        return self._thread is not None and self._thread.is_alive()

    def _watch(self) -> None:
        while not self._closed.wait(self._half):
            work = self._work()
            if work is None:
                return
            with self._lock:
                if self._due is not None and time.monotonic() >= self._due:
                    self._due = None
                    run(work())
            del work
