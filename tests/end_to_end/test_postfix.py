"""From a mailer through a real Postfix into a mailbox, which forbids unauthorised pipelining. Public API only."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from smtpkit import (
    Address,
    AsyncMailer,
    AuthenticationFailed,
    Envelope,
    Mailer,
    Message,
    PlaintextSmtpTransport,
    Receipt,
    RecipientsRefused,
    SmtpSslTransport,
    SmtpTlsTransport,
)

if TYPE_CHECKING:
    from pathlib import Path

    from both import AnyMailer, Both
    from servers.daemon import Delivered
    from servers.postfix import Postfix
    from smtpkit import Mail, Transport
    from smtpkit.runtime.base import Runtime

pytest_plugins = ("both",)

SECURITIES = pytest.mark.parametrize("security", ["starttls", "tls"])


@pytest.fixture
def marker() -> str:
    """A text that only the mails of this test contain."""
    return f"marker-{uuid4().hex}"


def transport(postfix: Postfix, security: str = "starttls", **options: Any) -> SmtpTlsTransport | SmtpSslTransport:
    options = {
        "username": postfix.username,
        "password": postfix.password,
        "tls": postfix.certificates.ca_file,
        **options,
    }
    if security == "tls":
        return SmtpSslTransport(postfix.host, postfix.submissions_port, **options)
    return SmtpTlsTransport(postfix.host, postfix.submission_port, **options)


class Recording:
    """A transport that keeps the mails it passes on: their octets, boundaries included, were fixed before."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.mails: list[Mail] = []

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        self.mails.append(mail)
        return await self.inner.send(mail, runtime)

    async def close(self, runtime: Runtime) -> None:
        await self.inner.close(runtime)


def mailer(both: Both, postfix: Postfix, security: str = "starttls", **options: Any) -> AnyMailer:
    return both.mailer(transport(postfix, security, **options), default_from=postfix.username)


def message(marker: str) -> Message:
    return Message().to("bob@example.com").subject("Hello").header("X-Marker", marker)


def delivered(postfix: Postfix, marker: str, count: int = 1) -> list[Delivered]:
    return postfix.delivered(marker.encode(), count=count)


@SECURITIES
def test_plain(both: Both, postfix: Postfix, marker: str, security: str) -> None:
    receipt = both.send(mailer(both, postfix, security), message(marker).text("Hi Bob"))
    assert receipt.ok
    outcome = receipt.accepted["bob@example.com"]
    assert outcome.queue_id is not None
    assert outcome.queue_id in postfix.log()
    (mail,) = delivered(postfix, marker)
    assert mail.content == receipt.message.as_bytes()
    assert mail.sender == postfix.username
    assert mail.recipient == "bob@example.com"
    assert f"(Authenticated sender: {postfix.username})".encode() in mail.trace
    assert b"with ESMTPSA id" in mail.trace


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
@SECURITIES
def test_mechanisms(both: Both, postfix: Postfix, marker: str, mechanism: str, security: str) -> None:
    sender = mailer(both, postfix, security, mechanisms=[mechanism])
    assert both.send(sender, message(marker).text(mechanism)).ok
    assert len(delivered(postfix, marker)) == 1
    wrong = mailer(both, postfix, security, mechanisms=[mechanism], password="staple-staple")
    with pytest.raises(AuthenticationFailed) as caught:
        both.send(wrong, message(marker).text("never sent"))
    assert caught.value.reply is not None
    assert caught.value.reply.code == 535
    assert "staple-staple" not in f"{caught.value}{caught.value!r}"
    assert len(delivered(postfix, marker)) == 1


LINES = "\n".join(["."] * 3 + ["..", ".x", "", "x.", ". ", "."] * 200)

BODIES: list[tuple[str, Message]] = [
    ("no body", Message()),
    ("an empty body", Message().text("")),
    ("one line feed", Message().text("\n")),
    ("one dot", Message().text(".")),
    ("one dot and a line end", Message().text(".\r\n")),
    ("dots at line starts", Message().text(LINES)),
    ("dots in HTML", Message().html(LINES)),
    ("a long line", Message().text("x" * 5000)),
    ("a long line of dots", Message().text("." * 5000)),
    ("lines of 998 octets", Message().text("\n".join(["y" * 998] * 5))),
    ("all line ends", Message().text("a\rb\nc\r\nd\n\re\r\n\r\nf\r\r\n")),
    ("spaces at line ends", Message().text("a \nb\t\n \n\t\n-- \nme")),
    ("From at a line start", Message().text("From me\n>From you\n\nFrom them")),
    ("much 8-bit text", Message().text("Größe und Fähigkeit. " * 200)),
    ("8-bit text of another script", Message().text("東京から、こんにちは。\n" * 200)),
    ("8-bit HTML", Message().html("<p>Zürich – 東京 . \n.\n" * 50)),
    ("an emoji", Message().text("\N{ROCKET}" * 1000)),
    ("text and HTML", Message().text(LINES).html("<p>ü" + LINES)),
    ("every octet", Message().text("x").attach(bytes(range(256)) * 100, filename="a.bin")),
    ("an empty file", Message().attach(b"", filename="empty.txt")),
    ("lines in a file", Message().attach(b".\r\n.\r\n\r\n.\n\r", filename="dots.txt")),
    ("an inline image", Message().html('<img src="cid:a">').embed(b"\x89PNG\r\n", cid="a", filename="ä.png")),
    ("names in all scripts", Message().text("x").attach(b"x", filename="Отчёт – 報告.pdf").reply_to("Zoë <z@x.com>")),
    ("long header fields", Message().subject("word " * 60).header("X-Long", "ünïcode " * 60).text("x")),
]


def test_the_octets_are_the_same(both: Both, postfix: Postfix, marker: str) -> None:
    mails = [body.to("bob@example.com").header("X-Marker", marker) for _, body in BODIES]
    recording = Recording(transport(postfix))
    receipts = list(both.send_many(both.mailer(recording, default_from=postfix.username), mails))
    assert [receipt.ok for receipt in receipts] == [True] * len(BODIES)
    found = {mail.content for mail in delivered(postfix, marker, len(BODIES))}
    sent = [mail.as_bytes() for mail in recording.mails]
    assert [name for (name, _), content in zip(BODIES, sent, strict=True) if content not in found] == []
    assert len(found) == len(BODIES)


@SECURITIES
def test_two_megabytes_from_a_file(both: Both, postfix: Postfix, marker: str, security: str, tmp_path: Path) -> None:
    file = tmp_path / "two megabytes.bin"
    file.write_bytes(bytes(range(251)) * (2 * 1024 * 1024 // 251))
    recording = Recording(transport(postfix, security))
    both.send(both.mailer(recording, default_from=postfix.username), message(marker).text("Big").attach(file))
    (mail,) = delivered(postfix, marker)
    assert mail.content == recording.mails[0].as_bytes()
    assert len(mail.content) > 2_700_000


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("ann@example.com", "jörg@example.com"),
        ("jörg@example.com", "bob@example.com"),
        ("用户@example.com", "पता@example.com"),
    ],
)
def test_smtputf8(both: Both, postfix: Postfix, marker: str, sender: str, recipient: str) -> None:
    mail = Message().from_(Address(sender, "Jörg")).to(recipient).subject("Grüße").header("X-Marker", marker).text("ß")
    receipt = both.send(mailer(both, postfix), mail)
    assert set(receipt.accepted) == {recipient}
    (found,) = delivered(postfix, marker)
    assert found.content == receipt.message.as_bytes()
    assert found.sender == sender
    assert found.recipient == recipient
    assert b"with UTF8SMTPSA id" in found.trace


def test_smtputf8_next_to_ascii(both: Both, postfix: Postfix, marker: str) -> None:
    receipt = both.send(mailer(both, postfix), message(marker).bcc("jörg@example.com").text("Hi"))
    assert set(receipt.accepted) == {"bob@example.com", "jörg@example.com"}
    found = delivered(postfix, marker, 2)
    assert {mail.recipient for mail in found} == {"bob@example.com", "jörg@example.com"}
    assert all("jörg".encode() not in mail.content for mail in found)


@SECURITIES
@pytest.mark.parametrize("pipelining", [True, False])
def test_one_of_three_refused(both: Both, postfix: Postfix, marker: str, security: str, pipelining: bool) -> None:
    sender = mailer(both, postfix, security, pipelining=pipelining)
    receipt = both.send(sender, message(marker).to(postfix.refused, "cid@example.com").text("Hi"))
    assert set(receipt.accepted) == {"bob@example.com", "cid@example.com"}
    assert set(receipt.refused) == {postfix.refused}
    assert isinstance(receipt.error, RecipientsRefused)
    reply = receipt.refused[postfix.refused].reply
    assert reply is not None
    assert (reply.code, reply.enhanced_code) == (550, "5.1.1")
    found = delivered(postfix, marker, 2)
    assert {mail.recipient for mail in found} == {"bob@example.com", "cid@example.com"}


def test_after_refusals_the_connection_goes_on(both: Both, postfix: Postfix, marker: str) -> None:
    refused = Message().to(postfix.refused).text("never")
    mails = [message(marker).text("1"), refused, message(marker).text("2"), refused, message(marker).text("3")]
    receipts = list(both.send_many(mailer(both, postfix), mails))
    assert [receipt.ok for receipt in receipts] == [True, False, True, False, True]
    assert len(delivered(postfix, marker, 3)) == 3


@SECURITIES
def test_many_mails_over_one_connection(both: Both, postfix: Postfix, marker: str, security: str) -> None:
    sender = mailer(both, postfix, security)
    count = {"starttls": 17, "tls": 19}[security] + 4 * (both.kind == "sync")
    assert all(both.send(sender, message(marker).text(str(n))).ok for n in range(count))
    both.close(sender)
    assert len(delivered(postfix, marker, count)) == count
    spoken = rf"disconnect from .* auth=1 mail={count} rcpt={count} .*quit=1 "
    deadline = time.monotonic() + 10
    while not re.search(spoken, postfix.log()):
        assert time.monotonic() < deadline, postfix.log()
        time.sleep(0.01)


def test_envelope(both: Both, postfix: Postfix, marker: str) -> None:
    sender = mailer(both, postfix)
    both.send(sender, message(marker).text("Hi"), envelope=Envelope(None, ["dora@example.com"]))
    (mail,) = delivered(postfix, marker)
    assert mail.sender == ""
    assert mail.recipient == "dora@example.com"
    assert b"To: bob@example.com\r\n" in mail.content


def test_delivery_status_notifications(both: Both, postfix: Postfix, marker: str) -> None:
    mail = message(marker).text("Hi").bcc("cid@example.com", "dora@example.com")
    asking = mail.dsn("success", ret="headers", envelope_id=f"order {marker} +=").dsn(
        "success", recipient="cid@example.com", original_recipient="c+d@example.org"
    )
    receipt = both.send(mailer(both, postfix), asking.dsn("never", recipient="dora@example.com"))
    assert (receipt.ok, receipt.notes) == (True, ())
    # Three mails, and what Postfix tells of two of them.
    reports = [
        found.content
        for found in delivered(postfix, marker, 4)
        if b"Content-Type: multipart/report; report-type=delivery-status" in found.content
    ]
    assert len(reports) == 1
    for line in (
        f"Original-Envelope-Id: order {marker} +=",
        "Original-Recipient: rfc822;c+d@example.org",
        "Final-Recipient: rfc822; bob@example.com",
        "Action: delivered",
        "Content-Type: text/rfc822-headers",
    ):
        assert f"\r\n{line}".encode() in reports[0], reports[0].decode()
    assert b"dora@example.com" not in reports[0]


def test_a_hundred_recipients(both: Both, postfix: Postfix, marker: str) -> None:
    everybody = [f"n{n}@example.com" for n in range(100)]
    receipt = both.send(mailer(both, postfix), message(marker).bcc(everybody).text("Hi"))
    assert receipt.ok
    assert len(receipt.accepted) == 101
    assert len(delivered(postfix, marker, 101)) == 101


def test_a_relay_without_tls(both: Both, postfix: Postfix, marker: str) -> None:
    relay = both.mailer(PlaintextSmtpTransport(postfix.host, postfix.relay_port), default_from=postfix.username)
    receipt = both.send(relay, message(marker).text("Hi"))
    (mail,) = delivered(postfix, marker)
    assert mail.content == receipt.message.as_bytes()
    assert b"with ESMTP id" in mail.trace


def test_threads_and_tasks(postfix: Postfix, marker: str) -> None:
    shared = transport(postfix, connections=3)
    first, second = Mailer(shared, default_from=postfix.username), AsyncMailer(shared, default_from=postfix.username)

    async def scenario() -> list[Receipt]:
        async with second:
            sync = (asyncio.to_thread(first.send, message(marker).text(f"thread {n}")) for n in range(15))
            return await asyncio.gather(*sync, *(second.send(message(marker).text(f"task {n}")) for n in range(15)))

    with first:
        assert all(receipt.ok for receipt in asyncio.run(scenario()))
    bodies = {mail.content.rsplit(b"\r\n\r\n", 1)[1] for mail in delivered(postfix, marker, 30)}
    assert bodies == {f"{kind} {n}\r\n".encode() for kind in ("thread", "task") for n in range(15)}
