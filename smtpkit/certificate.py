"""What a server's certificate says, once it was verified."""

from __future__ import annotations

from smtpkit.value import value

__all__ = ["Certificate"]


@value
class Certificate:
    """Whom a certificate is for, who says so and until when (RFC 5280 §4.1.2)."""

    subject: str
    """The common name, or the first host name if it has none."""
    issuer: str
    """The organisation, and its name for this CA."""
    expires: float
    """Seconds since 1970-01-01 UTC."""
