"""Whom TLS is spoken with, and how it is made sure that it is them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern
from smtpkit.secret import Secret
from smtpkit.value import put, value

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

__all__ = ["InsecureTls", "InsecureTlsWarning", "Tls", "TlsSetting", "TlsVersion", "insecure_tls", "verifies"]

TlsVersion: TypeAlias = Literal["1.2", "1.3"]

TlsSetting: TypeAlias = "Tls | InsecureTls | ssl.SSLContext | str | os.PathLike[str] | None"
"""A `Tls`, the path of a file with CA certificates (PEM), a context of your own, `insecure_tls`, or ``None`` for the
system's CAs."""

_SHA256 = Pattern(r"[0-9A-F]{64}\Z")
_CERT_REQUIRED = 2
"""``ssl.CERT_REQUIRED``: importing ssl takes longer than all of smtpkit."""


@value
class Tls:
    """What is not as usual with TLS: certificate and host name are always verified.

    Args:
        ca_file: path of the CA certificates (PEM) to trust in place of the system's.
        fingerprints: SHA-256 of the server's own certificate, in hexadecimal, with or without colons, as
            ``openssl x509 -noout -fingerprint -sha256`` shows it. The server is then known by its
            certificate alone, whoever signed it and whatever host and dates are in it: for a self-signed
            relay. Several are for a certificate that is about to be replaced.
        client_certificate: path of the certificate chain (PEM) by which the server knows this client.
        client_key: path of its private key, if that is not in the same file.
        client_key_password: what the private key is encrypted with.
        minimum_version: ``"1.2"`` or ``"1.3"``.

    Raises:
        InvalidConfiguration: one of them cannot be, or they contradict each other.
    """

    ca_file: str | None
    fingerprints: tuple[str, ...]
    """In upper case, with colons."""
    client_certificate: str | None
    client_key: str | None
    client_key_password: Secret | None
    minimum_version: TlsVersion

    def __init__(
        self,
        ca_file: str | os.PathLike[str] | None = None,
        fingerprints: str | Iterable[str] = (),
        client_certificate: str | os.PathLike[str] | None = None,
        client_key: str | os.PathLike[str] | None = None,
        client_key_password: str | Secret | None = None,
        minimum_version: TlsVersion = "1.2",
    ) -> None:
        password = Secret(client_key_password) if isinstance(client_key_password, str) else client_key_password
        client_key_password = None
        pins = (fingerprints,) if isinstance(fingerprints, str) else fingerprints
        put(self, "ca_file", _path("ca_file", ca_file))
        put(self, "fingerprints", tuple(map(_fingerprint, pins)))
        put(self, "client_certificate", _path("client_certificate", client_certificate))
        put(self, "client_key", _path("client_key", client_key))
        put(self, "client_key_password", password)
        put(self, "minimum_version", minimum_version)
        self._check()

    def _check(self) -> None:
        if self.ca_file and self.fingerprints:
            raise InvalidConfiguration(
                "a server is known by its CA or by its fingerprint, and both were given",
                hint="Leave ca_file out: a fingerprint stands for exactly one certificate, whoever signed it.",
            )
        if not self.client_certificate and (self.client_key or self.client_key_password):
            raise InvalidConfiguration("client_key was given, and no client_certificate to go with it")
        if self.minimum_version not in ("1.2", "1.3"):
            raise InvalidConfiguration(
                f"minimum_version={self.minimum_version!r}", hint='It is "1.2" or "1.3": older ones are broken.'
            )


class InsecureTlsWarning(UserWarning):
    """A transport does not verify whom it speaks TLS with: whoever is in between can read everything and log in."""


class InsecureTls:
    """What `insecure_tls` gives."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InsecureTls)

    def __hash__(self) -> int:
        return hash(InsecureTls)

    def __repr__(self) -> str:
        return "insecure_tls()"


def insecure_tls() -> InsecureTls:
    """For ``tls=``: do not verify whom TLS is spoken with. Whoever is in between can read everything and log in.

    Each transport that is made so warns (`InsecureTlsWarning`), and each of its connections is logged as a warning,
    with the fingerprint by which the server could be known instead: ``tls=Tls(fingerprints=...)``.
    """
    return InsecureTls()


def verifies(tls: TlsSetting) -> bool:
    """Whether a handshake with it succeeds only with the server that was meant."""
    if tls is None or isinstance(tls, (Tls, str, os.PathLike)):
        return True
    return not isinstance(tls, InsecureTls) and tls.check_hostname and int(tls.verify_mode) == _CERT_REQUIRED


def _path(name: str, given: object) -> str | None:
    if given is None:
        return None
    path: object = given
    if isinstance(given, os.PathLike):
        path = cast("os.PathLike[str]", given).__fspath__()
    if not (isinstance(path, str) and path):
        raise InvalidConfiguration(f"{name}={given!r}", hint="It is the path of a PEM file.")
    return path


def _fingerprint(given: object) -> str:
    digits = given.replace(":", "").replace(" ", "").upper() if isinstance(given, str) else ""
    if not _SHA256.match(digits):
        raise InvalidConfiguration(
            f"not a SHA-256 fingerprint: {shown(str(given))}",
            hint="It has 64 hexadecimal digits. See that of a certificate with: "
            "openssl x509 -noout -fingerprint -sha256 -in certificate.pem",
        )
    return ":".join(digits[at : at + 2] for at in range(0, 64, 2))
