"""Counts in memory: they are forgotten when the process ends."""

from __future__ import annotations

from collections import deque
from heapq import merge
from typing import TYPE_CHECKING

from smtpkit.limits.store import Count, Reservation
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from smtpkit.limits.window import Window
    from smtpkit.runtime.base import Runtime

__all__ = ["MemoryStore"]

_SWEEP = 256
"""Reservations, after which keys without counts are dropped."""


class MemoryStore:
    """A `Store` for one process, by the clock of the runtime.

    It forgets with the process: a script that runs from cron begins each time with an empty one, and
    two workers count apart. It holds one entry for each mail in the window, and so at most as many as the limit.
    """

    def __init__(self) -> None:
        self._counts: dict[str, _Counts] = {}
        self._reservations = 0
        self._lock = ForkSafeLock()

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        """Count ``n``, if there is room."""
        with self._lock:
            now = runtime.timestamp()
            counts = self._current(key, window, now)
            used, time = counts.total, now + window.flight
            if used + n > limit:
                blocked_by = counts.leaving(used + n - limit) if n <= limit else None
                room_at = None if blocked_by is None else window.leaves(blocked_by, now)
                return Reservation(key, n, time, False, used, now, room_at)
            self._reservations += 1
            counts.reserve(str(self._reservations), time, n)
            if self._reservations % _SWEEP == 0:
                self._sweep(now)
            return Reservation(key, n, time, True, used, now, id=str(self._reservations))

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        """Count what was used of it now."""
        with self._lock:
            if reservation.key in self._counts:
                self._counts[reservation.key].settle(reservation.id, unused, runtime.timestamp())

    async def exhaust(
        self, key: str, window: Window, runtime: Runtime, *, limit: int, until: float | None = None
    ) -> None:
        """Count what is missing to ``limit``."""
        with self._lock:
            now = runtime.timestamp()
            counts = self._current(key, window, now)
            if until is None:
                counts.add(now, limit - counts.total)
            else:
                self._reservations += 1
                counts.reserve(str(self._reservations), window.entering(until), limit)

    async def count(self, key: str, window: Window, runtime: Runtime) -> Count:
        """What is counted now."""
        with self._lock:
            if key not in self._counts:
                return Count(0, None)
            now = runtime.timestamp()
            counts = self._current(key, window, now)
            first = counts.leaving(1)
            return Count(counts.total, None if first is None else window.leaves(first, now))

    def _current(self, key: str, window: Window, now: float) -> _Counts:
        """The counts under ``key`` that are still in the window."""
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = _Counts()
        counts.window = window
        counts.forget(window.since(now))
        return counts

    def _sweep(self, now: float) -> None:
        for key, counts in list(self._counts.items()):
            if counts.window is not None:
                counts.forget(counts.window.since(now))
            if not counts.total:
                del self._counts[key]


class _Counts:
    """What was counted under one key, and its sum."""

    def __init__(self) -> None:
        self.total = 0
        self.window: Window | None = None
        self._settled: deque[tuple[float, int]] = deque()
        """Times and numbers, the oldest first."""
        self._reserved: dict[str, tuple[float, int]] = {}

    def reserve(self, name: str, time: float, n: int) -> None:
        self._reserved[name] = (time, n)
        self.total += n

    def settle(self, name: str, unused: int, now: float) -> None:
        _, n = self._reserved.pop(name, (0, 0))
        self.total -= n
        if n:
            self.add(now, n - unused)

    def add(self, time: float, n: int) -> None:
        if n <= 0:
            return
        if self._settled:
            # The order stays when the clock is set back.
            time = max(time, self._settled[-1][0])
        self._settled.append((time, n))
        self.total += n

    def forget(self, since: float) -> None:
        """Drop what was counted until ``since``."""
        while self._settled and self._settled[0][0] <= since:
            self.total -= self._settled.popleft()[1]
        for name in [name for name, (time, _) in self._reserved.items() if time <= since]:
            self.total -= self._reserved.pop(name)[1]

    def leaving(self, n: int) -> float | None:
        """The time of the entry with which ``n`` have left the window."""
        for time, count in merge(self._settled, sorted(self._reserved.values())):
            n -= count
            if n <= 0:
                return time
        return None
