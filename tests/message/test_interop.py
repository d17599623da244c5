"""Octets, the standard library's messages and saved mails, and what a `Message` makes of them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.text import MIMEText

import pytest

from smtpkit import (
    Address,
    Envelope,
    InvalidHeader,
    InvalidMessage,
    Mail,
    Message,
    MissingSender,
    NoRecipients,
    RawMessage,
)

HEAD = b"From: ann@example.com\r\nTo: Bob <bob@example.com>, cid@example.com\r\nMessage-ID: <1@example.com>\r\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no header"),
        (b"\r\nHi\r\n", "no header"),
        (b"Hi Bob\r\n\r\n", "no header"),
        (b" folded: x\r\n\r\n", "no header"),
        (b"From ann Mon Jan 1\r\n" + HEAD + b"\r\n", "no header"),
        (HEAD + b"no field\r\n\r\n", "not a header field at position 96"),
        (HEAD + b"\r\na\rb", "a bare carriage return at position 99"),
        (HEAD + b"\r\na\nb", "a bare line feed at position 99"),
        (HEAD + b"\r\na\r\r\nb", "a bare carriage return at position 99"),
        (HEAD + b"\r\na\0b", "a NUL octet at position 99"),
        (HEAD.replace(b"\r\n", b"\n") + b"\nHi", "a bare line feed at position 21"),
        (HEAD + b"\r\n" + b"x" * 999 + b"\r\n", "the line at position 98 has more than 998 octets"),
        (HEAD + b"\r\n" + b"x" * 2000, "the line at position 98 has more than 998 octets"),
        (HEAD + b"X-Long: " + b"x" * 999 + b"\r\n\r\n", "has more than 998 octets"),
        (HEAD + b"Bcc: eve@example.com\r\n\r\n", "Bcc in the content"),
        (HEAD + b"bcc : eve@example.com\r\n\r\n", "bcc in the content"),
        (HEAD + b"Resent-Bcc: eve@example.com\r\n\r\n", "Resent-Bcc in the content"),
        (HEAD + b"Subject: \xfc\r\n\r\n", "neither ASCII nor UTF-8"),
    ],
)
def test_octets_that_do_not_travel(data: bytes, text: str) -> None:
    with pytest.raises(InvalidMessage, match=text) as caught:
        RawMessage(data)
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"\r\n",
        HEAD + b"\r\n.\r\n..\r\n.x",
        HEAD + b"\r\n" + b"x" * 998,
        HEAD + b"\r\n" + (b"x" * 998 + b"\r\n") * 5,
        HEAD + b"\r\n\xff\xfe",
        HEAD + b"X-A:\r\n folded\r\n\t twice\r\n\r\n",
    ],
)
def test_octets_stay_as_they_are(data: bytes) -> None:
    raw = RawMessage(data)
    mail = Mail(raw)
    assert mail.message is raw
    assert mail.as_bytes() == raw.as_bytes() == b"".join(raw.chunks()) == data
    assert mail.size == raw.size() == len(data)
    assert mail.message_id == raw.message_id == "<1@example.com>"
    assert mail.envelope == Envelope("ann@example.com", [Address("bob@example.com", "Bob"), "cid@example.com"])
    assert mail.needs_8bitmime is raw.eight_bit is not data.isascii()
    assert mail.needs_smtputf8 is raw.utf8_headers is False
    assert pickle.loads(pickle.dumps(raw)) == copy.deepcopy(raw) == raw  # noqa: S301
    assert hash(RawMessage(data)) == hash(raw)
    assert raw != RawMessage(data, bcc=["eve@example.com"])


def test_utf8_in_the_header_needs_smtputf8() -> None:
    mail = Mail(RawMessage(HEAD + "Subject: Grüße\r\n\r\nHi".encode()))
    assert mail.needs_smtputf8
    assert mail.needs_8bitmime
    assert mail.message.fields.get("subject") == "Grüße"


ENVELOPES: list[tuple[bytes, Envelope | str]] = [
    (b"From: a@x.com\r\nTo: b@x.com", Envelope("a@x.com", ["b@x.com"])),
    (b"From: a@x.com\r\nSender: s@x.com\r\nCc: b@x.com", Envelope("s@x.com", ["b@x.com"])),
    (b"From: a@x.com, c@x.com\r\nSender: s@x.com\r\nTo: b@x.com", Envelope("s@x.com", ["b@x.com"])),
    (
        b"From: a@x.com\r\nTo: b@x.com,\r\n c@x.com\r\nTo: d@x.com",
        Envelope("a@x.com", ["b@x.com", "c@x.com", "d@x.com"]),
    ),
    (b'From: a@x.com\r\nTo: "b@evil.com, c" <b@x.com>', Envelope("a@x.com", [Address("b@x.com", "b@evil.com, c")])),
    (b"From: a@x.com\r\nTo: Us: b@x.com, c@x.com;", Envelope("a@x.com", ["b@x.com", "c@x.com"])),
    (b"From: a@x.com\r\nTo: =?utf-8?q?J=C3=B6rg?= <b@x.com>", Envelope("a@x.com", [Address("b@x.com", "Jörg")])),
    (b"From: a@x.com\r\nTo: undisclosed-recipients:;", "nobody to send to"),
    (b"From: a@x.com", "nobody to send to"),
    (b"To: b@x.com", "no From"),
    (b"From: a@x.com, c@x.com\r\nTo: b@x.com", "several authors"),
    (b"From: a@x.com\r\nTo: b", "To cannot be read"),
    (b"From: a@x.com\r\nTo: b@x.com c@x.com", "To cannot be read"),
    (b"From: a@x.com\r\nTo: <b@x.com", "To"),
    (b"From: a@x.com\r\nTo: b@x.com\r\nResent-To: c@x.com", "sent again"),
]


@pytest.mark.parametrize(("head", "expected"), ENVELOPES)
def test_the_envelope_of_octets(head: bytes, expected: Envelope | str) -> None:
    raw = RawMessage(head + b"\r\n\r\nHi")
    if isinstance(expected, Envelope):
        assert Mail(raw).envelope == expected
    else:
        with pytest.raises(InvalidMessage, match=expected):
            Mail(raw)
    given = Envelope("x@example.com", ["y@example.com"])
    assert Mail(raw, given).envelope is given


def test_errors_of_the_envelope_have_their_kind() -> None:
    with pytest.raises(MissingSender):
        Envelope.of(RawMessage(b"To: b@x.com\r\n\r\n"))
    with pytest.raises(NoRecipients):
        Envelope.of(RawMessage(b"From: b@x.com\r\n\r\n"))


WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = Message().from_("Ann <ann@example.com>").date(WHEN).message_id("1@example.com")
ROUND_TRIPS: list[Message] = [
    BASE.text("Hi"),
    BASE.html("<p>Hi"),
    BASE.text("Hi\n\n.\nGrüße\n\n").html("<p>Grüße"),
    BASE.sender("s@example.com").to("b@x.com", "Ünal <c@bücher.example>").cc("d@x.com").reply_to("r@x.com").text("x"),
    BASE.to(Address("b@x.com", "Doe, Bob")).text("x"),
    BASE.subject("Grüße  mit   Leerzeichen =?utf-8?q?x?= " + "und sehr viel Text " * 20 + "!").text("x"),
    BASE.header("X-A", "one  two").header("X-A", "Ünï").text("x"),
    BASE.text("x").attach(bytes(range(256)), filename="Отчёт – 報告.bin"),
    BASE.text("x").attach("ü".encode(), filename="a.txt", content_type="text/plain; charset=utf-8"),
    BASE.text("x").html('<img src="cid:a">').embed(b"png", cid="a", filename="a.png"),
    BASE.html('<img src="cid:a">').embed(b"png", cid="a", filename="a.png").attach(b"pdf", filename="b.pdf"),
    BASE.text("x").priority("high").list_unsubscribe("https://example.com/leave", "leave@example.com"),
    BASE.text("x").list_unsubscribe("http://example.com/leave", one_click=False),
    BASE.text("x").auto_submitted().list_id("news.example.com"),
    BASE.text("x").auto_submitted("no").list_id("news.example.com", 'Doe, "Ann"'),
    BASE.text("x").auto_submitted("auto-notified").list_id("n.localhost", '"Grüße" aus Köln ' * 9),
    BASE.text("x").in_reply_to("<a@x>", "<b@x>").references("<z@x> <a@x>"),
    BASE.to("jörg@example.com").text("x"),
]


@pytest.mark.parametrize("message", ROUND_TRIPS, ids=range(len(ROUND_TRIPS)))
def test_round_trip(message: Message) -> None:
    expected = _comparable(message)
    assert _comparable(Message.from_email_message(message.as_email_message())) == expected
    assert _comparable(Message.parse(message.as_bytes())) == expected


def _comparable(message: Message) -> dict[str, object]:
    """Its fields, without what the octets do not tell: who made References, and a last line end."""
    fields: dict[str, object] = {**message.fields}
    fields.pop("thread", None)
    for body in ("text", "html"):
        if body in fields:
            fields[body] = str(fields[body]).rstrip("\n")
    return fields


def test_a_message_of_the_old_api() -> None:
    old = MIMEText("Grüße", _charset="utf-8")
    old["From"], old["To"], old["Subject"], old["Bcc"] = "a@x.com", "b@x.com", "Grüße", "c@x.com"
    before = old.as_string()
    message = Message.from_email_message(old)
    assert message == Message().from_("a@x.com").to("b@x.com").subject("Grüße").bcc("c@x.com").text("Grüße")
    assert old.as_string() == before


def test_a_saved_mail_with_bare_line_feeds() -> None:
    data = (
        b"Received: x\nDKIM-Signature: y\nReturn-Path: <z@x.com>\nFrom: a@x.com\nSubject: =?latin1?q?=FC?=\n\nHi\nyou\n"
    )
    assert Message.parse(data) == Message().from_("a@x.com").subject("ü").text("Hi\nyou")


def test_what_others_write_of_lists_and_robots() -> None:
    head = b"List-ID: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a.x.com> (a comment)\nAuto-Submitted: Auto-Replied (vacation)\n\nHi"
    assert Message.parse(head) == Message().list_id("a.x.com", "Grüße").auto_submitted("auto-replied").text("Hi")
    assert Message.parse(b"List-ID: a.x.com\n\nHi") == Message().list_id("a.x.com").text("Hi")


def test_a_saved_mail_in_another_charset() -> None:
    head = b"From: a@x.com\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n"
    assert Message.parse(head + b"Gr\xfc\xdfe").fields.get("text") == "Grüße"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"From: a@x.com, b@x.com\n\nHi", "From has 2 mailboxes"),
        (b"From: a@x.com\nTo: Us: b@x.com;\n\nHi", "To has a group"),
        (b"From: a@x.com\nTo: b\n\nHi", "To"),
        (b"Subject: a\nSubject: b\n\nHi", "Subject is there twice"),
        (b"Date: never\n\nHi", "Date cannot be read"),
        (b"Message-ID: none\n\nHi", "not a message id"),
        (b"Content-Type: text/plain; charset=klingon\n\nHi", "klingon"),
        (b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xff", "utf-8"),
        (b"Content-Type: multipart/signed; boundary=b\n\n--b\n\nHi\n--b\n\nx\n--b--\n", "multipart/signed"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\n\nx\n--b--\n", "two bodies"),
        (b"List-Unsubscribe: <ftp://x.com>\n\nHi", "List-Unsubscribe"),
        (b"List-Id: My list\n\nHi", "not the id of a list: 'My list'"),
        (b"Auto-Submitted: auto-replied; by=me\n\nHi", "not a kind of mail: 'auto-replied; by=me'"),
    ],
)
def test_what_a_message_cannot_represent(data: bytes, text: str) -> None:
    with pytest.raises(InvalidMessage, match=text):
        Message.parse(data)


def test_the_object_is_not_changed() -> None:
    email = EmailMessage()
    email["From"] = "a@x.com"
    email.set_content("Grüße")
    email.add_attachment(b"x", maintype="image", subtype="png", filename="ü.png")
    before = email.items()
    Message.from_email_message(email)
    assert email.items() == before
    assert email.get_boundary() is None


def test_an_injected_header_is_no_recipient() -> None:
    email = EmailMessage()
    email["From"] = "a@x.com"
    email["Subject"] = "=?utf-8?q?a=0ABcc=3A_eve=40x=2Ecom?="
    with pytest.raises(InvalidHeader):
        Message.from_email_message(email)
