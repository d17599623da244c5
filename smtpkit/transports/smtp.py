"""Mail to an SMTP server: STARTTLS, TLS from the first byte, or plaintext."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from smtpkit.errors import InvalidConfiguration
from smtpkit.secret import hidden, not_pickled
from smtpkit.smtp.credentials import Credentials
from smtpkit.smtp.lane import Lane
from smtpkit.smtp.lanes import Lanes
from smtpkit.smtp.pool import Pool
from smtpkit.smtp.server import Server
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import InsecureTlsWarning, verifies
from smtpkit.value import at_least_1

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import NoReturn

    from typing_extensions import Unpack

    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.credentials import PasswordSource, TokenSource
    from smtpkit.smtp.server import Security
    from smtpkit.tls import TlsSetting
    from smtpkit.transports.base import Carrier

__all__ = [
    "LoginOptions",
    "PlaintextSmtpTransport",
    "SmtpOptions",
    "SmtpSslTransport",
    "SmtpTlsTransport",
    "SmtpTransport",
    "smtp_transport",
]


class SmtpOptions(TypedDict, total=False):
    """What all SMTP transports take by keyword, besides the log-in."""

    mechanisms: Iterable[str] | None
    """The only authentication mechanisms to use, in this order."""
    tls: TlsSetting
    """A `Tls`, the path of a file with CA certificates (PEM), an ``ssl.SSLContext``, or `insecure_tls()`."""
    timeouts: Timeouts
    local_hostname: str | None
    """What to call this machine in EHLO. Some relays want its real name."""
    source_address: str | None
    """The local IP address to connect from."""
    connections: int
    """The most connections that are open at a time."""
    pipelining: bool
    """``False`` for servers that offer PIPELINING and cannot do it."""
    chunking: bool
    """``False`` for servers that offer CHUNKING and cannot do it."""
    messages_per_connection: int | None
    """After how many a new connection is opened; without it, when the server closes."""


class LoginOptions(SmtpOptions, total=False):
    """The log-in, and `SmtpOptions`."""

    username: str | None
    """The user name; none for servers that want no log-in."""
    password: PasswordSource | None
    """A password, or a function (``async`` too) that is asked for it for each new connection."""
    token: TokenSource | None
    """An OAuth 2 access token instead of a password, a function (``async`` too) that gives one, or a client of
    `smtpkit.oauth2`. Where a token that was refused came from a function or client, another one is asked for, once."""


_KNOWN = sorted(LoginOptions.__required_keys__ | LoginOptions.__optional_keys__)


class SmtpTransport:
    """What the SMTP transports share. Make one of its subclasses."""

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        options: LoginOptions,
        *,
        allow_insecure_auth: bool = False,
    ) -> None:
        # Taken out, so that a traceback from here does not show them.
        secrets = hidden(password=options.pop("password", None), token=options.pop("token", None))
        _refuse_unknown(options)
        self._server = Server(
            host,
            port,
            security,
            credentials=Credentials.of(options.get("username"), **secrets),
            mechanisms=_names(options.get("mechanisms")),
            tls=options.get("tls"),
            timeouts=_timeouts(options),
            local_hostname=options.get("local_hostname"),
            source_address=options.get("source_address"),
            pipelining=options.get("pipelining", True),
            chunking=options.get("chunking", True),
            messages_per_connection=_count(options, "messages_per_connection"),
            allow_insecure_auth=allow_insecure_auth,
        ).checked()
        self._pool = Pool(self._server, _count(options, "connections") or 1)
        if security != "plaintext" and not verifies(self._server.tls):
            _warn(self)

    @property
    def server(self) -> Server:
        """Which server it is, and on what terms it is spoken to."""
        return self._server

    @property
    def account(self) -> str:
        """Whose limits this transport uses up: the user and the host."""
        credentials = self._server.credentials
        # In one case: two spellings of one account must not count apart.
        return f"{credentials.username} at {self._server.host}".lower() if credentials else self._server.host.lower()

    @property
    def total(self) -> float | None:
        """Seconds for a whole send, retries included, if there is such a limit: `Timeouts.total`."""
        return self._server.timeouts.total

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Send ``mail`` over a connection of the pool."""
        lane = Lane(self._pool, runtime)
        try:
            total = self._server.timeouts.total
            await lane.put(mail, float("inf") if total is None else runtime.now() + total)
            return await lane.take()
        except BaseException as interruption:
            lane.confess(interruption)
            lane.release()
            raise

    def carrier(self, runtime: Runtime, connections: int, in_flight: int) -> Carrier:
        """For `Mailer.send_many`: mails over several connections, several of them in flight on each."""
        return Lanes(self._pool, runtime, connections, in_flight, self._server.timeouts.total)

    async def close(self, runtime: Runtime) -> None:
        """Close the idle connections with QUIT."""
        await self._pool.close(runtime)

    def __reduce__(self) -> NoReturn:
        raise not_pickled(f"a {type(self).__name__}")

    def __repr__(self) -> str:
        user = f", username={self._server.credentials.username!r}" if self._server.credentials else ""
        return f"{type(self).__name__}({self._server.host!r}, {self._server.port}{user})"


class SmtpTlsTransport(SmtpTransport):
    """STARTTLS, required: the connection begins in plaintext, and nothing is said before TLS (RFC 3207).

    ::

        Mailer(SmtpTlsTransport("smtp.example.com", username="me", password=password))

    Args:
        host: the server's name; its certificate must be for it.
        port: mostly 587 (RFC 6409).
        options: those of `LoginOptions`.

    Raises:
        InvalidConfiguration: an option that cannot be used.
    """

    def __init__(self, host: str, port: int = 587, **options: Unpack[LoginOptions]) -> None:
        super().__init__(host, port, "starttls", options)


class SmtpSslTransport(SmtpTransport):
    """TLS from the first byte (RFC 8314 §3.3).

    Args:
        host: the server's name; its certificate must be for it.
        port: mostly 465.
        options: those of `LoginOptions`.

    Raises:
        InvalidConfiguration: an option that cannot be used.
    """

    def __init__(self, host: str, port: int = 465, **options: Unpack[LoginOptions]) -> None:
        super().__init__(host, port, "tls", options)


class PlaintextSmtpTransport(SmtpTransport):
    """No TLS: for a relay on your own machine. It refuses credentials unless ``allow_insecure_auth=True``.

    Args:
        host: mostly ``"localhost"``.
        port: mostly 25.
        allow_insecure_auth: whether a user name and password may go over the wire for all to read.
        options: those of `LoginOptions`, but for ``tls``.

    Raises:
        InvalidConfiguration: credentials without ``allow_insecure_auth``, ``tls``, or another option
            that cannot be used.
    """

    def __init__(
        self, host: str, port: int = 25, *, allow_insecure_auth: bool = False, **options: Unpack[LoginOptions]
    ) -> None:
        super().__init__(host, port, "plaintext", options, allow_insecure_auth=allow_insecure_auth)


def smtp_transport(security: str, host: str, port: int | None, options: Mapping[str, Any]) -> SmtpTransport:
    """The transport for ``security``, at its usual port if ``port`` is ``None``.

    Raises:
        InvalidConfiguration: an option that it does not have, or cannot use.
    """
    for name in ("host", "port"):
        if name in options:
            raise InvalidConfiguration(f"unknown option {name!r}", hint="The preset or the URL gives it already.")
    given: dict[str, Any] = {"host": host, **options}
    if port is not None:
        given["port"] = port
    if security == "plaintext":
        return PlaintextSmtpTransport(**given)
    return SmtpTlsTransport(**given) if security == "starttls" else SmtpSslTransport(**given)


def _warn(transport: SmtpTransport) -> None:
    """Warn whoever made it, at the line of theirs."""
    import sys
    import warnings

    level, frame = 1, sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "smtpkit":
        level, frame = level + 1, frame.f_back
    warnings.warn(
        f"{transport!r} does not verify whom it speaks TLS with: whoever is in between can read everything and log in. "
        "Use tls=Tls(fingerprints=...) for a self-signed server, or tls=Tls(ca_file=...).",
        InsecureTlsWarning,
        stacklevel=level,
    )


def _refuse_unknown(options: LoginOptions) -> None:
    unknown = sorted(set(options) - set(_KNOWN))
    if unknown:
        from difflib import get_close_matches

        nearest = get_close_matches(unknown[0], _KNOWN, n=3)
        known = [*nearest, *(name for name in _KNOWN if name not in nearest)]
        raise InvalidConfiguration(f"unknown option {unknown[0]!r}", hint=f"Known: {', '.join(known)}.")


def _count(options: Mapping[str, Any], name: str) -> int | None:
    number: int | None = options.get(name)
    return None if number is None else at_least_1(name, number)


def _timeouts(options: LoginOptions) -> Timeouts:
    timeouts = options.get("timeouts") or Timeouts()
    if not isinstance(timeouts, Timeouts):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidConfiguration(f"timeouts={timeouts!r}", hint="Write timeouts=Timeouts(reply=30).")
    return timeouts


def _names(mechanisms: Iterable[str] | None) -> tuple[str, ...] | None:
    if mechanisms is None:
        return None
    names = tuple(name.upper() for name in ([mechanisms] if isinstance(mechanisms, str) else mechanisms))
    if not names:
        raise InvalidConfiguration("mechanisms= is empty", hint="Leave it out to use what the server offers.")
    return names
