"""What nobody's text may change: the shape of the mail that it is given to."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, NamedTuple

from entrances import ENTRANCES
from smtpkit import Envelope, Mail, Message, Reply, SmtpkitError
from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.parameters import mail_command, rcpt_command

if TYPE_CHECKING:
    from email.message import Message as AnyEmail

__all__ = ["EVERYTHING", "assert_inert", "commands", "mailboxes"]

_FIELD = re.compile(rb"([!-9;-~]+):(?: |\Z)")


class Shape(NamedTuple):
    """What nobody's text may change."""

    fields: tuple[bytes, ...]
    """Of the header, as octets that nobody interpreted."""
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    """Type and fields of each part."""
    mailboxes: dict[str, int]
    """How many are in each field."""
    recipients: int
    commands: tuple[tuple[bytes, ...], ...]
    """The names of the parameters of MAIL and of each RCPT."""


def raw_fields(data: bytes) -> tuple[bytes, ...]:
    """The names of the fields of the header; every line of it must begin or continue one."""
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    names = [(_FIELD.match(line), line) for line in lines if not re.match(rb" +[!-~\x80-\xff]", line)]
    assert all(found for found, _ in names), names
    return tuple(found[1] for found, _ in names if found)


def values(part: AnyEmail[Any, Any]) -> list[str]:
    """The header of ``part`` as it is shown."""
    if part.policy is not policy.compat32:
        return list(map(str, part.values()))
    # The old API decodes by a call of its own, and leaves fields folded.
    pieces = [piece for value in part.values() for piece, _ in decode_header(str(value).replace("\r\n ", " "))]
    return [piece if isinstance(piece, str) else piece.decode() for piece in pieces]


EVERYTHING = Capabilities.of(Reply(250, ("hello", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS")))


def commands(message: Message) -> tuple[tuple[bytes, ...], ...]:
    """The names of the parameters of MAIL and of each RCPT, as a server that offers everything gets them."""
    mail = Mail(message)
    sender = mail.envelope.reverse_path
    lines = [(f"MAIL FROM:<{sender.mailbox if sender else ''}>", mail_command(mail, EVERYTHING))]
    lines += [(f"RCPT TO:<{each.mailbox}>", rcpt_command(mail, each, EVERYTHING)) for each in mail.envelope.recipients]
    found: list[tuple[bytes, ...]] = []
    for start, line in lines:
        assert line.startswith(start.encode())
        assert re.search(rb"[\r\n\0]", line.removesuffix(b"\r\n")) is None
        parameters = line.removeprefix(start.encode()).split()
        # An address in another script needs these.
        found.append(
            tuple(each.partition(b"=")[0] for each in parameters if each not in (b"SMTPUTF8", b"BODY=8BITMIME"))
        )
    return tuple(found)


def mailboxes(email: AnyEmail[Any, Any]) -> dict[str, list[str]]:
    """The addr-specs in each field of ``email``, as the standard library reads them."""
    return {
        name: [spec for _, spec in getaddresses(list(map(str, email.get_all(name, []))))]
        for name in ("from", "sender", "to", "cc", "reply-to")
    }


def shape(message: Message, kind: Any, own_name: str | None = None) -> Shape:
    """The shape of ``message``, in which ``own_name`` stands as X-Name."""
    data = message.as_bytes()
    assert data.isascii() or message.content().utf8_headers
    assert b"\0" not in data
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    email: AnyEmail[Any, Any] = message_from_bytes(data, policy=kind)
    parts = list(email.walk())
    for part in parts:
        assert part.defects == []
        assert not any(re.search(r"[\r\n]", value) for value in values(part))
    return Shape(
        tuple(b"X-Name" if name.decode() == own_name else name for name in raw_fields(data)),
        tuple(
            (part.get_content_maintype(), tuple("X-Name" if name == own_name else name for name in part))
            for part in parts
        ),
        {name: len(found) for name, found in mailboxes(email).items()},
        len(Envelope.of(message).recipients),
        commands(message),
    )


def assert_inert(entrance: str, text: str) -> Message | None:
    """Refused with an error of ours, or as harmless as the harmless text: then it is returned."""
    way_in = ENTRANCES[entrance]
    message: Message | None = None
    refused = ""
    try:
        message = way_in.give(text)
        message.as_bytes()
    except SmtpkitError as error:
        refused = str(error)
    if refused or message is None:
        # The text may be long, and what is said of it is not.
        assert 0 < len(refused) < 1000
        return None
    for kind in (policy.default, policy.compat32):
        # The name of a field is the only text that shows as a name.
        found = shape(message, kind, text if entrance == "header name" else None)
        assert found == shape(way_in.give(way_in.harmless), kind)
    return message
