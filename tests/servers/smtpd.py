"""aiosmtpd as a server in a thread of its own: it keeps what it accepts."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from base64 import b64decode
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self, TypeAlias, TypedDict

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from collections.abc import Collection, Container
    from types import TracebackType
    from typing import Unpack

    from servers.certificates import Certificates, Name

Security: TypeAlias = Literal["starttls", "tls", "plaintext"]

_SECONDS = 10.0
_MECHANISMS = frozenset(("LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER"))

# What they look like: developers.google.com/gmail/imap/xoauth2-protocol, and RFC 7628 §3.1.
_XOAUTH2 = re.compile(rb"user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01")
_OAUTHBEARER = re.compile(rb"n,a=([^\x01,]+),\x01host=localhost\x01port=[0-9]+\x01auth=Bearer ([^\x01]+)\x01\x01")
_DENIED = b'{"status":"invalid_token","schemes":"bearer","scope":"https://mail.google.com/"}'


class Accepted(NamedTuple):
    """A mail as the server received it."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    content: bytes
    """Dot-stuffing undone, with the last CRLF: what a mailbox would get."""
    mail_options: tuple[str, ...]
    rcpt_options: tuple[str, ...]
    username: str | None
    """Who was logged in."""
    encrypted: bool


class Options(TypedDict, total=False):
    """The keyword arguments of `Smtpd`."""

    security: Security
    certificate: Name
    username: str | None
    password: str
    mechanisms: Collection[str]
    tokens: Container[str]
    refused: Collection[str]
    extensions: Collection[str]
    size: int | None


class StartSmtpd(Protocol):
    """Starts an `Smtpd` that stops when the test ends: the fixture ``smtpd``."""

    def __call__(self, **options: Unpack[Options]) -> Smtpd: ...


class Smtpd:
    """A real SMTP server on a free port of 127.0.0.1, running within ``with``.

    With ``security`` "starttls" it takes no mail before STARTTLS, with "tls" it speaks TLS from
    the first byte. If there is a ``username``, it wants a log-in before MAIL, by one of the ``mechanisms``: PLAIN and
    LOGIN with the ``password``, XOAUTH2 and OAUTHBEARER with one of the ``tokens``.
    It answers 550 5.1.1 to ``refused`` recipients; ``extensions`` are further EHLO lines.
    """

    host = "localhost"

    def __init__(
        self,
        certificates: Certificates,
        *,
        security: Security = "starttls",
        certificate: Name = "server",
        username: str | None = None,
        password: str = "",
        mechanisms: Collection[str] = ("LOGIN", "PLAIN"),
        tokens: Container[str] = (),
        refused: Collection[str] = (),
        extensions: Collection[str] = (),
        size: int | None = None,
    ) -> None:
        self.security: Security = security
        self.username = username
        self.password = password
        self.mechanisms = frozenset(mechanisms)
        self.tokens = tokens
        self.tried: list[tuple[str, str]] = []
        """The mechanisms and tokens of log-ins, in their order."""
        self.refused = frozenset(refused)
        self.extensions = tuple(extensions)
        self.size = size
        self.tls = None if security == "plaintext" else certificates.server_context(certificate)
        self.accepted: list[Accepted] = []
        self.connections = 0
        """How many were made since the start."""
        self.port = 0
        self._stopping = asyncio.Event()
        self._emptied = asyncio.Event()
        self._beginning: dict[asyncio.Task[None], socket.socket] = {}
        self._open: set[_Connection] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        started: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), name="smtpd", daemon=True)
        self._thread.start()
        self.port = started.result(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut all connections and listen no more; may be called before ``with`` ends."""
        assert self._loop is not None
        assert self._thread is not None
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"

    async def _serve(self, started: Future[int]) -> None:
        try:
            self._loop = asyncio.get_running_loop()
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
        except BaseException as error:
            started.set_exception(error)
            raise
        self._loop.add_reader(listener, self._accept, listener)
        started.set_result(listener.getsockname()[1])
        await self._stopping.wait()
        self._loop.remove_reader(listener)
        beginning = set(self._beginning)
        for task in beginning:
            task.cancel()
        if beginning:
            await asyncio.wait(beginning)
        for _ in range(3):
            await asyncio.sleep(0)  # in which the loop closes what was aborted
        listener.close()
        for connection in tuple(self._open):
            connection.abort()
        if self._open:
            await asyncio.wait_for(self._emptied.wait(), _SECONDS)

    def _accept(self, listener: socket.socket) -> None:
        # Not loop.create_server: before 3.13 it does not tell which TLS handshakes are under way, to end them. And not
        # loop.sock_accept: when it is cancelled, a connection that it has just accepted is lost.
        sock, _ = listener.accept()
        sock.setblocking(False)
        # asyncio does it only for sockets that name their protocol; aiosmtpd answers EHLO in several writes.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.get_running_loop().create_task(self._begin(sock))
        self._beginning[task] = sock
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[None]) -> None:
        sock = self._beginning.pop(task)
        if task.cancelled():
            # It may not have come to its first line.
            sock.close()

    async def _begin(self, sock: socket.socket) -> None:
        implicit = self.tls if self.security == "tls" else None
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(lambda: _Connection(self), sock, ssl=implicit)

    def opened(self, connection: _Connection) -> None:
        """Called by a connection that begins."""
        self.connections += 1
        self._open.add(connection)

    def closed(self, connection: _Connection) -> None:
        """Called by a connection that ended."""
        self._open.discard(connection)
        if self._stopping.is_set() and not self._open:
            self._emptied.set()


class _Connection(SMTP):
    """One connection: aiosmtpd, with a log-in that implicit TLS is good enough for."""

    def __init__(self, smtpd: Smtpd) -> None:
        self.smtpd = smtpd
        self.bottom: asyncio.BaseTransport | None = None
        super().__init__(
            _Handler(smtpd),
            data_size_limit=smtpd.size,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="ESMTP",
            tls_context=smtpd.tls if smtpd.security == "starttls" else None,
            require_starttls=True,
            # aiosmtpd knows of STARTTLS only, and takes implicit TLS for none.
            auth_require_tls=smtpd.security == "starttls",
            auth_exclude_mechanism=_MECHANISMS - smtpd.mechanisms,
            authenticator=self.judge_login,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.bottom is None:
            self.bottom = transport
            self.smtpd.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.smtpd.closed(self)

    def abort(self) -> None:
        """Cut the connection."""
        assert isinstance(self.bottom, asyncio.Transport)
        self.bottom.abort()

    async def check_auth_needed(self, caller_method: str) -> bool:
        # Not by the argument auth_required: it warns when it meets implicit TLS.
        assert self.session is not None
        if self.smtpd.username is None or self.session.authenticated:
            return False
        await self.push("530 5.7.0 Authentication required")
        return True

    def judge_login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (self.smtpd.username or "").encode(), self.smtpd.password.encode()
        matches = self.smtpd.username is not None and (data.login, data.password) == right
        return AuthResult(success=matches, handled=False, auth_data=self.smtpd.username)


class _Handler:
    """What aiosmtpd asks at each command."""

    def __init__(self, smtpd: Smtpd) -> None:
        self.smtpd = smtpd

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._judge_token(server, args, _XOAUTH2, b"")

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._judge_token(server, args, _OAUTHBEARER, b"\1")

    async def _judge_token(
        self, server: SMTP, args: list[str], form: re.Pattern[bytes], admission: bytes
    ) -> AuthResult:
        """By the token; who is refused has to answer a challenge before the 535 comes (RFC 7628 §3.2.3)."""
        found = form.fullmatch(b64decode(args[1], validate=True))
        if found is None:
            return AuthResult(success=False, handled=False, message="501 5.5.2 Not what this mechanism looks like")
        user, token = found[1].decode(), found[2].decode()
        self.smtpd.tried.append((args[0], token))
        if user == self.smtpd.username and token in self.smtpd.tokens:
            return AuthResult(success=True, auth_data=user)
        if await server.challenge_auth(_DENIED) != admission:
            return AuthResult(success=False, handled=False, message="501 5.5.2 Not the end of this mechanism")
        return AuthResult(success=False, handled=False)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = [line for line in responses if self.smtpd.username is not None or not line.startswith("250-AUTH")]
        return [*offered[:-1], *(f"250-{line}" for line in self.smtpd.extensions), offered[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.smtpd.refused:
            return f"550 5.1.1 <{address}>: no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.smtpd.accepted.append(
            Accepted(
                mail_from=envelope.mail_from or "",
                rcpt_tos=tuple(envelope.rcpt_tos),
                content=envelope.content,
                mail_options=tuple(envelope.mail_options),
                rcpt_options=tuple(envelope.rcpt_options),
                username=session.auth_data if session.authenticated else None,
                encrypted=session.ssl is not None or self.smtpd.security == "tls",
            )
        )
        return f"250 2.0.0 OK: queued as {len(self.smtpd.accepted)}"
