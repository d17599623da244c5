"""Waiting in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Waiter"]


class Waiter:
    """One party that waits, until it is woken or a deadline comes.

    Its timer is not cancelled when it is woken, but looked at when it is due: there is one for many waits.
    """

    __slots__ = ("_deadline", "_future", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._deadline = 0.0
        self._future: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(True)

    async def wait(self, deadline: float) -> bool:
        """Whether it was woken; ``False`` at the deadline."""
        # uvloop takes no infinity.
        self._deadline = min(deadline, self._loop.time() + 86400)
        if self._timer is None or self._timer.when() > self._deadline:
            self.close()
            self._timer = self._loop.call_at(self._deadline, self._look)
        self._future = self._loop.create_future()
        try:
            return await self._future
        finally:
            self._future = None

    def _look(self) -> None:
        self._timer = None
        if self._future is None or self._future.done():
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        else:
            self._future.set_result(False)

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
