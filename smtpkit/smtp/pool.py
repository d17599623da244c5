"""The connections of one transport, shared by threads and tasks, kept apart by world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import SmtpkitError
from smtpkit.smtp.connection import Connection
from smtpkit.smtp.room import Room

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime, World
    from smtpkit.smtp.room import Place
    from smtpkit.smtp.server import Server

__all__ = ["Pool"]


class Pool:
    """At most ``size`` connections at a time in each world, opened when needed, reused while they live."""

    def __init__(self, server: Server, size: int) -> None:
        self._server = server
        self._size = size
        self._rooms: dict[World, Room] = {}

    async def acquire(self, runtime: Runtime, deadline: float, at_most: int = 1) -> Connection:
        """A connection; to be given back with `release`. ``at_most`` is for who needs more at a time than ``size``.

        Where a further one cannot be opened, it waits for one of those that are open.

        Raises:
            TimedOut: all were busy for ``Timeouts.acquire`` seconds.
            ServiceUnavailable: the server wants no new connection within that time.
            DeliveryError: as `smtpkit.smtp.handshake.open_dialogue`.
        """
        room = self._room(runtime.world)
        if len(room.idle) > 1:  # the one that is taken is looked at anyway
            room.reap()
        while True:
            until = min(runtime.now() + self._server.timeouts.acquire, deadline)
            place = await room.enter(runtime, until, at_most)
            try:
                return await self._connected(room, place, until, deadline)
            except BaseException as error:
                others = room.turned_away(error, runtime)
                place.leave()
                if not others or runtime.now() >= deadline:
                    raise

    async def acquire_spare(self, runtime: Runtime, at_most: int, deadline: float = float("inf")) -> Connection | None:
        """One more connection, without waiting for a place; ``None`` if the server or the pool has none to spare."""
        room = self._room(runtime.world)
        if (place := room.enter_now(runtime, at_most)) is None:
            return None
        try:
            return await self._connected(room, place, runtime.now(), deadline)
        except SmtpkitError as error:
            room.shrink(error, runtime)
            place.leave()
            return None
        except BaseException:
            place.leave()
            raise

    async def _connected(self, room: Room, place: Place, until: float, deadline: float) -> Connection:
        """An idle connection that lives, or a new one. If it fails, ``place`` is still to be given back."""
        place.runtime.permit(self._server.host, self._server.port)
        while (connection := room.take()) is not None:
            if await connection.alive():
                break
            connection.close("it had died, or was idle too long")
        else:
            await room.wait_until_wanted(place.runtime, until)
            connection = await Connection.open(self._server, place.runtime, deadline)
        connection.place = place
        room.occupy(place)
        return connection

    @staticmethod
    def release(connection: Connection) -> None:
        """Take back a connection. Synchronous, so that no second cancellation can come between."""
        place, connection.place = connection.place, None
        if place is not None and connection.error is not None:
            place.room.heed(connection.error, place.runtime.now())
        if not connection.reusable:
            connection.close()
        elif place is not None:
            place.room.idle.append(connection)
        if place is not None:
            place.leave()
            place.room.reap()

    async def close(self, runtime: Runtime) -> None:
        """Say goodbye on the idle connections of this world; a later `acquire` opens new ones."""
        room = self._room(runtime.world)
        while (connection := room.take()) is not None:
            await connection.quit()

    def _room(self, world: World) -> Room:
        room = self._rooms.get(world)
        if room is None:
            for other in [world for world in list(self._rooms) if world.gone]:
                if (abandoned := self._rooms.pop(other, None)) is not None:
                    abandoned.abandon()
            room = self._rooms.setdefault(world, Room(self._size, self._server, world))
        return room
