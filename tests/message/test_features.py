"""What mails have beside text and files: threads, list headers, alternatives, calendars, mails in mails."""

from __future__ import annotations

import pickle
import re
from base64 import b64decode
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message as OldMessage
from email.utils import unquote
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpkit import (
    InvalidAddress,
    InvalidHeader,
    InvalidMessage,
    Message,
    RawMessage,
    SmtpkitError,
    UnreadableAttachment,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = Message().from_("Ann <ann@example.com>").to("bob@example.com").subject("Hello").text("x")


def field(message: Message, name: str) -> str | None:
    """One header field, unfolded."""
    found = re.search(rf"^{name}: (.*?)\r\n(?! )", message.as_bytes().decode(), re.MULTILINE | re.DOTALL)
    return found and found[1].replace("\r\n", "")


# -- threads -----------------------------------------------------------------

ORIGINAL = BASE.message_id("3@x.example").references("<1@x.example> <2@x.example>")


@pytest.mark.parametrize(
    ("message", "in_reply_to", "references"),
    [
        (BASE.in_reply_to("1@x.example"), "<1@x.example>", "<1@x.example>"),
        (
            BASE.in_reply_to("<1@x.example>", "2@x.example"),
            "<1@x.example> <2@x.example>",
            "<1@x.example> <2@x.example>",
        ),
        (BASE.references("<0@x> <1@x>").in_reply_to("1@x"), "<1@x>", "<0@x> <1@x>"),
        (BASE.in_reply_to("1@x").references("0@x", "1@x"), "<1@x>", "<0@x> <1@x>"),
        (BASE.in_reply_to("1@x").in_reply_to("2@x"), "<2@x>", "<2@x>"),
        (BASE.references("<0@x><1@x>\r\n\t<2@x>"), None, "<0@x> <1@x> <2@x>"),
        (BASE.references("0@x", "0@x"), None, "<0@x>"),
        (BASE.in_reply_to(ORIGINAL), "<3@x.example>", "<1@x.example> <2@x.example> <3@x.example>"),
        (
            BASE.in_reply_to(ORIGINAL.as_email_message()),
            "<3@x.example>",
            "<1@x.example> <2@x.example> <3@x.example>",
        ),
        (
            BASE.in_reply_to(RawMessage(ORIGINAL.as_bytes())),
            "<3@x.example>",
            "<1@x.example> <2@x.example> <3@x.example>",
        ),
        (
            BASE.in_reply_to(RawMessage(b"From: a@x.example\r\nMESSAGE-ID: <2@x>\r\nin-reply-to: <1@x>\r\n\r\n")),
            "<2@x>",
            "<1@x> <2@x>",
        ),
        # Ids of other people's mails are not always what they should be.
        (BASE.in_reply_to("<no-at-sign>"), "<no-at-sign>", "<no-at-sign>"),
        (BASE.in_reply_to("<a@b@c>"), "<a@b@c>", "<a@b@c>"),
        (BASE, None, None),
    ],
)
def test_threads(message: Message, in_reply_to: str | None, references: str | None) -> None:
    assert field(message, "In-Reply-To") == in_reply_to
    assert field(message, "References") == references


def test_ids_are_folded_and_never_encoded() -> None:
    ids = [f"<{number}.=?utf-8?q?x?=@{'very-' * 4}long.example>" for number in range(30)]
    message = BASE.references(*ids)
    assert field(message, "References") == " ".join(ids)
    lines = message.as_bytes().split(b"\r\n")
    # A content type of one long word cannot be folded.
    assert all(len(line) <= 78 or b" " not in line.partition(b": ")[2] for line in lines)


# -- priority ----------------------------------------------------------------


@pytest.mark.parametrize(("level", "number"), [("high", "1"), ("normal", "3"), ("low", "5")])
def test_priority(level: Any, number: str) -> None:
    message = BASE.priority("normal").priority(level)
    assert (field(message, "X-Priority"), field(message, "Importance")) == (number, level)


# -- lists -------------------------------------------------------------------

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("message", "urls", "post"),
    [
        (BASE.list_unsubscribe("https://x.example/leave?id=1"), "<https://x.example/leave?id=1>", ONE_CLICK),
        (BASE.list_unsubscribe("https://x.example", one_click=False), "<https://x.example>", None),
        (BASE.list_unsubscribe("http://x.example", one_click=False), "<http://x.example>", None),
        (BASE.list_unsubscribe(mailto="leave@x.example"), "<mailto:leave@x.example>", None),
        (
            BASE.list_unsubscribe(mailto="mailto:leave@x.example?subject=off%20me"),
            "<mailto:leave@x.example?subject=off%20me>",
            None,
        ),
        (
            BASE.list_unsubscribe("https://x.example/1", "leave@x.example"),
            "<https://x.example/1>, <mailto:leave@x.example>",
            ONE_CLICK,
        ),
        (
            BASE.list_unsubscribe("https://x.example").list_unsubscribe(mailto="a@x.example"),
            "<mailto:a@x.example>",
            None,
        ),
        (BASE.list_unsubscribe(f"https://x.example/{'t' * 400}"), f"<https://x.example/{'t' * 400}>", ONE_CLICK),
    ],
)
def test_list_unsubscribe(message: Message, urls: str, post: str | None) -> None:
    assert field(message, "List-Unsubscribe") == urls
    assert field(message, "List-Unsubscribe-Post") == post


BAD_URLS = ["", "x.example", "ftp://x.example", "javascript:x", "https://", "https:///path"]


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (BASE.list_id("news.example.com"), "<news.example.com>"),
        (BASE.list_id(" <news.example.com> ", "Shop news"), "Shop news <news.example.com>"),
        (BASE.list_id("a.localhost", "News, weekly"), '"News, weekly" <a.localhost>'),
        (BASE.list_id("a.example.com", "Grüße"), "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <a.example.com>"),
        (BASE.list_id("a.example.com", "=?x?="), "=?utf-8?q?=3D=3Fx=3F=3D?= <a.example.com>"),
        (BASE.list_id(f"a.{'x' * 253}", "A"), f"A <a.{'x' * 253}>"),
        (BASE.list_id("a.example.com").list_id("b.example.com"), "<b.example.com>"),
    ],
)
def test_list_id(message: Message, value: str) -> None:
    assert field(message, "List-ID") == value


@pytest.mark.parametrize("kind", ["auto-generated", "auto-replied", "auto-notified", "no"])
def test_auto_submitted(kind: Any) -> None:
    assert field(BASE.auto_submitted(), "Auto-Submitted") == "auto-generated"
    assert field(BASE.auto_submitted(kind), "Auto-Submitted") == kind


NO_LIST_IDS = ["", "news", "news.", ".example.com", "a b.example.com", "ä.example.com", "a@b.c", f"a.{'x' * 254}"]
UNWRITABLE = ("ä", "a b", "<", "a\nBcc: x", "a>,<b", "a,b", "\0", "x" * 999)
UNWRITABLE_URLS = [f"https://x.example/{path}" for path in UNWRITABLE]


def unreadable() -> Any:
    """A mail whose id the standard library cannot show."""
    mail: OldMessage = OldMessage()
    mail["Message-ID"] = "<ä\udce2@x>"
    return mail


@pytest.mark.parametrize(
    ("give", "error", "what"),
    [
        *((lambda url=url: BASE.list_unsubscribe(url), InvalidHeader, "not a URL") for url in BAD_URLS),
        *((lambda url=url: BASE.list_unsubscribe(url), InvalidHeader, "cannot have") for url in UNWRITABLE_URLS),
        (BASE.list_unsubscribe, InvalidHeader, "nowhere to unsubscribe"),
        (lambda: BASE.list_unsubscribe("http://x.example"), InvalidHeader, "one click needs an https URL"),
        (lambda: BASE.list_unsubscribe(mailto="leave"), InvalidAddress, "List-Unsubscribe: not a valid address"),
        (lambda: BASE.list_unsubscribe(mailto="a@x.example?a b"), InvalidHeader, "cannot have"),
        *((lambda each=each: BASE.list_id(each), InvalidMessage, "not the id of a list") for each in NO_LIST_IDS),
        (lambda: BASE.list_id("a.example.com\r\nBcc: x"), InvalidMessage, "not the id of a list"),
        (
            lambda: BASE.list_id("a.example.com", "A\r\nBcc: x"),
            InvalidHeader,
            "the name of a list has a carriage return",
        ),
        (lambda: BASE.list_id("a.example.com", None), InvalidHeader, "the name of a list must be a str"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: BASE.list_id(None), InvalidMessage, "the id of a list must be a str"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: BASE.auto_submitted("yes\r\n"), InvalidMessage, "not a kind of mail: 'yes"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (BASE.in_reply_to, InvalidMessage, "In-Reply-To: no message id"),
        (lambda: BASE.in_reply_to(" "), InvalidMessage, "In-Reply-To: no message id"),
        (lambda: BASE.in_reply_to("<a@b>x"), InvalidMessage, "In-Reply-To: not a message id: '<a@b>x'"),
        (lambda: BASE.in_reply_to(BASE), InvalidMessage, "the original has no Message-ID"),
        (
            lambda: BASE.in_reply_to(RawMessage(b"From: a@x.example\r\n\r\n")),
            InvalidMessage,
            "the original has no Message-ID",
        ),
        (lambda: BASE.in_reply_to(unreadable()), InvalidMessage, "the Message-ID of the original cannot be read"),
        (lambda: BASE.in_reply_to(f"{'x' * 999}@b"), InvalidMessage, "In-Reply-To: not a message id"),
        (lambda: BASE.references("<ä@b>"), InvalidMessage, "References: not a message id: '<ä@b>'"),
        (lambda: BASE.references("<a\0@b>"), InvalidMessage, "References: not a message id"),
        (lambda: BASE.priority("urgent"), InvalidMessage, "not a priority: 'urgent'"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ],
)
def test_bad_header_fields(give: Callable[[], Message], error: type[SmtpkitError], what: str) -> None:
    with pytest.raises(error, match=re.escape(what)) as caught:
        give()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("In-Reply-To", "in_reply_to()"),
        ("REFERENCES", "references()"),
        ("X-Priority", "priority()"),
        ("Importance", "priority()"),
        ("Auto-Submitted", "auto_submitted()"),
        ("List-Id", "list_id()"),
        ("List-Unsubscribe", "list_unsubscribe()"),
        ("List-Unsubscribe-Post", "list_unsubscribe()"),
    ],
)
def test_header_names_the_method(name: str, method: str) -> None:
    with pytest.raises(InvalidHeader, match=f"{name} cannot be set") as caught:
        BASE.header(name, "x")
    assert method in (caught.value.hint or "")


def names(message: Message) -> list[str]:
    return list(message.as_email_message().keys())


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_free_text_adds_no_field(text: str) -> None:
    steps: list[tuple[Callable[[], Message], list[str]]] = [
        (lambda: BASE.in_reply_to(text), ["In-Reply-To", "References"]),
        (lambda: BASE.references(text), ["References"]),
        (lambda: BASE.list_unsubscribe(f"https://x.example/{text}", one_click=False), ["List-Unsubscribe"]),
        (lambda: BASE.list_id(f"a.{text}"), ["List-ID"]),
        (lambda: BASE.list_id("a.example.com", text), ["List-ID"]),
        (lambda: BASE.list_unsubscribe(mailto=text), ["List-Unsubscribe"]),
        (lambda: BASE.list_unsubscribe(mailto=f"a@x.example?{text}"), ["List-Unsubscribe"]),
    ]
    for give, added in steps:
        try:
            message = give()
        except SmtpkitError:
            continue
        assert sorted(names(message)) == sorted([*names(BASE), *added])
        assert message.as_bytes().isascii()


# -- alternatives ------------------------------------------------------------

AMP = "<!doctype html><html ⚡4email></html>"
MIXED, ALTERNATIVE = "multipart/mixed", "multipart/alternative"


def kinds(message: Message) -> list[str]:
    """The content types in the order of the parts."""
    return [part.get_content_type() for part in message.as_email_message().walk()]


def body(message: Message, kind: str) -> str:
    part = next(part for part in message.as_email_message().walk() if part.get_content_type() == kind)
    return str(part.get_content())


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            BASE.html("<p>x").alternative(AMP, "text/x-amp-html"),
            [ALTERNATIVE, "text/plain", "text/x-amp-html", "text/html"],
        ),
        (
            BASE.alternative("# x", "text/markdown").alternative("x", "text/enriched"),
            [ALTERNATIVE, "text/plain", "text/markdown", "text/enriched"],
        ),
        (NO_TEXT := Message().from_("ann@example.com").alternative("# x", "text/markdown"), ["text/markdown"]),
        (NO_TEXT.attach(b"x", filename="a.pdf"), [MIXED, "text/markdown", "application/pdf"]),
    ],
)
def test_alternatives(message: Message, expected: list[str]) -> None:
    assert kinds(message) == expected
    assert message.size() == len(message.as_bytes())


def test_an_alternative_comes_back() -> None:
    assert body(BASE.alternative(AMP, "text/x-amp-html"), "text/x-amp-html").strip() == AMP
    latin = BASE.alternative("Grüße".encode("latin-1"), "text/markdown; charset=iso-8859-1")
    assert body(latin, "text/markdown") == "Grüße"


# -- calendars ---------------------------------------------------------------

ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Frühstück\nEND:VEVENT\nEND:VCALENDAR\n"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            BASE.html("<p>x").calendar(ICS),
            [MIXED, ALTERNATIVE, "text/plain", "text/html", "text/calendar", "application/ics"],
        ),
        (BASE.calendar(ICS), [MIXED, ALTERNATIVE, "text/plain", "text/calendar", "application/ics"]),
        (Message().from_("ann@example.com").calendar(ICS), [MIXED, "text/calendar", "application/ics"]),
    ],
)
def test_calendar(message: Message, expected: list[str]) -> None:
    assert kinds(message) == expected
    found = message.as_email_message()
    part = next(part for part in found.walk() if part.get_content_type() == "text/calendar")
    assert dict(part["Content-Type"].params) == {"charset": "utf-8", "method": "REQUEST"}
    lines = ICS.replace("\n", "\r\n").encode()
    assert part.get_payload(decode=True) == lines
    file = list(found.walk())[-1]
    assert (file.get_filename(), file.get_payload(decode=True)) == ("invite.ics", lines)


@pytest.mark.parametrize("method", ["PUBLISH", "CANCEL", "reply"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_calendar_methods(method: str, end: str) -> None:
    message = BASE.calendar(ICS.replace("REQUEST", method).replace("\n", end), method)
    assert f"method={method.upper()}\r\n".encode() in message.as_bytes()


@pytest.mark.parametrize(
    ("give", "what"),
    [
        (lambda: BASE.calendar(ICS, "CANCEL"), "the METHOD REQUEST, not CANCEL"),
        (lambda: BASE.calendar(ICS.replace("METHOD:REQUEST\n", "")), "the METHOD (none), not REQUEST"),
        (lambda: BASE.calendar(ICS.replace("SUMMARY:", "METHOD:CANCEL\nX:")), "CANCEL and REQUEST"),
        (lambda: BASE.calendar(ICS.replace("METHOD:", "X-A: \n METHOD:")), "the METHOD (none)"),
        (lambda: BASE.calendar(ICS, "INVITE"), "not a method of iTIP: 'INVITE'"),
        (lambda: BASE.calendar("hello"), "not a calendar: 'hello'"),
        (lambda: BASE.calendar("\udc80"), "the calendar has a lone surrogate"),
        (lambda: BASE.alternative("x", "text/html"), "text/html cannot be given as an alternative"),
        (lambda: BASE.alternative("x", "Text/Plain; charset=utf-8"), "text/plain cannot be"),
        (lambda: BASE.alternative("x", "text/calendar"), "text/calendar cannot be"),
        (lambda: BASE.alternative(ICS, "text/calendar; charset=utf-8; method=REQUEST"), "text/calendar cannot be"),
        (lambda: BASE.alternative("x", "multipart/mixed"), "a file cannot be"),
        (lambda: BASE.alternative("x", "amp"), "not a content type: 'amp'"),
        (lambda: BASE.alternative("x", "text/x; charset=latin-1"), "text travels as UTF-8, not as latin-1"),
        (lambda: BASE.alternative("\udc80", "text/x"), "the alternative has a lone surrogate"),
        (lambda: BASE.embed(b"x", cid="a").embed(b"y", cid="a"), "two files cannot both be cid:a"),
    ],
)
def test_bad_parts(give: Callable[[], Message], what: str) -> None:
    with pytest.raises(InvalidMessage, match=re.escape(what)) as caught:
        give()
    assert caught.value.hint


# -- cid: ----------------------------------------------------------------------

LOGO = BASE.embed(b"x", cid="logo")
UNUSED = "'logo' is embedded, and the HTML does not show cid:logo"


@pytest.mark.parametrize(
    ("message", "problems"),
    [
        (BASE, ()),
        (BASE.html("<p>placid:x, a cid: and (say) cid:logo"), ()),
        (LOGO, ("'logo' is embedded, and there is no HTML to show it",)),
        (LOGO.html('<img src="cid:logo">'), ()),
        (LOGO.html("<img src='CID:logo'>"), ()),
        (LOGO.html("<img src=cid:logo>"), ()),
        (LOGO.html('<p style="background: url(cid:logo)">'), ()),
        (LOGO.html("<p>Hello"), (UNUSED,)),
        (LOGO.html("<p>Hello").alternative('<amp-img src="cid:logo">', "text/x-amp-html"), ()),
        (LOGO.html('<img src="cid:log">'), ("the HTML shows cid:log, and no file is embedded with cid='log'", UNUSED)),
        (BASE.embed(b"x", cid="a&b%c").html('<img src="cid:a&amp;b%25c">'), ()),
    ],
)
def test_problems(message: Message, problems: tuple[str, ...]) -> None:
    assert message.problems() == problems


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_an_alternative(text: str) -> None:
    message = BASE.alternative(text, "text/markdown")
    # Line ends become those of mail, which the reader makes "\n".
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    part = list(message.as_email_message().iter_parts())[1]
    found = part.get_payload(decode=True)
    assert isinstance(found, bytes)
    assert found.decode().replace("\r\n", "\n").removesuffix("\n") == expected.removesuffix("\n")
    assert message.problems() == ()


# -- sources of attachments --------------------------------------------------


def last_part(message: Message) -> Any:
    return list(message.as_email_message().iter_parts())[-1]


@pytest.mark.parametrize("length", [1, 57, 1000, 58_368, 100_000])
@pytest.mark.parametrize("known", [True, False])
def test_a_factory_of_chunks(length: int, known: bool) -> None:
    data = bytes(range(256)) * 500
    calls: list[int] = []

    def chunks() -> list[bytes]:
        calls.append(1)
        return [data[start : start + length] for start in range(0, len(data), length)]

    message = BASE.attach(chunks, filename="a.bin", size=len(data) if known else None)
    assert len(calls) == (0 if known else 1)
    assert message.size() == len(message.as_bytes())
    assert last_part(message).get_payload(decode=True) == data
    assert last_part(message).get_payload(decode=True) == data
    assert message.content().reads_files is known


@pytest.mark.parametrize("size", [0, 4, 6])
def test_a_factory_that_gives_another_size(size: int) -> None:
    message = BASE.attach(lambda: [b"ab", b"cde"], filename="a.bin", size=size)
    with pytest.raises(UnreadableAttachment, match=f"had {size} octets") as caught:
        message.as_bytes()
    assert "size=" in (caught.value.hint or "")


INNER = BASE.subject("Inner").message_id("2@example.com").html("<p>ä").attach(b"x", filename="x.bin")
OUTER = BASE.message_id("1@example.com")


@pytest.mark.parametrize("inner", [INNER, INNER.as_email_message(), RawMessage(INNER.as_bytes())])
@pytest.mark.parametrize("outer", [OUTER, BASE.message_id("2@example.com")])
def test_a_mail_in_a_mail(outer: Message, inner: Any) -> None:
    message = outer.attach(inner).attach(b"y", filename="y.bin")
    data = message.as_bytes()
    assert message.size() == len(data)
    assert data.isascii()
    part = list(message.as_email_message().iter_parts())[1]
    assert (part.get_content_type(), part.get_filename()) == ("message/rfc822", "message.eml")
    assert part["Content-Transfer-Encoding"] == "7bit"
    found: Any = part.get_content()
    assert found["Subject"] == "Inner"
    assert [each.get_content_type() for each in found.walk()] == kinds(INNER)
    assert [each.get_filename() for each in message.as_email_message().iter_attachments()] == ["message.eml", "y.bin"]


UTF8 = BASE.cc("jörg@example.com").subject("Grüße").message_id("3@example.com").date(datetime(2026, 1, 2, tzinfo=UTC))
UTF8_OCTETS = "From: ann@example.com\r\nTo: jörg@example.com\r\nSubject: Grüße\r\n\r\nGrüße".encode()


@pytest.mark.parametrize(
    ("inner", "octets"),
    [
        (UTF8, UTF8.as_bytes()),
        (UTF8.as_email_message(), UTF8.as_bytes()),
        (RawMessage(UTF8_OCTETS), UTF8_OCTETS),
    ],
)
def test_a_mail_with_utf8_headers_in_a_mail(inner: Any, octets: bytes) -> None:
    message = OUTER.attach(inner)
    data = message.as_bytes()
    assert message.size() == len(data)
    assert data.isascii()
    assert not message.content().utf8_headers
    assert not message.content().reads_files
    part = last_part(message)
    assert (part.get_content_type(), part.get_filename()) == ("message/global", "message.u8msg")
    assert (part["Content-Transfer-Encoding"], part.get_content_disposition()) == ("base64", "attachment")
    encoded: str = data.decode().partition("u8msg\r\n\r\n")[2].partition("--")[0]
    assert b64decode(encoded) == octets
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301


def test_a_mail_with_utf8_headers_reads_its_files_when_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    message = OUTER.attach(UTF8.attach(path))
    assert message.content().reads_files
    content = message.content()
    path.write_bytes(b"after, and longer")
    with pytest.raises(UnreadableAttachment, match="changed while it was sent"):
        b"".join(content.chunks())
    assert len(message.as_bytes()) == message.size()


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n\r\n"])
@pytest.mark.parametrize("outer", [OUTER, Message().from_("ann@example.com")])
def test_an_enclosed_mail_keeps_its_end(outer: Message, end: bytes) -> None:
    message = outer.attach(RawMessage(b"From: a@example.com\r\n\r\nHi" + end))
    parts: list[Any] = list(message.as_email_message().walk())
    part = next(each for each in parts if each.get_content_type() == "message/rfc822")
    assert part.get_payload(0).get_payload().encode() == b"Hi" + end


def test_a_mail_is_a_copy() -> None:
    message = OUTER.attach(INNER.bcc("hidden@example.com"))
    assert b"hidden" not in message.as_bytes()
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301
    unended = RawMessage(b"From: a@example.com\r\n\r\nno line end")
    assert last_part(OUTER.attach(unended)).get_content().get_content() == "no line end"


def test_a_text_file_keeps_its_charset() -> None:
    part = last_part(BASE.attach("ä;ö\n".encode("latin-1"), content_type="text/csv; charset=iso-8859-1"))
    assert part.get_content() == "ä;ö\n"


@pytest.mark.parametrize(
    ("give", "what"),
    [
        (lambda: BASE.attach(b"x", size=1), "size=1 for bytes"),
        (lambda: BASE.attach(lambda: [b"x"], size=-1), "size=-1"),
        (lambda: BASE.attach(lambda: ["x"]), "gave str"),  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
        (lambda: BASE.attach(1), "int cannot be attached"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (lambda: BASE.attach(BASE, content_type="text/plain"), "a mail cannot be 'text/plain'"),
        (lambda: BASE.attach(UTF8, content_type="message/rfc822"), "this one is message/global"),
        (lambda: BASE.attach(RawMessage("From: a@example.com\r\n\r\nä\r\n".encode())), "8-bit octets in its body"),
        (lambda: BASE.attach(Message()), "the message has no From"),
    ],
)
def test_bad_sources(give: Callable[[], Message], what: str) -> None:
    with pytest.raises(InvalidMessage, match=re.escape(what)) as caught:
        give()
    assert caught.value.hint


# -- file names for old clients ----------------------------------------------


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("report.pdf", None),
        ("my report.pdf", None),
        ("Übersicht 2026.pdf", "Ubersicht_2026.pdf"),
        ("日本語.csv", "attachment.csv"),
        ("日本語", "attachment"),
        ("ﬁle.p d f€", "file.p_d_f"),
        (f"{'long ' * 30}.txt", "long_" * 7 + "long.txt"),
        ("ä\u2028b\x85c\t.txt", "abc.txt"),
        ("é" * 90 + ".tar.gz", "e" * 40 + ".gz"),
    ],
)
def test_an_ascii_name_for_old_clients(filename: str, name: str | None) -> None:
    message = BASE.attach(b"x", filename=filename, content_type="text/x; a=b")
    for found in (message.as_email_message(), message_from_bytes(message.as_bytes())):
        part: Any = found.get_payload(1)
        assert part.get_filename() == filename
        assert part.get_param("name") == name
        assert part.get_param("a") == "b"


def test_a_name_that_is_given_stays() -> None:
    part = last_part(BASE.attach(b"x", filename="ä.txt", content_type="text/x; Name=mine.txt"))
    assert part.get_param("name") == "mine.txt"


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=100))
@example("<>")
@example("a.docx")
def test_any_file_name_has_one_content_type(filename: str) -> None:
    try:
        message = BASE.attach(b"x", filename=filename)
    except InvalidMessage:
        return
    part = last_part(message)
    # The standard library's reader strips the name, and takes quotes and angle brackets off, which it has twice.
    assert part.get_filename() == unquote(filename.replace("\\", "/").rpartition("/")[2]).strip()
    assert str(part.get_param("name", "a")).isascii()
    lines = message.as_bytes().split(b"\r\n")
    # A content type of one long word cannot be folded.
    assert all(len(line) <= 78 or b" " not in line.partition(b": ")[2] for line in lines)
