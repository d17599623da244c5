"""From a provider's preset and what its user gave to a transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.providers.capacity import check_connections
from smtpkit.secret import Secret
from smtpkit.transports.smtp import smtp_transport

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Literal

    from smtpkit.mailer.arguments import Limits
    from smtpkit.providers.provider import Endpoint, EndpointSecurity, Provider
    from smtpkit.transports.smtp import SmtpTransport

__all__ = ["limits_for", "preset_transport"]


def preset_transport(
    provider: Provider,
    username: str | None,
    secrets: dict[str, Any],
    *,
    region: str | None,
    domain: str | None,
    security: EndpointSecurity | None,
    options: Mapping[str, Any],
) -> SmtpTransport:
    """The transport for an account at ``provider``. ``secrets`` are hidden.

    Raises:
        InvalidConfiguration: the preset cannot be used with these arguments.
    """
    login = _login(provider, username, secrets)
    if not domain and username and "@" in username:
        domain = username.rpartition("@")[2]
    to = provider.endpoint(security=security, region=region, domain=domain)
    check_connections(provider, options.get("connections"))
    quirks = {quirk.removeprefix("no-"): False for quirk in provider.quirks}
    given = {**quirks, **options, **_log_in_with(provider, secrets, region, to), "username": login}
    return smtp_transport(to.security, to.host, to.port, given)


def limits_for(provider: Provider, limits: Limits | Literal["preset"], path: str | os.PathLike[str] | None) -> Limits:
    """``limits``, or those of ``provider``'s preset, counted in the file ``path`` if there is one.

    Raises:
        InvalidConfiguration: limits of one's own and a path for those of the preset.
    """
    if limits == "preset":
        from smtpkit.limits.preset import preset_limits

        return preset_limits(provider, path=path)
    if path is not None:
        raise InvalidConfiguration(
            "limits_path= is for the preset's limits, and there are others in limits=",
            hint="Give each its own: limits=DailyLimit(500, path=...).",
        )
    return limits


def _login(provider: Provider, username: str | None, secrets: Mapping[str, object]) -> str | None:
    """The user name to log in with, or an error that says what this provider wants."""
    login = provider.login(username)
    if login is None and provider.needs_login:
        raise InvalidConfiguration(
            f"{provider.title} takes mail only after log-in, and no username was given", hint=provider.password_hint
        )
    if login is not None and all(each is None for each in secrets.values()):
        hint = provider.password_hint
        if username is not None and provider.username in ("apikey", "literal"):
            hint = f"That user name is everybody's: give the key as password=... {hint}"
        raise InvalidConfiguration(
            f"the username {shown(login)} needs either a password or a token, and got neither", hint=hint
        )
    return login


def _log_in_with(provider: Provider, secrets: dict[str, Any], region: str | None, to: Endpoint) -> dict[str, Any]:
    """Password and token, in the form that the provider wants."""
    password, token, key = secrets["password"], secrets["token"], secrets.get("secret_access_key")
    if key is not None:
        if password is not None or token is not None:
            raise InvalidConfiguration("secret_access_key= takes the place of password= and token=")
        password = _converted(provider, key, region, to)
    elif isinstance(password, Secret):
        from smtpkit.providers.passwords import fitted

        password = fitted(provider, password)
    elif callable(password):
        from functools import partial

        from smtpkit.providers.passwords import fitted
        from smtpkit.smtp.source import Source

        password = Source("password", password, partial(fitted, provider))
    return {"password": password, "token": token}


def _converted(provider: Provider, key: Secret, region: str | None, to: Endpoint) -> Secret:
    from smtpkit.providers.amazon_ses import smtp_password
    from smtpkit.smtp.credentials import refuse_unusable

    if provider.name != "amazon_ses":
        raise InvalidConfiguration(
            f"{provider.title} has no secret access keys", hint=f"That is Amazon SES. {provider.password_hint}"
        )
    refuse_unusable("secret_access_key", key)
    if region is None:
        known = ", ".join(name for name, _ in provider.regions)
        raise InvalidConfiguration(
            f"secret_access_key= needs region=, since the SMTP password is for one region alone; known: {known}",
            hint='Such as region="eu-west-1": the one in which the sender is verified.',
        )
    return smtp_password(key, next(name for name, host in provider.regions if host == to.host))
