"""What a server cannot take, seen in its capabilities before it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import ContentRefused, RecipientsRefused, RequireTlsUnsupported, SenderRefused
from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.errors import DeliveryError
    from smtpkit.mail import Mail
    from smtpkit.smtp.capabilities import Capabilities

__all__ = ["ADMITTED", "NO_SMTPUTF8", "Admission", "admit"]

NO_SMTPUTF8 = "The part before the @ is not ASCII, and this server does not offer SMTPUTF8 (RFC 6531)."


@value
class Admission:
    """How far one mail can be taken by one server."""

    error: DeliveryError | None = None
    """Why it cannot be sent at all: nothing of it is said to the server."""
    refused: tuple[Address, ...] = ()
    """Recipients that cannot be named to this server."""
    notes: tuple[str, ...] = ()
    """What the mail goes without."""


ADMITTED = Admission()
"""It can be taken as it is."""


def admit(mail: Mail, capabilities: Capabilities, *, host: str, verified_tls: bool) -> Admission:
    """Compare what ``mail`` needs with what the server offers. A pure function.

    ``capabilities`` are those under TLS, and ``verified_tls`` tells whether it was verified whom it is spoken with.
    """
    if mail.plain:
        error = _too_large(mail, capabilities) or _too_many(mail, capabilities)
        return ADMITTED if error is None else Admission(error)
    error = (
        _not_secure(mail, capabilities, host, verified_tls)
        or _too_large(mail, capabilities)
        or _too_wide(mail, capabilities)
        or _too_many(mail, capabilities)
    )
    if error is not None:
        return Admission(error)
    refused = () if "SMTPUTF8" in capabilities else tuple(a for a in mail.envelope.recipients if a.needs_smtputf8)
    if mail.envelope.dsn is None or "DSN" in capabilities:
        return Admission(None, refused)
    return Admission(
        None, refused, (f"{host} does not offer DSN (RFC 3461): the request for notifications was left out",)
    )


def _not_secure(mail: Mail, capabilities: Capabilities, host: str, verified_tls: bool) -> DeliveryError | None:
    """Why not all of the way is sure to be secure, where the mail wants that (RFC 8689 §4.2.1)."""
    if not mail.envelope.require_tls or (verified_tls and "REQUIRETLS" in capabilities):
        return None
    if not verified_tls:
        return RequireTlsUnsupported(
            f"the mail requires TLS, and the connection to {host} has none that is verified",
            hint="Use SmtpTlsTransport or SmtpSslTransport, with a context that verifies certificate and host name.",
        )
    return RequireTlsUnsupported(
        f"the mail requires TLS on its whole way, and {host} does not offer REQUIRETLS (RFC 8689)",
        hint="Send it by a server that does, or without require_tls(): then only the way to this server is surely TLS.",
    )


def _too_large(mail: Mail, capabilities: Capabilities) -> DeliveryError | None:
    limit = capabilities.max_size
    if limit is None or mail.size <= limit:
        return None
    return ContentRefused(
        f"the mail has {mail.size} octets, and the server takes at most {limit}",
        hint="Send large files as links, or split the attachments over several mails.",
    )


def _too_many(mail: Mail, capabilities: Capabilities) -> DeliveryError | None:
    """Why not all recipients can be asked for before one of them gets the mail, where that is wanted."""
    most = capabilities.limit("RCPTMAX") if mail.all_or_nothing else None
    if most is None or len(mail.envelope.recipients) <= most:
        return None
    return RecipientsRefused(
        f"the mail has {len(mail.envelope.recipients)} recipients, and the server takes at most {most} at a time",
        hint='With on_partial="abort" they must all be asked for at once: send it to fewer, or without "abort".',
    )


def _too_wide(mail: Mail, capabilities: Capabilities) -> DeliveryError | None:
    """What is wrong with octets over 127 in the content, its header or the sender."""
    if mail.needs_8bitmime and not mail.needs_smtputf8 and "8BITMIME" not in capabilities:
        return ContentRefused(
            "the mail has octets over 127, and this server does not offer 8BITMIME (RFC 6152)",
            hint="Encode its parts in quoted-printable or base64, as Message does, and sign it after that.",
        )
    if "SMTPUTF8" in capabilities:
        return None
    if mail.needs_smtputf8:
        return ContentRefused("a header has an address that this server cannot take", hint=NO_SMTPUTF8)
    sender = mail.envelope.reverse_path
    if sender is not None and sender.needs_smtputf8:
        return SenderRefused(f"this server cannot take the sender {sender.addr_spec}", hint=NO_SMTPUTF8)
    return None
