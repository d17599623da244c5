"""Google's tokens, by its own library: ``pip install "smtpkit[google]"``.

google-auth asks for tokens through an HTTP client that it is handed. It brings adapters for requests and urllib3, which
it does not depend on; ours hands it `smtpkit.runtime.http`, bounded in time and size, so that neither is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from smtpkit.errors import AuthenticationFailed, InvalidConfiguration, SmtpkitError
from smtpkit.oauth2.answer import Grant, hide, refusal
from smtpkit.oauth2.client import Client, given_secret
from smtpkit.oauth2.registered import registered, scopes_of
from smtpkit.runtime.http import fetch
from smtpkit.secret import Secret, SecretOctets, hidden

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from smtpkit.oauth2.client import Save

__all__ = ["GoogleRefreshToken", "GoogleServiceAccount"]

_HOST = "Google"


class _Google(Client):
    """What both share: google-auth's credentials, made when they are first needed."""

    def __init__(self, *, save: Save | None = None, timeout: float = 30.0) -> None:
        super().__init__(save=save, timeout=timeout)
        self._credentials: Any = None

    def _made(self) -> Any:
        raise NotImplementedError

    def _request(self, now: float) -> Grant:
        if self._credentials is None:
            self._credentials = self._made()
        credentials = self._credentials
        if (failure := _refreshed(credentials, _Request(self._timeout), self._refresh_token)) is not None:
            raise failure
        rotated = getattr(credentials, "refresh_token", None)
        expiry = credentials.expiry
        return Grant(
            Secret(credentials.token),
            None if expiry is None else _since_1970(expiry),
            rotated and hide({"refresh_token": rotated})["refresh_token"],
        )


class GoogleRefreshToken(_Google):
    """For a mailbox whose owner has logged in: an installed app's refresh token.

    Args:
        client_id: of the "Desktop app" in the Google Cloud console.
        client_secret: it, too, is in the console; that of an installed app is no real secret.
        refresh_token: what the user's log-in with the scope ``https://mail.google.com/`` gave.
        save: called with a new refresh token, if Google gives one.
        token_url: another token endpoint than that of the registry.
        timeout: seconds for a request.

    Raises:
        InvalidConfiguration: an argument that cannot be, or google-auth is not installed.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        save: Save | None = None,
        token_url: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        secrets = hidden(refresh_token=refresh_token, client_secret=client_secret)
        refresh_token = client_secret = ""
        super().__init__(save=save, timeout=timeout)
        _library()
        self._client_id = client_id
        self._client_secret = given_secret("client secret", secrets["client_secret"])
        self._refresh_token = self._saved = given_secret("refresh token", secrets["refresh_token"])
        self._token_url = token_url or registered("gmail").token_url

    def _made(self) -> Any:
        from google.oauth2.credentials import Credentials

        made: Callable[..., Any] = Credentials
        return made(
            None,
            refresh_token=self._refresh_token and self._refresh_token.reveal(),
            token_uri=self._token_url,
            client_id=self._client_id,
            client_secret=self._client_secret and self._client_secret.reveal(),
        )


class GoogleServiceAccount(_Google):
    """For the mailboxes of a Google Workspace: a service account with domain-wide delegation, and no user at hand.

    An administrator allows the account's client id the scope ``https://mail.google.com/`` (Admin console: Security,
    API controls, Domain-wide delegation).

    Args:
        key: the path of the account's JSON key file, or what it has in it. The file is read when a token is needed.
        subject: the mailbox to send as; the same as the mailer's user name.
        timeout: seconds for a request.

    Raises:
        InvalidConfiguration: an argument that cannot be, or google-auth is not installed.
    """

    def __init__(self, key: str | os.PathLike[str] | Mapping[str, Any], subject: str, *, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        _library()
        if not subject:
            raise InvalidConfiguration("subject= is missing", hint="It is the address of the mailbox to send as.")
        self._key = key if isinstance(key, str) or hasattr(key, "__fspath__") else _Key(key)
        self._subject = subject

    def _made(self) -> Any:
        from google.oauth2 import service_account

        options: dict[str, Any] = {"scopes": scopes_of("gmail"), "subject": self._subject}
        account: Any = service_account.Credentials
        try:
            if isinstance(self._key, _Key):
                return account.from_service_account_info(self._key.content, **options)
            return account.from_service_account_file(self._key, **options)
        except OSError as error:
            problem = f"cannot read the key file {str(self._key)!r}: {error.strerror}"
        except ValueError:
            problem = "this is no JSON key of a service account"
        raise InvalidConfiguration(problem, hint="Google Cloud console: IAM, Service accounts, Keys, Add key, JSON.")


class _Key:
    """A key, which shows itself in no ``repr``."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __repr__(self) -> str:
        return "<secret>"


class _Answer(NamedTuple):
    """An answer, as google-auth wants it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Request:
    """The HTTP client that google-auth asks for tokens with: ``google.auth.transport.Request``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Answer:
        hidden_body, body = (None if body is None else SecretOctets(body)), None
        found = fetch(url, hidden_body, dict(headers or {}), self._seconds)
        return _Answer(found.status, found.headers, found.body)


def _refreshed(credentials: Any, request: _Request, refresh_token: Secret | None) -> SmtpkitError | None:
    """Get a token. It does not raise: google-auth's own frames have the secrets."""
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials.refresh(request)
    except SmtpkitError as error:
        return error.with_traceback(None)
    except GoogleAuthError as error:
        said: Any = error.args[-1] if error.args else None
        if not hasattr(said, "get"):
            return AuthenticationFailed(f"{_HOST} gave no access token: {type(error).__name__}")
        return refusal(said, _HOST, secrets=[refresh_token])
    return None


def _since_1970(naive: Any) -> float:
    from datetime import UTC

    return float(naive.replace(tzinfo=UTC).timestamp())


def _library() -> None:
    from importlib.util import find_spec

    if find_spec("google") is None or find_spec("google.auth") is None:
        raise InvalidConfiguration("google-auth is not installed", hint='pip install "smtpkit[google]"')
