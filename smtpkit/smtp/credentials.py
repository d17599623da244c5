"""Who logs in, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern
from smtpkit.secret import Secret
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.smtp.source import Source, TokenClient

__all__ = ["Credentials", "PasswordSource", "TokenSource", "refuse_unusable"]

PasswordSource: TypeAlias = "str | Callable[[], str | Awaitable[str]]"
"""A password, or a function (``async`` too) that is asked for it for each new connection."""

TokenSource: TypeAlias = "str | Callable[[], str | Awaitable[str]] | TokenClient"
"""An OAuth 2 access token; a function (``async`` too) that is asked for one for each new connection; or a client that
gets them, such as those of `smtpkit.oauth2`."""

_NUL = Pattern("[\\0\ud800-\udfff]")
_CONTROLS = Pattern("[\\0-\\x1f\\x7f-\\x9f\ud800-\udfff]")
"""Not in names and tokens, whose parts XOAUTH2 and OAUTHBEARER separate by one of them."""


@value
class Credentials:
    """A user name, and a password or an access token, or where it comes from."""

    username: str
    password: Secret | Source | None
    token: Secret | Source | None

    @classmethod
    def of(
        cls,
        username: str | None,
        password: PasswordSource | Secret | Source | None,
        token: TokenSource | Secret | Source | None,
    ) -> Credentials | None:
        """What was given; ``None`` if nothing was.

        Raises:
            InvalidConfiguration: a part is missing, or there is one too many.
        """
        password = Secret(password) if isinstance(password, str) else password
        token = Secret(token) if isinstance(token, str) else token
        if username is None and password is None and token is None:
            return None
        refuse_unusable("username", username)
        for what, given in (("password", password), ("token", token)):
            if not _asks(what, given):
                refuse_unusable(what, given)
        if username is None:
            raise InvalidConfiguration(
                "a password or token was given, and no username to go with it",
                hint="Give username=..., in the environment SMTP_USERNAME.",
            )
        if (password is None) == (token is None):
            raise InvalidConfiguration(
                f"the username {shown(username)} needs either a password or a token, and got "
                + ("both" if password is not None else "neither"),
                hint="Leave all of them out for a server without log-in.",
            )
        return cls(username, _held("password", password), _held("token", token))

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, {'password' if self.password else 'token'}=***)"


def _asks(what: str, given: object) -> bool:
    """Whether it is to be asked: a function, a `TokenClient` or a `Source` of them."""
    if not callable(getattr(given, "token", None)):
        return callable(given) or callable(getattr(given, "ask", None))
    if what == "password":
        raise InvalidConfiguration("a client for OAuth 2 was given as password", hint="Write token=... instead.")
    return True


def _held(what: str, given: object) -> Secret | Source | None:
    if given is None or isinstance(given, Secret):
        return given
    # Not at import: most passwords are given as they are.
    from smtpkit.smtp.source import Source

    return given if isinstance(given, Source) else Source(what, given)


def refuse_unusable(what: str, given: object) -> None:
    """Raise for a part of the log-in that no mechanism can carry. The text never has its value.

    Raises:
        InvalidConfiguration: it is no text, empty, or has characters that cannot be.
    """
    if given is None:
        return
    if not isinstance(given, (str, Secret)):
        hint = f"Decode it first: {what}.decode()." if isinstance(given, bytes) else None
        raise InvalidConfiguration(f"the {what} is text, and {type(given).__name__} was given", hint=hint)
    if problem := _problem(what, given.reveal() if isinstance(given, Secret) else given):
        raise InvalidConfiguration(f"the {what} {problem[0]}", hint=problem[1])


def _problem(what: str, text: str) -> tuple[str, str | None] | None:
    # It does not raise: what it was given would be in the traceback.
    if not text:
        return "is empty", "Is a variable not set that it comes from? For a server without log-in leave all of it out."
    if _NUL.search(text):
        return "has a NUL or a lone surrogate, which no mechanism can carry", None
    if what != "password" and _CONTROLS.search(text):
        return "has a control character", f"Is there a line end behind it, from a file? Then {what}.strip() helps."
    return None
