"""`send_many`: one receipt for each message, in order, as they are asked for."""

from __future__ import annotations

import itertools
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    FakeTransport,
    InvalidMessage,
    Mail,
    Mailer,
    Message,
    MissingSender,
    NoRecipients,
    Outcome,
    Receipt,
    RecipientsRefused,
    Reply,
    SmtpTlsTransport,
    TransportFailed,
    transport_from_function,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from both import Both
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd

pytest_plugins = ("both",)

BASE = Message().from_("me@example.com").subject("Hello")


def numbered(n: int) -> Message:
    return BASE.to(f"n{n}@example.com").text(str(n))


class Counted:
    """Messages without end, and how many of them were taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[Message]:
        for n in itertools.count():
            self.taken += 1
            yield numbered(n)


def names(receipts: list[Receipt]) -> list[str]:
    return [name for receipt in receipts for name in receipt.outcomes]


def test_order(both: Both) -> None:
    fake = FakeTransport()
    receipts = list(both.send_many(both.mailer(fake), [numbered(n) for n in range(20)]))
    assert all(receipt.ok for receipt in receipts)
    assert names(receipts) == [f"n{n}@example.com" for n in range(20)]
    assert [mail.message_id for mail in fake.outbox] == [receipt.message_id for receipt in receipts]


@pytest.mark.parametrize("messages", [[], (), iter(())])
def test_nothing_to_send(both: Both, messages: Any) -> None:
    assert list(both.send_many(both.mailer(FakeTransport()), messages)) == []


def test_messages_are_taken_as_receipts_are_asked_for(both: Both) -> None:
    fake, messages = FakeTransport(), Counted()
    batch = both.send_many(both.mailer(fake), messages)
    assert messages.taken == 0
    for count in (1, 2, 3):
        next(batch)
        assert (messages.taken, len(fake.outbox)) == (count, count)


def test_leaving_early_takes_no_further_message(both: Both) -> None:
    fake, messages = FakeTransport(), Counted()
    with both.send_many(both.mailer(fake), messages) as batch:
        first = [receipt for receipt, _ in zip(batch, range(2), strict=False)]
    assert names(first[:2]) == ["n0@example.com", "n1@example.com"]
    taken = messages.taken
    assert list(batch) == []
    assert messages.taken == taken == len(fake.outbox)
    assert batch.batch.remaining == []


def test_failures_do_not_stop_the_others(both: Both) -> None:
    no = Reply(550, ("5.1.1 No such mailbox",))

    def send(mail: Mail) -> Receipt:
        (name,) = (address.addr_spec for address in mail.envelope.recipients)
        if name == "n1@example.com":
            return Receipt.of(mail, Outcome("refused", no), RecipientsRefused("no", reply=no))
        if name == "n2@example.com":
            raise KeyError(name)
        return Receipt.of(mail, Outcome("accepted"))

    mixed: Any = [numbered(0), numbered(1), numbered(2), "text", BASE, Message().to("x@example.com"), numbered(3)]
    for on_partial in ("return", "raise"):
        mailer = both.mailer(transport_from_function(send), on_partial=on_partial)
        receipts = list(both.send_many(mailer, mixed))
        kinds = [type(receipt.error) for receipt in receipts]
        none = type(None)
        assert kinds == [none, RecipientsRefused, TransportFailed, InvalidMessage, NoRecipients, MissingSender, none]
        assert [receipt.ok for receipt in receipts] == [kind is none for kind in kinds]
        assert all(receipt.error is None or receipt.error.receipt is receipt for receipt in receipts)


def test_an_error_of_the_iterable_is_raised_where_it_occurs(both: Both) -> None:
    def messages() -> Iterator[Message]:
        yield numbered(0)
        yield numbered(1)
        raise ZeroDivisionError

    fake = FakeTransport()
    batch = both.send_many(both.mailer(fake), messages())
    receipts = [next(batch), next(batch)]
    with pytest.raises(ZeroDivisionError):
        next(batch)
    assert list(batch) == []
    assert names(receipts) == ["n0@example.com", "n1@example.com"]
    assert len(fake.outbox) == 2


def test_any_asynchronous_iterable(both: Both) -> None:
    fake = FakeTransport()
    taken: list[int] = []

    async def messages() -> AsyncIterator[Message]:
        for n in range(4):
            taken.append(n)
            yield numbered(n)

    async def scenario() -> list[Receipt]:
        mailer = AsyncMailer(fake)
        found: list[Receipt] = []
        async with mailer.send_many(messages()) as batch:
            async for receipt in batch:
                found.append(receipt)
                assert len(taken) == len(found)
                if len(found) == 3:
                    break
        return found

    assert names(both.wait(scenario())) == [f"n{n}@example.com" for n in range(3)]
    assert taken == [0, 1, 2]


def test_an_error_of_an_asynchronous_iterable(both: Both) -> None:
    async def messages() -> AsyncIterator[Message]:
        yield numbered(0)
        raise ZeroDivisionError

    async def scenario() -> None:
        batch = AsyncMailer(FakeTransport()).send_many(messages())
        assert (await anext(batch)).ok
        with pytest.raises(ZeroDivisionError):
            await anext(batch)
        assert await anext(batch, None) is None

    both.wait(scenario())


@pytest.mark.parametrize("messages", [numbered(0), EmailMessage(), None, 5, "text", b"octets"])
def test_not_an_iterable(both: Both, messages: Any) -> None:
    with pytest.raises(
        InvalidMessage, match=f"(?s:not one {type(messages).__name__}.*a list of messages, or use send)"
    ):
        both.send_many(both.mailer(FakeTransport()), messages)


def test_an_asynchronous_iterable_is_for_the_other_mailer() -> None:
    async def messages() -> AsyncIterator[Message]:
        yield numbered(0)

    given: Any = messages()
    with pytest.raises(InvalidMessage, match="AsyncMailer"):
        Mailer(FakeTransport()).send_many(given)


def test_leaving_closes_the_generator(both: Both) -> None:
    ended: list[str] = []

    def messages() -> Iterator[Message]:
        try:
            yield from Counted()
        finally:
            ended.append("sync")

    generator = messages()
    with both.send_many(both.mailer(FakeTransport()), generator) as batch:
        next(batch)
        assert ended == []
    assert ended == ["sync"]


def test_leaving_closes_an_asynchronous_generator(both: Both) -> None:
    ended: list[str] = []

    async def messages() -> AsyncIterator[Message]:
        try:
            yield numbered(0)
            yield numbered(1)
        finally:
            ended.append("async")

    async def scenario() -> None:
        generator = messages()
        async with AsyncMailer(FakeTransport()).send_many(generator) as batch:
            await anext(batch)
            assert ended == []
        assert ended == ["async"]

    both.wait(scenario())


def test_one_connection_for_all(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd(refused={"n3@example.com"})
    mailer = both.mailer(SmtpTlsTransport("localhost", server.port, tls=certificates.ca_file))
    receipts = list(both.send_many(mailer, [numbered(n) for n in range(10)]))
    assert [receipt.ok for receipt in receipts] == [n != 3 for n in range(10)]
    assert [mail.rcpt_tos for mail in server.accepted] == [(f"n{n}@example.com",) for n in range(10) if n != 3]
    assert server.connections == 1
