"""Which server, and on what terms it is spoken to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret
from smtpkit.smtp.sasl import MECHANISMS
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.runtime.tls import TlsSetting

__all__ = ["Credentials", "Security", "Server", "TokenSource"]

Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

TokenSource: TypeAlias = "str | Callable[[], str | Awaitable[str]]"
"""An OAuth 2 access token, or a function (``async`` too) that is asked for one for each new connection."""

_UNSPEAKABLE = re.compile("[\\0\ud800-\udfff]")


@value
class Credentials:
    """A user name, and a password or where an access token comes from."""

    username: str
    password: Secret | None
    token: Secret | Callable[[], str | Awaitable[str]] | None

    @classmethod
    def of(cls, username: str | None, password: str | None, token: TokenSource | None) -> Credentials | None:
        """What was given; ``None`` if nothing was.

        Raises:
            InvalidConfiguration: a part is missing, or there is one too many.
        """
        if username is None and password is None and token is None:
            return None
        if not username:
            raise InvalidConfiguration("a password or token was given, and no username to go with it")
        if (password is None) == (token is None):
            raise InvalidConfiguration(
                f"the username {shown(username)} needs either a password or a token, and got "
                + ("both" if password is not None else "neither"),
                hint="Leave all of them out for a server without log-in.",
            )
        for what, text in (("username", username), ("password", password), ("token", token)):
            if isinstance(text, str) and _UNSPEAKABLE.search(text):
                raise InvalidConfiguration(f"the {what} has a NUL or a lone surrogate, which no mechanism can carry")
        return cls(
            username,
            None if password is None else Secret(password),
            Secret(token) if isinstance(token, str) else token,
        )

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
    allow_insecure_auth: bool = False

    def checked(self) -> Server:
        """Itself, if it can work.

        Raises:
            InvalidConfiguration: it cannot; the text says which option is wrong.
        """
        host = self.host
        labels = host.removesuffix(".").split(".")
        if not host.isprintable() or set(host) & set(" /@<>[]") or not all(0 < len(label) < 64 for label in labels):
            hint = 'Give it as in "smtp.example.com", and an IPv6 address without brackets.'
            raise InvalidConfiguration(f"not a host name: {shown(host)}", hint=hint)
        if not 0 < self.port < 65536:
            raise InvalidConfiguration(f"not a port: {self.port}", hint="Mostly 587 (STARTTLS), 465 (TLS) or 25.")
        unknown = [name for name in self.mechanisms or () if name not in MECHANISMS]
        if unknown:
            raise InvalidConfiguration(f"unknown mechanism {unknown[0]!r}", hint=f"Known: {', '.join(MECHANISMS)}.")
        if self.security == "plaintext" and self.credentials and not self.allow_insecure_auth:
            raise InvalidConfiguration(
                "log-in without TLS would send the password for everyone to read",
                hint="Use SmtpTlsTransport or SmtpSslTransport; on your own machine allow_insecure_auth=True.",
            )
        name = self.local_hostname
        if name is not None and (not name.isascii() or not name.isprintable() or " " in name or not name):
            raise InvalidConfiguration(f"not a host name for EHLO: {shown(name)}")
        return self

    @property
    def address(self) -> str:
        """``host:port``, for people."""
        return f"{self.host}:{self.port}"
