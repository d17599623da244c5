"""Which parameters MAIL and RCPT have: what the mail needs, as far as the server offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.smtp import commands

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.mail import Mail
    from smtpkit.smtp.capabilities import Capabilities

__all__ = ["mail_command", "rcpt_command"]

_RET = {"full": "FULL", "headers": "HDRS"}


def mail_command(mail: Mail, capabilities: Capabilities) -> bytes:
    """MAIL for ``mail``, which `smtpkit.smtp.admission` lets pass."""
    sender = mail.envelope.reverse_path
    if mail.plain:
        size = mail.size if "SIZE" in capabilities else None
        return commands.mail(sender.addr_spec if sender else "", size=size)
    dsn = mail.envelope.dsn if "DSN" in capabilities else None
    return commands.mail(
        sender.mailbox if sender else "",
        size=mail.size if "SIZE" in capabilities else None,
        eight_bit=mail.needs_8bitmime and "8BITMIME" in capabilities,
        smtputf8="SMTPUTF8" in capabilities and _needs_smtputf8(mail),
        ret=_RET[dsn.ret] if dsn and dsn.ret else None,
        envelope_id=dsn.envelope_id if dsn else None,
        require_tls=mail.envelope.require_tls,
    )


def _needs_smtputf8(mail: Mail) -> bool:
    sender = mail.envelope.reverse_path
    addresses = (*mail.envelope.recipients, *((sender,) if sender else ()))
    return mail.needs_smtputf8 or any(address.needs_smtputf8 for address in addresses)


def rcpt_command(mail: Mail, recipient: Address, capabilities: Capabilities) -> bytes:
    """RCPT for one recipient of ``mail``."""
    if mail.plain:
        return commands.rcpt(recipient.addr_spec)
    utf8, dsn = recipient.needs_smtputf8, mail.envelope.dsn
    if dsn is None or "DSN" not in capabilities:
        return commands.rcpt(recipient.mailbox, utf8=utf8)
    asked = dsn.for_recipient(recipient)
    times = [time.upper() for time in asked.notify]
    return commands.rcpt(recipient.mailbox, utf8=utf8, notify=times, original_recipient=asked.original_recipient)
