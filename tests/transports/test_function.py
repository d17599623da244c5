"""Transports of one's own: functions and classes."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    ConnectionLost,
    ContentRefused,
    DailyLimit,
    DeliveryError,
    DeliveryUncertain,
    FakeTransport,
    InvalidConfiguration,
    Mail,
    Mailer,
    Message,
    Outcome,
    Receipt,
    RecipientsRefused,
    SmtpkitError,
    TransportFailed,
    transport_from_function,
)

if TYPE_CHECKING:
    from both import Both
    from smtpkit.runtime.base import Runtime

pytest_plugins = ("both",)

MESSAGE = Message().from_("me@example.com").to("ann@example.com", "bob@example.com").subject("Hello").text("Hi")


def raising(error: BaseException) -> Any:
    def send(mail: Mail) -> Receipt:
        raise error

    return transport_from_function(send)


def returning(result: Any) -> Any:
    return transport_from_function(lambda mail: result)


def test_a_function_gets_the_mail(both: Both) -> None:
    seen: list[Mail] = []

    def send(mail: Mail) -> Receipt:
        seen.append(mail)
        return Receipt.of(mail, Outcome("accepted"))

    receipt = both.send(both.mailer(transport_from_function(send)), MESSAGE)
    assert list(receipt.accepted) == ["ann@example.com", "bob@example.com"]
    assert seen[0].as_bytes().endswith(b"\r\n\r\nHi\r\n")
    assert seen[0].size == len(seen[0].as_bytes())
    assert "send" in repr(transport_from_function(send))


UNCERTAIN: list[tuple[Any, str]] = [
    (raising(OSError("no route to host")), "raised OSError: no route to host"),
    (raising(KeyError("id")), "raised KeyError: 'id'"),
    (returning(None), "returned NoneType, not a Receipt"),
    (returning("ok"), "returned str, not a Receipt"),
]


@pytest.mark.parametrize(("transport", "text"), UNCERTAIN)
def test_uncertain_when_it_fails_in_its_own_way(both: Both, transport: Any, text: str) -> None:
    with pytest.raises(TransportFailed, match=text) as caught:
        both.send(both.mailer(transport), MESSAGE)
    error = caught.value
    assert error.stage == "transport"
    assert error.hint is not None
    assert not error.safe_to_retry
    assert error.receipt is not None
    assert list(error.receipt.uncertain) == ["ann@example.com", "bob@example.com"]


def test_the_cause_is_kept(both: Both) -> None:
    cause = OSError("no route to host")
    with pytest.raises(TransportFailed) as caught:
        both.send(both.mailer(raising(cause)), MESSAGE)
    assert caught.value.__cause__ is cause


RAISED: list[tuple[type[DeliveryError], str]] = [
    (ConnectionLost, "not_sent"),
    (RecipientsRefused, "not_sent"),
    (DeliveryUncertain, "uncertain"),
    (TransportFailed, "uncertain"),
]


@pytest.mark.parametrize(("kind", "status"), RAISED)
def test_errors_of_the_tree_pass_through(both: Both, kind: type[DeliveryError], status: str) -> None:
    error = kind("it happened")
    with pytest.raises(kind) as caught:
        both.send(both.mailer(raising(error)), MESSAGE)
    assert caught.value is error
    assert error.receipt is not None
    assert {outcome.status for outcome in error.receipt.outcomes.values()} == {status}
    assert error.safe_to_retry == (status == "not_sent")


def test_the_receipt_of_a_raised_error_is_kept(both: Both) -> None:
    def send(mail: Mail) -> Receipt:
        outcomes = {"ann@example.com": Outcome("accepted"), "bob@example.com": Outcome("refused")}
        error = RecipientsRefused("bob was refused")
        Receipt(mail.message, outcomes, error)
        raise error

    receipt = both.send(both.mailer(transport_from_function(send)), MESSAGE)
    assert set(receipt.accepted) == {"ann@example.com"}
    assert set(receipt.refused) == {"bob@example.com"}


@pytest.mark.parametrize(("status", "expected"), [("accepted", "uncertain"), ("refused", "not_sent")])
def test_a_raised_receipt_for_other_recipients(both: Both, status: Any, expected: str) -> None:
    def send(mail: Mail) -> Receipt:
        error = RecipientsRefused("somebody was refused")
        Receipt(mail.message, {"x@example.com": Outcome(status), "y@example.com": Outcome("refused")}, error)
        raise error

    with pytest.raises(RecipientsRefused) as caught:
        both.send(both.mailer(transport_from_function(send)), MESSAGE)
    assert caught.value.receipt is not None
    assert {name: outcome.status for name, outcome in caught.value.receipt.outcomes.items()} == {
        "ann@example.com": expected,
        "bob@example.com": expected,
    }


ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
OK, NO, UNKNOWN = Outcome("accepted"), Outcome("refused"), Outcome("uncertain")

INCOMPLETE: list[tuple[dict[str, Outcome], dict[str, Outcome], type[DeliveryError] | None, str]] = [
    ({}, {ANN: UNKNOWN, BOB: UNKNOWN}, TransportFailed, "without ann@example.com, bob@example.com"),
    ({ANN: OK}, {ANN: OK, BOB: UNKNOWN}, TransportFailed, "without bob@example.com"),
    ({BOB: NO}, {ANN: UNKNOWN, BOB: NO}, TransportFailed, "without ann@example.com"),
    ({EVE: OK}, {ANN: UNKNOWN, BOB: UNKNOWN}, TransportFailed, "without ann@example.com, bob@example.com"),
    ({BOB: OK, EVE: OK}, {ANN: UNKNOWN, BOB: OK}, TransportFailed, "without ann@example.com"),
    ({EVE: NO, BOB: OK, ANN: OK}, {ANN: OK, BOB: OK}, None, ""),
    ({EVE: OK, BOB: NO, ANN: OK}, {ANN: OK, BOB: NO}, RecipientsRefused, "1 of 2"),
]


@pytest.mark.parametrize("own_error", [False, True])
@pytest.mark.parametrize(("given", "expected", "kind", "text"), INCOMPLETE)
def test_a_receipt_that_is_not_for_these_recipients(
    both: Both, own_error: bool, given: Any, expected: Any, kind: type[DeliveryError] | None, text: str
) -> None:
    """Nobody is believed to have it, or not to have it, of whom the transport says nothing."""
    own = ContentRefused("no such mail here") if own_error and kind is TransportFailed else None
    transport = transport_from_function(lambda mail: Receipt(mail.message, given, own, attempts=2, notes=("by air",)))
    limit = DailyLimit(10, unit="recipients")
    mailer = both.mailer(transport, limits=limit)
    (receipt,) = both.send_many(mailer, [MESSAGE])
    assert list(receipt.outcomes.items()) == list(expected.items())
    assert type(receipt.error) is (kind or type(None))
    assert text in str(receipt.error)
    assert receipt.error is None or receipt.error.__cause__ is own
    assert (receipt.attempts, receipt.notes[0]) == (2, "by air")
    assert any(EVE in note for note in receipt.notes) is (EVE in given)
    assert limit.used() == sum(outcome.status != "refused" for outcome in expected.values())


def test_an_async_function_is_refused(both: Both) -> None:
    async def send(mail: Mail) -> Receipt:
        return Receipt.of(mail, Outcome("accepted"))

    transport: Any = transport_from_function(send)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidConfiguration, match="this one is async") as caught:
        both.send(both.mailer(transport), MESSAGE)
    assert caught.value.receipt is not None
    assert len(caught.value.receipt.not_sent) == 2


def test_interruptions_are_not_caught(both: Both) -> None:
    with pytest.raises(SystemExit):
        both.send(both.mailer(raising(SystemExit(3))), MESSAGE)


def test_a_function_that_blocks_does_not_block_the_loop() -> None:
    entered, leave = threading.Event(), threading.Event()

    def send(mail: Mail) -> Receipt:
        entered.set()
        assert leave.wait(10), "the event loop was blocked"
        return Receipt.of(mail, Outcome("accepted"))

    async def scenario() -> Receipt:
        async with AsyncMailer(transport_from_function(send)) as mailer:
            sending = asyncio.create_task(mailer.send(MESSAGE))
            assert await asyncio.to_thread(entered.wait, 10)
            leave.set()
            return await sending

    assert asyncio.run(scenario()).ok


class Suspending:
    """A transport that waits for an event loop, and not through its runtime."""

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        await asyncio.sleep(0)
        return Receipt.of(mail, Outcome("accepted"))

    async def close(self, runtime: Runtime) -> None:
        pass


def test_a_transport_that_suspends() -> None:
    with pytest.raises(InvalidConfiguration, match="event loop") as caught:
        Mailer(Suspending()).send(MESSAGE)
    assert caught.value.hint is not None
    assert "AsyncMailer" in caught.value.hint
    assert asyncio.run(AsyncMailer(Suspending()).send(MESSAGE)).ok


class Patient:
    """A transport that waits through its runtime."""

    def __init__(self) -> None:
        self.closed = 0

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        await runtime.sleep(0.001)
        return Receipt.of(mail, Outcome("accepted"))

    async def close(self, runtime: Runtime) -> None:
        self.closed += 1


def test_a_transport_that_waits_through_its_runtime(both: Both) -> None:
    transport = Patient()
    mailer = both.mailer(transport, limits=DailyLimit(1))
    assert both.send(mailer, MESSAGE).ok
    both.close(mailer)
    assert transport.closed == 1
    with pytest.raises(SmtpkitError, match="this transport has sent 1 of 1"):
        both.send(mailer, MESSAGE)


def test_a_mailer_within_a_transport(both: Both) -> None:
    fake = FakeTransport()
    inner = Mailer(fake)
    transport = transport_from_function(lambda mail: inner.send(mail.message, envelope=mail.envelope))
    receipt = both.send(both.mailer(transport), MESSAGE)
    assert fake.outbox[0].message_id == receipt.message_id


def test_the_fake_can_be_emptied(both: Both) -> None:
    fake = FakeTransport()
    both.send(both.mailer(fake), MESSAGE)
    assert repr(fake) == "<FakeTransport with 1 mails>"
    fake.clear()
    assert fake.outbox == []
