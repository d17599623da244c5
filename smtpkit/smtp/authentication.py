"""The AUTH exchange (RFC 4954)."""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, overload

from smtpkit.errors import AuthenticationFailed, NoCommonMechanism, ProtocolError
from smtpkit.mime.characters import shown
from smtpkit.reply import Reply
from smtpkit.secret import Secret, SecretOctets
from smtpkit.smtp import commands
from smtpkit.smtp.sasl import Login, mechanism_for, usable_mechanisms

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.credentials import Credentials
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.server import Server

__all__ = ["authenticate"]

_log = logging.getLogger("smtpkit")

_MAX_CHALLENGES = 8
"""No mechanism has more; an endless one is broken off."""

_MECHANISM_NOT_FOR_YOU = (504, 534)
"""The mechanism was refused, not the secret: another one may be tried. After 535 none is, since every try
counts towards a lock-out."""

_REFUSED_BEARER = (
    "The access token may have expired, lack the provider's scope for SMTP, or belong to another mailbox than the user "
    "name says. Clients of smtpkit.oauth2 get a new one when it is time."
)


async def authenticate(dialogue: Dialogue, server: Server, capabilities: Capabilities, runtime: Runtime) -> None:
    """Log in with the first mechanism that both sides have.

    A token that is refused is asked for again where it comes from, and another one is tried, once. A password never is.

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
    secret = await _secret(server, credentials, runtime)
    name, failure = await _log_in(dialogue, server, names, secret, runtime)
    if failure is not None and (renewed := await _renewed(server, credentials, secret, failure, runtime)) is not None:
        name, failure = await _log_in(dialogue, server, [name], renewed, runtime)
    if failure is not None:
        raise failure
    _log.info("logged in to %s as %s with %s", server.address, credentials.username, name)
    if runtime.tell is not None:
        from smtpkit.events import Authenticated

        runtime.tell(Authenticated(server.host, name, credentials.username, runtime.now() - began))


async def _log_in(
    dialogue: Dialogue, server: Server, names: list[str], secret: Secret, runtime: Runtime
) -> tuple[str, AuthenticationFailed | None]:
    """The mechanism that was tried last, and what came of it if the server said no."""
    assert server.credentials is not None
    login = Login(server.credentials.username, secret, server.host, server.port)
    tried, failure = "", None
    for tried in names:
        reply, details = await _exchange(dialogue, tried, login, runtime)
        if reply.positive:
            return tried, None
        doubt = f"; {secret.doubt}" if secret.doubt else ""
        failure = AuthenticationFailed(
            f"{server.address} refused the log-in of {login.username} with {tried}{details}{doubt}",
            reply=reply,
            hint=_REFUSED_BEARER if server.credentials.token is not None and reply.code == 535 else None,
        )
        if reply.code not in _MECHANISM_NOT_FOR_YOU:
            break
    return tried, failure


async def _secret(server: Server, credentials: Credentials, runtime: Runtime) -> Secret:
    given = credentials.token if credentials.password is None else credentials.password
    assert given is not None
    if isinstance(given, Secret):
        return given
    return await given.ask(credentials.username, runtime, server.timeouts.acquire)


async def _renewed(
    server: Server, credentials: Credentials, refused: Secret, failure: AuthenticationFailed, runtime: Runtime
) -> Secret | None:
    """Another token than the one that the server refused, if there is one where it came from."""
    source = credentials.token
    if source is None or isinstance(source, Secret) or failure.reply is None or failure.reply.code != 535:
        return None
    renewed = await source.ask(credentials.username, runtime, server.timeouts.acquire, refused)
    return None if renewed == refused else renewed


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
