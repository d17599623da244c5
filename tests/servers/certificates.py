"""Certificates made on the spot: one that is right, and the ways in which one is wrong."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import trustme

if TYPE_CHECKING:
    from pathlib import Path

Name: TypeAlias = Literal["server", "wrong-host", "expired", "untrusted"]

_IDENTITIES = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """A CA and the certificates of a server on loopback, as PEM files in ``directory``.

    ``server`` is valid for localhost, 127.0.0.1 and ::1; ``wrong-host`` is valid for another
    name, ``expired`` was valid once, and ``untrusted`` comes from a CA that nobody knows.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.ca_file))
        begin, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
        issued: dict[Name, trustme.LeafCert] = {
            "server": ca.issue_cert(*_IDENTITIES),
            "wrong-host": ca.issue_cert("mail.example.org"),
            "expired": ca.issue_cert(*_IDENTITIES, not_before=begin, not_after=end),
            "untrusted": trustme.CA().issue_cert(*_IDENTITIES),
        }
        for name, certificate in issued.items():
            certificate.private_key_and_cert_chain_pem.write_to_path(str(self.pem_file(name)))

    def pem_file(self, name: Name = "server") -> Path:
        """The private key and the certificate chain in one file."""
        return self.directory / f"{name}.pem"

    def server_context(self, name: Name = "server") -> ssl.SSLContext:
        """What a server presents certificate ``name`` with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pem_file(name))
        return context

    def client_context(self) -> ssl.SSLContext:
        """What trusts this CA, and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))
