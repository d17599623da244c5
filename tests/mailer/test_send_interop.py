"""Octets and the standard library's messages, sent: byte for byte, and nothing injected."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import Header
from email.message import EmailMessage
from email.message import Message as OldMessage
from email.mime.text import MIMEText
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from smtpkit import (
    Address,
    FakeTransport,
    InvalidHeader,
    InvalidMessage,
    Message,
    MissingSender,
    PlaintextSmtpTransport,
    RawMessage,
    SmtpTlsTransport,
    UsageError,
)

if TYPE_CHECKING:
    from both import Both
    from servers.postfix import Postfix
    from servers.smtpd import StartSmtpd

pytest_plugins = ("both",)

HEAD = b"From: ann@example.com\r\nTo: bob@example.com\r\nDKIM-Signature: v=1;\r\n\tb=abc  def\r\nsubject:  x \r\n"
BODIES = [
    b"Hi\r\n",
    b".\r\n..\r\n.x\r\n\r\n.\r\n",
    b"a \r\n\tb\r\n\r\n\r\n",
    b"x" * 998 + b"\r\n",
    "Grüße\r\n.\r\n".encode(),
]


def email(**fields: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {"From": "ann@example.com", "To": "bob@example.com", **fields}.items():
        made[name] = value
    made.set_content("Grüße\n.\n..x\n")
    return made


@pytest.mark.parametrize("body", BODIES)
def test_octets_through_the_fake(both: Both, body: bytes) -> None:
    fake, data = FakeTransport(), HEAD + b"\r\n" + body
    receipt = both.send(both.mailer(fake, default_from="me@example.com"), RawMessage(data))
    assert receipt.ok
    assert receipt.message == RawMessage(data)
    assert fake.outbox[0].as_bytes() == data


def test_octets_through_a_server(both: Both, smtpd: StartSmtpd) -> None:
    server = smtpd(security="plaintext")
    mailer = both.mailer(PlaintextSmtpTransport(server.host, server.port))
    mails = [HEAD + b"\r\n" + body for body in BODIES]
    assert all(receipt.ok for receipt in both.send_many(mailer, map(RawMessage, mails)))
    assert [mail.content for mail in server.accepted] == mails
    assert ["BODY=8BITMIME" in mail.mail_options for mail in server.accepted] == [False, False, False, False, True]


def test_octets_through_postfix(both: Both, postfix: Postfix) -> None:
    marker = f"marker-{uuid4().hex}".encode()
    mails = [HEAD + b"X-Marker: " + marker + b"\r\nMessage-ID: <1@x.com>\r\nDate: x\r\n\r\n" + body for body in BODIES]
    transport = SmtpTlsTransport(
        postfix.host,
        postfix.submission_port,
        username=postfix.username,
        password=postfix.password,
        tls=postfix.certificates.ca_file,
    )
    assert all(receipt.ok for receipt in both.send_many(both.mailer(transport), map(RawMessage, mails)))
    assert {mail.content for mail in postfix.delivered(marker, count=len(mails))} == set(mails)


def test_an_email_message(both: Both) -> None:
    fake, message = FakeTransport(), email(Cc="cid@example.com", Bcc="eve@example.com", Subject="Grüße")
    before = message.items()
    receipt = both.send(both.mailer(fake), message)
    data = fake.outbox[0].as_bytes()
    assert set(receipt.accepted) == {"bob@example.com", "cid@example.com", "eve@example.com"}
    assert b"eve@" not in data
    assert data.isascii()
    assert b"\r\nDate: " in data
    assert receipt.message_id.endswith("@example.com>")
    assert message.items() == before


def test_one_without_from(both: Both) -> None:
    message, fake = email(), FakeTransport()
    del message["From"]
    both.send(both.mailer(fake, default_from="Me Ü <me@example.com>"), message)
    assert b"From: Me =?utf-8?q?=C3=9C?= <me@example.com>\r\n" in fake.outbox[0].as_bytes()
    with pytest.raises(MissingSender):
        both.send(both.mailer(fake), message)


@pytest.mark.parametrize("kind", [EmailMessage, OldMessage])
def test_a_name_that_no_field_can_have(both: Both, kind: type[EmailMessage | OldMessage]) -> None:
    made: Any = kind()
    made["X Name"] = "x"
    with pytest.raises(InvalidHeader, match="not the name of a header field: 'X Name'"):
        both.send(both.mailer(FakeTransport()), made)


def test_a_long_name_stays_as_it_was_written(both: Both) -> None:
    fake, data = (
        FakeTransport(),
        Message().from_(Address("ann@example.com", "日本語" * 30)).to("b@example.com").as_bytes(),
    )
    assert both.send(both.mailer(fake), message_from_bytes(data, policy=policy.default)).ok
    sent, given = (each.partition(b"\r\nTo:")[0] for each in (fake.outbox[0].as_bytes(), data))
    assert sent == given


def test_one_of_the_old_api(both: Both) -> None:
    fake, old = FakeTransport(), MIMEText("Grüße\n.", _charset="utf-8")
    old["From"], old["To"], old["Subject"] = "ann@example.com", "Bö <b@bücher.example>", "Grüße"
    assert both.send(both.mailer(fake), old).accepted.keys() == {"b@bücher.example"}
    assert b"To: =?utf-8?q?B=C3=B6?= <b@xn--bcher-kva.example>\r\n" in fake.outbox[0].as_bytes()


BREAKS = ("\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "=?utf-8?q?=0A?=", "=?utf-8?q?=0D=0A?=", "=?utf-8?b?DQo=?=", "\0")
FIELDS = ("Subject", "From", "To", "Cc", "Reply-To", "X-Any", "Message-ID", "Content-Type", "List-Unsubscribe")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("between", BREAKS)
@pytest.mark.parametrize("kind", [EmailMessage, OldMessage])
def test_nothing_is_injected(both: Both, kind: type[EmailMessage | OldMessage], between: str, field: str) -> None:
    value = f"a@example.com{between}Bcc: eve@example.com{between}{between}body"
    for given in (value, f"=?utf-8?q?{'x=0ABcc:_eve=40example.com'}?= <a@example.com>", Header(value)):
        made = made_with(kind, field, given)
        if made is None:
            continue
        fake: FakeTransport = FakeTransport()
        try:
            both.send(both.mailer(fake, default_from="ann@example.com"), made)
        except UsageError:
            assert not fake.outbox
            continue
        mail = fake.outbox[0]
        head = mail.as_bytes().partition(b"\r\n\r\n")[0].lower()
        assert b"\nbcc" not in head
        assert "eve@example.com" not in [each.addr_spec for each in mail.envelope.recipients]


def made_with(kind: type[EmailMessage | OldMessage], field: str, given: str | Header) -> Any:
    """The message, or None where the standard library refuses the value in one of its many ways."""
    made: Any = kind()
    try:
        if field != "To":
            made["To"] = "bob@example.com"
        made[field] = given
    except (ValueError, TypeError, AttributeError, IndexError):
        return None
    return made


def test_what_is_no_message(both: Both) -> None:
    with pytest.raises(InvalidMessage, match="not str"):
        both.send(both.mailer(FakeTransport()), "From: a@example.com")  # type: ignore[arg-type]
