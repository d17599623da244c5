"""The wire: commands out, replies in, and how many of them are owed."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.errors import ConnectionLost, DeliveryError, ProtocolError, ServiceUnavailable, TimedOut
from smtpkit.pattern import Pattern
from smtpkit.reply import Reply
from smtpkit.secret import SecretOctets
from smtpkit.smtp.replies import ReplyParser

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from smtpkit.errors import Stage
    from smtpkit.runtime.base import Runtime, Stream
    from smtpkit.secret import Secret
    from smtpkit.smtp.server import Server

__all__ = ["Dialogue", "closing"]

_log = logging.getLogger("smtpkit.wire")

_LAST_WORDS = 64 * 1024
"""Octets: more than a thousand replies. Some servers never cease."""

_THROTTLING = Pattern(r"(?i)throttl|\brate\b|too (?:many (?!recipients)|fast|quickly)|limit exceeded")


class Dialogue:
    """One conversation with a server.

    ``owed`` counts the replies that are due: it rises as commands go out and falls as
    replies come in. The connection is in step exactly when it is 0; a reply that is not
    owed, or more of them than are, is a protocol error.
    """

    def __init__(self, stream: Stream, runtime: Runtime, server: Server) -> None:
        self.owed: int = 1
        """Replies that are due. The greeting is the first."""
        self.deadline: float = float("inf")
        """When the whole send must be over, in the time of `Runtime.now`."""
        self.verified_tls: bool = False
        """Whether it goes over TLS, with a certificate that was verified to be the server's."""
        self._stream = stream
        self._runtime = runtime
        self._server = server
        self._timeouts = server.timeouts
        self._parser = ReplyParser()
        self.connected: float = runtime.now()
        """When it was ready for a log-in or for mail, in the time of `Runtime.now`."""
        self.heard: float = self.connected
        """When the server said something last, in the time of `Runtime.now`."""
        self.ended: bool = False
        """Whether the server's end of the connection was seen, by `spoken`."""
        self.open: bool = True
        """Whether it was not closed at this end."""
        self._hidden: tuple[Secret, ...] = ()
        self.traced: bool = _log.isEnabledFor(logging.DEBUG)
        """Whether what is said is logged."""

    @property
    def stream(self) -> Stream:
        """What it goes over."""
        return self._stream

    @property
    def in_step(self) -> bool:
        """Whether the next command may go out: the connection is open and no reply is owed."""
        return self.open and self.owed == 0

    async def send(self, commands: bytes, stage: Stage, replies: int = 1, hide: tuple[Secret, ...] = ()) -> None:
        """Write ``commands``, which are answered by that many ``replies``.

        What is in ``hide`` is secret: a server that repeats it in its reply does not bring it into the log or an
        error, until `send` is called again or `unhide`.

        Raises:
            ProtocolError: the server has said something that nobody asked for.
            ServiceUnavailable: it has said 421.
            ConnectionLost, TimedOut: they could not be written.
        """
        self._hidden = hide
        self.trace([commands])
        await self.write(commands, stage, replies)

    def unhide(self) -> None:
        """What was secret is not looked for in replies any more."""
        self._hidden = ()

    def trace(self, lines: Iterable[bytes]) -> None:
        """Log what is said, without the last word of what is secret."""
        if self.traced:
            for line in lines:
                shown = b"%b%b<secret>" % line.rpartition(b" ")[:2] if isinstance(line, SecretOctets) else line
                _log.debug("C: %s", shown.decode("utf-8", "replace").strip())

    async def write(self, data: bytes, stage: Stage, replies: int) -> None:
        """Write ``data``, which is answered by that many ``replies``. Raises as `send`."""
        self.check(stage)
        self.owed += replies
        self.traced = _log.isEnabledFor(logging.DEBUG)
        try:
            await self._stream.write(data, self._timeouts.progress, self.deadline)
        except OSError as error:
            await self._hear_last_words()
            raise self._failed(self._broken(error, stage)) from error
        except BaseException:
            self.close()
            raise

    async def _hear_last_words(self) -> None:
        """Read what the server sent before it closed the connection under our hands, which comes in many pieces."""
        left = _LAST_WORDS
        with suppress(OSError):
            while left > 0 and (early := await self._stream.received()):
                self._parser.feed(early)
                left -= len(early)

    @property
    def pending(self) -> bool:
        """Whether octets were read that no reply was made of yet."""
        return self._parser.pending

    def check(self, stage: Stage) -> None:
        """Raise what `send` raises before it writes anything, if it would."""
        if not self.open:
            raise ConnectionLost(f"the connection to {self._server.address} is closed", stage=stage)
        if self.owed == 0 and self._parser.pending:
            raise self._failed(self._unasked(stage))

    def said(self) -> Reply | None:
        """The next reply of those that have arrived, also when the connection is closed.

        Raises:
            ServiceUnavailable: it is 421, after which the server says nothing more, whatever is owed (RFC 5321 §3.8).
            ProtocolError: what came is no reply.
        """
        # First: an interruption that loses a reply leaves less owed than is waited for, and so can be seen.
        self.owed -= 1
        reply = self._next_without_secrets() if self._hidden else self._next()
        if reply is None:
            self.owed += 1
        elif reply.code >= 400 or self.traced:
            self._examine(reply)
        return reply

    def _next(self) -> Reply | None:
        try:
            return self._parser.next()
        except ProtocolError as error:
            raise self._failed(error) from None

    def _next_without_secrets(self) -> Reply | None:
        try:
            reply = self._parser.next()
        except ProtocolError as error:
            reply, hint = None, error.hint
        else:
            return reply if reply is None or reply.code == 334 else self._redacted(reply)
        # Not chained, and without what came: both may repeat the secret.
        raise self._failed(ProtocolError("what the server sent after AUTH is not a reply", hint=hint))

    def _redacted(self, reply: Reply) -> Reply:
        for secret in self._hidden:
            reply = Reply(reply.code, tuple(line.replace(secret.reveal(), "***") for line in reply.lines))
        return reply

    async def reply(self, stage: Stage, seconds: float | None = None) -> Reply:
        """The next reply, at the latest ``seconds`` from now (``Timeouts.reply`` if not given).

        Raises:
            ServiceUnavailable, ProtocolError: as `said`.
            ConnectionLost, TimedOut: none came.
        """
        deadline = min(self._runtime.now() + (seconds or self._timeouts.reply), self.deadline)
        try:
            while (reply := self.said()) is None:
                await self._read(stage, deadline)
        except (ProtocolError, ServiceUnavailable) as error:
            error.stage = stage
            raise
        return reply

    def _examine(self, reply: Reply) -> None:
        if self.traced:
            # A challenge may have a token's details in it.
            _log.debug("S: %s", "334 <challenge>" if reply.code == 334 else reply)
        if self._runtime.tell is not None and (reply.code == 421 or _throttles(reply)):
            from smtpkit.events import Throttled

            self._runtime.tell(Throttled(self._server.host, reply, reply.retry_after))
        if reply.code == 421:
            raise self._failed(closing(reply))

    async def _read(self, stage: Stage, deadline: float) -> None:
        try:
            data = await self._stream.read(deadline)
        except OSError as error:
            raise self._failed(self._broken(error, stage)) from error
        except BaseException:
            self.close()
            raise
        if not data:
            lost = f"{self._server.address} closed the connection without a reply"
            raise self._failed(ConnectionLost(lost, stage=stage))
        self.heard = self._runtime.now()
        self._parser.feed(data)

    async def spoken(self) -> bool:
        """Whether something came from the server that was not read yet, the end of the connection too."""
        if self._parser.pending:
            return True
        try:
            data = await self._stream.received()
        except OSError:
            self.ended = True
            return True
        except BaseException:
            self.close()
            raise
        self.ended = data == b""
        self._parser.feed(data or b"")
        return data is not None

    def _unasked(self, stage: Stage) -> DeliveryError:
        """What it means that the server spoke out of turn: it takes its leave, or it is out of step."""
        reply: Reply | None = None
        with suppress(ProtocolError):
            reply = self._parser.next()
        if reply is not None:
            reply = self._redacted(reply)
            if reply.code == 421:
                return closing(reply, stage)
        return ProtocolError("the server sent a reply that nobody asked for", stage=stage, reply=reply)

    async def unread(self) -> bool:
        """Whether octets came that were not read yet; the end of the connection is none."""
        await self.spoken()
        return self._parser.pending

    async def start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> bytes:
        """Shake hands; the server's certificate (DER). A reply is owed meanwhile, so that a connection left half-way
        is never in step.

        Raises:
            ProtocolError: there were octets before the handshake, which somebody injected (RFC 3207 §6).
            OSError: the handshake failed.
        """
        if await self.unread():
            raise self._failed(
                ProtocolError(
                    "the server sent something between its reply to STARTTLS and the TLS handshake",
                    stage="starttls",
                    hint="Somebody may be tampering with the connection. Nothing secret was sent.",
                )
            )
        self.owed += 1
        certificate = await self._stream.start_tls(context, host, min(self._runtime.now() + seconds, self.deadline))
        self._parser = ReplyParser()
        self.owed -= 1
        return certificate

    def close(self) -> None:
        """Close at once."""
        self.open = False
        self._stream.close()

    def abandon(self) -> None:
        """Let go of it without a word: it belongs to another process or event loop."""
        self.open = False
        self._stream.abandon()

    def _failed(self, error: DeliveryError) -> DeliveryError:
        self.close()
        return error

    def _broken(self, error: OSError, stage: Stage) -> DeliveryError:
        address = self._server.address
        if isinstance(error, TimeoutError):
            return TimedOut(f"{address} did not answer in time", stage=stage)
        return ConnectionLost(f"the connection to {address} broke: {error.strerror or error}", stage=stage)


def _throttles(reply: Reply) -> bool:
    """Whether a refusal for now is about how much we send, as servers put it in words."""
    return reply.temporary and _THROTTLING.search(reply.text) is not None


def closing(reply: Reply, stage: Stage | None = None) -> ServiceUnavailable:
    """The error for a 421 (RFC 5321 §3.8)."""
    return ServiceUnavailable("the server closed the connection", stage=stage, reply=reply)
