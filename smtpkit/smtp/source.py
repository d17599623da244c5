"""Where a password or token comes from, if it is not given as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard, cast

from smtpkit.errors import AuthenticationFailed, SmtpkitError, TimedOut
from smtpkit.runtime.flight import Flight
from smtpkit.secret import Secret
from smtpkit.smtp.credentials import refuse_unusable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from smtpkit.runtime.base import Runtime

__all__ = ["Source", "TokenClient", "is_async"]

_COROUTINE = 0x80
"""``inspect.CO_COROUTINE``, whose module takes longer to load than all of smtpkit."""


class TokenClient(Protocol):
    """Gets OAuth 2 access tokens, and can be told that one was refused (RFC 6749 §1.2).

    It is asked for each new connection, by one of them at a time in each transport, and so keeps a token that is
    still good. What may block goes through ``runtime.call``; the time is ``runtime.timestamp()``.
    """

    async def token(self, runtime: Runtime, refused: Secret | None = None) -> Secret | str:
        """A token; not ``refused``, which the server did not take, if there can be another."""
        ...


class Source:
    """Asks a function or a `TokenClient`, for one connection at a time: who comes meanwhile gets the same answer."""

    def __init__(self, what: str, given: Any, fit: Callable[[Secret], Secret] | None = None) -> None:
        self._what = what
        self._given = given
        self._fit = fit
        self._last: Secret | None = None
        self._flight = Flight[Secret]()

    async def ask(self, username: str, runtime: Runtime, seconds: float, refused: Secret | None = None) -> Secret:
        """The secret. Whoever waits for the answer to somebody else waits ``seconds``.

        Raises:
            AuthenticationFailed: there is none, and why.
            TimedOut: somebody else did not get the answer in time.
            SmtpkitError: what the source raised.
        """
        if refused is not None and self._last is not None and self._last != refused:
            # Another connection has a newer one already.
            return self._last
        try:
            return await self._flight.join(
                lambda: self._asked(username, runtime, refused), runtime, runtime.now() + seconds
            )
        except TimedOut:
            raise
        except TimeoutError:
            raise TimedOut(
                f"another connection waits for the {self._what} of {username}, and it does not come", stage="auth"
            ) from None

    async def _asked(self, username: str, runtime: Runtime, refused: Secret | None) -> Secret:
        try:
            secret = await self._answer(runtime, refused)
            refuse_unusable(self._what, secret)
        except SmtpkitError:
            raise
        except Exception as error:
            what = "access token" if self._what == "token" else self._what
            temporary = isinstance(error, OSError)  # it did not get through to where secrets are
            raise AuthenticationFailed(f"no {what} for {username}: {error!r}", temporary=temporary) from error
        assert isinstance(secret, Secret)
        self._last = secret if self._fit is None else self._fit(secret)
        return self._last

    async def _answer(self, runtime: Runtime, refused: Secret | None) -> object:
        if _is_client(self._given):
            return _hidden(await self._given.token(runtime, refused))
        if is_async(self._given):
            return _hidden(await self._given())
        answer = _hidden(await runtime.call(self._given))
        return answer if isinstance(answer, Secret) else _hidden(await answer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and (self._what, self._given) == (other._what, other._given)

    def __hash__(self) -> int:
        return hash((self._what, id(self._given)))

    def __repr__(self) -> str:
        return f"Source({self._what!r})"


def _is_client(given: object) -> TypeGuard[TokenClient]:
    return callable(getattr(given, "token", None))


def is_async(given: Any) -> bool:
    """Whether ``given`` is an ``async def``, or has one to be called: it blocks nobody, and needs no thread."""
    kind = cast("type[object]", type(given))
    codes = [getattr(each, "__code__", None) for each in (given, getattr(given, "func", None), kind.__call__)]
    return any(getattr(code, "co_flags", 0) & _COROUTINE for code in codes)


def _hidden(answer: Any) -> Any:
    return Secret(answer) if isinstance(answer, str) else answer
