"""Which parameters MAIL and RCPT have: what the mail needs, as far as the server offers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.smtp import commands

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.mail import Mail
    from smtpkit.smtp.capabilities import Capabilities

__all__ = ["mail_command", "rcpt_command"]


def mail_command(mail: Mail, capabilities: Capabilities) -> bytes:
    """MAIL for ``mail``, which `smtpkit.smtp.admission` lets pass."""
    sender = mail.envelope.reverse_path
    return commands.mail(
        sender.mailbox if sender else "",
        size=mail.size if "SIZE" in capabilities else None,
        eight_bit=mail.needs_8bitmime and "8BITMIME" in capabilities,
        smtputf8="SMTPUTF8" in capabilities and _needs_smtputf8(mail),
    )


def _needs_smtputf8(mail: Mail) -> bool:
    sender = mail.envelope.reverse_path
    addresses = (*mail.envelope.recipients, *((sender,) if sender else ()))
    return mail.needs_smtputf8 or any(address.needs_smtputf8 for address in addresses)


def rcpt_command(recipient: Address) -> bytes:
    """RCPT for one recipient."""
    return commands.rcpt(recipient.mailbox, utf8=recipient.needs_smtputf8)
