"""Whatever can be looked at, as octets with what there is to say about them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from smtpkit.envelope import Envelope
from smtpkit.errors import InvalidMessage, MissingSender, SmtpkitError, UnreadableAttachment
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.mime.characters import kind_of, shown
from smtpkit.raw import RawMessage
from smtpkit.value import value

if TYPE_CHECKING:
    from email.message import Message as AnyEmail
    from typing import Any


__all__ = ["Exhibit", "Viewable", "exhibit_of"]

Viewable: TypeAlias = "Message | Mail | RawMessage | AnyEmail[Any, Any] | bytes | str | os.PathLike[str]"
"""What can be shown: a message of any kind, a `Mail` of an outbox, a saved mail as octets or as a path."""

_NOBODY = "No From yet <nobody@example.invalid>"


@value
class Exhibit:
    """A mail to look at."""

    data: bytes
    """Header and body, whatever they are."""
    reverse_path: str | None = None
    """Of the envelope: empty for the null reverse-path, ``None`` if there is no envelope."""
    recipients: tuple[str, ...] = ()
    """Of the envelope."""
    notes: tuple[str, ...] = ()
    """Sentences about what its sender should know."""


def exhibit_of(given: Viewable) -> Exhibit:
    """What there is to see of ``given``; a mail that is broken is shown as it is, with a note.

    Raises:
        InvalidMessage: it is no mail in any form.
        UnreadableAttachment: a file cannot be read.
    """
    if isinstance(given, Mail):
        return _exhibit(given.as_bytes(), given.envelope, _problems(given.message))
    if isinstance(given, Message):
        return _of_message(given)
    if isinstance(given, RawMessage):
        return _of_octets(given.as_bytes(), given)
    if isinstance(given, (bytes, bytearray)):
        return _of_octets(bytes(given))
    if isinstance(given, (str, os.PathLike)):
        return _of_octets(_read(os.fspath(given)))
    if hasattr(given, "walk"):  # pyright: ignore[reportUnnecessaryComparison]
        return _of_email(given)
    raise InvalidMessage(
        f"cannot show {kind_of(given)}",
        hint="show() takes a Message, Mail, RawMessage or EmailMessage, the path of an .eml file, or several of these, "
        "such as fake.outbox.",
    )


def _exhibit(data: bytes, envelope: Envelope | None, notes: tuple[str, ...] = ()) -> Exhibit:
    if envelope is None:
        return Exhibit(data, notes=notes)
    path = envelope.reverse_path
    recipients = tuple(address.addr_spec for address in envelope.recipients)
    return Exhibit(data, "" if path is None else path.addr_spec, recipients, notes)


def _of_message(message: Message) -> Exhibit:
    notes = _problems(message)
    try:
        data = message.as_bytes()
    except MissingSender as error:
        data = message.from_(_NOBODY).as_bytes()
        notes = (*notes, f"Not ready to be sent: {error.message}.")
    envelope, why = _envelope(message)
    return _exhibit(data, envelope, (*notes, *why))


def _of_octets(data: bytes, message: RawMessage | None = None) -> Exhibit:
    notes: list[str] = []
    try:
        message = RawMessage(data) if message is None else message
        Message.parse(data)
    except SmtpkitError as error:
        how = "as it is" if message is None else "as a Message, but as a RawMessage it can"
        notes = [f"It cannot be sent {how}: {error.message}."]
    written = message and _written_envelope(message)
    return _exhibit(data, written or (_envelope(message)[0] if message is not None else None), tuple(notes))


def _of_email(email: AnyEmail[Any, Any]) -> Exhibit:
    from smtpkit.mime.generate import generated

    try:
        data, bcc = generated(email, None)
        message = RawMessage(data, bcc=bcc)
    except SmtpkitError as error:
        return Exhibit(bytes(email.as_bytes()), notes=(f"It cannot be sent: {error.message}.",))
    envelope, why = _envelope(message)
    return _exhibit(data, envelope, why)


def _envelope(message: Message | RawMessage) -> tuple[Envelope | None, tuple[str, ...]]:
    """The envelope that a mailer would give it, or why there is none."""
    try:
        return Envelope.of(message), ()
    except SmtpkitError as error:
        return None, (f"Not ready to be sent: {error.message}.",)


def _written_envelope(message: RawMessage) -> Envelope | None:
    """The envelope that `FileTransport` wrote before a mail."""
    fields = {name.lower(): value for name, value in reversed(message.header_fields)}
    if "return-path" not in fields or "envelope-to" not in fields:
        return None
    sender = fields["return-path"].strip("<>")
    try:
        return Envelope(sender or None, [each.strip() for each in fields["envelope-to"].split(",")])
    except SmtpkitError:
        return None


def _problems(message: Message | RawMessage) -> tuple[str, ...]:
    found = message.problems() if isinstance(message, Message) else ()
    return tuple(f"{text[:1].upper()}{text[1:]}." for text in found)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableAttachment(
            f"cannot read the mail {shown(path)}: {reason}", hint="Give the path of an .eml file."
        ) from error
