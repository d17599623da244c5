"""The connections of one transport, shared by threads and tasks, kept apart by world."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from smtpkit.errors import TimedOut
from smtpkit.smtp.connection import Connection

if TYPE_CHECKING:
    from smtpkit.runtime.base import Event, Runtime, World
    from smtpkit.smtp.server import Server

__all__ = ["Pool"]


class Pool:
    """At most ``size`` connections at a time in each world, opened when needed, reused while they live."""

    def __init__(self, server: Server, size: int) -> None:
        self._server = server
        self._size = size
        self._rooms: dict[World, _Room] = {}

    async def acquire(self, runtime: Runtime, deadline: float) -> Connection:
        """A connection for one mail; to be given back with `release`.

        Raises:
            TimedOut: all were busy for ``Timeouts.acquire`` seconds.
            DeliveryError: as `smtpkit.smtp.handshake.open_dialogue`.
        """
        room = self._room(runtime.world)
        await room.enter(runtime, min(runtime.now() + self._server.timeouts.acquire, deadline))
        try:
            while (connection := room.take()) is not None:
                if await connection.alive():
                    return connection
                connection.close()
            return await Connection.open(self._server, runtime, deadline)
        except BaseException:
            room.leave()
            raise

    def release(self, connection: Connection, runtime: Runtime) -> None:
        """Take back a connection. Synchronous, so that no second cancellation can come between."""
        room = self._room(runtime.world)
        if connection.reusable:
            room.idle.append(connection)
        else:
            connection.close()
        room.leave()

    async def close(self, runtime: Runtime) -> None:
        """Say goodbye on the idle connections of this world; a later `acquire` opens new ones."""
        room = self._room(runtime.world)
        while (connection := room.take()) is not None:
            await connection.quit()

    def _room(self, world: World) -> _Room:
        room = self._rooms.get(world)
        if room is None:
            for other in [world for world in list(self._rooms) if world.gone]:
                if (abandoned := self._rooms.pop(other, None)) is not None:
                    abandoned.abandon()
            room = self._rooms.setdefault(world, _Room(self._size))
        return room


class _Room:
    """The connections of one world, and who waits for one: first come, first served."""

    def __init__(self, size: int) -> None:
        self.idle: deque[Connection] = deque()
        self._free = size
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    async def enter(self, runtime: Runtime, deadline: float) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = runtime.event()
            self._waiting.append(turn)
        came = False
        try:
            came = await turn.wait(deadline)
        finally:
            if not came and not self._withdraw(turn):
                # The place was handed over in the very moment in which we gave up.
                self.leave()
        if not came:
            raise TimedOut(
                "no connection became free in time",
                stage="acquire",
                hint="Allow more connections=..., or a longer Timeouts(acquire=...).",
            )

    def take(self) -> Connection | None:
        """The idle connection that was used last, which is the likeliest to live."""
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _withdraw(self, turn: Event) -> bool:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return True
        return False

    def abandon(self) -> None:
        while (connection := self.take()) is not None:
            connection.abandon()
