"""The OAuth 2 of the providers in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from smtpkit.providers.provider import OAuth2

__all__ = ["registered", "scopes_of"]


def registered(name: str) -> OAuth2:
    """The endpoints and scope of the provider ``name``.

    Raises:
        UnknownProvider: no such name.
        InvalidConfiguration: nothing is known of its OAuth 2.
    """
    from smtpkit.providers import get

    provider = get(name)
    if provider.oauth2 is None:
        raise InvalidConfiguration(
            f"nothing is known of an OAuth 2 of {provider.title}",
            hint=f"RefreshToken(token_url=...) takes any. {provider.password_hint}",
        )
    return provider.oauth2


def scopes_of(name: str) -> list[str]:
    """The scopes of the provider ``name``, but for what is no right to anything (OpenID Connect Core §11)."""
    return [scope for scope in registered(name).scope.split() if scope != "offline_access"]
