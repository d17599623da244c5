"""A mail server for tests, on a port of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from smtpkit.envelope import Envelope
from smtpkit.errors import InvalidConfiguration, SmtpkitError
from smtpkit.mail import Mail
from smtpkit.raw import RawMessage
from smtpkit.runtime.lock import ForkSafeLock
from smtpkit.testing.conversation import Session
from smtpkit.testing.host import EXTENSIONS, ScriptedHost

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    from smtpkit.mailer import AsyncMailer, Mailer
    from smtpkit.runtime.certificate import LoopbackCertificate
    from smtpkit.runtime.loopback import Loopback
    from smtpkit.testing.session import Accepted
    from smtpkit.tls import Tls
    from smtpkit.transports.smtp import SmtpTransport

__all__ = ["ScriptedServer", "Security"]

Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

_SCHEMES = {"starttls": "smtp", "tls": "smtps", "plaintext": "smtp+plaintext"}
_SECONDS = 10.0
"""How long its mailers wait, so that a test that hangs comes to an end."""

_certificate: LoopbackCertificate | None = None


class ScriptedServer(ScriptedHost):
    """A real SMTP server on a free port of 127.0.0.1, with TLS and log-in, that knows what it accepted.

    ::

        with ScriptedServer() as server:
            server.refuse_recipient("bob@example.com")
            server.mailer().send(message)
            server.assert_sent(to="ann@example.com", count=1)

    It stops at the end of ``with``; one that is not stopped ends with the process.
    `smtpkit.testing.forbid_network` always allows it.

    An address that is none is refused, as is content that no `RawMessage` can be, such as one without a header.

    Args:
        security: ``"starttls"`` (no mail before it), ``"tls"`` from the first byte, or ``"plaintext"``.
        username: who has to log in, by PLAIN or LOGIN; ``None`` if nobody has to.
        password: of that user.
        extensions: what it offers in EHLO besides, such as ``CHUNKING``.

    Raises:
        InvalidConfiguration: TLS without trustme, which makes the certificate (``pip install "smtpkit[testing]"``).
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        security: Security = "starttls",
        username: str | None = "user",
        password: str = "secret",  # noqa: S107 - of a server that lives for a test
        extensions: Iterable[str] = EXTENSIONS,
    ) -> None:
        if security not in _SCHEMES:
            raise InvalidConfiguration(f"security={security!r}", hint="It is starttls, tls or plaintext.")
        credentials = None if username is None else (username, password)
        super().__init__(extensions, credentials, starttls=security == "starttls")
        self.security: Security = security
        self.username: str | None = username
        self.password: str = password
        self.implicit: bool = security == "tls"
        self.accepted: list[Accepted] = []
        """The mails that it took, in order: one that came twice is there twice."""
        self.connections: int = 0
        """How many were made since the start."""
        self._outbox: list[Mail] = []
        self._lock = ForkSafeLock()
        self._loopback: Loopback | None = None
        self._certificate = None if security == "plaintext" else _shared_certificate()

    # -- how it is run -------------------------------------------------------------

    def start(self) -> Self:
        """Listen."""
        from smtpkit.runtime.loopback import Loopback

        context = None if self._certificate is None else self._certificate.context
        self._loopback = Loopback(self._dial, context)
        self._loopback.start()
        return self

    def stop(self) -> None:
        """Cut all connections and listen no more. May be called again."""
        if self._loopback is not None:
            self._loopback.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- how it is reached ---------------------------------------------------------

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._loopback is None:
            raise InvalidConfiguration("the server was not started", hint="Use it within with, or call start().")
        return self._loopback.port

    @property
    def ca_file(self) -> str | None:
        """The path of its CA certificate (PEM), for other clients; ``None`` without TLS."""
        return None if self._certificate is None else self._certificate.ca_file

    @property
    def tls(self) -> Tls | None:
        """What a client trusts it by: ``SmtpTlsTransport(server.host, server.port, tls=server.tls)``."""
        from smtpkit.tls import Tls

        return None if self.ca_file is None else Tls(ca_file=self.ca_file)

    @property
    def url(self) -> str:
        """All of it for `Mailer.from_url`, and for ``SMTP_URL`` in the environment of what is tested."""
        from urllib.parse import quote, urlencode

        user = "" if self.username is None else f"{quote(self.username, '')}:{quote(self.password, '')}@"
        options = {"tls.ca_file": self.ca_file} if self.ca_file is not None else {}
        if self.security == "plaintext" and user:
            options["allow_insecure_auth"] = "true"
        query = f"?{urlencode(options)}" if options else ""
        return f"{_SCHEMES[self.security]}://{user}{self.host}:{self.port}{query}"

    def transport(self, **options: Any) -> SmtpTransport:
        """A transport to it, with the log-in that it wants; ``options`` as for `SmtpTlsTransport`."""
        from smtpkit.smtp.timeouts import Timeouts
        from smtpkit.transports.smtp import smtp_transport

        given: dict[str, Any] = {
            "username": self.username,
            "password": None if self.username is None else self.password,
            "timeouts": Timeouts(
                connect=_SECONDS, greeting=_SECONDS, reply=_SECONDS, progress=_SECONDS, final_reply=_SECONDS
            ),
        }
        given |= {"allow_insecure_auth": True} if self.security == "plaintext" else {"tls": self.tls}
        return smtp_transport(self.security, self.host, self.port, given | options)

    def mailer(self, **options: Any) -> Mailer:
        """A mailer to it; ``options`` as for `Mailer`, or for its `transport`."""
        from smtpkit.mailer import Mailer

        transport, own = self._transport_and_own(options)
        return Mailer(transport, **own)

    def async_mailer(self, **options: Any) -> AsyncMailer:
        """An `AsyncMailer` to it; ``options`` as for `mailer`."""
        from smtpkit.mailer import AsyncMailer

        transport, own = self._transport_and_own(options)
        return AsyncMailer(transport, **own)

    def _transport_and_own(self, options: dict[str, Any]) -> tuple[SmtpTransport, dict[str, Any]]:
        from smtpkit.transports.smtp import LoginOptions

        names = LoginOptions.__required_keys__ | LoginOptions.__optional_keys__
        of_transport = {name: value for name, value in options.items() if name in names}
        own = {name: value for name, value in options.items() if name not in names}
        return self.transport(**of_transport), own

    # -- what it knows -------------------------------------------------------------

    @property
    def outbox(self) -> list[Mail]:
        """The mails that it took, in order, as octets: one that came twice is there twice."""
        return self._outbox

    def clear(self) -> None:
        """Forget the mails. What was scripted stays: `accept_all` forgets that."""
        with self._lock:
            self.accepted.clear()
            self._outbox.clear()

    def _dial(self, host: str, port: int) -> Session:
        self.connections += 1
        return Session(self)

    def _keep(self, mail: Accepted) -> str | None:
        try:
            kept = Mail(RawMessage(mail.content), Envelope(mail.sender or None, mail.recipients))
        except SmtpkitError as error:
            return f"554 5.6.0 {error.message}"
        with self._lock:
            self.accepted.append(mail)
            self._outbox.append(kept)
        return None

    def __repr__(self) -> str:
        where = "not started" if self._loopback is None else f"on {self.host}:{self.port}"
        return f"<ScriptedServer {where}, {len(self.accepted)} mails>"


def _shared_certificate() -> LoopbackCertificate:
    """One for all servers of this process: keys take a while to make."""
    global _certificate
    from smtpkit.runtime.certificate import LoopbackCertificate

    _certificate = _certificate or LoopbackCertificate()
    return _certificate
