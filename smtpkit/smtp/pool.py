"""The connections of one transport, shared by threads and tasks, kept apart by world."""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING

from smtpkit.errors import ServiceUnavailable, SmtpkitError, TimedOut
from smtpkit.smtp.connection import Connection

if TYPE_CHECKING:
    from smtpkit.runtime.base import Event, Runtime, World
    from smtpkit.smtp.server import Server

__all__ = ["Place", "Pool"]

_SHRUNK = 60.0
"""Seconds in which no further connection is tried when the server has turned one away."""


class Pool:
    """At most ``size`` connections at a time in each world, opened when needed, reused while they live."""

    def __init__(self, server: Server, size: int) -> None:
        self._server = server
        self._size = size
        self._rooms: dict[World, _Room] = {}

    async def acquire(self, runtime: Runtime, deadline: float, at_most: int = 1) -> Connection:
        """A connection; to be given back with `release`. ``at_most`` is for who needs more at a time than ``size``.

        Raises:
            TimedOut: all were busy for ``Timeouts.acquire`` seconds.
            DeliveryError: as `smtpkit.smtp.handshake.open_dialogue`.
        """
        room = self._room(runtime.world)
        until = min(runtime.now() + self._server.timeouts.acquire, deadline)
        while True:
            place = await room.enter(runtime, until, at_most)
            try:
                return await self._connected(room, place, runtime, deadline)
            except BaseException as error:
                # Too many connections, perhaps: then those that are open must do.
                others = isinstance(error, ServiceUnavailable) and room.shrink(runtime.now())
                place.leave()
                if not others:
                    raise

    async def acquire_spare(self, runtime: Runtime, at_most: int) -> Connection | None:
        """One more connection, without waiting for a place; ``None`` if the server or the pool has none to spare."""
        room = self._room(runtime.world)
        if (place := room.enter_now(runtime.now(), at_most)) is None:
            return None
        try:
            return await self._connected(room, place, runtime, float("inf"))
        except SmtpkitError:
            room.shrink(runtime.now())
            place.leave()
            return None
        except BaseException:
            place.leave()
            raise

    async def _connected(self, room: _Room, place: Place, runtime: Runtime, deadline: float) -> Connection:
        """An idle connection that lives, or a new one. If it fails, ``place`` is still to be given back."""
        runtime.permit(self._server.host, self._server.port)
        while (connection := room.take()) is not None:
            if await connection.alive():
                break
            connection.close("it had died, or was idle too long")
        else:
            connection = await Connection.open(self._server, runtime, deadline)
        connection.place = place
        room.occupy(place)
        return connection

    @staticmethod
    def release(connection: Connection) -> None:
        """Take back a connection. Synchronous, so that no second cancellation can come between."""
        place, connection.place = connection.place, None
        if not connection.reusable:
            connection.close()
        elif place is not None:
            place.room.idle.append(connection)
        if place is not None:
            place.leave()

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
            room = self._rooms.setdefault(world, _Room(self._size, self._server.address))
        return room


class Place:
    """The right to one connection. Whoever loses it, interrupted between any two lines, has given it back."""

    __slots__ = ("room",)

    def __init__(self, room: _Room) -> None:
        self.room: _Room = room

    def leave(self) -> None:
        """Give it back. May be called again."""
        self.room.vacate(id(self))

    def __del__(self) -> None:
        if hasattr(self, "room"):  # its constructor may have been interrupted, too
            self.leave()


class _Room:
    """The connections of one world, and who waits for one: first come, first served."""

    def __init__(self, size: int, address: str) -> None:
        self.idle: deque[Connection] = deque()
        self._address = address
        self._size = size
        self._taken: set[int] = set()
        self._occupied: set[int] = set()
        """Those of the taken places that have a connection; the others are about to open one."""
        self._shrunk_to: int | None = None
        self._shrunk_until = 0.0
        self._waiting: dict[int, tuple[Event, int]] = {}
        """By place, who waited longest first; each with the most places that may be taken when it has its own."""
        # A finalizer may come in the middle of a change, and the room is then left by the thread that is in it.
        self._lock = RLock()

    def enter_now(self, now: float, at_most: int) -> Place | None:
        """A place that is free, if there is one."""
        place = Place(self)
        with self._lock:
            if len(self._taken) >= self._most(now, at_most):
                return None
            self._taken.add(id(place))
        return place

    def _most(self, now: float, at_most: int) -> int:
        most = max(self._size, at_most)
        if self._shrunk_to is None:
            return most
        if now >= self._shrunk_until:
            self._shrunk_to = None
            return most
        return min(most, self._shrunk_to)

    def occupy(self, place: Place) -> None:
        """There is a connection for it."""
        with self._lock:
            self._occupied.add(id(place))
            if self._shrunk_to is not None:
                self._shrunk_to = max(self._shrunk_to, len(self._occupied))

    def shrink(self, now: float) -> bool:
        """The server turned away a connection: for a while no more than are open now.

        Whether there is another one, or may soon be, that the mail can go on.
        """
        with self._lock:
            self._shrunk_to, self._shrunk_until = max(len(self._occupied), 1), now + _SHRUNK
            return len(self._taken) > 1 or bool(self.idle)

    async def enter(self, runtime: Runtime, deadline: float, at_most: int) -> Place:
        place = Place(self)
        with self._lock:
            if len(self._taken) < self._most(runtime.now(), at_most):
                self._taken.add(id(place))
                return place
            turn = runtime.event()
            self._waiting[id(place)] = turn, max(self._size, at_most)
        came = False
        try:
            came = await turn.wait(deadline)
        finally:
            if not came:
                place.leave()
        if not came:
            raise TimedOut(
                f"no connection to {self._address} became free in time",
                stage="acquire",
                hint="Allow more connections=..., or a longer Timeouts(acquire=...). A batch that is not at its end "
                "holds its connections.",
            )
        return place

    def vacate(self, place: int) -> None:
        with self._lock:
            self._waiting.pop(place, None)
            if place not in self._taken:
                return
            self._taken.discard(place)
            self._occupied.discard(place)
            fewer = float("inf") if self._shrunk_to is None else self._shrunk_to
            fits = (each for each, (_, most) in self._waiting.items() if len(self._taken) < min(most, fewer))
            if (longest := next(fits, None)) is not None:
                # Handed over here, so that nobody who comes now can overtake.
                self._taken.add(longest)
                self._waiting.pop(longest)[0].set()

    def take(self) -> Connection | None:
        """The idle connection that was used last, which is the likeliest to live."""
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def abandon(self) -> None:
        while (connection := self.take()) is not None:
            connection.abandon()
