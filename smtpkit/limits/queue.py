"""Those who wait for room: first come, first served, and one of them at a time asks the store."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from smtpkit.runtime.base import Event, Runtime, World

__all__ = ["Queue", "Turn"]


class Queue:
    """Who waits for one limit. Each account has a line of its own, and so has each `World`."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._lines: dict[tuple[str, World], deque[Event]] = {}

    def is_empty(self, account: str, runtime: Runtime) -> bool:
        """Whether nobody waits there."""
        return (account, runtime.world) not in self._lines

    def join(self, account: str, runtime: Runtime) -> Turn:
        """A place at the end. It is to be left, whatever happens."""
        place = account, runtime.world
        turn = Turn(self, place, runtime.event())
        with self._lock:
            line = self._lines.setdefault(place, deque())
            line.append(turn.event)
            if line[0] is turn.event:
                turn.event.set()
        return turn

    def leave(self, place: tuple[str, World], event: Event) -> None:
        """Give up a place in the line. May be called again."""
        with self._lock:
            line = self._lines.get(place)
            if line is None or event not in line:
                return
            line.remove(event)
            if line:
                line[0].set()
            else:
                del self._lines[place]


class Turn:
    """A place in a line."""

    def __init__(self, queue: Queue, place: tuple[str, World], event: Event) -> None:
        self.event: Event = event
        self._queue = queue
        self._place = place

    async def comes(self, deadline: float) -> bool:
        """Wait to be the first; ``False`` at ``deadline``."""
        return await self.event.wait(deadline)

    def leave(self) -> None:
        """Let the next one come."""
        self._queue.leave(self._place, self.event)

    def __del__(self) -> None:
        # Whoever had it was interrupted before they could leave.
        self.leave()
