"""Certificates made on the spot: one that is right, and the ways in which one is wrong."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, TypeAlias

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from pathlib import Path

Name: TypeAlias = Literal[
    "server", "name-only", "wrong-host", "expired", "not-yet-valid", "ending", "untrusted", "self-signed"
]

_IDENTITIES = ("localhost", "127.0.0.1", "::1")
_PASSPHRASE = b"kl3iner-schl\xc3\xbcssel"


class Certificates:
    """A CA and the certificates of a server on loopback, as PEM files in ``directory``.

    ``server`` is valid for localhost, 127.0.0.1 and ::1; ``name-only`` is not for the addresses, ``wrong-host`` is
    valid for another name, ``expired`` was valid once, ``not-yet-valid`` will be, ``untrusted`` comes from a CA that
    nobody knows, and ``self-signed`` from none. ``ending`` is valid for less than ten days more.
    """

    client_key_password = _PASSPHRASE.decode()
    """Of `encrypted_client_key`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.ca_file))
        begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
        later = datetime.now(UTC) + timedelta(days=30)
        issued: dict[Name, trustme.LeafCert] = {
            "server": ca.issue_cert(*_IDENTITIES),
            "name-only": ca.issue_cert("localhost"),
            "wrong-host": ca.issue_cert("mail.example.org"),
            "expired": ca.issue_cert(*_IDENTITIES, not_before=begin, not_after=end),
            "not-yet-valid": ca.issue_cert(*_IDENTITIES, not_before=later, not_after=later + timedelta(days=30)),
            "ending": ca.issue_cert(*_IDENTITIES, not_before=begin, not_after=later - timedelta(days=20)),
            "untrusted": trustme.CA().issue_cert(*_IDENTITIES),
        }
        for name, certificate in issued.items():
            certificate.private_key_and_cert_chain_pem.write_to_path(str(self.pem_file(name)))
        self.pem_file("self-signed").write_bytes(_self_signed())
        self.client_certificate = directory / "client.pem"
        """A client's, with its private key."""
        self.encrypted_client_key = directory / "client-key.pem"
        client = ca.issue_cert("me@example.com")
        client.private_key_and_cert_chain_pem.write_to_path(str(self.client_certificate))
        self.encrypted_client_key.write_bytes(_encrypted(client.private_key_pem.bytes()))

    def pem_file(self, name: Name = "server") -> Path:
        """The private key and the certificate chain in one file."""
        return self.directory / f"{name}.pem"

    def fingerprint(self, name: Name = "server") -> str:
        """The SHA-256 of certificate ``name``, as openssl shows it."""
        pem = self.pem_file(name).read_text()
        first = pem[pem.index("-----BEGIN CERTIFICATE") :].partition("-----END CERTIFICATE-----")
        return sha256(ssl.PEM_cert_to_DER_cert(f"{first[0]}{first[1]}\n")).digest().hex(":").upper()

    def server_context(self, name: Name = "server", *, asks_clients: bool = False) -> ssl.SSLContext:
        """What a server presents certificate ``name`` with; it may insist on one of the client's."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pem_file(name))
        if asks_clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca_file)
        return context

    def client_context(self) -> ssl.SSLContext:
        """What trusts this CA, and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def _self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _encrypted(key: bytes) -> bytes:
    private = load_pem_private_key(key, None)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(_PASSPHRASE))
