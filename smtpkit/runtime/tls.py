"""TLS contexts, and what is wrong when a handshake fails."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from smtpkit import trouble
from smtpkit.certificate import Certificate
from smtpkit.errors import (
    CertificateHostMismatch,
    CertificateUntrusted,
    InvalidConfiguration,
    TlsFailed,
)
from smtpkit.tls import InsecureTls, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.tls import TlsSetting

__all__ = ["certificate_of", "client_context", "fingerprint", "not_tls", "pin_error", "tls_error"]

_HOST_MISMATCH = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""

_NOT_YET = 9
_NOT_NOW = {_NOT_YET, 10}
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def client_context(tls: TlsSetting) -> ssl.SSLContext:
    """A context that verifies certificate and host name, with TLS 1.2 or later; or the one that was given.

    With `Tls.fingerprints` it verifies nothing: `pin_error` does, after the handshake.

    Raises:
        InvalidConfiguration: a file cannot be read or used.
    """
    if isinstance(tls, ssl.SSLContext):
        return tls
    if isinstance(tls, InsecureTls):
        return _unverified()
    wanted = tls if isinstance(tls, Tls) else Tls(ca_file=tls)
    context = _unverified() if wanted.fingerprints else _verified(wanted.ca_file)
    context.minimum_version = _VERSIONS[wanted.minimum_version]
    if wanted.client_certificate is not None:
        _identify(context, wanted, wanted.client_certificate)
    return context


def _verified(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InvalidConfiguration(
            f"cannot read CA certificates from {ca_file!r}: {error.strerror or error}",
            hint="It is the path of a PEM file.",
        ) from error


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _identify(context: ssl.SSLContext, tls: Tls, certificate: str) -> None:
    """Load the client's certificate."""
    password = tls.client_key_password
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, tls.client_key, password.reveal() if password else "")
    except OSError as error:
        raise InvalidConfiguration(
            f"cannot use the client certificate {certificate!r}: {error.strerror or error}",
            hint="client_certificate and client_key are PEM files that belong together; a key that is encrypted needs "
            "its client_key_password.",
        ) from error


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate (DER), as `Tls.fingerprints` has it."""
    from hashlib import sha256

    return sha256(certificate).digest().hex(":").upper()


def certificate_of(details: Mapping[str, Any] | None) -> Certificate | None:
    """What ``SSLSocket.getpeercert`` gives; ``None`` if nothing was verified."""
    if not details:
        return None
    subject, issuer = (
        {key: name for part in details.get(who, ()) for key, name in part} for who in ("subject", "issuer")
    )
    hosts = [name for kind, name in details.get("subjectAltName", ()) if kind == "DNS"]
    signer = (issuer.get("organizationName"), issuer.get("commonName"))
    return Certificate(
        subject.get("commonName") or next(iter(hosts), "no name"),
        ", ".join(name for name in signer if name) or "nobody by name",
        ssl.cert_time_to_seconds(details["notAfter"]),
    )


def pin_error(tls: TlsSetting, certificate: bytes, host: str, port: int) -> CertificateUntrusted | None:
    """What is wrong if the server is to be known by its fingerprint, and showed another ``certificate`` (DER)."""
    if not isinstance(tls, Tls) or not tls.fingerprints:
        return None
    from hmac import compare_digest

    seen = fingerprint(certificate)
    if any(compare_digest(seen, pin) for pin in tls.fingerprints):
        return None
    return CertificateUntrusted(
        f"the certificate of {host}:{port} is not the pinned one: its SHA-256 fingerprint is {seen}",
        hint="No log-in and no mail was sent. If the server may have a new certificate, ask those who run it for the "
        "fingerprint, on another way than this connection; if it is this one, add it: tls=Tls(fingerprints=[...]).",
    )


def tls_error(error: OSError, host: str, port: int, starttls: bool) -> TlsFailed | None:
    """What a failed handshake with ``host`` means; ``None`` if it was no TLS that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_error(error, host, port, starttls)
    if not isinstance(error, ssl.SSLError) or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None
    reason = error.reason or str(error)
    if reason == "WRONG_VERSION_NUMBER" and not starttls:
        return not_tls(host, port)
    hint = "TLS 1.2 or later is required. A server that has only older versions, or a proxy in between, ends so."
    if "CERTIFICATE" in reason or "UNKNOWN_CA" in reason:
        # An alert: what is wrong with the server's own certificate was told above.
        hint = "The server wants a client certificate that it knows: tls=Tls(client_certificate=..., client_key=...)."
    return TlsFailed(f"the TLS handshake with {host}:{port} failed: {reason.replace('_', ' ').lower()}", hint=hint)


def not_tls(host: str, port: int) -> TlsFailed:
    """The error for a server that says something in plaintext where TLS was to begin at once."""
    return TlsFailed(
        f"{host}:{port} does not speak TLS from the first byte",
        hint=trouble.not_tls(),
    )


def _certificate_error(error: ssl.SSLCertVerificationError, host: str, port: int, starttls: bool) -> TlsFailed:
    reason = error.verify_message.rstrip(".")
    see = (
        f"openssl s_client -connect {host}:{port} -servername {host}{' -starttls smtp' if starttls else ''} </dev/null"
    )
    if error.verify_code in _NOT_NOW:
        return CertificateUntrusted(
            f"the certificate of {host}:{port} is not valid now: {reason}",
            hint=trouble.not_now(_clock(), see, yet=error.verify_code == _NOT_YET),
        )
    if error.verify_code in _HOST_MISMATCH:
        return CertificateHostMismatch(
            f"the certificate of {host}:{port} is for another host: {reason}",
            hint=f"Connect to the name that is in the certificate. See it with: {see}",
        )
    return CertificateUntrusted(
        f"the certificate of {host}:{port} cannot be trusted: {reason}",
        hint=trouble.unknown_issuer(see),
    )


def _clock() -> str:
    """The time of this machine, as people read it."""
    from datetime import UTC, datetime

    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
