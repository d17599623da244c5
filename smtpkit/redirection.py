"""All mail to one address instead of its recipients: for staging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.dsn import DsnRequest
from smtpkit.envelope import Envelope
from smtpkit.mail import Mail
from smtpkit.mime.headers import unstructured
from smtpkit.raw import RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.address import Address
    from smtpkit.message import Message

__all__ = ["ORIGINAL_TO", "redirected"]

ORIGINAL_TO = "X-Original-To"
"""The header field with a recipient who would have got the mail: one for each, as mail servers write it."""


def redirected(mail: Mail, address: Address) -> Mail:
    """``mail`` to ``address`` alone, with its recipients, blind ones too, in header fields ``X-Original-To``.

    To and Cc stay as they are. Octets get these fields in front, as a server would add them, so that a signature stays
    valid. What is asked for one recipient alone (DSN) is left out; the reverse-path stays.
    """
    envelope = mail.envelope
    dsn = envelope.dsn and DsnRequest(envelope.dsn.notify, envelope.dsn.ret, envelope.dsn.envelope_id)
    message = _marked(mail.message, [each.addr_spec for each in envelope.recipients])
    to = Envelope(envelope.reverse_path, [address], dsn, envelope.require_tls)
    return Mail(message, to, all_or_nothing=mail.all_or_nothing, deadline=mail.deadline)


def _marked(message: Message | RawMessage, recipients: Iterable[str]) -> Message | RawMessage:
    if isinstance(message, RawMessage):
        fields = "".join(f"{unstructured(ORIGINAL_TO, each)}\r\n" for each in recipients)
        return RawMessage(fields.encode() + message.as_bytes(), bcc=message.fields.get("bcc", ()))
    for each in recipients:
        message = message.header(ORIGINAL_TO, each)
    return message
