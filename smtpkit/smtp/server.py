"""Which server, and on what terms it is spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern
from smtpkit.secret import Secret
from smtpkit.smtp.sasl import MECHANISMS
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import InsecureTls, Tls
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.tls import TlsSetting

__all__ = ["Credentials", "Security", "Server", "TokenSource"]

Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

TokenSource: TypeAlias = "str | Callable[[], str | Awaitable[str]]"
"""An OAuth 2 access token, or a function (``async`` too) that is asked for one for each new connection."""

_EHLO_NAME = Pattern(r"[!-~]+\Z")
_NUL = Pattern("[\\0\ud800-\udfff]")
_CONTROLS = Pattern("[\\0-\\x1f\\x7f-\\x9f\ud800-\udfff]")
"""Not in names and tokens, whose parts XOAUTH2 and OAUTHBEARER separate by one of them."""


@value
class Credentials:
    """A user name, and a password or where an access token comes from."""

    username: str
    password: Secret | None
    token: Secret | Callable[[], str | Awaitable[str]] | None

    @classmethod
    def of(
        cls, username: str | None, password: str | Secret | None, token: TokenSource | Secret | None
    ) -> Credentials | None:
        """What was given; ``None`` if nothing was.

        Raises:
            InvalidConfiguration: a part is missing, or there is one too many.
        """
        password = Secret(password) if isinstance(password, str) else password
        token = Secret(token) if isinstance(token, str) else token
        if username is None and password is None and token is None:
            return None
        for what, given in (("username", username), ("password", password), ("token", token)):
            refuse_unusable(what, given)
        if username is None:
            raise InvalidConfiguration("a password or token was given, and no username to go with it")
        if (password is None) == (token is None):
            raise InvalidConfiguration(
                f"the username {shown(username)} needs either a password or a token, and got "
                + ("both" if password is not None else "neither"),
                hint="Leave all of them out for a server without log-in.",
            )
        return cls(username, password, token)

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, {'password' if self.password else 'token'}=***)"


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


def refuse_unusable(what: str, given: object) -> None:
    """Raise for a part of the log-in that no mechanism can carry. The text never has its value.

    Raises:
        InvalidConfiguration: it is no text, empty, or has characters that cannot be.
    """
    if given is None or (what == "token" and callable(given)):
        return
    if not isinstance(given, (str, Secret)):
        hint = f"Decode it first: {what}.decode()." if isinstance(given, bytes) else None
        raise InvalidConfiguration(f"the {what} is text, and {type(given).__name__} was given", hint=hint)
    if problem := _problem(what, given.reveal() if isinstance(given, Secret) else given):
        raise InvalidConfiguration(f"the {what} {problem[0]}", hint=problem[1])


def _problem(what: str, text: str) -> tuple[str, str | None] | None:
    # It does not raise: what it was given would be in the traceback.
    if not text:
        return "is empty", "Is a variable not set that it comes from? For a server without log-in leave all of it out."
    if _NUL.search(text):
        return "has a NUL or a lone surrogate, which no mechanism can carry", None
    if what != "password" and _CONTROLS.search(text):
        return "has a control character", f"Is there a line end behind it, from a file? Then {what}.strip() helps."
    return None


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
