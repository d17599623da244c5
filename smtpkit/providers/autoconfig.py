"""The configuration that a domain publishes for mail programs, in the format of Thunderbird.

https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtpkit.dns import is_host_name
from smtpkit.errors import InvalidConfiguration
from smtpkit.providers.provider import Endpoint

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from smtpkit.providers.provider import EndpointSecurity, UsernameRule

__all__ = ["Autoconfig", "urls"]

_SECURITY: dict[str, EndpointSecurity] = {"SSL": "tls", "STARTTLS": "starttls"}
_USERNAMES: dict[str, UsernameRule] = {"%EMAILADDRESS%": "address", "%EMAILLOCALPART%": "local-part", "": "address"}


def urls(domain: str) -> tuple[str, ...]:
    """Where the configuration of ``domain`` may be: only by HTTPS, whose certificate says that it is the domain's."""
    return (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )


class Autoconfig(NamedTuple):
    """What it says of sending."""

    endpoints: tuple[Endpoint, ...]
    """In order; those without TLS are left out."""
    username: UsernameRule
    username_literal: str | None
    oauth2_only: bool

    @classmethod
    def read(cls, document: bytes, address: str) -> Autoconfig:
        """The servers that ``document`` (XML) gives for ``address``.

        Raises:
            ValueError: it is no such document, or names no server with TLS. Text of the document may be in it.
        """
        servers = [each for each in _parsed(document).iter("outgoingServer") if each.get("type") == "smtp"]
        usable = [each for each in servers if _text(each, "socketType") in _SECURITY]
        if not usable:
            raise ValueError("it names no SMTP server with TLS")
        # The user name is that of the first one: servers that differ in it are left out.
        written = _text(usable[0], "username")
        name = _filled(written, address)
        methods = {each.text for each in usable[0].iter("authentication")}
        return cls(
            tuple(_endpoint(each, address) for each in usable if _text(each, "username") == written),
            _USERNAMES.get(written, "literal"),
            None if written in _USERNAMES else name,
            bool(methods) and methods <= {"OAuth2"},
        )


def _endpoint(server: Element, address: str) -> Endpoint:
    host, port = _filled(_text(server, "hostname"), address).lower(), _text(server, "port")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise ValueError(f"not a port: {port!r}")
    if not is_host_name(host):
        raise ValueError(f"not a host: {host!r}")
    try:
        return Endpoint(host, int(port), _SECURITY[_text(server, "socketType")])
    except InvalidConfiguration as error:
        raise ValueError(error.message) from error


def _text(server: Element, name: str) -> str:
    return (server.findtext(name) or "").strip()


def _filled(text: str, address: str) -> str:
    local_part, _, domain = address.rpartition("@")
    for name, given in (("ADDRESS", address), ("LOCALPART", local_part), ("DOMAIN", domain)):
        text = text.replace(f"%EMAIL{name}%", given)
    return text


def _parsed(document: bytes) -> Element:
    """The root element. A document type is refused, and with it all entities, which can grow without bound."""
    from xml.etree.ElementTree import TreeBuilder
    from xml.parsers import expat

    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is no XML: {error}") from error
    return builder.close()
