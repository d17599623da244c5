"""The mailboxes of a header, those in groups too (RFC 5322 §3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.address import Address
from smtpkit.errors import InvalidMessage, SmtpkitError
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from smtpkit.fields import Fields

__all__ = ["addresses_of", "groups_of", "read_addresses"]

# Neither part has a space or "?" (RFC 2047 §2).
_ENCODED_WORDS = Pattern(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=(?:\s+=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)+")
_RESENT = ("resent-from", "resent-to", "resent-cc")
_ENVELOPE_HINT = "Say who it is from and goes to: envelope=Envelope(sender, [recipient])."


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
        if low in ("from", "sender", "to", "cc", "bcc"):
            key = "from_" if low == "from" else low
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
    groups = groups_of(name, value)
    try:
        return tuple(Address(each.addr_spec, each.display_name) for group in groups for each in group.addresses)
    except SmtpkitError as error:
        raise InvalidMessage(f"{name}: {error.message}", hint=error.hint) from None


def groups_of(name: str, value: str) -> tuple[Any, ...]:
    """The groups of an address field; a mailbox on its own is one without a display name.

    Raises:
        InvalidMessage: it is not one.
    """
    from email.errors import InvalidHeaderDefect
    from email.headerregistry import AddressHeader, HeaderRegistry

    try:
        header: Any = HeaderRegistry(default_class=AddressHeader, use_default_map=False)(name, _joined(value))
        wrong = [each for each in header.defects if isinstance(each, InvalidHeaderDefect)]
        groups: tuple[Any, ...] = header.groups
    except Exception as error:  # the parser of the standard library fails in many ways
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}", hint=_ENVELOPE_HINT) from error
    if wrong:
        raise InvalidMessage(f"{name} cannot be read: {shown(value)}: {wrong[0]}", hint=_ENVELOPE_HINT)
    return groups


def _joined(value: str) -> str:
    """``value`` with encoded-words that follow one another made one: they are one text (RFC 2047 §6.2), and the
    standard library has a space between them.
    """
    return _ENCODED_WORDS.sub(_one_word, value) if "?=" in value else value


def _one_word(found: re.Match[str]) -> str:
    from base64 import b64encode
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        text = str(make_header(decode_header(found[0])))
        return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="
    except (HeaderParseError, LookupError, ValueError):
        return found[0]
