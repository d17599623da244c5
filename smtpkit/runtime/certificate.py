"""A certificate for a server on this machine, made on the spot, for tests."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from typing import Any

__all__ = ["LoopbackCertificate"]


class LoopbackCertificate:
    """Of localhost, 127.0.0.1 and ::1, from a CA that nobody else knows.

    Raises:
        InvalidConfiguration: the library that makes it is not installed.
    """

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError:
            raise InvalidConfiguration(
                "a server with TLS needs a certificate, and the library trustme, which makes one, is not installed",
                hint='pip install "smtpkit[testing]", or use security="plaintext".',
            ) from None
        ca: Any = trustme.CA()
        self.ca_pem: bytes = ca.cert_pem.bytes()
        """The CA certificate, for clients to trust."""
        self.context: ssl.SSLContext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        """What the server shakes hands with."""
        ca.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(self.context)
