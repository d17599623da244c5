"""The AUTH exchange (RFC 4954)."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from smtpkit.errors import AuthenticationFailed, NoCommonMechanism, ProtocolError, SmtpkitError
from smtpkit.secret import Secret
from smtpkit.smtp import commands
from smtpkit.smtp.sasl import Login, mechanism_for, usable_mechanisms

if TYPE_CHECKING:
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.server import Credentials, Server

__all__ = ["authenticate"]

_log = logging.getLogger("smtpkit")

_MAX_CHALLENGES = 8
"""No mechanism has more; an endless one is broken off."""

_MECHANISM_NOT_FOR_YOU = (504, 534)
"""The mechanism was refused, not the secret: another one may be tried. After 535 none is, since every try
counts towards a lock-out."""


async def authenticate(dialogue: Dialogue, server: Server, capabilities: Capabilities, runtime: Runtime) -> None:
    """Log in with the first mechanism that both sides have.

    Raises:
        NoCommonMechanism: there is none.
        AuthenticationFailed: the server said no.
    """
    credentials = server.credentials
    assert credentials is not None
    names = usable_mechanisms(
        capabilities.mechanisms,
        token=credentials.token is not None,
        encrypted=server.security != "plaintext",
        wanted=server.mechanisms,
    )
    began = runtime.now()
    failure: AuthenticationFailed = _no_mechanism(server, capabilities)
    secret = await _secret(credentials, runtime) if names else ""
    login = Login(credentials.username, secret, server.host, server.port)
    for name in names:
        reply, details = await _exchange(dialogue, name, login, runtime)
        if reply.positive:
            _log.info("logged in to %s as %s with %s", server.address, credentials.username, name)
            if runtime.tell is not None:
                from smtpkit.events import Authenticated

                runtime.tell(Authenticated(server.host, name, credentials.username, runtime.now() - began))
            return
        failure = AuthenticationFailed(
            f"{server.address} refused the log-in of {credentials.username} with {name}{details}", reply=reply
        )
        if reply.code not in _MECHANISM_NOT_FOR_YOU:
            break
    raise failure


async def _secret(credentials: Credentials, runtime: Runtime) -> str:
    if credentials.password is not None:
        return credentials.password.reveal()
    source = credentials.token
    if isinstance(source, Secret):
        return source.reveal()
    assert source is not None
    try:
        token = await runtime.call(source)
        return token if isinstance(token, str) else await token
    except SmtpkitError:
        raise
    except Exception as error:
        raise AuthenticationFailed(f"no access token for {credentials.username}: {error!r}") from error


async def _exchange(dialogue: Dialogue, name: str, login: Login, runtime: Runtime) -> tuple[Reply, str]:
    """One AUTH command, its challenges and its last reply; and what an error challenge said."""
    mechanism = mechanism_for(name, login)
    initial = mechanism.initial()
    encoded = None if initial is None else _encoded(initial)
    command = commands.auth(name, encoded)
    # One that is too long answers a challenge instead, which is empty: such a line may be longer (RFC 4954 §4).
    held = encoded if len(command) > commands.LINE_LIMIT else None
    await dialogue.send(commands.auth(name, None) if held else command, "auth", hide=_secrets(encoded, login))
    reply = await dialogue.reply("auth")
    said = ""
    for _ in range(_MAX_CHALLENGES):
        if reply.code != 334:
            break
        if held is not None:
            answer, held = held, None
        else:
            challenge = _decoded(reply)
            if challenge.startswith(b"{"):
                said = f" ({challenge.decode('utf-8', 'replace')})"
            # SCRAM takes up to half a second of work: not in somebody's event loop.
            answer = _encoded(await runtime.call(mechanism.answer, challenge))
        await dialogue.send(commands.auth_line(answer), "auth", hide=_secrets(answer, login))
        reply = await dialogue.reply("auth")
    if reply.code < 400 and reply.code != 235:
        raise ProtocolError(f"the server does not come to an end with AUTH {name}", stage="auth", reply=reply)
    if reply.positive:
        mechanism.verify()
    return reply, said


def _secrets(response: str | None, login: Login) -> tuple[str, ...]:
    return tuple(text for text in (response, login.secret) if text)


def _encoded(response: bytes) -> str:
    return b64encode(response).decode()


def _decoded(reply: Reply) -> bytes:
    try:
        return b64decode(reply.lines[0], validate=True)
    except ValueError:
        # LOGIN's prompts are plain text with some servers, and nothing depends on them.
        return b""


def _no_mechanism(server: Server, capabilities: Capabilities) -> NoCommonMechanism:
    offered = ", ".join(capabilities.mechanisms)
    if "AUTH" not in capabilities:
        return NoCommonMechanism(
            f"{server.address} does not offer log-in here",
            hint="It may offer it on another port (587, 465), or want no user name and password at all.",
        )
    token = server.credentials is not None and server.credentials.token is not None
    needs = "a password (password=...)" if token else "an OAuth 2 access token (token=...)"
    return NoCommonMechanism(
        f"{server.address} offers no log-in that can be used here; it has: {offered or 'none'}",
        hint=f"Only {', '.join(server.mechanisms)} was allowed." if server.mechanisms else f"It may want {needs}.",
    )
