"""Mails on their way over one connection after the other, in order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smtpkit.errors import SmtpkitError, TimedOut
from smtpkit.smtp.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeAlias

    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.connection import Connection
    from smtpkit.smtp.pool import Pool

    MakeWay: TypeAlias = Callable[[float], Coroutine[Any, Any, Connection | None]]

__all__ = ["Lane"]

_TOO_LATE = "the time for the whole send is over"


class Lane:
    """Up to ``in_flight`` mails at a time over a connection of ``pool``, which it holds while mails are under way.

    What a broken connection certainly did not deliver goes over a new one, which is no second try: nothing of it
    can have been accepted. It ends for a mail that is the first on a new connection and breaks that, too.
    """

    def __init__(
        self,
        pool: Pool,
        runtime: Runtime,
        in_flight: int = 1,
        at_most: int = 1,
        connection: Connection | None = None,
        make_way: Callable[[], MakeWay | None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._runtime = runtime
        self._in_flight = in_flight
        self._at_most = at_most
        self._make_way = make_way
        """What to call before it waits for a connection. Not held: who drops a batch drops its connections at once."""
        self._connection = connection
        if connection is not None:
            connection.hold(self._held)
        self._order: deque[Ledger] = deque()
        self._waiting: deque[Ledger] = deque()
        """Those who are to begin, the oldest first."""
        self._under_way: deque[Ledger] = deque()
        self.retired: bool = False
        """Whether another one needed its connection, so that it is better not used again when it is empty."""

    def __len__(self) -> int:
        return len(self._order)

    @property
    def connected(self) -> bool:
        """Whether it has a connection."""
        return self._connection is not None

    @property
    def room(self) -> bool:
        """Whether another mail can begin now, without waiting for one that is under way."""
        if self._connection is None:
            return not self._order
        return len(self._order) < self._in_flight and not self._waiting and self._connection.room(self._in_flight)

    async def put(self, mail: Mail, deadline: float) -> None:
        """Begin to send ``mail``. What goes wrong is told by its receipt."""
        ledger = Ledger(mail, min(deadline, mail.deadline))
        self._order.append(ledger)
        self._waiting.append(ledger)
        await self._begin()

    @property
    def _held(self) -> int:
        return max(self._in_flight // 4, 1)

    @property
    def waits(self) -> bool:
        """Whether the oldest mail has no receipt yet, and no reply is there that was not taken in."""
        return not (self._order[0].settled or (self._connection is not None and self._connection.answered))

    async def flush(self) -> None:
        """Write what is held back to go out together."""
        if (connection := self._connection) is not None:
            await connection.flush()
            if connection.error is not None:
                self._replace(connection)

    async def ready(self) -> bool:
        """Whether something came for the oldest mail. It does not wait."""
        return self._order[0].settled or (self._connection is not None and await self._connection.heard())

    async def retire(self) -> None:
        """Hear what is under way, and give the connection back. What waits can still get one."""
        self.retired = True
        while self._under_way:
            await self._finish()
        self.release()

    async def take(self) -> Receipt:
        """The receipt of the oldest mail, when it is there."""
        ledger = self._order[0]
        while not ledger.settled:
            await self._begin()
            if self._under_way:
                await self._finish()
        try:
            self._order.popleft()
            if not self._order:
                self.release()
            return ledger.receipt()
        except BaseException as interruption:
            ledger.confess(interruption)
            raise

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption`` who has accepted, or may have, of the mails whose receipts are not taken."""
        if self._connection is not None:
            self._connection.confess(interruption)
        for ledger in self._order:
            ledger.confess(interruption)

    def release(self) -> None:
        """Give the connection back. What is under way on it then is not heard any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)

    async def _begin(self) -> None:
        """Begin what waits, as far as there is room."""
        while self._waiting:
            if self._waiting[0].deadline <= self._runtime.now():
                self._waiting.popleft().give_up(TimedOut(_TOO_LATE, stage="acquire"))
                continue
            connection = self._connection or await self._connected(self._waiting[0])
            if connection is None or (
                self._under_way and not connection.room(self._in_flight, len(self._waiting[0].left))
            ):
                return
            ledger = self._waiting.popleft()
            await connection.begin(ledger)
            if ledger.under_way:
                self._under_way.append(ledger)
            elif ledger.left:
                self._waiting.appendleft(ledger)
            if connection.error is not None:
                self._replace(connection)

    async def _connected(self, ledger: Ledger) -> Connection | None:
        """A connection; ``None`` if there is none for ``ledger``, which is settled then."""
        try:
            if (make_way := self._make_way()) is not None:
                self._connection = await make_way(ledger.deadline)
            if self._connection is None:
                self._connection = await self._pool.acquire(self._runtime, ledger.deadline, self._at_most)
        except SmtpkitError as error:
            self._waiting.popleft()
            ledger.give_up(error)
        else:
            self._connection.hold(self._held)
        return self._connection

    async def _finish(self) -> None:
        connection = self._connection
        assert connection is not None
        await connection.finish()
        if connection.error is not None:
            return self._replace(connection)
        ledger = self._under_way.popleft()
        ledger.under_way = False
        if ledger.left:
            # Too many recipients for one transaction.
            self._waiting.appendleft(ledger)
        if not self._under_way and not connection.reusable:
            self.release()
        return None

    def _replace(self, connection: Connection) -> None:
        """Leave a broken connection: what was certainly not sent on it waits for the next one."""
        assert connection.error is not None
        for ledger in self._under_way:
            ledger.under_way = False
        first = self._under_way[0] if self._under_way else self._waiting[0]
        if not connection.finished or first.deadline <= self._runtime.now():
            # For one alone: an error has one receipt.
            first.give_up(connection.error)
        self._waiting.extendleft(ledger for ledger in reversed(self._under_way) if ledger.left)
        self._under_way.clear()
        self.release()
