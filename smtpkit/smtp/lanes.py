"""Several lanes at a time, whose receipts come in the order of the mails."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakMethod

from smtpkit.smtp.lane import Lane

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.connection import Connection
    from smtpkit.smtp.pool import Pool

__all__ = ["Lanes"]


class Lanes:
    """Up to ``connections`` lanes with up to ``in_flight`` mails each, opened when those before them are full."""

    def __init__(
        self, pool: Pool, runtime: Runtime, connections: int, in_flight: int, total: float | None = None
    ) -> None:
        self._pool = pool
        self._runtime = runtime
        self._connections = connections
        self._in_flight = in_flight
        self._total = total
        self._lanes: list[Lane] = []
        self._open()
        self._order: deque[Lane] = deque()

    @property
    def room(self) -> bool:
        """Whether another mail can begin now, without waiting for one that is under way."""
        return len(self._lanes) < self._connections or any(lane.room for lane in self._lanes)

    async def put(self, mail: Mail) -> None:
        """Begin to send ``mail``. What goes wrong is told by its receipt."""
        now = self._runtime.now()
        deadline = mail.deadline if self._total is None else min(now + self._total, mail.deadline)
        lane = self._emptiest()
        if len(self._lanes) < self._connections and not lane.room:
            # At most half of its time: it can still go the way that there is.
            another = await self._another(now + (deadline - now) / 2)
            # A lane without mails is false.
            lane = lane if another is None else another
        self._order.append(lane)
        await lane.put(mail, deadline)

    def _emptiest(self) -> Lane:
        if len(self._lanes) == 1:
            return self._lanes[0]
        return min((lane for lane in self._lanes if lane.room), key=len, default=self._lanes[0])

    async def _another(self, deadline: float) -> Lane | None:
        """A further lane; ``None`` if there is no place for it, or the server wants no further connection."""
        connection = await self._pool.acquire_spare(self._runtime, self._connections, deadline)
        if connection is None:
            self._connections = len(self._lanes)
            return None
        return self._open(connection)

    def _open(self, connection: Connection | None = None) -> Lane:
        make_way = WeakMethod(self._make_way)
        lane = Lane(self._pool, self._runtime, self._in_flight, self._connections, connection, make_way)
        self._lanes.append(lane)
        return lane

    async def _make_way(self, deadline: float) -> Connection | None:
        """A connection for a lane that has lost its own: a further one, or that of another lane, which nobody
        else could make give it back. ``None`` if none of them has one any more.
        """
        while (other := next((lane for lane in self._lanes if lane.connected), None)) is not None:
            # At most half of its time: it can still go the way that there is.
            now = self._runtime.now()
            spare = await self._pool.acquire_spare(self._runtime, self._connections, now + (deadline - now) / 2)
            if spare is not None:
                return spare
            await other.retire()
        return None

    async def flush(self) -> None:
        """Write what is held back to go out together."""
        for lane in self._lanes:
            await lane.flush()

    async def ready(self) -> bool:
        """Whether something came for the oldest mail. It does not wait."""
        return await self._order[0].ready()

    async def take(self) -> Receipt:
        """The receipt of the oldest mail, when it is there."""
        lane = self._order.popleft()
        if len(self._lanes) > 1 and lane.waits:
            # Meanwhile the others go on.
            await self.flush()
        receipt = await lane.take()
        if lane.retired and not lane and len(self._lanes) > 1:
            self._lanes.remove(lane)
            self._connections = len(self._lanes)
        return receipt

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption`` who has accepted, or may have, of the mails whose receipts are not taken."""
        for lane in self._lanes:
            lane.confess(interruption)

    def release(self) -> None:
        """Give the connections back."""
        for lane in self._lanes:
            lane.release()
