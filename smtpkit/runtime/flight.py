"""One piece of work at a time, whose result goes to all who ask for it meanwhile."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Generic, TypeVar

from smtpkit.errors import SmtpkitError
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.runtime.base import Event, Runtime, World

__all__ = ["Flight"]

T = TypeVar("T")


class Flight(Generic[T]):
    """Work that threads, tasks and event loops share: who comes while it is done waits for it, and holds up nobody."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._turn: _Turn[T] | None = None

    async def join(self, work: Callable[[], Awaitable[T]], runtime: Runtime, deadline: float) -> T:
        """The result of ``work``, or of what another party does already; its `SmtpkitError` too.

        Raises:
            TimeoutError: the other party is not done at ``deadline``.
        """
        while True:
            turn, landed = self._enter(runtime)
            if landed is None:
                return await self._lead(turn, work)
            if not await landed.wait(deadline):
                raise TimeoutError("somebody else is at it for too long")
            if turn.error is not None:
                raise copy(turn.error) from turn.error.__cause__
            if turn.results:
                return turn.results[0]
            # Whoever was at it has been interrupted.

    def _enter(self, runtime: Runtime) -> tuple[_Turn[T], Event | None]:
        """The work that is done, and what tells of its end; ``None`` for who has to do it."""
        with self._lock:
            turn = self._turn
            # One that was left behind by a fork, or by an event loop that was closed, never lands.
            if turn is None or turn.world.gone:
                turn = self._turn = _Turn[T](runtime.world)
                return turn, None
            landed = runtime.event()
            turn.waiting.append(landed)
            return turn, landed

    async def _lead(self, turn: _Turn[T], work: Callable[[], Awaitable[T]]) -> T:
        try:
            result = await work()
            turn.results.append(result)
            return result
        except SmtpkitError as error:
            turn.error = error
            raise
        finally:
            with self._lock:
                if self._turn is turn:
                    self._turn = None
            for waiting in turn.waiting:
                waiting.set()


class _Turn(Generic[T]):
    """Work that is being done."""

    def __init__(self, world: World) -> None:
        self.world: World = world
        self.waiting: list[Event] = []
        self.results: list[T] = []
        self.error: SmtpkitError | None = None
