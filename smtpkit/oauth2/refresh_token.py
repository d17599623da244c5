"""A client that has a refresh token (RFC 6749 §6), without another library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from smtpkit.errors import InvalidConfiguration
from smtpkit.oauth2.answer import grant_of, parsed, refusal
from smtpkit.oauth2.client import Client, given_secret
from smtpkit.runtime.http import endpoint, fetch
from smtpkit.secret import Secret, SecretOctets, hidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.oauth2.answer import Grant
    from smtpkit.oauth2.client import Save

__all__ = ["RefreshToken"]


class RefreshToken(Client):
    """Gets access tokens with a refresh token: for any provider that gives one.

    Args:
        token_url: the token endpoint, an https:// URL; http:// is for this machine alone.
        client_id: of your application, as registered with the provider.
        refresh_token: what the user's log-in gave.
        client_secret: none for a public client (RFC 6749 §2.1).
        scope: scopes, separated by spaces; without them those that the user granted.
        save: called with each new refresh token, before it is used: a function, ``async`` too. Where the provider
            rotates them the old one is good for nothing, and only what is saved works after a restart.
        client_auth: how the client shows its secret (RFC 6749 §2.3.1): ``"post"`` in the body, ``"basic"`` in a header.
        timeout: seconds for a request.

    Raises:
        InvalidConfiguration: an argument that cannot be.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        refresh_token: str,
        *,
        client_secret: str | None = None,
        scope: str | None = None,
        save: Save | None = None,
        client_auth: Literal["post", "basic"] = "post",
        timeout: float = 30.0,
    ) -> None:
        secrets = hidden(refresh_token=refresh_token, client_secret=client_secret)
        refresh_token = client_secret = ""
        super().__init__(save=save, timeout=timeout)
        if client_auth not in ("post", "basic"):
            raise InvalidConfiguration(f"client_auth={client_auth!r}", hint='It is "post" or "basic".')
        self._token_url = endpoint(token_url)
        self._client_id = client_id
        self._client_secret = given_secret("client secret", secrets["client_secret"], optional=True)
        self._refresh_token = self._saved = given_secret("refresh token", secrets["refresh_token"])
        self._scope = scope
        self._basic = client_auth == "basic"

    @classmethod
    def for_provider(
        cls,
        name: str,
        client_id: str,
        refresh_token: str,
        *,
        client_secret: str | None = None,
        save: Save | None = None,
        timeout: float = 30.0,
    ) -> Self:
        """With the token endpoint and scope of a provider of the registry, such as ``"gmail"`` or ``"yahoo"``.

        Raises:
            UnknownProvider: no such name.
            InvalidConfiguration: nothing is known of its OAuth 2, or another argument cannot be.
        """
        from smtpkit.oauth2.registered import registered

        secrets = hidden(refresh_token=refresh_token, client_secret=client_secret)
        refresh_token = client_secret = ""
        known = registered(name)
        return cls(known.token_url, client_id, scope=known.scope, save=save, timeout=timeout, **secrets)

    def _request(self, now: float) -> Grant:
        answer = fetch(self._token_url, self._body(), self._headers(), self._timeout)
        found, host = parsed(answer.body), _host(self._token_url)
        if answer.status != 200 or found is None:
            raise refusal(found, host, answer.status, (self._refresh_token, self._client_secret))
        return grant_of(found, host, now)

    def _body(self) -> SecretOctets:
        from urllib.parse import urlencode

        fields: dict[str, str | Secret | None] = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "scope": self._scope,
        }
        if not self._basic:
            fields |= {"client_id": self._client_id, "client_secret": self._client_secret}
        return SecretOctets(urlencode(_revealed(fields)).encode())

    def _headers(self) -> Mapping[str, str | Secret]:
        headers: dict[str, str | Secret] = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._basic:
            headers["Authorization"] = _basic(self._client_id, self._client_secret)
        return headers

    def __repr__(self) -> str:
        return f"RefreshToken({self._token_url!r}, {self._client_id!r}, ...)"


def _revealed(fields: Mapping[str, str | Secret | None]) -> dict[str, str]:
    return {
        name: each.reveal() if isinstance(each, Secret) else each for name, each in fields.items() if each is not None
    }


def _basic(client_id: str, secret: Secret | None) -> Secret:
    """The header's value: both are encoded as in a form, and then in base64 (RFC 6749 §2.3.1)."""
    from base64 import b64encode
    from urllib.parse import quote_plus

    pair = SecretOctets(f"{quote_plus(client_id)}:{quote_plus(secret.reveal() if secret else '')}".encode())
    return Secret(f"Basic {b64encode(pair).decode()}")


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or url
