"""A client that keeps its access token until it is about to expire, and gets one at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

from smtpkit.errors import InvalidConfiguration, TimedOut
from smtpkit.runtime.flight import Flight
from smtpkit.secret import Secret, not_pickled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from smtpkit.oauth2.answer import Grant
    from smtpkit.runtime.base import Runtime

    Save: TypeAlias = "Callable[[str], Awaitable[None] | None]"

__all__ = ["Client", "given_secret"]

_log = logging.getLogger("smtpkit")

_LEEWAY = 60.0
"""Seconds before it expires in which a token is not used any more: clocks differ, and a log-in takes its time."""


class Client:
    """What the clients of this package share: a `smtpkit.oauth2.TokenClient` for ``token=``.

    One may serve several mailers, threads, tasks and event loops: they share its token, and wait together for the
    next one. It cannot be pickled.
    """

    def __init__(self, *, save: Save | None = None, timeout: float = 30.0) -> None:
        if save is not None and not callable(save):
            raise InvalidConfiguration("save= is a function that takes the new refresh token")
        if not 0 < timeout <= 600:
            raise InvalidConfiguration(f"timeout={timeout!r}: seconds from 0 to 600 are needed")
        self._timeout = timeout
        self._save = save
        self._grant: Grant | None = None
        self._refresh_token: Secret | None = None
        self._saved: Secret | None = None
        self._flight = Flight["Grant"]()

    async def token(self, runtime: Runtime, refused: Secret | None = None) -> Secret:
        """An access token that is good for a while yet, and not ``refused``.

        Raises:
            AuthenticationFailed: the server gives none, and why (RFC 6749 §5.2).
            ConnectFailed, TlsFailed, TimedOut, ProtocolError: it could not be asked.
        """
        grant = self._good(runtime, refused)
        if grant is None:
            try:
                # Twice, so that who comes just before the time-out of another one's request still gets an answer.
                until = runtime.now() + 2 * self._timeout
                grant = await self._flight.join(lambda: self._renew(runtime, refused), runtime, until)
            except TimedOut:
                raise
            except TimeoutError:
                raise TimedOut(
                    "another connection waits for an access token, and it does not come", stage="auth"
                ) from None
        return grant.access_token

    def _good(self, runtime: Runtime, refused: Secret | None) -> Grant | None:
        grant = self._grant
        if grant is None or grant.access_token == refused:
            return None
        fresh = grant.expires_at is None or runtime.timestamp() < grant.expires_at - _LEEWAY
        return grant if fresh else None

    async def _renew(self, runtime: Runtime, refused: Secret | None) -> Grant:
        # Somebody may have been faster.
        grant = self._good(runtime, refused)
        if grant is None:
            grant = self._grant = await runtime.call(self._request, runtime.timestamp())
            if grant.refresh_token is not None:
                self._refresh_token = grant.refresh_token
            await self._keep(runtime)
        return grant

    async def _keep(self, runtime: Runtime) -> None:
        """Hand over a refresh token that is not kept yet. The mail goes out even if that fails."""
        token, save = self._refresh_token, self._save
        if save is None or token is None or token == self._saved:
            return
        try:
            waiting = await runtime.call(lambda: save(token.reveal()))
            if waiting is not None:
                await waiting
        except Exception:
            _log.exception(
                "save= failed, so that the new refresh token of %r is not kept; it is given again with the next token",
                self,
            )
        else:
            self._saved = token

    def _request(self, now: float) -> Grant:
        """Get a new token. Blocks."""
        raise NotImplementedError

    def __reduce__(self) -> NoReturn:
        raise not_pickled(f"a {type(self).__name__}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def given_secret(what: str, given: object, *, optional: bool = False) -> Secret | None:
    """``given`` as a secret.

    Raises:
        InvalidConfiguration: it is missing, empty or no text.
    """
    from smtpkit.smtp.credentials import refuse_unusable

    if given is None and not optional:
        raise InvalidConfiguration(f"the {what} is missing", hint="Is a variable not set that it comes from?")
    refuse_unusable(what, given)
    return Secret(given) if isinstance(given, str) else given if isinstance(given, Secret) else None
