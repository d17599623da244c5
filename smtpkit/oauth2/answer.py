"""What an authorization server answers (RFC 6749 §5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from smtpkit.errors import AuthenticationFailed, ProtocolError
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret
from smtpkit.smtp.credentials import refuse_unusable
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Grant", "grant_of", "parsed", "refusal"]

_HINTS = {
    # RFC 6749 §5.2
    "invalid_grant": "The refresh token or assertion has expired, was withdrawn or belongs to another client: log in "
    "once more to get a new refresh token, and keep each that save= is given.",
    "invalid_client": "Check client id and client secret; a secret may have expired.",
    "unauthorized_client": "The application may not use this way to get tokens: allow it where it is registered.",
    "unsupported_grant_type": "This token endpoint does not do what is asked of it: check its URL.",
    "invalid_scope": "The scope is unknown, or was not allowed when the user logged in.",
    "invalid_request": "Check the URL of the token endpoint, the client id and the scope.",
    # RFC 6749 §4.1.2.1, and RFC 8628 §3.5
    "access_denied": "The user or an administrator did not allow it.",
    "expired_token": "Nobody logged in with the code in time: try again.",
    "temporarily_unavailable": "This may pass.",
    "server_error": "This may pass.",
    # OpenID Connect Core §3.1.2.6
    "interaction_required": "The user has to log in once more, in a browser.",
}

_PASSING = ("temporarily_unavailable", "server_error", "slow_down")


@value
class Grant:
    """An access token, and what came with it."""

    access_token: Secret
    expires_at: float | None
    """Seconds since 1970; ``None`` if the server did not say."""
    refresh_token: Secret | None = None
    """The one to use next time, if it is another one (RFC 6749 §6)."""


def parsed(body: bytes) -> dict[str, Any] | None:
    """The JSON object in ``body``, its secrets hidden; ``None`` if it is none."""
    try:
        found: Any = json.loads(body, object_hook=hide)
    except (ValueError, RecursionError):
        return None
    # An object went through the hook.
    return found if type(found) is dict else None  # pyright: ignore[reportUnknownVariableType]


def hide(answer: Mapping[str, Any]) -> dict[str, Any]:
    """``answer``, its texts as secrets: even a description may repeat one that was sent."""
    return {key: Secret(each) if isinstance(each, str) else each for key, each in answer.items()}


def grant_of(answer: Mapping[str, Any], host: str, now: float) -> Grant:
    """What ``answer`` grants (RFC 6749 §5.1). ``now`` is when it was asked for.

    Raises:
        ProtocolError: there is no token in it that could be used.
    """
    token, kind = answer.get("access_token"), _text(answer.get("token_type")) or "Bearer"
    if not isinstance(token, Secret) or kind.lower() != "bearer":
        raise ProtocolError(f"{host} answered without a bearer token", stage="auth", hint="Is it a token endpoint?")
    refuse_unusable("token", token)
    rotated = answer.get("refresh_token")
    return Grant(token, _expiry(answer.get("expires_in"), now), rotated if isinstance(rotated, Secret) else None)


def _expiry(seconds: object, now: float) -> float | None:
    # Microsoft's first version said it in a string.
    try:
        return None if seconds is None else now + float(_text(seconds))
    except ValueError:
        return None


def refusal(
    answer: Mapping[str, Any] | None, host: str, status: int | None = None, secrets: Iterable[Secret | None] = ()
) -> AuthenticationFailed:
    """What the server's "no" means (RFC 6749 §5.2). It never repeats ``secrets``."""
    answer = answer or {}
    code, description = _text(answer.get("error")), _text(answer.get("error_description"))
    for secret in secrets:
        if secret is not None and secret.reveal():
            code, description = code.replace(secret.reveal(), "***"), description.replace(secret.reveal(), "***")
    said = f"{shown(code)}, {shown(description, 500)}" if description else shown(code) if code else f"HTTP {status}"
    passing = code in _PASSING or (not code and status is not None and (status == 429 or status >= 500))
    hint = _HINTS.get(code)
    if hint is None:
        hint = "This may pass." if passing else "Is it the URL of a token endpoint?" if not code else None
    return AuthenticationFailed(f"{host} gave no access token: {said}", temporary=passing, hint=hint)


def _text(found: object) -> str:
    return found.reveal() if isinstance(found, Secret) else "" if found is None else str(found)
