"""The header fields of a mail, as what a `Message` says in its own (RFC 5322 §3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from smtpkit.errors import InvalidMessage, SmtpkitError
from smtpkit.mime.characters import shown
from smtpkit.mime.identifiers import list_id_parts
from smtpkit.mime.parser.addresses import addresses_of, groups_of
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from smtpkit.fields import Fields, Level
    from smtpkit.message import Message

    M = TypeVar("M", bound=Message)

__all__ = ["decoded_text", "known_fields", "with_header"]

_ONE = {"from": "from_", "sender": "sender"}
_MANY = {"to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to"}
_SINGLE = (*_ONE, *_MANY, "subject", "date", "message-id")
"""What a message has once at most (RFC 5322 §3.6)."""
# What follows from the content, was written on the way, or signs the octets that it came in.
_LEFT_OUT = ("mime-version", "received", "dkim-signature", "return-path", "envelope-to")
_LIST = ("list-unsubscribe", "list-unsubscribe-post")
_URL = Pattern(r"<\s*([^<>]*?)\s*>")
_LEVELS: dict[str, Level] = {
    "1": "high",
    "2": "high",
    "3": "normal",
    "4": "low",
    "5": "low",
    "high": "high",
    "normal": "normal",
    "low": "low",
}


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


def with_header(message: M, header: Iterable[tuple[str, str]]) -> M:
    """``message`` with all that a header says; its values are unfolded.

    Raises:
        InvalidMessage: a field that a `Message` cannot represent.
    """
    seen = set[str]()
    urls: list[str] = []
    for name, value in header:
        low = name.lower()
        if low in _SINGLE and low in seen:
            raise InvalidMessage(f"{name} is there twice (RFC 5322 §3.6)")
        seen.add(low)
        if low == _LIST[0]:
            urls.append(value)
        elif low not in _LIST:
            message = _with_field(message, name, value)
    return _with_list(message, ", ".join(urls), one_click=_LIST[1] in seen) if urls else message


def _with_field(message: M, name: str, value: str) -> M:
    """``message`` with one header field."""
    low = name.lower()
    if low in _ONE or low in _MANY:
        return _with_addresses(message, name, value)
    if low == "subject":
        return message.subject(decoded_text(name, value))
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
        return message.list_id(identifier, decoded_text(name, phrase))
    if low in _LEFT_OUT or low.startswith("content-"):
        return message
    return message.header(name, decoded_text(name, value))


def _with_addresses(message: M, name: str, value: str) -> M:
    low = name.lower()
    found = addresses_of(name, value)
    if low in _MANY:
        if any(group.display_name is not None and group.addresses for group in groups_of(name, value)):
            raise InvalidMessage(f"{name} has a group: {shown(value)}", hint="Name its members one by one.")
        return getattr(message, _MANY[low])(*found) if found else message
    if len(found) != 1:
        raise InvalidMessage(f"{name} has {len(found)} mailboxes, and a Message one: {shown(value)}")
    return message.from_(found[0]) if low == "from" else message.sender(found[0])


def decoded_text(name: str, value: str) -> str:
    """The text of an unstructured field, its encoded-words decoded (RFC 2047)."""
    from email.headerregistry import HeaderRegistry, UnstructuredHeader

    try:
        header: object = HeaderRegistry(default_class=UnstructuredHeader, use_default_map=False)(name, value)
    except Exception as error:  # the parser of the standard library fails in many ways
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}") from error
    return str(header)


def _level(name: str, value: str) -> Level:
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


def _with_list(message: M, value: str, *, one_click: bool) -> M:
    """``message`` with List-Unsubscribe and its Post, which are one thing (RFC 8058 §3.1)."""
    urls = _URL.findall(value)
    pages = [url for url in urls if url.lower().startswith("http")]
    mailtos = [url for url in urls if url.lower().startswith("mailto:")]
    if len(pages) > 1 or len(mailtos) > 1 or len(urls) != len(pages) + len(mailtos) or not urls:
        raise InvalidMessage(f"List-Unsubscribe has more than one page and one mailto: {shown(value)}")
    return message.list_unsubscribe(pages[0] if pages else None, mailtos[0] if mailtos else None, one_click=one_click)
