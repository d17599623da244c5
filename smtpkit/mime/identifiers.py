"""Ids and URLs in header fields: never encoded, so they are checked (RFC 5322 §3.6.4, RFC 2369, RFC 2919, RFC 8058)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress, InvalidHeader, InvalidMessage
from smtpkit.mime.characters import refuse_encoded_words, require_text, shown, unquoted
from smtpkit.mime.headers import structured
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["checked_list_id", "checked_message_id", "list_id_parts", "message_ids", "unsubscribe_urls"]

# Wider than RFC 5322 §3.6.4, as ids are; but where a special begins a side, the standard library's readers break off.
_ID_SIDE = r"(?![(),:;\[\]])[!#-;=?A-\[\]-~]+"
_MESSAGE_ID = Pattern(rf"\s*<?({_ID_SIDE}@(?:\[[!-;=?A-Z^-~]+\]|{_ID_SIDE}))>?\s*\Z")
# Of other people's mails, some of which have no "@", or two.
_ANY_ID = Pattern(r"<[!-;=?-~]{1,990}>\Z")
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LIST_ID = Pattern(rf"{_ATOM}(?:\.{_ATOM})+\Z")
_LONGEST_LIST_ID = 255
_HTTP_URL = Pattern(r"(?i)https?://[^/?#]+")
# A comma or bracket would end the URL for many readers: both can be percent-encoded.
_URL = Pattern(r"[!-+\--;=?-~]{1,990}\Z")


def checked_message_id(given: str) -> str:
    """A Message-ID in its angle brackets.

    Raises:
        InvalidMessage: it has no left and right side, or more than ASCII.
        InvalidHeader: it fits in no line.
    """
    require_text("the message id", given, InvalidMessage)
    found = _MESSAGE_ID.match(given)
    if not found:
        raise InvalidMessage(f"not a message id: {shown(given)}", hint="Write it as <unique@example.com>.")
    refuse_encoded_words("the message id", found[1], InvalidMessage)
    structured("Message-ID", f"<{found[1]}>")
    return f"<{found[1]}>"


def message_ids(field: str, given: Iterable[str]) -> tuple[str, ...]:
    """The ids in ``given``, each once; a text may hold several, as a References field does.

    Raises:
        InvalidMessage: there is none, or one that no field can carry.
    """
    found: dict[str, None] = {}
    for text in given:
        for word in text.replace("><", "> <").split():
            one = word if word[0] == "<" and word[-1] == ">" else f"<{word}>"
            if not _ANY_ID.match(one) or _hides_break(one):
                raise InvalidMessage(
                    f"{field}: not a message id: {shown(word)}", hint="Write it as <unique@example.com>."
                )
            found[one] = None
    # It may begin in one and end in another.
    if _hides_break(together := " ".join(found)):
        raise InvalidMessage(
            f"{field}: not a message id, but a line break to many readers: {shown(together)}",
            hint="Leave out the ids of mails that come from outside and have one.",
        )
    if not found:
        raise InvalidMessage(f"{field}: no message id", hint="Give the Message-ID of the mail that is answered.")
    return tuple(found)


def checked_list_id(given: str) -> str:
    """The id of a list, without angle brackets: a label of its own in a domain, up to 255 octets (RFC 2919 §3).

    Raises:
        InvalidMessage: it is none.
    """
    identifier = given.strip().removeprefix("<").removesuffix(">")
    if len(identifier) > _LONGEST_LIST_ID or not _LIST_ID.match(identifier):
        raise InvalidMessage(
            f"not the id of a list: {shown(given)}",
            hint='Write it like a host name in your domain: "news.example.com"; what people read is name=.',
        )
    refuse_encoded_words("the id of a list", identifier, InvalidMessage)
    return identifier


def list_id_parts(value: str) -> tuple[str, str]:
    """The id in a List-ID, unchecked, and the phrase before it; old ones have no brackets (RFC 2919 §3)."""
    phrase, _, identifier = value.rpartition("<")
    name = phrase.strip()
    said, rest = unquoted(name) or (name, "")
    return identifier.partition(">")[0], name if rest else said


def _hides_break(text: str) -> bool:
    """Whether readers who decode encoded-words where there are none (RFC 2047 §5) get a line break or NUL.

    Ids are other people's: one with any other encoded-word in it is still the id of their mail.
    """
    if "=?" not in text:
        return False
    from email.errors import HeaderParseError
    from email.header import decode_header

    try:
        pieces = [piece.encode() if isinstance(piece, str) else piece for piece, _ in decode_header(text)]
    except HeaderParseError:
        return False
    # UTF-7 has them in base64 of its own.
    return b"=?utf-7?" in text.lower().encode() or any(octet in b"\r\n\0" for piece in pieces for octet in piece)


def unsubscribe_urls(url: str | None, mailto: str | None, one_click: bool) -> str:
    """The value of List-Unsubscribe: URLs in angle brackets, that of a web page first (RFC 2369 §2, §3.2).

    Raises:
        InvalidHeader: there is no URL, or one that cannot stand there.
        InvalidAddress: ``mailto`` has no valid address.
    """
    urls: list[str] = []
    if url is not None:
        require_text("List-Unsubscribe: the URL", url, InvalidHeader)
        if not _HTTP_URL.match(url):
            raise InvalidHeader(
                f"List-Unsubscribe: not a URL: {shown(url)}",
                hint='Write it as "https://example.com/leave?id=1"; an address goes into mailto=.',
            )
        if one_click and url[:5].lower() != "https":
            raise InvalidHeader(
                f"List-Unsubscribe: one click needs an https URL, not {shown(url)} (RFC 8058 §3.1)",
                hint="Use https, or one_click=False.",
            )
        urls.append(_checked_url(url))
    if mailto is not None:
        urls.append(_checked_url(_mailto_url(mailto)))
    if not urls:
        raise InvalidHeader("List-Unsubscribe: nowhere to unsubscribe", hint="Give url=, mailto=, or both.")
    return ", ".join(f"<{each}>" for each in urls)


def _mailto_url(given: str) -> str:
    require_text("List-Unsubscribe: mailto", given, InvalidHeader)
    plain = given[7:] if given[:7].lower() == "mailto:" else given
    address, mark, query = plain.partition("?")
    try:
        Address(address)
    except InvalidAddress as error:
        raise InvalidAddress(f"List-Unsubscribe: {error.message}", hint=error.hint) from None
    return f"mailto:{address}{mark}{query}"


def _checked_url(url: str) -> str:
    if not _URL.match(url):
        raise InvalidHeader(
            f"List-Unsubscribe: a URL with a character that it cannot have, or too long: {shown(url)}",
            hint="Percent-encode it: urllib.parse.quote(part); a domain in another script is written as xn--... .",
        )
    refuse_encoded_words("List-Unsubscribe", url, InvalidHeader)
    return url
