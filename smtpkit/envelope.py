"""Who a mail comes from and goes to, as SMTP sees it (RFC 5321 §2.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address
from smtpkit.errors import MissingSender, NoRecipients
from smtpkit.raw import RawMessage
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.message import Message

__all__ = ["Envelope"]


@value
class Envelope:
    """The reverse-path and the recipients of one mail; never without a recipient.

    A ``reverse_path`` of ``None`` is the null reverse-path ``<>`` (RFC 5321 §4.5.5). A
    recipient that is given twice is there once.

    Raises:
        InvalidAddress: one of the addresses is not valid.
        NoRecipients: ``recipients`` is empty.
    """

    reverse_path: Address | None
    recipients: tuple[Address, ...]

    def __init__(self, reverse_path: str | Address | None, recipients: Iterable[str | Address]) -> None:
        if isinstance(recipients, str):
            recipients = (recipients,)
        unique: dict[str, Address] = {}
        for given in recipients:
            address = Address.of(given)
            unique.setdefault(address.addr_spec, address)
        if not unique:
            raise NoRecipients(
                "nobody to send to", hint="Call to(...), cc(...) or bcc(...), or give an envelope with recipients."
            )
        put(self, "reverse_path", None if reverse_path is None else Address.of(reverse_path))
        put(self, "recipients", tuple(unique.values()))

    @classmethod
    def of(cls, message: Message | RawMessage) -> Envelope:
        """The envelope that the fields of ``message`` name: Return-Path, else Sender, else From; To, Cc, Bcc.

        Raises:
            NoRecipients: the message names none.
            MissingSender: octets that have no From.
            InvalidMessage: octets whose addresses cannot be read.
        """
        fields = message.addresses() if isinstance(message, RawMessage) else message.fields
        if isinstance(message, RawMessage) and "from_" not in fields:
            raise MissingSender("the message has no From", hint="Give an envelope with a reverse-path.")
        reverse_path = fields["return_path"] if "return_path" in fields else fields.get("sender", fields.get("from_"))
        return cls(reverse_path, fields.get("to", ()) + fields.get("cc", ()) + fields.get("bcc", ()))
