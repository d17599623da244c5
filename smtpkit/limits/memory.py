"""Counts in memory: they are forgotten when the process ends."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from smtpkit.limits.store import Reservation

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime

__all__ = ["MemoryStore"]


class MemoryStore:
    """A `Store` for one process. A script that runs from cron begins each time with an empty one."""

    def __init__(self) -> None:
        self._counts: dict[str, deque[list[float]]] = {}
        self._lock = Lock()

    async def reserve(self, key: str, n: int, now: float, runtime: Runtime, *, limit: int, since: float) -> Reservation:
        """Count ``n`` at ``now``, if there is room."""
        with self._lock:
            counts = self._recent(key, since)
            used = int(sum(count for _, count in counts))
            if used + n <= limit:
                counts.append([now, n])
                return Reservation(key, n, now, True, used)
            room = limit - used
            for time, count in counts:
                room += int(count)
                if room >= n:
                    return Reservation(key, n, now, False, used, time)
            return Reservation(key, n, now, False, used)

    async def give_back(self, reservation: Reservation, n: int, runtime: Runtime) -> None:
        """Take ``n`` out of the count."""
        with self._lock:
            for entry in self._counts.get(reservation.key, ()):
                if entry[0] == reservation.time and entry[1] >= n:
                    entry[1] -= n
                    return

    async def used(self, key: str, since: float, runtime: Runtime) -> int:
        """What is counted after ``since``."""
        with self._lock:
            return int(sum(count for _, count in self._recent(key, since)))

    def _recent(self, key: str, since: float) -> deque[list[float]]:
        counts = self._counts.setdefault(key, deque())
        while counts and counts[0][0] <= since:
            counts.popleft()
        return counts
