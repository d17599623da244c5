"""Limits in a mailer: before any network I/O, and given back only what was certainly not accepted."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    ConnectFailed,
    DailyLimit,
    DailyLimitExceeded,
    DeliveryError,
    FakeTransport,
    Mail,
    Mailer,
    Message,
    Outcome,
    Receipt,
    RecipientsRefused,
    SmtpTlsTransport,
    TransportFailed,
    transport_from_function,
)
from smtpkit.limits import MemoryStore

if TYPE_CHECKING:
    from both import Both
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd
    from smtpkit.limits import Limit, Reservation, Window
    from smtpkit.runtime.base import Runtime

pytest_plugins = ("both",)

MESSAGE = Message().from_("me@example.com").to("ann@example.com").subject("Hello").text("Hi")


def ending(status: Any) -> Any:
    return transport_from_function(lambda mail: Receipt.of(mail, Outcome(status)))


def failing(mail: Mail) -> Receipt:
    raise OSError("gone")


def test_over_the_limit_before_any_connection(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    server = smtpd()
    limit = DailyLimit(1)
    transport = SmtpTlsTransport("localhost", server.port, tls=certificates.ca_file)
    first, second = both.mailer(transport, limits=limit), both.mailer(transport, limits=limit)
    assert both.send(first, MESSAGE).ok
    connections = server.connections
    both.close(first)
    with pytest.raises(DailyLimitExceeded, match="localhost has sent 1 of 1") as caught:
        both.send(second, MESSAGE)
    receipt = caught.value.receipt
    assert receipt is not None
    assert set(receipt.not_sent) == {"ann@example.com"}
    assert caught.value.safe_to_retry
    assert server.connections == connections
    assert len(server.accepted) == 1


def test_in_a_batch(both: Both) -> None:
    fake = FakeTransport()
    receipts = list(both.send_many(both.mailer(fake, limits=DailyLimit(3)), [MESSAGE] * 5))
    assert [receipt.ok for receipt in receipts] == [True, True, True, False, False]
    assert all(isinstance(receipt.error, DailyLimitExceeded) for receipt in receipts[3:])
    assert len(fake.outbox) == 3


COUNTED: list[tuple[Any, type[DeliveryError] | None, int]] = [
    (ending("accepted"), None, 1),
    (ending("refused"), RecipientsRefused, 0),
    (ending("not_sent"), DeliveryError, 0),
    (ending("uncertain"), DeliveryError, 1),
    (transport_from_function(failing), TransportFailed, 1),
    (SmtpTlsTransport("localhost", 1), ConnectFailed, 0),
]


@pytest.mark.parametrize(("transport", "error", "counted"), COUNTED)
def test_what_is_counted(both: Both, transport: Any, error: type[DeliveryError] | None, counted: int) -> None:
    limit = DailyLimit(5)
    mailer = both.mailer(transport, limits=limit)
    if error is None:
        both.send(mailer, MESSAGE)
    else:
        with pytest.raises(error):
            both.send(mailer, MESSAGE)
    assert limit.used() == counted


def test_several_limits(both: Both) -> None:
    first, second = DailyLimit(5), DailyLimit(2, unit="recipients")
    mailer = both.mailer(FakeTransport(), limits=[first, second])
    both.send(mailer, MESSAGE.to("bob@example.com"))
    with pytest.raises(DailyLimitExceeded, match="2 of 2 recipients"):
        both.send(mailer, MESSAGE)
    assert (first.used(), second.used()) == (1, 2)


class BrokenStore(MemoryStore):
    """A store that is gone at one of its operations."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        self._check("reserve")
        return await super().reserve(key, n, window, runtime, limit=limit)

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        self._check("settle")
        await super().settle(reservation, unused, runtime)

    def _check(self, operation: str) -> None:
        if operation == self._operation:
            raise OSError("the store is gone")


def test_a_store_that_cannot_be_asked(both: Both) -> None:
    fake, sound = FakeTransport(), DailyLimit(5)
    broken = DailyLimit(5, store=BrokenStore("reserve"))
    with pytest.raises(DeliveryError, match="the store is gone") as caught:
        both.send(both.mailer(fake, limits=(sound, broken)), MESSAGE)
    assert caught.value.stage == "limit"
    assert caught.value.safe_to_retry
    assert isinstance(caught.value.__cause__, OSError)
    assert sound.used() == 0
    assert not fake.outbox


def test_a_store_that_takes_nothing_back(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    sound, broken = DailyLimit(5), DailyLimit(5, store=BrokenStore("settle"))
    with pytest.raises(RecipientsRefused):
        both.send(both.mailer(ending("refused"), limits=(broken, sound)), MESSAGE)
    assert (broken.used(), sound.used()) == (1, 0)
    assert "could not be settled" in caplog.text


def test_presets_are_shared_and_accounts_are_apart() -> None:
    def limit(username: str, name: str = "gmail") -> Limit:
        (found,) = Mailer.for_provider(name, username, "secret")._delivery._limits  # pyright: ignore[reportPrivateUsage]
        return found

    assert limit("a@gmail.com") is limit("b@gmail.com") is limit("a@gmail.com", "Google Mail")
    assert limit("a@gmail.com") is not limit("a@outlook.com", "outlook")


def test_tasks_never_exceed_it() -> None:
    fake = FakeTransport()
    limit = DailyLimit(20)

    async def scenario() -> list[bool]:
        async with AsyncMailer(fake, limits=limit) as mailer:

            async def sending() -> bool:
                try:
                    return (await mailer.send(MESSAGE)).ok
                except DailyLimitExceeded:
                    return False

            return await asyncio.gather(*(sending() for _ in range(50)))

    assert sum(asyncio.run(scenario())) == len(fake.outbox) == limit.used() == 20


def test_threads_never_exceed_it() -> None:
    fake = FakeTransport()
    limit = DailyLimit(20)
    mailer = Mailer(fake, limits=limit)

    def sending(_: int) -> bool:
        try:
            return mailer.send(MESSAGE).ok
        except DailyLimitExceeded:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(sending, range(50))) == 20
    assert len(fake.outbox) == limit.used() == 20
    assert limit.remaining() == 0


def interrupting(mail: Mail) -> Receipt:
    raise KeyboardInterrupt


def test_an_interrupted_mail_stays_counted() -> None:
    limit = DailyLimit(5)
    with pytest.raises(KeyboardInterrupt):
        Mailer(transport_from_function(interrupting), limits=limit).send(MESSAGE)
    assert limit.used() == 1
