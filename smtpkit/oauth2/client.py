"""A client that keeps its access token until it is about to expire, and gets one at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from smtpkit.errors import InvalidConfiguration, TimedOut
from smtpkit.runtime.driver import run
from smtpkit.runtime.flight import Flight
from smtpkit.runtime.lock import ForkSafeLock
from smtpkit.secret import Secret, not_pickled
from smtpkit.smtp.source import is_async

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from smtpkit.oauth2.answer import Grant
    from smtpkit.runtime.base import Runtime

    Save: TypeAlias = "Callable[[str], object]"

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
        self._lock = ForkSafeLock()

    async def token(self, runtime: Runtime, refused: Secret | None = None) -> Secret:
        """An access token that is good for a while yet, and not ``refused``.

        Raises:
            AuthenticationFailed: the server gives none, and why (RFC 6749 §5.2).
            ConnectFailed, TlsFailed, TimedOut, ProtocolError: it could not be asked.
        """
        grant = self._good(runtime.timestamp(), refused)
        if grant is None or not self._kept:
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

    def _good(self, now: float, refused: Secret | None) -> Grant | None:
        grant = self._grant
        if grant is None or grant.access_token == refused:
            return None
        return grant if grant.expires_at is None or now < grant.expires_at - _LEEWAY else None

    @property
    def _kept(self) -> bool:
        """Whether there is no refresh token that is still to be handed over."""
        return self._save is None or self._refresh_token is None or self._refresh_token == self._saved

    async def _renew(self, runtime: Runtime, refused: Secret | None) -> Grant:
        grant = await runtime.call(self._granted, runtime.timestamp(), refused)
        if not self._kept and is_async(self._save):
            await self._handed_over()
        return grant

    def _granted(self, now: float, refused: Secret | None) -> Grant:
        """Get a new token, if nobody has been faster, and keep what came with it. Blocks.

        It is done here, and under a lock, because who waits for it may be cancelled: a refresh token that was rotated
        would be lost with them, and who takes over would use the old one a second time.
        """
        with self._lock:
            grant = self._good(now, refused)
            if grant is None:
                grant = self._request(now)
                self._refresh_token = grant.refresh_token or self._refresh_token
                self._grant = grant
            if not self._kept and not is_async(self._save):
                run(self._handed_over())
            return grant

    async def _handed_over(self) -> None:
        """Give ``save`` the refresh token. The mail goes out even if that fails."""
        token, save = self._refresh_token, self._save
        assert token is not None
        assert save is not None
        try:
            waiting: Any = save(token.reveal())
            if hasattr(waiting, "__await__"):
                await waiting
        except Exception:
            _log.exception(
                "save= failed: the new refresh token of %r is not kept, and is given again to the next connection", self
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
