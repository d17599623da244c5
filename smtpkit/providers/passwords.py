"""Which password a provider wants, what it looks like, and what was meant by one that looks otherwise.

Only a doubt comes of it: it is logged, and stands in the error if the server refuses the log-in. Nothing is blocked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtpkit.pattern import Pattern
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from smtpkit.providers.provider import PasswordKind, Provider

__all__ = ["fitted", "wanted"]

_GROUPS = Pattern(r"\s*[a-z]{4}(?:[ \u00a0][a-z]{4}){3}\s*\Z")
"""How Google shows an app password: the blanks are for the eye."""


class _Form(NamedTuple):
    """What passwords of a provider look like."""

    pattern: Pattern[str]
    text: str
    source: str


_APP_PASSWORD = _Form(
    Pattern(r"[a-z]{16}\Z"),
    "an app password has 16 lower-case letters, and the password of the account is refused",
    "https://support.google.com/accounts/answer/185833 (16 characters); "
    "https://mailboxtaxi.com/glossary/app-password (lower-case letters; blanks do not count)",
)

_FORMS: dict[str, _Form] = {
    "gmail": _APP_PASSWORD,
    "google_workspace": _APP_PASSWORD,
    "google_workspace_relay": _APP_PASSWORD,
    "sendgrid": _Form(
        Pattern(r"SG\..{66}\Z"),
        'an API key has 69 characters and begins with "SG."',
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys (length); "
        "https://codeopx.com/email/guides/sendgrid (prefix)",
    ),
    # Octet 4 (2 until 2019), then 32 octets of HMAC-SHA256, in base64.
    "amazon_ses": _Form(
        Pattern(r"[AB][A-Za-z0-9+/]{43}\Z"),
        'an SMTP password has 44 characters and begins with "B"; a secret access key, which has 40, is given as '
        "secret_access_key=..., together with region=...",
        "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html",
    ),
}


_MADE: dict[PasswordKind, str] = {
    "app-password": "an app password",
    "api-key": "an API key as password",
    "smtp-password": "a password made for SMTP",
}

_CLIENTS = {
    "oauth2.googleapis.com": "GoogleRefreshToken(...)",
    "login.microsoftonline.com": "MicrosoftDeviceCode(...) in a script, MicrosoftClientCredentials(...) for an "
    "organisation, or MicrosoftRefreshToken(...)",
}
"""The clients of ``smtpkit.oauth2`` for a token endpoint, by its host; `RefreshToken` is for the others."""


def wanted(provider: Provider) -> str:
    """One sentence: which kind of password or token ``provider`` takes, and where it is made."""
    page = provider.app_password_url
    made = f": make one at {page}" if page else f": see {provider.docs_url}" if provider.docs_url else ""
    if provider.password_kind in _MADE:
        return f"{provider.title} takes {_MADE[provider.password_kind]}, not the account's password{made}."
    if provider.password_kind == "oauth2-only":  # noqa: S105
        return f"{provider.title} takes an OAuth2 access token, not a password: pass token={_client(provider)}."
    if page:
        return f"{provider.title} takes the account's password, or with two-factor login an app password{made}."
    return f"{provider.title} takes the mailbox's own password."


def _client(provider: Provider) -> str:
    """What gets tokens for ``provider``."""
    if provider.oauth2 is None:
        return ", such as a RefreshToken(...) of smtpkit.oauth2"
    if "/consumers/" in provider.oauth2.token_url:
        client = 'MicrosoftDeviceCode(..., tenant="consumers")'
    else:
        host = provider.oauth2.token_url.split("/")[2]
        client = _CLIENTS.get(host, f"RefreshToken.for_provider({provider.name!r}, ...)")
    return f" with a client of smtpkit.oauth2: {client}"


def fitted(provider: Provider, password: Secret) -> Secret:
    """``password`` without the blanks that Google shows in an app password; with a doubt if it looks wrong."""
    form = _FORMS.get(provider.name)
    if form is _APP_PASSWORD and _GROUPS.match(password.reveal()):
        return Secret("".join(password.reveal().split()))
    if provider.password_kind == "oauth2-only":  # noqa: S105
        doubt = f"{provider.title} takes OAuth 2 tokens in place of passwords"
    elif form is not None and not form.pattern.match(password.reveal()):
        doubt = f"the password does not look like one for {provider.title}: {form.text}"
    else:
        return password
    # Not at import: it makes no logger.
    import logging

    logging.getLogger("smtpkit").warning("%s (%s)", doubt, provider.password_hint)
    return Secret(password.reveal(), doubt)
