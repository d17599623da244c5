"""TLS contexts, and what is wrong when a handshake fails."""

from __future__ import annotations

import os
import ssl
from typing import TypeAlias

from smtpkit.errors import (
    CertificateHostMismatch,
    CertificateUntrusted,
    InvalidConfiguration,
    TlsFailed,
)

__all__ = ["TlsSetting", "client_context", "not_tls", "tls_error", "verifies"]

TlsSetting: TypeAlias = "ssl.SSLContext | str | os.PathLike[str] | None"
"""A context of your own, or the path of a file with CA certificates (PEM), or ``None`` for the system's CAs."""

_HOST_MISMATCH = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""


def client_context(tls: TlsSetting) -> ssl.SSLContext:
    """A context that verifies certificate and host name, with TLS 1.2 or later; or the one that was given.

    Raises:
        InvalidConfiguration: the CA file cannot be read.
    """
    if isinstance(tls, ssl.SSLContext):
        return tls
    try:
        context = ssl.create_default_context(cafile=None if tls is None else os.fspath(tls))
    except OSError as error:
        raise InvalidConfiguration(
            f"cannot read CA certificates from {os.fspath(tls or '')!r}: {error.strerror or error}",
            hint="tls= takes the path of a PEM file, or an ssl.SSLContext.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def verifies(context: ssl.SSLContext) -> bool:
    """Whether a handshake with it succeeds only with the server that was meant."""
    return context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


def tls_error(error: OSError, host: str, port: int, starttls: bool) -> TlsFailed | None:
    """What a failed handshake with ``host`` means; ``None`` if it was no TLS that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_error(error, host, port, starttls)
    if not isinstance(error, ssl.SSLError) or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None
    reason = error.reason or str(error)
    if reason == "WRONG_VERSION_NUMBER" and not starttls:
        return not_tls(host, port)
    return TlsFailed(
        f"the TLS handshake with {host}:{port} failed: {reason.replace('_', ' ').lower()}",
        hint="TLS 1.2 or later is required. A server that has only older versions, or a proxy in between, ends so.",
    )


def not_tls(host: str, port: int) -> TlsFailed:
    """The error for a server that says something in plaintext where TLS was to begin at once."""
    return TlsFailed(
        f"{host}:{port} does not speak TLS from the first byte",
        hint="Port 465 does (SmtpSslTransport, smtps://); port 587 wants STARTTLS (SmtpTlsTransport, smtp://).",
    )


def _certificate_error(error: ssl.SSLCertVerificationError, host: str, port: int, starttls: bool) -> TlsFailed:
    reason = error.verify_message.rstrip(".")
    see = f"openssl s_client -connect {host}:{port} -servername {host}{' -starttls smtp' if starttls else ''}"
    if error.verify_code in _HOST_MISMATCH:
        return CertificateHostMismatch(
            f"the certificate of {host}:{port} is for another host: {reason}",
            hint=f"Connect to the name that is in the certificate. See it with: {see}",
        )
    return CertificateUntrusted(
        f"the certificate of {host}:{port} cannot be trusted: {reason}",
        hint=f'For a CA of your own give tls="ca.pem". See the certificate with: {see}',
    )
