"""Every place where text comes into a `Message`: what may be given there must not get out of its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.message import Message as OldMessage
from io import BytesIO
from typing import TYPE_CHECKING, Any

from smtpkit import Address, Message, RawMessage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BASE", "ENTRANCES", "Entrance"]

BASE = (
    Message()
    .from_("ann@example.com")
    .to("bob@example.com")
    .date(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    .message_id("<1@example.com>")
)


class Entrance:
    """One way in: ``give`` takes a text.

    ``harmless`` is one that is taken there, and shows which fields and parts there are then; where it is
    ``one_line``, line breaks are refused.
    """

    # No NamedTuple: pyright does not infer the parameter of a lambda that is given to one.
    def __init__(self, give: Callable[[str], Message], harmless: str = "x", *, one_line: bool = True) -> None:
        self.give = give
        self.harmless = harmless
        self.one_line = one_line


def _mail_with_id(text: str) -> Any:
    mail: OldMessage = OldMessage()
    mail["Message-ID"] = text
    return mail


class _Named(BytesIO):
    def __init__(self, name: str) -> None:
        super().__init__(b"x")
        self.name = name


def _raw(field: str) -> RawMessage:
    # Octets that are no mail are refused by another error than a field that cannot be read.
    return RawMessage(f"Message-ID: <0@x>\r\n{field}\r\n\r\n".encode(errors="replace"))


# What the types forbid may come from outside all the same.
_loosely: Any = BASE
_ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nSUMMARY:{}\nEND:VCALENDAR\n"
_IMAGE = BASE.text("x").html('<img src="cid:logo">')

ENTRANCES: dict[str, Entrance] = {
    # Names
    "from name": Entrance(lambda text: BASE.from_(Address("ann@example.com", text))),
    "sender name": Entrance(lambda text: BASE.sender(Address("dan@example.com", text))),
    "to name": Entrance(lambda text: BASE.to(Address("dan@example.com", text), "flo@example.com")),
    "cc name": Entrance(lambda text: BASE.cc(Address("dan@example.com", text), "flo@example.com")),
    "bcc name": Entrance(lambda text: BASE.bcc(Address("dan@example.com", text))),
    "reply-to name": Entrance(lambda text: BASE.reply_to(Address("dan@example.com", text), "flo@example.com")),
    "return-path name": Entrance(lambda text: BASE.return_path(Address("dan@example.com", text))),
    "name in quotes": Entrance(lambda text: BASE.to(f'"{text}" <dan@example.com>')),
    "name without quotes": Entrance(lambda text: BASE.cc(f"{text} <dan@example.com>")),
    # Addresses
    "from": Entrance(lambda text: BASE.from_(f"{text}@example.com")),
    "sender domain": Entrance(lambda text: BASE.sender(f"dan@{text}.example.com")),
    "to": Entrance(lambda text: BASE.to(f"{text}@example.com")),
    "to literal": Entrance(lambda text: BASE.to(f"dan@[{text}]"), "192.0.2.1"),
    "cc in brackets": Entrance(lambda text: BASE.cc(f"Dan <dan{text}@example.com>")),
    "bcc": Entrance(lambda text: BASE.bcc(f"dan{text}@example.com")),
    "reply-to quoted": Entrance(lambda text: BASE.reply_to(f'"{text}"@example.com'), "a b"),
    "return-path": Entrance(lambda text: BASE.return_path(f"dan@{text}.example.com")),
    # Fields
    "subject": Entrance(BASE.subject),
    "header": Entrance(lambda text: BASE.header("X-Text", text)),
    "header name": Entrance(lambda text: BASE.header(text, "x"), "X-Name"),
    "date zone": Entrance(
        lambda text: BASE.date(datetime(2026, 1, 2, tzinfo=timezone(timedelta(0), text))), one_line=False
    ),
    "message id": Entrance(lambda text: BASE.message_id(f"<{text}@example.com>")),
    "message id domain": Entrance(lambda text: BASE.message_id(f"1@{text}.example.com")),
    # A text may be a folded References field, so that white space parts ids.
    "in-reply-to": Entrance(lambda text: BASE.in_reply_to(f"<{text}@example.com>"), one_line=False),
    "in-reply-to mail": Entrance(lambda text: BASE.in_reply_to(_mail_with_id(f"<{text}@x>")), one_line=False),
    "references": Entrance(lambda text: BASE.references("<0@x>", f"{text}@example.com"), one_line=False),
    "in-reply-to raw": Entrance(lambda text: BASE.in_reply_to(_raw(f"References: <{text}@x>")), one_line=False),
    "priority": Entrance(_loosely.priority, "high"),
    "auto-submitted": Entrance(_loosely.auto_submitted, "auto-replied"),
    "list id": Entrance(lambda text: BASE.list_id(f"{text}.example.com")),
    "list id in brackets": Entrance(lambda text: BASE.list_id(f"<news.{text}>")),
    "list name": Entrance(lambda text: BASE.list_id("news.example.com", text)),
    "unsubscribe url": Entrance(lambda text: BASE.list_unsubscribe(f"https://example.com/{text}")),
    "unsubscribe host": Entrance(lambda text: BASE.list_unsubscribe(f"https://{text}.example.com/")),
    "unsubscribe mailto": Entrance(lambda text: BASE.list_unsubscribe(mailto=f"{text}@example.com")),
    "unsubscribe mailto query": Entrance(lambda text: BASE.list_unsubscribe(mailto=f"dan@example.com?subject={text}")),
    # The envelope
    "dsn": Entrance(_loosely.dsn, "delay"),
    "dsn ret": Entrance(lambda text: _loosely.dsn(ret=text), "headers"),
    "dsn envelope id": Entrance(lambda text: BASE.dsn(envelope_id=text)),
    "dsn recipient": Entrance(lambda text: BASE.dsn("failure", recipient=f"{text}@example.com")),
    "dsn original recipient": Entrance(
        lambda text: BASE.dsn(recipient="bob@example.com", original_recipient=f"{text}@example.com")
    ),
    "dsn original recipient with a type": Entrance(
        lambda text: BASE.dsn(recipient="bob@example.com", original_recipient=f"rfc822;{text}")
    ),
    "dsn type of an original recipient": Entrance(
        lambda text: BASE.dsn(recipient="bob@example.com", original_recipient=f"{text};bob")
    ),
    # Bodies
    "text": Entrance(BASE.text, one_line=False),
    "html": Entrance(BASE.html, one_line=False),
    "text of two": Entrance(lambda text: BASE.html("x").text(text), one_line=False),
    "alternative": Entrance(lambda text: BASE.text("x").alternative(text, "text/x-amp-html"), one_line=False),
    "alternative as octets": Entrance(
        lambda text: BASE.alternative(text.encode(errors="surrogatepass"), "text/x"), one_line=False
    ),
    "alternative type": Entrance(lambda text: BASE.alternative("x", f"text/{text}")),
    "alternative charset": Entrance(lambda text: BASE.alternative(b"x", f"text/x; charset={text}")),
    "calendar": Entrance(lambda text: BASE.calendar(_ICS.format(text)), one_line=False),
    "calendar's own method": Entrance(lambda text: BASE.calendar(_ICS.replace("REQUEST", text)), "REQUEST"),
    "calendar method": Entrance(lambda text: BASE.calendar(_ICS, text), "REQUEST"),
    # Files
    "file name": Entrance(lambda text: BASE.text("x").attach(b"x", filename=text)),
    "file's own name": Entrance(lambda text: BASE.text("x").attach(_Named(text))),
    "file name of a mail": Entrance(lambda text: BASE.text("x").attach(BASE, filename=text)),
    "file name of an image": Entrance(lambda text: _IMAGE.embed(b"x", cid="logo", filename=text)),
    "path": Entrance(lambda text: BASE.text("x").attach(text), __file__, one_line=False),
    "content type": Entrance(lambda text: BASE.text("x").attach(b"x", content_type=text), "a/b"),
    "subtype": Entrance(lambda text: BASE.text("x").attach(b"x", content_type=f"text/{text}")),
    "parameter": Entrance(lambda text: BASE.text("x").attach(b"x", content_type=f"text/plain; x={text}")),
    "quoted parameter": Entrance(lambda text: BASE.text("x").attach(b"x", content_type=f'text/plain; x="{text}"')),
    "content id": Entrance(lambda text: _IMAGE.embed(b"x", cid=text)),
    "content type of an image": Entrance(lambda text: _IMAGE.embed(b"x", cid="logo", content_type=f"image/{text}")),
}
