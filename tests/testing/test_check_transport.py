"""`check_transport` passes what is right, and says what is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    DeliveryError,
    FailoverTransport,
    FakeTransport,
    InvalidConfiguration,
    Mail,
    Message,
    Outcome,
    Receipt,
    RoundRobinTransport,
    transport_from_function,
)
from smtpkit.testing import check_transport

if TYPE_CHECKING:
    from collections.abc import Callable


def accepted(mail: Mail) -> Receipt:
    return Receipt.of(mail, Outcome("accepted"))


def refused(mail: Mail) -> Receipt:
    return Receipt.of(mail, Outcome("refused"), DeliveryError("no"))


RIGHT: dict[str, Callable[[], Any]] = {
    "fake": FakeTransport,
    "fake that refuses": lambda: FakeTransport().refuse_recipient("bob@example.com"),
    "fake that times out": lambda: FakeTransport().time_out("data"),
    "function": lambda: transport_from_function(accepted),
    "refusing function": lambda: transport_from_function(refused),
    "failover": lambda: FailoverTransport(FakeTransport().unreachable(), FakeTransport()),
    "round robin": lambda: RoundRobinTransport(FakeTransport(), FakeTransport()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    check_transport(RIGHT[name])


async def checked_in_a_loop() -> None:
    check_transport(FakeTransport)


def test_within_an_event_loop() -> None:
    asyncio.run(checked_in_a_loop())


class Wrong:
    """A transport that does one thing wrong."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.closed = False

    async def send(self, mail: Mail, runtime: Any) -> Any:
        match self.what:
            case "raises":
                raise OSError("gone")
            case "no receipt":
                return "sent"
            case "suspends":
                await asyncio.sleep(0)
            case "cannot be used again" if self.closed:
                raise ValueError("closed")
            case "another recipient":
                return Receipt(mail.message, {"x@example.com": Outcome("accepted")})
            case "another message":
                message = Message().from_("a@example.com").to("b@example.com").completed()
                return Receipt(message, accepted(mail).outcomes)
            case "no such status":
                return Receipt.of(mail, Outcome("sent"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            case "an error for nothing":
                return Receipt.of(mail, Outcome("accepted"), DeliveryError("no"))
            case "no error":
                return Receipt.of(mail, Outcome("refused"))
            case "an error of another receipt":
                receipt = refused(mail)
                Receipt(receipt.message, receipt.outcomes, receipt.error)
                return receipt
            case "changes the mail":
                mail.envelope = mail.only(mail.envelope.recipients[:1]).envelope
            case _:
                pass
        return accepted(mail)

    async def close(self, runtime: Any) -> None:
        self.closed = True


TOLD = {
    "raises": "a plain mail, under Mailer: .* raised OSError",
    "no receipt": r"send\(\) returned str, not a Receipt",
    "suspends": "under Mailer: .* waits only through the runtime",
    "cannot be used again": "raised ValueError",
    "another recipient": r"the receipt has outcomes for \['x@example.com'\]",
    "another message": "the receipt is about",
    "no such status": "the receipt has the status 'sent'",
    "an error for nothing": "everybody accepted, and the receipt has the error",
    "no error": "somebody did not accept, and the receipt has no error",
    "an error of another receipt": "the error of the receipt belongs to another one",
    "changes the mail": "four recipients, one of them blind, under Mailer: the mail is not what it was",
}


def test_what_makes_none() -> None:
    given: Any = FakeTransport()
    with pytest.raises(TypeError, match="needs what makes a transport"):
        check_transport(given)
    given = type(None)
    with pytest.raises(InvalidConfiguration, match="a NoneType is not a transport"):
        check_transport(given)


@pytest.mark.parametrize("what", TOLD)
def test_wrong(what: str) -> None:
    with pytest.raises(AssertionError, match=TOLD[what]):
        check_transport(lambda: Wrong(what))
