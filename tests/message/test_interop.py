"""Octets, the standard library's messages and saved mails, and what a `Message` makes of them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.text import MIMEText
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpkit import (
    Address,
    Attachment,
    Envelope,
    InvalidHeader,
    InvalidMessage,
    Mail,
    Message,
    MissingSender,
    NoRecipients,
    RawMessage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Frühstück\nEND:VEVENT\nEND:VCALENDAR\n"
INNER = BASE.message_id("2@example.com").subject("Grüße").text("Hi\n\n").html("<p>ä").attach(b"x", filename="x.bin")
ROUND_TRIPS: list[Message] = [
    BASE.text("Hi"),
    BASE.html("<p>Hi"),
    BASE.text("Hi\n\n.\nGrüße\n\n").html("<p>Grüße"),
    BASE.sender("s@example.com").to("b@x.com", "Ünal <c@bücher.example>").cc("d@x.com").reply_to("r@x.com").text("x"),
    BASE.to(Address("b@x.com", "Doe, Bob")).text("x"),
    BASE.to(Address("b@x.com", "日本語" * 30), Address("c@x.com", "ä " * 40 + "!")).text("x"),
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
    # Alternatives: text and octets, beside others and alone.
    BASE.text("x").html("<p>x").alternative("<html ⚡4email>ü", "text/x-amp-html"),
    BASE.text("x").alternative("# x\n\ny", "text/markdown; variant=GFM").alternative("日本語" * 40, "text/enriched"),
    BASE.html("x").alternative("Grüße".encode("latin-1"), "text/markdown; charset=iso-8859-1"),
    BASE.html("x").alternative("Grüße".encode(), 'text/markdown; charset="utf-8"'),
    BASE.text("x").alternative(bytes(range(256)), "application/x-form; a=b").alternative("{}", "application/json"),
    BASE.alternative("# x", "text/markdown"),
    BASE.alternative(b"\0", "image/png").attach(b"pdf", filename="b.pdf"),
    BASE.alternative("x", "text/x-amp-html").html('<img src="cid:a">').embed(b"png", cid="a", filename="a.png"),
    # Calendars, and files that are like their copy.
    BASE.text("x").html("x").calendar(ICS),
    BASE.calendar(ICS),
    BASE.text("x").calendar(ICS.replace("REQUEST", "CANCEL"), "CANCEL").attach(b"pdf", filename="b.pdf"),
    BASE.text("x").calendar(ICS).attach(ICS.encode(), filename="invite.ics"),
    BASE.text("x").calendar(ICS).attach(b"BEGIN:VCALENDAR\r\n", filename="invite.ics", content_type="application/ics"),
    BASE.calendar(ICS).attach(ICS.encode(), filename="invite.ics", content_type="application/ics"),
    BASE.text("x").attach(ICS.encode(), filename="a.ics", content_type="text/calendar; method=REQUEST"),
    # Mails in mails.
    BASE.text("x").attach(INNER),
    BASE.text("x").attach(INNER.as_email_message(), filename="Grüße.eml"),
    BASE.attach(RawMessage(INNER.as_bytes())),
    BASE.text("x").attach(BASE.text("y").attach(INNER)).attach(INNER).attach(b"y", filename="y.bin"),
    BASE.text("x").attach(INNER.to("jörg@example.com")),
    BASE.attach(RawMessage("From: jörg@x.com\r\nSubject: ü\r\n\r\nGrüße".encode()), filename="ü.u8msg"),
    BASE.text("x").attach(BASE.text("y").attach(INNER.to("jörg@example.com"))),
    BASE.html('<a href="cid:m">').embed(INNER, cid="m").embed(INNER.to("jörg@example.com"), cid="n"),
    # Content types and names as they were given.
    *(
        BASE.text("x").attach(b"\xfc", filename="a.txt", content_type=f"text/{kind}; charset=iso-8859-1")
        for kind in ("plain", "html", "csv", "calendar", "markdown", "x-own", "tab-separated-values", "vcard", "xml")
    ),
    BASE.text("x").attach(b"x", filename="ü.txt", content_type='Text/X; Charset="UTF-8";a="b  c";  d=e; Name=mine.txt'),
    BASE.text("x").attach(b"x", filename="日本語のとても長いファイル名は分けて書かれます.csv"),
    BASE.html("<img>").embed(b"x", cid="=?a", filename="a;b=c.png", content_type="image/png; name=other.png"),
]


@pytest.mark.parametrize("message", ROUND_TRIPS, ids=range(len(ROUND_TRIPS)))
def test_round_trip(message: Message) -> None:
    assert_comes_back(message)
    assert _comparable(Message.from_email_message(message.as_email_message())) == _comparable(message)


@pytest.mark.parametrize(
    "octets",
    [
        b"From: a@x.com\r\n\r\nno line end",
        b"From: a@x.com\r\n\r\n",
        b"From: a@x.com\r\n",
        b"From:a@x.com\r\nX-A:\r\n folded \r\n\tline\r\n\r\nx \r\n\r\n\r\n",
        b"From: a@x.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnever closed",
        b"From: a@x.com\r\nContent-Type: multipart/signed; boundary=b\r\n\r\nfor old\r\n--b\r\n\r\n--b--\r\nat end",
        "From: jörg@x.com\r\nSubject: ü\r\n\r\nGrüße".encode(),
    ],
)
def test_an_enclosed_mail_comes_back_octet_for_octet(octets: bytes) -> None:
    mail = RawMessage(octets)
    for message in (BASE.attach(mail), BASE.text("x").attach(mail).attach(mail, filename="ü.eml")):
        parsed = Message.parse(message.as_bytes())
        assert parsed == message
        assert parsed.as_bytes() == message.as_bytes()


def assert_comes_back(message: Message) -> None:
    """What the octets say are the fields, which give the same octets again."""
    data = message.as_bytes()
    parsed = Message.parse(data)
    assert _comparable(parsed) == _comparable(message)
    assert _enclosed(parsed) == _enclosed(message)
    if not any(str(message.fields.get(body, "")).endswith(("\n", "\r")) for body in ("text", "html")):
        assert parsed.as_bytes() == data


def _enclosed(message: Message) -> list[bytes]:
    return [file.mail.as_bytes() for file in message.fields.get("attachments", ()) if file.mail]


def _comparable(message: Message) -> dict[str, object]:
    """Its fields, without what the octets do not tell.

    Who made References, last line ends of texts, whether a mail is held as fields or as octets (which the
    standard library does not keep), and whether an inline file was given before or after the others.
    """
    fields: dict[str, object] = {**message.fields}
    thread = fields.pop("thread", ())
    fields.setdefault("references", thread)
    for body in ("text", "html"):
        if body in fields:
            fields[body] = _lines(str(fields[body]))
    fields["alternatives"] = [
        (each.content if isinstance(each.content, bytes) else _lines(each.content), each.content_type)
        for each in message.fields.get("alternatives", ())
    ]
    files = message.fields.get("attachments", ())
    if "html" in fields:
        files = tuple(sorted(files, key=lambda file: file.content_id is None))
    fields["attachments"] = [(_read(file), file.filename, file.content_type, file.content_id) for file in files]
    return fields


def _read(file: Attachment) -> object:
    octets = b"".join(file.blocks(57))
    return _comparable(Message.parse(octets)) if file.mail else octets


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


# -- any mix of features -------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=50)
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
KINDS = st.sampled_from(
    ["text/x-amp-html", "application/x-a; b=c", "text/markdown; charset=utf-8", 'image/png; a="b c"']
)
ADDRESSES = st.builds(Address, st.sampled_from(["a@x.com", "jörg@x.com", "c@bücher.example"]), WORDS)
STEPS: list[Callable[[Message], st.SearchStrategy[Message]]] = [
    lambda message: TEXTS.map(message.text),
    lambda message: TEXTS.map(message.html),
    lambda message: st.builds(message.alternative, TEXTS | st.binary(max_size=50), KINDS),
    lambda message: WORDS.map(lambda word: message.calendar(ICS.replace("Frühstück", word))),
    lambda message: st.builds(message.attach, st.binary(max_size=99), filename=WORDS, content_type=st.none() | KINDS),
    lambda message: st.builds(
        message.embed,
        st.binary(max_size=99),
        # One cid is one file.
        cid=st.just(f"cid{len(message.fields.get('attachments', ()))}"),
        filename=WORDS,
        content_type=KINDS,
    ),
    lambda message: LINES.map(message.subject),
    lambda message: st.lists(ADDRESSES, min_size=1, max_size=3).map(message.to),
    lambda message: ADDRESSES.map(message.reply_to),
    lambda message: LINES.map(lambda line: message.header("X-A", line)),
    lambda message: st.sampled_from([message.priority("high"), message.priority("normal"), message.priority("low")]),
    lambda message: st.sampled_from(["<1@x>", "<2@x> <3@x>"]).map(message.in_reply_to),
]


CONTENTS = {"text", "html", "alternatives", "calendar", "attachments"}


@st.composite
def messages(draw: st.DrawFn, depth: int = 2) -> Message:
    message = BASE
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=6)):
        message = draw(step(message))
    if depth and draw(st.booleans()):
        message = message.attach(draw(messages(depth - 1)))
    # What has no content at all has an empty text.
    return message if message.fields.keys() & CONTENTS else message.text("")


@settings(max_examples=200, deadline=None)
@given(messages())
def test_any_mix_of_features_comes_back(message: Message) -> None:
    assert_comes_back(message)


# -- mails of others ----------------------------------------------------------


def test_a_message_of_the_old_api() -> None:
    old = MIMEText("Grüße", _charset="utf-8")
    old["From"], old["To"], old["Subject"], old["Bcc"] = "a@x.com", "b@x.com", "Grüße", "c@x.com"
    before = old.as_string()
    message = Message.from_email_message(old)
    assert message == Message().from_("a@x.com").to("b@x.com").subject("Grüße").bcc("c@x.com").text("Grüße")
    assert old.as_string() == before


def nested(*parts: bytes, subtype: bytes = b"mixed") -> bytes:
    """A mail of someone else with these parts, each with its header."""
    return b"From: a@x.com\r\n" + multipart(b"b", subtype, parts)


def multipart(boundary: bytes, subtype: bytes, parts: Iterable[bytes]) -> bytes:
    inner = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    return b"Content-Type: multipart/%s; boundary=%s\r\n\r\n%s--%s--" % (subtype, boundary, inner, boundary)


TEXT, HTML = b"Content-Type: text/plain\r\n\r\nHi", b"Content-Type: text/html\r\n\r\n<p>Hi"
PNG = b"Content-Type: image/png\r\n\r\nx"
INVITE = ICS.replace("ü", "ue").replace("\n", "\r\n")
CALENDAR = b"Content-Type: text/calendar; method=REQUEST; charset=us-ascii\r\n\r\n" + INVITE.encode()
COPY = b'Content-Type: application/ics; name="invite.ics"\r\nContent-Disposition: attachment; filename="invite.ics"'
MAIL = b"Content-Type: message/rfc822\r\n\r\nFrom: b@x.com\r\n\r\nx"
HI = Message().from_("a@x.com").text("Hi")
HI_MAIL = HI.attach(RawMessage(b"From: b@x.com\r\n\r\nx"))
OTHERS: list[tuple[bytes, Message]] = [
    # An invitation as Google sends it, as others do, with a name, and a calendar that is a file.
    (
        nested(multipart(b"c", b"alternative", [TEXT, CALENDAR]), COPY + b"\r\n\r\n" + INVITE.encode() + b"\r\n"),
        HI.calendar(INVITE),
    ),
    (nested(TEXT, CALENDAR, subtype=b"alternative"), HI.calendar(INVITE)),
    (nested(TEXT, CALENDAR.replace(b"; c", b"; name=a.ics; c"), subtype=b"alternative"), HI.calendar(INVITE)),
    (
        nested(TEXT, CALENDAR.replace(b"method=REQUEST; ", b""), subtype=b"alternative"),
        HI.attach(INVITE.encode(), content_type="text/calendar; charset=us-ascii"),
    ),
    (
        nested(TEXT, CALENDAR),
        HI.attach(INVITE.encode(), content_type="text/calendar; method=REQUEST; charset=us-ascii"),
    ),
    # Forms of the content, and files.
    (nested(TEXT, PNG, HTML, subtype=b"alternative"), HI.html("<p>Hi").alternative(b"x", "image/png")),
    (nested(TEXT, PNG), HI.attach(b"x", content_type="image/png")),
    (
        nested(TEXT, HTML, PNG.replace(b"\r\n\r\n", b"\r\nContent-ID: <a>\r\n\r\n"), subtype=b"related"),
        HI.html("<p>Hi").embed(b"x", cid="a", filename="attachment", content_type="image/png"),
    ),
    # Parameters, as they come.
    (
        nested(TEXT, b'Content-Type: text/csv; charset="utf-8"; name="=?utf-8?q?a?="; a=\r\n\r\nx'),
        HI.attach(b"x", filename="a", content_type='text/csv; charset="utf-8"'),
    ),
    (
        nested(TEXT, b"Content-Type: Text/CSV (a comment); name*=utf-8''a.csv; header=present; b='\r\n\r\nx"),
        HI.attach(b"x", filename="a.csv", content_type="text/csv; header=present"),
    ),
    (
        nested(TEXT, b"Content-Type: a\xfc/b\r\nContent-Disposition: attachment; filename=\r\n\r\nx"),
        HI.attach(b"x", content_type="application/octet-stream"),
    ),
    # Mails in mails.
    (nested(TEXT, MAIL), HI_MAIL),
    (nested(TEXT, MAIL).replace(b"\r\n", b"\n"), HI_MAIL),
    (
        nested(
            TEXT,
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTogYkB4LmNvbQ0KDQp4",
        ),
        HI_MAIL,
    ),
    (
        nested(TEXT, "Content-Type: message/global\r\n\r\nFrom: ü@x.com\r\n\r\nx".encode()),
        HI.attach(RawMessage("From: ü@x.com\r\n\r\nx".encode())),
    ),
]


@pytest.mark.parametrize(("data", "expected"), OTHERS)
def test_a_mail_of_others(data: bytes, expected: Message) -> None:
    assert Message.parse(data) == expected


def test_a_saved_mail_with_bare_line_feeds() -> None:
    data = (
        b"Received: x\nDKIM-Signature: y\nReturn-Path: <z@x.com>\nFrom: a@x.com\nSubject: =?latin1?q?=FC?=\n\nHi\nyou\n"
    )
    assert Message.parse(data) == Message().from_("a@x.com").subject("ü").text("Hi\nyou")


def test_what_others_write_of_lists_and_robots() -> None:
    head = b"List-ID: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a.x.com> (a comment)\nAuto-Submitted: Auto-Replied (vacation)\n\nHi"
    assert Message.parse(head) == Message().list_id("a.x.com", "Grüße").auto_submitted("auto-replied").text("Hi")
    assert Message.parse(b"List-ID: a.x.com\n\nHi") == Message().list_id("a.x.com").text("Hi")


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_Doe?=", "Jörg Doe"),
        ("=?utf-8?q?J=C3?=\r\n =?utf-8?b?tnJn?=", "Jörg"),
        ("=?latin1?q?J=F6?=\t=?utf-8?q?rg?= Doe", "Jörg Doe"),
        ("=?klingon?q?a?= =?klingon?q?b?=", "a b"),
        ("=?utf-8?q?a=22=2C?= =?utf-8?q?_b=3Cc=40x=2Ecom=3E?=", 'a", b<c@x.com>'),
    ],
)
def test_a_name_of_several_encoded_words(phrase: str, name: str) -> None:
    """White space between them is no part of it (RFC 2047 §6.2)."""
    assert Message.parse(f"From: {phrase} <a@x.com>\r\n\r\nHi".encode()) == HI.from_(Address("a@x.com", name))


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
        (b"Subject: =?utf-7?q?+2AA-?=\n\nHi", "Subject cannot be read"),
        (b"X-Priority: urgent\n\nHi", "X-Priority cannot be read"),
        (b"Message-ID: none\n\nHi", "not a message id"),
        (b"Content-Type: text/plain; charset=klingon\n\nHi", "klingon"),
        (b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xff", "utf-8"),
        (b"Content-Type: multipart/signed; boundary=b\n\n--b\n\nHi\n--b\n\nx\n--b--\n", "multipart/signed"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n--b\n\nx\n--b--\n", "two bodies"),
        (b"List-Unsubscribe: <ftp://x.com>\n\nHi", "List-Unsubscribe"),
        (b"List-Id: My list\n\nHi", "not the id of a list: 'My list'"),
        (b"Auto-Submitted: auto-replied; by=me\n\nHi", "not a kind of mail: 'auto-replied; by=me'"),
        (b"Content-Type: text/plain; charset=a\0b\n\nHi", "null"),
        (nested(TEXT, CALENDAR, CALENDAR, subtype=b"alternative"), "two bodies of type text/calendar"),
        (nested(CALENDAR.replace(b"=REQUEST", b"=CANCEL")), "the METHOD REQUEST, not CANCEL"),
        (nested(TEXT, MAIL.replace(b"\r\nx", b"\r\n\xfc")), "an enclosed mail: .*8-bit octets"),
        (nested(TEXT, MAIL.replace(b"From:", b"Bcc:")), "an enclosed mail: Bcc in the content"),
        (nested(TEXT, b"Content-Type: message/partial; id=x\r\n\r\nx"), "a part message/partial"),
        (
            nested(TEXT, b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: x"),
            "a part message/delivery-status",
        ),
        (b"Content-Transfer-Encoding: =?utf-7?q?+2ADYAA-?=\n\nHi", "an encoded-word that is no text"),
        (
            b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (each, each) for each in range(2000)),
            "too many multiparts",
        ),
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
