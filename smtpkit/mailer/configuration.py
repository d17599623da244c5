"""A mailer's configuration in text: URLs and environment variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration, UnknownProvider
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import Tls
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from smtpkit.providers.provider import Provider

__all__ = ["SCHEMES", "Configuration", "provider_of"]

SCHEMES = {"smtp": "starttls", "smtps": "tls", "smtp+plaintext": "plaintext"}
"""URL schemes that name no provider, and the security that each stands for."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*")

_HINT = 'Such as "smtps://user:password@smtp.example.com", or "gmail://me%40gmail.com:password@".'

_ENCODE = "Percent-encode the user name and the password: urllib.parse.quote(password, safe='')."


@value
class Configuration:
    """What a URL or the environment says."""

    scheme: str
    """One of `SCHEMES`, or the name of a provider."""
    host: str | None
    port: int | None
    username: str | None
    password: Secret | None
    options: tuple[tuple[str, Any], ...] = ()
    """Keyword arguments of the mailer and its transport."""

    @classmethod
    def from_url(cls, url: str) -> Configuration:
        """Read a URL. Errors never repeat it: it may have a password.

        Raises:
            InvalidConfiguration: it cannot be read.
        """
        from urllib.parse import parse_qsl

        if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(
                f"a URL is text, and {type(url).__name__} was given",
                hint=f"Is a variable not set that it comes from? {_HINT}",
            )
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
            # With an @ it may be the end of a password that has a question mark.
            _options(
                parse_qsl(parts.query, keep_blank_values=True), secret="@" in parts.query or "token" in parts.query
            ),
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Configuration:
        """Read ``SMTP_URL``, or ``SMTP_HOST`` and the others; and ``SMTP_FROM``.

        Raises:
            InvalidConfiguration: one is missing or cannot be used.
        """
        sender = environ.get("SMTP_FROM")
        more = (("default_from", sender),) if sender else ()
        if url := environ.get("SMTP_URL"):
            found = cls.from_url(url)
            return cls(found.scheme, found.host, found.port, found.username, found.password, found.options + more)
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
        password = environ.get("SMTP_PASSWORD")
        return cls(
            schemes[security],
            host,
            port,
            environ.get("SMTP_USERNAME") or None,
            Secret(password) if password else None,
            more,
        )


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
        hint = _ENCODE
        if scheme.lower() not in SCHEMES:
            provider_of(scheme)
            # What was meant as the password reads as a port if the @ after it is missing.
            hint = f"A provider's URL has no host: end it with @, as in {scheme}://user:password@. {_ENCODE}"
        raise InvalidConfiguration(
            f"the {scheme}:// URL cannot be read: {_without_details(error)}", hint=hint
        ) from None
    if parts.path not in ("", "/") or parts.fragment:
        raise InvalidConfiguration(f"the {scheme}:// URL has a path or fragment", hint=_ENCODE)
    return parts, port


def _decoded(scheme: str, what: str, text: str | None) -> str | None:
    from urllib.parse import unquote

    if not text:
        return None
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidConfiguration(
            f"the {what} in the {scheme}:// URL is not percent-encoded UTF-8", hint=_ENCODE
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


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("not true or false")
    return _BOOLEANS[text.lower()]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_READERS: dict[str, Callable[[str], object]] = {
    "allow_insecure_auth": _boolean,
    "connections": int,
    "default_from": str,
    "domain": str,
    "local_hostname": str,
    "mechanisms": _names,
    "on_partial": str,
    "pipelining": _boolean,
    "region": str,
    "security": str,
    "source_address": str,
    "tls": str,
    "tls.ca_file": str,
    "tls.client_certificate": str,
    "tls.client_key": str,
    "tls.fingerprints": _names,
    "tls.minimum_version": str,
    "token": Secret,
    **{f"timeouts.{name}": float for name in Timeouts.__match_args__},
}


def _options(pairs: list[tuple[str, str]], *, secret: bool) -> tuple[tuple[str, object], ...]:
    """The keyword arguments that the query gives; if it may be ``secret``, errors do not repeat it."""
    options: dict[str, object] = {}
    for key, text in pairs:
        if key not in _READERS:
            which = f"unknown key {'' if secret else shown(key) + ' '}in the URL"
            raise InvalidConfiguration(
                which, hint=f"Known: {', '.join(_READERS)}. {_ENCODE if secret else ''}".rstrip()
            )
        if key in options:
            raise InvalidConfiguration(f"the key {key} is in the URL twice")
        try:
            options[key] = _READERS[key](text)
        except ValueError:
            value = "what it is" if secret else shown(text)
            raise InvalidConfiguration(f"the key {key} of the URL cannot be {value}") from None
    return tuple(_joined(options).items())


def _joined(options: dict[str, object]) -> dict[str, object]:
    """``timeouts.reply`` and ``tls.ca_file`` as the values that they are parts of."""
    joined = {key: each for key, each in options.items() if "." not in key}
    for name, made in (("timeouts", Timeouts), ("tls", Tls)):
        parts: dict[str, Any] = {
            key.partition(".")[2]: each for key, each in options.items() if key.startswith(f"{name}.")
        }
        if parts and name in joined:
            raise InvalidConfiguration(f"the URL has the key {name} and keys that begin with {name}.")
        if parts:
            joined[name] = made(**parts)
    return joined
