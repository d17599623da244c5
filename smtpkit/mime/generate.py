"""The standard library's message as octets for the wire, and its traps kept shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit import stamp
from smtpkit.errors import InvalidHeader, InvalidMessage, SmtpkitError
from smtpkit.mime.characters import ONE_LINE, shown
from smtpkit.mime.headers import address_list
from smtpkit.mime.parser.addresses import addresses_of
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from email.message import Message as AnyEmail

    from smtpkit.address import Address

__all__ = ["check_values", "generated", "octets", "write_addresses"]

_NAME = Pattern(r"[!-9;-~]+\Z")
_BREAK = Pattern(r"\r(?!\n)|\n(?![ \t])|\0")
_ADDRESS_FIELDS = ("from", "sender", "reply-to", "to", "cc")


def generated(email: AnyEmail[Any, Any], author: Address | None) -> tuple[bytes, tuple[Address, ...]]:
    """The octets of ``email``, which stays as it is, and the recipients that its Bcc named.

    What lacks gets a Date, a Message-ID, and ``author`` as From. Header fields are not folded
    anew, and bodies are made 7-bit unless that would break a signature (RFC 1847 §2.1).

    Raises:
        InvalidHeader: a name or value would become a field of its own.
        InvalidMessage: the standard library cannot write it.
    """
    from copy import deepcopy

    check_values(email)
    copy = deepcopy(email)
    bcc = tuple(each for value in copy.get_all("bcc", []) for each in addresses_of("Bcc", str(value)))
    for name in ("bcc", "resent-bcc"):
        del copy[name]
    _complete(copy, author)
    utf8 = write_addresses(copy)
    names = [name.lower() for name in copy.keys()]  # noqa: SIM118
    return _checked(octets(copy, utf8), names), bcc


def check_values(email: AnyEmail[Any, Any]) -> None:
    """Refuse what some versions write as a further header field, in the parts too."""
    for part in email.walk():
        # Items are decoded: a line feed in an encoded-word shows here.
        for name, value in _items(part):
            if not _NAME.match(name):
                raise InvalidHeader(f"not the name of a header field: {shown(name)}")
            found = _BREAK.search(value)
            if found:
                raise InvalidHeader(
                    f"the header {name} has a line break or NUL at position {found.start()}: {shown(value)}",
                    hint=ONE_LINE,
                )


def _items(part: AnyEmail[Any, Any]) -> list[tuple[str, str]]:
    try:
        return [(name, str(value)) for name, value in part.items()]
    except Exception as error:  # the standard library's parser fails in many ways
        raise InvalidHeader(f"a header cannot be read: {error}") from error


def _complete(email: AnyEmail[Any, Any], author: Address | None) -> None:
    if "from" not in email and author is not None:
        email["From"] = _written("From", (author,))
    if "date" not in email:
        email["Date"] = stamp.now_text()
    if "message-id" not in email:
        from contextlib import suppress

        domain = "localhost"
        # Who reads the addresses for the envelope says what is wrong with them.
        with suppress(SmtpkitError, IndexError):
            domain = addresses_of("From", str(email.get("from", "")))[0].ascii_domain
        email["Message-ID"] = stamp.message_id(domain)


def octets(email: AnyEmail[Any, Any], utf8: bool) -> bytes:
    """What the library generates, with CRLF and its header fields not folded anew."""
    signed = any(part.get_content_type() == "multipart/signed" for part in email.walk())
    # UTF-8 in a header is kept with 8bit only.
    cte_type = "8bit" if signed or utf8 else "7bit"
    options: dict[str, Any] = {"linesep": "\r\n", "cte_type": cte_type, "max_line_length": 998}
    policy: Any = email.policy
    if hasattr(policy, "refold_source"):
        options |= {"refold_source": "none", "utf8": policy.utf8 or utf8}
    try:
        return email.as_bytes(policy=policy.clone(**options))
    except Exception as error:  # it fails in many ways: unknown charsets, payloads that are no text
        raise InvalidMessage(f"the standard library cannot write this message: {error!r}") from error


def write_addresses(email: AnyEmail[Any, Any]) -> bool:
    """Write addresses that are not ASCII, which the library would make encoded-words; whether one needs SMTPUTF8."""
    utf8 = False
    for (name, written), (_, value) in zip(email.raw_items(), email.items(), strict=True):
        # What was read from octets stays as it was written, encoded-words and all.
        if name.lower() not in _ADDRESS_FIELDS or str(written).isascii():
            continue
        found = addresses_of(name, str(value))
        if any(each.needs_smtputf8 for each in found):
            utf8 = True
        elif found:
            email.replace_header(name, _written(name, found))
    return utf8


def _written(name: str, addresses: tuple[Address, ...]) -> str:
    return address_list(name, addresses).partition(":")[2].replace("\r\n", "").strip()


def _checked(data: bytes, names: list[str]) -> bytes:
    """``data``, if its header has exactly the fields that the object had."""
    head = data[: data.find(b"\r\n\r\n")] if not data.startswith(b"\r\n") else b""
    lines = [line for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    written = [line.partition(b":")[0].decode("latin-1").strip().lower() for line in lines]
    # A body that is made 7-bit may get a field that says so.
    if "content-transfer-encoding" not in names and written[-1:] == ["content-transfer-encoding"]:
        written.pop()
    if written != names:
        extra = [name for name in written if name not in names] or written
        raise InvalidHeader(f"a header value became a field of its own: {shown(', '.join(extra))}", hint=ONE_LINE)
    return data
