"""The HTTP client that msal is handed: `smtpkit.runtime.http`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from smtpkit.errors import AuthenticationFailed
from smtpkit.runtime.http import fetch
from smtpkit.secret import SecretOctets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MsalHttp"]


class _Answer(NamedTuple):
    """An answer, as msal wants it."""

    status_code: int
    headers: Mapping[str, str]
    text: str

    def raise_for_status(self) -> None:
        """Raise for what is no success."""
        if self.status_code >= 400:
            raise AuthenticationFailed(
                f"Microsoft answered HTTP {self.status_code}",
                temporary=self.status_code >= 500 or self.status_code == 429,
            )


class MsalHttp:
    """The HTTP client that msal asks with: ``msal.oauth2cli.http.HttpClient``."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def post(
        self, url: str, params: Any = None, data: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> _Answer:
        body, data = _form(data), None
        return self._fetched(url, params, body, headers)

    def get(self, url: str, params: Any = None, headers: Mapping[str, str] | None = None, **_: Any) -> _Answer:
        return self._fetched(url, params, None, headers)

    def close(self) -> None:
        """There is nothing to close."""

    def _fetched(self, url: str, params: Any, body: SecretOctets | None, headers: Mapping[str, str] | None) -> _Answer:
        from urllib.parse import urlencode

        if params:
            url += f"{'&' if '?' in url else '?'}{urlencode(params)}"
        found = fetch(url, body, dict(headers or {}), self._seconds)
        return _Answer(found.status, found.headers, found.body.decode("utf-8", "replace"))


def _form(data: Any) -> SecretOctets:
    from urllib.parse import urlencode

    if isinstance(data, bytes):
        return SecretOctets(data)
    return SecretOctets((data if isinstance(data, str) else urlencode(data or {})).encode())
