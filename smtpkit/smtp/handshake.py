"""From the first packet to a connection that is ready for mail: connect, greet, secure, authenticate."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from smtpkit import trouble
from smtpkit.errors import (
    ConnectFailed,
    ConnectionLost,
    ProtocolError,
    ServiceUnavailable,
    SmtpkitError,
    StartTlsNotOffered,
    StartTlsRefused,
    TimedOut,
    TlsFailed,
)
from smtpkit.runtime.tls import client_context, fingerprint, not_tls, pin_error, tls_error
from smtpkit.smtp import commands
from smtpkit.smtp.authentication import authenticate
from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.dialogue import Dialogue
from smtpkit.tls import verifies

if TYPE_CHECKING:
    from ssl import SSLContext

    from smtpkit.events import Tell
    from smtpkit.runtime.base import Runtime, Stream
    from smtpkit.smtp.server import Server

__all__ = ["open_dialogue"]

_log = logging.getLogger("smtpkit")


async def open_dialogue(server: Server, runtime: Runtime, deadline: float) -> tuple[Dialogue, Capabilities]:
    """A dialogue with ``server`` that is ready for MAIL, and what the server can do.

    Nothing stays open if it fails or is interrupted.

    Raises:
        ConnectFailed, ServiceUnavailable, TlsFailed, AuthenticationFailed, ProtocolError,
        ConnectionLost, TimedOut: as their names say; nothing secret went over plaintext.
    """
    # Loading the system's CAs takes 10 to 30 ms of work: not in somebody's event loop.
    context = None if server.security == "plaintext" else await runtime.call(client_context, server.tls)
    began = runtime.now()
    stream = await _connect(server, runtime, deadline)
    try:
        dialogue = Dialogue(stream, runtime, server)
        dialogue.deadline = deadline
        name = server.local_hostname or stream.local_name
        if context is not None and server.security == "tls":
            await _shake_hands(dialogue, server, context)
        await _greeting(dialogue, server)
        capabilities = await _ehlo(dialogue, name)
        if context is not None and server.security == "starttls":
            await _start_tls(dialogue, server, capabilities)
            await _shake_hands(dialogue, server, context)
            # What was said before TLS is forgotten (RFC 3207 §4.2).
            capabilities = await _ehlo(dialogue, name)
        dialogue.connected = runtime.now()
        if runtime.tell is not None:
            _tell_connected(runtime.tell, server, stream, dialogue.connected - began)
        if server.credentials is not None:
            await _log_in(dialogue, server, capabilities, runtime)
    except BaseException as error:
        stream.close()
        if (refusal := _refused_late(error, server)) is not None:
            raise refusal from error
        raise
    return dialogue, capabilities


def _tell_connected(tell: Tell, server: Server, stream: Stream, seconds: float) -> None:
    from smtpkit.events import Connected

    tell(Connected(server.host, server.port, server.security, stream.tls_version, seconds))


async def _log_in(dialogue: Dialogue, server: Server, capabilities: Capabilities, runtime: Runtime) -> None:
    try:
        await authenticate(dialogue, server, capabilities, runtime)
    except BaseException as error:
        if runtime.tell is not None:
            from smtpkit.events import Closed

            reason = error.message if isinstance(error, SmtpkitError) else type(error).__name__
            runtime.tell(Closed(server.host, runtime.now() - dialogue.connected, 0, reason))
        raise


def _refused_late(error: BaseException, server: Server) -> TlsFailed | None:
    """What it means if TLS broke after the handshake: in TLS 1.3 the client has done it before the server judges it."""
    cause = error.__cause__ if isinstance(error, ConnectionLost) and error.stage != "tls" else None
    if not isinstance(cause, OSError):
        return None
    return tls_error(cause, server.host, server.port, server.security == "starttls")


async def _connect(server: Server, runtime: Runtime, deadline: float) -> Stream:
    until = min(runtime.now() + server.timeouts.connect, deadline)
    try:
        return await runtime.connect(server.host, server.port, server.source_address, until)
    except TimeoutError as error:
        raise TimedOut(
            f"{server.address} did not answer in time",
            stage="connect",
            hint=trouble.no_answer(server.port),
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        if type(error).__name__ == "gaierror":
            raise ConnectFailed(
                f"the host name {server.host} was not found: {reason}",
                stage="resolve",
                hint=trouble.name_not_found(server.host),
            ) from error
        raise ConnectFailed(
            f"no connection to {server.address}: {reason}",
            hint=trouble.refused(server.port),
        ) from error


async def _greeting(dialogue: Dialogue, server: Server) -> None:
    try:
        reply = await dialogue.reply("greeting", server.timeouts.greeting)
    except TimedOut as error:
        error.hint = trouble.silent_at_greeting(server.security)
        raise
    except ConnectionLost as error:
        error.hint = trouble.broken_at_greeting(server.security)
        raise
    if reply.code != 220:
        raise ServiceUnavailable(f"{server.address} does not accept mail now", stage="greeting", reply=reply)


async def _ehlo(dialogue: Dialogue, name: str) -> Capabilities:
    await dialogue.send(commands.ehlo(name), "ehlo")
    reply = await dialogue.reply("ehlo")
    if reply.positive:
        return Capabilities.of(reply)
    if reply.code in (500, 501, 502, 504):
        await dialogue.send(commands.helo(name), "ehlo")
        reply = await dialogue.reply("ehlo")
        if reply.positive:
            return Capabilities()
    raise ProtocolError(
        f"the server does not accept EHLO {name}",
        stage="ehlo",
        reply=reply,
        hint="Some servers want a real host name there: local_hostname=...",
    )


async def _start_tls(dialogue: Dialogue, server: Server, capabilities: Capabilities) -> None:
    if "STARTTLS" not in capabilities:
        raise StartTlsNotOffered(
            f"{server.address} does not offer STARTTLS",
            hint=trouble.no_starttls(offered=False, peer=dialogue.stream.peer_address),
        )
    await dialogue.send(commands.STARTTLS, "starttls")
    reply = await dialogue.reply("starttls")
    if reply.code != 220:
        raise StartTlsRefused(
            f"{server.address} offers STARTTLS and refuses it",
            reply=reply,
            hint=None if reply.temporary else trouble.no_starttls(offered=True),
        )


async def _shake_hands(dialogue: Dialogue, server: Server, context: SSLContext) -> None:
    starttls = server.security == "starttls"
    if not starttls and await dialogue.unread():
        raise not_tls(server.host, server.port)
    try:
        certificate = await dialogue.start_tls(context, server.host, server.timeouts.connect)
    except TimeoutError as error:
        raise TimedOut(
            f"the TLS handshake with {server.address} took too long",
            stage="tls",
            hint=trouble.silent_handshake(server.security),
        ) from error
    except OSError as error:
        raise (
            tls_error(error, server.host, server.port, starttls)
            or ConnectionLost(f"{server.address} broke off the TLS handshake", stage="tls")
        ) from error
    if (wrong := pin_error(server.tls, certificate, server.host, server.port)) is not None:
        raise wrong
    dialogue.verified_tls = verifies(server.tls)
    if not dialogue.verified_tls:
        _log.warning(
            "%s: nobody verified whom TLS is spoken with. Known by its fingerprint the server would be with "
            "tls=Tls(fingerprints=%r)",
            server.address,
            fingerprint(certificate),
        )
