"""Which server, and on what terms it is spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern
from smtpkit.smtp.sasl import MECHANISMS
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import InsecureTls, Tls
from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.smtp.credentials import Credentials
    from smtpkit.tls import TlsSetting

__all__ = ["Security", "Server"]

Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

_EHLO_NAME = Pattern(r"[!-~]+\Z")


@value
class Server:
    """A server and how to speak to it. Two transports with equal servers do the same."""

    host: str
    port: int
    security: Security
    credentials: Credentials | None = None
    mechanisms: tuple[str, ...] | None = None
    tls: TlsSetting = None
    timeouts: Timeouts = Timeouts()
    local_hostname: str | None = None
    source_address: str | None = None
    pipelining: bool = True
    chunking: bool = True
    messages_per_connection: int | None = None
    allow_insecure_auth: bool = False

    def checked(self) -> Server:
        """Itself, if it can work.

        Raises:
            InvalidConfiguration: it cannot; the text says which option is wrong.
        """
        self._check_address()
        self._check_tls()
        for option in ("pipelining", "chunking"):
            if not isinstance(getattr(self, option), bool):
                raise InvalidConfiguration(f"{option}={getattr(self, option)!r}", hint="It is True or False.")
        unknown = [name for name in self.mechanisms or () if name not in MECHANISMS]
        if unknown:
            raise InvalidConfiguration(f"unknown mechanism {unknown[0]!r}", hint=f"Known: {', '.join(MECHANISMS)}.")
        if self.security == "plaintext" and self.credentials and not self.allow_insecure_auth:
            raise InvalidConfiguration(
                "log-in without TLS would send the password for everyone to read",
                hint="Use SmtpTlsTransport or SmtpSslTransport; on your own machine allow_insecure_auth=True.",
            )
        name: object = self.local_hostname
        if name is not None and not (isinstance(name, str) and _EHLO_NAME.match(name)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(f"not a host name for EHLO: {shown(str(name))}")
        _check_source(self.source_address)
        return self

    def _check_address(self) -> None:
        host: object = self.host
        hint = 'Give it as in "smtp.example.com", and an IPv6 address without brackets.'
        if not isinstance(host, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(f"a host name is text, not {type(host).__name__}", hint=hint)
        labels = host.removesuffix(".").split(".")
        if host.count(":") == 1:
            raise InvalidConfiguration(f"not a host name: {shown(host)}", hint="The port is an argument of its own.")
        if not host.isprintable() or set(host) & set(" /@<>[]") or not all(0 < len(label) < 64 for label in labels):
            raise InvalidConfiguration(f"not a host name: {shown(host)}", hint=hint)
        if type(self.port) is not int or not 0 < self.port < 65536:
            raise InvalidConfiguration(
                f"not a port: {self.port!r}", hint="It is a number: mostly 587 (STARTTLS), 465 (TLS) or 25."
            )

    def _check_tls(self) -> None:
        tls: object = self.tls
        if self.security == "plaintext" and tls is not None:
            raise InvalidConfiguration("tls= means nothing to PlaintextSmtpTransport", hint="Use SmtpTlsTransport.")
        if tls is None or (isinstance(tls, str) and tls) or isinstance(tls, (Tls, InsecureTls)):
            return
        # A context is known by its method: importing ssl takes longer than all of smtpkit.
        if hasattr(tls, "__fspath__") or hasattr(tls, "wrap_socket"):
            return
        raise InvalidConfiguration(
            f"tls={tls!r}",
            hint="It takes a Tls(...), the path of a file with CA certificates (PEM) or an ssl.SSLContext; leave it "
            "out to trust the system's CAs. Whether there is TLS is the choice of the transport.",
        )

    @property
    def address(self) -> str:
        """``host:port``, for people."""
        return f"{self.host}:{self.port}"


def _check_source(address: object) -> None:
    if address is None:
        return
    # Not at import: few give it.
    from ipaddress import ip_address

    try:
        ip_address(address if isinstance(address, str) else "")
    except ValueError:
        raise InvalidConfiguration(
            f"source_address={shown(str(address))} is not an IP address",
            hint='Give one of this machine, such as "192.0.2.1" or "2001:db8::1".',
        ) from None
