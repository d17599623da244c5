"""Counts in memory: they are forgotten when the process ends."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smtpkit.limits.store import Reservation
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime

__all__ = ["MemoryStore"]


class MemoryStore:
    """A `Store` for one process. A script that runs from cron begins each time with an empty one."""

    def __init__(self) -> None:
        self._counts: dict[str, _Counts] = {}
        self._lock = ForkSafeLock()

    async def reserve(self, key: str, n: int, now: float, runtime: Runtime, *, limit: int, since: float) -> Reservation:
        """Count ``n`` at ``now``, if there is room."""
        with self._lock:
            counts = self._counts.setdefault(key, _Counts())
            counts.forget(since)
            used = counts.total
            if used + n > limit:
                return Reservation(key, n, now, False, used, counts.leaving(used + n - limit))
            return Reservation(key, n, counts.add(now, n), True, used)

    async def give_back(self, reservation: Reservation, n: int, runtime: Runtime) -> None:
        """Take ``n`` out of the count."""
        with self._lock:
            if reservation.key in self._counts:
                self._counts[reservation.key].remove(reservation.time, n)

    async def used(self, key: str, since: float, runtime: Runtime) -> int:
        """What is counted after ``since``."""
        with self._lock:
            if key not in self._counts:
                return 0
            self._counts[key].forget(since)
            return self._counts[key].total


class _Counts:
    """What was counted under one key, the oldest first, and its sum."""

    def __init__(self) -> None:
        self.total = 0
        self._entries: deque[_Entry] = deque()

    def add(self, time: float, n: int) -> float:
        """Count ``n``, and say at which time: entries stay in order when the clock is set back."""
        if self._entries:
            time = max(time, self._entries[-1].time)
        self._entries.append(_Entry(time, n))
        self.total += n
        return time

    def remove(self, time: float, n: int) -> None:
        """Take ``n`` out of what was counted at ``time``, if it has not left the window."""
        for entry in reversed(self._entries):
            if entry.time == time and entry.n >= n:
                entry.n -= n
                self.total -= n
                return

    def forget(self, since: float) -> None:
        """Drop what was counted until ``since``."""
        while self._entries and self._entries[0].time <= since:
            self.total -= self._entries.popleft().n

    def leaving(self, n: int) -> float | None:
        """The time of the entry with which ``n`` have left the window."""
        for entry in self._entries:
            n -= entry.n
            if n <= 0:
                return entry.time
        return None


class _Entry:
    __slots__ = ("n", "time")

    def __init__(self, time: float, n: int) -> None:
        self.time = time
        self.n = n
