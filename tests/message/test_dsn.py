"""Delivery status notifications and TLS on the whole way: asked for in a message, kept in the envelope (RFC 3461)."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    Address,
    DsnRequest,
    Envelope,
    FakeTransport,
    InvalidAddress,
    InvalidMessage,
    Mail,
    Mailer,
    Message,
    RawMessage,
    RecipientDsn,
    SmtpkitError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = Message().from_("ann@example.com").to("bob@example.com").bcc("archive@example.com").text("x")
NEVER = RecipientDsn("archive@example.com", ["never"])


def asked(message: Message) -> DsnRequest | None:
    return Mail(message).envelope.dsn


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        (BASE, None),
        (BASE.dsn("failure"), DsnRequest(["failure"])),
        (BASE.dsn("delay", "success", "delay", "failure"), DsnRequest(("success", "failure", "delay"))),
        (BASE.dsn("never"), DsnRequest("never")),
        (BASE.dsn(ret="full"), DsnRequest(ret="full")),
        (BASE.dsn("success", envelope_id="order 17"), DsnRequest(["success"], envelope_id="order 17")),
        (BASE.dsn("success", ret="headers").dsn("failure"), DsnRequest(["failure"])),
        (BASE.dsn("never", recipient="archive@example.com"), DsnRequest(recipients=[NEVER])),
        (BASE.dsn("never", recipient="archive@example.com").dsn("delay"), DsnRequest(["delay"], recipients=[NEVER])),
        (BASE.dsn("delay").dsn("never", recipient="archive@EXAMPLE.com"), DsnRequest(["delay"], recipients=[NEVER])),
        (
            BASE.dsn("success", recipient="archive@example.com").dsn("never", recipient="archive@example.com"),
            DsnRequest(recipients=[NEVER]),
        ),
    ],
)
def test_what_is_asked_for(message: Message, request_: DsnRequest | None) -> None:
    assert asked(message) == request_
    assert message.fields.get("dsn") == request_


def test_a_recipient_of_its_own() -> None:
    archive, bob = Address("archive@example.com"), Address("bob@example.com")
    request = asked(
        BASE.dsn("success", "delay").dsn(recipient="bob@example.com", original_recipient="bob@old.example").dsn("delay")
    )
    assert request is not None
    assert request.for_recipient(archive) == RecipientDsn(archive, ["delay"])
    assert request.for_recipient(bob) == RecipientDsn(bob, ["delay"], "rfc822;bob@old.example")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("annie@example.com", "rfc822;annie@example.com"),
        (Address("annie@example.com", "Annie"), "rfc822;annie@example.com"),
        ("annie@bücher.example", "rfc822;annie@xn--bcher-kva.example"),
        ('"a;b c"@example.com', 'rfc822;"a;b c"@example.com'),
        ("rfc822;annie@example.com", "rfc822;annie@example.com"),
        ("RFC822;not an address", "RFC822;not an address"),
        ("x400;/C=US/A=x/", "x400;/C=US/A=x/"),
        ("rfc822;" + "x" * 493, "rfc822;" + "x" * 493),
    ],
)
def test_the_original_recipient(given: str | Address, kept: str) -> None:
    assert RecipientDsn("bob@example.com", (), given).original_recipient == kept


INJECTED = ["x\r\nRCPT TO:<eve@example.com>", "x\n", "x\r", "x\0", "x\x7f", "x\t", "ä", "\udc80", ""]

BAD: list[tuple[Callable[[], object], type[SmtpkitError], str]] = [
    (BASE.dsn, InvalidMessage, "nothing is asked for"),
    (lambda: BASE.dsn(recipient="bob@example.com"), InvalidMessage, "nothing is asked for"),
    (lambda: BASE.dsn("never", "failure"), InvalidMessage, "'never' goes with no other time"),
    (lambda: BASE.dsn("failed"), InvalidMessage, "not a time to notify: 'failed'"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: BASE.dsn(["failure"]), InvalidMessage, "not a time to notify: ['failure']"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: BASE.dsn(ret="hdrs"), InvalidMessage, "not a part of the mail to return: 'hdrs'"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: BASE.dsn(envelope_id=17), InvalidMessage, "an envelope id must be a str"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: BASE.dsn(envelope_id="x" * 101), InvalidMessage, "not an envelope id"),
    (lambda: BASE.dsn(envelope_id=" " * 34), InvalidMessage, "not an envelope id"),
    *((lambda each=each: BASE.dsn(envelope_id=each), InvalidMessage, "not an envelope id") for each in INJECTED),
    (lambda: BASE.dsn("never", recipient="bob"), InvalidAddress, "not a valid address: 'bob'"),
    (lambda: BASE.dsn("never", recipient="b@x.com\r\nDATA"), InvalidAddress, "a carriage return"),
    (lambda: BASE.dsn("never", recipient="bob@example.com", ret="full"), InvalidMessage, "of the whole mail"),
    (lambda: BASE.dsn("never", recipient="bob@example.com", envelope_id="1"), InvalidMessage, "of the whole mail"),
    (lambda: BASE.dsn("delay", original_recipient="a@x.com"), InvalidMessage, "belongs to one recipient"),
    (lambda: original("annie"), InvalidAddress, "the original recipient: not a valid address: 'annie'"),
    (lambda: original("ännie@example.com"), InvalidMessage, "not an original recipient: 'rfc822;ännie@example.com'"),
    (lambda: original("rfc822;" + "x" * 494), InvalidMessage, "not an original recipient"),
    (lambda: original("rfc822;" + "=" * 165), InvalidMessage, "not an original recipient"),
    *((lambda each=each: original(each), SmtpkitError, "the original recipient") for each in INJECTED),
    *((lambda each=each: original(f"rfc822;{each}"), SmtpkitError, "the original recipient") for each in INJECTED),
    (lambda: original("a=b;x@example.com"), SmtpkitError, "the original recipient"),
]  # fmt: skip


def original(given: str) -> Message:
    return BASE.dsn("never", recipient="bob@example.com", original_recipient=given)


@pytest.mark.parametrize(("ask", "error", "what"), BAD)
def test_what_cannot_be_asked_for(ask: Callable[[], object], error: type[SmtpkitError], what: str) -> None:
    with pytest.raises(error, match=re.escape(what)) as caught:
        ask()
    assert caught.value.hint


def test_an_envelope_asks_for_something_itself() -> None:
    own = Envelope("ann@example.com", ["eve@example.com"], DsnRequest("never"))
    assert Mail(BASE.dsn("success"), own).envelope is own
    wrong: Any = "never"
    with pytest.raises(InvalidMessage, match="dsn= needs a DsnRequest, not str"):
        Envelope("ann@example.com", ["eve@example.com"], wrong)


def test_an_envelope_that_is_given_keeps_what_the_message_asks_for() -> None:
    given = Envelope(None, ["eve@example.com"])
    made = Mail(BASE.dsn("success").require_tls(), given).envelope
    assert made == Envelope(None, ["eve@example.com"], DsnRequest("success"), require_tls=True)
    assert Mail(BASE.require_tls(False), given).envelope is given
    strict = Envelope(None, ["eve@example.com"], require_tls=True)
    for message in (BASE, BASE.require_tls(False), RawMessage(b"From: ann@example.com\r\n\r\n")):
        assert Mail(message, strict).envelope is strict


@pytest.mark.parametrize(
    ("message", "required"),
    [(BASE, False), (BASE.require_tls(), True), (BASE.require_tls().require_tls(False), False)],
)
def test_require_tls(message: Message, required: bool) -> None:
    assert Mail(message).envelope.require_tls is required


def test_it_belongs_to_the_envelope_and_not_to_the_content() -> None:
    plain = BASE.message_id("1@example.com").completed()
    assert plain.dsn("success", ret="full", envelope_id="order 17").require_tls().as_bytes() == plain.as_bytes()


def test_a_mail_that_is_kept_still_asks() -> None:
    fake = FakeTransport()
    receipt = Mailer(fake).send(BASE.dsn("success", envelope_id="order 17").require_tls())
    assert (receipt.ok, receipt.notes) == (True, ())
    (mail,) = pickle.loads(pickle.dumps(fake.outbox))  # noqa: S301
    assert mail.envelope.dsn == DsnRequest(["success"], envelope_id="order 17")
    assert mail.envelope.require_tls


def test_a_request_about_nobody_is_a_problem() -> None:
    message = BASE.dsn("never", recipient="archive@example.com")
    assert message.problems() == ()
    assert message.dsn("never", recipient="eve@example.com").problems() == (
        "dsn(recipient='eve@example.com'): this is no recipient of the mail",
    )
