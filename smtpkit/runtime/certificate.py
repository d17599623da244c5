"""A certificate for a server on this machine, made on the spot, for tests."""

from __future__ import annotations

import atexit
import os
import ssl
from tempfile import mkstemp
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
        self.ca_file: str = _temporary(ca.cert_pem.bytes())
        """The path of the CA certificate (PEM), for clients to trust, until this process ends."""
        self.context: ssl.SSLContext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        """What the server shakes hands with."""
        ca.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(self.context)


def _temporary(data: bytes) -> str:
    handle, path = mkstemp(prefix="smtpkit-testing-", suffix=".pem")
    with open(handle, "wb") as file:
        file.write(data)
    atexit.register(_remove, path, os.getpid())
    return path


def _remove(path: str, process: int) -> None:
    # A child that was forked leaves it to its parent.
    if os.getpid() == process and os.path.exists(path):
        os.remove(path)
