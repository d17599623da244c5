"""The AUTH exchange (RFC 4954)."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, overload

from smtpkit.errors import AuthenticationFailed, NoCommonMechanism, ProtocolError, SmtpkitError
from smtpkit.mime.characters import shown
from smtpkit.reply import Reply
from smtpkit.secret import Secret, SecretOctets
from smtpkit.smtp import commands
from smtpkit.smtp.sasl import Login, mechanism_for, usable_mechanisms
from smtpkit.smtp.server import refuse_unusable

if TYPE_CHECKING:
    from collections.abc import Awaitable

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
        # Whom nobody verified may be an impostor, who is not to be told the password if it can be helped.
        encrypted=dialogue.verified_tls,
        wanted=server.mechanisms,
    )
    if not names:
        raise _no_mechanism(server, capabilities)
    began = runtime.now()
    login = Login(credentials.username, await _secret(credentials, runtime), server.host, server.port)
    failure: AuthenticationFailed | None = None
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
    assert failure is not None
    raise failure


async def _secret(credentials: Credentials, runtime: Runtime) -> Secret:
    if credentials.password is not None:
        return credentials.password
    source = credentials.token
    if isinstance(source, Secret):
        return source
    assert source is not None
    try:
        given = _hidden(await runtime.call(source))
        token = given if isinstance(given, Secret) else _hidden(await given)
        refuse_unusable("token", token)
    except SmtpkitError:
        raise
    except Exception as error:
        raise AuthenticationFailed(f"no access token for {credentials.username}: {error!r}") from error
    assert isinstance(token, Secret)
    return token


def _hidden(token: str | Awaitable[str]) -> Secret | Awaitable[str]:
    return Secret(token) if isinstance(token, str) else token


async def _exchange(dialogue: Dialogue, name: str, login: Login, runtime: Runtime) -> tuple[Reply, str]:
    """One AUTH command, its challenges and its last reply; and what an error challenge said."""
    mechanism = mechanism_for(name, login)
    encoded = _encoded(mechanism.initial())
    command = commands.auth(name, encoded)
    # One that is too long answers a challenge instead, which is empty: such a line may be longer (RFC 4954 §4).
    held = encoded if len(command) > commands.LINE_LIMIT else None
    await dialogue.send(commands.auth(name, None) if held else command, "auth", hide=_secrets(encoded, login))
    reply, challenge = _parted(await dialogue.reply("auth"))
    said = ""
    for _ in range(_MAX_CHALLENGES):
        if challenge is None:
            break
        if held is not None:
            answer, held = held, None
        else:
            said = _complaint(challenge, login) or said
            # SCRAM takes up to half a second of work: not in somebody's event loop.
            answer = _encoded(await runtime.call(mechanism.answer, challenge))
        await dialogue.send(commands.auth_line(answer), "auth", hide=_secrets(answer, login))
        reply, challenge = _parted(await dialogue.reply("auth"))
    if reply.code < 400 and reply.code != 235:
        raise ProtocolError(f"the server does not come to an end with AUTH {name}", stage="auth", reply=reply)
    dialogue.unhide()
    if reply.positive:
        mechanism.verify()
    return reply, said


def _parted(reply: Reply) -> tuple[Reply, SecretOctets | None]:
    """``reply``, and the challenge that was in it, which may repeat the secret; where it is no base64 it is empty."""
    if reply.code != 334:
        return reply, None
    challenge = b""
    # LOGIN's prompts are plain text with some servers, and nothing depends on them.
    with suppress(ValueError):
        challenge = b64decode(reply.lines[0], validate=True)
    return Reply(reply.code), SecretOctets(challenge)


def _complaint(challenge: bytes, login: Login) -> str:
    """What an error challenge says (RFC 7628 §3.2.2)."""
    if not challenge.startswith(b"{"):
        return ""
    text = challenge.decode("utf-8", "replace")
    for secret in _secrets(None, login):
        text = text.replace(secret.reveal(), "***")
    return f" ({shown(text, 500)})"


def _secrets(response: Secret | None, login: Login) -> tuple[Secret, ...]:
    """The forms in which a server may repeat what it was told."""
    secret = login.secret
    forms = (response, _encoded(secret.reveal().encode()), secret)
    return tuple(each for each in forms if each is not None and each.reveal())


@overload
def _encoded(response: bytes) -> Secret: ...
@overload
def _encoded(response: None) -> None: ...
def _encoded(response: bytes | None) -> Secret | None:
    return None if response is None else Secret(b64encode(response).decode())


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
