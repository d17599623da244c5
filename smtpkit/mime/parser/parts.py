"""The tree of parts of a mail, taken apart (RFC 2045, RFC 2046)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from smtpkit.errors import InvalidMessage
from smtpkit.mime.characters import shown
from smtpkit.mime.parser.header import with_header
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from email.message import Message as AnyEmail

    from smtpkit.message import Message

    M = TypeVar("M", bound=Message)

__all__ = ["message_from", "message_parsed"]

_QUOTED_TOKEN = Pattern(r'"[A-Za-z0-9!#$&^_.+-]+"\Z')


def message_from(empty: M, source: AnyEmail[Any, Any]) -> M:
    """``empty`` with all that is in ``source``, which stays as it is.

    Raises:
        InvalidHeader: a header has a line break.
        InvalidMessage: it has something that a `Message` cannot represent.
    """
    from copy import deepcopy

    from smtpkit.mime.generate import check_values, octets, write_addresses

    check_values(source)
    own = deepcopy(source)
    write_addresses(own)
    # As octets, which is the one form that all of its policies and versions agree on.
    return message_parsed(empty, octets(own, utf8=True))


def message_parsed(empty: M, data: bytes) -> M:
    """``empty`` with all that is in a saved mail. Raises as `message_from`."""
    from email import message_from_bytes, policy

    email = message_from_bytes(data, policy=policy.default)
    header = [(name, _unfolded(str(value))) for name, value in email.raw_items()]
    return _with_part(with_header(empty, header), email, related=False)


def _unfolded(value: str) -> str:
    value = value.encode(errors="surrogateescape").decode(errors="replace")
    return value.replace("\r\n", "").replace("\n", "").strip(" \t")


def _with_part(message: M, part: EmailMessage, *, related: bool) -> M:
    content_type = part.get_content_type()
    if part.is_multipart() and content_type.startswith("multipart/"):
        subtype = part.get_content_subtype()
        if subtype not in ("mixed", "related", "alternative"):
            raise InvalidMessage(
                f"a {content_type} cannot be taken apart and stay what it is",
                hint="RawMessage(data) sends it as it is.",
            )
        for child in _children(part):
            message = _with_part(message, child, related=related or subtype == "related")
        return message
    if content_type.startswith(("message/", "multipart/")):
        raise InvalidMessage(f"a part {content_type} cannot be a part of a Message")
    if _is_body(part):
        return _with_text(message, part)
    return _with_file(message, part, related)


def _children(part: EmailMessage) -> Iterator[EmailMessage]:
    children: Any = part.iter_parts()
    yield from children


def _is_body(part: EmailMessage) -> bool:
    return (
        part.get_content_type() in ("text/plain", "text/html")
        and part.get_content_disposition() != "attachment"
        and part.get_filename() is None
    )


def _with_text(message: M, part: EmailMessage) -> M:
    name = "html" if part.get_content_subtype() == "html" else "text"
    if name in message.fields:
        raise InvalidMessage(f"there are two bodies of type {part.get_content_type()}, and a Message has one")
    charset = part.get_content_charset("ascii")
    try:
        text = _octets(part).decode("utf-8" if charset in ("ascii", "us-ascii") else charset)
    except (LookupError, UnicodeError) as error:
        raise InvalidMessage(f"the {part.get_content_type()} body is not in {shown(charset)}: {error}") from None
    # The last line end is the encoding's (a text always travels with one).
    text = text.replace("\r\n", "\n").removesuffix("\n")
    return message.html(text) if name == "html" else message.text(text)


def _octets(part: EmailMessage) -> bytes:
    data: object = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _with_file(message: M, part: EmailMessage, related: bool) -> M:
    data, name = _octets(part), part.get_filename()
    content_type = _content_type(part)
    cid = str(part["content-id"] or "").strip().removeprefix("<").removesuffix(">")
    if cid and (related or part.get_content_disposition() != "attachment"):
        return message.embed(data, cid=cid, filename=name, content_type=content_type)
    return message.attach(data, filename=name, content_type=content_type)


def _content_type(part: EmailMessage) -> str:
    """The content type with its parameters, but for the old way to name a file."""
    from smtpkit.content_types import checked_content_type

    plain = part.get_content_type()
    found: Any = part.get_params(failobj=[], unquote=False)
    given = [(key, str(value)) for key, value in found[1:] if key.lower() not in ("name", "boundary")]
    kept = [f"{key}={value[1:-1] if _QUOTED_TOKEN.match(value) else value}" for key, value in given]
    try:
        return checked_content_type("; ".join([plain, *kept]))
    except InvalidMessage:
        return checked_content_type(plain)
