"""What we write, read by PostalMime, which shares nothing with us nor with the standard library.

Any text in any field comes back equal. Where it does not the reader is at fault, and `KNOWN` says so.
"""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from needs import lacking
from readers.postal_mime import PostalMime, find_node
from smtpkit import Address, InvalidMessage, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hypothesis.strategies import DrawFn

    from smtpkit import Attachment


@pytest.fixture(scope="module")
def reader() -> Iterator[PostalMime]:
    node = find_node()
    if node is None:
        lacking("Node.js is not installed here, or `make npm` was not run", "SMTPKIT_REQUIRE_NODE")
    with PostalMime(node) as process:
        yield process


# -- what a message says, in the words of the reader --------------------------


def said(message: Message) -> dict[str, object]:
    given, utf8 = message.fields, message.content().utf8_headers
    found: dict[str, object] = {
        "from": mailboxes([given["from_"]] if "from_" in given else [], utf8),
        "sender": mailboxes([given["sender"]] if "sender" in given else [], utf8),
        "to": mailboxes(given.get("to", ()), utf8),
        "cc": mailboxes(given.get("cc", ()), utf8),
        "replyTo": mailboxes(given.get("reply_to", ()), utf8),
        "subject": given.get("subject", ""),
        "messageId": given.get("message_id", ""),
        "inReplyTo": " ".join(given.get("in_reply_to", ())),
        "references": " ".join(given.get("references", ()) or given.get("thread", ())),
        "date": datetime.strptime(given.get("date", ""), "%a, %d %b %Y %H:%M:%S %z").astimezone(UTC),
        "text": lines(given.get("text", "")) if given.keys().isdisjoint(OTHER_BODIES) or "text" in given else None,
        "html": lines(given["html"]) if "html" in given else None,
        "headers": [(name.lower(), text) for name, text in given.get("headers", ())],
    }
    files = given.get("attachments", ())
    if "html" in given:
        files = (*(each for each in files if each.content_id), *(each for each in files if not each.content_id))
    return {**found, "files": [described(file) for file in files]}


OTHER_BODIES = {"html", "attachments", "alternatives", "calendar"}


def mailboxes(addresses: Iterable[Address], utf8: bool) -> list[tuple[str, str]]:
    return [(each.addr_spec if utf8 else each.mailbox, each.display_name) for each in addresses]


def lines(text: str) -> str:
    """``text`` with line feeds only, also at the end of the last line."""
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else f"{text}\n"


def described(file: Attachment) -> tuple[object, ...]:
    inline = file.content_id is not None
    cid = f"<{file.content_id}>" if inline else None
    kind = file.content_type.partition(";")[0].lower()
    return file.filename, kind, "inline" if inline else "attachment", cid, b"".join(file.blocks(1000))


def read(reader: PostalMime, message: Message) -> dict[str, object]:
    email = reader.read(message.as_bytes())
    found: dict[str, object] = {name: email.get(name, "") for name in ("subject", "messageId", "inReplyTo")}
    found |= {"references": email.get("references", ""), "date": datetime.fromisoformat(email["date"])}
    boxes: dict[str, list[Any]] = {name: email.get(name, []) for name in ("to", "cc", "replyTo")}
    boxes |= {name: [email[name]] if name in email else [] for name in ("from", "sender")}
    found |= {name: [(each["address"], each["name"]) for each in several] for name, several in boxes.items()}
    for name in ("text", "html"):
        found[name] = lines(email[name]) if name in email else None
    found["headers"] = [(each["key"], each["value"]) for each in email["headers"] if each["key"] == "x-text"]
    found["files"] = [
        (each["filename"], each["mimeType"], each["disposition"], each.get("contentId"), b64decode(each["content"]))
        for each in email["attachments"]
    ]
    return found


# -- tables -------------------------------------------------------------------

WHEN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000")
BASE = Message().from_("Ann <ann@example.com>").to("bob@example.com").date(WHEN).message_id("<1@example.com>")
TEXTS = [
    "Hello",
    "a  b   c",
    " a ",
    "1 = 2? 50% _x_ =20",
    "Grüße aus Köln, und eine lange Zeile, die gefaltet werden muss: 🎉🎉🎉",
    "日本語の件名を付けてみる" * 20,
    "=?utf-8?q?x?=",
    "=?utf-8?b?eA==?= =?utf-8?q?y?=",
    "=?",
    '"quoted" \\back\\slash, (comment) <eve@example.com>; list:',
    "eve@example.com",
    "a\tb\x0b\x0c\x1b\x7f\x85\u2028\u202e",
    "in the middle \ufeff of it",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "e\u0301 👩‍👩‍👧‍👦",
    "x" * 900,
    "word " * 300 + "end",
]
MAILBOXES = [
    "ann@example.com",
    "a.b+c_d-e/f=g@sub.example.co.uk",
    "!#$%&'*+-/=?^_`{|}~@example.com",
    '"a b"@example.com',
    '"a@b"@example.com',
    "ann@[192.0.2.1]",
    "ann@[IPv6:2001:db8::1]",
    "ann@bücher.example",
    "root@localhost",
    "änne@bücher.example",
    "a" * 60 + "@" + ".".join(["x" * 60] * 3) + ".example",
]
BODIES = [
    "",
    "Hello",
    "Hello\n",
    "a\r\nb\rc\n\n\n",
    "From x\n.\n..\n--\n-- \n--=_mixed_1\n--=_mixed_1--\n",
    "trailing space \nand tab\t\n",
    "x" * 5000,
    "=3D =\n=20\n",
    "\0\x01\x1b\x7f",
    "Grüße\n" * 50,
    "日本語" * 500,
    "\u2028\u2029\x85\x0b\x0c",
]
SAMPLES: list[Message] = [
    *(BASE.subject(text).header("X-Text", text).header("X-Text", text[::-1]) for text in TEXTS),
    *(BASE.from_(Address("ann@example.org", text)).cc(Address("c@example.com", text), "d@x.com") for text in TEXTS),
    *(BASE.to(box).from_(box).sender(Address(box, "Doe, A.")).reply_to(box, box) for box in MAILBOXES),
    *(BASE.text(body) for body in BODIES),
    *(BASE.html(body).attach(PNG) for body in BODIES if body),
    *(BASE.text(body).html(f"<p>{body}") for body in BODIES),
    BASE.cc(Address(f"person{number}@example.com", f"Person Nümber {number}") for number in range(100)),
    BASE.in_reply_to("<0@x>").references(*(f"<{number}.$!{{}}=x@example.com>" for number in range(50))),
    *(BASE.date(datetime(2026, 2, 28, 23, 59, 59, tzinfo=timezone(timedelta(minutes=m)))) for m in (-720, -30, 0, 345)),
    BASE.attach(b""),
    BASE.attach(bytes(range(256)) * 300, filename="a.bin").attach(b"a,b\r\n\rc\n", filename="a.csv"),
    BASE.text("x").attach(b"<p>", filename="a.html").attach("ü".encode(), filename="a.txt"),
    BASE.text("x").attach(b"x", content_type='Application/X-Y; a="b; c"; charset=utf-8'),
    BASE.embed(PNG, cid="logo", filename="logo.png").text("x"),
    BASE.embed(PNG, cid="a%b=c@example.com", filename="b.png").html("x"),
    BASE.attach(PNG, filename="a.pdf")
    .embed(PNG, cid="b")
    .embed(b"GIF89a", cid="c", filename="ü.gif")
    .text("x")
    .html("y"),
    *(BASE.text("x").attach(b"x", filename=text) for text in TEXTS if not re.search(r"[/\\]|=\?.*\?=", text)),
]


@pytest.mark.parametrize("message", SAMPLES, ids=range(len(SAMPLES)))
def test_sample_is_read_back(reader: PostalMime, message: Message) -> None:
    assert read(reader, message) == said(message)


def test_what_is_neither_text_nor_file_is_there(reader: PostalMime) -> None:
    calendar = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n"
    enclosed = BASE.subject("Grüße").text("Hello").html("<p>Hello")
    message = BASE.text("x").html("y").alternative("amp", "text/x-amp-html").calendar(calendar).attach(enclosed)
    email = reader.read(message.as_bytes())
    assert (email["text"], email["html"]) == ("x\n", "y\n")
    # It writes calendars and mails with line feeds, and takes the line end before a boundary for one of the mail.
    assert [
        (
            each["mimeType"],
            each["filename"],
            each.get("method"),
            lines(b64decode(each["content"]).decode()).rstrip("\n"),
        )
        for each in email["attachments"]
    ] == [
        ("text/x-amp-html", None, None, "amp"),
        ("text/calendar", None, "REQUEST", lines(calendar).rstrip("\n")),
        ("message/rfc822", "message.eml", None, lines(enclosed.as_bytes().decode()).rstrip("\n")),
        ("application/ics", "invite.ics", None, lines(calendar).rstrip("\n")),
    ]


KNOWN: dict[str, tuple[Message, str, object]] = {
    "it drops U+FEFF where a decoded piece begins, as TextDecoder does without ignoreBOM": (
        BASE.subject("\ufeffx"),
        "subject",
        "x",
    ),
    "it takes a display name that is the address itself for none": (
        BASE.from_(Address("ann@example.com", "ann@example.com")),
        "from",
        [("ann@example.com", "")],
    ),
    "it decodes encoded-words in message ids, where RFC 2047 §5 has none": (
        BASE.references("<=?utf-8?q?x?=@example.com>"),
        "references",
        "<x@example.com>",
    ),
    "it decodes encoded-words in a file name, after RFC 2231 gave it as it is": (
        BASE.attach(b"x", filename="=?utf-8?q?x?="),
        "files",
        [("x", "application/octet-stream", "attachment", None, b"x")],
    ),
}


@pytest.mark.parametrize("reason", KNOWN)
def test_what_the_reader_does_wrong(reader: PostalMime, reason: str) -> None:
    message, field, wrong = KNOWN[reason]
    found, given = read(reader, message), said(message)
    assert found.pop(field) == wrong != given.pop(field)
    assert found == given


# -- any message --------------------------------------------------------------

# What `KNOWN` has is left out: U+FEFF in all texts, and encoded-words in file names.
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff")
TEXT = st.text(ANY, max_size=80) | st.lists(
    st.sampled_from(
        ["word", "ünï", "日本語", "🎉", " ", "   ", "=?utf-8?q?x?=", "=?", "?=", '"', "\\", "\t", "x" * 90]
    ),
    max_size=20,
).map("".join)
BODY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=300) | st.lists(
    st.sampled_from([*BODIES[1:], "\n", "\r\n", "\r", " ", "\t", "=", "é"]), max_size=8
).map("".join)
ADDRESS = st.builds(Address, st.sampled_from(MAILBOXES), TEXT)
FILE_NAME = TEXT.map(lambda text: text.replace("\\", "_").replace("/", "_")).filter(
    lambda name: name not in ("", ".", "..") and not re.search(r"=\?.*\?=", name)
)
KIND = st.sampled_from(["application/pdf", "image/png", "text/plain; charset=utf-8", "text/html", "Font/WOFF2"])
IDS = st.lists(st.from_regex(r"<[!#-'*-;A-\[\]-~]{1,80}@[A-Za-z0-9.-]{1,40}>", fullmatch=True), min_size=1, max_size=12)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATE = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=ZONES)


MAYBE = st.booleans()


def _with_ids(message: Message, ids: list[str], others: list[str]) -> Message:
    try:
        return message.message_id(ids[0]).in_reply_to(*ids).references(*others)
    except InvalidMessage:
        # Some readers cannot stand it.
        reject()


@st.composite
def messages(draw: DrawFn) -> Message:
    message = BASE.from_(draw(ADDRESS)).to(draw(st.lists(ADDRESS, max_size=5))).cc(draw(st.lists(ADDRESS, max_size=3)))
    if draw(MAYBE):
        message = message.sender(draw(ADDRESS)).reply_to(draw(st.lists(ADDRESS, max_size=2)))
    if draw(MAYBE):
        message = message.subject(draw(TEXT)).header("X-Text", draw(TEXT))
    if draw(MAYBE):
        message = message.date(draw(DATE))
    if draw(MAYBE):
        message = _with_ids(message, draw(IDS), draw(IDS))
    if draw(MAYBE):
        message = message.text(draw(BODY))
    if draw(MAYBE):
        message = message.html(draw(BODY))
    for data in draw(st.lists(st.binary(max_size=300), max_size=3)):
        message = message.attach(data, filename=draw(FILE_NAME), content_type=draw(KIND))
    for number in range(draw(st.integers(0, 2))):
        message = message.embed(PNG, cid=f"image{number}@example.com", filename=draw(FILE_NAME))
    return message


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(messages())
def test_any_message_is_read_back(reader: PostalMime, message: Message) -> None:
    assert read(reader, message) == said(message)
