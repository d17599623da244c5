"""Who may have a connection of one world, and who waits for one: first come, first served."""

from __future__ import annotations

import logging
from collections import deque
from threading import RLock
from typing import TYPE_CHECKING

from smtpkit.errors import AuthenticationFailed, ConnectFailed, ConnectionLost, ServiceUnavailable, TimedOut
from smtpkit.value import LONGEST_WAIT

if TYPE_CHECKING:
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Event, Runtime, World
    from smtpkit.smtp.connection import Connection
    from smtpkit.smtp.server import Server

__all__ = ["Place", "Room"]

_SHRUNK = 60.0
"""Seconds in which no further connection is tried when the server has turned one away."""

_log = logging.getLogger("smtpkit")


class Place:
    """The right to one connection. Whoever loses it, interrupted between any two lines, has given it back."""

    __slots__ = ("room", "runtime")

    def __init__(self, room: Room, runtime: Runtime) -> None:
        self.room: Room = room
        self.runtime: Runtime = runtime
        """Of the mailer that has it."""

    def leave(self) -> None:
        """Give it back. May be called again."""
        self.room.vacate(id(self))

    def __del__(self) -> None:
        if hasattr(self, "room"):  # its constructor may have been interrupted, too
            self.leave()


class Room:
    """The places of one world, of which each has one connection at most; and the idle connections."""

    def __init__(self, size: int, server: Server, world: World) -> None:
        self.idle: deque[Connection] = deque()
        """What was used last is at the end, and is the likeliest to live."""
        self._server = server
        self._size = size
        self._world = world
        self._taken: set[int] = set()
        self._occupied: set[int] = set()
        """Those of the taken places that have a connection; the others are about to open one."""
        self._shrunk_to: int | None = None
        self._shrunk_until = 0.0
        self._shut_until = 0.0
        """When the server wants a new connection again, where it said so."""
        self._shut_by: Reply | None = None
        self._waiting: dict[int, tuple[Event, int]] = {}
        """By place, who waited longest first; each with the most places that may be taken when it has its own."""
        # A finalizer may come in the middle of a change, and the room is then left by the thread that is in it.
        self._lock = RLock()

    # -- coming and going ----------------------------------------------------------

    def enter_now(self, runtime: Runtime, at_most: int) -> Place | None:
        """A place that is free, if there is one, and a connection can be had for it at once."""
        place, now = Place(self, runtime), runtime.now()
        with self._lock:
            if len(self._taken) >= self._most(now, at_most) or (now < self._shut_until and not self.idle):
                return None
            self._taken.add(id(place))
        return place

    async def enter(self, runtime: Runtime, deadline: float, at_most: int) -> Place:
        """A place, as soon as there is one.

        Raises:
            TimedOut: there was none before ``deadline``.
        """
        place = Place(self, runtime)
        with self._lock:
            if len(self._taken) < self._most(runtime.now(), at_most):
                self._taken.add(id(place))
                return place
            turn = runtime.event()
            self._waiting[id(place)] = turn, max(self._size, at_most)
        came = False
        try:
            while not (came := await turn.wait(min(deadline, self._grows_at))) and runtime.now() < deadline:
                self._grow(runtime.now())
        finally:
            if not came:
                place.leave()
        if not came:
            raise self._full()
        return place

    def _full(self) -> TimedOut:
        hint = (
            "A batch of this mailer that is not at its end holds its connections: allow one more "
            f"(connections={max(self._size, len(self._taken)) + 1}), or collect what is to be sent and send it "
            "after the batch. If others are only slow: a longer Timeouts(acquire=...)."
        )
        if self._shrunk_to is not None:
            hint = "The server turned a further connection away: it may allow fewer than connections=... does."
        return TimedOut(f"no connection to {self._server.address} became free in time", stage="acquire", hint=hint)

    def occupy(self, place: Place) -> None:
        """There is a connection for it."""
        with self._lock:
            self._occupied.add(id(place))
            if self._shrunk_to is not None:
                self._shrunk_to = max(self._shrunk_to, len(self._occupied))

    def vacate(self, place: int) -> None:
        """Take back a place, and hand over what is free now."""
        if (place not in self._taken and place not in self._waiting) or self._world.gone:
            # It was taken back before; or nobody waits, in a child of a fork, in which another thread may have been
            # in here when it forked.
            return
        with self._lock:
            self._waiting.pop(place, None)
            if place not in self._taken:
                return
            self._taken.discard(place)
            self._occupied.discard(place)
            self._hand_over()

    def _hand_over(self) -> None:
        while (longest := self._next()) is not None:
            # Handed over here, so that nobody who comes now can overtake.
            self._taken.add(longest)
            self._waiting.pop(longest)[0].set()

    def _next(self) -> int | None:
        """Who waited longest of those for whom there is room."""
        fewer = float("inf") if self._shrunk_to is None else self._shrunk_to
        fits = (each for each, (_, most) in self._waiting.items() if len(self._taken) < min(most, fewer))
        return next(fits, None)

    def _most(self, now: float, at_most: int) -> int:
        self._grow(now)
        most = max(self._size, at_most)
        return most if self._shrunk_to is None else min(most, self._shrunk_to)

    @property
    def _grows_at(self) -> float:
        return float("inf") if self._shrunk_to is None else self._shrunk_until

    def _grow(self, now: float) -> None:
        """Have all places again, if it is time; those who wait come first."""
        with self._lock:
            if now >= self._grows_at:
                self._shrunk_to = None
                self._hand_over()

    # -- what the server wants -----------------------------------------------------

    def heed(self, error: BaseException | None, now: float) -> None:
        """If ``error`` is that the server wants no connection for so long, it gets none."""
        if not isinstance(error, (ServiceUnavailable, AuthenticationFailed)) or error.stage == "acquire":
            # One of that stage is of `wait_until_wanted`, and repeats what the server said before.
            return
        reply = error.reply
        if reply is not None and (seconds := reply.retry_after):
            with self._lock:
                self._shut_until, self._shut_by = now + min(seconds, LONGEST_WAIT), reply

    async def wait_until_wanted(self, runtime: Runtime, deadline: float) -> None:
        """Wait until the server wants a new connection, where it said when.

        Raises:
            ServiceUnavailable: that is not before ``deadline``.
        """
        seconds = self._shut_until - runtime.now()
        if seconds <= 0:
            return
        if self._shut_until > deadline:
            raise ServiceUnavailable(
                f"{self._server.address} wants no new connection for another {seconds:.0f} seconds",
                stage="acquire",
                reply=self._shut_by,
                hint="It said so when it turned us away. A longer Timeouts(acquire=...) waits for it.",
            )
        _log.info("waiting for %.0f seconds, as %s wants it: %s", seconds, self._server.address, self._shut_by)
        await runtime.sleep(seconds)

    def turned_away(self, error: BaseException, runtime: Runtime) -> bool:
        """A further connection could not be opened. Whether the mail can go over another one."""
        self.heed(error, runtime.now())
        if not _is_about_connections(error):
            return False
        with self._lock:
            others = len(self._taken) > 1 or bool(self.idle)
            if others or isinstance(error, ServiceUnavailable):
                self._shrink(runtime.now())
            else:
                # It is not that there are too many.
                self._shrunk_to = None
        if others:
            self._tell(error, runtime)
        return others

    def shrink(self, error: BaseException, runtime: Runtime) -> None:
        """A further connection could not be opened: for a while there are no more than are open now."""
        self.heed(error, runtime.now())
        with self._lock:
            self._shrink(runtime.now())
        self._tell(error, runtime)

    def _shrink(self, now: float) -> None:
        self._shrunk_to, self._shrunk_until = max(len(self._occupied), 1), now + _SHRUNK

    def _tell(self, error: BaseException, runtime: Runtime) -> None:
        level = logging.INFO if _is_about_connections(error) else logging.WARNING
        said = str(error).partition("\n")[0]
        _log.log(level, "no further connection for %.0f seconds, those that are open go on: %s", _SHRUNK, said)
        # What the server says is told of where it is heard.
        if runtime.tell is not None and getattr(error, "reply", None) is None:
            from smtpkit.events import Throttled

            runtime.tell(Throttled(self._server.host, None, _SHRUNK))

    # -- idle connections ----------------------------------------------------------

    def take(self) -> Connection | None:
        """The idle connection that was used last."""
        try:
            return self.idle.pop()
        except IndexError:
            return None

    def reap(self) -> None:
        """Close the connections that are idle for too long, or too old."""
        for connection in self.idle.copy():
            if connection.expired:
                try:
                    self.idle.remove(connection)
                except ValueError:
                    # Another thread has taken it, and sees for itself.
                    continue
                connection.close("it was idle too long, or had its time")

    def abandon(self) -> None:
        """Let go of the connections of a world that is gone."""
        while (connection := self.take()) is not None:
            connection.abandon()


def _is_about_connections(error: BaseException) -> bool:
    """Whether it may be that the server, or something before it, does not want so many."""
    if isinstance(error, AuthenticationFailed):
        return error.temporary and error.reply is not None
    return isinstance(error, (ServiceUnavailable, ConnectFailed, ConnectionLost))
