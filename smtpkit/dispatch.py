"""A batch: messages in, receipts out, in order, and several mails under way meanwhile."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from smtpkit.delivery import Ready
from smtpkit.interruption import note_outcomes
from smtpkit.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.delivery import AnyMessage, Delivery
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Carrier

__all__ = ["END", "Dispatch", "End"]

_PROMPT = 0.001
"""Seconds. Where the next message takes longer, a receipt that is there is not kept waiting for the one after it."""

_HELD = 0.01
"""Seconds for which a mail is held at most to go out together with more."""


class End:
    """Instead of a message: there are no more."""


END: Final = End()


class Dispatch:
    """Takes messages by ``pull`` as long as there is room for them under way, and gives one receipt for each."""

    def __init__(
        self,
        delivery: Delivery,
        pull: Callable[[], Awaitable[AnyMessage | End]],
        runtime: Runtime,
        connections: int,
        in_flight: int,
    ) -> None:
        self._delivery = delivery
        self._pull: Callable[[], Awaitable[AnyMessage | End]] | None = pull
        self._runtime = runtime
        self._most = connections * in_flight
        carrier: Callable[[Runtime, int, int], Carrier] | None = getattr(delivery.current, "carrier", None)
        self._carrier: Carrier = (
            _OneByOne(delivery, runtime) if carrier is None else carrier(runtime, connections, in_flight)
        )
        self._alarm = runtime.alarm(_HELD, self._carrier.flush)
        self._slots: deque[Ready | Receipt] = deque()
        """The mails under way, and receipts of messages that made none, the oldest first."""
        self._taken: deque[Receipt] = deque()
        """Receipts that came before their turn: of the oldest mails of ``_slots``."""
        self._failure: Exception | None = None

    async def next(self) -> Receipt | None:
        """The receipt of the oldest message; ``None`` at the end.

        Raises:
            Exception: the one that the messages ended with, after the receipts of those before it.
        """
        try:
            await self._fill()
            if self._slots:
                return await self._concluded(self._slots.popleft())
        except BaseException as interruption:
            self._abandon(interruption)
            raise
        self._end()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return None

    async def drain(self, remaining: list[Receipt]) -> None:
        """Take no further message, and add the receipts of what is under way to ``remaining``."""
        self._pull = self._failure = None
        # It may be the messages that end the batch, and take long.
        await self._alarm.clear()
        while (receipt := await self.next()) is not None:
            remaining.append(receipt)
        self._end()

    async def _fill(self) -> None:
        while self._pull is not None and len(self._slots) < self._most and self._carrier.room:
            begun = self._runtime.now()
            message = await self._pulled(self._pull)
            slow = self._runtime.now() - begun > _PROMPT
            if isinstance(message, End) or self._pull is None:
                self._pull = None
                return
            await self._put(message)
            if slow and await self._ready():
                return

    async def _ready(self) -> bool:
        """Whether the receipt of the oldest message is there, or about to be. It does not wait."""
        return bool(self._taken) or isinstance(self._slots[0], Receipt) or await self._carrier.ready()

    async def _pulled(self, pull: Callable[[], Awaitable[AnyMessage | End]]) -> AnyMessage | End:
        """The next message. If it takes long, what is held goes out meanwhile."""
        if self._most > 1:
            self._alarm.set()
        try:
            return await pull()
        except Exception as failure:
            self._failure = failure
            return END
        finally:
            if self._most > 1:
                await self._alarm.clear()

    async def _put(self, message: AnyMessage) -> None:
        ready = await self._delivery.prepare(message, None, self._runtime, self._settle_all)
        self._slots.append(ready)
        if not isinstance(ready, Receipt):
            await self._carrier.put(ready.mail)

    async def _concluded(self, slot: Ready | Receipt) -> Receipt:
        if isinstance(slot, Receipt):
            return slot
        receipt = self._taken.popleft() if self._taken else await self._carrier.take()
        try:
            if self._delivery.tries_again(slot, receipt):
                await self._settle_all()
            return await self._delivery.complete(slot, receipt, self._runtime)
        except BaseException as interruption:
            note_outcomes(interruption, receipt.message_id, receipt.outcomes)
            raise

    async def _hear_all(self) -> None:
        """Hear what is under way: no mail grows old, and no connection is held, while another mail is tried again."""
        under_way = sum(isinstance(slot, Ready) for slot in self._slots)
        while len(self._taken) < under_way:
            self._taken.append(await self._carrier.take())

    async def _settle_all(self) -> None:
        """Before a wait for a limit or an attempt: nothing is held meanwhile, and what was accepted counts from now."""
        await self._hear_all()
        ready = (slot for slot in self._slots if isinstance(slot, Ready))
        for slot, receipt in zip(ready, self._taken, strict=True):
            if not self._delivery.tries_again(slot, receipt):
                await slot.settle(receipt, self._runtime)

    def _abandon(self, interruption: BaseException) -> None:
        """What is under way is not heard any more."""
        self._carrier.confess(interruption)
        for receipt in self._taken:
            note_outcomes(interruption, receipt.message_id, receipt.outcomes)
        self._pull = self._failure = None
        self._slots.clear()
        self._taken.clear()
        self._end()

    def _end(self) -> None:
        self._alarm.close()
        self._carrier.release()


class _OneByOne:
    """For transports that send one mail after the other."""

    def __init__(self, delivery: Delivery, runtime: Runtime) -> None:
        self._delivery = delivery
        self._runtime = runtime
        self._receipt: Receipt | None = None

    @property
    def room(self) -> bool:
        return self._receipt is None

    async def put(self, mail: Mail) -> None:
        self._receipt = await self._delivery.transmit(mail, self._runtime)

    async def flush(self) -> None:
        """Nothing is held."""

    async def ready(self) -> bool:
        return True

    async def take(self) -> Receipt:
        receipt, self._receipt = self._receipt, None
        assert receipt is not None
        return receipt

    def confess(self, interruption: BaseException) -> None:
        if self._receipt is not None:
            note_outcomes(interruption, self._receipt.message_id, self._receipt.outcomes)

    def release(self) -> None:
        """Nothing is held."""
