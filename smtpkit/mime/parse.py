"""From octets, or the standard library's message, back to fields (RFC 5322, RFC 2045)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from smtpkit.address import Address
from smtpkit.errors import InvalidMessage, SmtpkitError
from smtpkit.mime.characters import shown
from smtpkit.mime.identifiers import list_id_parts
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from email.message import EmailMessage
    from email.message import Message as AnyEmail

    from smtpkit.message import Fields, Message

    M = TypeVar("M", bound=Message)

__all__ = ["known_fields", "message_from", "message_parsed", "read_addresses"]

_ONE = {"from": "from_", "sender": "sender"}
_MANY = {"to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to"}
_RESENT = ("resent-from", "resent-to", "resent-cc")
_SINGLE = (*_ONE, *_MANY, "subject", "date", "message-id")
"""What a message has once at most (RFC 5322 §3.6)."""
# What follows from the content, was written on the way, or signs the octets that it came in.
_LEFT_OUT = ("mime-version", "received", "dkim-signature", "return-path")
_LIST = ("list-unsubscribe", "list-unsubscribe-post")
_URL = Pattern(r"<\s*([^<>]*?)\s*>")
_QUOTED_TOKEN = Pattern(r'"[A-Za-z0-9!#$&^_.+-]+"\Z')
_LEVELS: dict[str, Literal["high", "normal", "low"]] = {
    "1": "high",
    "2": "high",
    "3": "normal",
    "4": "low",
    "5": "low",
    "high": "high",
    "normal": "normal",
    "low": "low",
}
_ENVELOPE_HINT = "Say who it is from and goes to: envelope=Envelope(sender, [recipient])."


# -- addresses -------------------------------------------------------------------


def read_addresses(header: Iterable[tuple[str, str]]) -> Fields:
    """From, Sender, To and Cc, by the names of `Message.fields`; several From need a Sender, and it is the author then.

    Raises:
        InvalidMessage: one of them cannot be read, or it is not clear which of them count.
    """
    found: dict[str, tuple[Address, ...]] = {}
    for name, value in header:
        low = name.lower()
        if low in _RESENT:
            raise InvalidMessage(
                f"{name}: the message was sent again, and its To is not who gets it", hint=_ENVELOPE_HINT
            )
        if low in _ONE or low in ("to", "cc", "bcc"):
            key = _ONE.get(low, low)
            found[key] = found.get(key, ()) + addresses_of(name, value)
    authors, senders = found.get("from_", ()), found.get("sender", ())
    if len(authors) > 1 and not senders:
        raise InvalidMessage("several authors in From, and no Sender (RFC 5322 §3.6.2)", hint=_ENVELOPE_HINT)
    fields: Any = {**found}
    for key, each in (("from_", authors), ("sender", senders)):
        fields.pop(key, None)
        if each:
            fields[key] = each[0]
    made: Fields = fields
    return made


def addresses_of(name: str, value: str) -> tuple[Address, ...]:
    """The mailboxes of an address field, those in groups too (RFC 5322 §3.4).

    Raises:
        InvalidMessage: it is not one.
    """
    groups = _groups(name, value)
    try:
        return tuple(Address(each.addr_spec, each.display_name) for group in groups for each in group.addresses)
    except SmtpkitError as error:
        raise InvalidMessage(f"{name}: {error.message}", hint=error.hint) from None


def _groups(name: str, value: str) -> tuple[Any, ...]:
    from email.errors import InvalidHeaderDefect
    from email.headerregistry import AddressHeader, HeaderRegistry

    try:
        header: Any = HeaderRegistry(default_class=AddressHeader, use_default_map=False)(name, value)
        wrong = [each for each in header.defects if isinstance(each, InvalidHeaderDefect)]
        groups: tuple[Any, ...] = header.groups
    except Exception as error:  # the parser of the standard library fails in many ways
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}", hint=_ENVELOPE_HINT) from error
    if wrong:
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}: {wrong[0]}", hint=_ENVELOPE_HINT)
    return groups


def known_fields(header: Iterable[tuple[str, str]]) -> Fields:
    """The fields of a header that can be read; what cannot is left out."""
    from smtpkit.message import Message

    message = Message()
    for name, value in header:
        try:
            message = _with_field(message, name, value) if name.lower() in _SINGLE else message
        except SmtpkitError:
            continue
    return message.fields


# -- header fields ---------------------------------------------------------------


def _with_field(message: M, name: str, value: str) -> M:
    """``message`` with one header field."""
    low = name.lower()
    if low in _ONE or low in _MANY:
        return _with_addresses(message, name, value)
    if low == "subject":
        return message.subject(_decoded(name, value))
    if low == "date":
        return message.date(_time(value))
    if low == "message-id":
        return message.message_id(value)
    if low == "in-reply-to":
        return message.in_reply_to(value)
    if low == "references":
        return message.references(value)
    if low in ("x-priority", "importance"):
        return message.priority(_level(name, value))
    if low == "auto-submitted":
        return message.auto_submitted(cast("Any", value.partition("(")[0].strip().lower()))
    if low == "list-id":
        identifier, phrase = list_id_parts(value)
        return message.list_id(identifier, _decoded(name, phrase))
    if low in _LEFT_OUT or low.startswith("content-"):
        return message
    return message.header(name, _decoded(name, value))


def _with_addresses(message: M, name: str, value: str) -> M:
    low = name.lower()
    found = addresses_of(name, value)
    if low in _MANY:
        if any(group.display_name is not None and group.addresses for group in _groups(name, value)):
            raise InvalidMessage(f"{name} has a group: {shown(value)}", hint="Name its members one by one.")
        return getattr(message, _MANY[low])(*found) if found else message
    if len(found) != 1:
        raise InvalidMessage(f"{name} has {len(found)} mailboxes, and a Message one: {shown(value)}")
    return message.from_(found[0]) if low == "from" else message.sender(found[0])


def _decoded(name: str, value: str) -> str:
    """The text of an unstructured field, its encoded-words decoded (RFC 2047)."""
    from email.headerregistry import HeaderRegistry, UnstructuredHeader

    try:
        header: object = HeaderRegistry(default_class=UnstructuredHeader, use_default_map=False)(name, value)
    except Exception as error:  # as above
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}") from error
    return str(header)


def _level(name: str, value: str) -> Literal["high", "normal", "low"]:
    level = _LEVELS.get(value.lower()) or _LEVELS.get(value[:1])
    if level is None:
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}")
    return level


def _time(value: str) -> datetime:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        raise InvalidMessage(f"Date cannot be read: {shown(value)}") from None
    # "-0000" is UTC, from a place that is not told (RFC 5322 §3.3).
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


# -- messages --------------------------------------------------------------------


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
    message, seen = empty, set[str]()
    for name, value in email.raw_items():
        low = name.lower()
        if low in _SINGLE and low in seen:
            raise InvalidMessage(f"{name} is there twice (RFC 5322 §3.6)")
        seen.add(low)
        if low not in _LIST:
            message = _with_field(message, name, _unfolded(str(value)))
    return _with_part(_with_list(message, email), email, related=False)


def _with_list(message: M, email: EmailMessage) -> M:
    """``message`` with List-Unsubscribe and its Post, which are one thing (RFC 8058 §3.1)."""
    values = [_unfolded(str(value)) for name, value in email.raw_items() if name.lower() == _LIST[0]]
    if not values:
        return message
    urls = _URL.findall(", ".join(values))
    pages = [url for url in urls if url.lower().startswith("http")]
    mailtos = [url for url in urls if url.lower().startswith("mailto:")]
    if len(pages) > 1 or len(mailtos) > 1 or len(urls) != len(pages) + len(mailtos) or not urls:
        raise InvalidMessage(f"List-Unsubscribe has more than one page and one mailto: {shown(', '.join(values))}")
    return message.list_unsubscribe(
        pages[0] if pages else None, mailtos[0] if mailtos else None, one_click=_LIST[1] in email
    )


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
