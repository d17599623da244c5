"""A message that is given as octets, and travels as them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import listed, mailboxes_of
from smtpkit.errors import InvalidMessage
from smtpkit.fields import recipients_of
from smtpkit.mime.characters import LONGEST_LINE, require_bytes, shown
from smtpkit.mime.content import Content
from smtpkit.mime.encodings import overlong_line
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from smtpkit.address import Address, Mailboxes
    from smtpkit.fields import Fields

__all__ = ["RawMessage"]

_BREAK = Pattern(rb"\r(?!\n)|(?<!\r)\n|\0")
_BREAKS = {b"\r": "a bare carriage return", b"\n": "a bare line feed", b"\0": "a NUL octet"}
_FIELD = Pattern(rb"[!-9;-~]+[ \t]*:")
_BLIND = ("bcc", "resent-bcc")


class RawMessage:
    r"""A message as octets: header, empty line, body (RFC 5322 §2.1). Nothing is added and nothing changed.

    So a DKIM signature (RFC 6376) survives, as do S/MIME and OpenPGP. Line ends are CRLF; a
    last line without one gets it on the wire, since SMTP knows no other end (RFC 5321 §4.1.1.4).
    Octets over 127 need a server with 8BITMIME (RFC 6152), and in the header one with SMTPUTF8.

    The envelope follows from Sender or From, To and Cc, and from ``bcc``.

    ::

        mailer.send(RawMessage(signed), envelope=Envelope("ann@example.com", ["bob@example.com"]))

    Args:
        data: the octets.
        bcc: recipients whom nobody sees, one mailbox or several.

    Raises:
        InvalidMessage: no header, a Bcc field, a bare CR or LF, NUL, or a line over 998 octets.
    """

    __slots__ = ("_bcc", "_data", "_fields", "_head")
    _data: bytes
    _bcc: tuple[Address, ...]

    def __init__(self, data: bytes, *, bcc: Mailboxes = ()) -> None:
        require_bytes("RawMessage()", data)
        _check_lines(data)
        self._data = bytes(data)
        self._bcc = mailboxes_of(bcc)
        self._head: tuple[tuple[str, str], ...] = tuple(_header_fields(self._data))
        self._fields: Fields | None = None
        for name, _ in self._head:
            if name.lower() in _BLIND:
                raise InvalidMessage(
                    f"{name} in the content would be seen by everybody",
                    hint="Remove the field, and give these recipients as RawMessage(data, bcc=...) or in an envelope.",
                )

    @property
    def header_fields(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the header, unfolded and not decoded."""
        return self._head

    @property
    def fields(self) -> Fields:
        """What the header says, by the names of `Message.fields`, as a copy. What cannot be read is not there."""
        if self._fields is None:
            from smtpkit.mime.parser.header import known_fields

            self._fields = known_fields(self._head)
            if self._bcc:
                self._fields["bcc"] = self._bcc
        return self._fields.copy()

    @property
    def message_id(self) -> str | None:
        """Message-ID in angle brackets, if there is one."""
        return self.fields.get("message_id")

    @property
    def eight_bit(self) -> bool:
        """Whether there are octets over 127, which need 8BITMIME (RFC 6152)."""
        return not self._data.isascii()

    @property
    def utf8_headers(self) -> bool:
        """Whether the header has UTF-8 in it, which needs SMTPUTF8 (RFC 6532)."""
        return self.eight_bit and not self._data.partition(b"\r\n\r\n")[0].isascii()

    def addresses(self) -> Fields:
        """The address fields of the header, every one of them read completely.

        Raises:
            InvalidMessage: one cannot be read, or the message was sent again (Resent-To), so
                that it is not clear who shall have it. Give an envelope then.
        """
        from smtpkit.mime.parser.addresses import read_addresses

        found = read_addresses(self._head)
        if self._bcc:
            found["bcc"] = self._bcc
        return found

    def completed(self) -> Self:
        """Itself: nothing is added."""
        return self

    def content(self) -> Content:
        """The octets as they travel."""
        return Content([self._data], utf8_headers=self.utf8_headers)

    def as_bytes(self) -> bytes:
        """The octets that were given."""
        return self._data

    def chunks(self) -> Iterator[bytes]:
        """The octets, a block at a time."""
        return self.content().chunks()

    def size(self) -> int:
        """How many octets."""
        return len(self._data)

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (self._data, self._bcc)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RawMessage):
            return NotImplemented
        return (self._data, self._bcc) == (other._data, other._bcc)

    def __hash__(self) -> int:
        return hash((self._data, self._bcc))

    def __repr__(self) -> str:
        given = self.fields
        recipients = listed(recipients_of(given))
        return f"<RawMessage {shown(given.get('subject', ''))} to {recipients}: {len(self._data)} octets>"


def _restored(data: bytes, bcc: tuple[Address, ...]) -> RawMessage:
    return RawMessage(data, bcc=bcc)


def _check_lines(data: bytes) -> None:
    ends = data.count(b"\r\n")
    if not (ends == data.count(b"\r") == data.count(b"\n")) or b"\0" in data:
        found = _BREAK.search(data)
        assert found is not None
        raise InvalidMessage(
            f"{_BREAKS[found[0]]} at position {found.start()}, which does not travel by SMTP",
            hint='Lines end with CRLF; make them so with re.sub(rb"\\r\\n|\\r|\\n", b"\\r\\n", data).'
            if found[0] != b"\0"
            else "Encode the part that has it in base64.",
        )
    overlong = overlong_line(data)
    if overlong is not None:
        raise InvalidMessage(
            f"the line at position {overlong} has more than {LONGEST_LINE} octets (RFC 5322 §2.1.1)",
            hint="Encode its part in quoted-printable or base64; fold a header field.",
        )


def _header_fields(data: bytes) -> Iterator[tuple[str, str]]:
    """Name and unfolded value of each field."""
    head = b"" if data.startswith(b"\r\n") else data.partition(b"\r\n\r\n")[0].removesuffix(b"\r\n")
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidMessage(
            f"the header has an octet at position {error.start} that is neither ASCII nor UTF-8",
            hint="Other scripts stand in a header as encoded-words (RFC 2047) or in UTF-8 (RFC 6532).",
        ) from None
    position, name, value = 0, "", ""
    for line in lines:
        if name and line[:1] in (" ", "\t"):
            value += line
        elif _FIELD.match(line.encode()):
            if name:
                yield name, value.strip(" \t")
            name, _, value = line.partition(":")
            name = name.rstrip(" \t")
        else:
            raise _no_field(position, line)
        position += len(line.encode()) + 2
    yield name, value.strip(" \t")


def _no_field(position: int, line: str) -> InvalidMessage:
    hint = "A message begins with its header fields, such as From: ann@example.com; an empty line ends them."
    if line.startswith("From "):
        hint = "This is the line of an mbox file: what follows it is the message."
    what = "the data has no header" if position == 0 else f"not a header field at position {position}"
    return InvalidMessage(f"{what}: {shown(line)}", hint=hint)
