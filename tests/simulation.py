"""Mailers in virtual time that send to a `Truth`, and whether what they claim is true."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from smtpkit import Mailer, PlaintextSmtpTransport, RawMessage, Receipt
from smtpkit.runtime import aio, blocking
from smtpkit.runtime.simulated import SimulatedRuntime
from truth import CHUNKING, PIPELINING, Accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from smtpkit.message import Fields
    from smtpkit.runtime.simulated import Delivery
    from truth import Truth

__all__ = [
    "COUNTS",
    "MODES",
    "STAGES",
    "TWELVE",
    "Source",
    "mail",
    "refused",
    "send_many",
    "shown",
    "simulated",
    "transport",
    "untrue",
]


COUNTS = ((1, 1), (1, 8), (2, 4), (4, 1), (3, 2))
"""Connections, and mails in flight on each."""
MODES = {"chunked": CHUNKING, "pipelined": PIPELINING, "one by one": ()}
STAGES = ("mail", "rcpt", "data", "content")
"""At which a `Truth` can be told to refuse."""


class _Parsed(RawMessage):
    """It is sent thousands of times here, and its addresses are read once."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._addresses = super().addresses()

    def addresses(self) -> Fields:
        return self._addresses


@lru_cache(maxsize=64)
def mail(number: int | str, *recipients: str, sender: str = "", body: str = "") -> RawMessage:
    """A small mail, which no other is equal to in sender, recipients or content."""
    sender = sender or f"s{number}@a.test"
    to = ", ".join(recipients or (f"r{number}@b.test",))
    return _Parsed(f"From: {sender}\r\nTo: {to}\r\n\r\n{number}{body}\r\n".encode())


def transport(**options: Any) -> PlaintextSmtpTransport:
    """To a server that is simulated, or not connected to."""
    return PlaintextSmtpTransport("truth.test", local_hostname="me", **options)


def refused(stage: str, code: str, number: int, body: str = "") -> RawMessage:
    """A mail that a `Truth` refuses."""
    if stage == "mail":
        return mail(number, sender=f"mail-{code}-{number}@a.test", body=body)
    return mail(number, f"{stage}-{code}-{number}@b.test", body=body)


TWELVE = [mail(number) for number in range(12)]


class Source:
    """`TWELVE`, which are taken one by one."""

    def __init__(
        self, error: BaseException | None = None, at: int = 12, pause: Callable[[], None] | None = None
    ) -> None:
        self.taken: list[RawMessage] = []
        self.ended = False
        self._error = error
        self._at = at
        self._pause = pause

    def __iter__(self) -> Iterator[RawMessage]:
        try:
            for number, each in enumerate(TWELVE):
                if number == self._at and self._error is not None:
                    raise self._error
                if self._pause is not None:
                    self._pause()
                self.taken.append(each)
                yield each
        finally:
            self.ended = True


@contextmanager
def simulated(truth: Truth, delivery: Delivery = "whole") -> Generator[SimulatedRuntime]:
    """The runtime of every mailer meanwhile."""
    runtime = SimulatedRuntime(truth.dial, delivery=delivery)

    def made(*_: object) -> SimulatedRuntime:
        return runtime

    with patch.object(blocking, "BlockingRuntime", made), patch.object(aio, "AsyncRuntime", made):
        yield runtime


def send_many(
    truth: Truth,
    messages: Iterable[RawMessage],
    *,
    connections: int = 1,
    in_flight: int = 8,
    delivery: Delivery = "whole",
    on_partial: Any = "return",
    **options: Any,
) -> list[Receipt]:
    """What `Mailer.send_many` makes of ``messages``; fails if a connection is left open, or it takes days."""
    with simulated(truth, delivery) as runtime:
        mailer = Mailer(transport(**options), on_partial=on_partial)
        receipts = list(mailer.send_many(messages, connections=connections, in_flight=in_flight))
        mailer.close()
    assert all(stream.closed for stream in runtime.streams), "a connection was left open"
    assert runtime.now() < 86400, "it waited for a day"
    return receipts


def untrue(truth: Truth, messages: Sequence[RawMessage], receipts: Sequence[Receipt], doubts: int = 0) -> list[str]:
    """What the receipts claim and the server knows better; ``doubts`` is how many mails may be uncertain."""
    found = [*truth.problems]
    if [receipt.message for receipt in receipts] != list(messages):
        found.append("the receipts are not those of the messages, in order")
    left = truth.accepted.copy()
    for message, receipt in zip(messages, receipts, strict=False):
        sender = message.header_fields[0][1]
        for recipient, outcome in receipt.outcomes.items():
            times = left.pop(Accepted(sender, recipient, message.as_bytes()), 0)
            if not {"accepted": times == 1, "uncertain": times <= 1}.get(outcome.status, times == 0):
                found.append(f"{recipient} is {outcome.status}, and was accepted {times} times")
        found += _inconsistent(receipt)
    found += [f"accepted, and never sent: {each}" for each in left]
    uncertain = sum(1 for receipt in receipts if receipt.uncertain)
    if uncertain > doubts:
        found.append(f"{uncertain} mails are uncertain")
    return found


def _inconsistent(receipt: Receipt) -> list[str]:
    found: list[str] = []
    ok = all(outcome.status == "accepted" for outcome in receipt.outcomes.values())
    if (receipt.error is None) != ok or receipt.ok != ok:
        found.append(f"{shown(receipt)}, and the error is {receipt.error!r}")
    if receipt.error is not None and receipt.error.receipt is not receipt:
        found.append("the error has another receipt")
    return found


def shown(receipt: Receipt) -> str:
    """Its outcomes, in few words."""
    return ", ".join(
        f"{outcome.status} {outcome.reply.code}" if outcome.reply else outcome.status
        for outcome in receipt.outcomes.values()
    )
