"""A mailer's configuration in text: URLs and environment variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration, UnknownProvider
from smtpkit.mailer.options import ENCODE, options
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from smtpkit.providers.provider import Provider

__all__ = ["LOCAL", "OF_MAILER", "SCHEMES", "Configuration", "provider_of"]

SCHEMES = {"smtp": "starttls", "smtps": "tls", "smtp+plaintext": "plaintext"}
"""URL schemes that name no provider, and the security that each stands for."""

LOCAL = {"file": "format", "console": "stream"}
"""URL schemes that need no server, and the option that each has."""

OF_MAILER = ("default_from", "limits", "on_partial", "redirect_to", "retry")
"""The options that are the mailer's own, and not its transport's."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*")

_HINT = 'Such as "smtps://user:password@smtp.example.com", or "gmail://me%40gmail.com:password@".'


@value
class Configuration:
    """What a URL or the environment says."""

    scheme: str
    """One of `SCHEMES`, the name of a provider, ``file`` or ``console``."""
    host: str | None
    port: int | None
    username: str | None
    password: Secret | None
    options: tuple[tuple[str, Any], ...] = ()
    """Keyword arguments of the mailer and its transport."""
    members: tuple[Configuration, ...] = ()
    """Of a composition, whose name is the scheme: what it is made of."""

    @classmethod
    def from_url(cls, url: str, *, secret: bool = False) -> Configuration:
        """Read a URL, or a composition of several. Errors never repeat it: it may have a password.

        If it may be a piece of a password that has a space, and so all of it ``secret``, not even its keys are told.

        Raises:
            InvalidConfiguration: it cannot be read.
        """
        from smtpkit.mailer.composition import composition_of
        from smtpkit.mailer.local import local_of

        if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(
                f"a URL is text, and {type(url).__name__} was given",
                hint=f"Is a variable not set that it comes from? {_HINT}",
            )
        if (composed := composition_of(url)) is not None:
            return composed
        if (local := local_of(url, secret=secret)) is not None:
            return local
        scheme, colon, _ = url.partition("://")
        if not (colon and _SCHEME.fullmatch(scheme)):
            raise InvalidConfiguration("not a URL: it does not begin with a scheme and ://", hint=_HINT)
        parts, port = _split(scheme, url)
        password = _decoded(scheme, "password", parts.password)
        return cls(
            scheme.lower(),
            parts.hostname,
            port,
            _decoded(scheme, "user name", parts.username),
            None if password is None else Secret(password),
            options(parts.query, secret=secret),
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Configuration:
        """Read ``SMTP_URL``, or ``SMTP_HOST`` and the others; ``SMTP_PASSWORD``, ``SMTP_TOKEN``, ``SMTP_FROM`` and
        ``SMTP_REDIRECT_TO``.

        Raises:
            InvalidConfiguration: one is missing or cannot be used.
        """
        names = {"default_from": "SMTP_FROM", "redirect_to": "SMTP_REDIRECT_TO"}
        more = tuple((name, environ[variable]) for name, variable in names.items() if environ.get(variable))
        if url := environ.get("SMTP_URL"):
            return cls.from_url(url)._completed(environ, more)
        if not (host := environ.get("SMTP_HOST")):
            raise InvalidConfiguration(
                "neither SMTP_URL nor SMTP_HOST is set", hint=f"SMTP_URL is one line of configuration. {_HINT}"
            )
        port = _port(environ.get("SMTP_PORT"))
        security = environ.get("SMTP_SECURITY", "").lower() or ("tls" if port == 465 else "starttls")
        schemes = {name: scheme for scheme, name in SCHEMES.items()}
        if security not in schemes:
            raise InvalidConfiguration(
                f"SMTP_SECURITY is {shown(security)}", hint="It is one of tls (465), starttls (587) and plaintext (25)."
            )
        token = _secret_of(environ, "SMTP_TOKEN")
        return cls(
            schemes[security],
            host,
            port,
            environ.get("SMTP_USERNAME") or None,
            _secret_of(environ, "SMTP_PASSWORD"),
            (*more, ("token", token)) if token else more,
        )

    def _completed(self, environ: Mapping[str, str], more: tuple[tuple[str, Any], ...]) -> Configuration:
        """With what the environment has besides: ``more``, and the password or token if none is there."""
        password = self.password
        if self.members or self.scheme in LOCAL:
            return Configuration(self.scheme, self.host, None, None, None, self.options + more, self.members)
        known = {name for name, _ in self.options} & {"token", "secret_access_key"}
        # A server without log-in is not offered one.
        user = self.username or (self.scheme not in SCHEMES and provider_of(self.scheme).login(None))
        if user and not (password or known):
            password = _secret_of(environ, "SMTP_PASSWORD")
            token = _secret_of(environ, "SMTP_TOKEN")
            more = (*more, ("token", token)) if token else more
        return Configuration(self.scheme, self.host, self.port, self.username, password, self.options + more)


def _secret_of(environ: Mapping[str, str], name: str) -> Secret | None:
    return Secret(environ[name]) if environ.get(name) else None


def provider_of(scheme: str) -> Provider:
    """The provider that a URL's scheme names.

    Raises:
        UnknownProvider: there is none.
    """
    from smtpkit.providers import get

    try:
        return get(scheme)
    except UnknownProvider as error:
        error.hint = "For a host of your own write smtps://user:password@host (port 465) or smtp:// (587)."
        raise


def _split(scheme: str, url: str) -> tuple[SplitResult, int | None]:
    """The parts of ``url``, and its port."""
    from urllib.parse import urlsplit

    try:
        # Providers' names may have an underscore, which urlsplit takes for no scheme.
        parts = urlsplit("smtp" + url[len(scheme) :])
        port = parts.port
    except ValueError as error:
        hint = ENCODE
        if scheme.lower() not in SCHEMES:
            provider_of(scheme)
            # What was meant as the password reads as a port if the @ after it is missing.
            hint = f"A provider's URL has no host: end it with @, as in {scheme}://user:password@. {ENCODE}"
        raise InvalidConfiguration(
            f"the {scheme}:// URL cannot be read: {_without_details(error)}", hint=hint
        ) from None
    if parts.path not in ("", "/") or parts.fragment:
        raise InvalidConfiguration(f"the {scheme}:// URL has a path or fragment", hint=ENCODE)
    return parts, port


def _decoded(scheme: str, what: str, text: str | None) -> str | None:
    from urllib.parse import unquote

    if not text:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidConfiguration(
            f"the {what} in the {scheme}:// URL is not percent-encoded UTF-8", hint=ENCODE
        ) from None


def _without_details(error: ValueError) -> str:
    # The rest of the text may be a part of the password.
    return "the port is no number up to 65535" if str(error).startswith("Port") else "it is not valid"


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise InvalidConfiguration(f"SMTP_PORT is no port number: {shown(text)}")
    return int(text)
