"""Who a mail comes from and goes to, as SMTP sees it (RFC 5321 §2.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address, mailboxes_of
from smtpkit.dsn import DsnRequest
from smtpkit.errors import InvalidMessage, MissingSender, NoRecipients
from smtpkit.fields import recipients_of
from smtpkit.mime.characters import kind_of
from smtpkit.raw import RawMessage
from smtpkit.value import put, value

if TYPE_CHECKING:
    from smtpkit.address import Mailboxes
    from smtpkit.message import Message

__all__ = ["Envelope"]


@value
class Envelope:
    """The reverse-path and the recipients of one mail; never without a recipient.

    A mailer makes it from the message (`Envelope.of`) unless it is given one.

    Args:
        reverse_path: where bounces go; ``None`` is the null reverse-path ``<>`` (RFC 5321 §4.5.5).
        recipients: one mailbox or several; one that is given twice is there once.
        dsn: what `Message.dsn` makes.
        require_tls: what `Message.require_tls` makes.

    Raises:
        InvalidAddress: one of the addresses is not valid.
        NoRecipients: ``recipients`` is empty.
        InvalidMessage: ``dsn`` is something else.
    """

    reverse_path: Address | None
    recipients: tuple[Address, ...]
    dsn: DsnRequest | None
    """The delivery status notifications that are asked for (RFC 3461)."""
    require_tls: bool
    """Whether only verified TLS is good enough, on the whole way (RFC 8689)."""

    def __init__(
        self,
        reverse_path: str | Address | None,
        recipients: Mailboxes,
        dsn: DsnRequest | None = None,
        require_tls: bool = False,
    ) -> None:
        unique: dict[str, Address] = {}
        for address in mailboxes_of(recipients):
            unique.setdefault(address.addr_spec, address)
        if not unique:
            raise NoRecipients(
                "nobody to send to", hint="Call to(...), cc(...) or bcc(...), or give an envelope with recipients."
            )
        put(self, "reverse_path", None if reverse_path is None else Address.of(reverse_path))
        put(self, "recipients", tuple(unique.values()))
        if dsn is not None and not isinstance(dsn, DsnRequest):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(f"dsn= needs a DsnRequest, not {kind_of(dsn)}", hint='Write DsnRequest("failure").')
        put(self, "dsn", dsn)
        put(self, "require_tls", require_tls)

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
        return cls(reverse_path, recipients_of(fields), fields.get("dsn"), fields.get("require_tls", False))

    def with_requests(self, message: Message | RawMessage) -> Envelope:
        """The envelope with what ``message`` asks for and it does not itself: DSN and TLS."""
        if isinstance(message, RawMessage):
            return self
        fields = message.fields
        dsn, require_tls = self.dsn or fields.get("dsn"), self.require_tls or fields.get("require_tls", False)
        if (dsn, require_tls) == (self.dsn, self.require_tls):
            return self
        return Envelope(self.reverse_path, self.recipients, dsn, require_tls)
