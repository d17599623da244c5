"""What the caller of a failed send can do about it, as far as the server's reply and the provider tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit import trouble
from smtpkit.errors import AuthenticationFailed, CertificateUntrusted, DeliveryError, UnknownProvider
from smtpkit.providers.hints import find

if TYPE_CHECKING:
    from smtpkit.errors import SmtpkitError
    from smtpkit.providers.hints import Hint
    from smtpkit.providers.provider import Provider
    from smtpkit.smtp.server import Server

__all__ = ["explanation", "provider_at"]

_LOG_IN = (
    "Check user name and password. Many providers take an app password or an OAuth 2 token (token=...) here, "
    "not the account's own password: Mailer.for_provider knows which."
)


_UNKNOWN_ISSUER = {18, 19, 20, 21}
"""X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, _SELF_SIGNED_CERT_IN_CHAIN, _UNABLE_TO_GET_ISSUER_CERT_LOCALLY and
_UNABLE_TO_VERIFY_LEAF_SIGNATURE of OpenSSL."""


def explanation(error: SmtpkitError, provider: Provider | None) -> str | None:
    """The hint that ``error`` is to have: its own, or what is known better here; ``None`` if nothing is known."""
    if isinstance(error, CertificateUntrusted) and provider is not None and provider.kind != "custom":
        # In the error's text is what was shown, and at its cause why it is not trusted.
        unknown = getattr(error.__cause__, "verify_code", None) in _UNKNOWN_ISSUER
        return trouble.intercepted(provider.title) if unknown else error.hint
    if error.hint is not None:
        return error.hint
    found = None if error.reply is None else find(error.reply, provider)
    parts = (*_known(error, found, provider), _later(error, found))
    return " ".join(part for part in parts if part is not None) or None


def provider_at(server: Server | None) -> Provider | None:
    """The provider whose ``server`` this is, if one is known by it."""
    if server is None:
        return None
    from smtpkit.providers import for_host

    username = "" if server.credentials is None else server.credentials.username
    try:
        return for_host(server.host, domain=username.rpartition("@")[2])
    except UnknownProvider:
        return None


def _known(error: SmtpkitError, found: Hint | None, provider: Provider | None) -> tuple[str, ...]:
    if not isinstance(error, AuthenticationFailed):
        return () if found is None else (found.text,)
    wanted = _LOG_IN if provider is None else provider.password_hint
    if found is None or (not found.providers and found.code == 535):
        return (wanted,)
    # What is about the password is not all there is to say: where one is made comes with it.
    told = provider is not None and found.category == "auth" and not found.retryable
    return (found.text, wanted) if told else (found.text,)


def _later(error: SmtpkitError, found: Hint | None) -> str | None:
    if not (isinstance(error, DeliveryError) and error.temporary and error.safe_to_retry):
        return None
    seconds = error.reply.retry_after if error.reply is not None else None
    if seconds is not None:
        return f"This may pass: the same mail can be sent again after {seconds:.0f} seconds."
    if found is not None:
        # It says itself when to try again, or that there is no use in it.
        return None
    return "This may pass: the same mail can be sent again later."
